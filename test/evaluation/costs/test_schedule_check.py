"""The checker has to find what is planted, or its silence says nothing."""

from __future__ import annotations

import numpy as np
import pytest

from ewm_ros.evaluation.costs.lane_drive import lane_timed_route
from ewm_ros.evaluation.costs.lane_graph import LaneGraph, load_lane_graph
from ewm_ros.evaluation.costs.schedule_check import _moves, _places, closest_gaps, conflicting_pairs
from ewm_ros.geometry import FloatArray

INTERSECTION, DOORWAY = load_lane_graph("intersection"), load_lane_graph("doorway")


def gaps(graph: LaneGraph, robots: list[int], delays: list[float]) -> FloatArray:
    """How close these robots of a scene come to each other."""
    tasks = [graph.robots[robot] for robot in robots]
    ways = [graph.route(task.start, task.goal) for task in tasks]
    return closest_gaps(graph, ways, [task.yaw for task in tasks], delays)


def test_all_at_once_through_the_door_come_too_close() -> None:
    found = gaps(DOORWAY, list(range(6)), [0.0] * 6)
    assert (0, 1) in conflicting_pairs(found, 0.8)
    assert found[0, 1] == pytest.approx(0.0, abs=0.01)  # head on


def test_one_after_the_other_they_do_not() -> None:
    found = gaps(DOORWAY, list(range(6)), [40.0 * k for k in range(6)])
    assert conflicting_pairs(found, 0.8) == []
    assert found.min() > 0.8


def test_robots_that_cross_at_right_angles_come_as_close_as_geometry_says() -> None:
    # Both pass the crossing at full speed, one of them a second and a half later.
    lead = 1.5
    found = gaps(INTERSECTION, [0, 1], [0.0, lead])
    start, other = INTERSECTION.vertices[2], INTERSECTION.vertices[14]
    along, across = start.x - other.x, other.y - start.y  # m from their starts to where their ways cross
    expected = abs(along - across - 0.5 * lead) / np.sqrt(2.0)
    assert found[0, 1] == pytest.approx(expected, abs=0.005)


@pytest.mark.parametrize("missing", [0.02, 0.1, 1.0])
def test_a_conflict_of_a_moment_is_found(missing: float) -> None:
    # The largest delay at which the second one is just too early, by bisection; a little more is enough.
    low, high = 0.0, 40.0
    while high - low > 1e-4:
        middle = 0.5 * (low + high)
        low, high = (low, middle) if gaps(DOORWAY, [0, 1], [0.0, middle]).min() >= 0.8 else (middle, high)
    assert conflicting_pairs(gaps(DOORWAY, [0, 1], [0.0, high]), 0.8) == []
    assert conflicting_pairs(gaps(DOORWAY, [0, 1], [0.0, high - missing]), 0.8) == [(0, 1)]


def test_robots_that_stand_too_close_at_first_or_at_last_are_found() -> None:
    graph = INTERSECTION
    starts = closest_gaps(graph, [(0,), (1,)], [0.0, 0.0], [0.0, 0.0])
    assert starts[0, 1] == pytest.approx(0.9)
    assert conflicting_pairs(starts, 0.91) == [(0, 1)]
    ends = closest_gaps(graph, [(4, 2, 0), (1,)], [np.pi, 0.0], [3.0, 0.0])
    assert conflicting_pairs(ends, 0.91) == [(0, 1)]
    assert ends[0, 1] == pytest.approx(0.9)


@pytest.mark.parametrize("graph", [INTERSECTION, DOORWAY], ids=lambda graph: graph.name)
def test_it_drives_as_the_solvers_model_does(graph: LaneGraph) -> None:
    # Both were worked out apart from each other: they agree on who is where when.
    for task in graph.robots:
        way = graph.route(task.start, task.goal)
        route = lane_timed_route(graph, way, task.yaw)
        times = np.linspace(-1.0, route.duration + 1.0, 2000)
        driven = _places(graph, graph.vertices[way[0]], _moves(graph, way, task.yaw, 0.0), times)
        uniform = np.stack([np.interp(times, route.times, column) for column in route.points.T], axis=1)
        assert np.hypot(*(driven - uniform).T).max() <= route.slack.max() + 1e-6
