"""The frames that a robot's messages are in, as far as /tf relates them directly."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ewm_ros.geometry import FloatArray, Pose2D
from ewm_ros.intention.checks import POSITION_LIMIT, number


class Frames:
    """The newest transforms in the plane between frames, such as a localiser's from `map` to `odom`."""

    def __init__(self) -> None:
        self._edges: dict[tuple[str, str], Pose2D] = {}

    def hear(self, msg: Any) -> None:
        """Take a message of /tf or /tf_static (tf2_msgs/TFMessage).

        Raises:
            InputError: a number in it is not finite or beyond all reason.
        """
        for transform in msg.transforms:
            frames = plain(transform.header.frame_id), plain(transform.child_frame_id)
            place, q = transform.transform.translation, transform.transform.rotation
            x = number(place.x, -POSITION_LIMIT, POSITION_LIMIT, "x of a transform")
            y = number(place.y, -POSITION_LIMIT, POSITION_LIMIT, "y of a transform")
            yaw = math.atan2(2.0 * (q.w * q.z + q.x * q.y), 1.0 - 2.0 * (q.y * q.y + q.z * q.z))
            self._edges[frames] = Pose2D(x, y, number(yaw, -math.pi, math.pi, "rotation of a transform"))

    def convert(self, points: FloatArray, source: str, target: str) -> FloatArray | None:
        """(N, 2) m of one frame in another one; None if no transform between the two has been heard."""
        source, target = plain(source), plain(target)
        if source == target:
            return points
        if (target, source) in self._edges:
            edge = self._edges[target, source]
            return np.asarray(points @ _turn(edge.yaw).T + np.array([edge.x, edge.y]))
        if (source, target) in self._edges:
            edge = self._edges[source, target]
            return np.asarray((points - np.array([edge.x, edge.y])) @ _turn(edge.yaw))
        return None


def plain(frame: str) -> str:
    """A frame's name without the slash that ROS 1 put before it."""
    return frame.lstrip("/")


def _turn(yaw: float) -> FloatArray:
    cos, sin = math.cos(yaw), math.sin(yaw)
    return np.array([[cos, -sin], [sin, cos]])
