"""The baseline `orca`: robots swerve around each other along their routes, and without walls nobody needs to talk."""

from __future__ import annotations

import math

import numpy as np

from ewm_ros.evaluation.campaigns.runs import RunSpec, play, run
from ewm_ros.simulation.fleet import Fleet
from ewm_ros.simulation.worlds.scenario import make_scenario
from ewm_ros.simulation.worlds.world_file import load_world, parse_world


def swap(robots: int, **more: object) -> Fleet:
    """Robots on a circle of 4 m that all change sides."""
    angles = [2.0 * math.pi * i / robots for i in range(robots)]
    starts = [[4.0 * math.cos(a), 4.0 * math.sin(a), math.remainder(a + math.pi, 2 * math.pi)] for a in angles]
    goals = [[-x, -y] for x, y, _ in starts]
    fleet = {
        "model": "tinybot",
        "count": {"min": 1, "max": robots, "default": robots},
        "starts": starts,
        "goals": goals,
    }
    content = {"name": "swap", "bounds": {"x": [-6, 6], "y": [-6, 6]}, "robots": fleet, **more}
    return Fleet(make_scenario(parse_world(content, "swap.yaml"), robots, 0), "orca")


def assert_all_arrive_untouched(fleet: Fleet, robots: int) -> None:
    try:
        episode, _ = play(fleet)
        assert episode.reached == robots
        assert fleet.world.collisions == 0
    finally:
        fleet.close()


def test_five_robots_change_sides_without_touching() -> None:
    assert_all_arrive_untouched(swap(5), 5)


def test_a_robot_alone_keeps_to_the_same_route_as_any_other_policy() -> None:
    scenario = make_scenario(load_world("doorway"), 3, 0)
    ways = []
    for policy in ("orca", "none"):
        fleet = Fleet(scenario, policy, only=0)
        try:
            points = []
            while fleet.world.time < 20.0:
                fleet.step()
                points.append((fleet.world.pose(0).x, fleet.world.pose(0).y))
            ways.append(np.array(points))
        finally:
            fleet.close()
    apart = np.hypot(*(ways[0][:, None] - ways[1][None]).transpose(2, 0, 1)).min(axis=1)
    assert apart.max() < 0.3
    assert ways[0][-1, 0] > 0.0  # it is through the door


def test_walls_and_pillars_are_not_touched() -> None:
    fleet = swap(
        3, pillars=[{"center": [0, 0], "radius": 0.5}], walls=[{"center": [0, 2], "size": [1.0, 0.4], "yaw": 0.4}]
    )
    assert_all_arrive_untouched(fleet, 3)


def test_a_run_repeats_bit_for_bit() -> None:
    spec = RunSpec("intersection", 3, 2, "orca")
    first = run(spec)
    assert first == run(spec)
    assert first.success
