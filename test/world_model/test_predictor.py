"""What a predictor is told, and that the closed-form one is a predictor."""

from __future__ import annotations

import math

from ewm_ros.geometry import Pose2D
from ewm_ros.robot.nominal_predictor import NominalPredictor
from ewm_ros.robot_type import load_robot_type
from ewm_ros.sensing import Observation, Odometry
from ewm_ros.world_model.predictor import Predictor, Situation

HERE = Observation(Odometry(0.0, Pose2D(0.0, 0.0, 0.0), 0.0, 0.0), None)


def test_a_hold_point_counts_until_the_robot_expects_to_be_let_past() -> None:
    assert Situation(HERE, None, 0.0, hold=2.0).hold_at(0.0) == math.inf
    waiting = Situation(HERE, None, 0.0, hold=2.0, release=1.5)
    assert waiting.hold_at(1.4) == 2.0
    assert waiting.hold_at(1.5) == math.inf
    assert Situation(HERE, None, 0.0, hold=2.0, release=math.inf).hold_at(1e9) == 2.0


def test_the_closed_form_predictor_fills_the_interface() -> None:
    predictor: Predictor = NominalPredictor(load_robot_type("tinybot"))
    imagination = predictor.imagine(Situation(HERE, None))
    assert sum(imagination.probabilities) == 1.0
    assert len(imagination.rollouts) == len(imagination.probabilities)
