"""Regions that routes share: how many, of which kind, and with ids that outlive restarts."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wire_values import Points, route

from ewm_ros.coordination.conflict_space import CELL, ConflictSpace
from ewm_ros.coordination.route_book import RouteBook
from ewm_ros.coordination.shared_regions import shared_regions
from ewm_ros.geometry import Polyline
from ewm_ros.messages import Conflict, ConflictKind

EAST: Points = [(-5.0, 0.0), (5.0, 0.0)]
WEST: Points = [(5.0, 0.0), (-5.0, 0.0)]
NORTH: Points = [(0.0, -5.0), (0.0, 5.0)]
COORDINATE = st.integers(-20, 20).map(lambda dm: dm / 10.0)
WINDING = st.lists(st.tuples(COORDINATE, COORDINATE), min_size=1, max_size=6)


def between(a: Points, b: Points) -> tuple[Conflict, ...]:
    first, second = route("a", a), route("b", b)
    return shared_regions(first, second, ConflictSpace(first.path, second.path, 0.6))


@pytest.mark.parametrize(
    ("other", "kind"),
    [
        (NORTH, ConflictKind.CROSSING),
        (WEST, ConflictKind.HEAD_ON),
        ([(-4.0, 0.1), (6.0, 0.1)], ConflictKind.FOLLOWING),
        ([(5.0, -1.0), (-5.0, 1.0)], ConflictKind.HEAD_ON),
        ([(-5.0, 1.0), (5.0, -1.0)], ConflictKind.FOLLOWING),
    ],
)
def test_the_kind_is_how_the_ways_lie_to_each_other(other: Points, kind: ConflictKind) -> None:
    (region,) = between(EAST, other)
    assert region.kind is kind
    assert region.robots == ("a", "b")


def test_a_crossing_is_entered_before_and_left_after_the_middle() -> None:
    (region,) = between(EAST, NORTH)
    assert (region.x, region.y) == pytest.approx((0.0, 0.0), abs=CELL)
    for enter, leave in zip(region.enter, region.leave, strict=True):
        assert enter == pytest.approx(5.0 - 0.72, abs=2 * CELL)
        assert leave == pytest.approx(5.0 + 0.72, abs=2 * CELL)


def test_lanes_side_by_side_share_nothing() -> None:
    assert between(EAST, [(5.0, 0.9), (-5.0, 0.9)]) == ()


def test_ways_that_meet_twice_share_two_regions_with_ids_of_their_own() -> None:
    there_and_back: Points = [(-3.0, -3.0), (-3.0, 3.0), (3.0, 3.0), (3.0, -3.0)]
    first, second = between(EAST, there_and_back)
    assert first.region != second.region
    assert first.leave[0] < second.enter[0]
    assert (first.x, second.x) == pytest.approx((-3.0, 3.0), abs=CELL)


def test_a_restarted_coordinator_finds_the_same_ids() -> None:
    ids = []
    for first, second in (("a", "b"), ("b", "a")):  # told in another order, asked in another order
        book = RouteBook()
        ways = {"a": route("a", EAST, boot=7, number=9), "b": route("b", NORTH)}
        book.put(ways[first])
        book.put(ways[second])
        ids.append([region.region for region in book.regions(second, first)])
    assert ids[0] == ids[1]
    assert len(ids[0]) == 1


@settings(deadline=None)
@given(st.floats(0.0, 3.5), st.floats(0.0, 3.5))
def test_a_region_keeps_its_id_when_robots_plan_anew_on_their_way_to_it(a: float, b: float) -> None:
    (before,) = between(EAST, NORTH)
    (after,) = between([(-5.0 + a, 0.0), (5.0, 0.0)], [(0.0, -5.0 + b), (0.0, 5.0)])
    assert after.region == before.region
    assert after.enter == pytest.approx((before.enter[0] - a, before.enter[1] - b), abs=2 * CELL)


def test_other_robots_in_the_same_place_have_another_region() -> None:
    first, second, third = route("a", EAST), route("b", NORTH), route("c", NORTH)
    space = ConflictSpace(first.path, second.path, 0.6)
    assert shared_regions(first, second, space)[0].region != shared_regions(first, third, space)[0].region


@settings(deadline=None)
@given(WINDING, WINDING)
def test_regions_are_the_connected_parts_of_the_forbidden_set(a: Points, b: Points) -> None:
    ways = Polyline(a), Polyline(b)
    space = ConflictSpace(*ways, 0.6)
    expected = []
    for rows, columns in flood(space):
        on_a, on_b = rows + space.rows[0], columns + space.columns[0]
        enter = (max((on_a.min() - 0.5) * CELL, 0.0), max((on_b.min() - 0.5) * CELL, 0.0))
        leave = tuple(min((on.max() + 0.5) * CELL, w.length) for on, w in zip((on_a, on_b), ways, strict=True))
        expected.append((*enter, *leave))
    found = [(*region.enter, *region.leave) for region in between(a, b)]
    assert len(found) == len(expected)
    assert np.allclose(sorted(found), sorted(expected))
    assert found == sorted(found, key=lambda region: region[:2])
    assert all(math.isfinite(value) for region in found for value in region)


def flood(space: ConflictSpace) -> list[tuple[np.ndarray, np.ndarray]]:
    """Rows and columns of each connected part (corners touch too), found by flooding."""
    left = set(zip(*np.nonzero(space.forbidden), strict=True))
    parts = []
    while left:
        part, edge = [], [left.pop()]
        while edge:
            row, column = edge.pop()
            part.append((row, column))
            near = {(row + i, column + j) for i in (-1, 0, 1) for j in (-1, 0, 1)} & left
            left -= near
            edge.extend(near)
        rows, columns = np.array(part).T
        parts.append((rows, columns))
    return parts
