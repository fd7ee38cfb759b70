"""The worlds of the package: nobody who stands at a goal or waits at a start is in anybody else's way."""

from __future__ import annotations

import math
from xml.etree import ElementTree

import pytest

from ewm_ros.geometry import Polyline
from ewm_ros.resources import available, resource
from ewm_ros.robot.route_planner import RoutePlanner
from ewm_ros.robot_type import load_robot_type
from ewm_ros.simulation.occupancy import occupancy_grid
from ewm_ros.simulation.shapes import DistanceField
from ewm_ros.simulation.world_file import load_world

CLEAR = 0.85  # m from a spot to somebody else's way: two radii and room to spare
Point = tuple[float, float]


def spots_and_ways(name: str) -> tuple[list[Point], list[Point], list[Polyline]]:
    world = load_world(name)
    assert isinstance(world.robots.starts, tuple)
    assert isinstance(world.robots.goals, tuple)
    planner = RoutePlanner(occupancy_grid(world), load_robot_type("tinybot").radius)
    starts = [(x, y) for x, y, _ in world.robots.starts]
    goals = list(world.robots.goals)
    return starts, goals, [planner.plan(start, goal) for start, goal in zip(starts, goals, strict=True)]


@pytest.fixture(params=available("worlds", ".yaml"))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_each_takes_3_to_10_robots(name: str) -> None:
    world = load_world(name)
    assert world.name == name
    assert world.description
    assert (world.robots.count.min, world.robots.count.max) == (3, 10)


def test_goals_are_out_of_everybody_elses_way(name: str) -> None:
    starts, goals, ways = spots_and_ways(name)
    for i, goal in enumerate(goals):
        for j, way in enumerate(ways):
            if i == j:
                continue
            # In one lane, who drives ahead may pass the goal of who comes behind: it is past before that one arrives.
            ahead = ways[i].project(*starts[j])[1] < 0.1
            assert ahead or way.project(*goal)[1] >= CLEAR, f"goal of robot {i} is in the way of robot {j}"


def test_goals_starts_and_walls_keep_apart(name: str) -> None:
    starts, goals, _ = spots_and_ways(name)
    spots = starts + goals
    assert min(math.dist(p, q) for i, p in enumerate(spots) for q in spots[:i]) >= 0.9
    assert min(math.dist(p, q) for p in goals for q in starts) >= CLEAR
    field = DistanceField(load_world(name))
    assert min(field.distances(Polyline([spot]).points).min() for spot in spots) >= 0.45 - 1e-9


@pytest.mark.parametrize("rooms", ["doorway", "corridor"])
def test_in_rooms_waiting_robots_are_in_nobodys_way_either(rooms: str) -> None:
    starts, _, ways = spots_and_ways(rooms)
    for i, start in enumerate(starts):
        for j, way in enumerate(ways):
            assert i == j or way.project(*start)[1] >= CLEAR, f"start of robot {i} is in the way of robot {j}"


def test_at_the_crossing_everybody_keeps_to_the_right_lane() -> None:
    _, _, ways = spots_and_ways("intersection")
    for way in ways:
        heading = way.heading_at(0.0)
        right = (math.sin(heading), -math.cos(heading))
        for point in way.points:
            assert point @ right == pytest.approx(0.45)


def test_the_door_and_the_corridor_do_not_fit_two_robots_but_the_bays_let_one_pass() -> None:
    door, corridor = occupancy_grid(load_world("doorway")), occupancy_grid(load_world("corridor"))
    at_door = door.occupied[:, door.cell(0.0, 0.0)[1]]
    in_lane = corridor.occupied[:, corridor.cell(0.0, 0.0)[1]]
    assert (~at_door).sum() * door.resolution < 1.2
    assert (~in_lane).sum() * corridor.resolution == pytest.approx(1.0)
    for x, y in ((-2.0, 1.3), (2.0, -1.3)):
        assert not corridor.occupied[corridor.cell(x, y)]


@pytest.mark.parametrize("robot", available("config/robots", ".yaml"))
def test_the_body_of_each_robot_model_is_as_wide_as_its_type_says(robot: str) -> None:
    path = resource("models/robots", robot, ".urdf", kind="robot model")
    cylinder = ElementTree.parse(path).find("link/collision/geometry/cylinder")
    assert cylinder is not None
    assert float(cylinder.attrib["radius"]) == load_robot_type(robot).radius
