"""What was foreseen, settled and missed, in scenes of two or three robots."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from wire_values import arbitration

from ewm_ros.evaluation.figures.conflict_figures import HINDSIGHT, ConflictFigures
from ewm_ros.messages import Arbitration, Conflict, ConflictKind

ANNA, BERT, CARL = NAMES = ("anna", "bert", "carl")
RADIUS = 0.2  # m; so two middles 0.45 m apart are a near miss
APART, NEAR, TOUCHING = 2.0, 0.45, 0.39  # m between the middles of anna and bert
CROSSING = Conflict(7, ConflictKind.CROSSING, (ANNA, BERT), (1.0, 2.0), (2.0, 3.0), 0.0, 0.0)


def collected() -> ConflictFigures:
    return ConflictFigures(NAMES, [RADIUS] * 3)


def passing(figures: ConflictFigures, *distances: float, begin: float = 0.0) -> None:
    """Anna and Bert at these distances, 0.1 s apart, with Carl far away."""
    for k, distance in enumerate(distances):
        figures.poses(begin + 0.1 * k, np.array([[0.0, 0.0], [distance, 0.0], [50.0, 50.0]]))


def counts(figures: ConflictFigures) -> tuple[object, object, object]:
    told = figures.figures()
    return told["predicted"], told["resolved"], told["missed"]


def answer(stamp: float, source: str = "model", outcome: str = "applied", **about: Any) -> Arbitration:
    """What became of a question about anna's and bert's crossing, in which carl is concerned."""
    return arbitration(outcome=outcome, stamp=stamp, source=source, **{"regions": (7,), "robots": NAMES, **about})


def test_a_conflict_that_ends_with_both_apart_is_resolved() -> None:
    figures = collected()
    figures.conflicts(1.0, [CROSSING])
    figures.conflicts(2.0, [replace(CROSSING, holder=ANNA)])
    passing(figures, APART, APART, begin=2.5)
    figures.conflicts(3.0, [])
    assert counts(figures) == (1, 1, 0)


def test_a_conflict_with_a_near_miss_is_neither_resolved_nor_missed() -> None:
    figures = collected()
    figures.conflicts(1.0, [CROSSING])
    passing(figures, APART, NEAR, APART, begin=1.5)
    figures.conflicts(3.0, [])
    assert counts(figures) == (1, 0, 0)


def test_a_near_miss_of_two_others_takes_nothing_from_it() -> None:
    figures = collected()
    figures.conflicts(1.0, [replace(CROSSING, robots=(BERT, CARL))])
    passing(figures, APART, NEAR, APART, begin=1.5)
    figures.conflicts(3.0, [])
    assert counts(figures) == (1, 1, 1)


def test_a_near_miss_is_missed_unless_its_conflict_was_open_within_the_last_seconds() -> None:
    for later, missed in ((HINDSIGHT - 0.1, 0), (HINDSIGHT + 0.1, 1)):
        figures = collected()
        figures.conflicts(1.0, [CROSSING])
        figures.conflicts(2.0, [])
        passing(figures, NEAR, begin=2.0 + later)
        assert counts(figures) == (1, 1, missed)


def test_a_conflict_that_is_told_of_after_the_near_miss_was_not_predicted_for_it() -> None:
    figures = collected()
    passing(figures, NEAR, APART, begin=1.0)
    figures.conflicts(1.3, [CROSSING])
    assert counts(figures) == (1, 0, 1)


def test_what_is_still_open_at_the_end_has_not_been_resolved() -> None:
    figures = collected()
    figures.conflicts(1.0, [CROSSING, replace(CROSSING, region=8)])
    figures.conflicts(2.0, [CROSSING])
    assert counts(figures) == (2, 1, 0)
    assert figures.figures()["open_at_end"] == 1


def test_the_same_place_counts_again_when_the_robots_come_another_way() -> None:
    figures = collected()
    for k, enter in enumerate((1.0, 5.0)):
        figures.conflicts(10.0 * k, [replace(CROSSING, enter=(enter, 2.0))])
        figures.conflicts(10.0 * k + 5.0, [])
    assert counts(figures) == (2, 2, 0)


def test_a_coordinator_that_is_started_anew_finds_the_same_conflict_again() -> None:
    figures = collected()
    figures.conflicts(1.0, [CROSSING])
    figures.conflicts(2.0, [])
    figures.conflicts(4.0, [CROSSING])
    assert counts(figures) == (1, 0, 0)
    figures.conflicts(5.0, [])
    assert counts(figures) == (1, 1, 0)


def test_a_route_that_changes_while_a_conflict_is_told_of_does_not_make_it_another_one() -> None:
    figures = collected()
    figures.conflicts(1.0, [CROSSING])
    figures.conflicts(1.5, [replace(CROSSING, enter=(0.2, 2.0))])
    figures.conflicts(2.0, [])
    assert counts(figures) == (1, 1, 0)


def test_without_a_coordinator_nothing_is_said_of_conflicts() -> None:
    figures = collected()
    passing(figures, NEAR)
    told = figures.figures()
    assert counts(figures) == (None, None, None)
    assert told["shares"] is None
    assert told["decide_ms"] == {"p50": None, "p95": None, "p99": None}


def test_a_coordinator_that_sees_none_has_predicted_none_and_may_have_missed_some() -> None:
    figures = collected()
    figures.conflicts(0.0, [])
    passing(figures, APART, TOUCHING)
    assert counts(figures) == (0, 0, 1)
    assert figures.figures()["shares"] is None


def test_a_near_miss_counts_once_until_the_two_are_well_apart() -> None:
    figures = collected()
    passing(figures, APART, NEAR, TOUCHING, NEAR, 0.54, NEAR, 0.56, NEAR)
    assert [miss.time for miss in figures.near_misses] == pytest.approx([0.1, 0.7])
    assert (figures.near_misses[0].robots, figures.near_misses[0].x) == ((ANNA, BERT), pytest.approx(NEAR / 2))
    assert figures.minimum_gap == pytest.approx(TOUCHING - 2 * RADIUS)


def test_a_robot_that_has_not_been_heard_is_near_nobody() -> None:
    figures = collected()
    figures.poses(0.0, np.array([[0.0, 0.0], [np.nan, np.nan], [9.0, 0.0]]))
    assert figures.near_misses == []
    assert figures.minimum_gap == pytest.approx(9.0 - 2 * RADIUS)


def test_one_robot_alone_has_no_gap() -> None:
    figures = ConflictFigures(["anna"], [RADIUS])
    figures.poses(0.0, np.zeros((1, 2)))
    assert figures.minimum_gap == np.inf


def test_conflicts_are_settled_by_whose_answer_was_applied() -> None:
    figures = collected()
    figures.conflicts(1.0, [replace(CROSSING, region=region) for region in (7, 8, 9, 10)])
    figures.arbitration(answer(1.2, outcome="asked", source="solver", regions=(8,)))
    figures.arbitration(answer(1.5, "cache", regions=(7,)))
    figures.arbitration(answer(2.0, "model", regions=(7, 9)))
    figures.arbitration(answer(2.5, "cache", regions=(9,)))
    figures.arbitration(answer(2.5, "solver", "stale", regions=(10,)))
    assert figures.figures()["shares"] == {"solver": 0.5, "cache": 0.25, "model": 0.25}


def test_an_answer_settles_only_what_was_open_when_it_was_applied() -> None:
    for stamp, share in ((0.5, 1.0), (2.0, 1.0), (3.5, 0.0), (-1.0, 0.0)):
        figures = collected()
        figures.conflicts(1.0, [CROSSING])
        figures.conflicts(3.0, [])
        figures.arbitration(answer(stamp))
        shares = figures.figures()["shares"]
        assert isinstance(shares, dict)
        assert shares["model"] == share


def test_the_way_out_of_a_deadlock_settles_all_conflicts_of_those_who_are_in_it() -> None:
    figures = collected()
    figures.conflicts(1.0, [CROSSING, replace(CROSSING, region=8, robots=(BERT, CARL))])
    figures.arbitration(answer(2.0, regions=(), robots=(ANNA, BERT)))
    assert figures.figures()["shares"] == {"solver": 0.5, "cache": 0.0, "model": 0.5}


def test_latencies_are_those_of_all_samples() -> None:
    figures = collected()
    figures.cycle([10.0, 20.0])
    figures.cycle([30.0])
    figures.decide([1.0])
    told = figures.figures()
    assert told["cycle_ms"] == {"p50": 20.0, "p95": 29.0, "p99": 29.8}
    assert told["decide_ms"] == {"p50": 1.0, "p95": 1.0, "p99": 1.0}
