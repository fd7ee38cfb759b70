"""The closed-form prediction against what a simulated robot then does."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_paths import random_paths

from ewm_ros.geometry import Polyline, Pose2D
from ewm_ros.robot.motion import Unicycle
from ewm_ros.robot.nominal_predictor import NominalPredictor
from ewm_ros.robot.path_follower import PathFollower
from ewm_ros.sensing import Observation, Odometry, Velocity
from ewm_ros.trajectory import HORIZON, STEP
from ewm_ros.world_model.predictor import Situation

BEND = Polyline(
    [[0, 0], [2, 0], *[[2 + math.sin(a), 1 - math.cos(a)] for a in np.linspace(0, math.pi / 2, 16)], [3, 6]]
)


def situation(odometry: Odometry, follower: PathFollower | None, progress: float, **more: object) -> Situation:
    return Situation(Observation(odometry, None), follower, progress, **more)


@pytest.mark.parametrize("gain", [0.97, 1.0, 1.03])
@pytest.mark.parametrize("periods", [0, 3, 25, 60])
def test_foresees_where_the_robot_will_be(gain, periods, tinybot, plant) -> None:
    follower, robot = PathFollower(BEND, tinybot), plant(tinybot, Pose2D(0.0, 0.0, 0.4), gain, gain)
    progress, futures, seen = 0.0, {}, []
    for k in range(periods + HORIZON):
        futures[k] = NominalPredictor(tinybot).imagine(situation(robot.odometry(0.1 * k), follower, progress))
        robot.drive(follower.command(robot.pose, robot.velocity, progress, math.inf))
        progress = follower.progress(robot.pose, progress)
        seen.append((robot.pose.x, robot.pose.y))
    future = futures[periods]
    assert future.probabilities == (1.0,)
    trajectory = future.most_probable
    assert trajectory.stamp == pytest.approx(0.1 * periods)
    error = np.hypot(*(trajectory.poses[:, :2] - seen[periods:]).T)
    assert error.max() < 0.15
    assert (error <= trajectory.radius).mean() > 0.9


@given(
    path=random_paths(),
    share=st.floats(0.0, 1.0),
    beside=st.floats(-0.3, 0.3),
    yaw=st.floats(-3.1, 3.1),
    v=st.floats(-0.1, 0.6),
    w=st.floats(-0.6, 0.6),
    hold=st.just(math.inf) | st.floats(0.0, 8.0),
    release=st.sampled_from([0.0, 1.5, math.inf]),
    limit=st.just(math.inf) | st.floats(0.0, 0.6),
)
def test_it_is_what_the_robot_s_own_controller_does_step_by_step(
    path, share, beside, yaw, v, w, hold, release, limit, tinybot
) -> None:
    follower, nominal, progress = PathFollower(path, tinybot), Unicycle(tinybot, STEP), share * path.length
    x, y = path.point_at(progress)
    odometry = Odometry(0.0, Pose2D(x, y + beside, yaw), v, w)
    now = situation(odometry, follower, progress, hold=hold, release=release, speed_limit=limit)
    state, poses = (x, y + beside, yaw, v, w, v, w), []
    for step in range(HORIZON):
        pose, velocity = Pose2D(*state[:3]), Velocity(*state[3:5])
        command = follower.command(pose, velocity, progress, now.hold_at(step * STEP), limit)
        state = nominal.step(*state, command.v, command.w)
        progress = follower.progress(Pose2D(*state[:3]), progress)
        poses.append(state[:3])
    assert NominalPredictor(tinybot).imagine(now).most_probable.poses.tolist() == [list(pose) for pose in poses]


def test_a_robot_told_to_wait_will_stand_before_its_hold_point(tinybot) -> None:
    here = Odometry(0.0, Pose2D(0.0, 0.0, 0.0), 0.5, 0.0)
    follower = PathFollower(BEND, tinybot)
    waiting = (
        NominalPredictor(tinybot).imagine(situation(here, follower, 0.0, hold=1.0, release=math.inf)).most_probable
    )
    driving = NominalPredictor(tinybot).imagine(situation(here, follower, 0.0, hold=1.0, release=0.0)).most_probable
    released = NominalPredictor(tinybot).imagine(situation(here, follower, 0.0, hold=1.0, release=3.0)).most_probable
    assert 0.9 <= waiting.poses[-1, 0] <= 1.0
    assert (released.poses[:30] == waiting.poses[:30]).all()
    assert 1.0 < released.poses[-1, 0] < driving.poses[-1, 0]
    assert driving.poses[-1, 0] > 1.8


def test_a_speed_limit_is_foreseen(tinybot) -> None:
    here = Odometry(0.0, Pose2D(0.0, 0.0, 0.0), 0.0, 0.0)
    future = NominalPredictor(tinybot).imagine(situation(here, PathFollower(BEND, tinybot), 0.0, speed_limit=0.1))
    assert 0.4 < future.most_probable.poses[-1, 0] < 0.5


def test_without_a_route_the_robot_stands_and_is_sure_of_it(tinybot) -> None:
    here = Odometry(3.0, Pose2D(1.0, 2.0, 0.5), 0.0, 0.0)
    standing = NominalPredictor(tinybot).imagine(situation(here, None, 0.0)).most_probable
    assert standing.poses.shape == (HORIZON, 3)
    assert (standing.poses == [1.0, 2.0, 0.5]).all()
    assert np.unique(standing.radius).tolist() == [0.05]


def test_uncertainty_grows_while_the_robot_moves(tinybot) -> None:
    here = Odometry(0.0, Pose2D(0.0, 0.0, 0.0), 0.5, 0.0)
    moving = NominalPredictor(tinybot).imagine(situation(here, PathFollower(BEND, tinybot), 0.0)).most_probable
    assert moving.radius[0] < 0.06
    assert (np.diff(moving.radius) > 0.0).all()
    assert 0.15 < moving.radius[-1] < 0.3


def test_the_prediction_is_the_same_each_time(tinybot) -> None:
    here = Odometry(0.0, Pose2D(0.0, 0.0, 0.0), 0.3, 0.1)
    follower = PathFollower(BEND, tinybot)
    first, second = (NominalPredictor(tinybot).imagine(situation(here, follower, 0.0)) for _ in range(2))
    assert (first.most_probable.poses == second.most_probable.poses).all()
