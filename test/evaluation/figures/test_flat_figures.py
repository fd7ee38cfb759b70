"""One name for each figure."""

from __future__ import annotations

from typing import Any

import pytest

from ewm_ros.evaluation.figures.flat_figures import flat_figures


@pytest.mark.parametrize(
    ("figures", "name"),
    [
        ({"makespan_s": 1.5}, "makespan_s"),
        ({"cycle_ms": {"p99": 1.5}}, "cycle_p99_ms"),
        ({"observe_to_intention_ms": {"p50": 1.5}}, "observe_to_intention_p50_ms"),
        ({"intention_bytes": {"mean": 1.5}}, "intention_bytes_mean"),
        ({"prediction": {"ade_m": 1.5}}, "prediction_ade_m"),
        ({"fleet": {"minimum_separation_m": 1.5}}, "minimum_separation_m"),
        ({"world_model": {"ade_m": {"1s": 1.5}}}, "ade_1s_m"),
        ({"world_model": {"coverage": {"50": 1.5}}}, "coverage_50"),
        ({"communication": {"lost": {"share": 1.5}}}, "lost_share"),
        ({"communication": {"intention_age_ms": {"p95": 1.5}}}, "intention_age_p95_ms"),
        ({"communication": {"bytes_per_s": 1.5}}, "bytes_per_s"),
        ({"coordinator": {"decide_ms": {"p99": 1.5}}}, "decide_p99_ms"),
        ({"coordinator": {"cycle_ms": {"p95": 1.5}}}, "cycle_p95_ms"),
        ({"coordinator": {"shares": {"model": 1.5}}}, "shares_model"),
        ({"arbitrations": {"latency_s": 1.5}}, "arbitrations_latency_s"),
        ({"rule_left_out": {"held_up": 1.5}}, "rule_left_out_held_up"),
    ],
)
def test_a_figure_is_named_by_the_keys_on_the_way_to_it_with_the_unit_at_the_end(
    figures: dict[str, Any], name: str
) -> None:
    assert flat_figures(figures) == {name: 1.5}


def test_what_is_null_as_a_whole_has_the_names_of_its_parts() -> None:
    whole = {"solver": 1.0, "cache": 0.0, "model": 0.0}
    one, other = ({"coordinator": {"shares": shares}} for shares in (whole, None))
    assert flat_figures(one).keys() == flat_figures(other).keys()
    assert set(flat_figures(other).values()) == {None}


def test_of_problems_there_is_the_number_and_topics_are_left_out() -> None:
    figures = {"problems": ["a robot without odometry"], "communication": {"bytes_per_s_by_topic": {"/map": 3.0}}}
    assert flat_figures(figures) == {"problems": 1}


def test_figures_that_are_there_twice_are_named_once() -> None:
    twice = {"cycle_ms": {"p50": 1.0, "p99": 2.0, "max": 3.0}, "coordinator": {"cycle_ms": {"p50": 1.0, "p99": 2.0}}}
    assert flat_figures(twice) == {"cycle_p50_ms": 1.0, "cycle_p99_ms": 2.0, "cycle_max_ms": 3.0}


def test_two_figures_of_one_name_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="success"):
        flat_figures({"success": True, "fleet": {"success": True}})
