"""How well robots foresee themselves with a model, beside two baselines in the same runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

from ewm_ros.evaluation.campaigns.runs import RunSpec, play
from ewm_ros.evaluation.campaigns.worker_pool import worker_pool
from ewm_ros.evaluation.constant_velocity import ConstantVelocity
from ewm_ros.geometry import Pose2D
from ewm_ros.robot.guarded_predictor import GuardedPredictor
from ewm_ros.robot.learned_predictor import LearnedPredictor
from ewm_ros.robot.nominal_predictor import NominalPredictor
from ewm_ros.robot_type import RobotType
from ewm_ros.simulation.fleet import Fleet
from ewm_ros.trajectory import STEP, Imagination
from ewm_ros.world_model.network_runtime import Network, model_folder, shared_network
from ewm_ros.world_model.prediction_score import PredictionScore, ScoreSums
from ewm_ros.world_model.predictor import Predictor, Situation

EVERY = 5  # steps between two windows: neighbouring ones tell nearly the same
MODEL, CONSTANT_VELOCITY, NOMINAL = PREDICTORS = ("model", "constant_velocity", "nominal_controller")


@dataclass(slots=True)
class RunAccuracy:
    """Sums of one run, by predictor, and what says that accuracy was not bought by crawling."""

    world: str
    sums: dict[str, ScoreSums]
    makespan: float | None
    closed_form_share: float


@dataclass(slots=True)
class Group:
    """Runs whose figures are given together."""

    runs: list[RunAccuracy] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The keys of `ewm accuracy`: of the model, and of the baselines under their names."""
        told = self._figures(self.runs)
        worlds = dict.fromkeys(run.world for run in self.runs)
        told["worlds"] = {world: self._figures([run for run in self.runs if run.world == world]) for world in worlds}
        return told

    @staticmethod
    def _figures(runs: Sequence[RunAccuracy]) -> dict[str, Any]:
        totals = {name: ScoreSums() for name in PREDICTORS}
        for run in runs:
            for name, sums in run.sums.items():
                totals[name].add(sums)
        makespans = [run.makespan for run in runs if run.makespan is not None]
        told: dict[str, Any] = dict(totals[MODEL].detail())
        told["makespan_s"] = round(fmean(makespans), 2) if makespans else None
        told["runs"] = len(runs)
        told["closed_form_share"] = round(fmean(run.closed_form_share for run in runs), 4) if runs else None
        for name in (CONSTANT_VELOCITY, NOMINAL):
            told[name] = totals[name].detail()
        return told


class _Scored(GuardedPredictor):
    """What the robot runs on, scored; the baselines foresee beside it."""

    def __init__(self, robot_type: RobotType, network: Network) -> None:
        super().__init__(robot_type, LearnedPredictor(robot_type, network))
        self._baselines: dict[str, Predictor] = {
            CONSTANT_VELOCITY: ConstantVelocity(),
            NOMINAL: NominalPredictor(robot_type),
        }
        self.scores = {name: PredictionScore(robot_type.radius) for name in PREDICTORS}
        self.cycles = self.closed_form = 0

    def happened(self, stamp: float, pose: Pose2D) -> None:
        """See GuardedPredictor."""
        super().happened(stamp, pose)
        for score in self.scores.values():
            score.happened(stamp, pose)

    def imagine(self, situation: Situation) -> Imagination:
        """See GuardedPredictor."""
        chosen = super().imagine(situation)
        self.cycles += 1
        self.closed_form += self.source != "learned"
        if round(situation.observation.odometry.stamp / STEP) % EVERY == 0:
            self.scores[MODEL].predicted(chosen.most_probable)
            for name, baseline in self._baselines.items():
                self.scores[name].predicted(baseline.imagine(situation).most_probable)
        return chosen


def check(specs: Sequence[RunSpec]) -> None:
    """Raise InputError if one of these cannot be measured."""
    for spec in specs:
        spec.check()
        shared_network(model_folder(spec.model))


def measure(spec: RunSpec) -> RunAccuracy:
    """Run one scenario with robots that foresee by its model.

    Raises:
        InputError: no such model or world.
    """
    network = shared_network(model_folder(spec.model))
    scored: list[_Scored] = []

    def predictor(robot_type: RobotType) -> _Scored:
        scored.append(_Scored(robot_type, network))
        return scored[-1]

    fleet = Fleet(spec.scenario(), spec.policy, spec.faults, bodies=spec.bodies, predictor=predictor)
    try:
        episode, _ = play(fleet)
    finally:
        fleet.close()
    sums = {name: ScoreSums() for name in PREDICTORS}
    for one in scored:
        for name, score in one.scores.items():
            sums[name].add(score.sums)
    share = sum(s.closed_form for s in scored) / max(sum(s.cycles for s in scored), 1)
    return RunAccuracy(fleet.scenario.world, sums, episode.makespan, share)


def measure_all(specs: Sequence[RunSpec], workers: int) -> Iterator[RunAccuracy]:
    """Many runs, over processes, in the order of the specs."""
    if min(workers, len(specs)) <= 1:
        yield from map(measure, specs)
        return
    with worker_pool(min(workers, len(specs))) as pool:
        yield from pool.map(measure, specs)


def as_json(groups: Mapping[str, Group]) -> dict[str, object]:
    """What the command prints: the keys of the first group at the top, and every group under its name."""
    told = {name: group.as_json() for name, group in groups.items()}
    return {**next(iter(told.values())), "groups": told}
