"""Runs in all shipped worlds: a robot alone always arrives, and with nothing but the safety stop a fleet does not."""

from __future__ import annotations

import pytest

from ewm_ros.evaluation.campaigns.runs import RunSpec, play, run
from ewm_ros.resources import available
from ewm_ros.simulation.fleet import Fleet
from ewm_ros.simulation.worlds.scenario import make_scenario
from ewm_ros.simulation.worlds.world_file import load_world

pytestmark = pytest.mark.campaign

WORLDS = available("worlds", ".yaml")
REACH = [name for name in WORLDS if load_world(name).task == "reach"]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", WORLDS)
def test_a_robot_alone_does_its_task(name: str, seed: int) -> None:
    scenario = make_scenario(load_world(name), 10, seed)
    for index in range(10):
        fleet = Fleet(scenario, "none", only=index)
        try:
            episode, _ = play(fleet)
            assert fleet.world.collisions == 0, f"robot {index}"
            if scenario.task == "deliver":
                assert fleet.task.orders[0] >= 2, f"robot {index}"
            else:
                assert episode.reached == 1, f"robot {index}"
        finally:
            fleet.close()


@pytest.mark.parametrize("name", REACH)
def test_ten_robots_need_more_than_a_safety_stop(name: str) -> None:
    results = [run(RunSpec(name, 10, seed, "none")) for seed in range(3)]
    assert not any(result.success for result in results)
