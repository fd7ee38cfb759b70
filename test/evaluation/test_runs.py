"""Runs judged and summed up; the number of workers changes nothing."""

from __future__ import annotations

import math
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from ewm_ros.errors import InputError
from ewm_ros.evaluation.runs import RunResult, RunSpec, as_json, free_flow_arrivals, run, run_all, summary

TINY = """
name: tiny
bounds: {x: [-3, 3], y: [-2, 2]}
robots:
  model: tinybot
  count: {min: 1, max: 2, default: 2}
  starts: [[-2, 0.8, 0], [2, -0.8, 3.14]]
  goals: [[0, 0.8], [0, -0.8]]
"""

RESULT = RunResult(
    world="tiny",
    robots=2,
    seed=0,
    policy="intention",
    success=True,
    reached=2,
    collisions=0,
    near_misses=1,
    deadlocks=0,
    deadlocks_left=0,
    makespan_s=10.0,
    makespan_ratio=1.25,
    sum_of_delays_s=2.0,
    prediction_accuracy=0.9,
    orders_per_minute=None,
    rule_passages=None,
    rule_compliant=None,
    rule_left_out=None,
    arbitrations=None,
    simulated_s=11.0,
    trace="0",
    realtime_factor=20.0,
)
FAILED = replace(
    RESULT, seed=1, success=False, reached=1, collisions=2, deadlocks=1, deadlocks_left=1, makespan_s=None,
    makespan_ratio=None, sum_of_delays_s=None,    prediction_accuracy=0.5,
)  # fmt: skip


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
    assert summary([]) == []


def test_the_summary_has_a_row_for_each_world_and_policy() -> None:
    rows = summary([RESULT, FAILED, replace(RESULT, policy="none"), replace(RESULT, world="other")])
    assert [(row["world"], row["policy"], row["runs"]) for row in rows] == [
        ("tiny", "intention", 2),
        ("tiny", "none", 1),
        ("other", "intention", 1),
    ]


def test_the_summary_counts_and_means_over_the_runs_that_have_a_figure() -> None:
    (row,) = summary([RESULT, FAILED])
    assert row["success_rate"] == 0.5
    assert row["reached_rate"] == 0.75
    assert (row["collisions"], row["near_misses"], row["deadlocks"]) == (2, 2, 1)
    assert (row["makespan_s"], row["makespan_ratio"], row["sum_of_delays_s"]) == (10.0, 1.25, 2.0)
    assert (row["deadlocks"], row["deadlocks_left"]) == (1, 1)
    assert row["prediction_accuracy"] == pytest.approx(0.7)
    (row,) = summary([FAILED])
    assert row["makespan_s"] is None


def test_the_realtime_factor_is_of_all_time_simulated_and_makes_no_two_runs_different() -> None:
    slower = replace(RESULT, realtime_factor=5.0)
    assert slower == RESULT
    (row,) = summary([RESULT, slower])
    assert row["realtime_factor"] == 8.0  # 22 s in 11 / 20 + 11 / 5 s


def test_rules_are_kept_by_the_share_of_all_passages_and_nothing_is_said_where_none_are_expected() -> None:
    kept = replace(RESULT, rule_passages=3, rule_compliant=3, rule_left_out={})
    broken = replace(RESULT, rule_passages=1, rule_compliant=0, rule_left_out={"elsewhere": 2})
    (row,) = summary([kept, broken])
    assert (row["rule_passages"], row["rule_compliance"]) == (4, 0.75)
    (row,) = summary([replace(broken, rule_passages=0)])
    assert (row["rule_passages"], row["rule_compliance"]) == (0, None)
    (row,) = summary([RESULT, FAILED])
    assert (row["rule_passages"], row["rule_compliance"], row["arbitrations"]) == (None, None, None)


def test_questions_are_summed_by_what_became_of_them() -> None:
    asked = replace(RESULT, arbitrations={"asked": 3, "applied": 2, "late": 0, "latency_s": 0.2})
    (row,) = summary([asked, asked, RESULT])
    assert row["arbitrations"] == {"asked": 6, "applied": 4, "late": 0}


def test_the_json_holds_every_run_and_the_summary() -> None:
    figures = as_json([RESULT, FAILED])
    assert figures == {"runs": [asdict(RESULT), asdict(FAILED)], "summary": summary([RESULT, FAILED])}


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
