"""Places drawn from regions: whoever is put somewhere can come where the task sends it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ewm_ros.errors import InputError
from ewm_ros.robot_type import load_robot_type
from ewm_ros.simulation.worlds.placement import draw_goals, draw_starts
from ewm_ros.simulation.worlds.scenario import make_scenario
from ewm_ros.simulation.worlds.world_file import World, parse_world

ALL_OVER = {"regions": [[[-6, -3], [6, 3]]], "clearance": 0.1}


def cut_in_two(model: object = "tinybot", **changes: Any) -> World:
    """Two halves with a wall between; places are drawn from both unless something else is given."""
    content: dict[str, Any] = {
        "name": "halves",
        "bounds": {"x": [-6, 6], "y": [-3, 3]},
        "walls": [{"center": [0, 0], "size": [0.2, 6]}],
        "robots": {
            "model": model,
            "count": {"min": 1, "max": 4, "default": 4},
            "starts": ALL_OVER,
            "goals": ALL_OVER,
            **changes.pop("robots", {}),
        },
        **changes,
    }
    if content.get("task") == "deliver":
        del content["robots"]["goals"]
    return parse_world(content, "halves.yaml")


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_start_and_goal_lie_on_the_same_side(seed: int) -> None:
    scenario = make_scenario(cut_in_two(), 4, seed)
    assert all(start.x * goal[0] > 0.0 for start, goal in zip(scenario.starts, scenario.goals, strict=True))


def test_both_sides_are_used() -> None:
    sides = {make_scenario(cut_in_two(), 1, seed).starts[0].x > 0.0 for seed in range(20)}
    assert sides == {True, False}


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_whoever_takes_any_goal_is_on_the_side_of_all_of_them(seed: int) -> None:
    scenario = make_scenario(cut_in_two(task="allocate"), 4, seed)
    sides = {start.x > 0.0 for start in scenario.starts} | {goal[0] > 0.0 for goal in scenario.goals}
    assert len(sides) == 1


def test_starts_are_drawn_on_the_side_of_fixed_goals() -> None:
    goals = [[3, 2], [3, 0], [3, -2], [5, 0]]
    for task in ("reach", "allocate"):
        scenario = make_scenario(cut_in_two(task=task, robots={"goals": goals}), 4, 1)
        assert min(start.x for start in scenario.starts) > 0.0


def test_starts_are_drawn_on_the_side_of_the_stations() -> None:
    stations = {"pick": [[-3, 2]], "drop": [[-3, -2]]}
    scenario = make_scenario(cut_in_two(task="deliver", stations=stations), 4, 1)
    assert max(start.x for start in scenario.starts) < 0.0


def test_goals_are_drawn_where_the_widest_of_the_fleet_fits_too() -> None:
    closet = {"walls": [{"center": [-2.5, 0], "size": [7, 0.2]}, {"center": [5.5, 0], "size": [1, 0.2]}]}
    world = cut_in_two(
        ["turtlebot4", "husky"],
        **closet,  # a passage of 4 m on the right; the husky starts above
        task="allocate",
        robots={"count": {"min": 1, "max": 2, "default": 2}, "starts": [[-4, 2, 0], [-2, 2, 0]]},
    )
    assert len(make_scenario(world, 2, 3).goals) == 2


def test_a_robot_gets_the_same_places_however_many_come_after_it() -> None:
    for task in ("reach", "allocate"):
        world = cut_in_two(task=task)
        few, many = make_scenario(world, 2, 7), make_scenario(world, 4, 7)
        assert many.starts[:2] == few.starts
        assert many.goals[:2] == few.goals


def test_regions_without_room_are_refused_by_robot() -> None:
    world = cut_in_two(robots={"goals": {"regions": [[[-4, -1], [-3.2, 0]]], "clearance": 0.1}})
    types = [load_robot_type("tinybot")] * 4
    starts = draw_starts(world, types, 1)
    assert max(start.x for start in starts) < 0.0
    with pytest.raises(InputError, match=r"^world 'halves': robots\.goals: no room for robot_[12] in its regions"):
        draw_goals(world, types, starts, 1)
