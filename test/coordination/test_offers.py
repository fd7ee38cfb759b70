"""Ways on offer: told until they are taken, do not fit any more, or nobody takes them."""

from __future__ import annotations

from ewm_ros.coordination.occupant import Occupant
from ewm_ros.coordination.offers import PATIENCE, Offers
from ewm_ros.geometry import Polyline
from ewm_ros.messages import UINT32

WAY = Polyline([(0.0, 0.0), (0.0, 2.0)])


def on_route(number: int, robot: str = "r0", boot: int = 1) -> dict[str, Occupant]:
    return {robot: Occupant(robot, 0.0, 0.0, 5.0, True, route=(boot, number))}


def test_a_way_is_told_again_and_again_under_one_number() -> None:
    offers = Offers(7)
    assert (offers.of("r0"), len(offers)) == (None, 0)
    offers.make({"r0": WAY}, on_route(1), 10.0)
    first = offers.of("r0")
    offers.settle(on_route(1), 10.0 + PATIENCE)
    assert offers.of("r0") is first is not None
    assert (first.path, first.route) == (WAY, (1, 1))
    assert "r0" in offers and list(offers) == ["r0"] and len(offers) == 1


def test_it_ends_when_the_robot_is_on_another_route_or_has_started_anew() -> None:
    for now_on in (on_route(2), on_route(1, boot=2), on_route(1, robot="r1")):
        offers = Offers(7)
        offers.make({"r0": WAY}, on_route(1), 10.0)
        offers.settle(now_on, 10.1)
        assert "r0" not in offers


def test_a_robot_that_does_not_take_it_is_not_asked_for_ever() -> None:
    offers = Offers(7)
    offers.make({"r0": WAY}, on_route(1), 10.0)
    offers.settle(on_route(1), 10.0 + PATIENCE + 0.01)
    assert len(offers) == 0


def test_a_new_way_has_a_new_number_so_that_it_is_not_taken_for_the_old_one() -> None:
    offers = Offers(UINT32 - 1)
    numbers = []
    for _ in range(4):
        offers.make({"r0": WAY, "r1": WAY}, {**on_route(1), **on_route(1, "r1")}, 0.0)
        numbers += [offer.number for offer in map(offers.of, ("r0", "r1")) if offer is not None]
    assert len(set(numbers)) == 8
    assert all(0 < number <= UINT32 for number in numbers)


def test_what_one_coordinator_asks_is_not_taken_for_what_another_one_does() -> None:
    one, other = Offers(1_000_000), Offers(77)
    told = []
    for offers in (one, other):
        for _ in range(100):
            offers.make({"r0": WAY}, on_route(1), 0.0)
            offer = offers.of("r0")
            assert offer is not None
            told.append(offer.number)
    assert len(set(told)) == 200
