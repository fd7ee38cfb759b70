"""Schedules of random fleets, driven in small steps by other code than made them."""

from __future__ import annotations

from itertools import permutations

import numpy as np
from driven import places
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from ewm_ros.coordination.delay_conflicts import DelayConflicts, delay_conflicts
from ewm_ros.coordination.kept_distance import kept_distance
from ewm_ros.coordination.schedule import Schedule, find_schedule
from ewm_ros.coordination.timed_route import timed_route
from ewm_ros.geometry import FloatArray, Polyline
from ewm_ros.randomness import stream

SPEED, ACCELERATION = 0.5, 0.75
DISTANCE = 0.72  # m, two tinybots and the clearance
FLOOR = 8.0  # m
STEP = 0.02  # s: 1 cm of travel


@st.composite
def fleets(draw: st.DrawFn) -> tuple[list[Polyline], FloatArray]:
    """Paths over one or two places between, starts and goals apart; and a speed (m/s) for each robot."""
    rng = stream(draw(st.integers(0, 10_000)), 0, "fleets of a test")
    count = draw(st.integers(2, 6))
    ends: list[FloatArray] = []
    while len(ends) < 2 * count:
        place = rng.uniform(0.0, FLOOR, 2)
        if all(np.hypot(*(place - other)) > 1.2 for other in ends):
            ends.append(place)
    between = rng.uniform(0.0, FLOOR, (count, int(rng.integers(1, 3)), 2))
    paths = [Polyline([ends[2 * k], *between[k], ends[2 * k + 1]]) for k in range(count)]
    moving = np.zeros(count)
    moving[0] = draw(st.sampled_from([0.0, 0.3, 0.5]))
    return paths, moving


def conflicts_of(paths: list[Polyline], moving: FloatArray) -> tuple[DelayConflicts, FloatArray]:
    """Their conflicts, and how far apart (m) they are kept."""
    routes = [timed_route(path, SPEED, ACCELERATION, speed=now) for path, now in zip(paths, moving, strict=True)]
    distance = kept_distance(routes, np.full((len(paths), len(paths)), DISTANCE))
    return delay_conflicts(routes, distance), distance


def check_driven(paths: list[Polyline], moving: FloatArray, schedule: Schedule, distance: FloatArray) -> None:
    """No two robots come too close."""
    times = np.arange(0.0, schedule.delays.max() + 80.0, STEP)
    driven = [
        places(path, times - delay, SPEED, ACCELERATION, now=now)
        for path, delay, now in zip(paths, schedule.delays, moving, strict=True)
    ]
    for i in range(len(paths)):
        for j in range(i):
            assert np.hypot(*(driven[i] - driven[j]).T).min() >= distance[i, j] - 1e-9


def check_no_cycle(schedule: Schedule) -> None:
    """Whoever waits for somebody is not waited for by him, directly or through others."""
    left = set(schedule.waits_for)
    while left:
        waiting = {i for i, _ in left}
        settled = {(i, j) for i, j in left if j not in waiting}
        assert settled, f"a cycle in {sorted(left)}"
        left -= settled


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.filter_too_much])
@given(fleets(), st.data())
def test_no_two_robots_ever_come_too_close(fleet: tuple[list[Polyline], FloatArray], data: st.DataObject) -> None:
    paths, moving = fleet
    conflicts, distance = conflicts_of(paths, moving)
    weights = [data.draw(st.sampled_from([1.0, 3.0, 10.0])) for _ in paths]
    fixed = {0: 0.0} if moving[0] else {}
    best = find_schedule(conflicts, weights=weights, fixed=fixed)
    assume(best is not None)
    assert best is not None
    assert conflicts.violated(best.delays) == []
    check_driven(paths, moving, best, distance)
    check_no_cycle(best)
    assert not any(moving[robot] and delay for robot, delay in enumerate(best.delays))


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.filter_too_much])
@given(fleets())
def test_a_schedule_stays_valid_when_a_robot_drops_out(fleet: tuple[list[Polyline], FloatArray]) -> None:
    paths, moving = fleet
    schedule = find_schedule(conflicts_of(paths, moving)[0])
    assume(schedule is not None)
    assert schedule is not None
    for gone in range(len(paths)):
        rest = np.array([robot for robot in range(len(paths)) if robot != gone])
        conflicts, _ = conflicts_of([paths[robot] for robot in rest], moving[rest])
        assert conflicts.violated(schedule.delays[rest]) == []


def one_after_the_other(conflicts: DelayConflicts, lasting: list[float], order: tuple[int, ...]) -> bool:
    """Whether each may set out when the one before in this order has arrived."""
    delays, now = np.zeros(len(order)), 0.0
    for robot in order:
        delays[robot] = now
        now += lasting[robot]
    return not conflicts.violated(delays)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.filter_too_much])
@given(fleets())
def test_fleets_that_can_drive_one_after_the_other_are_always_solved(fleet: tuple[list[Polyline], FloatArray]) -> None:
    paths, _ = fleet
    conflicts, _ = conflicts_of(paths, np.zeros(len(paths)))
    lasting = [timed_route(path, SPEED, ACCELERATION).duration for path in paths]
    assume(any(one_after_the_other(conflicts, lasting, order) for order in permutations(range(len(paths)))))
    for effort in (1, 32):
        assert find_schedule(conflicts, effort=effort) is not None
