"""Runs whose results are made up: for what is done with results, not with robots."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ewm_ros.evaluation.campaigns.run_workers import Crash
from ewm_ros.evaluation.campaigns.runs import RunResult, RunSpec
from ewm_ros.simulation.worlds.scenario import Scenario
from ewm_ros.simulation.worlds.world_file import load_world

# Two robots that do not meet: a run of it takes a fraction of a second.
HALL = """
name: hall
bounds: {x: [-3, 3], y: [-2, 2]}
robots:
  model: tinybot
  count: {min: 1, max: 2, default: 2}
  starts: [[-2, 0.8, 0], [2, -0.8, 3.14]]
  goals: [[1, 0.8], [-1, -0.8]]
"""


def made_up_result(spec: RunSpec, realtime_factor: float = 20.0) -> RunResult:
    """What a run may have come to; not the same for two runs."""
    return RunResult(
        world=load_world(spec.world).name,
        robots=spec.robots,
        seed=spec.seed,
        policy=spec.policy,
        success=True,
        reached=spec.robots,
        collisions=0,
        near_misses=spec.seed % 3,
        deadlocks=0,
        deadlocks_left=0,
        makespan_s=10.0 + spec.seed / 7.0,
        makespan_ratio=1.25,
        sum_of_delays_s=None,
        prediction_accuracy=0.1 + 0.2,
        orders_per_minute=None,
        rule_passages=2,
        rule_compliant=1,
        rule_left_out={"elsewhere": 1},
        arbitrations={"asked": 3, "latency_s": None, "late": 0},
        simulated_s=11.0,
        trace=f"{spec.policy}{spec.seed:04d}",
        realtime_factor=realtime_factor,
    )


@dataclass
class Clerks:
    """Workers who make runs up, the last one first.

    Attributes:
        crash: seeds whose runs crash.
        stop_after: runs after which somebody interrupts them; None: nobody does.
        made: the runs that they were asked for.
    """

    crash: frozenset[int] = frozenset()
    stop_after: int | None = None
    made: list[RunSpec] = field(default_factory=list)

    def run(self, specs: Sequence[RunSpec]) -> Generator[tuple[int, RunResult | Crash]]:
        """See Workers."""
        for count, (index, spec) in enumerate(reversed(list(enumerate(specs)))):
            if count == self.stop_after:
                raise KeyboardInterrupt
            self.made.append(spec)
            yield index, Crash("ZeroDivisionError", "") if spec.seed in self.crash else made_up_result(spec)


@dataclass(frozen=True)
class Deadly(RunSpec):
    """A run that kills the process in which it is made.

    Attributes:
        mark: a file that it leaves; where that is, it is a run like others. Empty: it always kills.
    """

    mark: str = ""

    def scenario(self) -> Scenario:
        """See RunSpec."""
        if not (self.mark and Path(self.mark).exists()):
            if self.mark:
                Path(self.mark).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return RunSpec.scenario(self)
