"""Runs over Ray: a cluster that is there, one that is started for them, and one that is not there at all."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from made_up_runs import HALL, Deadly
from processes import children, runs, wait_for

from ewm_ros.cli.app import main
from ewm_ros.errors import InputError
from ewm_ros.evaluation.campaigns import ray_pool
from ewm_ros.evaluation.campaigns.ray_pool import RayWorkers
from ewm_ros.evaluation.campaigns.run_workers import run_all
from ewm_ros.evaluation.campaigns.runs import RunSpec, run

pytest.importorskip("ray", reason="without the extra ray")

Capture = pytest.CaptureFixture[str]
SUPPORT = Path(__file__).parents[2] / "support"

# What `ewm run --workers ray` starts, held until nobody holds its standard input.
CLUSTER = """
import os, sys
from pathlib import Path
from ewm_ros.evaluation.campaigns.ray_driver import LOCAL, connected
with connected(LOCAL, Path(sys.argv[1])) as ray:
    print(ray.get_runtime_context().gcs_address, os.environ["RAY_AUTH_TOKEN"], flush=True)
    sys.stdin.read()
"""


@dataclass(frozen=True)
class Cluster:
    """A Ray that somebody else has started."""

    address: str
    token: str


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """One for all tests, since it takes seconds to start."""
    folder = Path(tempfile.mkdtemp(prefix="ewm-cluster-", dir="/tmp"))  # a short name, for Ray's sockets
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(SUPPORT), os.environ.get("PYTHONPATH", "")])}
    with subprocess.Popen(
        [sys.executable, "-c", CLUSTER, str(folder)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=elsewhere, env=environment,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        address, token = process.stdout.readline().split()
        yield Cluster(address, token)
    shutil.rmtree(folder)


@pytest.fixture
def cluster(running: Cluster, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """The same, for a process whose environment says what that of a cluster's user has to."""
    monkeypatch.setenv("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")  # or Ray looks for it at the machine's other address
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("RAY_AUTH_TOKEN", running.token)
    return running


@pytest.fixture
def hall(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A world in the working folder of this process, which no worker of a cluster shares."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hall.yaml").write_text(HALL)
    return "./hall.yaml"


def figures(capfd: Capture, *args: str) -> Any:
    """The runs that a command prints, and it says nothing else; without what depends on the machine."""
    assert main(["run", "--robots", "2", "--policy", "none", "--json", *args]) == 0
    out, err = capfd.readouterr()
    assert (len(out.splitlines()), err) == (1, "")
    return [{**told, "realtime_factor": None} for told in json.loads(out)["runs"]]


@pytest.mark.campaign  # 50 s
def test_a_cluster_makes_the_same_runs_of_files_that_it_has_not_got(
    cluster: Cluster, hall: str, tmp_path: Path, capfd: Capture
) -> None:
    options = ["--worlds", hall, "--seeds", "0-4"]
    straight = figures(capfd, *options, "--workers", "1")
    folder = ["--out", str(tmp_path / "campaign")]
    assert figures(capfd, *options[:2], "--seeds", "3", *folder, "--workers", "1") == straight[3:4]
    assert figures(capfd, *options, *folder, "--workers", f"ray:{cluster.address}") == straight
    assert (tmp_path / "campaign" / "runs.jsonl").read_bytes().count(b"\n") == 5


@pytest.mark.campaign  # the cluster alone takes 7 s to begin
def test_a_worker_that_dies_in_a_run_is_replaced_and_the_run_is_the_same(
    cluster: Cluster, hall: str, tmp_path: Path
) -> None:
    deadly = Deadly(hall, 2, 0, "none", mark=str(tmp_path / "died"))
    assert list(run_all([deadly], RayWorkers(cluster.address))) == [run(RunSpec(hall, 2, 0, "none"))]
    assert (tmp_path / "died").exists()


@pytest.mark.campaign
def test_a_cluster_with_another_version_is_refused(
    cluster: Cluster, hall: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_pool, "__version__", "99.0")
    with pytest.raises(InputError, match=r"--workers ray: the machine \S+ has ewm_ros .*, not 99.0: install the same"):
        list(run_all([RunSpec(hall, 2, 0, "none")], RayWorkers(cluster.address)))


@pytest.mark.parametrize("address", ["127.0.0.1:{port}", "ray://127.0.0.1:{port}"])
def test_an_address_where_nobody_listens_is_told_at_once(address: str, hall: str, capfd: Capture) -> None:
    with socket.socket() as held:  # bound, but nobody listens
        held.bind(("127.0.0.1", 0))
        at = address.format(port=held.getsockname()[1])
        workers = at if at.startswith("ray://") else f"ray:{at}"
        assert main(["run", "--worlds", hall, "--robots", "2", "--workers", workers]) == 2
    out, err = capfd.readouterr()
    told = f"ewm: --workers ray: no Ray cluster at {at} (Connection refused): is it started, and reachable?\n"
    assert (out, err) == ("", told)


def test_somebody_who_does_not_speak_ray_is_not_waited_for_for_ever(
    hall: str, capfd: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_pool, "CONNECTING", 1.0)
    monkeypatch.setattr(ray_pool, "ENDING", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        at = f"127.0.0.1:{silent.getsockname()[1]}"
        assert main(["run", "--worlds", hall, "--robots", "2", "--workers", f"ray:{at}"]) == 2
    assert capfd.readouterr().err == f"ewm: --workers ray: the Ray cluster at {at} has not answered in 1 s\n"


def descendants(pid: int) -> set[int]:
    """All processes that a process has started, and those that these have; without Python's own helper."""
    found = {child for child in children(pid) if b"resource_tracker" not in Path(f"/proc/{child}/cmdline").read_bytes()}
    return found.union(*map(descendants, found))


def listening(pids: set[int]) -> set[str]:
    """The IPv4 addresses (in hexadecimal, mapped ones too) that some processes listen at."""
    links = [os.readlink(file) for pid in pids for file in Path(f"/proc/{pid}/fd").iterdir() if file.is_symlink()]
    sockets = {link.removeprefix("socket:[").removesuffix("]") for link in links if link.startswith("socket:")}
    rows = [row.split() for name in ("tcp", "tcp6") for row in Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
    return {row[1].partition(":")[0][-8:] for row in rows if row[3] == "0A" and row[9] in sockets}


def test_a_ray_of_ones_own_is_private_and_gone_afterwards(
    hall: str, tmp_path: Path, capfd: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    specs = [RunSpec(hall, 2, seed, "none") for seed in range(3)]
    before, folders = descendants(os.getpid()), set(Path("/tmp").glob("ewm-ray-*"))
    made = run_all(specs, RayWorkers())
    results = [next(made)]
    started = descendants(os.getpid()) - before
    assert listening(started) == {"0100007F"}  # 127.0.0.1
    names = {name: pid for pid in started for name in [Path(f"/proc/{pid}/cmdline").read_bytes().partition(b"\0")[0]]}
    (raylet,) = (pid for name, pid in names.items() if name.endswith(b"/raylet"))
    assert b"RAY_USAGE_STATS_ENABLED=0" in Path(f"/proc/{raylet}/environ").read_bytes().split(b"\0")
    own = set(Path("/tmp").glob("ewm-ray-*")) - folders
    results += made
    assert results == list(run_all(specs, 1))
    assert capfd.readouterr() == ("", "")
    wait_for(lambda: not [pid for pid in started if runs(pid)], 60.0)
    assert own
    assert not any(folder.exists() for folder in own)
    assert not (tmp_path / "home" / ".ray").exists()
