"""The learned predictor: the trained world model imagines the robot's next seconds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ewm_ros.errors import InputError
from ewm_ros.intention.checks import RADIUS_LIMIT
from ewm_ros.robot.route_frame import poses_of
from ewm_ros.robot.state_vector import StateVector, state_vectors
from ewm_ros.robot_type import RobotType
from ewm_ros.trajectory import Imagination, Rollouts
from ewm_ros.world_model.layout import BESIDE, MEDIAN, PROGRESS, RADIUS, TURNED
from ewm_ros.world_model.network_runtime import Network
from ewm_ros.world_model.predictor import Situation


class LearnedPredictor:
    """Imagines several futures with a network.

    Args:
        robot_type: of the robot.
        network: may be shared by several robots of one process.
    """

    def __init__(self, robot_type: RobotType, network: Network) -> None:
        self.network = network
        self.vector = StateVector(robot_type)
        self._ready: tuple[Situation, Imagination | None] | None = None

    def remember(self, situation: Situation) -> None:
        """Take the situation of a cycle in which it is not asked: it has to know the last second."""
        self.vector.remember(situation)

    def imagine(self, situation: Situation) -> Imagination:
        """As many rollouts as the network has, most probable first.

        Raises:
            InputError: the network says what is no number.
        """
        if self._ready is None or self._ready[0] is not situation:
            imagine_ahead([self], [situation])
        assert self._ready is not None
        (_, imagination), self._ready = self._ready, None
        if imagination is None:
            raise InputError("the world model says what is no number")
        return imagination

    def expect(self, situation: Situation, imagination: Imagination | None) -> None:
        """Have this ready for when it is asked about the situation; None: the network said what is no number."""
        self._ready = situation, imagination


def imagine_ahead(predictors: Sequence[LearnedPredictor], situations: Sequence[Situation]) -> None:
    """Let predictors with the same network imagine at once what each is going to be asked for in this cycle."""
    for predictor, situation in zip(predictors, situations, strict=True):
        predictor.remember(situation)
    states, frames = state_vectors([predictor.vector for predictor in predictors], situations)
    outputs, probabilities = predictors[0].network.run_all(states)
    order = np.argsort(-probabilities, axis=1, kind="stable")
    rows = np.arange(len(order))[:, None]
    chances = probabilities[rows, order].astype(np.float64)
    futures = outputs[rows, order]
    progress, beside, turned, median, radius = (
        futures[..., k].astype(np.float64) for k in (PROGRESS, BESIDE, TURNED, MEDIAN, RADIUS)
    )
    full = np.array([predictor.vector.robot_type.max_speed for predictor in predictors])[:, None, None]
    with np.errstate(invalid="ignore", over="ignore"):  # what is no number is refused below
        poses = poses_of(frames, full * progress, beside, turned)
        radii = np.minimum(radius, RADIUS_LIMIT)
        medians = np.minimum(median, radii)
        sums = chances.sum(axis=1)
        sound = np.isfinite(futures.sum(axis=(1, 2, 3), dtype=np.float64)) & (sums > 0.0) & np.isfinite(sums)
        shares = (chances / sums[:, None]).tolist()
    for k, (predictor, situation) in enumerate(zip(predictors, situations, strict=True)):
        imagination = None
        if sound[k]:
            rollouts = Rollouts(situation.observation.odometry.stamp, poses[k], radii[k], medians[k])
            imagination = Imagination(rollouts, tuple(shares[k]))
        predictor.expect(situation, imagination)
