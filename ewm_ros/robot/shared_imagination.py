"""The imaginations of several robots in one process: what can be worked out for all at once is.

A network takes one robot's state nearly as long as those of three: most of that time is spent on reading its weights.
So does the rest, of which most is spent on calls of numpy.
"""

from __future__ import annotations

from collections.abc import Sequence

from ewm_ros.intention.outline import Outline, outlines
from ewm_ros.robot.guarded_predictor import GuardedPredictor, imagine_guarded
from ewm_ros.trajectory import Imagination
from ewm_ros.world_model.predictor import Situation, WatchedPredictor


def imagine_together(predictors: Sequence[WatchedPredictor], situations: Sequence[Situation]) -> list[Imagination]:
    """What each predictor imagines from its situation, as if it were asked alone.

    Args:
        predictors: any; only those that robots run by default gain by it.
        situations: one for each.
    """
    # One that imagines in its own way, a recorder's for instance, is asked alone.
    together = [
        (predictor, situation)
        for predictor, situation in zip(predictors, situations, strict=True)
        if isinstance(predictor, GuardedPredictor) and type(predictor).imagine is GuardedPredictor.imagine
    ]
    told = iter(imagine_guarded([one for one, _ in together], [situation for _, situation in together]))
    alike = {id(predictor) for predictor, _ in together}
    return [
        next(told) if id(predictor) in alike else predictor.imagine(situation)
        for predictor, situation in zip(predictors, situations, strict=True)
    ]


def outline_together(situations: Sequence[Situation], imaginations: Sequence[Imagination]) -> list[Outline | None]:
    """What each robot tells the others of its most probable future; None where it cannot be told."""
    starts = [situation.observation.odometry.pose for situation in situations]
    return outlines([imagination.most_probable for imagination in imaginations], starts)
