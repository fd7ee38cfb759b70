"""What a decision for fifty robots is made of: counted, so that it stays a small part of a period on any machine."""

from __future__ import annotations

import pytest
from scene import Scene
from wire_values import Points

from ewm_ros.coordination import order_finder, pair_spaces, route_book
from ewm_ros.coordination.banker import Banker
from ewm_ros.coordination.order_finder import OrderFinder
from ewm_ros.coordination.solver import MOST_ASKED

LANES = 25
EAST: list[Points] = [[(-2.0, 1.5 * k), (1.5 * LANES, 1.5 * k)] for k in range(LANES)]
NORTH: list[Points] = [[(1.5 * k, -2.0), (1.5 * k, 1.5 * LANES)] for k in range(LANES)]


class Counted:
    """How often some functions have been called."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: dict[str, int] = {}
        self._monkeypatch = monkeypatch

    def watch(self, owner: object, name: str) -> None:
        called = getattr(owner, name)
        self.calls[name] = 0

        def counting(*args: object, **options: object) -> object:
            self.calls[name] += 1
            return called(*args, **options)

        self._monkeypatch.setattr(owner, name, counting)

    def take(self, name: str) -> int:
        """Calls since this was asked last."""
        count, self.calls[name] = self.calls[name], 0
        return count


@pytest.fixture(scope="module")
def fleet() -> Scene:
    """Fifty robots on a grid of lanes, each crossing 25 others, as the first decision finds them."""
    scene = Scene([*EAST, *NORTH])
    scene.decide()
    return scene


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    counted = Counted(monkeypatch)
    counted.watch(pair_spaces, "shared_space")
    counted.watch(route_book, "shared_regions")
    counted.watch(order_finder, "timed_route")
    counted.watch(Banker, "finishable")
    return counted


def test_what_routes_share_is_worked_out_once(fleet: Scene, counted: Counted) -> None:
    fleet.drive(10)
    assert counted.take("shared_space") == counted.take("shared_regions") == 0


def test_a_new_route_costs_no_more_than_one_look_at_each_other_robot(fleet: Scene, counted: Counted) -> None:
    fleet.reroute("r0", [(fleet.occupants["r0"].low - 2.0, 0.0), (1.5 * LANES, 0.7)])
    for name in fleet.occupants:
        fleet.book.neighbours(name)
        fleet.book.grants(name)
    others = len(fleet.occupants) - 1
    assert 0 < counted.take("shared_regions") <= others
    assert counted.take("shared_space") == others


def test_the_banker_is_asked_a_few_times_a_decision_and_looks_at_those_that_have_moved(
    fleet: Scene, counted: Counted
) -> None:
    banker = fleet.solver._banker
    for _ in range(10):
        before = banker.compared
        fleet.drive(1)
        asked = counted.take("finishable")
        assert asked <= MOST_ASKED + 1
        # All have moved, and may be granted more; and each question is about one robot, there and back.
        assert banker.compared - before <= 2 * LANES * LANES + 2 * LANES * asked


def test_the_time_of_who_stands_is_not_asked_again(fleet: Scene, counted: Counted) -> None:
    finder = OrderFinder(fleet.book)
    finder.question(fleet.occupants, 0.0)
    assert counted.take("timed_route") == len(fleet.occupants)
    fleet.place("r3", fleet.occupants["r3"].low + 0.01)
    asked = finder.question(fleet.occupants, 1.0)
    assert counted.take("timed_route") == 1
    afresh = OrderFinder(fleet.book).question(fleet.occupants, 1.0)
    assert (asked.conflicts.low == afresh.conflicts.low).all()
    assert (asked.conflicts.high == afresh.conflicts.high).all()
