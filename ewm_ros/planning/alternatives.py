"""Other routes than the best one: around the other side of something, and clearly apart from it.

By the penalty method of R. Bader, J. Dees, R. Geisberger, P. Sanders, "Alternative Route Graphs in Road Networks"
(TAPAS 2011): what has been found is made dearer, until the search finds something else.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ewm_ros.geometry import FloatArray, Polyline
from ewm_ros.planning.clearance_map import ClearanceMap

PENALTY = 2.0  # times that a place near a found way is dearer, again for each way
PENALTY_REACH = 0.75  # m from a found way
SEARCHES = 3
LONGEST, LONGER = 1.6, 3.0  # times and m that an alternative may be longer than the best route
SPACING = 0.4  # m between points at which routes are compared


def dearer_near(nodes: FloatArray, way: FloatArray) -> FloatArray:
    """(N,) by what ways to each node (N, 2) are to be dearer, for their being near a way (P, 2) already found."""
    return np.where(_distances(nodes, _dense(way)) < PENALTY_REACH, PENALTY, 1.0)


def short_enough(way: FloatArray, best: Polyline) -> bool:
    """Whether a way is not much longer than the best route."""
    return float(np.hypot(*np.diff(way, axis=0).T).sum()) <= LONGEST * best.length + LONGER


def differs(way: FloatArray, found: Sequence[Polyline], apart: float, free: ClearanceMap) -> bool:
    """Whether a way parts from each of the routes by more than `apart` (m) somewhere, and encloses a wall with it."""
    points = _dense(way)
    for route in found:
        other = _dense(route.points)
        if _distances(points, other).max() <= apart or not free.encloses_wall(np.concatenate([points, other[::-1]])):
            return False
    return True


def _distances(points: FloatArray, others: FloatArray) -> FloatArray:
    """(P,) m from each of the points to the nearest of the others."""
    x, y = (points[:, k, None] - others[None, :, k] for k in (0, 1))
    x *= x
    y *= y
    x += y
    distances: FloatArray = np.sqrt(x.min(axis=1))
    return distances


def _dense(way: FloatArray) -> FloatArray:
    """(P, 2) points of a way at most SPACING apart, its corners included."""
    line = Polyline(way)
    count = max(math.ceil(line.length / SPACING), 1)
    return line.sample(np.union1d(np.linspace(0.0, line.length, count + 1), line.s))
