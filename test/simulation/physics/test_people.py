"""People walk their way, never into anybody who stands, and never for ever stand themselves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ewm_ros.geometry import FloatArray
from ewm_ros.robot_type import load_robot_type
from ewm_ros.sensing import STANDSTILL, Velocity
from ewm_ros.simulation.physics.contacts import Contact
from ewm_ros.simulation.physics.people import People
from ewm_ros.simulation.physics.physics_world import PhysicsWorld
from ewm_ros.simulation.worlds.scenario import Scenario, Walker, make_scenario
from ewm_ros.simulation.worlds.world_file import parse_world

NOBODY = np.zeros((0, 3))
CORNER = Walker("person_0", ((0.0, 0.0), (2.0, 0.0), (2.0, 2.0)), speed=0.8, radius=0.25, begin=0.5)


def walk(people: People, seconds: float, robots: FloatArray = NOBODY) -> FloatArray:
    """(steps, P, 3): where everybody is after each step."""
    places = []
    for _ in range(round(10 * seconds)):
        people.decide(robots)
        for _ in range(6):
            people.walk(1.0 / 60.0)
        places.append(people.poses)
    return np.array(places)


def robots(*places: tuple[float, float]) -> FloatArray:
    return np.array([[x, y, 0.3] for x, y in places])


def test_somebody_walks_to_the_end_of_the_path_and_back_at_constant_speed() -> None:
    people = People([CORNER])
    assert people.poses[0] == pytest.approx([0.5, 0.0, 0.0])
    poses = walk(people, 10.0)[:, 0]
    assert poses[9] == pytest.approx([1.3, 0.0, 0.0])
    assert poses[24] == pytest.approx([2.0, 0.5, math.pi / 2])
    assert poses[49] == pytest.approx([2.0, 1.5, -math.pi / 2])  # 3.5 m to the end, 0.5 m back
    assert abs(poses[79, 2]) == pytest.approx(math.pi)
    s = 0.5 + 0.08 * np.arange(1, 101)
    along = np.where(s % 8.0 < 4.0, s % 8.0, 8.0 - s % 8.0)
    assert poses[:, 0] == pytest.approx(np.minimum(along, 2.0))
    assert poses[:, 1] == pytest.approx(np.maximum(along - 2.0, 0.0))


def test_somebody_stops_before_a_standing_robot_and_goes_on_when_it_has_gone() -> None:
    people = People([CORNER])
    waiting = walk(people, 3.0, robots((1.8, 0.0)))[-1, 0]
    gap = 1.8 - waiting[0] - 0.3 - 0.25
    assert 0.3 <= gap <= 0.41
    assert walk(people, 1.0)[-1, 0, 0] == pytest.approx(waiting[0] + 0.8)


def test_somebody_sees_round_the_corner_of_their_way() -> None:
    people = People([replace(CORNER, begin=1.6)])
    poses = walk(people, 2.0, robots((2.0, 0.8)))
    assert math.hypot(*(poses[-1, 0, :2] - [2.0, 0.8])) >= 0.55
    assert poses[-1, 0, 0] < 2.0 or poses[-1, 0, 1] < 0.25


@pytest.mark.parametrize("place", [(1.0, 0.64), (-0.14, 0.0)])
def test_robots_beside_the_way_or_behind_do_not_stop_anybody(place: tuple[float, float]) -> None:
    people = People([CORNER])
    assert walk(people, 1.0, robots(place))[-1, 0, 0] == pytest.approx(1.3)


def test_who_has_stood_for_5_s_turns_round() -> None:
    poses = walk(People([CORNER]), 20.0, robots((1.8, 0.0)))[:, 0]
    stood = np.flatnonzero(np.hypot(*np.diff(poses[:, :2], axis=0).T) < 1e-9)
    assert len(stood) >= 50
    assert (np.diff(stood[:49]) == 1).all()
    turned = poses[stood[0] + 51]
    assert abs(turned[2]) == pytest.approx(math.pi)
    assert poses[:, 0].min() < 0.1  # went back to the beginning of the path, and forward again


def test_who_is_blocked_on_both_sides_stands() -> None:
    poses = walk(People([CORNER]), 20.0, robots((1.3, 0.0), (-0.3, 0.0)))[:, 0]
    assert (poses[5:] == poses[5]).all()


def test_who_has_nowhere_to_go_stands() -> None:
    people = People([replace(CORNER, path=((0.0, 0.0), (1e-12, 0.0)), begin=0.0)])
    assert (walk(people, 7.0) == 0.0).all()


def test_two_people_head_on_do_not_meet_and_turn() -> None:
    path = ((0.0, 0.0), (6.0, 0.0))
    people = People([Walker("a", path, 0.8, 0.25, 0.0), Walker("b", path[::-1], 0.8, 0.25, 0.0)])
    poses = walk(people, 60.0)
    assert (np.abs(poses[:, 0, 0] - poses[:, 1, 0]) >= 0.5).all()
    for k in range(2):
        assert np.hypot(*np.diff(poses[:, k, :2], axis=0).T).sum() > 20.0


@given(
    corners=st.lists(st.tuples(st.floats(-2, 2), st.floats(-2, 2)), min_size=2, max_size=5),
    places=st.lists(st.tuples(st.floats(-3, 3), st.floats(-3, 3)), max_size=5),
    speed=st.floats(0.1, 3.0),
)
@settings(max_examples=60, deadline=None)
def test_who_stands_is_never_walked_into(
    corners: list[tuple[float, float]], places: list[tuple[float, float]], speed: float
) -> None:
    length = sum(math.dist(a, b) for a, b in pairwise(corners))
    standing = robots(*places) if places else NOBODY
    people = People([Walker("person_0", tuple(corners), speed, 0.25, min(0.1, length))])
    gaps = np.hypot(*(standing[:, :2] - people.poses[0, :2]).T) - 0.55
    if length < 0.05 or (gaps < 0.0).any():
        return
    for x, y, _ in walk(people, 15.0, standing)[:, 0]:
        assert (np.hypot(standing[:, 0] - x, standing[:, 1] - y) >= 0.55).all()


def street(starts: Sequence[Sequence[float]], path: Sequence[Sequence[float]], begin: float) -> Scenario:
    """Robots in a yard of 12 m x 6 m, and somebody who walks."""
    count = {"min": 1, "max": len(starts), "default": 1}
    goals = [[-4.0 + i, 2.5] for i in range(len(starts))]
    fleet = {"model": "tinybot", "count": count, "starts": list(starts), "goals": goals}
    person = {"path": [list(point) for point in path], "speed": 0.8, "radius": 0.25}
    content = {"name": "street", "bounds": {"x": [-6, 6], "y": [-3, 3]}, "people": [person], "robots": fleet}
    scenario = make_scenario(parse_world(content, "street.yaml"), len(starts), 0)
    return replace(scenario, people=(replace(scenario.people[0], begin=begin),))


def test_people_are_seen_by_lidars() -> None:
    scenario = replace(street([[-4, 0, 0]], [[0, 0], [0, 2]], 0.0), varied=False)
    with PhysicsWorld(scenario) as world:
        scan, pose = world.observe(0).scan, world.pose(0)
        assert scan is not None
        towards = round((math.atan2(-pose.y, -pose.x) - pose.yaw) / scan.angle_increment)
        assert scan.ranges[towards % 180] == pytest.approx(math.hypot(pose.x, pose.y) - 0.25, abs=0.02)
        assert world.people == pytest.approx(np.array([[0.0, 0.0, math.pi / 2]]))
        for _ in range(20):
            world.step([STANDSTILL])
        assert world.people[0, :2] == pytest.approx([0.0, 1.6])


def test_a_robot_that_drives_into_somebody_collides_with_them() -> None:
    scenario = street([[-2, 0, 0]], [[0, 0], [4, 0]], 0.0)
    contacts: list[Contact] = []
    with PhysicsWorld(scenario) as world:
        for _ in range(200):
            world.step([Velocity(0.5, 0.0)])
            contacts += world.new_contacts
        assert world.collisions >= 1
    assert contacts[0] == Contact("robot_0", "person_0")


def test_in_the_world_nobody_walks_into_a_standing_robot_nor_stops_for_good() -> None:
    scenario = street([[0, 0, 0]], [[-4, 0], [4, 0.2]], 0.0)
    with PhysicsWorld(scenario) as world:
        walked, last = 0.0, world.people
        for _ in range(400):
            world.step([STANDSTILL])
            walked += math.hypot(*(world.people - last)[0, :2])
            last = world.people
        assert world.collisions == world.near_miss_count == 0
        assert walked > 15.0


def test_a_near_miss_of_a_person_counts() -> None:
    scenario = street([[0, 0, 0]], [[-3, 0.64], [3, 0.64]], 0.0)
    scenario = replace(scenario, starts=(replace(scenario.starts[0], x=0.0, y=0.0),))
    near: list[Contact] = []
    with PhysicsWorld(scenario) as world:
        for _ in range(60):
            world.step([STANDSTILL])
            near += world.near_misses
        assert world.collisions == 0
    assert near == [Contact("robot_0", "person_0")]


def test_a_robot_wider_than_others_is_given_its_room() -> None:
    wide = load_robot_type("husky").radius
    people = People([CORNER])
    x = walk(people, 3.0, np.array([[1.9, 0.0, wide]]))[-1, 0, 0]
    assert 0.3 <= 1.9 - x - wide - 0.25 <= 0.41
