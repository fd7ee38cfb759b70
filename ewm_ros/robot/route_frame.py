"""Poses in coordinates of a route: how far along it, how far beside it.

A Frenet frame (M. Werling et al., "Optimal Trajectory Generation for Dynamic Street Scenarios in a Frenet Frame", ICRA
2010): what a robot that follows a route does is nearly one-dimensional there, whatever the route's shape.
"""

from __future__ import annotations

import math

import numpy as np

from ewm_ros.geometry import FloatArray, Polyline, Pose2D, wrap_angle, wrap_angles

STRAIGHT = 10.0  # m, of the line ahead that stands in for the route of a robot that has none
BEHIND = 1.0  # m behind the robot in which it is still looked for
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
        steps = np.diff(path.points, axis=0)
        self._directions = steps / np.hypot(steps[:, 0], steps[:, 1])[:, None]

    def poses(self, s: FloatArray, d: FloatArray, turned: FloatArray) -> FloatArray:
        """Poses in the map frame.

        Args:
            s: (...) m of progress beyond the robot's; d: (...) m to the left of the route; turned: (...) rad since now.

        Returns:
            (..., 3).
        """
        at = np.clip(self.progress + s, 0.0, self.path.length)
        directions = self._directions[self.path.segments(at)]
        x = np.interp(at, self.path.s, self.path.points[:, 0]) - d * directions[..., 1]
        y = np.interp(at, self.path.s, self.path.points[:, 1]) + d * directions[..., 0]
        yaw = wrap_angles(self.pose.yaw + turned)
        return np.stack([x, y, yaw], axis=-1)

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
        inner = vertices[(vertices > low) & (vertices < high)]
        knots = np.concatenate([[low], inner, [high]])
        corners = self.path.sample(knots)
        flat = points.reshape(-1, 1, 2)
        begin, step = corners[:-1], np.diff(corners, axis=0)
        squared = np.maximum((step * step).sum(axis=1), 1e-12)
        away = flat - begin
        along = np.clip((away * step).sum(axis=2) / squared, 0.0, 1.0)
        rest = away - along[..., None] * step
        distances = (rest * rest).sum(axis=2)
        best = distances.argmin(axis=1)
        rows = np.arange(len(best))
        s = knots[best] + along[rows, best] * np.diff(knots)[best] - self.progress
        left = step[best, 0] * rest[rows, best, 1] - step[best, 1] * rest[rows, best, 0]
        d = np.copysign(np.minimum(np.sqrt(distances[rows, best]), BESIDE), left)
        return s.reshape(points.shape[:-1]), d.reshape(points.shape[:-1])

    def heading(self, s: FloatArray) -> FloatArray:
        """Direction of the route (rad) at some m beyond the robot's progress."""
        directions = self._directions[self.path.segments(self.progress + s)]
        angles: FloatArray = np.arctan2(directions[..., 1], directions[..., 0])
        return angles

    @property
    def misalignment(self) -> float:
        """rad by which the robot's heading differs from the route's where it is."""
        along = float(self.heading(np.zeros(1))[0])
        return wrap_angle(self.pose.yaw - along)
