"""Ways out of deadlocks: round those that stand, or those in the way aside, and nobody the worse for it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest
from drawn_rooms import cluttered_room, room
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from scene import Scene
from wire_values import Points

from ewm_ros.coordination.banker import Banker
from ewm_ros.coordination.planners import Planners
from ewm_ros.coordination.untangling import Option, Untangler
from ewm_ros.errors import InputError
from ewm_ros.occupancy_grid import OccupancyGrid

HALL = room(14, 8)
CORRIDOR = room(14, 4, (3, 0, 11, 1.5), (3, 2.5, 11, 4))
WITH_BAY = room(14, 4, (3, 0, 11, 1.5), (3, 2.5, 6, 4), (8, 2.5, 11, 4))
DEAD_END = room(14, 4, (3, 0, 14, 1.5), (3, 2.5, 14, 4))
EAST: Points = [(1, 2), (13, 2)]
RADIUS = 0.3


class Jam:
    """Robots that stand at places on their ways; one way of one point is a robot that has arrived or has no goal."""

    def __init__(self, grid: OccupancyGrid | None, ways: Sequence[Points], at: Sequence[float] = ()) -> None:
        self.scene = Scene(ways)
        for k, low in enumerate(at):
            self.scene.place(f"r{k}", low)
        self.occupants = self.scene.occupants
        self.planners = Planners()
        if grid is not None:
            self.planners.set_map(grid)
        self.untangler = Untangler(self.scene.book, self.planners)

    def options(self, robot: str = "r0", aimless: Sequence[str] = ()) -> list[Option]:
        attempts = self.untangler.search(robot, self.occupants, aimless)
        found = sorted((option for options in attempts for option in options or ()), key=lambda option: option.cost)
        for option in found:
            self.check(option)
        return found

    def check(self, option: Option) -> None:
        """Nobody who could come to the end of its way cannot any more, and those who are asked can, and the one."""
        before = Banker(self.scene.book).finishable(self.occupants)
        after = dict(self.occupants)
        for name, way in option.ways.items():
            aside = name != option.passes
            after[name] = replace(self.occupants[name], low=0.0, high=0.0, length=way.length, yields=aside)
        if option.yields:
            after[option.passes] = replace(after[option.passes], yields=True)
        can = Banker(self.scene.book.with_ways(option.ways)).finishable(after)
        assert can >= before | {option.passes, *option.ways}
        for name, way in option.ways.items():
            here = self.scene.book[name].path.point_at(self.occupants[name].low)
            assert way.point_at(0.0) == pytest.approx(here)
            assert self.planners.of(RADIUS).drivable(way)


def test_a_robot_in_the_open_is_driven_round() -> None:
    jam = Jam(HALL, [[(1, 4), (13, 4)], [(7, 4)]])
    cheapest = jam.options()[0]
    assert list(cheapest.ways) == ["r0"]
    way = cheapest.ways["r0"]
    assert way.point_at(way.length) == pytest.approx((13, 4))
    assert way.project(7, 4)[1] > 2 * RADIUS
    assert 0.0 < cheapest.cost < 1.0
    assert cheapest.cost == pytest.approx(way.length - 12.0)


def test_in_a_corridor_the_one_with_a_bay_behind_it_backs_into_it_and_the_other_one_passes() -> None:
    jam = Jam(WITH_BAY, [EAST, EAST[::-1]], [4.2, 6.0])  # at x = 5.2 and 7.0: the bay is beside r1
    (option,) = jam.options()
    assert (option.passes, list(option.ways)) == ("r0", ["r1"])
    x, y = option.ways["r1"].point_at(99.0)
    assert 6.0 < x < 8.0 and y > 2.7
    assert option.ways["r1"].length < 2.0
    # For r1 to pass, r0 has to go further: r1 stands before the bay, so back out of the corridor.
    (other,) = jam.options("r1")
    assert other.cost > option.cost
    assert list(other.ways) == ["r0"] and other.ways["r0"].point_at(99.0)[0] < 3.0


def test_without_a_bay_all_on_one_side_back_out_the_last_one_first() -> None:
    jam = Jam(CORRIDOR, [EAST, EAST, EAST[::-1]], [5.0, 4.0, 6.0])
    (option,) = jam.options("r2")
    assert set(option.ways) == {"r0", "r1"}
    ends = [option.ways[name].point_at(99.0) for name in ("r0", "r1")]
    assert all(x < 3.0 for x, _ in ends)
    assert math.dist(*ends) > 2 * RADIUS


def test_a_robot_of_higher_role_is_asked_aside_only_for_more() -> None:
    plain = Jam(CORRIDOR, [EAST, EAST[::-1]], [5.0, 6.0]).options()[0].cost
    jam = Jam(CORRIDOR, [EAST, EAST[::-1]], [5.0, 6.0])
    jam.occupants["r1"].priority = 1
    assert jam.options()[0].cost > plain + 3.0


def test_who_stands_at_its_goal_in_the_way_goes_aside_far_enough_to_come_back() -> None:
    jam = Jam(WITH_BAY, [EAST, [(9.0, 2), (7.0, 2)]], [4.8, 2.0])
    (option,) = jam.options()
    assert list(option.ways) == ["r1"]


def test_two_goals_that_do_not_fit_both_robots_cannot_be_helped_unless_one_of_them_has_no_goal() -> None:
    jam = Jam(HALL, [[(1, 4), (7, 4)], [(7.3, 4)]])
    assert jam.options() == []
    assert jam.untangler.reports["r0"].startswith("r0 cannot pass r1")
    (option,) = jam.options(aimless=["r1"])
    assert list(option.ways) == ["r1"]
    assert jam.untangler.reports == {}


def test_where_nobody_can_go_anywhere_people_are_told_which_robots_to_move() -> None:
    jam = Jam(DEAD_END, [[(1, 2), (13, 2)], [(6.0, 2)], [(9.0, 2)]], [2.0])
    assert jam.options() == []
    line = "r0 cannot pass r1 and r2, and there is no way round: move one of them by hand"
    assert jam.untangler.reports == {"r0": line}


def test_a_robot_that_does_not_move_by_itself_is_driven_round_and_not_asked_aside() -> None:
    jam = Jam(HALL, [[(1, 4), (13, 4)], [(7, 4), (13, 5)]])
    jam.occupants["r1"].disabled = True
    assert [list(option.ways) for option in jam.options()] == [["r0"]]
    jam = Jam(WITH_BAY, [EAST, EAST[::-1]], [4.2, 6.0])
    jam.occupants["r1"].disabled = True
    assert jam.options() == []
    assert "r1" in jam.untangler.reports["r0"]


@pytest.mark.parametrize("change", [{"high": 7.0}, {"movable": False}])
def test_as_long_as_the_one_in_the_way_still_moves_nobody_is_asked_and_nothing_reported(
    change: dict[str, float],
) -> None:
    jam = Jam(WITH_BAY, [EAST, EAST[::-1]], [4.2, 6.0])
    for field, value in change.items():
        setattr(jam.occupants["r1"], field, value)
    assert jam.options() == []
    assert jam.untangler.reports == {}


def test_who_is_free_but_whose_goal_is_in_others_way_may_go_there_and_will_be_asked_aside() -> None:
    """Neither can come to its goal before the other has passed it: each goal lies on the other's way."""
    jam = Jam(WITH_BAY, [[(1, 2), (9, 2)], [(13, 2), (5, 2)]])
    assert Banker(jam.scene.book).finishable(jam.occupants) == set()
    (option,) = jam.options()
    assert (option.passes, option.yields, option.ways, option.cost) == ("r0", True, {}, 0.0)


def test_without_a_map_nobody_is_asked_anything() -> None:
    assert Jam(None, [EAST, EAST[::-1]], [4.2, 6.0]).options() == []


@st.composite
def jams(draw: st.DrawFn) -> Jam:
    """Two to four robots that stand about in a cluttered room, each on its own way to somewhere else."""
    grid = cluttered_room(draw(st.integers(0, 200)), 8.0, 6.0)
    planners = Planners()
    planners.set_map(grid)
    spot = st.tuples(st.floats(0.5, 7.5), st.floats(0.5, 5.5))
    ways: list[Points] = []
    for _ in range(draw(st.integers(2, 4))):
        try:
            ways.append(planners.of(RADIUS).plan(draw(spot), draw(spot)).points.tolist())
        except InputError:
            continue
    assume(len(ways) > 1)
    jam = Jam(grid, ways, [draw(st.floats(0.0, 1.0)) for _ in ways])
    places = [jam.scene.book[o.robot].path.point_at(o.low) for o in jam.occupants.values()]
    assume(all(math.dist(a, b) > 2 * RADIUS + 0.1 for i, a in enumerate(places) for b in places[:i]))
    return jam


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(jams())
def test_in_any_jam_an_option_helps_its_robot_and_harms_nobody(jam: Jam) -> None:
    for robot in Banker(jam.scene.book).stuck(jam.occupants):
        options = jam.options(robot)
        assert [o.cost for o in options] == sorted(o.cost for o in options)
        assert not (options and robot in jam.untangler.reports)


def test_a_robot_that_stands_in_a_wall_by_the_map_is_not_asked_and_does_not_end_the_search_for_others() -> None:
    jam = Jam(CORRIDOR, [EAST, [(7.0, 1.45)]], [3.0])
    assert jam.options(aimless=["r1"]) == []
    assert "r1" in jam.untangler.reports["r0"]
