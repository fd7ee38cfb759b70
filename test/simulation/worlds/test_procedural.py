"""Worlds from seeds: sound, solvable, the same in every process, and writable as files."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ewm_ros.errors import InputError
from ewm_ros.evaluation.campaigns.runs import RunSpec, free_flow_arrivals
from ewm_ros.planning.route_planner import RoutePlanner
from ewm_ros.simulation.worlds.occupancy import occupancy_grid
from ewm_ros.simulation.worlds.procedural import FIRST_SEED, procedural_world
from ewm_ros.simulation.worlds.reachability import areas_of
from ewm_ros.simulation.worlds.scenario import make_scenario
from ewm_ros.simulation.worlds.well_formed import well_formed
from ewm_ros.simulation.worlds.world_checks import flaws, robot_types
from ewm_ros.simulation.worlds.world_file import World, load_world
from ewm_ros.simulation.worlds.world_writer import world_text

seeds = st.integers(FIRST_SEED, FIRST_SEED + 10**9)


def spots_of(world: World) -> list[tuple[float, float]]:
    """Starts, then goals or stations."""
    assert isinstance(world.robots.starts, tuple)
    assert world.robots.goals is None or isinstance(world.robots.goals, tuple)
    stations = world.stations
    goals = world.robots.goals if stations is None else (*stations.pick, *stations.drop)
    return [*((x, y) for x, y, _ in world.robots.starts), *(goals or ())]


@settings(max_examples=25, deadline=None)
@given(seed=seeds)
def test_each_is_sound_and_takes_3_to_10_robots(seed: int) -> None:
    world = procedural_world(seed)
    assert world.name == f"procedural-{seed}"
    assert list(flaws(world)) == []
    assert (world.robots.count.min, world.robots.count.max) == (3, 10)
    for robots in (3, 6, 10):
        scenario = make_scenario(world, robots, seed % 7)
        assert len(scenario.starts) == robots
        assert len(scenario.people) == len(world.people)


@settings(max_examples=25, deadline=None)
@given(seed=seeds)
def test_each_is_read_back_from_its_file_as_it_was(seed: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    world = procedural_world(seed)
    path = tmp_path_factory.mktemp("worlds") / "site.yaml"
    path.write_text(world_text(world), encoding="utf-8")
    assert load_world(str(path)) == world


@settings(max_examples=10, deadline=None)
@given(seed=seeds)
def test_nobody_who_stands_is_in_anybodys_only_way(seed: int) -> None:
    world = procedural_world(seed)
    widest = max(robot.radius for robot in robot_types(world))
    spots = np.array(spots_of(world))
    # Whoever may stand there is as wide as the widest, whoever passes too.
    radii = [robot.radius for robot in robot_types(world)]
    standing = np.array(radii + (radii if world.task == "reach" else [widest] * (len(spots) - len(radii))))
    assert well_formed(areas_of(world, widest), spots, standing + widest)
    if world.task == "reach":
        # One way in full: robot 0's, with bodies at all other spots.
        left = areas_of(world, radii[0]).without(
            np.delete(spots, [0, 10], axis=0), np.delete(standing, [0, 10]) + radii[0]
        )
        start, goal = left.at(spots[[0, 10]])
        assert start == goal != 0


def test_seeds_give_all_families_tasks_and_fleets() -> None:
    worlds = [procedural_world(FIRST_SEED + k) for k in range(40)]
    for word in ("rooms", "corridor", "blocks", "pillars", "; beyond"):
        assert any(word in world.description for world in worlds), word
    assert {world.task for world in worlds} == {"reach", "allocate", "deliver"}
    assert sum(world.task == "reach" for world in worlds) > 20
    assert 5 < sum(bool(world.people) for world in worlds) < 30
    models = {world.robots.model for world in worlds}
    assert {"tinybot", "turtlebot4"} <= models
    assert any(isinstance(model, tuple) for model in models)
    assert len({world_text(world).split("bounds")[1] for world in worlds}) == len(worlds)


def test_another_process_makes_the_same() -> None:
    seed = FIRST_SEED + 17
    program = f"""
from ewm_ros.simulation.worlds.procedural import procedural_world
from ewm_ros.simulation.worlds.world_writer import world_text
print(world_text(procedural_world({seed})), end="")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == world_text(procedural_world(seed))


def test_its_name_makes_it_wherever_a_world_is_named() -> None:
    assert load_world("procedural-1000003") == procedural_world(1000003)
    RunSpec("procedural-1000003", 4, 0, "none").check()


@pytest.mark.parametrize("name", ["procedural-0", "procedural-999999"])
def test_lower_seeds_are_for_shipped_evaluations(name: str) -> None:
    with pytest.raises(
        InputError, match=f"^world '{name}': seeds of procedural worlds are 1000000 to 999999999999999999$"
    ):
        load_world(name)


@pytest.mark.parametrize("name", ["procedural-01000003", "procedural-", "procedural-x", "procedural--1000003"])
def test_other_names_are_unknown(name: str) -> None:
    with pytest.raises(InputError, match=f"unknown world '{name}'"):
        load_world(name)


@pytest.mark.parametrize("seed", range(FIRST_SEED, FIRST_SEED + 6))
def test_routes_lead_to_all_goals(seed: int) -> None:
    world = procedural_world(seed)
    scenario = make_scenario(world, 10, 0)
    grid = occupancy_grid(world)
    targets = spots_of(world)[10:20]
    for robot, start, goal in zip(scenario.types, scenario.starts, targets, strict=True):
        route = RoutePlanner(grid, robot.radius).plan((start.x, start.y), goal)
        assert route.points[-1] == pytest.approx(goal)


@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(FIRST_SEED, FIRST_SEED + 40))
def test_each_robot_alone_arrives(seed: int) -> None:
    world = procedural_world(seed)
    if world.task == "reach" and not world.people:  # at an end of their path, people and a robot can hold each other up
        assert len(free_flow_arrivals(RunSpec(f"procedural-{seed}", 10, 0, "none"))) == 10


def test_a_spot_in_a_door_is_not_well_formed(tmp_path: Path) -> None:
    areas = areas_of(load_world("doorway"), 0.3)
    rooms = [[-5.0, 2.0], [5.0, 2.0], [5.0, -2.0]]
    kept = np.full(4, 0.7)
    assert well_formed(areas, np.array([*rooms, [-5.0, -2.0]]), kept)
    assert not well_formed(areas, np.array([*rooms, [0.0, 0.0]]), kept)
