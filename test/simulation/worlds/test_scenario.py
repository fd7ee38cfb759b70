"""Scenarios are drawn from world, number of robots and seed, and from nothing else."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ewm_ros.errors import InputError
from ewm_ros.geometry import Polyline, Pose2D, wrap_angle
from ewm_ros.robot_type import load_robot_type
from ewm_ros.simulation.worlds.scenario import free_flow_time, make_scenario
from ewm_ros.simulation.worlds.shapes import DistanceField
from ewm_ros.simulation.worlds.world_file import World, load_world, parse_world

HALL = {
    "name": "hall",
    "bounds": {"x": [0, 10], "y": [0, 6]},
    "pillars": [{"center": [5, 3], "radius": 0.5}],
    "robots": {
        "model": "tinybot",
        "count": {"min": 1, "max": 8, "default": 4},
        "starts": {"regions": [[[0, 0], [4, 6]], [[6, 0], [10, 2]]], "clearance": 0.2},
        "goals": {"regions": [[[4, 0], [10, 6]]], "clearance": 0.3},
    },
}


@pytest.fixture
def hall() -> World:
    return parse_world(HALL, "hall.yaml")


@pytest.mark.parametrize("robots", [-1, 0, 2, 11, 1000])
def test_a_world_takes_so_many_robots_and_no_more(robots: int) -> None:
    with pytest.raises(InputError, match=f"^world 'doorway' takes 3 to 10 robots, not {robots}$"):
        make_scenario(load_world("doorway"), robots, 0)


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000_000), robots=st.integers(3, 10))
def test_fixed_starts_move_by_at_most_5_cm_and_005_rad(seed: int, robots: int) -> None:
    world = load_world("doorway")
    scenario = make_scenario(world, robots, seed)
    assert isinstance(world.robots.starts, tuple)
    for pose, (x, y, yaw) in zip(scenario.starts, world.robots.starts, strict=False):
        assert math.hypot(pose.x - x, pose.y - y) <= 0.05
        assert abs(wrap_angle(pose.yaw - yaw)) <= 0.05
    assert scenario.goals == tuple(world.robots.goals or ())[:robots]
    assert scenario.names == tuple(f"robot_{i}" for i in range(robots))


def test_a_robot_starts_at_the_same_place_however_many_come_after_it(hall: World) -> None:
    for world, few, many in ((load_world("corridor"), 3, 10), (hall, 2, 8)):
        a, b = make_scenario(world, few, 5), make_scenario(world, many, 5)
        assert b.starts[:few] == a.starts
        assert b.goals[:few] == a.goals


def test_another_seed_gives_other_places(hall: World) -> None:
    assert make_scenario(hall, 4, 1).starts != make_scenario(hall, 4, 2).starts
    assert make_scenario(hall, 4, 1).goals != make_scenario(hall, 4, 2).goals
    assert make_scenario(hall, 4, 1) == make_scenario(hall, 4, 1)


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000))
def test_places_drawn_from_regions_keep_clear_of_walls_and_of_each_other(seed: int) -> None:
    world = parse_world(HALL, "hall.yaml")
    scenario = make_scenario(world, 8, seed)
    field = DistanceField(world)
    starts = [(pose.x, pose.y) for pose in scenario.starts]
    assert all((x <= 4) or (x >= 6 and y <= 2) for x, y in starts)
    for places, gap in ((starts, 0.2), (scenario.goals, 0.3)):
        assert field.distances(np.array(places)).min() >= 0.3 + gap
        assert min(math.dist(p, q) for i, p in enumerate(places) for q in places[:i]) >= 0.6 + gap


def test_regions_without_room_are_refused() -> None:
    content = {**HALL, "robots": {**HALL["robots"], "goals": {"regions": [[[1, 1], [1.5, 1.5]]]}}}  # type: ignore[dict-item]
    with pytest.raises(InputError, match=r"world 'hall': robots\.goals: no room for robot_1 in its regions"):
        make_scenario(parse_world(content, "hall.yaml"), 3, 0)


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(InputError, match="seed"):
        make_scenario(load_world("doorway"), 3, -1)


def test_free_flow_time_counts_driving_and_turning() -> None:
    tinybot = load_robot_type("tinybot")
    ahead = free_flow_time(tinybot, Pose2D(0.0, 0.0, 0.0), (10.0, 0.0))
    assert ahead == pytest.approx(1.3 * 10.0 / 0.5 + 0.5 / 0.75 + math.pi / 0.6)
    assert free_flow_time(tinybot, Pose2D(0.0, 0.0, math.pi), (10.0, 0.0)) == pytest.approx(ahead + math.pi / 0.6)


def test_the_time_limit_is_that_of_the_file_or_four_times_the_slowest_robot(hall: World) -> None:
    assert make_scenario(hall.model_copy(update={"time_limit": 77.0}), 3, 0).time_limit == 77.0
    scenario = make_scenario(hall, 3, 0)
    robots = zip(scenario.types, scenario.starts, scenario.goals, strict=True)
    assert scenario.time_limit == pytest.approx(30.0 + 4.0 * max(free_flow_time(*robot) for robot in robots), abs=1.0)


def test_people_begin_apart_from_each_other_and_from_robots() -> None:
    for seed in range(20):
        scenario = make_scenario(load_world("crowd"), 10, seed)
        people = [(Polyline(walker.path).point_at(walker.begin), walker.radius) for walker in scenario.people]
        robots = [
            ((start.x, start.y), kind.radius) for start, kind in zip(scenario.starts, scenario.types, strict=True)
        ]
        for i, (place, radius) in enumerate(people):
            for other, theirs in people[:i] + robots:
                assert math.dist(place, other) - radius - theirs >= 0.5 - 1e-9
