"""Who passes a region first, and whether an order can be kept to by all: the check against driving it out."""

from __future__ import annotations

import random
from collections.abc import Mapping
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ewm_ros.coordination.precedence import Precedence, is_executable, who_is_first
from ewm_ros.messages import Conflict, ConflictKind

CROSSING, HEAD_ON, FOLLOWING = ConflictKind.CROSSING, ConflictKind.HEAD_ON, ConflictKind.FOLLOWING
NUMBERS = count(1)
END = 12  # m of every route below


def region(
    a: str, b: str, on_a: tuple[float, float], on_b: tuple[float, float], kind: ConflictKind = CROSSING
) -> Conflict:
    """A region of its own from and to these places on the routes of a and b."""
    return Conflict(next(NUMBERS), kind, (a, b), (on_a[0], on_b[0]), (on_a[1], on_b[1]), 0.0, 0.0)


AB, BC, CA = (region(*pair, (4, 6), (2, 3)) for pair in (("a", "b"), ("b", "c"), ("c", "a")))


def test_where_nothing_is_said_nobody_has_to_yield() -> None:
    order = Precedence({AB: "b"})
    assert order.yields("a", AB)
    assert not order.yields("b", AB)
    assert not order.yields("b", BC) and not order.yields("c", BC)
    assert order.settles([AB]) and order.settles([])
    assert not order.settles([AB, BC])


@pytest.mark.parametrize(("late", "first"), [("a", "b"), ("b", "a")])
def test_of_two_that_cross_the_one_that_is_in_the_middle_earlier_passes_first(late: str, first: str) -> None:
    assert who_is_first(AB, lambda robot, place: place + (9.0 if robot == late else 0.0)) == first


def test_of_two_that_follow_each_other_the_one_that_comes_to_where_they_join_earlier_passes_first() -> None:
    """Even if the other one, being faster, would be in the middle earlier."""
    along = region("a", "b", (2, 10), (2, 10), FOLLOWING)
    speed = {"a": 0.1, "b": 1.0}
    assert who_is_first(along, lambda robot, place: (5.0 if robot == "b" else 0.0) + place / speed[robot]) == "b"
    assert who_is_first(along, lambda robot, place: (19.0 if robot == "b" else 0.0) + place / speed[robot]) == "a"


def test_a_ring_in_which_each_is_to_pass_before_the_next_one_but_comes_to_it_last_cannot_be_kept_to() -> None:
    """a leaves its place before b only at 6, behind the place at which it waits for c."""
    assert is_executable({AB: "a", BC: "b"})
    assert not is_executable({AB: "a", BC: "b", CA: "c"})
    assert is_executable({AB: "a", BC: "b", CA: "a"})


def test_two_regions_in_turns_are_fine_in_the_order_of_the_routes_and_not_against_it() -> None:
    near, far = region("a", "b", (1, 2), (1, 2)), region("a", "b", (4, 5), (4, 5))
    assert is_executable({near: "a", far: "b"})  # a passes and waits before the second one
    crossed = region("a", "b", (1, 2), (4, 5)), region("a", "b", (4, 5), (1, 2))
    assert is_executable(dict(zip(crossed, ("a", "b"), strict=True)))
    assert not is_executable(dict(zip(crossed, ("b", "a"), strict=True)))


@pytest.mark.parametrize(("kind", "executable"), [(FOLLOWING, True), (HEAD_ON, False)])
def test_who_follows_may_enter_while_the_other_one_is_inside_but_not_who_comes_towards_it(
    kind: ConflictKind, executable: bool
) -> None:
    """b passes the long region first, and in the middle of that waits for a to cross its way."""
    along, across = region("a", "b", (1, 9), (1, 9), kind), region("a", "b", (4, 5), (6, 7))
    assert is_executable({along: "b", across: "a"}) == executable


PAIRS = [("a", "b"), ("a", "c"), ("b", "c"), ("a", "d"), ("b", "d"), ("c", "d")]


@st.composite
def orders(draw: st.DrawFn) -> dict[Conflict, str]:
    """A few regions of up to four robots, and who passes each first."""
    order = {}
    for _ in range(draw(st.integers(1, 6))):
        pair = draw(st.sampled_from(PAIRS))
        (a, long_a), (b, long_b) = (draw(st.tuples(st.integers(0, 8), st.integers(0, 4))) for _ in pair)
        kind = draw(st.sampled_from([CROSSING, HEAD_ON, FOLLOWING]))
        order[region(*pair, (a, a + long_a), (b, b + long_b), kind)] = draw(st.sampled_from(pair))
    return order


def may_go_on(robot: str, to: int, at: Mapping[str, int], order: Mapping[Conflict, str]) -> bool:
    """Whether a robot may come to a place: in no region before who is to pass it first has left it.

    Of two that follow each other, the second one may enter when the first has, and leave when the first has.
    """
    for shared, leader in order.items():
        if robot == leader or robot not in shared.robots:
            continue
        me, ahead = shared.robots.index(robot), shared.robots.index(leader)
        if shared.kind is FOLLOWING:
            ends = (shared.enter, shared.leave)
            if any(end[me] == to and at[leader] < end[ahead] for end in ends):
                return False
        elif shared.enter[me] == to and at[leader] < shared.leave[ahead]:
            return False
    return True


@given(orders(), st.randoms(use_true_random=False))
def test_an_order_is_executable_if_and_only_if_all_get_through_who_keep_to_it(
    order: dict[Conflict, str], luck: random.Random
) -> None:
    at = {robot: -1 for shared in order for robot in shared.robots}
    while True:
        movable = [name for name in at if at[name] < END and may_go_on(name, at[name] + 1, at, order)]
        if not movable:
            break
        at[luck.choice(movable)] += 1
    assert is_executable(order) == all(place == END for place in at.values())
