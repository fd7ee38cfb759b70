"""Lockstep runs for evaluation: one scenario under one policy, judged; and many of them over all cores."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import lru_cache
from statistics import fmean

import numpy as np

from ewm_ros.errors import InputError
from ewm_ros.evaluation.episode import Episode
from ewm_ros.simulation.fleet import POLICIES, Fleet
from ewm_ros.simulation.network import Faults
from ewm_ros.simulation.scenario import make_scenario
from ewm_ros.simulation.world_file import load_world

NO_FAULTS = Faults()


@dataclass(frozen=True, slots=True)
class RunSpec:
    """What one run is made of; `world` is a name or a path."""

    world: str
    robots: int
    seed: int
    policy: str
    faults: Faults = NO_FAULTS

    def check(self) -> None:
        """Raise InputError if it cannot be run."""
        if self.policy not in POLICIES:
            raise InputError(f"unknown policy {self.policy!r}: there are {', '.join(POLICIES)}")
        make_scenario(load_world(self.world), self.robots, self.seed)


@dataclass(frozen=True, slots=True)
class RunResult:
    """One judged run; times in s. `trace` is a hash of all poses, equal for bit-identical runs."""

    world: str
    robots: int
    seed: int
    policy: str
    success: bool
    reached: int
    collisions: int
    near_misses: int
    deadlocks: int
    makespan_s: float | None
    sum_of_delays_s: float | None
    prediction_accuracy: float | None
    orders_per_minute: float | None
    simulated_s: float
    trace: str


def run(spec: RunSpec) -> RunResult:
    """Run one scenario to its end.

    Raises:
        InputError: the world, the number of robots or the policy is not there.
    """
    scenario = make_scenario(load_world(spec.world), spec.robots, spec.seed)
    fleet = Fleet(scenario, spec.policy, spec.faults)
    try:
        episode, trace = play(fleet)
        delays = None
        if episode.makespan is not None:
            delays = episode.sum_of_delays(free_flow_arrivals(spec.world, spec.robots, spec.seed))
        return RunResult(
            world=scenario.world,
            robots=spec.robots,
            seed=spec.seed,
            policy=spec.policy,
            success=episode.reached == spec.robots and not fleet.world.collisions,
            reached=episode.reached,
            collisions=fleet.world.collisions,
            near_misses=fleet.world.near_miss_count,
            deadlocks=episode.deadlocks,
            makespan_s=_rounded(episode.makespan),
            sum_of_delays_s=_rounded(delays),
            prediction_accuracy=fleet.prediction.figures()["accuracy"],
            orders_per_minute=None,
            simulated_s=_rounded(fleet.world.time) or 0.0,
            trace=trace,
        )
    finally:
        fleet.close()


def play(fleet: Fleet) -> tuple[Episode, str]:
    """Step a fleet until its episode is over; the judge and a hash of all poses on the way."""
    scenario, indices = fleet.scenario, fleet.world.indices
    episode = Episode(fleet.names, [scenario.goals[i] for i in indices], scenario.time_limit)
    digest = hashlib.sha256()
    while not episode.finished:
        fleet.step()
        poses = np.array([(p.x, p.y, p.yaw) for p in (fleet.world.pose(i) for i in indices)])
        digest.update(poses.tobytes())
        episode.update(fleet.world.time, poses, fleet.waits_for)
    return episode, digest.hexdigest()[:16]


def free_flow_arrivals(world: str, robots: int, seed: int) -> tuple[float, ...]:
    """When each robot arrives if it is alone in the same world and seed (s), driving without any coordination.

    Raises:
        InputError: a robot does not arrive even alone.
    """
    return tuple(_alone(world, robots, seed, index) for index in range(robots))


@lru_cache(maxsize=4096)
def _alone(world: str, robots: int, seed: int, index: int) -> float:
    fleet = Fleet(make_scenario(load_world(world), robots, seed), "none", only=index)
    try:
        episode, _ = play(fleet)
    finally:
        fleet.close()
    if episode.makespan is None:
        raise InputError(f"world {world!r}, seed {seed}: {fleet.names[0]} does not reach its goal even alone")
    return episode.makespan


def run_all(specs: Sequence[RunSpec], workers: int | None = None) -> Iterator[RunResult]:
    """Run many, over processes; the results come in the order of the specs, whatever the number of workers.

    Args:
        workers: processes; None for one a core.
    """
    count = min(workers or os.cpu_count() or 1, max(len(specs), 1))
    if count == 1:
        yield from map(run, specs)
        return
    with ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(run, specs)


def summary(results: Sequence[RunResult]) -> list[dict[str, object]]:
    """Figures by world and policy; means over the runs that have them."""
    rows = []
    for world, policy in dict.fromkeys((r.world, r.policy) for r in results):
        group = [r for r in results if (r.world, r.policy) == (world, policy)]
        rows.append(
            {
                "world": world,
                "policy": policy,
                "runs": len(group),
                "success_rate": fmean(r.success for r in group),
                "reached_rate": sum(r.reached for r in group) / sum(r.robots for r in group),
                "collisions": sum(r.collisions for r in group),
                "near_misses": sum(r.near_misses for r in group),
                "deadlocks": sum(r.deadlocks for r in group),
                "makespan_s": _mean([r.makespan_s for r in group]),
                "sum_of_delays_s": _mean([r.sum_of_delays_s for r in group]),
                "prediction_accuracy": _mean([r.prediction_accuracy for r in group]),
            }
        )
    return rows


def as_json(results: Sequence[RunResult]) -> dict[str, object]:
    """The object that `ewm run --json` prints."""
    return {"runs": [asdict(r) for r in results], "summary": summary(results)}


def _mean(values: Sequence[float | None]) -> float | None:
    known = [v for v in values if v is not None]
    return fmean(known) if known else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
