"""Poses in coordinates of a route: how far along it, how far beside it.

A Frenet frame (M. Werling et al., "Optimal Trajectory Generation for Dynamic Street Scenarios in a Frenet Frame", ICRA
2010): what a robot that follows a route does is nearly one-dimensional there, whatever the route's shape.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ewm_ros.geometry import FloatArray, Polyline, Pose2D, wrap_angle, wrap_angles

STRAIGHT = 10.0  # m, of the line ahead that stands in for the route of a robot that has none
BEHIND = 1.0  # m behind the robot in which it is still looked for
NEAR = 1.0  # m ahead of it, likewise
BESIDE = 2.0  # m; who is further beside the route counts as this far


class RouteFrame:
    """Coordinates along the route that a robot is on.

    Args:
        path: of the robot's route; None for a robot that has none: a straight line ahead of it stands in.
        pose: where the robot is.
        progress: m along the path.
    """

    def __init__(self, path: Polyline | None, pose: Pose2D, progress: float) -> None:
        self.pose = pose
        if path is None or path.length == 0.0:
            ahead = (pose.x + STRAIGHT * math.cos(pose.yaw), pose.y + STRAIGHT * math.sin(pose.yaw))
            path, progress = Polyline([(pose.x, pose.y), ahead]), 0.0
        self.path = path
        self.progress = progress

    def poses(self, s: FloatArray, d: FloatArray, turned: FloatArray) -> FloatArray:
        """Poses in the map frame.

        Args:
            s: (...) m of progress beyond the robot's; d: (...) m to the left of the route; turned: (...) rad since now.

        Returns:
            (..., 3).
        """
        path = self.path
        at = np.minimum(np.maximum(self.progress + s, 0.0), path.length)
        segments = path.segments(at)
        along = at - path.s.take(segments)
        begin, direction = path.points.take(segments, axis=0), path.directions.take(segments, axis=0)
        poses = np.empty((*at.shape, 3))
        poses[..., 0] = begin[..., 0] + along * direction[..., 0] - d * direction[..., 1]
        poses[..., 1] = begin[..., 1] + along * direction[..., 1] + d * direction[..., 0]
        poses[..., 2] = wrap_angles(self.pose.yaw + turned)
        return poses

    def place(self, points: FloatArray, reach: float) -> tuple[FloatArray, FloatArray]:
        """Coordinates of places: those of the nearest point on the part of the route near the robot.

        Args:
            points: (..., 2) m.
            reach: m ahead of the robot in which to look for them.

        Returns:
            s (...) m beyond the robot's progress, d (...) m to the left of the route, at most BESIDE.
        """
        low = max(self.progress - BEHIND, 0.0)
        high = max(min(self.progress + reach, self.path.length), low + 1e-6)
        vertices = self.path.s
        inner = slice(int(vertices.searchsorted(low, side="right")), int(vertices.searchsorted(high)))
        knots = np.concatenate([[low], vertices[inner], [high]])
        # Places as complex numbers, x + iy: half as many operations on these small arrays.
        first, last = complex(*self.path.point_at(low)), complex(*self.path.point_at(high))
        corners = np.concatenate([[first], _complex(self.path.points[inner]), [last]])
        begin, step = corners[:-1], corners[1:] - corners[:-1]
        back = step.conj()
        away = _complex(points).reshape(-1, 1) - begin
        along = (away * back).real / np.maximum((step * back).real, 1e-12)
        along = np.minimum(np.maximum(along, 0.0), 1.0)
        rest = away - along * step
        distances = np.abs(rest)
        best = distances.argmin(axis=1)
        nearest = np.arange(len(best)) * len(begin) + best
        s = knots[best] + along.take(nearest) * (knots[1:] - knots[:-1])[best] - self.progress
        chosen, off = step[best], rest.take(nearest)
        left = chosen.real * off.imag - chosen.imag * off.real
        d = np.copysign(np.minimum(distances.take(nearest), BESIDE), left)
        return s.reshape(points.shape[:-1]), d.reshape(points.shape[:-1])

    @property
    def beside(self) -> float:
        """m that the robot is to the left of the route, at most BESIDE."""
        start = max(self.progress - BEHIND, 0.0)
        _, left = self.path.place(self.pose.x, self.pose.y, start, self.progress + NEAR)
        return min(max(left, -BESIDE), BESIDE)

    @property
    def misalignment(self) -> float:
        """rad by which the robot's heading differs from the route's where it is."""
        return wrap_angle(self.pose.yaw - self.path.heading_at(self.progress))


def _complex(points: FloatArray) -> NDArray[np.complex128]:
    """(..., 2) -> (...)."""
    return np.ascontiguousarray(points).view(np.complex128)[..., 0]
