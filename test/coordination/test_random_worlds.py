"""Fleets on random routes, on open floor and through gaps: nobody ever touches, nobody waits in a circle, all arrive.

What is asserted of every single directive set: among the robots that stand where they have been told to hold, none
waits for itself through others, unless one of them is deadlocked by the banker's test, or a way is on offer.
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from drawn_rooms import room
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from protocol_fleet import ProtocolFleet, RailRobot
from scene import Scene
from wire_values import Points

from ewm_ros.coordination.occupant import STANDING
from ewm_ros.geometry import Polyline
from ewm_ros.simulation.network import Faults

WIDTH, HEIGHT = 12.0, 10.0  # m
WORLDS = {
    "open floor": room(WIDTH, HEIGHT),
    "one gap": room(WIDTH, HEIGHT, (5.8, 0, 6.2, 4.4), (5.8, 5.6, 6.2, 10)),
    "two gaps": room(WIDTH, HEIGHT, (5.9, 0, 6.1, 2.0), (5.9, 3.2, 6.1, 6.8), (5.9, 8.0, 6.1, 10)),
}
FOUND_NOT_SHRUNK = settings(
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@st.composite
def places(draw: st.DrawFn, count: int) -> list[tuple[float, float]]:
    """Away from each other, from the outer walls and from the one in the middle; on a grid, to be found soon."""
    columns, rows = [1.0, 2.3, 3.6, 4.9, 7.1, 8.4, 9.7, 11.0], [1.0, 2.3, 3.6, 4.9, 6.2, 7.5, 8.8]
    spots = [(x, y) for x in columns for y in rows]
    chosen = draw(st.permutations(spots))[:count]
    return [(x + draw(st.floats(-0.05, 0.05)), y + draw(st.floats(-0.05, 0.05))) for x, y in chosen]


@st.composite
def trips(draw: st.DrawFn) -> list[Points]:
    """Straight from starts to goals, two to six robots."""
    count = draw(st.integers(2, 6))
    return [[a, b] for a, b in zip(draw(places(count)), draw(places(count)), strict=True)]


def make_fleet(world: str, ways: list[Points], faults: Faults | None = None, seed: int = 0) -> ProtocolFleet:
    fleet = ProtocolFleet([Polyline(way) for way in ways], faults or Faults(), seed, grid=WORLDS[world])
    fleet.start_coordinator()
    return fleet


def in_a_circle(waits_for: Mapping[str, list[str]]) -> set[str]:
    """Who waits for itself, through others."""
    found = set()
    for name in waits_for:
        seen: set[str] = set()
        left = list(waits_for[name])
        while left:
            other = left.pop()
            if other not in seen:
                seen.add(other)
                left += waits_for.get(other, [])
        if name in seen:
            found.add(name)
    return found


def stands(robot: RailRobot) -> bool:
    return robot.v == 0.0 and robot.rules.hold - robot.rules.progress < STANDING and not robot.arrived


def check_waiting(fleet: ProtocolFleet) -> None:
    """No circle among those that stand, but for deadlocks that are being seen to."""
    (coordinator,) = fleet.coordinators.values()
    standing = {robot.name: robot.rules.advice.waits_for for robot in fleet.robots if stands(robot)}
    circle = in_a_circle({name: [o for o in others if o in standing] for name, others in standing.items()})
    if circle and not coordinator._offers:
        assert circle & coordinator._deadlocks._banker.stuck(coordinator._occupants(fleet.now)), (
            f"{standing} at {fleet.now:.1f} s"
        )


def play(fleet: ProtocolFleet, seconds: float) -> None:
    until = fleet.now + seconds
    while fleet.now < until and not fleet.all_arrived:
        fleet.step()
        check_waiting(fleet)


def late(fleet: ProtocolFleet) -> str:
    robots = {r.name: (r.place, r.rules.advice.waits_for) for r in fleet.robots if not r.arrived}
    reports = [coordinator.reports for coordinator in fleet.coordinators.values()]
    return f"at {fleet.now:.0f} s: {robots} {reports}"


@settings(FOUND_NOT_SHRUNK, max_examples=25)
@given(st.sampled_from(sorted(WORLDS)), trips())
def test_all_arrive_and_nobody_ever_waits_in_a_circle(world: str, ways: list[Points]) -> None:
    fleet = make_fleet(world, ways)
    play(fleet, 200.0)
    assert fleet.all_arrived, late(fleet)


@settings(FOUND_NOT_SHRUNK, max_examples=8)
@given(st.sampled_from(sorted(WORLDS)), trips(), st.integers(0, 999))
def test_nor_on_a_network_that_loses_delays_and_doubles_messages(world: str, ways: list[Points], seed: int) -> None:
    fleet = make_fleet(world, ways, Faults(loss=0.3, delay=0.2, duplication=0.2), seed)
    until = 25.0
    while fleet.now < until and not fleet.all_arrived:
        fleet.step()  # which checks the footprints
    fleet.heal()
    play(fleet, 200.0)
    assert fleet.all_arrived, late(fleet)


@settings(FOUND_NOT_SHRUNK, max_examples=15)
@given(trips(), st.integers(0, 200), st.data())
def test_without_any_one_robot_the_others_intervals_are_valid_and_they_arrive(
    ways: list[Points], rounds: int, data: st.DataObject
) -> None:
    """Among those that could all drive to their goals, wherever they are when one is taken out."""
    scene = Scene(ways, planned=True)
    assume(scene.banker.finishable(scene.occupants) == set(scene.occupants))
    scene.drive(rounds)
    rest = scene.without(data.draw(st.sampled_from(sorted(scene.occupants))))
    rest.check()
    assert rest.banker.finishable(rest.occupants) == {name for name, o in rest.occupants.items() if not o.arrived}
    rest.drive(3000)
    assert rest.all_arrived


# Cases that were found by the tests above; each broke an earlier version.
@pytest.mark.parametrize(
    ("world", "ways"),
    [
        ("one gap", [[(4.63, 3.66), (1.21, 1.41)], [(3.83, 8.09), (9.81, 7.42)], [(7.08, 8.82), (9.42, 3.66)],
                     [(10.03, 1.94), (7.2, 7.37)]]),
        ("two gaps", [[(4.87, 4.15), (9.82, 4.74)], [(1.47, 3.47), (4.5, 2.34)], [(7.06, 4.63), (2.96, 2.47)],
                      [(3.4, 7.4), (4.55, 7.69)], [(8.89, 8.29), (1.73, 7.13)]]),
        ("open floor", [[(4.51, 4.33), (7.81, 6.88)], [(2.07, 2.56), (7.55, 1.43)], [(9.94, 2.52), (4.69, 7.57)],
                        [(9.23, 8.39), (5.35, 6.49)], [(1.05, 5.58), (8.69, 3.52)], [(0.94, 3.29), (2.09, 6.83)]]),
        ("open floor", [[(7.701, 7.081), (8.320, 3.482)], [(1.079, 7.289), (9.095, 2.679)],
                        [(1.349, 3.447), (8.657, 1.181)], [(4.937, 5.687), (1.824, 7.605)]]),
    ],
)  # fmt: skip
def test_found_cases(world: str, ways: list[Points]) -> None:
    fleet = make_fleet(world, ways)
    play(fleet, 120.0)
    assert fleet.all_arrived, late(fleet)
