"""Driving along lanes: against the free-flow times that Open-RMF's own model gives for the same robots."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ewm_ros.evaluation.costs.lane_drive import lane_timed_route, turn_time
from ewm_ros.evaluation.costs.lane_graph import Drive, LaneGraph, load_lane_graph

DRIVE = Drive(max_speed=0.5, max_acceleration=0.75, max_turn_rate=0.6, max_turn_acceleration=2.0)


def slowest(graph: LaneGraph, robots: int) -> float:
    """s that the slowest of the first robots takes."""
    return max(
        lane_timed_route(graph, graph.route(task.start, task.goal), task.yaw).duration for task in graph.robots[:robots]
    )


@pytest.mark.parametrize("robots", range(2, 11))
def test_free_flow_at_the_intersection(robots: int) -> None:
    assert slowest(load_lane_graph("intersection"), robots) == pytest.approx(32.7, abs=0.05)


@pytest.mark.parametrize(
    ("robots", "seconds"),
    [(2, 29.7), (3, 31.2), (4, 31.2), (5, 32.8), (6, 32.8), (7, 34.3), (8, 34.3), (9, 35.9), (10, 35.9)],
)
def test_free_flow_at_the_doorway(robots: int, seconds: float) -> None:
    assert slowest(load_lane_graph("doorway"), robots) == pytest.approx(seconds, abs=0.05)


def test_collinear_lanes_are_driven_without_stopping_and_corners_with_a_turn_in_place() -> None:
    def vertex(x: float, y: float) -> dict[str, object]:
        return {"x": x, "y": y, "holding": True}

    graph = LaneGraph.model_validate(
        {
            "name": "an L",
            "distance": 0.8,
            "drive": DRIVE,
            "vertices": [vertex(0, 0), vertex(2, 0), vertex(4, 0), vertex(4, 3)],
            "lanes": [[0, 1], [1, 2], [2, 3]],
            "robots": [],
        }
    )
    straight = lane_timed_route(graph, (0, 1, 2), 0.0)
    assert straight.duration == pytest.approx(4.0 / 0.5 + 0.5 / 0.75)
    corner = lane_timed_route(graph, (0, 1, 2, 3), math.pi)
    ramps = 0.5 / 0.75
    quarter, half = turn_time(math.pi / 2, DRIVE), turn_time(math.pi, DRIVE)
    assert corner.duration == pytest.approx(half + 8.0 + ramps + quarter + 6.0 + ramps)
    turning = np.flatnonzero((corner.points[1:] == corner.points[:-1]).all(axis=1))
    assert np.diff(corner.times)[turning] == pytest.approx([half, quarter])
    assert corner.slack[turning] == pytest.approx([0.0, 0.0])
    assert corner.points[-1] == pytest.approx([4.0, 3.0])


def test_turning_is_trapezoidal_too() -> None:
    assert turn_time(0.0, DRIVE) == 0.0
    assert turn_time(-math.pi, DRIVE) == turn_time(math.pi, DRIVE) == pytest.approx(math.pi / 0.6 + 0.6 / 2.0)
    assert turn_time(0.1, DRIVE) == pytest.approx(2.0 * math.sqrt(0.1 / 2.0))


def test_a_robot_whose_goal_is_its_start_stays() -> None:
    route = lane_timed_route(load_lane_graph("doorway"), (2,), 0.0)
    assert route.duration == 0.0
    assert route.points == pytest.approx(np.array([[-6.4398, 0.7736]]))
