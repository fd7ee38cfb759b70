"""Many runs in few figures."""

from __future__ import annotations

from dataclasses import asdict, replace

import pytest

from ewm_ros.evaluation.campaigns.run_summary import as_json, summary
from ewm_ros.evaluation.campaigns.runs import RunResult

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


def test_of_no_runs_there_is_nothing_to_say() -> None:
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
