"""`ewm run --out`: campaigns as their users meet them, interrupted and killed too."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from made_up_runs import HALL, made_up_result
from processes import children, runs, wait_for

from ewm_ros.cli.app import main
from ewm_ros.evaluation.campaigns import run_workers
from ewm_ros.evaluation.campaigns.runs import RunResult, RunSpec

Capture = pytest.CaptureFixture[str]
SCRIPT = [sys.executable, "-c", "from ewm_ros.cli.app import script; script()"]


@pytest.fixture
def hall(tmp_path: Path) -> str:
    file = tmp_path / "hall.yaml"
    file.write_text(HALL)
    return str(file)


def asked(world: str, *more: str, seeds: str = "0-9") -> list[str]:
    return ["run", "--worlds", world, "--robots", "2", "--seeds", seeds, "--policy", "none", *more]


def timeless(figures: Any) -> Any:
    """Figures without the one that depends on how busy the machine was."""
    if isinstance(figures, dict):
        return {key: timeless(value) for key, value in figures.items() if key != "realtime_factor"}
    return [timeless(value) for value in figures] if isinstance(figures, list) else figures


def printed(capfd: Capture, args: list[str]) -> Any:
    """The one object that a command prints, and it says nothing else."""
    assert main([*args, "--json"]) == 0
    out, err = capfd.readouterr()
    assert (len(out.splitlines()), err) == (1, "")
    return timeless(json.loads(out))


@contextmanager
def started(args: list[str]) -> Iterator[subprocess.Popen[str]]:
    """A command in a process of its own, which is ended if need be."""
    with subprocess.Popen(
        [*SCRIPT, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def lines(folder: Path) -> int:
    log = folder / "runs.jsonl"
    return log.read_bytes().count(b"\n") if log.exists() else 0


def kill_after_some(args: list[str], folder: Path, moment: float) -> int:
    """SIGKILL a campaign so many s after its next run was kept; how many are there then."""
    before = lines(folder)
    with started(args) as process:
        wait_for(lambda: lines(folder) > before, 120.0)
        workers = children(process.pid)
        time.sleep(moment)
        assert process.poll() is None, "it was done before it could be killed"
        process.kill()
    assert process.returncode == -signal.SIGKILL
    wait_for(lambda: not [pid for pid in workers if runs(pid)], 20.0)
    return lines(folder)


def test_a_campaign_that_was_killed_twice_comes_to_the_same_table(hall: str, tmp_path: Path, capfd: Capture) -> None:
    straight = printed(capfd, asked(hall, "--workers", "1"))
    folder = tmp_path / "campaign"
    for _ in range(2):
        moment = random.uniform(0.0, 0.1)
        assert 0 < kill_after_some(asked(hall, "--out", str(folder), "--workers", "1"), folder, moment) < 10
    assert printed(capfd, asked(hall, "--out", str(folder), "--workers", "2")) == straight
    assert lines(folder) == 10


def test_ctrl_c_keeps_what_is_done_and_says_how_to_go_on(hall: str, tmp_path: Path, capfd: Capture) -> None:
    folder = tmp_path / "campaign"
    with started(asked(hall, "--out", str(folder), "--workers", "2", seeds="0-999")) as process:
        wait_for(lambda: lines(folder) > 0, 120.0)
        workers = children(process.pid)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20.0)
    done = lines(folder)
    told = f"ewm: {done} of 1000 runs are in {folder}, and the same command goes on\newm: interrupted\n"
    assert (process.returncode, out, err) == (130, "", told)
    wait_for(lambda: not [pid for pid in workers if runs(pid)], 20.0)
    assert len(printed(capfd, asked(hall, "--out", str(folder), seeds="0"))["runs"]) == 1


def test_a_worker_that_is_killed_ends_it_with_one_line_and_loses_nothing(hall: str, tmp_path: Path) -> None:
    folder = tmp_path / "campaign"
    with started(asked(hall, "--out", str(folder), "--workers", "2", seeds="0-999")) as process:
        wait_for(lambda: lines(folder) > 0, 120.0)
        for pid in children(process.pid):
            if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGKILL)
        out, err = process.communicate(timeout=60.0)
    assert (process.returncode, out, len(err.splitlines())) == (1, "", 1)
    assert "a worker process was killed" in err
    assert f"{lines(folder)} of 1000 runs are in {folder}, and the same command goes on" in err


def test_a_run_that_crashes_is_shown_and_the_others_are_kept(
    hall: str, tmp_path: Path, capfd: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def faulty(spec: RunSpec) -> RunResult:
        return made_up_result(spec, 20.0 if spec.seed != 1 else 1 / 0)

    monkeypatch.setattr(run_workers, "run", faulty)
    args = asked(hall, "--workers", "1", "--json", seeds="0-2")
    assert main([*args, "--out", str(tmp_path / "campaign")]) == 1
    out, err = capfd.readouterr()
    assert out == ""
    *trace, last = err.splitlines()
    assert trace[0] == "Traceback (most recent call last):"
    assert last.startswith(f"ewm: the run of {hall} with 2 robots, seed 1, policy none crashed: ZeroDivisionError")
    assert last.endswith("; 2 of 3 runs are in " + str(tmp_path / "campaign") + ", and the same command goes on")
    assert main(args) == 1
    assert "seed 1, policy none crashed" in capfd.readouterr().err.splitlines()[-1]
    monkeypatch.undo()
    assert len(printed(capfd, [*args[:-1], "--out", str(tmp_path / "campaign")])["runs"]) == 3


def test_the_table_of_a_campaign_is_that_of_its_runs(
    hall: str, tmp_path: Path, capfd: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_workers, "run", made_up_result)
    args = asked(hall, "--workers", "1")
    assert main(args) == 0
    straight = capfd.readouterr().out
    for _ in range(2):
        assert main([*args, "--out", str(tmp_path / "campaign")]) == 0
        assert capfd.readouterr().out == straight
    assert "10 runs" in straight


@pytest.mark.parametrize(
    ("workers", "culprit"),
    [
        ("some", "--workers 'some': write auto or a number of processes, or ray, or ray:ADDRESS"),
        ("0", "--workers '0'"),
        ("ray:", "'' is no address of a Ray cluster"),
        ("ray:head", "'head' is no address"),
        ("ray:head:port", "'head:port' is no address"),
        ("ray:http://head:8265", "'http://head:8265' is no address"),
        ("ray://head", "'ray://head' is no address"),
        ("ray:[::1:6379", "is no address"),
    ],
)
def test_workers_that_nobody_can_be_are_refused(workers: str, culprit: str, hall: str, capfd: Capture) -> None:
    if workers.startswith("ray"):
        pytest.importorskip("ray", reason="without Ray it says that instead")
    assert main(asked(hall, "--workers", workers)) == 2
    out, err = capfd.readouterr()
    assert (out, len(err.splitlines())) == ("", 1)
    assert culprit in err


def test_without_ray_one_line_says_what_to_install(hall: str, monkeypatch: pytest.MonkeyPatch, capfd: Capture) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    assert main(asked(hall, "--workers", "ray")) == 2
    assert capfd.readouterr() == ("", "ewm: --workers ray needs Ray: pip install 'ewm-ros[ray]'\n")


def test_a_folder_that_cannot_be_gone_on_with_is_told_in_one_line(hall: str, tmp_path: Path, capfd: Capture) -> None:
    folder = tmp_path / "campaign"
    printed(capfd, asked(hall, "--out", str(folder), seeds="0"))
    Path(hall).write_text(HALL + "time_limit: 9\n")
    assert main(asked(hall, "--out", str(folder), seeds="0")) == 2
    out, err = capfd.readouterr()
    assert (out, len(err.splitlines())) == ("", 1)
    assert f"{folder}/campaign.json: the world 'hall' changed" in err


@pytest.mark.campaign
def test_sixty_runs_killed_twice_come_to_the_same_table_and_through_a_local_ray_too(
    tmp_path: Path, capfd: Capture
) -> None:
    pytest.importorskip("ray")
    sixty = ["run", "--worlds", "circle,intersection", "--robots", "3", "--seeds", "0-14", "--policy", "intention,none"]
    straight = printed(capfd, sixty)
    assert len(straight["runs"]) == 60
    for workers in ("auto", "ray"):
        folder = tmp_path / workers
        args = [*sixty, "--out", str(folder), "--workers", workers]
        for _ in range(2):
            assert 0 < kill_after_some(args, folder, random.uniform(0.0, 20.0)) < 60
        assert printed(capfd, args) == straight
        assert lines(folder) == 60
