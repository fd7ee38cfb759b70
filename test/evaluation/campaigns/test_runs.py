"""Runs judged; the number of workers changes nothing."""

from __future__ import annotations

import math
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from ewm_ros.errors import InputError
from ewm_ros.evaluation.campaigns.run_workers import run_all
from ewm_ros.evaluation.campaigns.runs import RunSpec, free_flow_arrivals, run

TINY = """
name: tiny
bounds: {x: [-3, 3], y: [-2, 2]}
robots:
  model: tinybot
  count: {min: 1, max: 2, default: 2}
  starts: [[-2, 0.8, 0], [2, -0.8, 3.14]]
  goals: [[0, 0.8], [0, -0.8]]
"""


@pytest.fixture
def tiny(tmp_path: Path) -> str:
    file = tmp_path / "tiny.yaml"
    file.write_text(TINY)
    return str(file)


def test_a_run_is_judged_and_measured_against_each_robot_alone(tiny: str) -> None:
    result = run(RunSpec(tiny, 2, 3, "none"))
    assert (result.world, result.robots, result.seed, result.policy) == ("tiny", 2, 3, "none")
    assert (result.success, result.reached, result.collisions, result.deadlocks) == (True, 2, 0, 0)
    alone = free_flow_arrivals(RunSpec(tiny, 2, 3, "intention"))
    assert result.makespan_s == pytest.approx(max(alone), abs=1e-3)  # they do not meet: nobody waits for anybody
    assert result.sum_of_delays_s == pytest.approx(0.0)
    assert result.simulated_s > result.makespan_s
    assert result.realtime_factor > 0.0
    assert len(result.trace) == 16


def test_listening_at_the_start_is_part_of_the_delay(tiny: str) -> None:
    result = run(RunSpec(tiny, 2, 3, "intention"))
    assert result.success
    assert result.sum_of_delays_s is not None
    assert 2.0 < result.sum_of_delays_s < 10.0


def test_the_number_of_workers_changes_neither_results_nor_their_order(tiny: str) -> None:
    specs = [RunSpec(tiny, 2, seed, "none") for seed in (5, 4)]
    assert list(run_all(specs, workers=1)) == list(run_all(specs, workers=2))
    assert [result.seed for result in run_all(specs, workers=1)] == [5, 4]


def test_of_no_specs_there_are_no_results() -> None:
    assert list(run_all([], workers=2)) == []


@pytest.mark.parametrize(
    ("change", "culprit"),
    [({"policy": "luck"}, "luck"), ({"world": "mars"}, "mars"), ({"robots": 0}, "not 0"), ({"seed": -1}, "-1")],
)
def test_what_cannot_be_run_is_found_out_before(change: dict[str, object], culprit: str) -> None:
    spec = replace(RunSpec("doorway", 3, 1, "intention"), **change)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=culprit):
        spec.check()


def test_figures_are_numbers(tiny: str) -> None:
    result = run(RunSpec(tiny, 1, 0, "none"))
    assert all(math.isfinite(value) for value in asdict(result).values() if isinstance(value, float))
