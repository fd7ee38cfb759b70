"""Schedules in scenes that one can draw, and against all orders of insertion."""

from __future__ import annotations

from itertools import pairwise, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ewm_ros.coordination.delay_conflicts import DelayConflicts, delay_conflicts
from ewm_ros.coordination.schedule import find_schedule, keep_order
from ewm_ros.coordination.timed_route import timed_route
from ewm_ros.geometry import FloatArray, Polyline

SPEED, ACCELERATION, DISTANCE = 0.5, 0.75, 0.8
#            north
#              |
#    west -----+----- east        each 5 m from the crossing
#              |
#            south
EASTWARD = Polyline([[-5.0, 0.0], [5.0, 0.0]])
NORTHWARD = Polyline([[0.0, -5.0], [0.0, 5.0]])
EASTWARD_AHEAD = Polyline([[-4.0, 0.0], [7.0, 0.0]])
NORTHWARD_LATER = Polyline([[0.0, -6.0], [0.0, 3.0]])


def of(*paths: Polyline) -> DelayConflicts:
    """Conflicts of robots that stand at the beginnings of their paths."""
    routes = [timed_route(path, SPEED, ACCELERATION) for path in paths]
    return delay_conflicts(routes, np.full((len(paths), len(paths)), DISTANCE))


def through_the_door(count: int) -> list[Polyline]:
    """Ways that change sides through one door, every other one from the west; places on an arc of 5 m on each side."""
    paths = []
    for k in range(count):
        side = -1.0 if k % 2 == 0 else 1.0
        angle = np.radians(12.0 + 24.0 * (k // 2))
        x, y = 5.0 * np.cos(angle) + 1.5, 5.0 * np.sin(angle)
        paths.append(Polyline([[side * x, y], [side * 1.5, 0.0], [-side * 1.5, 0.0], [-side * x, -y]]))
    return paths


DOOR = of(*through_the_door(6))


def test_who_has_the_way_to_itself_does_not_wait() -> None:
    alone = find_schedule(of(EASTWARD))
    apart = find_schedule(of(EASTWARD, Polyline([[-5.0, 9.0], [5.0, 9.0]])))
    for schedule in (alone, apart):
        assert schedule is not None
        assert schedule.sum_of_delays == schedule.cost == 0.0
        assert schedule.waits_for == ()
        assert schedule.proven
        assert not schedule.before.any()


def test_a_fleet_of_nobody_has_a_schedule() -> None:
    schedule = find_schedule(delay_conflicts([], np.zeros((0, 0))))
    assert schedule is not None
    assert schedule.sum_of_delays == 0.0


def test_at_a_crossing_one_of_two_waits_until_the_other_is_through() -> None:
    conflicts = of(EASTWARD, NORTHWARD)
    schedule = find_schedule(conflicts)
    assert schedule is not None
    assert sorted(schedule.delays) == pytest.approx([0.0, conflicts.high[0, 1, 0]])
    ((late, early),) = schedule.waits_for
    assert schedule.before[early, late] and not schedule.before[late, early]
    assert schedule.delays[early] == 0.0


def test_of_two_that_follow_each_other_the_one_ahead_stays_ahead() -> None:
    schedule = find_schedule(of(EASTWARD, EASTWARD_AHEAD))
    assert schedule is not None
    assert schedule.before[1, 0] and not schedule.before[0, 1]
    assert schedule.sum_of_delays == 0.0


@pytest.mark.parametrize("important", [0, 1])
def test_who_counts_more_goes_first(important: int) -> None:
    weights = [1.0, 1.0]
    weights[important] = 3.0
    schedule = find_schedule(of(EASTWARD, NORTHWARD), weights=weights)
    assert schedule is not None
    assert schedule.delays[important] == 0.0
    assert schedule.waits_for == ((1 - important, important),)


def test_a_robot_that_drives_in_the_crossing_already_goes_first_whatever_it_counts() -> None:
    schedule = find_schedule(of(EASTWARD, NORTHWARD), weights=[1.0, 100.0], fixed={0: 0.0})
    assert schedule is not None
    assert schedule.delays[0] == 0.0
    assert schedule.waits_for == ((1, 0),)


def test_who_meets_nobody_does_not_wait_and_what_is_settled_of_him_stays() -> None:
    far = [Polyline([[-5.0, y], [5.0, y]]) for y in (20.0, 30.0)]
    schedule = find_schedule(of(EASTWARD, NORTHWARD, *far), fixed={3: 7.0})
    assert schedule is not None
    assert schedule.delays[2:].tolist() == [0.0, 7.0]
    assert schedule.proven


def test_two_that_are_settled_are_nobodys_task() -> None:
    nose_to_nose = Polyline([[5.0, 0.0], [-5.0, 0.0]])
    schedule = find_schedule(of(EASTWARD, nose_to_nose, NORTHWARD), fixed={0: 0.0, 1: 0.0})
    assert schedule is not None
    assert schedule.delays[2] > 0.0


def test_robots_nose_to_nose_have_no_schedule_and_the_others_have_one_without_them() -> None:
    conflicts = of(EASTWARD, Polyline([[5.0, 0.0], [-5.0, 0.0]]), NORTHWARD)
    assert find_schedule(conflicts) is None
    assert conflicts.impossible() == [(0, 1)]
    assert find_schedule(conflicts.subset(np.array([1, 2]))) is not None


def test_who_parks_in_the_crossing_waits_for_all_who_have_to_pass() -> None:
    into_the_crossing = Polyline([[-5.0, 0.0], [0.0, 0.0]])
    schedule = find_schedule(of(into_the_crossing, NORTHWARD, NORTHWARD_LATER), weights=[100.0, 1.0, 1.0])
    assert schedule is not None
    assert schedule.before[1, 0] and schedule.before[2, 0]
    assert schedule.delays[0] > 0.0


def test_a_ring_of_robots_that_must_all_leave_at_once_is_solved() -> None:
    corners = [(0.0, 0.0), (4.0, 0.0), (4.0, 4.0), (0.0, 4.0)]
    ring = of(*(Polyline([corners[k], corners[(k + 1) % 4]]) for k in range(4)))
    schedule = find_schedule(ring)
    assert schedule is not None
    assert schedule.sum_of_delays == 0.0
    held_up = find_schedule(ring, fixed={1: 20.0})  # the one behind cannot arrive before, nor the one behind that
    assert held_up is not None
    assert 20.0 > held_up.delays[0] > held_up.delays[3] > held_up.delays[2] > 0.0


def test_the_first_answer_comes_even_if_there_is_no_time_at_all() -> None:
    schedule = find_schedule(DOOR, out_of_time=lambda: True)
    assert schedule is not None
    assert DOOR.violated(schedule.delays) == []
    assert not schedule.proven


def test_with_more_time_it_becomes_no_worse() -> None:
    costs = []
    for calls in (0, 2, 9, 1000):
        left = iter([False] * calls)
        schedule = find_schedule(DOOR, effort=512, out_of_time=lambda left=left: next(left, True))  # type: ignore[misc]
        assert schedule is not None
        costs.append(schedule.cost)
    assert costs == sorted(costs, reverse=True)


def test_robots_pass_a_door_in_batches() -> None:
    schedule = find_schedule(DOOR)
    assert schedule is not None
    order = np.argsort(schedule.delays)
    sides = [int(robot) % 2 for robot in order]
    changes = sum(a != b for a, b in pairwise(sides))
    assert changes < len(sides) - 1
    one_by_one = find_schedule(DOOR, first=[(k, k + 1) for k in range(5)])  # from the west, from the east, ...
    assert one_by_one is not None
    assert schedule.sum_of_delays < one_by_one.sum_of_delays


def test_the_same_question_has_the_same_answer() -> None:
    first, second = find_schedule(DOOR), find_schedule(DOOR)
    assert first is not None and second is not None
    assert first.delays.tolist() == second.delays.tolist()


def test_an_order_is_kept_until_another_one_is_clearly_better() -> None:
    conflicts = of(EASTWARD, NORTHWARD)
    one, other = (find_schedule(conflicts, first=[pair]) for pair in ((0, 1), (1, 0)))
    assert one is not None and other is not None
    assert one.cost == pytest.approx(other.cost)
    kept = keep_order(conflicts, other, one.before, margin=0.5)
    assert kept.before.tolist() == one.before.tolist()
    # One comes so much later now that to wait for it costs more than the margin.
    late = of(Polyline([[-9.0, 0.0], [5.0, 0.0]]), NORTHWARD)
    proposed = find_schedule(late)
    assert proposed is not None
    assert keep_order(late, proposed, one.before, margin=0.5) is proposed


def test_an_order_that_has_become_impossible_is_not_kept() -> None:
    blocked = of(Polyline([[-5.0, 0.0], [0.0, 0.0]]), NORTHWARD)  # parks in the crossing: it has to be second
    proposed = find_schedule(blocked)
    assert proposed is not None
    assert keep_order(blocked, proposed, np.array([[False, True], [False, False]]), margin=100.0) is proposed


BOUND = st.integers(-8, 8).map(float)
OPEN = st.sampled_from([-np.inf, np.inf])


@st.composite
def made_up_conflicts(draw: st.DrawFn, most: int = 4) -> DelayConflicts:
    """Intervals that nobody's paths need to have: up to two a pair, some without end."""
    count = draw(st.integers(1, most))
    low, high = np.full((count, count, 2), np.inf), np.full((count, count, 2), -np.inf)
    for i in range(count):
        for j in range(i):
            ends = sorted(draw(st.lists(BOUND, max_size=2, unique=True)) + draw(st.lists(BOUND, max_size=2)))
            if draw(st.integers(0, 4)) == 0:
                ends = sorted([*ends, draw(OPEN)])
            for m, (a, b) in enumerate(zip(ends[0::2], ends[1::2], strict=False)):
                low[i, j, m], high[i, j, m] = a, b
                low[j, i, m], high[j, i, m] = -b, -a
    return DelayConflicts(low, high)


def insert(conflicts: DelayConflicts, order: tuple[int, ...]) -> FloatArray | None:
    """Delays by inserting robots in this order, each as early as it can."""
    delays: dict[int, float] = {}
    for robot in order:
        others = list(delays)
        ends = [0.0] + [
            delays[other] + end for other in others for end in conflicts.high[robot, other] if np.isfinite(end)
        ]
        free = [
            d
            for d in sorted(ends)
            if d >= 0.0
            and not any(
                low + 1e-6 < d - delays[other] < high - 1e-6
                for other in others
                for low, high in zip(conflicts.low[robot, other], conflicts.high[robot, other], strict=True)
            )
        ]
        if not free:
            return None
        delays[robot] = free[0]
    return np.array([delays[robot] for robot in range(conflicts.count)])


@settings(deadline=None, max_examples=200)
@given(made_up_conflicts(), st.data())
def test_what_is_proven_is_the_best_of_all_orders(conflicts: DelayConflicts, data: st.DataObject) -> None:
    weights = np.array([data.draw(st.sampled_from([1.0, 2.0, 5.0])) for _ in range(conflicts.count)])
    schedule = find_schedule(conflicts, weights=weights, effort=512)
    tried = [insert(conflicts, order) for order in permutations(range(conflicts.count))]
    costs = [float(delays @ weights) for delays in tried if delays is not None]
    if not costs:
        assert schedule is None
        return
    assert schedule is not None
    assert schedule.proven
    assert schedule.cost == pytest.approx(min(costs))
    assert conflicts.violated(schedule.delays) == []
