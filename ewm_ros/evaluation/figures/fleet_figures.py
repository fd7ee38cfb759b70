"""A fleet's figures from what it says on its topics: the same for a running demo and for a recorded one."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ewm_ros import diagnostics_keys as keys
from ewm_ros.errors import InputError
from ewm_ros.evaluation.costs.intention_cost import count_tokens
from ewm_ros.evaluation.figures.cycle_figures import CycleFigures
from ewm_ros.evaluation.figures.episode import Episode
from ewm_ros.evaluation.figures.numbers import rounded
from ewm_ros.evaluation.figures.plan_score import PlanScore
from ewm_ros.evaluation.figures.steps import Steps
from ewm_ros.evaluation.words.questions import QuestionLog
from ewm_ros.geometry import FloatArray, Pose2D
from ewm_ros.intention.compressor import IntentionCompressor
from ewm_ros.messages import Arbitration, Intention
from ewm_ros.world_model.prediction_score import ScoreSums


@dataclass(slots=True)
class RobotFigures:
    """What one robot has told so far."""

    index: int
    score: PlanScore
    pose: Pose2D | None = None
    state: str = "starting"
    waits_for: tuple[str, ...] = ()
    mode: str = ""
    predictor: str = ""
    gate: str = ""
    goal: str = ""
    confidence: float = 0.0


class FleetFigures:
    """Collects messages of a run and makes the figures of measures of them.

    Args:
        episode: the referee, who has seen nothing yet.
        radii: of the robots, m.
        watching: are told, as the referee is, the time of each step (s) and where the robots are: (N, 2) m.
    """

    def __init__(
        self,
        episode: Episode,
        radii: Sequence[float],
        watching: Sequence[Callable[[float, FloatArray], None]] = (),
    ) -> None:
        sized = zip(episode.names, radii, strict=True)
        self.robots = {name: RobotFigures(index, PlanScore(radius)) for index, (name, radius) in enumerate(sized)}
        self.episode = episode
        self.cycles = CycleFigures(episode.names)
        self.steps = Steps(len(self.robots), self._judge)
        self._watching = watching
        self.time = 0.0
        self.realtime_factor = 0.0
        self.collisions = self.near_misses = 0
        self._orders: tuple[int, ...] | None = None
        self.finished = False
        self.conflicts = 0
        self.dropped: dict[str, dict[str, int]] = {}
        self.questions = QuestionLog()
        self._bytes = array("L")
        self._texts: Counter[str] = Counter()
        self._compressor = IntentionCompressor()

    def odometry(self, robot: str, stamp: float, pose: Pose2D) -> None:
        """A robot's true pose."""
        known = self.robots[robot]
        known.pose = pose
        known.score.happened(stamp, pose)
        self.time = max(self.time, stamp)
        self.steps.pose(known.index, stamp, pose.x, pose.y)

    def _judge(self, time: float, places: FloatArray) -> None:
        """Let the referee look at a step."""
        waits_for = {name: known.waits_for for name, known in self.robots.items()}
        self.episode.update(time, places, waits_for, self._orders)
        for take in self._watching:
            take(time, places)

    def intention(self, intention: Intention, size: int) -> None:
        """An intention, and the bytes of its whole serialized message."""
        if not self.cycles.intention(intention.robot, intention.boot, intention.seq):
            return
        known = self.robots[intention.robot]
        known.waits_for = intention.standing.waits_for
        known.goal, known.confidence = intention.plan.goal, intention.plan.confidence
        known.score.told(intention.stamp, intention.plan)
        self._bytes.append(size)
        self._texts[self._compressor.text(intention.plan)] += 1

    def arbitration(self, told: Arbitration) -> None:
        """What is told of a question to the adviser."""
        self.questions.take(told)

    def diagnostics(self, status: str, values: Mapping[str, str]) -> None:
        """One node's status on /diagnostics."""
        if keys.DROPPED in values:
            self.dropped[status] = keys.split_counts(values[keys.DROPPED])
        if status == keys.SIMULATION_STATUS:
            self.collisions = int(values[keys.COLLISIONS])
            self.near_misses = int(values[keys.NEAR_MISSES])
            self.realtime_factor = float(values[keys.REALTIME_FACTOR])
            self.finished = values[keys.FINISHED] == "true"
            self._orders = keys.split_numbers(values[keys.ORDERS])
        elif status == keys.COORDINATOR_STATUS:
            self.conflicts = int(values[keys.CONFLICTS])
        elif status == keys.ARBITER_STATUS:
            self.questions.status(values)
        elif (robot := self.cycles.diagnostics(status, values)) is not None:
            known = self.robots[robot]
            known.state, known.mode, known.gate = values[keys.STATE], values[keys.MODE], values[keys.GATE]
            known.predictor = values[keys.PREDICTOR]

    @property
    def sums(self) -> ScoreSums:
        """Of all robots' plans so far."""
        sums = ScoreSums()
        for known in self.robots.values():
            sums.add(known.score.sums)
        return sums

    def figures(self) -> dict[str, object]:
        """The demo's keys, as far as the topics tell them."""
        self.steps.flush()
        cycle = self.cycles.cycle_ms
        return {
            "reached": self.episode.reached,
            "collisions": self.collisions,
            "near_misses": self.near_misses,
            "deadlocks": self.episode.deadlocks,
            "makespan_s": rounded(self.episode.makespan),
            "orders_per_minute": rounded(self.episode.orders_per_minute),
            "cycle_ms": {key: cycle[key] for key in ("p50", "p99", "max")},
            "observe_to_intention_ms": self.cycles.observe_to_intention_ms,
            "intention_tokens": self._token_figures(),
            "intention_bytes": _mean_and_max(self._bytes),
            "prediction": self.sums.figures(),
            "arbitrations": self.questions.figures(),
        }

    def _token_figures(self) -> dict[str, float | None]:
        """Tokens of the text forms; None where the tokenizer is not installed."""
        try:
            tokens = {text: count_tokens(text) for text in self._texts}
        except InputError:
            tokens = {}
        if not tokens:
            return {"mean": None, "max": None}
        mean = sum(tokens[text] * times for text, times in self._texts.items()) / self._texts.total()
        return {"mean": round(mean, 2), "max": float(max(tokens.values()))}


def _mean_and_max(samples: Sequence[float]) -> dict[str, float | None]:
    if not samples:
        return {"mean": None, "max": None}
    return {"mean": round(float(np.mean(samples)), 2), "max": float(max(samples))}
