"""A fixed path together with when a robot is where on it if nobody makes it wait: its free-flow time law.

The law is kept as a few knots, between which the robot is taken to move uniformly, and for each stretch between two
knots the largest distance between that and where it really is. So whoever compares two routes can do it with the
closed form for uniform motion, grow the robots by these distances, and miss nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ewm_ros.coordination.trapezoid import Trapezoid
from ewm_ros.geometry import FloatArray, Polyline

TOLERANCE = 0.02  # m that a robot may be away from where the knots say it is, before one more knot is spent
WAITING_DISC = 0.1  # m, largest radius of the discs that cover the place where a moving robot may come to stand


@dataclass(frozen=True, slots=True, eq=False)
class TimedRoute:
    """Where one robot is at each moment after it has set out; before, it stands at its start, at last at its goal.

    Attributes:
        times: (K,) s since it set out, rising, the first 0. Standing still for a while is two knots at one place.
        points: (K, 2) m, where it is then.
        slack: (K - 1,) m, at most so far it is from the uniform motion between two knots.
        waiting: (W, 3) m, discs (x, y, radius) that hold it for as long as it has not set out.
    """

    times: FloatArray
    points: FloatArray
    slack: FloatArray
    waiting: FloatArray

    @property
    def duration(self) -> float:
        """s from setting out to standing at the goal."""
        return float(self.times[-1])


def timed_route(
    path: Polyline,
    max_speed: float,
    max_acceleration: float,
    *,
    from_progress: float = 0.0,
    speed: float = 0.0,
    tolerance: float = TOLERANCE,
) -> TimedRoute:
    """The rest of a path driven with a trapezoidal speed: up to the maximum, and down to a stand at the end.

    A robot that moves already cannot wait where it is. For as long as it is made to wait it counts as being anywhere
    between here and where it would come to a stand.

    Args:
        path: in the map frame; one point is a robot that stays where it is.
        max_speed: m/s, above 0.
        max_acceleration: m/s^2, above 0; of braking too.
        from_progress: m, how far on the path the robot is now.
        speed: m/s along the path, now.
        tolerance: m, how far it may be from its knots' uniform motion.
    """
    start = min(max(from_progress, 0.0), path.length)
    law = Trapezoid(path.length - start, max_speed, max_acceleration, speed)
    half = 0.5 * tolerance
    knot_times, knot_ways, off_law = (np.array(part) for part in law.knots(half))
    times, ways = knot_times, knot_ways
    corners = path.s[(path.s > start) & (path.s < path.length)] - start
    if len(corners):
        times = np.concatenate([knot_times, law.time_at(corners)])
        order = np.argsort(times, kind="stable")
        times, ways = times[order], np.concatenate([knot_ways, corners])[order]
    points = path.sample(start + ways)
    knots, off_path = _enough_knots(times, points, half)
    slack = off_path
    if len(knots) > 1:
        law_part = np.searchsorted(knot_times[1:-1], 0.5 * (times[1:] + times[:-1]))
        slack = off_path + np.maximum.reduceat(off_law[law_part], knots[:-1])
    discs = _stopping_discs(path, start, 0.5 * speed * speed / max_acceleration)
    return TimedRoute(times[knots], points[knots], slack, discs)


def _stopping_discs(path: Polyline, start: float, stopping: float) -> FloatArray:
    """(W, 3) m, discs that cover the path from `start` (m) as far as the robot needs to stop."""
    stretch = min(max(stopping, 0.0), path.length - start)
    count = max(math.ceil(stretch / (2.0 * WAITING_DISC)), 1)
    radius = 0.5 * stretch / count
    middles = start + radius * np.arange(1.0, 2.0 * count, 2.0)
    return np.column_stack([path.sample(middles), np.full(count, radius)])


def _enough_knots(times: FloatArray, points: FloatArray, tolerance: float) -> tuple[NDArray[np.intp], FloatArray]:
    """Knots that are enough to stay within a tolerance of uniform motion between all the given ones.

    The way of Douglas and Peucker (1973), in space and time: split where it is furthest off; all stretches at once.

    Returns:
        (K,) indices of the knots to keep, and (K - 1,) m how far the others are off between them.
    """
    kept = np.zeros(len(times), dtype=np.bool_)
    kept[[0, -1]] = True
    x, y = points.T.copy()
    while True:
        knots = np.flatnonzero(kept)
        at = times[knots]
        off = np.hypot(x - np.interp(times, at, x[knots]), y - np.interp(times, at, y[knots]))
        furthest = np.maximum.reduceat(off, knots[:-1]) if len(knots) > 1 else np.zeros(0)
        if not (furthest > tolerance).any():
            return knots, furthest
        stretch = np.minimum(np.cumsum(kept) - 1, len(knots) - 2)
        kept |= (off > tolerance) & (off == furthest[stretch])
