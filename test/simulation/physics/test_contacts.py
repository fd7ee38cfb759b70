"""Collisions and near misses count when they begin, and once."""

from __future__ import annotations

import numpy as np

from ewm_ros.simulation.physics.contacts import Contact, Episodes, Gaps
from ewm_ros.simulation.worlds.shapes import Bounds, Box, Disc

NOBODY = np.zeros((0, 3))
A, B = Contact("robot_0", "robot_1"), Contact("robot_0", "wall_0")


def test_an_episode_is_reported_when_it_begins_and_again_only_after_it_ended() -> None:
    episodes = Episodes()
    assert episodes.update({A}, {A}) == (A,)
    assert episodes.update({A, B}, {A, B}) == (B,)
    assert episodes.update(set(), {A, B}) == ()  # in the hysteresis
    assert episodes.update({A, B}, {A, B}) == ()
    assert episodes.update({B}, {B}) == ()  # A has ended
    assert episodes.update({A, B}, {A, B}) == (A,)


def test_what_lasts_from_the_beginning_is_not_reported() -> None:
    assert Episodes({A}).update({A}, {A}) == ()


class Site:
    bounds = Bounds((-5.0, 5.0), (-5.0, 5.0))
    boxes = (Box("wall_0", 0.0, 1.0, 4.0, 0.2, 0.0, 1.0),)
    discs = (Disc("pillar_0", 3.0, 0.0, 0.5, 1.0),)


def test_gaps_are_between_bodies_not_between_their_middles() -> None:
    gaps = Gaps(Site(), ("robot_0", "robot_1", "robot_2"), np.array([0.3, 0.4, 0.3]))
    positions = np.array([[0.0, 0.55], [0.74, 0.3], [2.15, 0.0]])
    near, wider = gaps.within(positions, NOBODY, 0.1, 0.3)
    # robot_0 is 0.05 m from the wall and robot_2 from the pillar; robot_1 is 0.08 m from robot_0, 0.2 m from the wall.
    assert near == {Contact("robot_0", "wall_0"), Contact("robot_0", "robot_1"), Contact("robot_2", "pillar_0")}
    assert wider - near == {Contact("robot_1", "wall_0")}


def test_a_robot_alone_has_gaps_to_walls_only() -> None:
    gaps = Gaps(Site(), ("robot_4",), np.array([0.3]))
    assert gaps.within(np.array([[0.0, 0.55]]), NOBODY, 0.1) == (frozenset({Contact("robot_4", "wall_0")}),)


def test_gaps_to_people_count_as_well() -> None:
    gaps = Gaps(Site(), ("robot_0", "robot_1"), np.array([0.3, 0.3]), ("person_0", "person_1"))
    positions = np.array([[0.0, -2.0], [-3.0, -2.0]])
    people = np.array([[0.0, -2.63, 0.25], [-3.0, -3.0, 0.25]])
    assert gaps.within(positions, people, 0.1) == (frozenset({Contact("robot_0", "person_0")}),)
    assert gaps.within(positions, people[::-1], 0.1) == (frozenset({Contact("robot_0", "person_1")}),)
