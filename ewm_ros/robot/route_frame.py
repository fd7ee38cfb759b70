"""Poses in coordinates of a route: how far along it, how far beside it.

A Frenet frame (M. Werling et al., "Optimal Trajectory Generation for Dynamic Street Scenarios in a Frenet Frame", ICRA
2010): what a robot that follows a route does is nearly one-dimensional there, whatever the route's shape.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ewm_ros.geometry import FloatArray, Polyline, Pose2D, wrap_angle, wrap_angles

STRAIGHT = 10.0  # m, of the line ahead that stands in for the route of a robot that has none
BEHIND = 1.0  # m behind the robot in which it is still looked for
NEAR = 1.0  # m ahead of it, likewise
NOWHERE = 1e9 + 1e9j  # m; begins what fills up the corners of a short route beside those of a long one
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
        poses: FloatArray = poses_of([self], s[None], d[None], turned[None])[0]
        return poses

    def place(self, points: FloatArray, reach: float) -> tuple[FloatArray, FloatArray]:
        """Coordinates of places: those of the nearest point on the part of the route near the robot.

        Args:
            points: (..., 2) m.
            reach: m ahead of the robot in which to look for them.

        Returns:
            s (...) m beyond the robot's progress, d (...) m to the left of the route, at most BESIDE.
        """
        s, d = places_of([self], points.reshape(1, -1, 2), [reach])
        return s.reshape(points.shape[:-1]), d.reshape(points.shape[:-1])

    def window(self, reach: float) -> tuple[list[float], list[float], list[float]]:
        """m along the route and x, y (m) of its part near the robot: of its beginning, its corners and its end."""
        low = max(self.progress - BEHIND, 0.0)
        return self.path.part(low, max(min(self.progress + reach, self.path.length), low + 1e-6))

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


def poses_of(frames: Sequence[RouteFrame], s: FloatArray, d: FloatArray, turned: FloatArray) -> FloatArray:
    """RouteFrame.poses of several robots at once: (B, ...) each -> (B, ..., 3)."""
    rows = (len(frames), *[1] * (s.ndim - 1))
    traits = np.array([(frame.progress, frame.path.length, frame.pose.yaw) for frame in frames])
    progress, length, yaw = (column.reshape(rows) for column in traits.T)
    at = np.minimum(np.maximum(progress + s, 0.0), length)
    x, y, begin, dx, dy = _pieces([frame.path for frame in frames], at)
    along = at - begin
    poses = np.empty((*at.shape, 3))
    poses[..., 0] = x + along * dx - d * dy
    poses[..., 1] = y + along * dy + d * dx
    poses[..., 2] = wrap_angles(yaw + turned)
    return poses


def _pieces(paths: Sequence[Polyline], at: FloatArray) -> list[FloatArray]:
    """Of the pieces of each path that some places (B, ...) m along it lie on: x, y, m along it, direction x, y."""
    found = np.ones(at.shape, np.intp)
    for path, places, numbers in zip(paths, at, found, strict=True):
        if len(path.table) > 1:
            numbers[:] = path.s.searchsorted(places, side="right")
    counts = np.array([len(path.table) for path in paths])
    # The end of a path belongs to its last piece. The tables lie one behind the other.
    found = (np.minimum(found.T, counts) + (np.cumsum(counts) - counts - 1)).T
    columns = np.concatenate([path.table for path in paths]).T
    return [columns[k].take(found) for k in (0, 1, 2, 4, 5)]


def places_of(
    frames: Sequence[RouteFrame], points: FloatArray, reaches: Sequence[float]
) -> tuple[FloatArray, FloatArray]:
    """RouteFrame.place of several robots at once.

    Args:
        points: (B, P, 2) m.
        reaches: m ahead of each robot.

    Returns:
        (B, P) each.
    """
    knots, begin, step = _windows(frames, reaches)
    back = step.conj()
    away = _complex(points)[..., None] - begin[:, None]
    along = (away * back[:, None]).real / np.maximum((step * back).real, 1e-12)[:, None]
    along = np.minimum(np.maximum(along, 0.0), 1.0)
    rest = away - along * step[:, None]
    distances = np.abs(rest)
    best = distances.argmin(axis=2)
    # Where the nearest pieces of all robots' routes lie among (B, W) pieces, and among (B, P, W) pairs.
    piece = best + begin.shape[1] * np.arange(len(frames))[:, None]
    pair = best + begin.shape[1] * np.arange(best.size).reshape(best.shape)
    length = knots[:, 1:] - knots[:, :-1]
    progress = np.array([[frame.progress] for frame in frames])
    s = knots[:, :-1].take(piece) + along.take(pair) * length.take(piece) - progress
    chosen, off = step.take(piece), rest.take(pair)
    left = chosen.real * off.imag - chosen.imag * off.real
    d = np.copysign(np.minimum(distances.take(pair), BESIDE), left)
    return s, d


def _windows(
    frames: Sequence[RouteFrame], reaches: Sequence[float]
) -> tuple[FloatArray, NDArray[np.complex128], NDArray[np.complex128]]:
    """The parts of the routes near their robots, the shorter ones filled up with pieces that are NOWHERE.

    Returns:
        (B, W + 1) m along the routes, and of the W pieces between, (B, W) each: where they begin and how they go on, m.
    """
    windows = [frame.window(reach) for frame, reach in zip(frames, reaches, strict=True)]
    counts = [len(s) for s, _, _ in windows]
    most = max(counts)
    padded = [[column + [0.0] * (most - len(column)) for column in window] for window in windows]
    knots, x, y = np.array(padded).swapaxes(0, 1)
    corners = x + 1j * y
    begin, step = corners[:, :-1], corners[:, 1:] - corners[:, :-1]
    if min(counts) < most:
        beyond = np.arange(1, most) >= np.array(counts)[:, None]
        begin[beyond], step[beyond] = NOWHERE, 0.0
    return knots, begin, step


def _complex(points: FloatArray) -> NDArray[np.complex128]:
    """(..., 2) -> (...)."""
    return np.ascontiguousarray(points).view(np.complex128)[..., 0]
