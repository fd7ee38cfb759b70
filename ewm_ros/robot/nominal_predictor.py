"""The closed-form predictor: the robot's own controller rolled out along its route. The learned model's fallback.

It lives beside the controller because it rolls out exactly that controller.
"""

from __future__ import annotations

import numpy as np

from ewm_ros.geometry import FloatArray
from ewm_ros.robot.motion import Unicycle
from ewm_ros.robot_type import RobotType
from ewm_ros.sensing import Odometry, Velocity
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
        pose, velocity = odometry.pose, Velocity(odometry.v, odometry.w)
        reference = velocity
        if follower is None:
            return standing(odometry)

        progress, speed_limit = situation.progress, situation.speed_limit
        future: list[tuple[float, float, float]] = []
        driven: list[float] = []
        distance = 0.0
        for step in range(HORIZON):
            hold = situation.hold_at(step * STEP)
            command = follower.command(pose, velocity, progress, hold, speed_limit)
            before = velocity.v
            pose, velocity, reference = self._unicycle.step(pose, velocity, reference, command)
            progress = follower.progress(pose, progress)
            distance += 0.5 * abs(before + velocity.v) * STEP
            future.append((pose.x, pose.y, pose.yaw))
            driven.append(distance)
        return certain(Trajectory(odometry.stamp, np.array(future), radii(np.array(driven))))


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
