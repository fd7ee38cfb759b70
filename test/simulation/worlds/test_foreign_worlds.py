"""World files as others write them, in all styles of YAML: they load and run without a change to the code."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from ewm_ros.evaluation.campaigns.runs import RunSpec, run
from ewm_ros.resources import share
from ewm_ros.sensing import Velocity
from ewm_ros.simulation.physics.physics_world import PhysicsWorld
from ewm_ros.simulation.worlds.reachability import NOWHERE, areas_of
from ewm_ros.simulation.worlds.scenario import Scenario, make_scenario
from ewm_ros.simulation.worlds.world_file import load_world

FILES = sorted((share() / "worlds" / "foreign").glob("*.yaml"))


def scenarios(file: Path) -> list[Scenario]:
    """With the fewest, the usual number and the most robots."""
    world = load_world(str(file))
    count = world.robots.count
    return [make_scenario(world, n, seed) for seed, n in enumerate((count.min, count.default, count.max))]


def test_there_are_ten_of_all_kinds() -> None:
    worlds = [load_world(str(file)) for file in FILES]
    assert len(worlds) == 10
    assert {world.task for world in worlds} == {"reach", "allocate", "deliver"}
    assert any(world.people for world in worlds)
    assert any(world.pillars for world in worlds)
    assert any(wall.yaw for world in worlds for wall in world.walls)
    assert any(not isinstance(world.robots.model, str) for world in worlds)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_they_run(file: Path) -> None:
    for scenario in scenarios(file):
        physics = PhysicsWorld(scenario)
        try:
            for _ in range(10):
                physics.step([Velocity(0.2, 0.1)] * len(scenario.names))
            poses = [physics.pose(i) for i in physics.indices]
            scans = [physics.observe(i).scan for i in physics.indices]
        finally:
            physics.close()
        moved = [np.hypot(p.x - s.x, p.y - s.y) for p, s in zip(poses, scenario.starts, strict=True)]
        assert min(moved) > 0.02
        assert all(scan is not None and (scan.ranges > 0.0).all() for scan in scans)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_everybody_can_come_where_the_task_sends_them(file: Path) -> None:
    for scenario in scenarios(file):
        for i, (robot, start) in enumerate(zip(scenario.types, scenario.starts, strict=True)):
            areas = areas_of(scenario, robot.radius)
            targets = [scenario.goals[i]] if scenario.task == "reach" else list(scenario.goals)
            if scenario.stations is not None:
                targets += [*scenario.stations.pick, *scenario.stations.drop]
            labels = [areas.leaving((start.x, start.y)), *areas.at(targets).tolist()]
            assert all(a == b != NOWHERE for a, b in pairwise(labels))


@pytest.mark.campaign
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_whole_run_comes_to_its_end(file: Path) -> None:
    result = run(RunSpec(str(file), load_world(str(file)).robots.count.default, 1, "intention"))
    assert result.simulated_s > 0.0
    assert result.collisions == 0
