"""runs.jsonl: what is in it is read as it was written, whatever became of the process that wrote it."""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_runs import HALL, made_up_result

from ewm_ros.errors import InputError
from ewm_ros.evaluation.campaigns.run_facts import facts_of
from ewm_ros.evaluation.campaigns.run_log import LoggedRun, RunLog, read_runs
from ewm_ros.evaluation.campaigns.runs import RunSpec


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> list[LoggedRun]:
    """Three runs."""
    world = tmp_path_factory.mktemp("worlds") / "hall.yaml"
    world.write_text(HALL)
    specs = [RunSpec(str(world), 2, seed, "none", model="none") for seed in range(3)]
    return [LoggedRun(made_up_result(s), f) for s, f in zip(specs, facts_of(specs), strict=True)]


def written(path: Path, runs: list[LoggedRun]) -> bytes:
    log = RunLog(path)
    for run in runs:
        log.append(run)
    log.close()
    return path.read_bytes()


def test_runs_are_read_as_they_were_written(logged: list[LoggedRun], tmp_path: Path) -> None:
    content = written(tmp_path / "runs.jsonl", logged)
    assert read_runs(tmp_path / "runs.jsonl") == logged
    assert content.count(b"\n") == 3
    read = [run.result.realtime_factor for run in read_runs(tmp_path / "runs.jsonl")]
    assert read == [run.result.realtime_factor for run in logged]  # which equality leaves out


def test_a_line_has_the_keys_of_a_result_and_what_it_was_made_of(logged: list[LoggedRun], tmp_path: Path) -> None:
    line = json.loads(written(tmp_path / "runs.jsonl", logged[:1]))
    assert line["trace"] == "none0000"
    assert line["spec"]["faults"] == {"loss": 0.0, "delay": 0.0, "duplication": 0.0}
    assert len(line["spec"]["world_sha256"]) == 64


def test_wherever_a_kill_tears_the_last_line_the_runs_before_it_are_there(
    logged: list[LoggedRun], tmp_path: Path
) -> None:
    path = tmp_path / "runs.jsonl"
    content = written(path, logged)
    before = content.rindex(b"\n", 0, -1) + 1
    for end in range(before, len(content), 37):
        path.write_bytes(content[:end])
        log = RunLog(path)
        assert log.read() == logged[:2]
        log.append(logged[2])
        log.close()
        assert path.read_bytes() == content


@given(st.data())
def test_a_damaged_line_is_named_or_says_the_same(logged: list[LoggedRun], data: st.DataObject) -> None:
    line = bytearray(json.dumps(logged[0].as_json()).encode())
    for place in data.draw(st.lists(st.integers(0, len(line) - 1), min_size=1, max_size=3)):
        line[place] = data.draw(st.integers(0, 255))
    try:
        run = LoggedRun.parse(bytes(line))
    except ValueError:
        return
    assert run.as_json() == json.loads(bytes(line))  # damage that nobody can see: another digit


@pytest.mark.parametrize(
    "line",
    [b"", b"null", b"[]", b"{}", b"[" * 100_000, b'{"spec": {}}', b"\xff", b"\0" * 20],
    ids=["empty", "null", "list", "nothing", "deep", "no spec", "no text", "zeros"],
)
def test_a_line_that_is_no_run_is_named_with_its_file(line: bytes, logged: list[LoggedRun], tmp_path: Path) -> None:
    path = tmp_path / "runs.jsonl"
    content = written(path, logged)
    first, rest = content.split(b"\n", 1)
    path.write_bytes(b"\n".join([first, line, rest]))
    with pytest.raises(InputError, match=r"runs\.jsonl, line 2: no run .*: delete the line") as refused:
        read_runs(path)
    assert len(str(refused.value).splitlines()) == 1


def test_a_line_with_a_key_that_is_not_known_is_no_run(logged: list[LoggedRun]) -> None:
    told = {**logged[0].as_json(), "speed": 3}
    with pytest.raises(ValueError, match="other keys"):
        LoggedRun.parse(json.dumps(told).encode())


def test_one_process_at_a_time_adds_runs_and_a_killed_one_stands_in_nobodys_way(tmp_path: Path) -> None:
    path = tmp_path / "runs.jsonl"
    program = (
        "import sys; from pathlib import Path; from ewm_ros.evaluation.campaigns.run_log import RunLog; "
        "log = RunLog(Path(sys.argv[1])); print('has it', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "has it\n"
        with pytest.raises(InputError, match=f"{tmp_path} cannot be added to .another process is at it.: wait"):
            RunLog(path)
        other.send_signal(signal.SIGKILL)
    RunLog(path).close()


def test_a_full_disk_is_told_and_takes_nothing_that_is_there(logged: list[LoggedRun], tmp_path: Path) -> None:
    path = tmp_path / "runs.jsonl"
    content = written(path, logged[:2])
    log = RunLog(path)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(content) + 100, before[1]))
    try:
        with pytest.raises(InputError, match=r"runs\.jsonl cannot be written .*: make room, and go on"):
            log.append(logged[2])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert path.read_bytes() == content
    log.append(logged[2])
    log.close()
    assert read_runs(path) == logged


def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    (tmp_path / "runs.jsonl").mkdir()
    for attempt in (RunLog, read_runs):
        with pytest.raises(InputError, match=r"runs\.jsonl cannot be"):
            attempt(tmp_path / "runs.jsonl")


def test_not_a_number_is_never_written(logged: list[LoggedRun], tmp_path: Path) -> None:
    log = RunLog(tmp_path / "runs.jsonl")
    with pytest.raises(ValueError, match="JSON"):
        log.append(LoggedRun(replace(logged[0].result, makespan_s=float("nan")), logged[0].facts))
    log.close()
    assert (tmp_path / "runs.jsonl").read_bytes() == b""
