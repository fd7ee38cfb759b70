"""The imaginations of several robots in one process, with one call of the network for all that run the same.

A network takes one robot's state nearly as long as those of three: most of that time is spent on reading its weights.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ewm_ros.geometry import FloatArray
from ewm_ros.robot.guarded_predictor import GuardedPredictor
from ewm_ros.robot.learned_predictor import LearnedPredictor
from ewm_ros.trajectory import Imagination
from ewm_ros.world_model.network_runtime import Network
from ewm_ros.world_model.predictor import Situation, WatchedPredictor


def imagine_together(predictors: Sequence[WatchedPredictor], situations: Sequence[Situation]) -> list[Imagination]:
    """What each predictor imagines from its situation, as if it were asked alone.

    Args:
        predictors: any; those that do not ask a network, or hide that they do, imagine by themselves.
        situations: one for each.
    """
    asked: dict[Network, list[tuple[LearnedPredictor, FloatArray]]] = {}
    for predictor, situation in zip(predictors, situations, strict=True):
        learned = predictor.asks(situation) if isinstance(predictor, GuardedPredictor) else None
        if learned is not None:
            asked.setdefault(learned.network, []).append((learned, learned.ask(situation)))
    for network, questions in asked.items():
        futures, probabilities = network.run_all(np.array([state for _, state in questions]))
        for (learned, _), outputs, chances in zip(questions, futures, probabilities, strict=True):
            learned.answer(outputs, chances)
    return [predictor.imagine(situation) for predictor, situation in zip(predictors, situations, strict=True)]
