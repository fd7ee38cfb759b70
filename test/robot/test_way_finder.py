"""Which route a robot is to be on: to its goal, on a way that it was asked to take, or back from there."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from drawn_rooms import room

from ewm_ros.geometry import Polyline, Pose2D
from ewm_ros.robot.way_finder import ASTRAY, OFFER_REACH, PASSING, SET_BACK, WAY_ENDS, Goal, Offer, WayFinder

RADIUS = 0.3
HERE = (2.0, 3.0)
GOAL = Goal("far", 8.0, 3.0)
ROOM = room(10, 6, (4.9, 0, 5.1, 1.0))
ASIDE = Offer(7, Polyline([HERE, (2.0, 4.0)]))
ROUND = Offer(8, Polyline([HERE, (5.0, 4.5), (GOAL.x, GOAL.y)]))


class Robot:
    """Someone who does what its way finder says, and stands whenever that matters."""

    def __init__(self, goal: Goal | None = GOAL) -> None:
        self.ways = WayFinder(RADIUS)
        self.ways.set_map(ROOM)
        self.pose = Pose2D(*HERE, 0.0)
        self.path: Polyline | None = None
        self.goal = goal
        self.progress = 0.0

    def mind(self, offer: Offer | None = None) -> bool:
        """One cycle as IntegratedAgent has it; whether the robot has changed its route."""
        if self.path is not None:
            self.ways.at_end(self.path, self.progress)
        if offer is not None:
            self.ways.consider(offer, self.pose)
        if not self.ways.needs_route(self.pose, self.goal, self.path, self.progress):
            return False
        self.path, self.progress = self.ways.route(self.pose), 0.0
        return True

    def drive(self, metres: float) -> None:
        assert self.path is not None
        self.progress = min(self.progress + metres, self.path.length)
        self.pose = Pose2D(*self.path.point_at(self.progress), 0.0)

    @property
    def end(self) -> tuple[float, float]:
        assert self.path is not None
        return self.path.point_at(self.path.length)


@pytest.fixture
def robot() -> Robot:
    """On the way to its goal."""
    there = Robot()
    assert there.mind()
    return there


def test_a_goal_makes_one_route_and_that_is_enough(robot: Robot) -> None:
    assert robot.end == pytest.approx((GOAL.x, GOAL.y))
    assert not robot.mind()
    robot.drive(1.0)
    assert not robot.mind()


def test_a_way_that_is_asked_for_is_taken_and_then_a_new_one_to_the_goal(robot: Robot) -> None:
    assert robot.mind(ASIDE)
    assert robot.end == pytest.approx((2.0, 4.0))
    assert not robot.mind(ASIDE)  # it is told again and again
    robot.drive(0.5)
    assert not robot.mind()
    robot.drive(0.5 - 0.5 * WAY_ENDS)
    assert robot.mind()
    assert robot.path is not None
    assert robot.path.point_at(0.0) == pytest.approx((robot.pose.x, robot.pose.y), abs=1e-6)
    assert robot.end == pytest.approx((GOAL.x, GOAL.y))
    assert not robot.mind()


def test_a_way_to_the_goal_is_the_last_one(robot: Robot) -> None:
    assert robot.mind(ROUND)
    assert robot.path is not None
    assert robot.path.project(5.0, 4.5)[1] < 1e-6
    robot.drive(99.0)
    assert not robot.mind()


def test_the_same_place_may_be_asked_for_again_under_a_new_number(robot: Robot) -> None:
    robot.mind(ASIDE)
    robot.drive(99.0)
    robot.mind()
    robot.drive(1.0)
    x, y = robot.pose.x, robot.pose.y
    assert robot.mind(Offer(9, Polyline([(x, y), (2.0, 4.0)])))


@pytest.mark.parametrize(
    "path",
    [
        Polyline([(HERE[0] + OFFER_REACH + 0.01, HERE[1]), (2.0, 4.0)]),
        Polyline([HERE, (2.0, 5.9)]),
        Polyline([HERE, (2.0, 0.6), (8.0, 0.6)]),
        Polyline([HERE, (2.0, 9.0)]),
    ],
    ids=["begins elsewhere", "ends at a wall", "through a wall", "off the map"],
)
def test_a_way_that_begins_elsewhere_or_that_it_cannot_drive_is_not_taken(robot: Robot, path: Polyline) -> None:
    before = robot.path
    assert not robot.mind(Offer(7, path))
    assert robot.path is before


def test_without_a_map_of_its_own_no_way_is_taken() -> None:
    robot = Robot()
    robot.ways = WayFinder(RADIUS)
    robot.mind()
    assert not robot.mind(ASIDE)
    assert robot.path is not None
    assert robot.path.length == 0.0


def test_a_way_that_begins_a_little_beside_it_is_joined_from_where_it_is(robot: Robot) -> None:
    robot.pose = replace(robot.pose, x=HERE[0] + 0.1)
    assert robot.mind(ASIDE)
    assert robot.path is not None
    assert robot.path.point_at(0.0) == pytest.approx((2.1, 3.0), abs=1e-6)
    assert robot.end == pytest.approx((2.0, 4.0))


def test_a_new_goal_takes_the_place_of_what_was_asked(robot: Robot) -> None:
    robot.mind(ASIDE)
    robot.drive(0.5)
    robot.goal = Goal("near", 3.0, 2.0)
    assert robot.mind()
    assert robot.end == pytest.approx((3.0, 2.0))
    assert not robot.mind()


def test_a_robot_without_a_goal_goes_aside_and_returns_to_where_it_stood() -> None:
    robot = Robot(None)
    robot.mind()
    assert robot.path is not None
    assert robot.path.length == 0.0
    assert robot.mind(ASIDE)
    robot.drive(99.0)
    assert robot.mind()
    assert robot.end == pytest.approx(HERE)
    robot.drive(99.0)
    assert not robot.mind()
    assert robot.ways.goal is None


def test_and_returns_there_too_after_it_was_asked_aside_twice() -> None:
    robot = Robot(None)
    robot.mind()
    robot.mind(ASIDE)
    robot.drive(99.0)
    further = Offer(9, Polyline([(2.0, 4.0), (3.0, 4.5)]))
    assert robot.mind(further)
    assert robot.end == pytest.approx((3.0, 4.5))
    robot.drive(99.0)
    assert robot.mind()
    assert robot.end == pytest.approx(HERE)


def test_a_robot_that_was_asked_aside_and_then_given_a_goal_does_not_return_home_later() -> None:
    robot = Robot(None)
    robot.mind()
    robot.mind(ASIDE)
    robot.goal = GOAL
    assert robot.mind()
    robot.drive(99.0)
    robot.goal = None
    assert robot.mind()
    assert robot.end == pytest.approx((GOAL.x, GOAL.y))


def test_who_is_carried_away_from_a_way_it_was_asked_to_take_plans_to_its_goal(robot: Robot) -> None:
    robot.mind(ROUND)
    robot.drive(1.0)
    robot.pose = replace(robot.pose, y=robot.pose.y - ASTRAY - 0.2)
    assert robot.mind()
    assert robot.path is not None
    assert robot.path.project(5.0, 4.5)[1] > 0.5
    assert robot.end == pytest.approx((GOAL.x, GOAL.y))


def test_who_is_found_further_back_than_it_told_plans_anew(robot: Robot) -> None:
    robot.drive(2.0)
    robot.pose = replace(robot.pose, x=robot.pose.x - SET_BACK / 2)
    assert not robot.mind()
    robot.pose = replace(robot.pose, x=robot.pose.x - SET_BACK)
    assert robot.mind()


def test_where_there_is_no_way_it_says_why_and_asks_again_from_elsewhere(robot: Robot) -> None:
    robot.goal = Goal("wall", 5.0, 0.5)
    assert robot.mind()
    assert robot.path is not None
    assert robot.path.length == 0.0 and "inside a wall" in robot.ways.no_way
    assert not robot.mind()
    robot.pose = replace(robot.pose, y=robot.pose.y + ASTRAY + 0.1)
    assert robot.mind()
    robot.goal = GOAL
    assert robot.mind()
    assert robot.ways.no_way == "" and robot.end == pytest.approx((GOAL.x, GOAL.y))


def test_who_has_no_way_to_its_goal_still_makes_way_for_others() -> None:
    robot = Robot(Goal("wall", 5.0, 0.5))
    robot.mind()
    assert robot.mind(ASIDE)
    robot.drive(99.0)
    assert math.dist((robot.pose.x, robot.pose.y), (2.0, 4.0)) < 1e-6
    robot.mind()
    assert robot.ways.goal is not None


PILLAR = np.array([(5.0, 3.0, 0.25)])
KEPT = 0.25 + RADIUS + PASSING - 0.05  # m from the pillar's middle, but for the size of a cell of the map
SEALED = np.array([(5.0, y, 0.3) for y in np.arange(1.0, 6.0, 0.6)])


def blocked(robot: Robot) -> Robot:
    """It stands before the pillar and has taken a way round it."""
    robot.drive(1.5)
    robot.ways.go_round(PILLAR, robot.pose)
    assert robot.mind()
    return robot


def nearest_to_pillar(path: Polyline | None) -> float:
    assert path is not None
    return path.project(*PILLAR[0, :2])[1]


def test_a_way_round_what_is_in_the_way_leads_to_the_goal_and_keeps_clear_of_it(robot: Robot) -> None:
    assert nearest_to_pillar(robot.path) < KEPT
    blocked(robot)
    assert robot.path is not None
    assert robot.path.point_at(0.0) == pytest.approx((3.5, 3.0), abs=1e-6)
    assert nearest_to_pillar(robot.path) >= KEPT
    assert robot.end == pytest.approx((GOAL.x, GOAL.y))
    assert not robot.mind()
    robot.drive(99.0)
    assert not robot.mind()


def test_where_there_is_no_way_round_it_keeps_to_its_route_and_waits(robot: Robot) -> None:
    robot.drive(1.5)
    before = robot.path
    robot.ways.go_round(SEALED, robot.pose)
    assert not robot.mind()
    assert robot.path is before
    assert robot.ways.no_way == ""
    robot.ways.go_round(PILLAR, robot.pose)  # and looks again
    assert robot.mind()


def test_while_it_goes_round_it_does_not_take_the_coordinator_s_other_way_to_the_goal(robot: Robot) -> None:
    blocked(robot)
    other = Offer(9, Polyline([(robot.pose.x, robot.pose.y), (GOAL.x, GOAL.y)]))
    before = robot.path
    assert not robot.mind(other)
    robot.drive(0.5)
    assert not robot.mind(replace(ROUND, path=Polyline([(robot.pose.x, robot.pose.y), (GOAL.x, GOAL.y)])))
    assert robot.path is before


def test_while_it_goes_round_it_still_makes_way_for_others(robot: Robot) -> None:
    blocked(robot)
    assert robot.mind(Offer(9, Polyline([(robot.pose.x, robot.pose.y), (3.0, 4.0)])))
    assert robot.end == pytest.approx((3.0, 4.0))
    before = robot.path
    robot.ways.go_round(PILLAR, robot.pose)  # not before it has let them by
    assert not robot.mind()
    assert robot.path is before
    robot.drive(99.0)
    assert robot.mind()
    assert robot.end == pytest.approx((GOAL.x, GOAL.y))


def test_what_is_further_on_is_gone_round_too(robot: Robot) -> None:
    blocked(robot)
    first = robot.path
    robot.drive(1.0)
    y = robot.path.point_at(robot.progress + 1.0)[1] if robot.path else 0.0
    robot.ways.go_round(np.vstack([PILLAR, (robot.pose.x + 1.3, y, 0.2)]), robot.pose)
    assert robot.mind()
    assert robot.path is not first
    assert nearest_to_pillar(robot.path) >= KEPT
    assert robot.end == pytest.approx((GOAL.x, GOAL.y))


def test_after_a_new_goal_ways_to_it_are_taken_again(robot: Robot) -> None:
    blocked(robot)
    robot.goal = Goal("near", 3.0, 2.0)
    assert robot.mind()
    assert robot.end == pytest.approx((3.0, 2.0))
    here = (robot.pose.x, robot.pose.y)
    assert robot.mind(Offer(9, Polyline([here, (4.0, 2.2), (3.0, 2.0)])))


def test_a_robot_without_a_goal_has_nothing_to_go_round() -> None:
    robot = Robot(None)
    robot.mind()
    robot.ways.go_round(PILLAR, robot.pose)
    assert not robot.mind()
