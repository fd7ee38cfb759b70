"""Many runs at once: in order, whoever makes them, and what becomes of them when something goes wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_up_runs import HALL, Clerks, Deadly, made_up_result

from ewm_ros.errors import InputError
from ewm_ros.evaluation.campaigns import run_workers
from ewm_ros.evaluation.campaigns.run_workers import Crash, Processes, RunCrashed, WorkersLost, attempt, run_all
from ewm_ros.evaluation.campaigns.runs import RunResult, RunSpec


@pytest.fixture
def specs(tmp_path: Path) -> list[RunSpec]:
    world = tmp_path / "hall.yaml"
    world.write_text(HALL)
    return [RunSpec(str(world), 2, seed, "none") for seed in range(4)]


def test_results_are_in_the_order_of_the_specs_whoever_is_done_first(specs: list[RunSpec]) -> None:
    assert list(run_all(specs, Clerks())) == [made_up_result(spec) for spec in specs]


def test_each_result_comes_as_soon_as_those_before_it_are_there(specs: list[RunSpec]) -> None:
    asked: list[RunSpec] = []

    def note(spec: RunSpec) -> RunResult:
        asked.append(spec)
        return made_up_result(spec)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_workers, "run", note)
        assert next(run_all(specs, 1)) == made_up_result(specs[0])
    assert asked == specs[:1]


def test_a_fault_of_the_program_ends_one_run_and_says_where_it_is(
    specs: list[RunSpec], monkeypatch: pytest.MonkeyPatch
) -> None:
    def faulty(spec: RunSpec) -> RunResult:
        return made_up_result(spec) if spec.seed != 1 else made_up_result(spec, 1 / 0)

    monkeypatch.setattr(run_workers, "run", faulty)
    outcomes = dict(Processes(1).run(specs))
    assert [index for index, outcome in outcomes.items() if isinstance(outcome, Crash)] == [1]
    crash = outcomes[1]
    assert isinstance(crash, Crash)
    assert crash.told.startswith("ZeroDivisionError: division by zero (run_workers.py, line ")
    assert "in faulty" in crash.trace
    with pytest.raises(RunCrashed, match=r"hall.yaml with 2 robots, seed 1, policy none crashed: ZeroDivisionError"):
        list(run_all(specs, 1))


def test_what_the_user_got_wrong_is_no_crash(specs: list[RunSpec]) -> None:
    with pytest.raises(InputError, match="takes 1 to 2 robots, not 3"):
        attempt(RunSpec(specs[0].world, 3, 0, "none"))


def test_a_killed_worker_is_told_in_one_line(specs: list[RunSpec]) -> None:
    deadly = [Deadly(spec.world, 2, spec.seed, "none") for spec in specs[:2]]
    with pytest.raises(WorkersLost, match="a worker process was killed, perhaps for lack of memory"):
        list(run_all(deadly, 2))


def test_nobody_is_needed_for_no_runs() -> None:
    assert list(Processes(8).run([])) == []
