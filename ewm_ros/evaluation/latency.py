"""The user's claim, measured: a decision of this system beside asking a language model in the loop."""

from __future__ import annotations

import time
from statistics import median

from ewm_ros.simulation.fleet import Fleet
from ewm_ros.simulation.worlds.scenario import make_scenario
from ewm_ros.simulation.worlds.world_file import load_world

DECISIONS = 100


def decision_latency(robots: int, model_latency: float, world: str = "intersection") -> dict[str, object]:
    """Times of one decision: all robots imagine and tell their plans, the coordinator answers.

    Args:
        model_latency: s that a language model takes to answer; it is not asked, the time is taken as given.

    Returns:
        ours_ms: median over a run of the whole cycle of all robots and the coordinator, one after the other in one
        process; in_the_loop_ms: the same with one question to the model in each cycle; ratio of the two.
    """
    fleet = Fleet(make_scenario(load_world(world), robots, seed=0))
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
        "ours_ms": round(ours, 3),
        "in_the_loop_ms": round(in_the_loop, 3),
        "ratio": round(in_the_loop / ours, 1),
    }
