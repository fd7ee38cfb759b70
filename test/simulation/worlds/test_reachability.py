"""Which places a robot can drive between, on small maps drawn in characters and against the planner itself."""

from __future__ import annotations

import math
from collections import deque

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ewm_ros.errors import InputError
from ewm_ros.planning.route_planner import RoutePlanner
from ewm_ros.simulation.worlds.occupancy import occupancy_grid
from ewm_ros.simulation.worlds.reachability import NOWHERE, areas_of, connected
from ewm_ros.simulation.worlds.shapes import Bounds, Box, Disc, border


class Site:
    """A floor of 6 x 4 m."""

    def __init__(self, *boxes: Box, discs: tuple[Disc, ...] = ()) -> None:
        self.bounds = Bounds((-3.0, 3.0), (-2.0, 2.0))
        self.boxes = (*boxes, *border(self.bounds))
        self.discs = discs


def parted(gap: float) -> Site:
    """A wall across, with a gap in its middle."""
    length = 2.0 - gap / 2
    ends = [
        Box(f"wall_{k}", 0.0, side * (gap / 2 + length / 2), 0.2, length, 0.0, 1.0) for k, side in enumerate((1, -1))
    ]
    return Site(*ends)


def drawn(*rows: str) -> np.ndarray:
    return np.array([[cell == "." for cell in row] for row in rows])


def flooded(free: np.ndarray) -> set[frozenset[tuple[int, int]]]:
    """The areas, found one cell after the other."""
    left = set(map(tuple, np.argwhere(free).tolist()))
    areas = set()
    while left:
        queue = deque([left.pop()])
        area = set(queue)
        while queue:
            row, column = queue.popleft()
            beside = {(row + i, column + j) for i in (-1, 0, 1) for j in (-1, 0, 1)} & left
            left -= beside
            area |= beside
            queue.extend(beside)
        areas.add(frozenset(area))
    return areas


def grouped(labels: np.ndarray) -> set[frozenset[tuple[int, int]]]:
    numbers = range(1, int(labels.max(initial=0)) + 1)
    return {frozenset(map(tuple, np.argwhere(labels == label).tolist())) for label in numbers}


def test_areas_that_touch_by_a_corner_are_one() -> None:
    assert connected(drawn("..#", "##.", "...")).max() == 1
    assert connected(drawn(".#.", ".#.", "##.")).tolist() == [[1, 0, 2], [1, 0, 2], [0, 0, 2]]


def test_what_ends_at_the_edge_of_a_row_does_not_go_on_in_the_next() -> None:
    labels = connected(drawn("###.", "####", ".###"))
    assert (labels[0, 3], labels[2, 0]) == (1, 2)
    assert connected(drawn("##..", "..##")).max() == 1
    assert connected(drawn("###..", "..###")).max() == 2


@pytest.mark.parametrize("value", [True, False])
def test_maps_all_of_one_kind(value: bool) -> None:
    assert (connected(np.full((3, 4), value)) == int(value)).all()


@given(st.integers(1, 9), st.integers(1, 9), st.floats(0.0, 1.0), st.integers(0, 10**6))
def test_areas_are_those_that_a_flood_finds(rows: int, columns: int, share: float, seed: int) -> None:
    free = np.random.default_rng(seed).random((rows, columns)) < share
    assert grouped(connected(free)) == flooded(free)


def test_a_gap_lets_through_who_fits() -> None:
    site = parted(0.9)
    for radius, through in ((0.18, True), (0.3, True), (0.6, False)):
        areas = areas_of(site, radius)
        west, east = areas.at([(-2.0, 0.0), (2.0, 0.0)])
        assert NOWHERE not in (west, east)
        assert (west == east) == through


def test_places_in_walls_too_near_to_them_and_off_the_floor_belong_to_no_area() -> None:
    areas = areas_of(parted(0.9), 0.3)
    assert areas.at([(0.0, 1.0), (-0.3, 1.0), (9.0, 0.0), (0.0, -9.0)]).tolist() == [NOWHERE] * 4
    assert areas.leaving((0.0, 1.0)) == NOWHERE
    assert areas.leaving((9.0, 0.0)) == NOWHERE


def test_who_stands_too_near_to_a_wall_leaves_on_his_own_side() -> None:
    areas = areas_of(parted(0.1), 0.3)
    west, east = areas.at([(-2.0, 0.0), (2.0, 0.0)])
    assert west != east
    assert areas.leaving((-0.35, 1.0)) == west
    assert areas.leaving((0.35, 1.0)) == east


def test_rectangles_hold_the_areas_in_them() -> None:
    areas = areas_of(parted(0.1), 0.3)
    west, east = areas.at([(-2.0, 0.0), (2.0, 0.0)]).tolist()
    assert set(areas.within([((-3.0, -2.0), (3.0, 2.0))])) == {west, east}
    assert set(areas.within([((1.0, -1.0), (2.0, 1.0))])) == {east}
    assert areas.within([((-0.1, -1.0), (0.1, 1.0))]) == {}


def test_discs_part_what_is_left() -> None:
    areas = areas_of(parted(0.9), 0.3)
    closed = areas.without(np.array([[0.0, 0.0]]), np.array([0.6]))
    west, east, middle = closed.at([(-2.0, 0.0), (2.0, 0.0), (0.0, 0.0)])
    assert west != east
    assert middle == NOWHERE
    assert areas.at([(-2.0, 0.0)])[0] == areas.at([(2.0, 0.0)])[0]


def test_the_same_floor_is_mapped_once() -> None:
    assert areas_of(parted(0.9), 0.3) is areas_of(parted(0.9), 0.3)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), radius=st.sampled_from([0.18, 0.3]))
def test_the_planner_finds_a_way_just_where_there_is_one(seed: int, radius: float) -> None:
    rng = np.random.default_rng(seed)
    boxes = [
        Box(f"wall_{k}", *rng.uniform([-3, -2], [3, 2]), *rng.uniform(0.2, 2.5, 2), rng.uniform(0.0, math.pi), 1.0)
        for k in range(6)
    ]
    site = Site(*boxes, discs=(Disc("pillar_0", *rng.uniform([-3, -2], [3, 2]), 0.3, 1.0),))
    planner, areas = RoutePlanner(occupancy_grid(site), radius), areas_of(site, radius)
    points = [(float(x), float(y)) for x, y in rng.uniform([-3, -2], [3, 2], (12, 2))]
    labels = areas.at(points).tolist()
    for (start, a), (goal, b) in zip(
        zip(points, labels, strict=True), zip(points[1:], labels[1:], strict=False), strict=False
    ):
        if a == NOWHERE:
            continue
        try:
            planner.plan(start, goal)
        except InputError:
            assert a != b
        else:
            assert a == b
