"""The speed profile against the controller that it stands for, rolled out step by step."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_paths import arc, random_paths

from ewm_ros.geometry import FloatArray, Polyline, Pose2D, wrap_angles
from ewm_ros.robot.nominal_predictor import NominalPredictor
from ewm_ros.robot.path_follower import HOLD_MARGIN, PathFollower
from ewm_ros.robot.speed_profile import TIMES, expected_motion, free_motion, nominal_motions
from ewm_ros.robot_type import load_robot_type
from ewm_ros.sensing import Observation, Odometry
from ewm_ros.trajectory import STEP
from ewm_ros.world_model.predictor import Situation

LINE = Polyline([[0, 0], [20, 0]])
CORNER = Polyline([[0, 0], [1, 0], [1, 5]])
FRACTION = st.floats(0.0, 1.0)


def situation(
    follower: PathFollower, progress: float = 0.0, v: float = 0.0, astray: float = 0.0, **more: float
) -> Situation:
    """A robot on its route, turned away from it by so much."""
    pose = Pose2D(*follower.path.point_at(progress), follower.path.heading_at(progress) + astray)
    return Situation(Observation(Odometry(0.0, pose, v, 0.0), None), follower, progress, **more)


def free(known: Situation) -> FloatArray:
    assert known.follower is not None
    return free_motion(known.follower, known)


def expected(known: Situation) -> FloatArray:
    assert known.follower is not None
    return expected_motion(known.follower, known)


def bends(rng: np.random.Generator) -> Polyline:
    """Straight pieces and arcs as in a planner's routes."""
    x, y, heading, points = 0.0, 0.0, 0.0, [(0.0, 0.0)]
    for _ in range(rng.integers(1, 6)):
        length, turn = rng.uniform(0.5, 3.0), rng.uniform(-2.0, 2.0)
        x, y = x + length * math.cos(heading), y + length * math.sin(heading)
        points.append((x, y))
        cos, sin = math.cos(heading), math.sin(heading)
        for dx, dy in arc(rng.uniform(0.5, 1.5), abs(turn)) * [1.0, math.copysign(1.0, turn)]:
            points.append((x + cos * dx - sin * dy, y + sin * dx + cos * dy))
        x, y = points[-1]
        heading += turn
    return Polyline(points)


def somewhere(follower: PathFollower, periods: int, plant: type) -> Situation:
    """A robot that has been under way for so many periods, or nearly to the end."""
    robot, progress = plant(follower.robot_type, Pose2D(0.0, 0.0, 0.0)), 0.0
    for _ in range(periods):
        if follower.path.length - progress < 0.5:
            break
        robot.drive(follower.command(robot.pose, robot.velocity, progress, math.inf))
        progress = follower.progress(robot.pose, progress)
    return Situation(Observation(robot.odometry(0.0), None), follower, progress)


@pytest.mark.parametrize("name", ["tinybot", "turtlebot4"])
@pytest.mark.parametrize("held", [False, True])
def test_it_is_the_controllers_own_motion_but_for_centimetres(name: str, held: bool, plant: type) -> None:
    robot_type, errors, turns = load_robot_type(name), [], []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        follower = PathFollower(bends(rng), robot_type)
        known = somewhere(follower, int(rng.integers(0, 120)), plant)
        if held:
            stopping = follower.stopping_distance(known.observation.odometry.v)
            hold = known.progress + stopping + rng.uniform(0.0, 2.0)
            known = replace(known, hold=hold, release=rng.uniform(0.0, 6.0))
        rolled_out = NominalPredictor(robot_type).imagine(known).most_probable.poses
        progress, yaw = expected(known)
        errors.append(np.hypot(*(follower.path.sample(progress) - rolled_out[:, :2]).T))
        turns.append(np.abs(wrap_angles(yaw - rolled_out[:, 2])))
    assert np.max(errors) < 0.25
    assert np.quantile([error[-1] for error in errors], 0.9) < 0.15
    assert np.mean(errors) < 0.04
    assert np.mean(turns) < 0.05


@settings(deadline=None)
@given(
    path=random_paths(),
    share=FRACTION,
    v=FRACTION,
    astray=st.floats(-3.1, 3.1),
    limit=st.just(math.inf) | st.floats(0.05, 1.0),
)
def test_free_motion_begins_where_the_robot_is_and_keeps_to_its_speed(path, share, v, astray, limit, tinybot) -> None:
    follower, start = PathFollower(path, tinybot), share * path.length
    known = situation(follower, start, v * tinybot.max_speed, astray, speed_limit=limit)
    progress, yaw = free(known)
    steps = np.diff(progress, prepend=start)
    assert (steps >= 0.0).all()
    assert steps.max() <= max(min(limit, tinybot.max_speed), 0.02) * STEP + 1e-9
    assert progress[-1] <= max(path.length, start)
    assert np.isfinite(yaw).all()
    assert abs(yaw[0] - known.observation.odometry.pose.yaw) < np.pi


@settings(deadline=None)
@given(
    path=random_paths(),
    share=FRACTION,
    v=FRACTION,
    astray=st.floats(-3.1, 3.1),
    ahead=st.floats(-2.0, 3.0),
    release=st.just(math.inf) | st.floats(0.0, 7.0),
)
def test_the_hold_point_is_not_passed_before_the_release(path, share, v, astray, ahead, release, tinybot) -> None:
    follower, start = PathFollower(path, tinybot), share * path.length
    hold = start + ahead
    known = situation(follower, start, v * tinybot.max_speed, astray, hold=hold, release=release)
    progress, yaw = expected(known)
    assert np.isfinite([progress, yaw]).all()
    assert (np.diff(progress, prepend=start) >= 0.0).all()
    assert (progress[release >= TIMES] <= max(hold - HOLD_MARGIN, start) + 1e-9).all()


def test_a_robot_from_standstill_speeds_up_as_it_can_and_stays_at_full_speed(tinybot) -> None:
    progress, yaw = free(situation(PathFollower(LINE, tinybot)))
    v, a = tinybot.max_speed, tinybot.max_acceleration
    assert progress[-1] == pytest.approx(5.0 * v - v * v / (2.0 * a), abs=0.02)
    assert np.diff(progress)[10:] == pytest.approx(v * STEP)
    assert (yaw == 0.0).all()


def test_a_speed_limit_is_kept(tinybot) -> None:
    progress, _ = free(situation(PathFollower(LINE, tinybot), v=0.1, speed_limit=0.1))
    assert progress == pytest.approx(0.1 * TIMES)


def test_a_robot_that_looks_elsewhere_turns_before_it_drives(tinybot) -> None:
    progress, yaw = free(situation(PathFollower(LINE, tinybot), astray=2.0))
    turning = (2.0 - math.radians(20.0)) / tinybot.max_turn_rate
    assert (progress[turning > TIMES] == 0.0).all()
    assert progress[-1] > 0.5
    assert (np.diff(yaw) <= 0.0).all()
    assert yaw[-1] == pytest.approx(0.0)


def test_at_a_sharp_corner_the_robot_stops_and_turns(tinybot) -> None:
    progress, yaw = free(situation(PathFollower(CORNER, tinybot), v=0.5))
    speed = np.diff(progress, prepend=0.0) / STEP
    there = np.abs(progress - 1.0) < 0.1
    assert speed[there].min() < 0.1
    assert yaw[~there & (progress < 1.0)] == pytest.approx(0.0, abs=0.01)
    assert yaw[~there & (progress > 1.0)] == pytest.approx(math.pi / 2, abs=0.01)
    assert there.sum() * STEP > math.pi / 2 / tinybot.max_turn_rate


def test_a_hold_point_out_of_reach_or_let_go_of_changes_nothing(tinybot) -> None:
    known = situation(PathFollower(LINE, tinybot), v=0.5)
    for same in (replace(known, hold=10.0, release=math.inf), replace(known, hold=1.0, release=0.0)):
        assert (expected(same) == free(known)).all()


def test_after_the_release_the_robot_goes_on(tinybot) -> None:
    known = situation(PathFollower(LINE, tinybot), v=0.5, hold=1.0)
    waiting, let_past = expected(replace(known, release=math.inf)), expected(replace(known, release=3.0))
    assert waiting[0, -1] == pytest.approx(1.0 - HOLD_MARGIN, abs=0.02)
    assert (let_past[0, :29] == waiting[0, :29]).all()
    assert 1.3 < let_past[0, -1] < free(known)[0, -1] - 0.5


@pytest.mark.parametrize("progress", [19.99, 20.0, 25.0])
def test_at_its_end_and_beyond_a_robot_stands(progress: float, tinybot) -> None:
    for known in (
        situation(PathFollower(LINE, tinybot), progress),
        situation(PathFollower(LINE, tinybot), progress, hold=5.0, release=2.0),
    ):
        assert expected(known)[0] == pytest.approx(progress)


def test_a_robot_beyond_its_hold_point_stands(tinybot) -> None:
    known = situation(PathFollower(LINE, tinybot), 5.0, v=0.3, hold=2.0, release=math.inf)
    assert (expected(known)[0] == 5.0).all()


def test_with_a_speed_limit_of_nothing_next_to_nothing_is_driven(tinybot) -> None:
    progress, _ = free(situation(PathFollower(LINE, tinybot), speed_limit=0.0))
    assert 0.0 <= progress[-1] <= 0.1


def test_a_path_of_one_point_means_standing(tinybot) -> None:
    follower = PathFollower(Polyline([[1.0, 2.0]]), tinybot)
    for known in (situation(follower, v=0.2, astray=1.0), situation(follower, hold=0.0, release=math.inf)):
        progress, yaw = expected(known)
        assert (progress == 0.0).all()
        assert np.isfinite(yaw).all()


@settings(deadline=None)
@given(
    paths=st.lists(random_paths(), min_size=2, max_size=5),
    share=FRACTION,
    astray=st.floats(-3.1, 3.1),
    ahead=st.lists(st.floats(-1.0, 5.0), min_size=5, max_size=5),
    release=st.lists(st.just(math.inf) | st.floats(0.0, 6.0), min_size=5, max_size=5),
)
def test_of_several_robots_at_once_each_motion_is_that_of_one(paths, share, astray, ahead, release, tinybot) -> None:
    known = []
    for path, hold, wait in zip(paths, ahead, release, strict=False):
        start = share * path.length
        known.append(situation(PathFollower(path, tinybot), start, 0.3, astray, hold=start + hold, release=wait))
    for motions, alone in zip(nominal_motions([one.follower for one in known], known), (free, expected), strict=True):
        for motion, one in zip(motions, known, strict=True):
            assert (motion == alone(one)).all()
