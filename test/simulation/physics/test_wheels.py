"""Robots on real wheels do what driven bodies do, by friction."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from ewm_ros.geometry import Pose2D
from ewm_ros.robot_type import load_robot_type
from ewm_ros.sensing import STANDSTILL, Velocity
from ewm_ros.simulation.physics.contacts import Contact
from ewm_ros.simulation.physics.physics_world import PhysicsWorld
from ewm_ros.simulation.worlds.scenario import make_scenario
from ewm_ros.simulation.worlds.world_file import parse_world

TYPES = ("tinybot", "turtlebot4", "husky")
Make = Callable[[str, Pose2D], PhysicsWorld]


@pytest.fixture
def make() -> Iterator[Make]:
    worlds: list[PhysicsWorld] = []

    def wheeled(model: str, start: Pose2D) -> PhysicsWorld:
        count = {"min": 1, "max": 1, "default": 1}
        robots = {"model": model, "count": count, "starts": [[0, 0, 0]], "goals": [[2, 2]]}
        content = {"name": "yard", "bounds": {"x": [-4, 4], "y": [-3, 3]}, "robots": robots}
        scenario = make_scenario(parse_world(content, "yard.yaml"), 1, 0, varied=False)
        worlds.append(PhysicsWorld(replace(scenario, starts=(start,)), bodies="wheels"))
        return worlds[-1]

    yield wheeled
    for world in worlds:
        world.close()


@pytest.mark.parametrize("model", TYPES)
def test_a_robot_stands_still_until_it_is_told_to_drive(make: Make, model: str) -> None:
    world = make(model, Pose2D(0.0, 0.0, 0.5))
    for _ in range(20):
        world.step([STANDSTILL])
    pose = world.pose(0)
    assert (pose.x, pose.y, pose.yaw) == pytest.approx((0.0, 0.0, 0.5), abs=0.003)
    assert world.collisions == 0


@pytest.mark.parametrize("model", TYPES)
def test_a_robot_drives_straight_at_its_pace_and_brakes(make: Make, model: str) -> None:
    world, robot = make(model, Pose2D(-3.0, 0.0, 0.0)), load_robot_type(model)
    for _ in range(60):
        world.step([Velocity(0.4, 0.0)])
    pose = world.pose(0)
    assert world.observe(0).odometry.v == pytest.approx(0.4, abs=0.01)
    assert (pose.y, pose.yaw) == pytest.approx((0.0, 0.0), abs=0.02)
    assert pose.x + 3.0 == pytest.approx(0.4 * (6.0 - 0.2 / robot.max_acceleration - robot.lag), abs=0.03)
    for _ in range(20):
        world.step([STANDSTILL])
    assert world.pose(0).x - pose.x == pytest.approx(robot.braking_distance(0.4), abs=0.02)


@pytest.mark.parametrize("model", ["tinybot", "turtlebot4"])
def test_a_turning_robot_drives_a_circle(make: Make, model: str) -> None:
    world = make(model, Pose2D(0.0, -0.5, 0.0))
    for _ in range(10):
        world.step([Velocity(0.3, 0.6)])
    points = []
    for _ in range(105):
        world.step([Velocity(0.3, 0.6)])
        points.append((world.pose(0).x, world.pose(0).y))
    assert np.ptp(points, axis=0) == pytest.approx([1.0, 1.0], abs=0.05)


def test_a_skid_steered_robot_turns_about_as_fast_as_it_is_told(make: Make) -> None:
    world = make("husky", Pose2D(0.0, 0.0, 0.0))
    turned, last = 0.0, 0.0
    for _ in range(120):
        world.step([Velocity(0.0, 0.6)])
        yaw = world.pose(0).yaw
        turned, last = turned + math.remainder(yaw - last, 2.0 * math.pi), yaw
    assert turned == pytest.approx(0.6 * 12.0, rel=0.15)
    assert math.hypot(world.pose(0).x, world.pose(0).y) < 0.3


@pytest.mark.parametrize("model", TYPES)
def test_a_robot_stops_at_a_wall_and_stays_on_its_wheels(make: Make, model: str) -> None:
    world, radius = make(model, Pose2D(2.5, 0.0, 0.3)), load_robot_type(model).radius
    contacts: list[Contact] = []
    for _ in range(100):
        world.step([Velocity(0.4, 0.0)])
        contacts += world.new_contacts
        assert world.pose(0).x < 4.0 - radius + 0.02
    assert contacts[0] == Contact("robot_0", "border_east")
    assert abs(world.observe(0).odometry.v) < 0.2
    for _ in range(40):
        world.step([Velocity(-0.4, 0.0)])
    assert world.pose(0).x < 4.0 - radius - 0.3
