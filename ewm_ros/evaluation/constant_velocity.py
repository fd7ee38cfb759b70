"""Constant velocity and turn rate: the baseline that every motion forecast has to beat by far."""

from __future__ import annotations

import numpy as np

from ewm_ros.geometry import wrap_angles
from ewm_ros.robot.nominal_predictor import certain, radii
from ewm_ros.robot.speed_profile import TIMES
from ewm_ros.trajectory import Imagination, Trajectory
from ewm_ros.world_model.predictor import Situation


class ConstantVelocity:
    """Foresees that a robot goes on as it goes now: on an arc (CTRV; R. Schubert et al., FUSION 2008)."""

    def imagine(self, situation: Situation) -> Imagination:
        """One rollout with probability 1."""
        odometry = situation.observation.odometry
        pose, v, w = odometry.pose, odometry.v, odometry.w
        yaw = pose.yaw + w * TIMES
        # The chord of an arc: v t sin(w t / 2) / (w t / 2), in the direction of its middle; sinc(0) is 1.
        chord = v * TIMES * np.sinc(w * TIMES / (2.0 * np.pi))
        middle = pose.yaw + 0.5 * w * TIMES
        x, y = pose.x + chord * np.cos(middle), pose.y + chord * np.sin(middle)
        poses = np.stack([x, y, wrap_angles(yaw)], axis=1)
        return certain(Trajectory(odometry.stamp, poses, radii(np.abs(v) * TIMES)))
