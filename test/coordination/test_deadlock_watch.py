"""The watch over deadlocks: who is stuck for a while gets a way out, the cheapest first, or people are told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import pytest
from drawn_rooms import room
from scene import Scene
from wire_values import Points

from ewm_ros.coordination.deadlock_watch import CANDIDATES, PATIENCE, RETRY, SEARCH_EVERY, DeadlockWatch
from ewm_ros.coordination.offers import Offers
from ewm_ros.coordination.planners import Planners
from ewm_ros.coordination.untangling import Option
from ewm_ros.occupancy_grid import OccupancyGrid

LOOKS = 20  # in a cycle, of a coordinator that is busy
CORRIDOR = room(14, 4, (3, 0, 11, 1.5), (3, 2.5, 11, 4))
WITH_BAY = room(14, 4, (3, 0, 11, 1.5), (3, 2.5, 6, 4), (8, 2.5, 11, 4))
EAST: Points = [(1, 2), (13, 2)]
WEST: Points = [(13, 2), (1, 2)]
CYCLE = 0.1  # s


class Watched:
    """Robots that stand, and a watch that looks at them as a coordinator does; no offer is taken up."""

    def __init__(self, ways: Sequence[Points], at: Sequence[float], grid: OccupancyGrid | None = WITH_BAY) -> None:
        self.scene = Scene(ways)
        for k, low in enumerate(at):
            self.scene.place(f"r{k}", low)
        planners = Planners()
        if grid is not None:
            planners.set_map(grid)
        self.offers = Offers(1)
        self.watch = DeadlockWatch(self.scene.book, planners, self.offers)
        self.cycles = 0

    @property
    def now(self) -> float:
        return self.cycles * CYCLE

    def look(self, seconds: float) -> None:
        """Up to an offer, for some time at most."""
        for _ in range(round(seconds / CYCLE)):
            if self.offers:
                return
            self.cycles += 1
            self.watch.look(self.scene.occupants, [], self.now)
            self.watch.search()


def test_nose_to_nose_the_cheaper_of_two_ways_out_is_offered_after_a_moment() -> None:
    watched = Watched([EAST, WEST], [4.2, 6.0])  # the bay is beside r1
    watched.look(PATIENCE - CYCLE)
    assert not watched.offers
    watched.look(2.0)
    assert list(watched.offers) == ["r1"]
    assert watched.watch.reports == ()


def test_who_is_not_stuck_is_left_alone() -> None:
    watched = Watched([EAST, [(1, 3), (1, 1)]], [0.0, 0.0])
    watched.look(10.0)
    assert not watched.offers


def test_whose_deadlock_dissolves_in_time_is_left_alone_and_has_to_be_stuck_anew() -> None:
    watched = Watched([EAST, WEST], [4.2, 6.0])
    watched.look(PATIENCE - 0.3)
    watched.scene.reroute("r1", [(7.0, 2.0), (7.0, 3.2)])  # into the bay by itself
    watched.look(0.5)
    watched.scene.reroute("r1", [(7.0, 2.0), (1.0, 2.0)])
    watched.look(PATIENCE - CYCLE)
    assert not watched.offers
    watched.look(2.0)
    assert watched.offers


@pytest.mark.parametrize("grid", [CORRIDOR, WITH_BAY], ids=["corridor", "bay"])
def test_while_one_of_those_concerned_cannot_be_asked_nothing_is_offered(grid: OccupancyGrid) -> None:
    watched = Watched([EAST, WEST], [4.2, 6.0], grid)
    for occupant in watched.scene.occupants.values():
        occupant.movable = False
    watched.look(3.0)
    assert not watched.offers


def test_what_only_people_can_help_is_told_until_it_is_over_and_looked_at_again() -> None:
    watched = Watched([EAST, WEST], [4.2, 6.0])
    watched.scene.occupants["r1"].disabled = True
    watched.look(3.0)
    assert watched.watch.reports == ("r0 cannot pass r1, and there is no way round: move one of them by hand",)
    watched.scene.occupants["r1"].disabled = False  # repaired
    watched.look(RETRY + 1.0)
    assert list(watched.offers) == ["r1"]
    watched.watch.rest()
    assert watched.watch.reports == ()


def test_a_robot_that_has_moved_since_its_way_was_found_is_not_asked_to_take_it() -> None:
    watched = Watched([EAST, WEST], [4.2, 6.0])
    while not watched.watch._options:
        watched.look(CYCLE)
    offered = watched.watch._options[0]
    (robot,) = offered.ways
    watched.scene.place(robot, watched.scene.occupants[robot].low + 0.3)
    watched.look(CYCLE)
    assert not watched.offers
    watched.look(5.0)
    assert watched.offers


def test_ways_are_sought_between_the_looks_and_no_oftener_for_a_coordinator_that_decides_all_the_time() -> None:
    watched = Watched([EAST, WEST], [4.2, 6.0], CORRIDOR)
    attempts = 0
    for k in range(round(3.0 / CYCLE) * LOOKS):
        watched.watch.look(watched.scene.occupants, [], k * CYCLE / LOOKS)
        attempts += watched.watch.due
        watched.watch.search()
        assert not watched.watch.due
    assert 4 <= attempts <= 3.0 / SEARCH_EVERY


def test_an_attempt_that_is_paused_goes_on_in_the_next_call_and_comes_to_the_same() -> None:
    """Two stand in the way of one, so that an attempt has several parts."""
    ways, at = [EAST, WEST, WEST], [4.2, 6.0, 5.0]
    whole, parts = Watched(ways, at), Watched(ways, at)
    pauses = 0
    for watched, pause in ((whole, False), (parts, True)):
        for k in range(round(5.0 / CYCLE)):
            watched.watch.look(watched.scene.occupants, [], k * CYCLE)
            watched.watch.search(partial(bool, pause))
            while watched.watch.paused:
                pauses += 1
                assert watched.watch.due
                watched.watch.search(partial(bool, pause))
            if watched.offers:
                break
    assert pauses > 0
    assert list(parts.offers) == list(whole.offers) != []
    for name in whole.offers:
        one, other = parts.offers.of(name), whole.offers.of(name)
        assert one is not None and other is not None
        assert one.path.points.tolist() == other.path.points.tolist()


def test_a_look_alone_finds_no_way() -> None:
    watched = Watched([EAST, WEST], [4.2, 6.0])
    for k in range(100):
        watched.watch.look(watched.scene.occupants, [], k * CYCLE)
    assert watched.watch.due
    assert not watched.offers
    assert not watched.watch._options


def test_of_many_stuck_robots_only_a_few_are_compared_and_those_of_higher_role_first() -> None:
    watched = Watched([EAST] * 3 + [WEST] * 3, [5.0, 4.0, 3.0, 5.0, 4.0, 3.0], CORRIDOR)
    for name in ("r4", "r5"):
        watched.scene.occupants[name].priority = 1
    asked: list[str] = []
    search = watched.watch._untangler.search
    watched.watch._untangler.search = lambda robot, *rest: (asked.append(robot), search(robot, *rest))[1]  # type: ignore[method-assign]
    watched.look(5.0)
    assert asked[:2] == ["r4", "r5"]
    assert len(asked) == CANDIDATES
    assert watched.offers


def test_a_goal_in_the_way_of_others_may_be_taken_and_only_on_that_very_route() -> None:
    watched = Watched([[(1, 2), (9, 2)], [(13, 2), (5, 2)]], [0.0, 0.0])
    watched.look(3.0)
    yielding = [name for name in ("r0", "r1") if watched.watch.yields(name, (1, 1))]
    assert len(yielding) == 1
    assert not watched.watch.yields(yielding[0], (1, 2))
    assert not watched.watch.yields(yielding[0], (2, 1))


def by_passing(robot: str, said: list[list[str]]) -> Callable[[Sequence[Option]], Option | None]:
    """Advice: this robot is to pass."""

    def advise(options: Sequence[Option]) -> Option | None:
        said.append([option.passes for option in options])
        return next((option for option in options if option.passes == robot), None)

    return advise


def test_where_there_are_several_ways_out_whoever_is_asked_for_advice_has_the_say() -> None:
    asked: list[list[str]] = []
    watched = Watched([EAST, WEST], [4.2, 6.0])  # without advice r1 goes aside: the bay is beside it
    watched.watch.advise = by_passing("r1", asked)
    watched.look(PATIENCE + 3.0)
    assert list(watched.offers) == ["r0"]
    assert [sorted(passing) for passing in asked] == [["r0", "r1"]]


def test_without_an_opinion_the_cheapest_way_out_is_taken() -> None:
    watched = Watched([EAST, WEST], [4.2, 6.0])
    watched.watch.advise = by_passing("nobody", [])
    watched.look(PATIENCE + 3.0)
    assert list(watched.offers) == ["r1"]


def options_of(watched: Watched) -> list[Option]:
    """All ways out, and nothing is begun."""
    found: list[Option] = []

    def advise(options: Sequence[Option]) -> Option | None:
        found.extend(options)
        return None

    watched.watch.advise = advise
    watched.look(PATIENCE + 3.0)
    return found


@pytest.mark.parametrize(
    ("meanwhile", "becomes"),
    [("nothing", "applied"), ("somebody moves", "stale"), ("another way out is begun", "stale"), ("no use", "unsafe")],
)
def test_a_way_out_that_is_wanted_later_is_looked_at_again_first(meanwhile: str, becomes: str) -> None:
    watched = Watched([EAST, WEST], [4.2, 6.0])
    wanted = next(option for option in options_of(watched) if option.passes == "r1")
    if meanwhile != "another way out is begun":
        watched.offers.settle({}, watched.now + 100.0)
    if meanwhile == "somebody moves":
        watched.scene.place("r0", 4.0)
    if meanwhile == "no use":
        wanted = replace(wanted, ways={})
    assert watched.watch.take(wanted, watched.scene.occupants, watched.now + 100.0) == becomes
    assert ("r0" in watched.offers) == (becomes == "applied")
