"""Plane geometry that every room shares: angles, poses and polylines in the map frame (m, rad)."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ewm_ros.errors import InputError

FloatArray = NDArray[np.float64]


def wrap_angle(angle: float) -> float:
    """The same direction in [-pi, pi)."""
    return (angle + math.pi) % (2.0 * math.pi) - math.pi


def wrap_angles(angles: FloatArray) -> FloatArray:
    """The same directions in [-pi, pi)."""
    turned = angles + math.pi
    # Most are in that range already, and the remainder is ten times as slow as all else.
    np.remainder(turned, math.tau, out=turned, where=(turned < 0.0) | (turned >= math.tau))
    turned -= math.pi
    return turned


@dataclass(frozen=True, slots=True)
class Pose2D:
    """Position and heading in a plane: m, m, rad, REP-103 axes."""

    x: float
    y: float
    yaw: float


class Polyline:
    """A path through the plane, addressed by its arc length s (m) from the first point.

    Args:
        points: (N, 2) m, N >= 1. Consecutive duplicates are dropped.

    Raises:
        InputError: the points are not an (N, 2) array of finite numbers.

    Attributes:
        points: (N, 2) m.
        s: (N,) m, arc lengths of the points.
        directions: (N - 1, 2) unit vectors of the segments.
        table: (N - 1, 6) of the segments: x, y and s of where they begin (m), length (m), direction.
        length: m.
        box: least x, least y, greatest x, greatest y (m) of all that is on the path.
    """

    __slots__ = ("_last", "_s", "_segments", "_x", "_y", "box", "directions", "length", "points", "s", "table")

    def __init__(self, points: object) -> None:
        array = np.asarray(points, dtype=np.float64)
        if array.ndim != 2 or array.shape[1] != 2 or len(array) == 0 or not np.isfinite(array).all():
            raise InputError(f"a polyline needs (N, 2) finite points, got an array of shape {array.shape}")
        steps = np.hypot(*np.diff(array, axis=0).T)
        keep = np.concatenate([[True], steps > 1e-9])
        self.points: FloatArray = array[keep]
        steps = np.diff(self.points, axis=0)
        self.s: FloatArray = np.concatenate([[0.0], np.cumsum(np.hypot(steps[:, 0], steps[:, 1]))])
        lengths = np.diff(self.s)
        self.directions: FloatArray = steps / lengths[:, None]
        self.length = float(self.s[-1])
        # Scalar look-ups in the control loop are several times faster on lists than on arrays.
        self._s: list[float] = self.s.tolist()
        self._x: list[float] = self.points[:, 0].tolist()
        self._y: list[float] = self.points[:, 1].tolist()
        self.box: tuple[float, float, float, float] = (min(self._x), min(self._y), max(self._x), max(self._y))
        self.table: FloatArray = np.column_stack([self.points[:-1], self.s[:-1], lengths, self.directions])
        self._segments: list[list[float]] = self.table.tolist()
        self._last = max(len(self._s) - 1, 1)

    def _segment(self, s: float) -> int:
        """Index of the segment that holds s, clamped to the existing ones; 0 for a single point."""
        return bisect_right(self._s, s, 1, self._last) - 1

    def segments(self, s: FloatArray) -> NDArray[np.intp]:
        """Indices of the segments that hold many arc lengths, clamped to the existing ones; 0 for a single point."""
        found: NDArray[np.intp] = self.s.searchsorted(s, side="right") - 1
        return np.minimum(np.maximum(found, 0), max(len(self.s) - 2, 0))

    def point_at(self, s: float) -> tuple[float, float]:
        """The point at arc length s, clamped to the ends."""
        xs, ys = self._x, self._y
        if not self._segments:
            return xs[0], ys[0]
        i = bisect_right(self._s, s, 1, self._last) - 1
        a, x, y = self._s[i], xs[i], ys[i]
        f = (s - a) / (self._s[i + 1] - a)
        f = 0.0 if f < 0.0 else 1.0 if f > 1.0 else f
        return x + f * (xs[i + 1] - x), y + f * (ys[i + 1] - y)

    def part(self, low: float, high: float) -> tuple[list[float], list[float], list[float]]:
        """s, x and y (m) of a part of the path: where it begins, the points within, where it ends."""
        (x, y), (end_x, end_y) = self.point_at(low), self.point_at(high)
        within = slice(bisect_right(self._s, low), bisect_left(self._s, high))
        return [low, *self._s[within], high], [x, *self._x[within], end_x], [y, *self._y[within], end_y]

    def heading_at(self, s: float) -> float:
        """Direction of travel (rad) at arc length s; 0 for a single point."""
        if not self._segments:
            return 0.0
        i = self._segment(s)
        return math.atan2(self._y[i + 1] - self._y[i], self._x[i + 1] - self._x[i])

    def sample(self, s: FloatArray) -> FloatArray:
        """Points at many arc lengths: (M,) m -> (M, 2) m."""
        return np.stack([np.interp(s, self.s, self.points[:, 0]), np.interp(s, self.s, self.points[:, 1])], axis=1)

    def project(self, x: float, y: float, start: float = 0.0, stop: float = math.inf) -> tuple[float, float]:
        """The nearest point of the path with arc length in [start, stop].

        Returns:
            (s, distance): its arc length and its distance from (x, y), m.
        """
        s, left = self.place(x, y, start, stop)
        return s, abs(left)

    def place(self, x: float, y: float, start: float = 0.0, stop: float = math.inf) -> tuple[float, float]:
        """The nearest point of the path with arc length in [start, stop].

        Returns:
            (s, left): its arc length, and how far (x, y) lies to the left of the path there, m; negative to the right.
        """
        # Comparisons in place of min and max: robots spend much of their time here.
        start = 0.0 if start < 0.0 else self.length if start > self.length else start
        stop = start if stop < start else self.length if stop > self.length else stop
        best_s, best_d2, side = start, math.inf, 1.0
        first = bisect_right(self._s, start, 1, self._last) - 1
        end = bisect_right(self._s, stop, 1, self._last)
        for ax, ay, before, length, dx, dy in self._segments[first:end]:
            from_x, from_y = x - ax, y - ay
            along = from_x * dx + from_y * dy
            s = before + (0.0 if along < 0.0 else length if along > length else along)
            s = start if s < start else stop if s > stop else s
            off_x, off_y = from_x - (s - before) * dx, from_y - (s - before) * dy
            d2 = off_x * off_x + off_y * off_y
            if d2 < best_d2:
                best_s, best_d2, side = s, d2, dx * off_y - dy * off_x
        if best_d2 is math.inf:
            best_d2 = (x - self._x[0]) ** 2 + (y - self._y[0]) ** 2
        return best_s, math.copysign(math.sqrt(best_d2), side)
