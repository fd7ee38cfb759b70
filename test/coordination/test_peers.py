"""What the predictor is told of the others: who has been heard, and the region that comes next."""

from __future__ import annotations

from dataclasses import replace

import pytest
from wire_values import Points, intention, route

from ewm_ros.coordination.peers import Peers
from ewm_ros.coordination.route_book import UNKNOWN_RADIUS, RouteBook
from ewm_ros.errors import InputError
from ewm_ros.messages import Conflict, ConflictKind
from ewm_ros.world_model.layout import NEAR, PEERS
from ewm_ros.world_model.predictor import Neighbour

EAST: Points = [(-5.0, 0.0), (5.0, 0.0)]
WEST: Points = [(5.0, 0.0), (-5.0, 0.0)]
NORTH: Points = [(0.0, -3.0), (0.0, 3.0)]
AWAY: Points = [(-5.0, 9.0), (5.0, 9.0)]
TWICE: Points = [(-3.0, -3.0), (-3.0, 3.0), (3.0, 3.0), (3.0, -3.0)]
BOOT = 7


def meet(me: str, other: str, mine: Points | None, theirs: Points | None, **standing: float) -> Peers:
    """Two robots, of which this one has heard the other; a route that is not given is not known."""
    peers = Peers(me, BOOT)
    if mine is not None:
        peers.book.put(route(me, mine, boot=BOOT))
    if theirs is not None:
        peers.receive_route(route(other, theirs))
    place = theirs[0] if theirs is not None else (1.0, 1.0)
    peers.receive_intention(intention(other, place=place, **standing))
    return peers


def only(peers: Peers, progress: float = 0.0) -> Neighbour:
    (neighbour,) = peers.neighbours(progress)
    return neighbour


def test_who_has_heard_nobody_has_no_neighbours() -> None:
    assert Peers("r0", BOOT).neighbours(0.0) == ()


def test_of_one_whose_route_has_not_arrived_only_the_word_is_known() -> None:
    neighbour = only(meet("r0", "r1", EAST, None))
    assert neighbour.intention.robot == "r1"
    assert (neighbour.radius, neighbour.max_speed, neighbour.shared) == (UNKNOWN_RADIUS, 0.0, None)


def test_while_a_new_route_is_awaited_the_former_one_does_not_count() -> None:
    peers = meet("r0", "r1", EAST, NORTH)
    assert only(peers).shared is not None
    peers.receive_intention(intention("r1", seq=2, place=(0.0, -2.0), route=2))
    assert only(peers).shared is None
    assert only(peers).max_speed == 0.0


def test_without_an_own_route_nothing_is_shared() -> None:
    assert only(meet("r0", "r1", None, NORTH)).shared is None


def test_routes_that_do_not_meet_share_nothing() -> None:
    neighbour = only(meet("r0", "r1", EAST, AWAY))
    assert (neighbour.radius, neighbour.max_speed, neighbour.shared) == (0.3, 0.5, None)


@pytest.mark.parametrize(("me", "other"), [("r0", "r1"), ("r1", "r0")])
@pytest.mark.parametrize(
    ("theirs", "kind", "middle"), [(NORTH, ConflictKind.CROSSING, 3.0), (WEST, ConflictKind.HEAD_ON, 5.0)]
)
def test_a_shared_region_is_told_in_the_progress_of_both(
    me: str, other: str, theirs: Points, kind: ConflictKind, middle: float
) -> None:
    neighbour = only(meet(me, other, EAST, theirs))
    assert neighbour.shared == kind
    assert sum(neighbour.mine) / 2.0 == pytest.approx(5.0, abs=0.1)
    assert sum(neighbour.theirs) / 2.0 == pytest.approx(middle, abs=0.1)
    assert neighbour.mine[0] < neighbour.mine[1]


def test_a_region_that_either_is_through_is_not_shared_any_more() -> None:
    peers = meet("r0", "r1", EAST, NORTH)
    first = only(peers)
    assert only(peers, first.mine[1] - 0.01).shared is not None
    assert only(peers, first.mine[1] + 0.01).shared is None
    through = meet("r0", "r1", EAST, NORTH, progress=first.theirs[1] + 0.01)
    assert only(through).shared is None


@pytest.mark.parametrize(("me", "other"), [("r0", "r1"), ("r1", "r0")])
def test_of_several_regions_the_next_one_is_told(me: str, other: str) -> None:
    peers = meet(me, other, EAST, TWICE)
    at_first, then = only(peers), only(peers, 5.0)
    assert sum(at_first.mine) / 2.0 == pytest.approx(2.0, abs=0.1)
    assert sum(then.mine) / 2.0 == pytest.approx(8.0, abs=0.1)
    assert sum(then.theirs) / 2.0 == pytest.approx(15.0, abs=0.1)
    assert only(peers, 9.5).shared is None


def test_all_that_have_been_heard_are_told_of() -> None:
    peers = meet("r0", "r1", EAST, NORTH)
    peers.receive_intention(intention("r2", place=(3.0, 3.0), route=0))
    peers.receive_route(route("r3", AWAY))  # has not said a word yet
    assert [neighbour.intention.robot for neighbour in peers.neighbours(0.0)] == ["r1", "r2"]


def test_the_own_words_are_those_of_no_neighbour() -> None:
    peers = meet("r0", "r1", EAST, NORTH)
    peers.receive_intention(intention("r0", boot=BOOT))
    assert [neighbour.intention.robot for neighbour in peers.neighbours(0.0)] == ["r1"]


def test_another_process_of_the_own_name_is_found_out() -> None:
    with pytest.raises(InputError, match="'r0' is already used by another running robot"):
        meet("r0", "r1", EAST, NORTH).receive_intention(intention("r0", boot=BOOT + 1))


def spread_out(count: int) -> Peers:
    """A robot at the origin, and others 1 m, 2 m... east of it whose routes cross its own."""
    peers = Peers("r0", BOOT)
    peers.book.put(route("r0", EAST, boot=BOOT))
    for k in range(1, count + 1):
        peers.receive_route(route(f"r{k}", [(float(k), -1.0), (float(k), 1.0)]))
        peers.receive_intention(intention(f"r{k}", place=(float(k), 0.0)))
    return peers


def test_the_nearest_come_first_but_those_that_are_waited_for_before_them() -> None:
    peers = spread_out(9)
    assert peers.nearest(0.0, 0.0, 4.5, (), 3) == ["r1", "r2", "r3"]
    assert peers.nearest(0.0, 0.0, 4.5, (), 9) == ["r1", "r2", "r3", "r4"]
    assert peers.nearest(0.0, 0.0, 4.5, ("r4", "r9"), 3) == ["r4", "r1", "r2"]


def test_a_robot_among_many_looks_at_the_routes_of_those_it_asks_for_only(monkeypatch: pytest.MonkeyPatch) -> None:
    peers = spread_out(49)
    looked_at: list[str] = []
    regions = RouteBook.regions

    def counted(book: RouteBook, a: str, b: str) -> tuple[Conflict, ...]:
        looked_at.append(b)
        return regions(book, a, b)

    monkeypatch.setattr(RouteBook, "regions", counted)
    told = peers.neighbours(0.0, peers.nearest(0.0, 0.0, NEAR, (), PEERS))
    assert [neighbour.intention.robot for neighbour in told] == looked_at == ["r1", "r2", "r3", "r4", "r5"]


def test_footprints_out_of_reach_are_left_out_whatever_their_size() -> None:
    peers = spread_out(9)
    peers.receive_route(replace(route("r8", [(8.0, -1.0), (8.0, 1.0)], number=2), radius=4.0))
    peers.receive_intention(intention("r8", seq=2, place=(8.0, 0.0), route=2))
    told = {x for x, _, radius in peers.discs(0.0, 0.0, 4.35).tolist() if x - radius <= 4.35}
    everybody = {x for x, _, radius in peers.discs(0.0, 0.0, 100.0).tolist() if x - radius <= 4.35}
    assert told == everybody >= {1.0, 2.0, 3.0, 4.0, 8.0}
    assert len(spread_out(9).discs(0.0, 0.0, 2.0)) < 9
