"""Roundabouts: drivable ways round one place that leave it on their left, offered where they save waiting."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from drawn_rooms import room
from hypothesis import assume, given
from hypothesis import strategies as st
from scene import Scene
from wire_values import Points

from ewm_ros.coordination.offers import Offers
from ewm_ros.coordination.planners import Planners
from ewm_ros.coordination.roundabout import (
    ARC_STEP,
    REACH,
    SAVING,
    Roundabouts,
    busiest_place,
    ring_radius,
    ring_way,
)
from ewm_ros.coordination.traffic_plan import TrafficPlan
from ewm_ros.geometry import Polyline
from ewm_ros.occupancy_grid import OccupancyGrid

HALL = room(14, 14)
# Two corridors 1.6 m wide that cross in the middle.
CORRIDORS = room(14, 14, (0, 0, 6.2, 6.2), (7.8, 0, 14, 6.2), (0, 7.8, 6.2, 14), (7.8, 7.8, 14, 14))
FROM_FOUR_SIDES: list[Points] = [[(1, 7), (13, 7)], [(13, 7.1), (1, 7.1)], [(7, 1), (7, 13)], [(7.1, 13), (7.1, 1)]]
place = st.tuples(st.floats(-8.0, 8.0), st.floats(-8.0, 8.0))


@given(place, place, place, st.floats(0.3, 4.0))
def test_a_ring_way_leaves_the_disc_on_its_left_and_is_as_short_as_that_can_be(
    start: tuple[float, float], goal: tuple[float, float], middle: tuple[float, float], radius: float
) -> None:
    assume(math.dist(start, goal) > 1e-6)
    way = ring_way(start, goal, np.array(middle), radius)
    if way is None:
        assert min(math.dist(start, middle), math.dist(goal, middle)) <= radius
        return
    straight = math.dist(start, goal)
    assert way.point_at(0.0) == start and way.point_at(way.length) == pytest.approx(goal)
    off = way.project(*middle)[1]
    assert off >= radius * math.cos(ARC_STEP / 2.0) - 1e-9  # its points lie on the circle, the lines between inside
    if len(way.points) == 2 and off >= radius:
        assert way.length == pytest.approx(straight)
        return
    on_the_left = Polyline([start, goal]).place(*middle)[1] > 0.0
    assert way.place(*middle)[1] > 0.0
    # In place of a chord it drives the arc over it: the short one if the middle is on the left anyway.
    assert straight <= way.length <= straight + radius * ((math.pi - 2.0) if on_the_left else 2.0 * math.pi) + 1e-6
    turned = np.unwrap(np.arctan2(way.points[:, 1] - middle[1], way.points[:, 0] - middle[0]))
    assert (np.diff(turned) > -1e-9).all()


def test_so_many_robots_on_the_circle_have_the_asked_distance_from_each_other() -> None:
    for robots in (2, 3, 8):
        angle = 2.0 * math.pi / robots
        there = ring_radius(robots, 1.2) * np.array([[1.0, 0.0], [math.cos(angle), math.sin(angle)]])
        assert math.dist(*there.tolist()) == pytest.approx(1.2)


def test_the_busiest_place_is_that_which_most_routes_pass() -> None:
    paths = [Polyline([(0, y), (10, 0)]) for y in (0.0, 1.5, 9.0)]
    places = np.array([(0.0, 0.5), (9.5, 0.0), (0.0, 9.0)])
    assert busiest_place(paths, places, REACH) == (1, [0, 1, 2])
    assert busiest_place(paths, places[[0, 2]], REACH) == (0, [0, 1])


class Crowd:
    """Robots that stand at the beginnings of their ways, and who offers them others."""

    def __init__(self, ways: Sequence[Points], grid: OccupancyGrid | None) -> None:
        self.scene = Scene(ways)
        self.plan = TrafficPlan(self.scene.book)
        self.planners = Planners()
        if grid is not None:
            self.planners.set_map(grid)
        self.roundabouts = Roundabouts(self.scene.book, self.plan, self.planners, Offers(7))

    def offered(self) -> dict[str, Polyline]:
        return dict(self.roundabouts.ways(self.scene.occupants, self.scene.now))


def test_four_robots_that_cross_in_the_open_are_offered_a_roundabout_that_saves_waiting() -> None:
    crowd = Crowd(FROM_FOUR_SIDES, HALL)
    ways, occupants = crowd.offered(), crowd.scene.occupants
    assert set(ways) == set(occupants)
    for name, way in ways.items():
        path = crowd.scene.book[name].path
        assert way.point_at(0.0) == path.point_at(0.0) and way.point_at(way.length) == path.point_at(path.length)
        assert crowd.planners.of(0.3).drivable(way)
        assert way.place(7.0, 7.0)[1] > 0.5
    assert crowd.plan.cost_of(ways, occupants, 0.0) < crowd.plan.cost_of({}, occupants, 0.0) - SAVING


def test_between_walls_there_is_no_room_for_one() -> None:
    assert Crowd(FROM_FOUR_SIDES, CORRIDORS).offered() == {}


def test_without_a_map_there_are_none() -> None:
    assert Crowd(FROM_FOUR_SIDES, None).offered() == {}


@pytest.mark.parametrize(
    "ways",
    [
        [[(1, 7), (13, 7)], [(7, 1), (7, 13)]],
        [[(1, 7), (13, 7)], [(13, 9), (1, 9)]],
        [[(3, 7), (13, 7)], [(1, 7), (11, 7)]],
    ],
    ids=["two that cross once", "two that do not meet", "one after the other"],
)
def test_nor_where_waiting_is_short(ways: list[Points]) -> None:
    assert Crowd(ways, HALL).offered() == {}


def test_nose_to_nose_in_the_open_they_pass_each_other_on_the_right() -> None:
    ways = Crowd([[(5, 7), (13, 7)], [(9, 7), (1, 7)]], HALL).offered()
    assert set(ways) == {"r0", "r1"}
    middle = [way.point_at(way.project(7.0, 7.0)[0]) for way in (ways["r0"], ways["r1"])]
    assert middle[0][1] < 7.0 < middle[1][1]


def test_nobody_is_asked_twice_on_one_route() -> None:
    crowd = Crowd(FROM_FOUR_SIDES, HALL)
    assert crowd.offered()
    assert crowd.offered() == {}
    crowd.scene.reroute("r0", FROM_FOUR_SIDES[0])
    assert crowd.offered()


@pytest.mark.parametrize("change", [{"high": 1.0}, {"movable": False}, {"disabled": True}, {"low": 6.0, "high": 6.0}])
def test_who_drives_already_or_cannot_drive_is_not_asked(change: dict[str, float]) -> None:
    crowd = Crowd(FROM_FOUR_SIDES, HALL)
    for name in ("r0", "r1", "r2"):
        for field, value in change.items():
            setattr(crowd.scene.occupants[name], field, value)
    assert crowd.offered() == {}
