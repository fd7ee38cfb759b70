"""The closed-form predictor: the robot's own controller rolled out along its route. The learned model's fallback.

It lives beside the controller because it rolls out exactly that controller.
"""

from __future__ import annotations

import numpy as np

from ewm_ros.geometry import FloatArray
from ewm_ros.robot.motion import Unicycle
from ewm_ros.robot_type import RobotType
from ewm_ros.sensing import Odometry
from ewm_ros.trajectory import HORIZON, STEP, Imagination, Trajectory
from ewm_ros.world_model.predictor import Situation

RADIUS_NOW = 0.05  # m, that holds 90 % of what happens at once: odometry, control
RADIUS_PER_METRE = 0.07  # m more for each metre driven: motor gain, slip, waiting for others that was not foreseen
RADIUS_STANDING = 0.05  # m, of a robot that is not going to move


class NominalPredictor:
    """Foresees what the nominal robot would do: no gain error, no slip, nobody in the way.

    Args:
        robot_type: limits and lag of the robot.
    """

    def __init__(self, robot_type: RobotType) -> None:
        self._unicycle = Unicycle(robot_type, STEP)

    def imagine(self, situation: Situation) -> Imagination:
        """One rollout of HORIZON steps with probability 1."""
        odometry, follower = situation.observation.odometry, situation.follower
        if follower is None:
            return standing(odometry)

        x, y, yaw = odometry.pose.x, odometry.pose.y, odometry.pose.yaw
        v = reference_v = odometry.v
        w = reference_w = odometry.w
        progress, speed_limit = situation.progress, situation.speed_limit
        poses: list[float] = []
        driven: list[float] = []
        distance = 0.0
        for step in range(HORIZON):
            before = v
            command = follower.command_at(x, y, yaw, v, w, progress, situation.hold_at(step * STEP), speed_limit)
            x, y, yaw, v, w, reference_v, reference_w = self._unicycle.step(
                x, y, yaw, v, w, reference_v, reference_w, *command
            )
            progress = follower.progress_at(x, y, progress)
            distance += 0.5 * abs(before + v) * STEP
            poses += x, y, yaw
            driven.append(distance)
        return certain(Trajectory(odometry.stamp, np.array(poses).reshape(HORIZON, 3), radii(np.array(driven))))


def radii(driven: FloatArray) -> FloatArray:
    """m that hold 90 % of what really happens after so many m of driving."""
    return RADIUS_NOW + RADIUS_PER_METRE * driven


def standing(odometry: Odometry) -> Imagination:
    """What a robot foresees that has no reason to move."""
    pose = odometry.pose
    poses = np.tile([pose.x, pose.y, pose.yaw], (HORIZON, 1))
    return certain(Trajectory(odometry.stamp, poses, np.full(HORIZON, RADIUS_STANDING)))


def certain(trajectory: Trajectory) -> Imagination:
    """One rollout with probability 1."""
    return Imagination((trajectory,), (1.0,))
