"""Which route counts for a robot: announced, known, not yet known, or none."""

from __future__ import annotations

import pytest
from wire_values import Points, intention, route

from ewm_ros.coordination.route_book import REMEMBERED, RouteBook
from ewm_ros.geometry import Polyline

EAST: Points = [(-5.0, 0.0), (5.0, 0.0)]
WEST: Points = [(5.0, 0.0), (-5.0, 0.0)]
NORTH: Points = [(0.0, -5.0), (0.0, 5.0)]
AWAY: Points = [(-5.0, 9.0), (5.0, 9.0)]


@pytest.fixture
def book() -> RouteBook:
    return RouteBook()


def test_a_robot_that_is_only_heard_is_something_that_stands(book: RouteBook) -> None:
    word = intention(place=(1.0, 2.0), route=0)
    book.place(word)
    assert book["r0"].path.points.tolist() == [[1.0, 2.0]]
    assert not book.knows_route_of(word)
    assert "r1" not in book


def test_a_route_counts_from_the_moment_its_robot_names_it(book: RouteBook) -> None:
    book.place(intention(place=(-5.0, 0.0), route=0))
    book.learn(route("r0", EAST))
    assert book["r0"].route == 0
    word = intention(seq=2, place=(-5.0, 0.0), route=1)
    book.place(word)
    assert book["r0"].path.length == 10.0
    assert book.knows_route_of(word)


def test_a_route_of_another_start_of_the_robot_does_not_count(book: RouteBook) -> None:
    book.learn(route("r0", EAST, boot=1))
    word = intention(boot=2, place=(-5.0, 0.0))
    book.place(word)
    assert book["r0"].route == 0
    assert not book.knows_route_of(word)


def test_while_its_new_route_is_awaited_a_robot_stays_on_the_way_it_was_on(book: RouteBook) -> None:
    book.learn(route("r0", EAST))
    book.place(intention(place=(-5.0, 0.0)))
    sent_elsewhere = intention(seq=2, place=(-2.0, 0.1), route=2)
    book.place(sent_elsewhere)
    assert book["r0"].route == 1
    assert not book.knows_route_of(sent_elsewhere)
    assert book.place_on_route(sent_elsewhere) == pytest.approx(3.0, abs=0.31)
    book.learn(route("r0", NORTH, number=2))
    book.place(sent_elsewhere)
    assert book.knows_route_of(sent_elsewhere)


def test_who_is_no_more_on_its_former_way_is_something_that_stands(book: RouteBook) -> None:
    book.learn(route("r0", EAST))
    book.place(intention(place=(-5.0, 0.0)))
    carried_off = intention(boot=2, place=(0.0, 3.0))
    assert book.place_on_route(carried_off) is None
    book.place(carried_off)
    assert book["r0"].path.points.tolist() == [[0.0, 3.0]]


def test_a_late_intention_still_finds_one_of_the_last_routes_but_not_all(book: RouteBook) -> None:
    for number in range(1, REMEMBERED + 2):
        book.learn(route("r0", EAST, number=number))
    book.place(intention(route=2, place=(-5.0, 0.0)))
    assert book["r0"].route == 2
    book.place(intention("r0", seq=2, route=1, place=(0.0, 7.0)))
    assert book["r0"].route == 0


def test_conflicts_are_worked_out_anew_when_a_route_changes(book: RouteBook) -> None:
    book.put(route("r0", EAST))
    book.put(route("r1", NORTH))
    assert book.neighbours("r0") == ["r1"]
    assert len(book.regions("r0", "r1")) == 1
    book.put(route("r1", AWAY, number=2))
    assert book.neighbours("r0") == []
    assert book.regions("r0", "r1") == ()
    assert book.space("r1", "r0").empty


def test_and_kept_while_it_does_not(book: RouteBook) -> None:
    book.put(route("r0", EAST))
    book.put(route("r1", NORTH))
    space = book.space("r0", "r1")
    book.put(route("r1", NORTH))
    assert book.space("r0", "r1") is space


def test_the_noise_of_a_standing_robots_pose_makes_no_new_place(book: RouteBook) -> None:
    book.put(route("r0", EAST))
    book.place(intention("r1", place=(1.0, 0.0), route=0))
    space = book.space("r0", "r1")
    book.place(intention("r1", seq=2, place=(1.05, 0.05), route=0))
    assert book.space("r0", "r1") is space
    book.place(intention("r1", seq=3, place=(2.0, 0.0), route=0))
    assert book.space("r0", "r1") is not space


def test_regions_name_their_robots_in_the_same_order_whoever_asks(book: RouteBook) -> None:
    book.put(route("r1", EAST))
    book.put(route("r0", WEST))
    assert book.regions("r1", "r0") == book.regions("r0", "r1")
    assert book.regions("r1", "r0")[0].robots == ("r0", "r1")


def test_one_that_stands_may_be_passed_closer_than_one_that_drives(book: RouteBook) -> None:
    book.put(route("r0", EAST))
    book.put(route("r1", [(0.0, 0.72)]))
    assert book.space("r0", "r1").blocked(0.0, 10.0, 0.0, 0.0)
    assert not book.tight_space("r0", "r1").blocked(0.0, 10.0, 0.0, 0.0)


def test_a_book_with_other_ways_is_one_of_its_own(book: RouteBook) -> None:
    for name, points in (("r0", EAST), ("r1", NORTH), ("r2", WEST)):
        book.put(route(name, points))
    before = [book.regions(a, b) for a, b in (("r0", "r1"), ("r0", "r2"), ("r1", "r2"))]
    unchanged = book.space("r0", "r2")
    other = book.with_ways({"r1": Polyline(AWAY)})
    assert other["r1"].path.points.tolist() == Polyline(AWAY).points.tolist()
    assert (other["r1"].radius, other["r1"].max_speed) == (book["r1"].radius, book["r1"].max_speed)
    assert other.neighbours("r1") == [] and other.neighbours("r0") == ["r2"]
    assert other.space("r0", "r2") is unchanged
    assert [book.regions(a, b) for a, b in (("r0", "r1"), ("r0", "r2"), ("r1", "r2"))] == before
