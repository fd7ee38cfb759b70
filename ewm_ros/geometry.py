"""Plane geometry that every room shares: angles, poses and polylines in the map frame (m, rad)."""

from __future__ import annotations

import math
from bisect import bisect_right
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
    return (angles + math.pi) % math.tau - math.pi


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

    __slots__ = ("_s", "_segments", "_x", "_y", "box", "directions", "length", "points", "s", "table")

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

    def _segment(self, s: float) -> int:
        """Index of the segment that holds s, clamped to the existing ones; -1 for a single point."""
        return min(max(bisect_right(self._s, s) - 1, 0), len(self._s) - 2)

    def segments(self, s: FloatArray) -> NDArray[np.intp]:
        """Indices of the segments that hold many arc lengths, clamped to the existing ones; 0 for a single point."""
        found: NDArray[np.intp] = self.s.searchsorted(s, side="right") - 1
        return np.minimum(np.maximum(found, 0), max(len(self.s) - 2, 0))

    def point_at(self, s: float) -> tuple[float, float]:
        """The point at arc length s, clamped to the ends."""
        i = self._segment(s)
        if i < 0:
            return self._x[0], self._y[0]
        a, b = self._s[i], self._s[i + 1]
        f = min(max((s - a) / (b - a), 0.0), 1.0)
        return self._x[i] + f * (self._x[i + 1] - self._x[i]), self._y[i] + f * (self._y[i + 1] - self._y[i])

    def heading_at(self, s: float) -> float:
        """Direction of travel (rad) at arc length s; 0 for a single point."""
        i = self._segment(s)
        if i < 0:
            return 0.0
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
        start = min(max(start, 0.0), self.length)
        stop = min(max(stop, start), self.length)
        best_s, best_d2, side = start, math.inf, 1.0
        first, last = max(self._segment(start), 0), max(self._segment(stop), 0)
        # Comparisons in place of min and max: robots spend much of their time here.
        for ax, ay, before, length, dx, dy in self._segments[first : last + 1]:
            along = (x - ax) * dx + (y - ay) * dy
            s = before + (0.0 if along < 0.0 else length if along > length else along)
            s = start if s < start else stop if s > stop else s
            off_x, off_y = x - ax - (s - before) * dx, y - ay - (s - before) * dy
            d2 = off_x * off_x + off_y * off_y
            if d2 < best_d2:
                best_s, best_d2, side = s, d2, dx * off_y - dy * off_x
        if best_d2 is math.inf:
            best_d2 = (x - self._x[0]) ** 2 + (y - self._y[0]) ** 2
        return best_s, math.copysign(math.sqrt(best_d2), side)
