"""A robot on a path: it keeps to it, stops where it is told to, and arrives."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_paths import arc, random_paths

from ewm_ros.geometry import Polyline, Pose2D
from ewm_ros.robot.motion import PERIOD, stopping_speed
from ewm_ros.robot.path_follower import BRAKE_SHARE, FACING, HOLD_MARGIN, PathFollower, speed_limits_and_headings
from ewm_ros.robot_type import load_robot_type
from ewm_ros.sensing import STANDSTILL, Velocity

GAIN = st.floats(0.97, 1.03)
LAG = st.floats(0.05, 0.15)


PATHS = {
    "straight": [[0, 0], [5, 0]],
    "sharp corner": [[0, 0], [3, 0], [3, 3]],
    "back along itself": [[0, 0], [3, 0], [1, 0]],
    "slight kinks": [[0, 0], [2, 0], [4, 0.8], [6, 0.8]],
    "hairpin of two sharp corners": [[0, 0], [3, 0], [3, 0.4], [0, 0.4]],
    "wide bend": np.vstack([[[-3, 0]], arc(0.8, math.pi / 2), [[0.8, 3]]]),
    "tight bend": np.vstack([[[-3, 0]], arc(0.3, math.pi / 2), [[0.3, 3]]]),
    "tight u-turn": np.vstack([[[-3, 0]], arc(0.3, math.pi), [[-3, 0.6]]]),
}


@pytest.mark.parametrize("name", PATHS)
@pytest.mark.parametrize(("gain_v", "gain_w"), [(1.0, 1.0), (1.03, 0.97), (0.97, 1.03)])
def test_keeps_to_the_path_and_arrives(name, gain_v, gain_w, tinybot, plant, follow) -> None:
    path = Polyline(PATHS[name])
    follower = PathFollower(path, tinybot)
    robot = plant(tinybot, Pose2D(*path.points[0], 0.0), gain_v, gain_w)
    run = follow(follower, robot, 30.0)
    assert run.cross_track(follower) < 0.05
    assert math.dist((run.x[-1], run.y[-1]), path.points[-1]) < 0.05
    assert abs(run.v[-1]) < 0.001


@pytest.mark.parametrize("yaw", [-3.1, -1.5, 0.5, 1.5, 3.1])
def test_turns_on_the_spot_before_it_sets_off(yaw, tinybot, plant, follow) -> None:
    follower = PathFollower(Polyline(PATHS["straight"]), tinybot)
    run = follow(follower, plant(tinybot, Pose2D(0.0, 0.0, yaw)), 25.0)
    assert run.cross_track(follower) < 0.06
    assert run.progress[-1] > 4.9


@pytest.mark.parametrize("name", ["tinybot", "turtlebot4", "husky"])
@pytest.mark.parametrize("yaw", np.linspace(-3.1, 3.1, 9))
@pytest.mark.parametrize("beside", [-0.1, 0.0, 0.1])
def test_whatever_way_it_faces_it_turns_once_and_drives_on_without_swinging(name, yaw, beside, plant, follow) -> None:
    robot_type = load_robot_type(name)
    follower = PathFollower(Polyline(PATHS["straight"]), robot_type)
    robot = plant(robot_type, Pose2D(0.0, beside, yaw), lag=robot_type.lag)
    run = follow(follower, robot, 30.0)
    assert run.progress[-1] > 4.9
    # Swinging takes several times as long.
    arrived = 0.1 * int(np.argmax(run.progress > 4.9))
    assert arrived < follower.time_to_go(0.0, 0.0) + abs(yaw) / robot_type.max_turn_rate + 1.5
    headings = np.arctan2(np.diff(run.y), np.diff(run.x))[np.hypot(np.diff(run.x), np.diff(run.y)) > 0.02]
    assert np.abs(headings[len(headings) // 3 :]).max() < math.radians(10.0)


@given(path=random_paths(), share=st.floats(0.0, 1.2), limit=st.floats(0.05, 1.0), gain=GAIN, turn=GAIN, lag=LAG)
@settings(max_examples=60, deadline=None)
def test_never_passes_the_hold_point_and_comes_close_to_it(
    path, share, limit, gain, turn, lag, tinybot, plant, follow
) -> None:
    hold = share * path.length
    follower = PathFollower(path, tinybot)
    robot = plant(tinybot, Pose2D(0.0, 0.0, 0.0), gain, turn, lag)
    run = follow(follower, robot, 40.0 + 3.0 * path.length / limit, hold, limit)
    assert run.progress.max() <= hold
    assert run.progress[-1] >= min(hold, path.length) - 0.1
    assert run.v[-1] < 0.01


@given(start=st.floats(0.3, 3.0), gain=GAIN, lag=LAG)
@settings(max_examples=40, deadline=None)
def test_stops_for_a_hold_point_set_at_braking_distance_at_full_speed(start, gain, lag, tinybot, plant, follow) -> None:
    follower = PathFollower(Polyline([[0, 0], [10, 0]]), tinybot)
    robot = plant(tinybot, Pose2D(start, 0.0, 0.0), gain, 1.0, lag)
    robot.velocity = robot.reference = Velocity(0.5, 0.0)
    hold = start + tinybot.braking_distance(0.5) + 0.15
    assert follow(follower, robot, 10.0, hold).progress.max() <= hold


def test_a_hold_point_behind_keeps_the_robot_standing(tinybot) -> None:
    follower = PathFollower(Polyline(PATHS["straight"]), tinybot)
    assert follower.command(Pose2D(2.0, 0.0, 0.0), STANDSTILL, 2.0, 1.0) == STANDSTILL


def test_a_held_robot_may_turn_towards_its_path(tinybot) -> None:
    follower = PathFollower(Polyline(PATHS["straight"]), tinybot)
    command = follower.command(Pose2D(0.0, 0.0, 2.0), STANDSTILL, 0.0, 0.0)
    assert command.v == 0.0
    assert command.w < -0.1


@pytest.mark.parametrize("name", ["tinybot", "turtlebot4", "husky"])
@pytest.mark.parametrize("yaw", [-3.1, -1.5, -0.2, 0.2, 1.5, 3.1])
def test_one_that_may_not_drive_turns_on_the_spot_to_where_its_path_leads_and_says_so(name, yaw, plant) -> None:
    robot_type = load_robot_type(name)
    follower = PathFollower(Polyline([[0, 0], [0, 3], [3, 3]]), robot_type)
    robot = plant(robot_type, Pose2D(0.0, 1.0, math.pi / 2 + yaw), lag=robot_type.lag)
    assert not follower.faces(robot.pose, robot.velocity, 1.0)
    for _ in range(150):
        if follower.faces(robot.pose, robot.velocity, 1.0):
            break
        command = follower.face(robot.pose, robot.velocity, 1.0)
        assert (command.v, math.copysign(1.0, command.w)) == (0.0, math.copysign(1.0, -yaw))
        assert abs(command.w) <= robot_type.max_turn_rate
        robot.drive(command)
    assert abs(robot.pose.yaw - math.pi / 2) <= FACING
    assert math.dist((robot.pose.x, robot.pose.y), (0.0, 1.0)) < 1e-6
    # It comes to rest there: what it still turns does not take it beyond.
    for _ in range(10):
        robot.drive(STANDSTILL)
    assert follower.faces(robot.pose, robot.velocity, 1.0)


@pytest.mark.parametrize(("progress", "leads"), [(2.5, 0.0), (3.0, math.pi / 2), (4.0, math.pi / 2)])
def test_at_a_sharp_corner_it_faces_the_piece_that_comes(progress, leads, tinybot) -> None:
    path = Polyline(PATHS["sharp corner"])
    follower = PathFollower(path, tinybot)
    x, y = path.point_at(progress)
    for yaw in np.linspace(-3.0, 3.0, 61):
        towards = abs((yaw - leads + math.pi) % (2.0 * math.pi) - math.pi)
        assert follower.faces(Pose2D(x, y, yaw), STANDSTILL, progress) == (towards < FACING)


@given(
    path=random_paths(),
    x=st.floats(-3, 3),
    y=st.floats(-3, 3),
    yaw=st.floats(-10, 10),
    v=st.floats(-0.6, 0.6),
    w=st.floats(-0.7, 0.7),
    share=st.floats(0, 1),
    limit=st.floats(0.0, 2.0),
)
def test_commands_are_within_the_limits_wherever_the_robot_is(path, x, y, yaw, v, w, share, limit, tinybot) -> None:
    follower = PathFollower(path, tinybot)
    command = follower.command(Pose2D(x, y, yaw), Velocity(v, w), share * path.length, math.inf, limit)
    assert 0.0 <= command.v <= min(limit, tinybot.max_speed)
    assert abs(command.w) <= tinybot.max_turn_rate + abs(w)


@given(path=random_paths(), x=st.floats(-3, 3), y=st.floats(-3, 3), previous=st.floats(0, 12))
def test_progress_never_runs_back_nor_far_ahead(path, x, y, previous, tinybot) -> None:
    previous = min(previous, path.length)
    progress = PathFollower(path, tinybot).progress(Pose2D(x, y, 0.0), previous)
    assert previous <= progress <= min(previous + 0.5, path.length) + 1e-9


def test_progress_does_not_jump_across_a_hairpin(tinybot) -> None:
    follower = PathFollower(Polyline([[0, 0], [3, 0], [3, 0.1], [0, 0.1]]), tinybot)
    assert follower.progress(Pose2D(2.8, 0.1, 0.0), 2.75) == pytest.approx(2.8)


def test_a_speed_limit_is_kept(tinybot, plant, follow) -> None:
    follower = PathFollower(Polyline(PATHS["straight"]), tinybot)
    run = follow(follower, plant(tinybot, Pose2D(0.0, 0.0, 0.0)), 30.0, limit=0.2)
    assert 0.19 < run.v.max() <= 0.2001


@pytest.mark.parametrize("name", PATHS)
def test_time_to_go_is_about_right(name, tinybot, plant, follow) -> None:
    path = Polyline(PATHS[name])
    follower = PathFollower(path, tinybot)
    run = follow(follower, plant(tinybot, Pose2D(*path.points[0], 0.0)), 40.0)
    arrived = 0.1 * int(np.argmax(run.progress > path.length - 0.05))
    assert follower.time_to_go(0.0, 0.0) == pytest.approx(arrived, rel=0.15)
    assert follower.time_to_go(path.length, 0.0) == 0.0


def test_a_path_of_one_point_means_standing(tinybot) -> None:
    follower = PathFollower(Polyline([[1.0, 2.0]]), tinybot)
    assert follower.progress(Pose2D(0.0, 0.0, 0.0), 0.0) == 0.0
    assert follower.command(Pose2D(0.0, 0.0, 0.0), STANDSTILL, 0.0, math.inf) == STANDSTILL
    assert follower.time_to_go(0.0, 0.0) == 0.0
    assert follower.headings.tolist() == [0.0]
    assert follower.speed_limits(np.array([0.0, 1.0]), 0.0).tolist() == [0.0, 0.0]


@given(path=random_paths(), end=st.floats(-1.0, 20.0), limit=st.just(math.inf) | st.floats(0.0, 1.0))
def test_speed_limits_can_be_braked_down_to_everywhere(path, end, limit, tinybot) -> None:
    follower = PathFollower(path, tinybot)
    s = np.linspace(0.0, path.length, 200)
    speed = follower.speed_limits(s, end, limit)
    assert (speed >= 0.0).all()
    assert (speed <= min(limit, tinybot.max_speed)).all()
    assert (speed[s >= end] == 0.0).all()
    braking = (speed[:-1] ** 2 - speed[1:] ** 2) / (2.0 * np.diff(s))
    assert braking.max() <= 0.7 * tinybot.max_acceleration + 1e-6


@given(path=random_paths())
def test_speed_limits_are_those_that_the_points_of_the_path_have(path, tinybot) -> None:
    follower = PathFollower(path, tinybot)
    at_points = follower.speed_limits(path.s, math.inf)
    assert at_points == pytest.approx(np.sqrt(follower.squared_limit))
    assert (at_points[follower.sharp] <= 0.08).all()


@given(
    paths=st.lists(random_paths() | st.just(Polyline([[1.0, 2.0]])), min_size=2, max_size=4),
    beyond=st.floats(-1.0, 1.0),
)
def test_of_several_paths_at_once_limits_and_headings_are_those_of_each(paths, beyond, tinybot) -> None:
    followers = [PathFollower(path, tinybot) for path in paths]
    s = np.array([[*np.linspace(0.0, path.length + beyond, 9), path.s[len(path.s) // 2]] for path in paths])
    ends = np.array([[path.length] for path in paths])
    limits, headings = speed_limits_and_headings(followers, s, ends)
    for follower, places, limit, heading in zip(followers, s, limits, headings, strict=True):
        assert (limit == follower.speed_limits(places, follower.path.length)).all()
        assert (heading == follower.headings[follower.path.segments(places)]).all()


def test_the_controller_drives_as_fast_as_the_limits_allow(tinybot) -> None:
    follower = PathFollower(Polyline(PATHS["straight"]), tinybot)
    s = np.array([1.0, 3.5, 4.2, 4.6, 4.8, 4.9])
    limits = follower.speed_limits(s, 5.0)
    for progress, limit in zip(s.tolist(), limits.tolist(), strict=True):
        command = follower.command(Pose2D(progress, 0.0, 0.0), Velocity(limit, 0.0), progress, math.inf)
        assert command.v == pytest.approx(limit)


@given(ahead=st.floats(-0.2, 1.2), end=st.floats(0.1, 1.2))
def test_it_drives_as_fast_as_it_can_stop_before_the_hold_point_and_the_end(ahead, end, tinybot) -> None:
    follower = PathFollower(Polyline([[0, 0], [1.0 + end, 0]]), tinybot)
    command = follower.command(Pose2D(1.0, 0.0, 0.0), Velocity(tinybot.max_speed, 0.0), 1.0, 1.0 + ahead)
    brake, reaction = BRAKE_SHARE * tinybot.max_acceleration, PERIOD + 1.5 * tinybot.lag
    stops = (1.0 + ahead - HOLD_MARGIN - 1.0, follower.path.length - 1.0)
    assert command.v == min(tinybot.max_speed, *(stopping_speed(way, brake, reaction) for way in stops))


def test_headings_turn_on_where_directions_would_jump(tinybot) -> None:
    twice_round = np.vstack([arc(1.0, 4.0 * math.pi), [[9.0, 0.0]]])
    follower = PathFollower(Polyline(twice_round), tinybot)
    assert (np.diff(follower.headings[:-1]) > 0.0).all()
    assert follower.headings[-2] == pytest.approx(4.0 * math.pi, abs=0.1)
    assert follower.sharp.tolist() == [False] * len(twice_round)


def test_sharp_points_are_those_that_turn_by_much(tinybot) -> None:
    follower = PathFollower(Polyline([[0, 0], [3, 0], [3, 3], [3.5, 5]]), tinybot)
    assert follower.sharp.tolist() == [False, True, False, False]
