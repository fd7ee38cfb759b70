"""The online validator: radii come to hold what they are to hold, soon, steadily, and whatever they were at first."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from ewm_ros.geometry import FloatArray, Pose2D
from ewm_ros.randomness import stream
from ewm_ros.robot.guarded_predictor import NO_MODEL, load_predictor
from ewm_ros.simulation.fleet import Fleet
from ewm_ros.simulation.worlds.scenario import make_scenario
from ewm_ros.simulation.worlds.world_file import load_world
from ewm_ros.trajectory import HORIZON, STEP, Imagination, Trajectory
from ewm_ros.world_model.prediction_score import ScoreSums
from ewm_ros.world_model.prediction_windows import MOVED
from ewm_ros.world_model.validator import LARGEST_FACTOR, TOO_SURE, Validator, learn_together, recalibrated

SPEED = 0.5  # m/s along x
SPREAD = 0.01 * np.sqrt(np.arange(1, HORIZON + 1))  # m, standard deviation of either axis of the errors of each step
IN_50, IN_90 = math.sqrt(2 * math.log(2)), math.sqrt(2 * math.log(10))  # of these deviations, the radii that hold them

Growth = Callable[[float], float]


def steady(_: float) -> float:
    """The errors are as the predictor knows them at any time."""
    return 1.0


class Life:
    """A robot that drives straight on, with a predictor whose errors are drawn anew for each window and step.

    Args:
        told: how much too large the radii are that the predictor tells.
        growth: how many times as large its errors are as it knew them to be, by the time in s.
    """

    def __init__(self, seed: int, told: float = 1.0, growth: Growth = steady, speed: float = SPEED) -> None:
        self.validator = Validator(0.3)
        self.time = 0.0
        self._random = stream(seed, 0, "errors")
        self._told, self._growth, self._speed = told, growth, speed

    def go_on(self, seconds: float) -> ScoreSums:
        """Live on; the sums of the windows that were over in this time."""
        before = self.validator.sums.detail()["windows"], self.validator.sums.inside50, self.validator.sums.inside90
        for _ in range(round(seconds / STEP)):
            self.cycle()
        sums = self.validator.sums
        windows = sums.windows - before[0]
        return ScoreSums(
            windows, steps=windows * HORIZON, inside50=sums.inside50 - before[1], inside90=sums.inside90 - before[2]
        )

    def cycle(self) -> None:
        self.look()
        self.imagine()

    def look(self) -> None:
        self.validator.happened(self.time, Pose2D(self._speed * self.time, 0.0, 0.0))

    def imagine(self) -> None:
        poses = np.zeros((HORIZON, 3))
        poses[:, 0] = self._speed * (self.time + STEP * np.arange(1, HORIZON + 1))
        poses[:, :2] += self._random.normal(size=(HORIZON, 2)) * SPREAD[:, None] * self._growth(self.time)
        told = SPREAD * self._told
        trajectory = Trajectory(self.time, poses, IN_90 * told, median=IN_50 * told)
        self.validator.recalibrate(Imagination((trajectory,), (1.0,)))
        self.time += STEP


def coverage(sums: ScoreSums) -> tuple[float, float]:
    return sums.inside50 / sums.steps, sums.inside90 / sums.steps


def test_radii_that_are_right_stay_about_as_they_are() -> None:
    life = Life(seed=0)
    assert coverage(life.go_on(60.0)) == pytest.approx((0.5, 0.9), abs=0.02)
    assert life.validator.factor == pytest.approx(1.0, abs=0.15)
    assert life.validator.drift == ""


@pytest.mark.parametrize("told", [0.5, 2.0])
def test_radii_two_times_off_are_put_right_within_seconds(told: float) -> None:
    life = Life(seed=1, told=told)
    life.go_on(8.0)
    assert life.validator.factors.mean(axis=1) == pytest.approx(1.0 / told, rel=0.2)
    assert coverage(life.go_on(40.0)) == pytest.approx((0.5, 0.9), abs=0.03)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), told=st.floats(0.25, 4.0))
def test_coverage_converges_whatever_the_radii_were_at_first(seed: int, told: float) -> None:
    life = Life(seed, told)
    life.go_on(20.0)
    assert coverage(life.go_on(40.0)) == pytest.approx((0.5, 0.9), abs=0.03)


@settings(max_examples=5, deadline=None, phases=(Phase.explicit, Phase.generate))
@given(seed=st.integers(0, 2**32 - 1), change=st.sampled_from([0.6, 0.8, 1.25, 1.7]))
def test_coverage_is_kept_while_errors_slowly_grow_or_shrink(seed: int, change: float) -> None:
    life = Life(seed, growth=lambda time: change ** (time / 120.0))
    life.go_on(10.0)
    assert coverage(life.go_on(110.0)) == pytest.approx((0.5, 0.9), abs=0.03)


def test_steps_differ_where_the_predictor_is_wrong_about_how_errors_grow() -> None:
    validator, random = Validator(0.3), stream(3, 0, "errors")
    for k in range(1200):
        validator.happened(k * STEP, Pose2D(SPEED * k * STEP, 0.0, 0.0))
        poses = np.zeros((HORIZON, 3))
        poses[:, 0] = SPEED * STEP * (k + np.arange(1, HORIZON + 1))
        poses[:, :2] += random.normal(size=(HORIZON, 2)) * SPREAD[:, None]
        flat = np.full(HORIZON, SPREAD[24])
        trajectory = Trajectory(k * STEP, poses, IN_90 * flat, median=IN_50 * flat)
        validator.recalibrate(Imagination((trajectory,), (1.0,)))
    wanted = SPREAD / SPREAD[24]
    assert np.abs(np.log(validator.factors / wanted))[:, 5:].max() < 0.35


def test_after_the_first_seconds_radii_do_not_jump() -> None:
    life = Life(seed=4, told=0.5)
    life.go_on(20.0)
    logs = []
    for _ in range(400):
        life.cycle()
        logs.append(np.log(life.validator.factors))
    a_second_apart = np.abs(np.array(logs)[10:] - np.array(logs)[:-10])
    assert np.quantile(a_second_apart, 0.95) < 0.35


def test_a_robot_that_stands_learns_nothing() -> None:
    life = Life(seed=5, speed=0.0, told=0.5)
    life.go_on(20.0)
    assert SPREAD[-1] * 4 < MOVED
    assert (life.validator.factors == 1.0).all()
    assert life.validator.sums == ScoreSums()


@settings(max_examples=25, deadline=None)
@given(
    errors=st.lists(st.one_of(st.just(0.0), st.floats(1e-9, 1e9)), min_size=1, max_size=20),
    radius=st.one_of(st.just(0.0), st.floats(1e-9, 1e9)),
)
def test_factors_stay_finite_and_bounded_whatever_happens(errors: list[float], radius: float) -> None:
    validator = Validator(0.3)
    for k in range(120):
        validator.happened(k * STEP, Pose2D(errors[k % len(errors)], float(k), 0.0))
        poses = np.zeros((HORIZON, 3))
        poses[:, 1] = k + np.arange(1, HORIZON + 1)
        raw = Imagination((Trajectory(k * STEP, poses, np.full(HORIZON, radius)),), (1.0,))
        told = validator.recalibrate(raw).most_probable
        assert (told.median <= told.radius).all()
        assert np.isfinite(told.radius).all()
    assert ((validator.factors >= 0.999 / LARGEST_FACTOR) & (validator.factors <= 1.001 * LARGEST_FACTOR)).all()


def evened(radii: FloatArray) -> FloatArray:
    """The mean of each step and its neighbours, as many on both sides, 6 at most."""
    reaches = [min(6, k, HORIZON - 1 - k) for k in range(HORIZON)]
    return np.array([radii[k - reach : k + reach + 1].mean() for k, reach in enumerate(reaches)])


def test_all_rollouts_are_recalibrated_and_nothing_else_of_them_is_changed() -> None:
    life = Life(seed=6, told=0.5)
    life.go_on(10.0)
    factors = life.validator.factors
    poses = np.arange(3.0 * HORIZON).reshape(HORIZON, 3)
    raw = Imagination(
        tuple(Trajectory(10.0, poses + i, np.full(HORIZON, 1.0 + i), median=SPREAD) for i in range(3)), (0.5, 0.3, 0.2)
    )
    told = life.validator.recalibrate(raw)
    assert told.probabilities == raw.probabilities
    for before, after in zip(raw.rollouts, told.rollouts, strict=True):
        assert (after.stamp, after.step) == (before.stamp, before.step)
        assert (after.poses == before.poses).all()
        np.testing.assert_allclose(after.radius, evened(before.radius * factors[1]))
        np.testing.assert_allclose(after.median, evened(before.median * factors[0]))


def test_several_are_recalibrated_at_once_as_each_alone() -> None:
    alone, together = ([Life(seed, told) for seed, told in ((8, 0.5), (9, 1.0), (10, 2.0))] for _ in range(2))
    for life in (*alone, *together):
        life.go_on(10.0)
    poses = np.zeros((HORIZON, 3))
    raws = [
        Imagination(tuple(Trajectory(10.0, poses, (i + k) * SPREAD, median=0.3 * SPREAD) for i in (1, 2)), (0.6, 0.4))
        for k in range(3)
    ]
    told = recalibrated([life.validator for life in together], raws)
    for life, raw, after in zip(alone, raws, told, strict=True):
        for mine, theirs in zip(life.validator.recalibrate(raw).rollouts, after.rollouts, strict=True):
            np.testing.assert_allclose(mine.radius, theirs.radius, rtol=1e-12)
            np.testing.assert_allclose(mine.median, theirs.median, rtol=1e-12)
    for one, other in zip(alone, together, strict=True):
        assert one.go_on(8.0) == other.go_on(8.0)


def test_several_learn_at_once_as_each_alone_bit_for_bit() -> None:
    alone, together = ([Life(seed, told=0.5, speed=0.1 * seed) for seed in range(6)] for _ in range(2))
    for cycle in range(120):
        for life in (*alone, *together):
            life.look()
        learn_together([life.validator for life in together])
        for k, (one, other) in enumerate(zip(alone, together, strict=True)):
            assert (one.validator.log_factors == other.validator.log_factors).all()
            for life in (one, other):
                if cycle % (k + 1) == 0:  # so that of each there are as many steps as of no other
                    life.imagine()
                else:
                    life.time += STEP


def test_verdicts_tell_which_window_was_hit() -> None:
    validator, verdicts = Validator(0.3), {}
    for k in range(101):
        now = k * STEP
        for verdict in validator.happened(now, Pose2D(SPEED * now, 0.0, 0.0)):
            verdicts[round(verdict.stamp / STEP)] = verdict.counts, verdict.hit
        poses = np.zeros((HORIZON, 3))
        poses[:, 0] = SPEED * (now + STEP * np.arange(1, HORIZON + 1))
        poses[-1, 1] = 0.7 if k % 2 else 0.5
        validator.recalibrate(Imagination((Trajectory(now, poses, SPREAD),), (1.0,)))
    assert verdicts == {k: (True, k % 2 == 0) for k in range(51)}


def test_gaps_and_time_set_back_cost_windows_but_not_what_was_learned() -> None:
    life = Life(seed=7, told=0.5)
    life.go_on(20.0)
    learned = life.validator.factors
    life.time += 3.0
    assert life.go_on(5.0).windows == 0
    life.time = 0.0
    assert life.go_on(5.0).windows == 0
    assert np.abs(np.log(life.validator.factors / learned)).mean() < 0.2
    assert coverage(life.go_on(20.0)) == pytest.approx((0.5, 0.9), abs=0.04)


def test_a_predictor_that_is_far_too_sure_is_told_of() -> None:
    life = Life(seed=8, told=1.0 / (1.5 * TOO_SURE))
    life.go_on(30.0)
    assert life.validator.drift.startswith("9 of 10 errors are within 4.")


@dataclass(frozen=True)
class Recording:
    """What one robot of a lockstep run imagined at each cycle, and where it then was."""

    imagined: list[Trajectory]
    poses: list[Pose2D]

    def errors(self) -> FloatArray:
        """(N, HORIZON) of the windows in which it moved, in units of `reach`."""
        places = np.array([(pose.x, pose.y) for pose in self.poses])
        return np.array(
            [
                np.hypot(*(imagined.poses[:, :2] - places[k + 1 : k + 1 + HORIZON]).T) / reach(imagined)
                for k, imagined in enumerate(self.imagined[:-HORIZON])
                if np.hypot(*(places[k : k + 1 + HORIZON] - places[k]).T).max() > MOVED
            ]
        ).reshape(-1, HORIZON)

    def judged(self, median: FloatArray, radius: FloatArray) -> ScoreSums:
        """By a validator, had the predictor told these radii, in units of `reach`."""
        validator = Validator(0.2)
        for imagined, pose in zip(self.imagined, self.poses, strict=True):
            validator.happened(imagined.stamp, pose)
            unit = reach(imagined)
            told = Trajectory(imagined.stamp, imagined.poses, radius * unit, median=median * unit)
            validator.recalibrate(Imagination((told,), (1.0,)))
        return validator.sums


def reach(imagined: Trajectory) -> FloatArray:
    """(HORIZON,) m of the way by each step, and a little: what errors grow with."""
    return 0.1 + np.hypot(*np.diff(imagined.poses[:, :2], axis=0, prepend=imagined.poses[:1, :2]).T).cumsum()


def recorded(seed: int) -> list[Recording]:
    recordings = []
    for world in ("intersection", "doorway", "circle", "bottleneck", "ward"):
        closed_form = partial(load_predictor, model=NO_MODEL)  # `reach` is what its errors grow with
        fleet = Fleet(make_scenario(load_world(world), 6, seed), predictor=closed_form)
        robots = [Recording([], []) for _ in fleet.names]
        try:
            while fleet.world.time < 60.0:
                poses = [fleet.world.pose(index) for index in fleet.world.indices]
                fleet.step()
                for robot, name, pose in zip(robots, fleet.names, poses, strict=True):
                    action = fleet.action(name)
                    assert action is not None
                    robot.imagined.append(action.imagination.most_probable)
                    robot.poses.append(pose)
        finally:
            fleet.close()
        recordings += robots
    return recordings


@pytest.mark.campaign
def test_on_real_runs_coverage_is_right_within_3_points_from_radii_two_times_off() -> None:
    robots = recorded(1_000_001)
    median, radius = np.quantile(np.concatenate([robot.errors() for robot in robots]), (0.5, 0.9), axis=0)
    for told in (0.5, 1.0, 2.0):
        sums = ScoreSums()
        for robot in robots:
            sums.add(robot.judged(told * median, told * radius))
        assert sums.windows > 5000
        assert coverage(sums) == pytest.approx((0.5, 0.9), abs=0.03)
