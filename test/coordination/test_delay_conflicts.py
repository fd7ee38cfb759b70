"""Forbidden delay differences against robots that are driven with these delays, in small steps."""

from __future__ import annotations

import numpy as np
import pytest
from driven import places
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ewm_ros.coordination.delay_conflicts import DelayConflicts, delay_conflicts
from ewm_ros.coordination.kept_distance import kept_distance
from ewm_ros.coordination.timed_route import timed_route
from ewm_ros.geometry import FloatArray, Polyline

SPEED, ACCELERATION = 0.5, 0.75
DISTANCE = 0.8
STEP = 0.02  # s
COORDINATE = st.integers(-20, 20).map(lambda dm: dm / 10.0)
PATH = st.lists(st.tuples(COORDINATE, COORDINATE), min_size=1, max_size=4).map(Polyline)

EAST = Polyline([[-5.0, 0.0], [5.0, 0.0]])
WEST = Polyline([[5.0, 0.0], [-5.0, 0.0]])
NORTH = Polyline([[0.0, -5.0], [0.0, 5.0]])


def of(*paths: Polyline, distance: float = DISTANCE) -> DelayConflicts:
    """Conflicts of robots that stand at the beginnings of their paths."""
    routes = [timed_route(path, SPEED, ACCELERATION) for path in paths]
    return delay_conflicts(routes, np.full((len(paths), len(paths)), distance))


def intervals(conflicts: DelayConflicts, i: int, j: int) -> list[tuple[float, float]]:
    """The forbidden intervals of a pair."""
    both = zip(conflicts.low[i, j].tolist(), conflicts.high[i, j].tolist(), strict=True)
    return [(low, high) for low, high in both if low < high]


def closest(a: Polyline, b: Polyline, delays: tuple[float, float]) -> float:
    """m between two robots at the worst moment."""
    times = np.arange(0.0, max(delays) + 40.0, STEP)
    gap = [places(path, times - delay, SPEED, ACCELERATION) for path, delay in zip((a, b), delays, strict=True)]
    return float(np.hypot(*(gap[0] - gap[1]).T).min())


def test_robots_that_cross_may_pass_one_after_the_other_either_way() -> None:
    ((low, high),) = intervals(of(EAST, NORTH), 0, 1)
    # Two discs on lines at right angles touch when they are a diagonal apart in either direction.
    assert (low, high) == pytest.approx((-DISTANCE * 2**0.5 / SPEED, DISTANCE * 2**0.5 / SPEED), abs=0.01)


def test_who_follows_keeps_behind_and_cannot_come_first_where_the_other_stands() -> None:
    ahead = Polyline([[-3.0, 0.0], [9.0, 0.0]])
    ((low, high),) = intervals(of(EAST, ahead), 0, 1)
    assert low == -np.inf or high == np.inf  # one of the two orders only
    assert closest(EAST, ahead, (0.0, 0.0)) >= DISTANCE
    assert not low < 0.0 < high


def test_robots_nose_to_nose_are_named_as_impossible() -> None:
    conflicts = of(EAST, WEST, NORTH)
    assert intervals(conflicts, 0, 1) == [(-np.inf, np.inf)]
    assert conflicts.impossible() == [(0, 1)]
    assert conflicts.without([(0, 1)]).impossible() == []


def test_who_comes_to_stand_in_the_way_comes_last() -> None:
    into_the_crossing = Polyline([[-5.0, 0.0], [0.0, 0.0]])
    ((low, high),) = intervals(of(into_the_crossing, NORTH), 0, 1)
    assert low == -np.inf and 0.0 < high < 5.0


def test_who_stands_in_the_way_leaves_first() -> None:
    out_of_the_crossing = Polyline([[0.0, 0.0], [5.0, 0.0]])
    ((low, high),) = intervals(of(out_of_the_crossing, NORTH), 0, 1)
    assert high == np.inf and 3.0 < low < 10.0


def test_robots_that_meet_in_two_places_have_two_intervals() -> None:
    around = Polyline([[-5.0, 0.0], [-1.5, 0.0], [-1.5, 6.0], [1.5, 6.0], [1.5, 0.0], [5.0, 0.0]])
    through = Polyline([[-5.0, 3.0], [5.0, 3.0]])
    assert len(intervals(of(around, through), 0, 1)) == 2


def test_robots_far_apart_have_nothing_to_do_with_each_other() -> None:
    far = Polyline([[-5.0, 9.0], [5.0, 9.0]])
    conflicts = of(EAST, far, NORTH, Polyline([[20.0, 0.0]]))
    assert [group.tolist() for group in conflicts.groups()] == [[0, 2], [1], [3]]
    assert conflicts.violated(np.array([0.0, 0.0, 1.0, 0.0])) == [(0, 2)]
    assert conflicts.violated(np.array([0.0, 0.0, 9.0, 0.0])) == []
    assert conflicts.subset(np.array([1, 2])).meeting().any() == np.False_


def test_an_order_that_is_asked_for_leaves_only_its_side_of_the_conflict() -> None:
    conflicts = of(EAST, NORTH)
    ((low, high),) = intervals(conflicts, 0, 1)
    assert intervals(conflicts.ordered([(1, 0)]), 0, 1) == [(-np.inf, pytest.approx(high))]
    assert intervals(conflicts.ordered([(0, 1)]), 0, 1) == [(pytest.approx(low), np.inf)]


@settings(deadline=None, max_examples=150)
@given(PATH, PATH, st.floats(-12.0, 12.0))
def test_delays_outside_the_intervals_keep_two_robots_apart(a: Polyline, b: Polyline, difference: float) -> None:
    conflicts = of(a, b)
    allowed = not any(low < difference < high for low, high in intervals(conflicts, 0, 1))
    gap = closest(a, b, (max(difference, 0.0), max(-difference, 0.0)))
    if allowed:
        assert gap >= DISTANCE - 1e-9


@settings(deadline=None, max_examples=150)
@given(PATH, PATH, st.data())
def test_delays_inside_the_intervals_do_not(a: Polyline, b: Polyline, data: st.DataObject) -> None:
    found = intervals(of(a, b), 0, 1)
    assume(found)
    low, high = data.draw(st.sampled_from(found))
    low, high = max(low, -12.0), min(high, 12.0)
    assume(low < high)
    difference = data.draw(st.floats(low, high))
    # The slack of both routes and what two robots drive in a step.
    margin = 2.0 * 0.02 + 2.0 * SPEED * STEP
    assert closest(a, b, (max(difference, 0.0), max(-difference, 0.0))) < DISTANCE + margin


@settings(deadline=None, max_examples=50)
@given(st.lists(PATH, min_size=2, max_size=4))
def test_both_halves_say_the_same(paths: list[Polyline]) -> None:
    conflicts = of(*paths)
    for i in range(len(paths)):
        assert intervals(conflicts, i, i) == []
        for j in range(i):
            assert sorted(intervals(conflicts, i, j)) == sorted(
                (-high, -low) for low, high in intervals(conflicts, j, i)
            )


@pytest.mark.parametrize("speed", [0.0, 0.5])
def test_robots_that_are_too_close_already_are_kept_as_far_apart_as_they_are(speed: float) -> None:
    apart = Polyline([[0.0, 0.0], [-6.0, 0.0]]), Polyline([[0.7, 0.0], [6.0, 0.0]])
    routes = [timed_route(path, SPEED, ACCELERATION, speed=speed) for path in apart]
    wanted: FloatArray = np.full((2, 2), DISTANCE)
    assert delay_conflicts(routes, wanted).impossible() == [(0, 1)]
    kept = kept_distance(routes, wanted)
    assert kept[0, 1] == kept[1, 0] < 0.7
    assert wanted[0, 1] == DISTANCE
    assert delay_conflicts(routes, kept).violated(np.zeros(2)) == []
