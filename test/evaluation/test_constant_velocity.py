"""The constant-velocity baseline drives exact arcs."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ewm_ros.evaluation.constant_velocity import ConstantVelocity
from ewm_ros.geometry import FloatArray, Pose2D
from ewm_ros.sensing import Observation, Odometry
from ewm_ros.trajectory import HORIZON, STEP, Trajectory
from ewm_ros.world_model.predictor import Situation

TIMES = STEP * np.arange(1, HORIZON + 1)


def foreseen(pose: Pose2D, v: float, w: float) -> Trajectory:
    (rollout,) = ConstantVelocity().imagine(Situation(Observation(Odometry(3.0, pose, v, w), None), None)).rollouts
    return rollout


def turns(one: FloatArray, other: FloatArray) -> FloatArray:
    """rad between directions."""
    return np.abs(np.angle(np.exp(1j * (one - other))))


@pytest.mark.parametrize("v", [0.5, -0.2])
@pytest.mark.parametrize("w", [0.4, -1.5])
def test_a_robot_that_turns_goes_on_round_its_circle(v: float, w: float) -> None:
    pose = Pose2D(1.0, -2.0, 0.7)
    told = foreseen(pose, v, w)
    radius = v / w
    x = pose.x + radius * (np.sin(pose.yaw + w * TIMES) - math.sin(pose.yaw))
    y = pose.y - radius * (np.cos(pose.yaw + w * TIMES) - math.cos(pose.yaw))
    assert np.allclose(told.poses[:, :2], np.stack([x, y], axis=1), atol=1e-12)
    assert turns(told.poses[:, 2], pose.yaw + w * TIMES).max() < 1e-12
    assert (np.abs(told.poses[:, 2]) <= math.pi).all()


def test_a_robot_that_goes_straight_goes_on_straight() -> None:
    told = foreseen(Pose2D(0.0, 1.0, math.pi / 2), 0.4, 0.0)
    expected = np.stack([np.zeros(HORIZON), 1.0 + 0.4 * TIMES, np.full(HORIZON, math.pi / 2)], axis=1)
    assert np.allclose(told.poses, expected, atol=1e-12)


def test_nearly_straight_is_between_straight_and_a_wide_arc() -> None:
    straight, nearly = foreseen(Pose2D(0.0, 0.0, 0.0), 0.4, 0.0), foreseen(Pose2D(0.0, 0.0, 0.0), 0.4, 1e-9)
    assert np.allclose(straight.poses, nearly.poses, atol=1e-8)


def test_a_robot_that_stands_stays_and_one_that_turns_on_the_spot_turns() -> None:
    standing, turning = foreseen(Pose2D(1.0, 2.0, 0.3), 0.0, 0.0), foreseen(Pose2D(1.0, 2.0, 0.3), 0.0, 0.5)
    assert np.allclose(standing.poses, [1.0, 2.0, 0.3])
    assert np.allclose(turning.poses[:, :2], [1.0, 2.0])
    assert turns(turning.poses[:, 2], 0.3 + 0.5 * TIMES).max() < 1e-12


def test_the_further_it_goes_the_less_sure_it_is_whichever_way() -> None:
    forward, backward = foreseen(Pose2D(0.0, 0.0, 0.0), 0.4, 0.1), foreseen(Pose2D(0.0, 0.0, 0.0), -0.4, 0.1)
    assert (np.diff(forward.radius) > 0.0).all()
    assert np.array_equal(forward.radius, backward.radius)
    assert forward.stamp == 3.0
