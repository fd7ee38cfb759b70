"""What the coordinator's decisions cost: in a fleet of any size, and with an arbiter beside without one."""

from __future__ import annotations

import time
from collections.abc import Callable

from ewm_ros.coordination.arbitration.advice import Advice
from ewm_ros.coordination.arbitration.arbiter import Arbiter
from ewm_ros.coordination.coordinator import Coordinator
from ewm_ros.evaluation.campaigns.runs import RunSpec
from ewm_ros.evaluation.figures.episode import Episode
from ewm_ros.evaluation.figures.numbers import percentiles
from ewm_ros.evaluation.words.arbiter_spec import ArbiterSpec
from ewm_ros.evaluation.words.oracle import ORACLE
from ewm_ros.messages import DirectiveSet
from ewm_ros.simulation.fleet import Fleet

WORLD, ROBOTS = "ward", 10
LATENCY = 0.2  # s of simulated time that an answer takes


class TimedCoordinator(Coordinator):
    """Notes the process CPU (ms) of each of its decisions, and of what it does between two."""

    def __init__(self, *, nonce: int, lease: float = 1.0, arbiter: Arbiter | None = None) -> None:
        super().__init__(nonce=nonce, lease=lease, arbiter=arbiter)
        self.decide_ms: list[float] = []
        self.think_ms: list[float] = []

    def decide(self, now: float, clock: float | None = None) -> DirectiveSet:
        """The orders of this moment."""
        began = time.process_time()
        directives = super().decide(now, clock)
        self.decide_ms.append(1e3 * (time.process_time() - began))
        return directives

    def think(self, pause: Callable[[], bool] = lambda: False) -> None:
        """What no answer waits for."""
        began = time.process_time()
        super().think(pause)
        self.think_ms.append(1e3 * (time.process_time() - began))


def coordinator_cost(world: str, robots: int, seconds: float, seed: int) -> dict[str, object]:
    """Drive a fleet step by step until all have arrived, ten decisions a second.

    Args:
        world: name or path.
        seconds: of simulated time, at most.

    Returns:
        `world`, `robots`, `decisions`, and process CPU: `decide_ms` of decisions, `think_ms` of the work after each.
    """
    spec = RunSpec(world, robots, seed, "intention", model="none")
    fleet = Fleet(spec.scenario(), predictor=spec.predictor, coordinator=TimedCoordinator)
    episode = Episode.of(fleet.scenario, fleet.world.indices)
    try:
        while not episode.finished and fleet.world.time < seconds:
            fleet.step()
            episode.update(fleet.world.time, fleet.poses, fleet.waits_for, fleet.task.orders)
        decide, think = _timed(fleet).decide_ms, _timed(fleet).think_ms
        cost = {"decide_ms": percentiles(decide, max=100), "think_ms": percentiles(think, max=100)}
        return {"world": world, "robots": robots, "decisions": len(decide), **cost}
    finally:
        fleet.close()


def decide_cost(seconds: float, seed: int) -> dict[str, object]:
    """Drive the ward twice, step by step in turn, with an arbiter that asks of every conflict with roles and without.

    Args:
        seconds: of simulated time.
    """
    advised = ArbiterSpec(Advice(ORACLE, cache="none"), LATENCY)
    specs = {
        name: RunSpec(WORLD, ROBOTS, seed, "intention", model="none", arbiter=arbiter)
        for name, arbiter in (("without", None), ("with", advised))
    }
    fleets = {
        name: Fleet(spec.scenario(), predictor=spec.predictor, arbiter=spec.arbiter_maker, coordinator=TimedCoordinator)
        for name, spec in specs.items()
    }
    try:
        while fleets["with"].world.time < seconds:
            for fleet in fleets.values():
                fleet.step()
        return {name: percentiles(_timed(fleet).decide_ms, max=100) for name, fleet in fleets.items()}
    finally:
        for fleet in fleets.values():
            fleet.close()


def _timed(fleet: Fleet) -> TimedCoordinator:
    assert isinstance(fleet.coordinator, TimedCoordinator)
    return fleet.coordinator
