"""Driving along a lane graph: straight along lanes, turning in place where the direction changes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from ewm_ros.coordination.timed_route import TimedRoute
from ewm_ros.coordination.trapezoid import Trapezoid
from ewm_ros.evaluation.costs.lane_graph import Drive, LaneGraph
from ewm_ros.geometry import wrap_angle

TOLERANCE = 0.05  # m: speeding up to 0.5 m/s is one stretch between two knots
STRAIGHT = 1e-3  # rad of turning that a robot drives through without stopping


def lane_timed_route(graph: LaneGraph, way: Sequence[int], yaw: float) -> TimedRoute:
    """When a robot is where on a way (vertices), if it starts at once, at rest and facing `yaw` (rad)."""
    drive = graph.drive
    x, y = graph.vertices[way[0]].x, graph.vertices[way[0]].y
    times, xs, ys, slack = [0.0], [x], [y], []
    for heading, a, b in _straights(graph, way):
        now = times[-1]
        turning = turn_time(wrap_angle(heading - yaw), drive)
        if turning > 0.0:
            now += turning
            times.append(now)
            xs.append(xs[-1])
            ys.append(ys[-1])
            slack.append(0.0)
        law = Trapezoid(graph.length(a, b), drive.max_speed, drive.max_acceleration)
        x, y = graph.vertices[a].x, graph.vertices[a].y
        step_x = (graph.vertices[b].x - x) / law.length
        step_y = (graph.vertices[b].y - y) / law.length
        law_times, law_ways, law_slack = law.knots(TOLERANCE)
        times += [now + t for t in law_times[1:]]
        xs += [x + step_x * s for s in law_ways[1:]]
        ys += [y + step_y * s for s in law_ways[1:]]
        slack += law_slack
        yaw = heading
    return TimedRoute(np.array(times), np.column_stack([xs, ys]), np.array(slack), np.array([[xs[0], ys[0], 0.0]]))


def turn_time(angle: float, drive: Drive) -> float:
    """s to turn in place by an angle (rad)."""
    if abs(angle) < STRAIGHT:
        return 0.0
    return Trapezoid(abs(angle), drive.max_turn_rate, drive.max_turn_acceleration).duration


def _straights(graph: LaneGraph, way: Sequence[int]) -> list[tuple[float, int, int]]:
    """Heading (rad), first and last vertex of each part of a way that is driven without stopping."""
    parts: list[tuple[float, int, int]] = []
    for a, b in pairwise(way):
        here, there = graph.vertices[a], graph.vertices[b]
        heading = math.atan2(there.y - here.y, there.x - here.x)
        if parts and abs(wrap_angle(heading - parts[-1][0])) < STRAIGHT:
            parts[-1] = (parts[-1][0], parts[-1][1], b)
        else:
            parts.append((heading, a, b))
    return parts
