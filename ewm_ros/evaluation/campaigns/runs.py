"""Lockstep runs for evaluation: one scenario under one policy, judged. run_workers.py makes many of them."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial

import numpy as np

from ewm_ros.errors import InputError
from ewm_ros.evaluation.figures.episode import Episode
from ewm_ros.evaluation.figures.numbers import rounded
from ewm_ros.evaluation.words.arbiter_spec import ArbiterSpec
from ewm_ros.evaluation.words.questions import QuestionLog
from ewm_ros.evaluation.words.rule_compliance import Ranks, RulePassages, Traffic, expected_ranks, judge
from ewm_ros.geometry import FloatArray
from ewm_ros.robot.guarded_predictor import DEFAULT, GuardedPredictor, check_model, load_predictor
from ewm_ros.robot_type import RobotType
from ewm_ros.simulation.fleet import POLICIES, ArbiterMaker, Fleet
from ewm_ros.simulation.network import NO_FAULTS, Faults
from ewm_ros.simulation.worlds.scenario import Bodies, Scenario, make_scenario
from ewm_ros.simulation.worlds.world_file import World, load_world


@dataclass(frozen=True, slots=True)
class RunSpec:
    """What one run is made of; `world` and `model` are names or paths, `arbiter` is for the policy `intention`."""

    world: str
    robots: int
    seed: int
    policy: str
    faults: Faults = NO_FAULTS
    varied: bool = True
    bodies: Bodies = "driven"
    model: str = DEFAULT
    arbiter: ArbiterSpec | None = None

    def check(self) -> None:
        """Raise InputError if it cannot be run."""
        if self.policy not in POLICIES:
            raise InputError(f"unknown policy {self.policy!r}: there are {', '.join(POLICIES)}")
        check_model(self.model)
        self.scenario()
        ranks = self.ranks()
        if self.arbiter is not None:
            self.arbiter.check(ranks)

    def predictor(self, robot_type: RobotType) -> GuardedPredictor:
        """What a robot foresees itself with."""
        return load_predictor(robot_type, self.model)

    def scenario(self) -> Scenario:
        """What is to be run."""
        return make_scenario(_world(self.world), self.robots, self.seed, self.varied)

    @property
    def arbiter_maker(self) -> ArbiterMaker | None:
        """Makes the one that the coordinator asks."""
        return partial(self.arbiter.open, ranks=self.ranks()) if self.arbiter is not None else None

    def ranks(self) -> Ranks:
        """Who passes before whom by the rules of the world, as its `expected` tells; no robot is told."""
        return expected_ranks(_world(self.world))


@lru_cache(maxsize=64)
def _world(name_or_path: str) -> World:
    """A world, read once however many runs there are in it."""
    return load_world(name_or_path)


@dataclass(frozen=True, slots=True)
class RunResult:
    """One judged run; times in s.

    Attributes:
        deadlocks_left: robots that are deadlocked at the end.
        makespan_ratio: makespan over the arrival of the slowest robot alone; None where either is unknown.
        rule_passages: how often one robot had to let another one pass and the world's rules, as its `expected` order
            tells, say which (rule_compliance.py); None without such an order.
        rule_compliant: how often it was that one.
        rule_left_out: how often nothing could be said, by the reason.
        arbitrations: questions by what became of them, and the median s that an answer took; None if there were none.
        trace: a hash of all poses, equal for bit-identical runs.
        realtime_factor: simulated s per s of this process's CPU time, from the first step to the last; it is no part of
            what makes two runs equal.
    """

    world: str
    robots: int
    seed: int
    policy: str
    success: bool
    reached: int
    collisions: int
    near_misses: int
    deadlocks: int
    deadlocks_left: int
    makespan_s: float | None
    makespan_ratio: float | None
    sum_of_delays_s: float | None
    prediction_accuracy: float | None
    orders_per_minute: float | None
    rule_passages: int | None
    rule_compliant: int | None
    rule_left_out: dict[str, int] | None
    arbitrations: dict[str, int | float | None] | None
    simulated_s: float
    trace: str
    realtime_factor: float = field(compare=False)


def run(spec: RunSpec) -> RunResult:
    """Run one scenario to its end.

    Raises:
        InputError: the world, the number of robots or the policy is not there.
    """
    scenario = spec.scenario()
    fleet = Fleet(
        scenario,
        spec.policy,
        spec.faults,
        bodies=spec.bodies,
        predictor=spec.predictor,
        arbiter=spec.arbiter_maker,
    )
    try:
        began = time.process_time()
        track: list[FloatArray] = []
        episode, trace = play(fleet, track)
        spent = time.process_time() - began
        delays = ratio = None
        if episode.makespan is not None:
            alone = free_flow_arrivals(spec)
            delays = episode.sum_of_delays(alone)
            ratio = episode.makespan_ratio(alone)
        rules = _judged(spec, track, episode)
        return RunResult(
            world=scenario.world,
            robots=spec.robots,
            seed=spec.seed,
            policy=spec.policy,
            success=episode.success(fleet.world.collisions),
            reached=episode.reached,
            collisions=fleet.world.collisions,
            near_misses=fleet.world.near_miss_count,
            deadlocks=episode.deadlocks,
            deadlocks_left=episode.deadlocks_left,
            makespan_s=rounded(episode.makespan),
            makespan_ratio=rounded(ratio),
            sum_of_delays_s=rounded(delays),
            prediction_accuracy=fleet.prediction.figures()["accuracy"],
            orders_per_minute=rounded(episode.orders_per_minute),
            rule_passages=None if rules is None else rules.passages,
            rule_compliant=None if rules is None else rules.compliant,
            rule_left_out=None if rules is None else dict(rules.left_out),
            arbitrations=_questions(fleet),
            simulated_s=rounded(fleet.world.time) or 0.0,
            trace=trace,
            realtime_factor=round(fleet.world.time / spent, 3),
        )
    finally:
        fleet.close()


def _questions(fleet: Fleet) -> dict[str, int | float | None] | None:
    """What became of all that the coordinator asked."""
    log = QuestionLog()
    for told in fleet.arbitrations:
        log.take(told)
    return log.figures()


def play(fleet: Fleet, track: list[FloatArray] | None = None) -> tuple[Episode, str]:
    """Step a fleet until its episode is over; the judge and a hash of all poses on the way.

    Args:
        track: takes the (N, 2) m where the robots were at first and after each step.
    """
    indices = fleet.world.indices
    episode = Episode.of(fleet.scenario, indices)
    digest = hashlib.sha256()
    if track is not None:
        track.append(fleet.poses[:, :2])
    while not episode.finished:
        fleet.step()
        poses = fleet.poses
        digest.update(poses.tobytes())
        if track is not None:
            track.append(poses[:, :2])
        episode.update(fleet.world.time, poses, fleet.waits_for, fleet.task.orders)
    return episode, digest.hexdigest()[:16]


def free_flow_arrivals(spec: RunSpec) -> tuple[float | None, ...]:
    """When each robot arrives if it is alone in the same world and seed (s), driving without any coordination.

    None for one that does not arrive in time: it may look for a goal in vain, or wait for somebody who stands.
    """
    return tuple(_alone(_lone(spec), index).arrival for index in range(spec.robots))


def _judged(spec: RunSpec, track: Sequence[FloatArray], episode: Episode) -> RulePassages | None:
    """How well the rules were kept, in a world that says what is expected."""
    ranks = spec.ranks()
    if not ranks:
        return None
    alone = [_alone(_lone(spec), index).track for index in range(spec.robots)]
    radii = [robot_type.radius for robot_type in spec.scenario().types]
    return judge(Traffic(alone, np.array(track), (~np.isnan(episode.arrivals)).tolist(), radii), ranks)


@dataclass(frozen=True, slots=True)
class _Alone:
    """How a robot drove alone: when it arrived (s; None if it did not), and (K, 2) m where it was on the way."""

    arrival: float | None
    track: FloatArray


def _lone(spec: RunSpec) -> RunSpec:
    """What is the same for a robot alone, whatever the fleet does."""
    return replace(spec, policy="none", faults=NO_FAULTS, model=DEFAULT, arbiter=None)


@lru_cache(maxsize=4096)
def _alone(spec: RunSpec, index: int) -> _Alone:
    fleet = Fleet(spec.scenario(), spec.policy, only=index, bodies=spec.bodies)
    track: list[FloatArray] = []
    try:
        episode, _ = play(fleet, track)
    finally:
        fleet.close()
    return _Alone(episode.makespan, np.array(track)[:, 0])
