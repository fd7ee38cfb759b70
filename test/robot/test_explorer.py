"""A robot that is told no goal: where it looks, what it tells, and that a fleet of them finds all goals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from drawn_rooms import room

from ewm_ros.coordination.auction import LISTEN
from ewm_ros.coordination.finds import TOLD_AT_ONCE
from ewm_ros.geometry import Polyline
from ewm_ros.messages import Intention, Knot, Outcome, Plan, Route, Search, Standing
from ewm_ros.randomness import stream
from ewm_ros.robot.explorer import LEAVE, Explorer
from ewm_ros.simulation.network import Faults, Network

VIEW, RADIUS, SPEED = 3.0, 0.3, 0.5
HALL = room(24.0, 6.0)
NOTHING = np.empty((0, 2))
Point = tuple[float, float]


def explorer(name: str = "robot_1", **more: float) -> Explorer:
    made = Explorer(name, RADIUS, VIEW, **{"listen": 0.0, **more})
    made.set_map(HALL)
    return made


def target(searching: Explorer) -> Point:
    assert searching.goal is not None
    return (searching.goal.x, searching.goal.y)


def word(robot: str, place: Point, search: Search | None, seq: int = 1, route: int = 0) -> Intention:
    plan = Plan("", Outcome.PROGRESS, math.inf, 1.0, (Knot(0.0, *place, 0.0, 0.1),), search)
    return Intention(robot, 1, seq, 0.0, plan, Standing(route=route))


def walk(searching: Explorer, place: Point, seconds: float, goals: np.ndarray = NOTHING) -> list[Point]:
    """It drives straight to where it wants to; the places that it has been at, one a second."""
    been = []
    for second in range(round(seconds)):
        searching.look(place, goals[np.hypot(*(goals - place).T) <= VIEW], float(second))
        if searching.goal is not None:
            way = math.dist(place, target(searching))
            share = min(SPEED / way, 1.0) if way else 0.0
            x, y = target(searching)
            place = (place[0] + share * (x - place[0]), place[1] + share * (y - place[1]))
        been.append(place)
    return been


class TestAlone:
    def test_it_looks_at_the_whole_floor(self) -> None:
        been = np.array(walk(explorer(), (1.0, 3.0), 120.0))
        places = np.stack(np.meshgrid(np.arange(0.5, 24.0), np.arange(0.5, 6.0)), axis=-1).reshape(-1, 2)
        seen = np.hypot(*(places[:, None] - been[None]).transpose(2, 0, 1)).min(axis=1) <= VIEW
        assert seen.all()

    def test_when_all_has_been_seen_in_vain_it_begins_again(self) -> None:
        xs = np.array(walk(explorer(), (1.0, 3.0), 240.0))[:, 0]
        east = int(np.argmax(xs > 20.0))
        assert xs[east:].min() < 5.0

    def test_it_goes_to_a_goal_that_it_has_seen_and_stays_there(self) -> None:
        searching = explorer()
        goal = (12.0, 4.0)
        place = walk(searching, (1.0, 3.0), 90.0, np.array([goal]))[-1]
        assert math.dist(place, goal) < 0.1
        assert searching.look(place, np.array([goal]), 91.0) == Search((goal,), 0.0)
        assert searching.goal is not None and searching.goal.name == "12.0,4.0"

    def test_where_it_looks_for_one_is_told_by_its_name(self) -> None:
        searching = explorer()
        assert searching.look((1.0, 3.0), NOTHING, 0.0) == Search()
        x, y = target(searching)
        assert searching.goal is not None and searching.goal.name == f"look {x:.1f},{y:.1f}"

    def test_it_never_heads_for_where_it_cannot_stand(self) -> None:
        walled = Explorer("robot_1", RADIUS, VIEW)
        walled.set_map(room(12.0, 6.0, (5.9, 0.0, 6.1, 6.0)))  # no way to the eastern half
        for x, y in walk(walled, (1.0, 3.0), 60.0):
            assert x < 6.0 - RADIUS
            assert RADIUS < y < 6.0 - RADIUS

    def test_without_a_map_it_stays(self) -> None:
        searching = Explorer("robot_1", RADIUS, VIEW)
        assert searching.look((1.0, 3.0), np.array([(2.0, 3.0)]), 0.0).finds == ((2.0, 3.0),)
        assert searching.goal is None

    def test_it_leaves_a_goal_where_it_sees_somebody(self) -> None:
        searching = explorer()
        goals, peers = np.array([(2.0, 3.0), (4.0, 3.0)]), np.array([(2.1, 3.0)])
        for now in (0.0, LISTEN):
            searching.look((1.5, 3.0), goals, now, peers)
        assert target(searching) == (4.0, 3.0)

    def test_standing_on_its_way_for_too_long_it_goes_somewhere_else_for_a_while(self) -> None:
        searching = explorer(patience=10.0)
        goals = np.array([(3.5, 3.0), (1.0, 5.5)])
        chosen = []
        for now in np.arange(0.0, 40.0 + LEAVE, 0.5):
            searching.look((1.0, 3.0), goals, float(now))
            chosen.append(target(searching))
        assert chosen[4] == (3.5, 3.0) or chosen[4] == (1.0, 5.5)
        assert chosen[30] in {(3.5, 3.0), (1.0, 5.5)} - {chosen[4]}
        assert chosen[4] in chosen[int(2 * LEAVE) :]


class TestWithOthers:
    def test_it_hears_them_for_a_second_before_it_goes_anywhere(self) -> None:
        searching = explorer(listen=LISTEN)
        for now in (10.0, 10.9):
            searching.look((1.0, 3.0), NOTHING, now)
            assert searching.goal is None
        searching.look((1.0, 3.0), NOTHING, 11.0)
        assert searching.goal is not None

    def test_what_another_one_has_seen_it_need_not_look_at(self) -> None:
        searching = explorer()
        searching.look((12.0, 3.0), NOTHING, 0.0)
        for seq, x in enumerate(range(1, 12), start=1):
            searching.receive_intention(word("robot_2", (float(x), 3.0), Search(), seq), 0.1 * seq)
        assert min(x for x, _ in walk(searching, (12.0, 3.0), 20.0)) > 11.0

    def test_but_one_that_is_not_looking_for_goals_has_seen_nothing(self) -> None:
        searching = explorer()
        searching.look((12.0, 3.0), NOTHING, 0.0)
        for seq, x in enumerate(range(1, 12), start=1):
            searching.receive_intention(word("robot_2", (float(x), 3.0), None, seq), 0.1 * seq)
        assert min(x for x, _ in walk(searching, (12.0, 3.0), 90.0)) < 4.0

    @pytest.mark.parametrize("theirs", [8.5, 15.5])
    def test_it_goes_the_other_way(self, theirs: float) -> None:
        searching = explorer()
        searching.receive_intention(word("robot_2", (12.0, 3.5), Search(), route=1), 0.0)
        path = Polyline([(12.0, 3.5), (theirs, 3.5)])
        searching.receive_route(Route("robot_2", 1, 1, 0.0, path, RADIUS, SPEED, 0.75, 0))
        searching.look((12.0, 2.5), NOTHING, 0.0)
        assert (target(searching)[0] - 12.0) * (theirs - 12.0) < 0.0

    def test_it_knows_the_goals_that_others_have_found(self) -> None:
        searching = explorer()
        searching.look((1.0, 3.0), NOTHING, 0.0)
        searching.receive_intention(word("robot_2", (20.0, 3.0), Search(((20.0, 1.0), (22.0, 3.0)), 1.5)), 0.5)
        told = searching.look((1.0, 3.0), NOTHING, LISTEN)
        assert target(searching) == (22.0, 3.0)
        assert told.finds == ((22.0, 3.0), (20.0, 1.0))

    @pytest.mark.parametrize("faults", [Faults(), Faults(loss=0.3, delay=0.2, duplication=0.2)], ids=["good", "bad"])
    @pytest.mark.parametrize("seed", range(3))
    def test_a_fleet_finds_all_goals_and_each_takes_another(self, seed: int, faults: Faults) -> None:
        fleet = {f"robot_{k}": explorer(f"robot_{k}") for k in range(4)}
        rng = stream(seed, 0, "goals")
        goals = np.array([(x, rng.uniform(1.0, 5.0)) for x in rng.permutation([3.0, 9.0, 15.0, 21.0])])
        places: dict[str, Point] = {name: (11.0 + k, 3.0) for k, name in enumerate(fleet)}
        network = Network(faults, stream(seed, 0, "network"))
        for seq in range(1, 451):
            now = 0.2 * seq
            for name, searching in fleet.items():
                for message in network.receive(name, now):
                    searching.receive_intention(message, now)
                place = places[name]
                search = searching.look(place, goals[np.hypot(*(goals - place).T) <= VIEW], now)
                assert len(search.finds) <= TOLD_AT_ONCE
                network.send((other for other in fleet if other != name), word(name, place, search, seq), now)
                if searching.goal is not None and math.dist(place, target(searching)) > 0.0:
                    share = min(0.2 * SPEED / math.dist(place, target(searching)), 1.0)
                    x, y = target(searching)
                    places[name] = (place[0] + share * (x - place[0]), place[1] + share * (y - place[1]))
        at = [int(np.hypot(*(goals - place).T).argmin()) for place in places.values()]
        assert sorted(at) == [0, 1, 2, 3]
        assert all(math.dist(place, goals[k]) < 0.3 for place, k in zip(places.values(), at, strict=True))
