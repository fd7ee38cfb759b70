"""What the route planner is built from, against slow and simple answers."""

from __future__ import annotations

import heapq
import math
from itertools import pairwise

import numpy as np
import pytest
from drawn_rooms import cluttered_room, flooded, neighbours, room
from hypothesis import given, settings
from hypothesis import strategies as st

from ewm_ros.planning.blocks import Blocks, label_parts
from ewm_ros.planning.clearance_map import ClearanceMap
from ewm_ros.planning.corners import round_corners
from ewm_ros.planning.landmark_search import GREED, LandmarkSearch
from ewm_ros.planning.roadmap import Roadmap
from ewm_ros.planning.smoothing import CORNER_COST, pull_straight


@given(seed=st.integers(0, 1000), size=st.integers(1, 7), density=st.floats(0.0, 1.0))
@settings(max_examples=40, deadline=None)
def test_parts_are_the_connected_free_cells_of_each_block(seed, size, density) -> None:
    rng = np.random.default_rng(seed)
    free = rng.random(rng.integers(1, 20, 2)) < density
    part = label_parts(free, size)
    assert ((part >= 0) == free).all()
    assert set(part[free].tolist()) == set(range(part.max() + 1))
    for cell in zip(*np.nonzero(free), strict=True):
        block = np.zeros_like(free)
        top, left = (k // size * size for k in cell)
        block[top : top + size, left : left + size] = free[top : top + size, left : left + size]
        assert set(zip(*np.nonzero(part == part[cell]), strict=True)) == flooded(block, cell)


@given(seed=st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_parts_touch_where_their_cells_do(seed) -> None:
    rng = np.random.default_rng(seed)
    cost = np.where(rng.random(rng.integers(1, 45, 2)) < 0.6, 1.0 + rng.random(), math.inf)
    blocks = Blocks(cost)
    part = blocks.part.reshape(cost.shape)
    pairs = set()
    for cell in np.ndindex(*cost.shape):
        for other in neighbours(cell, cost.shape):
            if 0 <= part[cell] < part[other]:
                pairs.add((int(part[cell]), int(part[other])))
    assert {tuple(pair) for pair in blocks.touching().tolist()} == pairs
    assert blocks.part[blocks.place].tolist() == list(range(len(blocks.place)))


def cheapest(graph: list[list[tuple[int, float]]], first: dict[int, float], factors: list[float]) -> list[float]:
    """Dijkstra's algorithm: cost of reaching every node."""
    best = [math.inf] * len(graph)
    heap = [(cost * factors[node], node) for node, cost in first.items()]
    while heap:
        here, node = heapq.heappop(heap)
        if here < best[node]:
            best[node] = here
            for other, cost in graph[node]:
                heapq.heappush(heap, (here + cost * factors[other], other))
    return best


@given(seed=st.integers(0, 10_000), penalised=st.booleans())
@settings(max_examples=60, deadline=None)
def test_the_search_finds_a_way_about_as_cheap_as_the_cheapest(seed, penalised) -> None:
    rng = np.random.default_rng(seed)
    count = int(rng.integers(2, 40))
    graph: list[list[tuple[int, float]]] = [[] for _ in range(count)]
    costs: dict[tuple[int, int], float] = {}
    for a, b in rng.integers(0, count, (2 * count, 2)).tolist():
        if a != b and (a, b) not in costs:
            costs[a, b] = costs[b, a] = float(rng.uniform(0.1, 3.0))
            graph[a].append((b, costs[a, b]))
            graph[b].append((a, costs[a, b]))
    search = LandmarkSearch(graph)
    factors = rng.uniform(1.0, 4.0, count).tolist() if penalised else [1.0] * count
    first, last = ({int(node): float(rng.uniform(0, 2)) for node in rng.choice(count, 2)} for _ in range(2))
    home = search.region[next(iter(first))]
    first, last = ({node: cost for node, cost in end.items() if search.region[node] == home} for end in (first, last))
    reached = cheapest(graph, first, factors)
    assert [math.isfinite(cost) for cost in reached] == [region == home for region in search.region]
    if not last:
        return
    way = search.find(first, last, factors)
    spent = first[way[0]] * factors[way[0]] + last[way[-1]] * factors[way[-1]]
    spent += sum(costs[a, b] * factors[b] for a, b in pairwise(way))
    assert spent <= GREED * min(reached[node] + cost * factors[node] for node, cost in last.items()) + 1e-9


def test_costs_of_lines_agree_with_walking_along_them() -> None:
    free = ClearanceMap(cluttered_room(3), 0.35)
    rng = np.random.default_rng(0)
    a, b = rng.uniform((-1.0, -1.0), (11.0, 9.0), (2, 150, 2))
    b[:20] = a[:20]
    for start, end, cost in zip(a, b, free.line_costs(a, b).tolist(), strict=True):
        steps = np.linspace(0.0, 1.0, max(round(math.dist(start, end) / 0.003), 1) + 1)
        places = [tuple(start + f * (end - start)) for f in steps]
        if any(free.in_wall(place) for place in (places[0], places[-1])):
            assert cost == math.inf
            continue
        along = [free.cost.ravel()[free.index(place)] for place in places]
        if math.isinf(cost):
            assert math.inf in along
        else:
            # The line may cross a blocked cell's corner between two samples.
            assert np.mean(np.isinf(along)) < 0.02
            assert cost == pytest.approx(math.dist(start, end) * np.mean(np.minimum(along, 3.6)), rel=0.05, abs=0.02)


@pytest.mark.parametrize(
    ("loop", "around"),
    [
        ([(1, 1), (5, 1), (5, 5), (1, 5)], True),
        ([(1, 5), (5, 5), (5, 1), (1, 1)], True),
        ([(1, 1), (2, 1), (2, 5), (1, 5)], False),
        ([(1, 1), (5, 1), (5, 5), (5, 1)], False),
        ([(1, 1), (5, 1), (5, 5), (1, 5), (1, 1), (1, 5), (5, 5), (5, 1)], False),
        ([(3, 1), (5, 3), (3, 5), (1, 3)], True),
    ],
    ids=["around", "clockwise", "beside", "out and back", "around and back", "diamond"],
)
def test_a_loop_encloses_the_walls_that_it_goes_around(loop, around) -> None:
    free = ClearanceMap(room(6, 6, (2.5, 2.5, 3.5, 3.5)), 0.1)
    assert free.encloses_wall(np.array(loop, dtype=float)) == around


@pytest.mark.parametrize("seed", range(8))
def test_pulling_straight_and_rounding_keep_a_way_free_and_its_ends(seed) -> None:
    free = ClearanceMap(cluttered_room(300 + seed), 0.35)
    roadmap = Roadmap(free)
    rng = np.random.default_rng(seed)
    compared = 0
    for a, b in rng.choice(np.flatnonzero(np.isfinite(free.cost)), (12, 2)).tolist():
        start, goal = free.centre(a), free.centre(b)
        if a == b or not roadmap.connected(start, goal):
            continue
        rough = roadmap.find(start, goal)
        pulled = pull_straight(rough, free)
        rounded = round_corners(pulled, free)
        spent = [free.line_costs(np.array(way)[:-1], np.array(way)[1:]).sum() for way in (rough, pulled, rounded)]
        if math.isfinite(spent[0]):
            compared += 1
            assert spent[1] <= 1.01 * spent[0] + CORNER_COST * (len(rough) - len(pulled))
            # A corner pushed outward to make room for its arc costs a little.
            assert spent[2] <= 1.1 * spent[1] + 0.1
        for way in (pulled, rounded):
            assert tuple(way[0]) == start and tuple(way[-1]) == goal
    assert compared


def test_a_right_angle_in_the_open_becomes_an_arc() -> None:
    free = ClearanceMap(room(10, 10), 0.35)
    way = round_corners(np.array([[2.0, 5.0], [5.0, 5.0], [5.0, 8.0]]), free)
    turns = np.abs(np.diff(np.arctan2(*np.diff(way, axis=0).T[::-1])))
    assert turns.max() <= math.radians(10)
    assert math.dist((5.0, 5.0), min(way.tolist(), key=lambda point: math.dist(point, (5.0, 5.0)))) > 0.3


def test_a_map_without_any_free_place_has_an_empty_roadmap() -> None:
    assert Roadmap(ClearanceMap(room(0.5, 0.5), 0.35)).nodes.shape == (0, 2)
