"""Real plans to measure with: what the robots of lockstep runs imagine and tell the others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ewm_ros.messages import Intention
from ewm_ros.simulation.fleet import Fleet
from ewm_ros.simulation.worlds.scenario import make_scenario
from ewm_ros.simulation.worlds.world_file import load_world
from ewm_ros.trajectory import STEP, Trajectory

SAMPLED, SAMPLE_STEPS = 60.0, 5  # s of each run, and steps between two samples


def plans_of_runs(worlds: Iterable[str], robots: int, seed: int) -> Iterator[tuple[Trajectory, Intention]]:
    """What the robots of lockstep runs imagine and tell the others, every half second of each.

    Raises:
        InputError: no such world, or it does not take this number of robots.
    """
    for world in worlds:
        scenario = make_scenario(load_world(world), robots, seed)
        fleet = Fleet(scenario)
        try:
            while fleet.world.time < min(scenario.time_limit, SAMPLED):
                fleet.step()
                if round(fleet.world.time / STEP) % SAMPLE_STEPS:
                    continue
                for action in map(fleet.action, fleet.names):
                    if action is not None:
                        yield action.imagination.most_probable, action.intention
        finally:
            fleet.close()
