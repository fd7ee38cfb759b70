"""Planar lidar by closed-form ray casting against walls and discs, all rays of a robot at once.

PyBullet's own ray test gives the same ranges (test_lidar.py compares them ray by ray) at many times the cost.
"""

from __future__ import annotations

import math

import numpy as np

from ewm_ros.geometry import FloatArray
from ewm_ros.robot_type import Lidar
from ewm_ros.simulation.shapes import Floor

_TINY = 1e-9


class RayCaster:
    """Casts the rays of one kind of lidar over a floor. Walls of every height are seen.

    Rays are intersected with the edges of boxes as lines in parametric form, and with discs by the quadratic formula
    (Ericson, Real-Time Collision Detection, 2005, sections 5.1.9 and 5.3.2).
    """

    def __init__(self, floor: Floor, lidar: Lidar) -> None:
        self.range_max = lidar.range_max
        self._angles = np.arange(lidar.rays) * lidar.angle_increment
        corners = np.array([box.corners() for box in floor.boxes]).reshape(-1, 4, 2)
        edges = (np.roll(corners, -1, axis=1) - corners).reshape(-1, 2)
        self._ax, self._ay = corners.reshape(-1, 2).T
        self._ex, self._ey = edges.T
        self._length = np.hypot(self._ex, self._ey)
        self._pillars = np.array([[d.x, d.y, d.radius] for d in floor.discs]).reshape(-1, 3)

    def cast(self, x: float, y: float, yaw: float, others: FloatArray) -> FloatArray:
        """True ranges from a pose in the map frame.

        Args:
            others: (M, 3) x, y, radius (m) of moving discs; one that holds (x, y) is not seen.

        Returns:
            (R,) m, the first ray straight ahead, counterclockwise; range_max where nothing is met.
        """
        angles = self._angles + yaw
        dx, dy = np.cos(angles)[:, None], np.sin(angles)[:, None]
        nearness = np.maximum(self._to_walls(x, y, dx, dy), 1.0 / self.range_max)
        ranges = 1.0 / nearness
        return np.minimum(ranges, self._to_discs(x, y, dx, dy, np.concatenate([self._pillars, others])))

    def _to_walls(self, x: float, y: float, dx: FloatArray, dy: FloatArray) -> FloatArray:
        """(R,) 1/m, the largest inverse range to an edge that faces the origin; 0 where none is met."""
        qx, qy = self._ax - x, self._ay - y
        # Corners run counterclockwise, so an edge faces the origin when this (distance times length) is positive.
        facing = qy * self._ex - qx * self._ey
        seen = np.flatnonzero((facing > _TINY) & (facing < self.range_max * self._length))
        if len(seen) == 0:
            return np.zeros(len(dx))
        qx, qy, ex, ey = qx[seen], qy[seen], self._ex[seen], self._ey[seen]
        approach = dy * ex - dx * ey
        along = qy * dx - qx * dy
        slack = _TINY * self._length[seen]  # two edges of a corner overlap by this: no ray slips between them
        hit = (approach > 0.0) & (along >= -slack) & (along <= approach + slack)
        inverse = np.where(hit, approach / facing[seen], 0.0)
        return np.asarray(inverse.max(axis=1))

    def _to_discs(self, x: float, y: float, dx: FloatArray, dy: FloatArray, discs: FloatArray) -> FloatArray:
        """(R,) m to the nearest disc; inf where none is met."""
        qx, qy, radius = discs[:, 0] - x, discs[:, 1] - y, discs[:, 2]
        distance2 = qx * qx + qy * qy
        seen = (distance2 > radius * radius) & (distance2 < (self.range_max + radius) ** 2)
        if not seen.any():
            return np.full(len(dx), math.inf)
        qx, qy, radius, distance2 = qx[seen], qy[seen], radius[seen], distance2[seen]
        along = qx * dx + qy * dy
        half_chord2 = radius * radius - (distance2 - along * along)
        hit = (along > 0.0) & (half_chord2 >= 0.0)
        ranges = np.where(hit, along - np.sqrt(np.maximum(half_chord2, 0.0)), math.inf)
        return np.asarray(ranges.min(axis=1))
