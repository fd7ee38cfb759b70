"""Pulls a rough way straight: the best lines between its points first, then every corner to a better place.

Few large numpy calls instead of many small ones: all lines that may come into question are judged at once.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ewm_ros.geometry import FloatArray
from ewm_ros.planning.blocks import Indices
from ewm_ros.planning.clearance_map import MOST_COST, ClearanceMap, Point

HOPS = (1, 2, 3, 5, 8, 13, 21)  # points of the rough way that a line may lead on by
CORNER_COST = 0.03  # m that one more corner has to save
ROUNDS = 1  # of moving all corners; the rest changes little
ACROSS = (0.05, -0.05, 0.15, -0.15, 0.4, -0.4)  # m to both sides that a corner is tried at
ALONG = (0.15, -0.15)  # m along its neighbours' line
STRAIGHT = 1e-3  # rad, below which a corner is none


def pull_straight(points: list[Point], free: ClearanceMap) -> FloatArray:
    """A cheaper way with fewer corners, nearness of walls included.

    Args:
        points: of a way on which one can drive straight from each to the next.

    Returns:
        (N, 2) m, the same two ends.
    """
    way = _best_lines(np.array(points), free)
    for _ in range(ROUNDS):
        # Every second corner at once: their lines are different ones.
        for first in (1, 2):
            if first < len(way) - 1:
                _move(way, np.arange(first, len(way) - 1, 2), free)
        way = way[_corners(way)]
    return way


def _best_lines(points: FloatArray, free: ClearanceMap) -> FloatArray:
    """The cheapest polyline through some of the points, by dynamic programming over lines of HOPS."""
    count = len(points)
    hops = [hop for hop in HOPS if hop < count]
    a = np.concatenate([np.arange(count - hop) for hop in hops])
    b = np.concatenate([np.arange(hop, count) for hop in hops])
    costs = free.line_costs(points[a], points[b])
    # From each point to the next one can drive, even if a sample between them lies a hair inside a blocked cell.
    costs[: count - 1] = np.minimum(costs[: count - 1], MOST_COST * np.hypot(*np.diff(points, axis=0).T))
    arriving: list[list[tuple[int, float]]] = [[] for _ in range(count)]
    for i, j, cost in zip(a.tolist(), b.tolist(), (costs + CORNER_COST).tolist(), strict=True):
        arriving[j].append((i, cost))
    best, before = [0.0] * count, [0] * count
    for j in range(1, count):
        best[j], before[j] = min((best[i] + cost, i) for i, cost in arriving[j])
    kept = [count - 1]
    while kept[-1]:
        kept.append(before[kept[-1]])
    return points[kept[::-1]]


def _move(way: FloatArray, i: Indices, free: ClearanceMap) -> None:
    """Move corners, no two of them neighbours, each to the best of some places around it."""
    before, here, after = way[i - 1], way[i], way[i + 1]
    chord = after - before
    length = np.maximum(np.hypot(chord[:, 0], chord[:, 1]), 1e-9)[:, None]
    along = chord / length
    across = np.stack([-along[:, 1], along[:, 0]], axis=1)
    share = np.clip(((here - before) * along).sum(axis=1, keepdims=True) / length, 0.05, 0.95)
    foot = before + share * chord
    # On its neighbours' line a corner is gone, which is better than as good.
    tried = [foot, here, (here + foot) / 2.0, *(here + m * across for m in ACROSS), *(here + m * along for m in ALONG)]
    places = np.stack(tried, axis=1).reshape(-1, 2)
    arriving, leaving = (np.repeat(ends, len(tried), axis=0) for ends in (before, after))
    costs = free.line_costs(np.concatenate([arriving, places]), np.concatenate([places, leaving]))
    best = (costs[: len(places)] + costs[len(places) :]).reshape(len(i), -1).argmin(axis=1)
    way[i] = places.reshape(len(i), -1, 2)[np.arange(len(i)), best]


def _corners(way: FloatArray) -> NDArray[np.bool_]:
    """(N,) which points of a way are corners or ends."""
    steps = np.diff(way, axis=0)
    length = np.hypot(steps[:, 0], steps[:, 1])
    cross = np.abs(steps[:-1, 0] * steps[1:, 1] - steps[:-1, 1] * steps[1:, 0])
    return np.concatenate([[True], cross > STRAIGHT * length[:-1] * length[1:], [True]])
