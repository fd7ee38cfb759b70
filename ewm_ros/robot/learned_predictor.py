"""The learned predictor: the trained world model imagines the robot's next seconds."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ewm_ros.errors import InputError
from ewm_ros.geometry import FloatArray
from ewm_ros.intention.checks import RADIUS_LIMIT
from ewm_ros.robot.route_frame import RouteFrame
from ewm_ros.robot.state_vector import StateVector
from ewm_ros.robot_type import RobotType
from ewm_ros.trajectory import Imagination, Trajectory
from ewm_ros.world_model.layout import BESIDE, MEDIAN, PROGRESS, RADIUS, TURNED
from ewm_ros.world_model.network_runtime import Floats, Network
from ewm_ros.world_model.predictor import Situation


class LearnedPredictor:
    """Imagines several futures with a network.

    Args:
        robot_type: of the robot.
        network: may be shared by several robots of one process.
    """

    def __init__(self, robot_type: RobotType, network: Network) -> None:
        self.network = network
        self._full = robot_type.max_speed
        self._vector = StateVector(robot_type)
        self._question: _Question | None = None

    def remember(self, situation: Situation) -> None:
        """Take the situation of a cycle in which it is not asked: it has to know the last second."""
        self._vector.remember(situation)

    def ask(self, situation: Situation) -> FloatArray:
        """(256,) what the network is to be asked in this cycle; for those who ask it for several robots at once."""
        self.remember(situation)
        state, frame = self._vector.of(situation)
        self._question = _Question(situation, state, frame)
        return state

    def answer(self, outputs: Floats, probabilities: Floats) -> None:
        """Take what the network said to what `ask` gave, for the imagination that follows."""
        assert self._question is not None
        self._question.answer = outputs, probabilities

    def imagine(self, situation: Situation) -> Imagination:
        """As many rollouts as the network has, most probable first.

        Raises:
            InputError: the network says what is no number.
        """
        if self._question is None or self._question.situation is not situation:
            self.ask(situation)
        question, self._question = self._question, None
        assert question is not None
        outputs, probabilities = question.answer or self.network.run(question.state)
        if not (math.isfinite(float(outputs.sum())) and 0.0 < float(probabilities.sum()) < math.inf):
            raise InputError("the world model says what is no number")
        order = np.argsort(-probabilities, kind="stable")
        futures = outputs[order].astype(np.float64)
        poses = question.frame.poses(self._full * futures[..., PROGRESS], futures[..., BESIDE], futures[..., TURNED])
        radii = np.minimum(futures[..., RADIUS], RADIUS_LIMIT)
        medians = np.minimum(futures[..., MEDIAN], radii)
        stamp = situation.observation.odometry.stamp
        rollouts = [Trajectory(stamp, p, r, median=m) for p, r, m in zip(poses, radii, medians, strict=True)]
        chances = probabilities[order].astype(np.float64)
        return Imagination(tuple(rollouts), tuple((chances / chances.sum()).tolist()))


@dataclass(slots=True)
class _Question:
    """What the network is asked in a cycle, and what it said if it has been asked already."""

    situation: Situation
    state: FloatArray
    frame: RouteFrame
    answer: tuple[Floats, Floats] | None = None
