"""Planar lidar by closed-form ray casting against walls and discs, all robots with one kind of lidar at once.

PyBullet's own ray test gives the same ranges (test_lidar.py compares them ray by ray) at many times the cost.
"""

from __future__ import annotations

import math

import numpy as np

from ewm_ros.geometry import FloatArray
from ewm_ros.robot_type import Lidar
from ewm_ros.simulation.physics.compiled import compiled
from ewm_ros.simulation.worlds.shapes import Floor

_TINY = 1e-9
_FRINGE = 1e-3  # ray spacings by which the rays that are tried exceed those that can meet an edge or a disc


class RayCaster:
    """Casts the rays of one kind of lidar over a floor. Walls of every height are seen.

    Rays are intersected with the edges of boxes as lines in parametric form, and with discs by the quadratic formula
    (Ericson, Real-Time Collision Detection, 2005, sections 5.1.9 and 5.3.2). Rays lie in the order of their angles, so
    only those are tried that point between the two ends of an edge or the two tangents of a disc.
    """

    def __init__(self, floor: Floor, lidar: Lidar) -> None:
        self.range_max = lidar.range_max
        angles = np.arange(lidar.rays) * lidar.angle_increment
        self._rays = np.column_stack([np.cos(angles), np.sin(angles)])
        corners = np.array([box.corners() for box in floor.boxes]).reshape(-1, 4, 2)
        edges = (np.roll(corners, -1, axis=1) - corners).reshape(-1, 2)
        self._edges = np.column_stack([corners.reshape(-1, 2), edges, np.hypot(edges[:, 0], edges[:, 1])])
        self._pillars = np.array([[d.x, d.y, d.radius] for d in floor.discs]).reshape(-1, 3)

    def cast(self, x: float, y: float, yaw: float, others: FloatArray) -> FloatArray:
        """True ranges from a pose in the map frame.

        Args:
            others: (M, 3) x, y, radius (m) of moving discs; one that holds (x, y) is not seen.

        Returns:
            (R,) m, the first ray straight ahead, counterclockwise; range_max where nothing is met.
        """
        ranges: FloatArray = self.cast_all(np.array([[x, y, yaw]]), others)[0]
        return ranges

    def cast_all(self, poses: FloatArray, others: FloatArray) -> FloatArray:
        """The same for many poses, (N, 3) m, m, rad: (N, R) m. `others` may hold the lidars' own bodies."""
        ranges = np.full((len(poses), len(self._rays)), self.range_max)
        _cast(poses, self._rays, self._edges, np.concatenate([self._pillars, others]), ranges)
        return ranges


@compiled
def _cast(poses: FloatArray, rays: FloatArray, edges: FloatArray, discs: FloatArray, ranges: FloatArray) -> None:
    """Shorten the ranges of each pose, which begin with range_max, to what its rays meet first."""
    reach = ranges[0, 0]
    turned = np.empty_like(rays)
    for n in range(len(poses)):
        x, y, yaw = poses[n, 0], poses[n, 1], poses[n, 2]
        c, s = math.cos(yaw), math.sin(yaw)
        for i in range(len(rays)):
            turned[i, 0] = c * rays[i, 0] - s * rays[i, 1]
            turned[i, 1] = s * rays[i, 0] + c * rays[i, 1]
        for k in range(len(edges)):
            ex, ey, length = edges[k, 2], edges[k, 3], edges[k, 4]
            _meet_edge(edges[k, 0] - x, edges[k, 1] - y, ex, ey, length, yaw, reach, turned, ranges[n])
        for k in range(len(discs)):
            _meet_disc(discs[k, 0] - x, discs[k, 1] - y, discs[k, 2], yaw, reach, turned, ranges[n])


@compiled
def _meet_edge(
    qx: float,
    qy: float,
    ex: float,
    ey: float,
    length: float,
    yaw: float,
    reach: float,
    rays: FloatArray,
    ranges: FloatArray,
) -> None:
    """An edge from (qx, qy), relative to the lidar, along (ex, ey)."""
    # Corners run counterclockwise, so an edge faces the lidar when this (distance times length) is positive.
    facing = qy * ex - qx * ey
    if not _TINY < facing < reach * length:
        return
    bx, by = qx + ex, qy + ey
    along = min(max(-(qx * ex + qy * ey) / (length * length), 0.0), 1.0)
    px, py = qx + along * ex, qy + along * ey
    if px * px + py * py > reach * reach:
        return
    # Seen from the lidar an edge that faces it runs clockwise: its end is the first that the rays come to.
    begin = math.atan2(by, bx) - yaw
    extent = math.atan2(facing, qx * bx + qy * by)
    slack = _TINY * length  # two edges of a corner overlap by this: no ray slips between them
    first, count = _rays_between(begin, extent, len(rays))
    for k in range(first, first + count):
        i = k if k < len(rays) else k - len(rays)
        dx, dy = rays[i, 0], rays[i, 1]
        approach = dy * ex - dx * ey
        along = qy * dx - qx * dy
        if facing < ranges[i] * approach and -slack <= along <= approach + slack:
            ranges[i] = facing / approach


@compiled
def _meet_disc(
    qx: float, qy: float, radius: float, yaw: float, reach: float, rays: FloatArray, ranges: FloatArray
) -> None:
    """A disc around (qx, qy), relative to the lidar."""
    distance2 = qx * qx + qy * qy
    if not radius * radius < distance2 < (reach + radius) ** 2:
        return
    half = math.asin(radius / math.sqrt(distance2))
    first, count = _rays_between(math.atan2(qy, qx) - half - yaw, 2.0 * half, len(rays))
    for k in range(first, first + count):
        i = k if k < len(rays) else k - len(rays)
        along = qx * rays[i, 0] + qy * rays[i, 1]
        half_chord2 = radius * radius - (distance2 - along * along)
        if along > 0.0 and half_chord2 >= 0.0:
            ranges[i] = min(ranges[i], along - math.sqrt(half_chord2))


@compiled
def _rays_between(begin: float, extent: float, rays: int) -> tuple[int, int]:
    """The first ray (0 to rays - 1) and the number of rays that point into this range of angles, rad."""
    spacing = 2.0 * math.pi / rays
    low = math.ceil(begin / spacing - _FRINGE)
    high = math.floor((begin + extent) / spacing + _FRINGE)
    return low % rays, min(high - low + 1, rays)
