"""Robots that are told no goal, in lockstep: each ends at another one, and nobody goes to one that is taken."""

from __future__ import annotations

import math

import pytest

from ewm_ros.evaluation.figures.episode import Episode
from ewm_ros.messages import Search
from ewm_ros.simulation.fleet import Fleet
from ewm_ros.simulation.network import Faults
from ewm_ros.simulation.worlds.scenario import Scenario, make_scenario
from ewm_ros.simulation.worlds.world_file import load_world, parse_world

STARTS = [[-5, 0, 0], [-5, 1.5, 0], [-5, -1.5, 0]]
GOALS = [[0, 3], [4, -3], [5, 2]]


def hall(seed: int = 0) -> Scenario:
    """A hall of 14 m x 8 m with a wall in its middle; three robots at its western end see no goal."""
    robots = {"model": "tinybot", "count": {"min": 1, "max": 3, "default": 3}, "starts": STARTS, "goals": GOALS}
    content = {"name": "hall", "bounds": {"x": [-7, 7], "y": [-4, 4]}, "robots": robots, "task": "allocate"}
    content |= {"walls": [{"center": [2, 0], "size": [0.2, 3]}], "view": 3.0, "time_limit": 150}
    return make_scenario(parse_world(content, "hall.yaml"), 3, seed)


def searches(fleet: Fleet) -> list[Search]:
    """What each robot tells of its search."""
    told = [fleet.intentions[name].plan.search for name in fleet.names]
    assert None not in told
    return [search for search in told if search is not None]


def play(fleet: Fleet, restart: bool = False) -> Episode:
    episode = Episode.of(fleet.scenario)
    while not episode.finished:
        fleet.step()
        episode.update(fleet.world.time, fleet.poses, fleet.waits_for)
        if restart and math.isclose(fleet.world.time, 12.0):
            fleet.restart_robot("robot_1")
    return episode


@pytest.mark.parametrize("faults", [Faults(), Faults(loss=0.3, delay=0.2)], ids=["good", "bad"])
def test_each_finds_another_goal(faults: Faults) -> None:
    fleet = Fleet(hall(), faults=faults)
    try:
        episode = play(fleet)
        assert episode.reached == 3
        assert fleet.world.collisions == 0
        taken = searches(fleet)
        assert [search.bid for search in taken] == [0.0, 0.0, 0.0]
        assert sorted(search.finds[0] for search in taken) == sorted((float(x), float(y)) for x, y in GOALS)
    finally:
        fleet.close()


def test_one_whose_process_is_started_again_hears_from_the_others_what_there_is() -> None:
    fleet = Fleet(hall(1))
    try:
        assert play(fleet, restart=True).reached == 3
    finally:
        fleet.close()


def test_nobody_is_told_more_than_it_sees() -> None:
    fleet = Fleet(hall())
    try:
        for _ in range(100):
            fleet.step()
            for pose, seen in zip(fleet.poses, fleet.task.sightings, strict=True):
                in_view = [goal for goal in GOALS if math.dist(goal, pose[:2]) <= 3.0]
                assert seen.tolist() == in_view
    finally:
        fleet.close()


def test_a_robot_may_still_be_sent_somewhere() -> None:
    fleet = Fleet(hall())
    try:
        fleet.set_goal("robot_0", -6.0, 3.0)
        for _ in range(200):
            fleet.step()
        assert fleet.intentions["robot_0"].plan.goal == "-6.0,3.0"
        assert math.dist(fleet.poses[0, :2], (-6.0, 3.0)) < 0.3
    finally:
        fleet.close()


def test_in_other_tasks_nobody_searches() -> None:
    fleet = Fleet(make_scenario(load_world("doorway"), 3, 1))
    try:
        fleet.step()
        assert all(intention.plan.search is None for intention in fleet.intentions.values())
    finally:
        fleet.close()
