"""The files of runs: all of them are known, and they mean the same on a machine that lacks them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from made_up_runs import HALL

from ewm_ros.coordination.arbitration.advice import Advice
from ewm_ros.errors import InputError
from ewm_ros.evaluation.campaigns.run_files import files_of, packed, unpack_once, world_hashes
from ewm_ros.evaluation.campaigns.run_workers import attempt
from ewm_ros.evaluation.campaigns.runs import RunSpec, run
from ewm_ros.evaluation.campaigns.worker_pool import worker_pool
from ewm_ros.evaluation.words.arbiter_spec import ArbiterSpec
from ewm_ros.resources import share

TINYBOT = (share() / "config" / "robots" / "tinybot.yaml").read_text()

OPENED = """
import json, sys
from pathlib import Path
from ewm_ros.evaluation.campaigns.runs import RunSpec, run
from ewm_ros.evaluation.words.arbiter_spec import ArbiterSpec
from ewm_ros.coordination.arbitration.advice import Advice
opened = []
sys.addaudithook(lambda event, args: opened.append(args[0]) if event == "open" else None)
arbiter = ArbiterSpec(Advice(preset=sys.argv[2], url="http://127.0.0.1:9/v1", cache="none"))
arbiter.check({})
run(RunSpec(sys.argv[1], 2, 0, "intention", arbiter=arbiter))
ours = (".yaml", ".json", ".urdf", ".onnx")
print(json.dumps([str(Path(str(name)).absolute()) for name in opened if str(name).endswith(ours)]))
"""


def test_all_that_a_run_reads_is_among_its_files(tmp_path: Path) -> None:
    world = tmp_path / "hall.yaml"
    world.write_text(HALL)
    spec = RunSpec(str(world), 2, 0, "intention", arbiter=ArbiterSpec(Advice()))
    done = subprocess.run(
        [sys.executable, "-c", OPENED, str(world), "vllm"], capture_output=True, text=True, timeout=120, check=True
    )
    opened = {path for path in map(Path, json.loads(done.stdout)) if "site-packages" not in path.parts}
    assert {"hall.yaml", "tinybot.yaml", "tinybot.urdf", "config.json", "integration_config.yaml"} <= {
        path.name for path in opened
    }
    known = {content for file in files_of([spec]) for content in file.files.values()}
    assert [path for path in opened if path.read_bytes() not in known] == []


def test_each_file_is_taken_along_once(tmp_path: Path) -> None:
    specs = [RunSpec(world, 3, seed, "none") for world in ("doorway", "circle") for seed in range(3)]
    names = sorted(f"{file.folder}/{file.asked}" for file in files_of(specs))
    assert names == [
        "config/robots/tinybot",
        "models/robots/tinybot",
        "models/world_model/default",
        "worlds/circle",
        "worlds/doorway",
    ]


def test_a_world_from_a_seed_has_no_file_but_a_hash() -> None:
    files = files_of([RunSpec("procedural-1000003", 3, 0, "none", model="none")])
    assert "worlds" not in {file.folder for file in files}
    assert world_hashes("procedural-1000003") == world_hashes("procedural-1000003")
    assert world_hashes("procedural-1000003").world_sha256 != world_hashes("procedural-1000004").world_sha256


def test_a_machine_that_lacks_the_files_makes_the_same_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "slow.yaml").write_text(TINYBOT.replace("max_speed: ", "max_speed: 0.2 # "))
    (tmp_path / "slow_hall.yaml").write_text(HALL.replace("tinybot", "./slow.yaml"))
    spec = RunSpec("./slow_hall.yaml", 2, 0, "none")
    package, here = packed(files_of([spec])), run(spec)
    for file in tmp_path.glob("*.yaml"):
        file.unlink()
    with worker_pool(1) as pool:  # another machine, as far as it knows
        with pytest.raises(InputError, match=r"slow_hall.yaml' does not exist"):
            pool.submit(attempt, spec).result()
        pool.submit(unpack_once, package).result()
        assert pool.submit(attempt, spec).result() == here


@pytest.mark.parametrize("mode", [0o777, 0o750])
def test_files_are_not_put_where_others_can_see_or_change_them(
    mode: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    folder = tmp_path / f"ewm_ros-{os.getuid()}"
    folder.mkdir()
    folder.chmod(mode)
    package = packed(files_of([RunSpec("doorway", 3, 0, "none", model="none")]))
    with pytest.raises(InputError, match=f"{folder} is not this user's alone: remove it"):
        unpack_once(package)
    assert list(folder.iterdir()) == []
