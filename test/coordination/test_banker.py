"""The banker's test: the same answers as by trying everybody again and again, for as much work as has changed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scene import Scene
from wire_values import Points

from ewm_ros.coordination.banker import Banker
from ewm_ros.coordination.occupant import Occupant
from ewm_ros.coordination.route_book import RouteBook

SPOT = st.tuples(st.integers(0, 8), st.integers(0, 8)).map(lambda at: (0.7 * at[0], 0.7 * at[1]))
WAY = st.lists(SPOT, min_size=2, max_size=3, unique=True)
EAST = [[(0.0, y), (12.0, y)] for y in (0.0, 1.5, 3.0, 4.5, 6.0)]
NORTH = [[(x, -3.0), (x, 9.0)] for x in (2.0, 4.0, 6.0, 8.0, 10.0)]
FAR = [[(0.0, y), (12.0, y)] for y in (20.0, 21.5, 23.0)]


@st.composite
def moments(draw: st.DrawFn, ways: Sequence[Points]) -> list[Occupant]:
    """Robots somewhere on their ways, in any state."""
    robots = []
    for k, way in enumerate(ways):
        length = sum(math.dist(a, b) for a, b in pairwise(way))
        low = draw(st.floats(0.0, 1.0)) * length
        high = min(low + draw(st.floats(0.0, 2.0)), length)
        flags = [draw(st.integers(0, 5)) == 0 for _ in range(3)]
        robots.append(Occupant(f"r{k}", low, high, length, not flags[0], disabled=flags[1], yields=flags[2]))
    return robots


def one_by_one(book: RouteBook, occupants: dict[str, Occupant]) -> set[str]:
    """Who can finish, by trying everybody again after each that can: one that yields only if nobody else can."""
    places = {name: (o.low, o.extent) for name, o in occupants.items()}
    left = {name: o for name, o in occupants.items() if not o.arrived}

    def can_finish(me: Occupant) -> bool:
        if me.disabled:
            return False
        for other in occupants.keys() - {me.robot}:
            space = book.tight_space(me.robot, other)
            if space.blocked(me.high if me.movable else me.low, me.length, *places[other]):
                return False
            waits = other in left and not left[other].disabled and not me.yields
            if waits and space.blocked(me.length, me.length, places[other][0], left[other].length):
                return False
        return True

    while able := [me for me in left.values() if can_finish(me)]:
        first = next((me for me in able if not me.yields), able[0])
        places[first.robot] = (first.length, first.length)
        del left[first.robot]
    return {name for name, o in occupants.items() if not o.arrived} - left.keys()


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(st.data(), st.lists(WAY, min_size=2, max_size=6))
def test_who_can_finish_is_found_whatever_was_asked_before(data: st.DataObject, ways: list[Points]) -> None:
    scene = Scene(ways)
    banker = Banker(scene.book)
    for _ in range(3):
        occupants = {o.robot: o for o in data.draw(moments(ways))}
        for name in data.draw(st.sets(st.sampled_from(sorted(occupants)), max_size=1)):
            del occupants[name]  # it has not been heard yet, or no more
        assert banker.finishable(occupants) == one_by_one(scene.book, occupants)
        changed = data.draw(st.sampled_from(sorted(scene.occupants)))
        ways[int(changed[1:])] = data.draw(WAY)
        scene.reroute(changed, ways[int(changed[1:])])


def test_a_question_costs_no_more_than_what_has_changed_since_the_last_one() -> None:
    scene = Scene([*EAST, *NORTH, *FAR])
    banker = Banker(scene.book)
    assert banker.finishable(scene.occupants) == set(scene.occupants)
    assert banker.compared == len(EAST) * len(NORTH)  # pairs that meet nowhere are not looked at
    banker.finishable(scene.occupants)
    assert banker.compared == len(EAST) * len(NORTH)
    scene.place("r0", 1.0)
    banker.finishable(scene.occupants)
    assert banker.compared == len(EAST) * len(NORTH) + len(NORTH)
    scene.place("r0", 1.001)  # in the same cell
    banker.finishable(scene.occupants)
    assert banker.compared == len(EAST) * len(NORTH) + len(NORTH)
