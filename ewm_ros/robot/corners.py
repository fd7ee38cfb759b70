"""Rounds the corners of a way, so that a robot can drive round them without stopping."""

from __future__ import annotations

import math
import sys

from ewm_ros.geometry import wrap_angle
from ewm_ros.robot.clearance_map import ClearanceMap, Point

LARGEST_RADIUS = 0.8  # m; 0.5 m/s at 0.6 rad/s
SMALLEST_RADIUS = 0.2  # m; below it stopping and turning on the spot is as quick
ARC_STEP = 0.1  # m between points of an arc
ARC_TURN = math.radians(12.0)  # largest change of direction at a point of an arc
SLIGHT_TURN = math.radians(6.0)  # a corner that may stay as it is
PUSHES = tuple(0.05 * k for k in range(11))  # m that a corner may be moved outward to make room for a larger arc


def round_corners(points: list[Point], free: ClearanceMap) -> list[Point]:
    """Replace corners by arcs as large as the walls and the neighbouring corners allow.

    An arc cuts its corner on the inside, where the obstacle is that the way leads around; corners are therefore moved
    outward first where that makes room. An arc may not cost more than the corner, the nearness of walls included; a
    corner without room for any arc stays sharp.

    Args:
        points: of a way that keeps the clearance.
        free: the map to keep clear on.
    """
    points = _make_room(points, free)
    rounded = points[:1]
    for i in range(1, len(points) - 1):
        before, corner, after = points[i - 1 : i + 2]
        rounded += _largest_arc(before, corner, after, _shares(points, i), free)[1]
    return [*rounded, points[-1]]


def _make_room(points: list[Point], free: ClearanceMap) -> list[Point]:
    points = list(points)
    for i in range(1, len(points) - 1):
        before, corner, after = points[i - 1 : i + 2]
        outward = _outward(before, corner, after)
        if outward is None:
            continue
        best, best_gain, cost = corner, -math.inf, free.way_cost([before, corner, after])
        for push in PUSHES:
            moved = (corner[0] + push * outward[0], corner[1] + push * outward[1])
            detour = max(free.way_cost([before, moved, after]) - cost, 0.0) if push > 0.0 else 0.0
            if not detour < math.inf:
                continue
            radius, _ = _largest_arc(before, moved, after, _shares([*points[:i], moved, *points[i + 1 :]], i), free)
            if radius - detour > best_gain:
                best, best_gain = moved, radius - detour
            if radius >= 0.95 * LARGEST_RADIUS:
                break
        points[i] = best
    return points


def _shares(points: list[Point], i: int) -> tuple[float, float]:
    """m of the segments before and after corner i that its arc may take: nearly all at the way's ends, else half."""
    before, after = math.dist(points[i - 1], points[i]), math.dist(points[i], points[i + 1])
    return (0.98 if i == 1 else 0.5) * before, (0.98 if i == len(points) - 2 else 0.5) * after


def _outward(before: Point, corner: Point, after: Point) -> Point | None:
    """Unit vector from the inside of a corner to its outside; None for a slight turn or a reversal."""
    ax, ay = _unit(corner, before)
    bx, by = _unit(corner, after)
    x, y = -(ax + bx), -(ay + by)
    length = math.hypot(x, y)
    if length < 2.0 * math.sin(SLIGHT_TURN / 2.0) or length > 1.99:
        return None
    return x / length, y / length


def _largest_arc(
    before: Point, corner: Point, after: Point, shares: tuple[float, float], free: ClearanceMap
) -> tuple[float, list[Point]]:
    """Radius (m) and points of the largest free arc at a corner; (0, the corner itself) if there is none."""
    arrival = math.atan2(corner[1] - before[1], corner[0] - before[0])
    turn = wrap_angle(math.atan2(after[1] - corner[1], after[0] - corner[0]) - arrival)
    tangent = math.tan(abs(turn) / 2.0)
    if abs(turn) < SLIGHT_TURN or tangent > 20.0:
        return (LARGEST_RADIUS if tangent < 1.0 else 0.0), [corner]
    radius = min(LARGEST_RADIUS, min(shares) / tangent)
    while radius >= SMALLEST_RADIUS:
        arc = _arc(before, corner, after, turn, radius)
        if free.way_cost(arc) <= min(1.01 * free.way_cost([arc[0], corner, arc[-1]]), sys.float_info.max):
            return radius, arc
        radius *= 0.85
    return 0.0, [corner]


def _arc(before: Point, corner: Point, after: Point, turn: float, radius: float) -> list[Point]:
    """Points of the arc that touches both sides of a corner."""
    ax, ay = _unit(before, corner)
    length = radius * math.tan(abs(turn) / 2.0)
    side = math.copysign(radius, turn)
    x, y = corner[0] - length * ax, corner[1] - length * ay
    centre_x, centre_y = x - side * ay, y + side * ax
    count = max(math.ceil(abs(turn) * radius / ARC_STEP), math.ceil(abs(turn) / ARC_TURN), 1)
    points = []
    for k in range(count + 1):
        cos, sin = math.cos(turn * k / count), math.sin(turn * k / count)
        dx, dy = side * ay, -side * ax
        points.append((centre_x + dx * cos - dy * sin, centre_y + dx * sin + dy * cos))
    return points


def _unit(a: Point, b: Point) -> Point:
    length = math.dist(a, b)
    return (b[0] - a[0]) / length, (b[1] - a[1]) / length
