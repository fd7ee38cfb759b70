"""Deadlocks on rails under a faulty network: the coordinator offers ways, robots take them, nobody ever touches."""

from __future__ import annotations

from typing import Any

import pytest
from drawn_rooms import room
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from protocol_fleet import ProtocolFleet, RailRobot
from wire_values import Points

from ewm_ros.geometry import Polyline
from ewm_ros.occupancy_grid import OccupancyGrid
from ewm_ros.simulation.network import Faults

HALL = room(14, 10)
CORRIDOR = room(14, 4, (3, 0, 11, 1.5), (3, 2.5, 11, 4))
WITH_BAY = room(14, 4, (3, 0, 11, 1.5), (3, 2.5, 6, 4), (8, 2.5, 11, 4))
JAMS: dict[str, tuple[OccupancyGrid, list[Points]]] = {
    "nose to nose beside a bay": (WITH_BAY, [[(6.2, 2), (13, 1)], [(7.0, 2), (1, 3)]]),
    "nose to nose without a bay": (CORRIDOR, [[(6.2, 2), (13, 1)], [(7.0, 2), (1, 3)]]),
    "two and two without a bay": (
        CORRIDOR,
        [[(6.2, 2), (13, 1)], [(5.2, 2), (13, 3)], [(7.0, 2), (1, 3)], [(8.0, 2), (1, 1)]],
    ),
    "an idle robot in the way": (WITH_BAY, [[(1, 2), (13, 1)], [(7.0, 2)]]),
    "a robot at its goal in the way": (WITH_BAY, [[(1, 2), (13, 1)], [(8.0, 2), (7.0, 2)]]),
    "change of places": (WITH_BAY, [[(1, 2), (13, 2)], [(13, 2), (1, 2)]]),
    "in a dead end": (
        room(14, 4, (3, 0, 14, 1.5), (3, 2.5, 6, 4), (8, 2.5, 14, 4)),
        [[(1, 2), (9.0, 2)], [(9.0, 2), (1, 2)]],
    ),
    "all at once in the open": (
        HALL,
        [[(2, 2), (12, 8)], [(12, 8), (2, 2)], [(2, 8), (12, 2)], [(12, 2), (2, 8)]],
    ),
}
FOUND_NOT_SHRUNK = settings(
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)


class Jam:
    """A fleet in a jam, and all that people were told."""

    def __init__(self, name: str, faults: Faults | None = None, seed: int = 0) -> None:
        grid, ways = JAMS[name]
        self.fleet = ProtocolFleet([Polyline(way) for way in ways], faults or Faults(), seed, grid=grid)
        self.fleet.start_coordinator()
        self.reports: list[str] = []

    def robot(self, name: str) -> RailRobot:
        return self.fleet.robots[int(name[1:])]

    def on(self, seconds: float) -> None:
        until = self.fleet.now + seconds
        while self.fleet.now < until and not self.fleet.all_arrived:
            self.fleet.step()
            for coordinator in self.fleet.coordinators.values():
                self.reports += [line for line in coordinator.reports if line not in self.reports]

    @property
    def asked(self) -> dict[str, int]:
        """How many ways each robot was asked to take, of those that were asked at all."""
        return {robot.name: len(robot.asked) for robot in self.fleet.robots if robot.asked}

    def all_arrive(self, seconds: float) -> None:
        self.on(seconds)
        late = {r.name: (r.place, r.rules.standing()) for r in self.fleet.robots if not r.arrived}
        assert self.fleet.all_arrived, f"at {self.fleet.now:.0f} s: {late}"


@pytest.mark.parametrize("name", JAMS)
def test_all_come_to_their_goals_and_those_that_were_asked_aside_come_back(name: str) -> None:
    jam = Jam(name)
    jam.on(3.0)
    jam.all_arrive(80.0)
    assert jam.asked


@pytest.mark.parametrize("name", ["nose to nose beside a bay", "change of places", "an idle robot in the way"])
def test_one_robot_is_asked_once_and_no_more(name: str) -> None:
    jam = Jam(name)
    jam.all_arrive(80.0)
    assert list(jam.asked.values()) == [1]


@pytest.mark.parametrize("name", ["nose to nose beside a bay", "all at once in the open"])
def test_without_a_map_the_coordinator_asks_nothing(name: str) -> None:
    jam = Jam(name)
    jam.fleet.kill_coordinators()
    jam.fleet._grid = None
    jam.fleet.start_coordinator()
    jam.on(20.0)
    assert jam.asked == {}


def test_people_are_not_called_for_a_deadlock_that_robots_can_resolve() -> None:
    jam = Jam("two and two without a bay")
    jam.all_arrive(80.0)
    assert jam.reports == []


def test_a_roundabout_is_joined_once_however_late_its_offer_came() -> None:
    jam = Jam("all at once in the open", Faults(loss=0.3, delay=0.3, duplication=0.3))
    jam.all_arrive(120.0)
    assert max(jam.asked.values()) <= 2


def test_a_robot_that_has_broken_down_in_the_open_is_driven_round() -> None:
    grid, _ = JAMS["all at once in the open"]
    fleet = ProtocolFleet([Polyline([(1, 5), (12, 5)]), Polyline([(4, 5), (12, 8)])], Faults(), grid=grid)
    fleet.start_coordinator()
    driver, wreck = fleet.robots
    while wreck.s < 0.6:
        fleet.step()
    wreck.broken = True
    while not driver.arrived:
        fleet.step()
        assert fleet.now < 60.0
    assert not wreck.arrived
    wreck.broken = False
    while not wreck.arrived:
        fleet.step()
        assert fleet.now < 120.0


def test_one_that_blocks_the_only_way_is_reported_and_when_it_is_repaired_all_go_on() -> None:
    jam = Jam("nose to nose without a bay")
    wreck = jam.robot("r1")
    wreck.broken = True
    jam.on(40.0)
    assert jam.reports == ["r0 cannot pass r1, and there is no way round: move one of them by hand"]
    wreck.broken = False
    jam.all_arrive(80.0)
    assert [c.reports for c in jam.fleet.coordinators.values()] == [()]


EVENT = st.tuples(st.integers(5, 300), st.sampled_from(["restart r0", "restart r1", "kill and start"]))


@settings(FOUND_NOT_SHRUNK, max_examples=20, derandomize=True)
@given(
    name=st.sampled_from(sorted(JAMS)),
    faults=st.builds(
        Faults,
        loss=st.sampled_from([0.0, 0.3, 0.5]),
        delay=st.sampled_from([0.0, 0.1, 0.4]),
        duplication=st.sampled_from([0.0, 0.3]),
    ),
    seed=st.integers(0, 999),
    events=st.lists(EVENT, max_size=3),
)
def test_footprints_never_touch_and_all_arrive_when_the_network_heals(
    name: str, faults: Faults, seed: int, events: list[Any]
) -> None:
    jam = Jam(name, faults, seed)
    for tick, event in sorted(events):
        jam.on(tick * 0.1 - jam.fleet.now)
        if event == "kill and start":
            jam.fleet.kill_coordinators()
            jam.fleet.start_coordinator()
        else:
            jam.robot(event[-2:]).start()
    jam.on(20.0)
    jam.fleet.heal()
    jam.all_arrive(200.0)


def test_an_offer_that_does_not_come_through_is_made_again() -> None:
    """The robot that is to back out hears nothing for 10 s."""
    jam = Jam("nose to nose beside a bay")
    jam.on(2.0)
    jam.fleet.cut_off.update({"r0", "r1"})
    jam.on(10.0)
    assert jam.asked == {}
    jam.fleet.heal()
    jam.all_arrive(80.0)
    assert jam.asked
