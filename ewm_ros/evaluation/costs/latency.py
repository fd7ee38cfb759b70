"""The user's claim, measured: a decision of this system beside asking a language model in the loop."""

from __future__ import annotations

import time
from statistics import median

from ewm_ros.geometry import Pose2D
from ewm_ros.robot.guarded_predictor import DEFAULT, load_predictor
from ewm_ros.robot_type import RobotType
from ewm_ros.simulation.fleet import Fleet
from ewm_ros.simulation.worlds.scenario import make_scenario
from ewm_ros.simulation.worlds.world_file import load_world
from ewm_ros.trajectory import Imagination
from ewm_ros.world_model.predictor import Situation
from ewm_ros.world_model.validator import Validator

DECISIONS = 100


class _Clocked:
    """What robots foresee themselves with by default, under a clock."""

    def __init__(self, robot_type: RobotType, model: str) -> None:
        self._predictor = load_predictor(robot_type, model)
        self.seconds: list[float] = []

    @property
    def source(self) -> str:
        return self._predictor.source

    @property
    def drift(self) -> str:
        return self._predictor.drift

    @property
    def validator(self) -> Validator:
        return self._predictor.validator

    @property
    def reason(self) -> str:
        return self._predictor.reason

    def happened(self, stamp: float, pose: Pose2D) -> None:
        self._predictor.happened(stamp, pose)

    def imagine(self, situation: Situation) -> Imagination:
        began = time.perf_counter()
        imagination = self._predictor.imagine(situation)
        self.seconds.append(time.perf_counter() - began)
        return imagination


def decision_latency(
    robots: int, model_latency: float, world: str = "intersection", model: str = DEFAULT
) -> dict[str, object]:
    """Times of one decision: all robots imagine and tell their plans, the coordinator answers.

    Args:
        model_latency: s that a language model takes to answer; it is not asked, the time is taken as given.
        model: the world model that the robots imagine with.

    Returns:
        predictor: learned or closed form, at the end; reason: why the latter; imagination_ms: median of one robot's.
        ours_ms: median over a run of the whole cycle of all robots and the coordinator, one after the other in one
        process; in_the_loop_ms: the same with one question to the model in each cycle; ratio of the two.
    """
    predictors: list[_Clocked] = []

    def predictor(robot_type: RobotType) -> _Clocked:
        predictors.append(_Clocked(robot_type, model))
        return predictors[-1]

    fleet = Fleet(make_scenario(load_world(world), robots, seed=0), predictor=predictor)
    samples = []
    try:
        for _ in range(DECISIONS):
            began = time.perf_counter()
            commands = fleet.decide()
            samples.append(time.perf_counter() - began)
            fleet.world.step(commands)
    finally:
        fleet.close()
    ours = 1e3 * median(samples)
    in_the_loop = ours + 1e3 * model_latency
    return {
        "robots": robots,
        "predictor": " and ".join(sorted({one.source for one in predictors}, reverse=True)),
        "reason": next((one.reason for one in predictors if one.reason), ""),
        "imagination_ms": round(1e3 * median(s for one in predictors for s in one.seconds), 3),
        "ours_ms": round(ours, 3),
        "in_the_loop_ms": round(in_the_loop, 3),
        "ratio": round(in_the_loop / ours, 1),
    }
