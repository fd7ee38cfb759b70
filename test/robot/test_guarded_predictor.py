"""The learned predictor under guard: used while it is fit, replaced by the closed form when not, and taken back."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ewm_ros.errors import InputError
from ewm_ros.geometry import Polyline, Pose2D
from ewm_ros.randomness import stream
from ewm_ros.robot.guarded_predictor import BEHIND, COMPARED, COMPARED_EVERY, GuardedPredictor, model_sha256
from ewm_ros.robot.learned_predictor import LearnedPredictor
from ewm_ros.robot.nominal_predictor import NominalPredictor, standing
from ewm_ros.robot.path_follower import PathFollower
from ewm_ros.robot_type import RobotType
from ewm_ros.sensing import Observation, Odometry
from ewm_ros.trajectory import HORIZON, STEP, Imagination, Trajectory
from ewm_ros.world_model.layout import BESIDE, OUTPUTS
from ewm_ros.world_model.network_runtime import Floats
from ewm_ros.world_model.predictor import Situation

ROUTE = Polyline([[0.0, 0.0], [200.0, 0.0]])
NOISE = 0.05  # m, standard deviation of either axis
IN_90 = NOISE * math.sqrt(2.0 * math.log(10.0))  # m, the radius that holds 90 % of it
Fault = Callable[[Trajectory], Trajectory]


def right(trajectory: Trajectory) -> Trajectory:
    return trajectory


def beside(trajectory: Trajectory) -> Trajectory:
    """Ends 2 m beside where the robot will be."""
    aside = np.zeros((HORIZON, 3))
    aside[:, 1] = np.linspace(0.04, 2.0, HORIZON)
    return Trajectory(trajectory.stamp, trajectory.poses + aside, trajectory.radius)


class TooSure:
    """Errs by NOISE at every step, and tells half the radius that would hold 90 % of it."""

    def __init__(self) -> None:
        self._random = stream(1, 0, "errors")

    def __call__(self, trajectory: Trajectory) -> Trajectory:
        noise = np.zeros((HORIZON, 3))
        noise[:, :2] = self._random.normal(0.0, NOISE, (HORIZON, 2))
        return Trajectory(trajectory.stamp, trajectory.poses + noise, np.full(HORIZON, IN_90 / 2))


def not_a_number(trajectory: Trajectory) -> Trajectory:
    poses = trajectory.poses.copy()
    poses[-1, 2] = math.nan
    return Trajectory(trajectory.stamp, poses, trajectory.radius)


def endless_radius(trajectory: Trajectory) -> Trajectory:
    return Trajectory(trajectory.stamp, trajectory.poses, np.full(HORIZON, math.inf))


def too_short(trajectory: Trajectory) -> Trajectory:
    return Trajectory(trajectory.stamp, trajectory.poses[:10], trajectory.radius[:10])


def refused(trajectory: Trajectory) -> Trajectory:
    raise InputError("models/world_model/x.onnx: wants 128 numbers, not 256")


class Learned:
    """Stands in for a learned predictor: the closed form's trajectory with a fault."""

    def __init__(self, robot_type: RobotType, fault: Fault) -> None:
        self.fault = fault
        self.calls = 0
        self._closed_form = NominalPredictor(robot_type)

    def imagine(self, situation: Situation) -> Imagination:
        self.calls += 1
        trajectory = self._closed_form.imagine(situation).most_probable
        other = self.fault(Trajectory(trajectory.stamp, trajectory.poses + 0.001, trajectory.radius))
        return Imagination((other, trajectory), (0.7, 0.3))


class Standing:
    """Stands in for a learned predictor that expects the robot to stay where it is."""

    def imagine(self, situation: Situation) -> Imagination:
        return standing(situation.observation.odometry)


class Drive:
    """A robot on a long straight route, and its guarded predictor."""

    def __init__(self, plant: Any, robot_type: RobotType, fault: Fault | None) -> None:
        self.learned = None if fault is None else Learned(robot_type, fault)
        self.predictor = GuardedPredictor(robot_type, self.learned)
        self.time = 0.0
        self.imagination: Imagination | None = None
        self._plant = plant(robot_type, Pose2D(0.0, 0.0, 0.0))
        self._follower = PathFollower(ROUTE, robot_type)
        self._progress = 0.0

    def cycle(self) -> None:
        odometry = self._plant.odometry(self.time)
        self.predictor.happened(self.time, odometry.pose)
        self.imagination = self.predictor.imagine(
            Situation(Observation(odometry, None), self._follower, self._progress, math.inf)
        )
        self._plant.drive(self._follower.command(odometry.pose, self._plant.velocity, self._progress, math.inf))
        self._progress = self._follower.progress(self._plant.pose, self._progress)
        self.time += STEP

    def go_on(self, seconds: float) -> None:
        for _ in range(round(seconds / STEP)):
            self.cycle()

    def until(self, source: str, at_most: float) -> float:
        """Drive until this predictor is in use; s that it took."""
        begun = self.time
        while self.predictor.source != source and self.time < begun + at_most:
            self.cycle()
        return self.time - begun


def test_a_learned_predictor_that_is_right_is_used_all_the_time(plant, tinybot) -> None:
    drive = Drive(plant, tinybot, right)
    drive.go_on(60.0)
    assert (drive.predictor.source, drive.predictor.reason, drive.predictor.takeovers) == ("learned", "", 0)
    assert drive.predictor.drift == ""
    assert len(drive.imagination.rollouts) == 2
    assert drive.predictor.validator.sums.detail()["accuracy"] == 1.0


def test_the_closed_form_costs_next_to_nothing_while_it_is_not_in_use(plant, tinybot, monkeypatch) -> None:
    calls, imagine = [], NominalPredictor.imagine

    def counted(self: NominalPredictor, situation: Situation) -> Imagination:
        calls.append(situation)
        return imagine(self, situation)

    monkeypatch.setattr(NominalPredictor, "imagine", counted)
    drive = Drive(plant, tinybot, right)
    drive.go_on(20.0)
    assert drive.learned.calls == 200
    compared = len(calls) - drive.learned.calls  # the stand-in for the learned one asks it too
    assert abs(compared - 20.0 / COMPARED_EVERY) <= 1


def test_the_robots_of_a_fleet_are_compared_at_different_moments(tinybot, monkeypatch) -> None:
    calls, imagine = Counter(), NominalPredictor.imagine

    def counted(self: NominalPredictor, situation: Situation) -> Imagination:
        calls[situation.robot, round(situation.observation.odometry.stamp / STEP)] += 1
        return imagine(self, situation)

    monkeypatch.setattr(NominalPredictor, "imagine", counted)
    names = [f"robot_{k}" for k in range(50)]
    fleet = {name: GuardedPredictor(tinybot, Standing()) for name in names}
    for cycle in range(round(3 * COMPARED_EVERY / STEP) + 1):
        odometry = Odometry(1000.0 + cycle * STEP, Pose2D(0.0, 0.0, 0.0), 0.0, 0.0)
        for name, predictor in fleet.items():
            predictor.imagine(Situation(Observation(odometry, None), None, 0.0, math.inf, robot=name))
    assert Counter(name for name, _ in calls) == dict.fromkeys(names, 3)
    assert max(Counter(cycle for _, cycle in calls).values()) <= 12


def test_without_a_learned_predictor_the_closed_form_imagines_and_says_why(plant, tinybot) -> None:
    predictor = GuardedPredictor(tinybot, None, "models/world_model/default: there is no network.onnx")
    assert (predictor.source, predictor.reason) == (
        "closed form",
        "models/world_model/default: there is no network.onnx",
    )
    drive = Drive(plant, tinybot, None)
    drive.go_on(20.0)
    assert drive.predictor.reason == "there is no learned model"
    assert drive.predictor.takeovers == 1
    assert drive.predictor.validator.sums.windows > 100
    assert (drive.predictor.validator.factors != 1.0).any()


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (refused, "models/world_model/x.onnx: wants 128 numbers, not 256"),
        (not_a_number, "the learned model gave something other than 50 finite poses"),
        (endless_radius, "the learned model gave something other than 50 finite poses"),
        (too_short, "the learned model gave something other than 50 finite poses"),
    ],
)
def test_the_closed_form_takes_over_at_once_and_for_good_from_a_broken_one(fault, reason, plant, tinybot) -> None:
    drive = Drive(plant, tinybot, right)
    drive.go_on(10.0)
    drive.learned.fault = fault
    drive.cycle()
    assert (drive.predictor.source, drive.predictor.reason) == ("closed form", reason)
    assert np.isfinite(drive.imagination.most_probable.poses).all()
    drive.learned.fault, calls = right, drive.learned.calls
    drive.go_on(60.0)
    assert (drive.predictor.source, drive.predictor.reason) == ("closed form", reason)
    assert (drive.learned.calls, drive.predictor.takeovers) == (calls, 1)


def test_the_closed_form_takes_over_from_one_that_goes_wrong_and_gives_way_when_it_is_right_again(
    plant, tinybot
) -> None:
    drive = Drive(plant, tinybot, right)
    drive.go_on(60.0)
    drive.learned.fault = beside
    horizon = HORIZON * STEP
    assert drive.until("closed form", at_most=100.0) <= horizon + (BEHIND + 1) * COMPARED_EVERY
    assert drive.predictor.reason == "accuracy 0.63 over the last 30 windows compared, closed form 1.00"
    assert drive.predictor.drift == drive.predictor.reason
    assert drive.predictor.takeovers == 1
    drive.go_on(60.0)
    assert drive.predictor.source == "closed form"
    drive.learned.fault = right
    assert drive.until("learned", at_most=200.0) <= horizon + (COMPARED + 1) * COMPARED_EVERY
    assert drive.predictor.reason == ""
    drive.go_on(60.0)
    assert (drive.predictor.source, drive.predictor.takeovers) == ("learned", 1)


def test_one_in_the_shadow_that_breaks_is_out_for_good(plant, tinybot) -> None:
    drive = Drive(plant, tinybot, beside)
    drive.until("closed form", at_most=60.0)
    drive.learned.fault = not_a_number
    drive.go_on(COMPARED_EVERY)
    assert drive.predictor.reason == "the learned model gave something other than 50 finite poses"
    assert drive.predictor.takeovers == 1


def test_a_short_spell_of_being_wrong_changes_nothing(plant, tinybot) -> None:
    drive = Drive(plant, tinybot, right)
    drive.go_on(30.0)
    drive.learned.fault = beside
    drive.go_on((BEHIND - 2) * COMPARED_EVERY)
    drive.learned.fault = right
    drive.go_on(60.0)
    assert (drive.predictor.source, drive.predictor.takeovers) == ("learned", 0)


def test_one_that_is_too_sure_is_kept_with_larger_radii(plant, tinybot) -> None:
    drive = Drive(plant, tinybot, TooSure())
    drive.go_on(60.0)
    assert drive.predictor.source == "learned"
    assert drive.imagination.most_probable.radius.mean() == pytest.approx(IN_90, rel=0.1)
    assert drive.predictor.validator.sums.detail()["coverage"]["90"] == pytest.approx(0.9, abs=0.03)


def test_time_set_back_neither_stops_the_comparing_nor_makes_one_take_over(plant, tinybot) -> None:
    drive = Drive(plant, tinybot, right)
    drive.time = 1.7e9
    drive.go_on(20.0)
    drive.time = 3.0
    drive.go_on(20.0)
    assert (drive.predictor.source, drive.predictor.takeovers) == ("learned", 0)
    drive.learned.fault = beside
    assert drive.until("closed form", at_most=100.0) < 100.0


def test_a_robot_that_stands_gives_no_reason_to_change(plant, tinybot) -> None:
    predictor = GuardedPredictor(tinybot, Learned(tinybot, right))
    robot = plant(tinybot, Pose2D(0.0, 0.0, 0.0))
    for k in range(600):
        predictor.happened(k * STEP, robot.pose)
        predictor.imagine(Situation(Observation(robot.odometry(k * STEP), None), None))
    assert (predictor.source, predictor.validator.sums.windows) == ("learned", 0)


def test_in_the_shadow_the_learned_one_still_hears_of_every_cycle(plant, tinybot) -> None:
    class Wrong:
        """A network by which the robot will be 3 m beside its route."""

        def run_all(self, states: NDArray[np.floating]) -> tuple[Floats, Floats]:
            futures = np.full((len(states), 1, HORIZON, OUTPUTS), 0.1, np.float32)
            futures[..., BESIDE] = 3.0
            return futures, np.ones((len(states), 1), np.float32)

    class Shadowed(LearnedPredictor):
        """One that is always wrong, and counts what it hears of."""

        def __init__(self) -> None:
            super().__init__(tinybot, Wrong())  # type: ignore[arg-type]
            self.cycles = 0

        def remember(self, situation: Situation) -> None:
            super().remember(situation)
            self.cycles += 1

    drive = Drive(plant, tinybot, right)
    learned = Shadowed()
    drive.predictor = GuardedPredictor(tinybot, learned)
    drive.go_on(40.0)
    assert drive.predictor.source == "closed form"
    assert learned.cycles == 400


def far_off(trajectory: Trajectory) -> Trajectory:
    return Trajectory(trajectory.stamp, trajectory.poses + 3.0, trajectory.radius)


def test_the_model_that_robots_do_without_has_no_hash(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert model_sha256("none") == ""
    assert len(model_sha256("default")) == 64
    (tmp_path / "models").mkdir()
    monkeypatch.setattr("ewm_ros.world_model.network_runtime.share", lambda: tmp_path)
    assert model_sha256("default") == ""
