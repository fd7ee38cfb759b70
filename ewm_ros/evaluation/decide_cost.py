"""What an arbiter costs the coordinator: the time of its decisions with one and without, in one run."""

from __future__ import annotations

import time

from ewm_ros.coordination.arbitration.advice import Advice
from ewm_ros.coordination.arbitration.arbiter import Arbiter
from ewm_ros.coordination.coordinator import Coordinator
from ewm_ros.evaluation.arbiter_spec import ArbiterSpec
from ewm_ros.evaluation.fleet_figures import percentiles
from ewm_ros.evaluation.oracle import ORACLE
from ewm_ros.evaluation.runs import RunSpec
from ewm_ros.messages import DirectiveSet
from ewm_ros.simulation.fleet import Fleet

WORLD, ROBOTS = "ward", 10
LATENCY = 0.2  # s of simulated time that an answer takes


class TimedCoordinator(Coordinator):
    """Notes the process CPU (ms) of each of its decisions."""

    def __init__(self, *, nonce: int, lease: float = 1.0, arbiter: Arbiter | None = None) -> None:
        super().__init__(nonce=nonce, lease=lease, arbiter=arbiter)
        self.decide_ms: list[float] = []

    def decide(self, now: float, clock: float | None = None) -> DirectiveSet:
        """The orders of this moment."""
        began = time.process_time()
        directives = super().decide(now, clock)
        self.decide_ms.append(1e3 * (time.process_time() - began))
        return directives


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
        return {name: percentiles(_times(fleet), max=100) for name, fleet in fleets.items()}
    finally:
        for fleet in fleets.values():
            fleet.close()


def _times(fleet: Fleet) -> list[float]:
    assert isinstance(fleet.coordinator, TimedCoordinator)
    return fleet.coordinator.decide_ms
