"""Conflicts of plans in continuous time: scenes with a known answer, and all pairs looked at every millisecond."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_plans import random_plans, told

from ewm_ros.coordination.conflict_detection import PlanConflict, detect_conflicts
from ewm_ros.coordination.plan_grid import PlanGrid, PlannedMotion, on_knots, on_steps
from ewm_ros.errors import InputError
from ewm_ros.evaluation.costs.detect_cost import drawn_plans
from ewm_ros.geometry import FloatArray

TICK = 1e-3  # s of the brute force


def plan(robot: str, *knots: tuple[float, float, float], footprint: float = 0.3, grows: float = 0.0) -> PlannedMotion:
    """Knots of t, x, y; the uncertainty grows by so many m/s from 0."""
    return PlannedMotion(robot, footprint, np.array([(t, x, y, grows * t) for t, x, y in knots]))


def conflicts(*plans: PlannedMotion) -> list[PlanConflict]:
    return list(detect_conflicts(on_knots(plans)))


def test_two_that_cross_between_their_knots_are_found_though_apart_at_each_of_them() -> None:
    eastward = plan("a", (0.0, -2.0, 0.0), (4.0, 2.0, 0.0))
    northward = plan("b", (0.0, 0.0, -2.0), (4.0, 0.0, 2.0))
    (found,) = conflicts(eastward, northward)
    assert found.robots == ("a", "b")
    # Both are t - 2 m from the crossing, and sqrt 2 times that apart.
    assert found.time == pytest.approx(2.0 - 0.6 / math.sqrt(2.0))
    assert (found.gap, found.gap_time) == pytest.approx((-0.6, 2.0))
    assert (found.x, found.y) == pytest.approx((-0.15 * math.sqrt(2.0), -0.15 * math.sqrt(2.0)))


def test_who_passes_the_crossing_later_is_in_no_conflict() -> None:
    eastward = plan("a", (0.0, -2.0, 0.0), (4.0, 2.0, 0.0))
    later = plan("b", (1.0, 0.0, -2.0), (5.0, 0.0, 2.0))
    assert conflicts(eastward, later) == []  # 0.707 m apart at the least
    assert len(conflicts(eastward, plan("b", (0.8, 0.0, -2.0), (4.8, 0.0, 2.0)))) == 1


def test_head_on_the_place_of_the_first_touch_is_between_the_bodies_by_their_size() -> None:
    large = plan("a", (0.0, 0.0, 1.0), (5.0, 5.0, 1.0), footprint=0.6)
    small = plan("b", (0.0, 5.0, 1.0), (5.0, 0.0, 1.0), footprint=0.2)
    (found,) = conflicts(large, small)
    assert found.time == pytest.approx((5.0 - 0.8) / 2.0)
    assert (found.x, found.y) == pytest.approx((2.7, 1.0))
    assert (found.gap, found.gap_time) == pytest.approx((-0.8, 2.5))


def test_to_touch_is_no_conflict() -> None:
    lane = plan("a", (0.0, 0.0, 0.0), (5.0, 2.5, 0.0))
    beside = plan("b", (0.0, 0.0, 0.6), (5.0, 2.5, 0.6))
    assert conflicts(lane, beside) == []
    assert len(conflicts(lane, plan("b", (0.0, 0.0, 0.599), (5.0, 2.5, 0.599)))) == 1


def test_two_that_stand_conflict_once_their_uncertainty_has_grown_into_each_other() -> None:
    one = plan("a", (0.0, 0.0, 0.0), (5.0, 0.0, 0.0), grows=0.1)
    other = plan("b", (0.0, 1.0, 0.0), (5.0, 1.0, 0.0), grows=0.04)
    (found,) = conflicts(one, other)
    assert found.time == pytest.approx(0.4 / 0.14)
    assert (found.gap, found.gap_time) == pytest.approx((1.0 - 0.6 - 0.7, 5.0))
    assert found.x == pytest.approx(0.3 + 0.1 * 0.4 / 0.14)


def test_uncertainties_are_added() -> None:
    apart = 0.6 + 0.5 + 0.5
    uncertain = [PlannedMotion(name, 0.3, np.array([[0.0, x, 0.0, 0.5]])) for name, x in (("a", 0.0), ("b", apart))]
    assert conflicts(*uncertain) == []
    uncertain[1] = PlannedMotion("b", 0.3, np.array([[0.0, apart - 0.01, 0.0, 0.5]]))
    assert conflicts(*uncertain)[0].gap == pytest.approx(-0.01)


def test_two_that_overlap_from_the_start_do_so_then_and_there() -> None:
    one, other = plan("a", (3.0, 0.0, 0.0), (5.0, 1.0, 0.0)), plan("b", (3.0, 0.4, 0.0), (5.0, 0.4, 0.0))
    (found,) = conflicts(one, other)
    assert (found.time, found.x, found.y) == pytest.approx((3.0, 0.2, 0.0))
    assert (found.gap, found.gap_time) == pytest.approx((-0.6, 3.8))


def test_after_the_end_of_its_plan_a_robot_is_in_the_way() -> None:
    (found,) = conflicts(plan("a", (0.0, 0.0, 0.0)), plan("b", (0.0, 5.0, 0.0), (10.0, 0.0, 0.0)))
    assert found.time == pytest.approx((5.0 - 0.6) / 0.5)


def test_the_second_of_two_encounters_counts_when_it_is_the_closer_one() -> None:
    stands = plan("a", (0.0, 0.0, 0.0))
    returns = plan("b", (0.0, -2.0, 0.5), (4.0, 2.0, 0.5), (5.0, 2.0, 0.1), (9.0, -2.0, 0.1))
    (found,) = conflicts(stands, returns)
    assert found.time == pytest.approx(2.0 - math.sqrt(0.6**2 - 0.5**2))
    assert (found.gap, found.gap_time) == pytest.approx((0.1 - 0.6, 7.0))


def brute_force(plans: list[PlannedMotion], times: FloatArray) -> dict[tuple[str, str], FloatArray]:
    """The gap of each pair of plans at these times, m."""
    discs = {one.robot: told(one, times) for one in plans}
    gaps = {}
    for one, other in combinations(discs, 2):
        x, y = discs[one][:2] - discs[other][:2]
        gaps[one, other] = np.hypot(x, y) - discs[one][2] - discs[other][2]
    return gaps


@settings(deadline=None, max_examples=300)
@given(random_plans())
def test_it_finds_what_a_look_at_every_millisecond_finds(plans: list[PlannedMotion]) -> None:
    grid = on_knots(plans)
    times = np.append(np.arange(grid.times[0], grid.times[-1], TICK), grid.times[-1])
    found = {conflict.robots: conflict for conflict in detect_conflicts(grid)}
    for robots, gaps in brute_force(plans, times).items():
        # No gap changes faster than discs move and grow: knots are 0.1 s apart at least.
        missed = TICK / 2.0 * 2.0 * (math.hypot(4.0, 4.0) + 0.6) / 0.1
        if robots not in found:
            assert gaps.min() > -1e-6
            continue
        conflict = found[robots]
        assert conflict.gap - 1e-9 <= gaps.min() <= conflict.gap + missed
        assert abs(np.interp(conflict.gap_time, times, gaps) - conflict.gap) <= missed
        assert (gaps[times < conflict.time - 1e-9] > -1e-6).all()
        if conflict.time > times[0]:
            assert abs(np.interp(conflict.time, times, gaps)) <= missed


@settings(deadline=None)
@given(random_plans())
def test_the_order_of_the_robots_does_not_matter(plans: list[PlannedMotion]) -> None:
    forwards = {frozenset(found.robots): found for found in conflicts(*plans)}
    backwards = {frozenset(found.robots): found for found in conflicts(*plans[::-1])}
    assert forwards.keys() == backwards.keys()
    for robots, one in forwards.items():
        other = backwards[robots]
        assert (one.time, one.x, one.y, one.gap) == pytest.approx((other.time, other.x, other.y, other.gap), abs=1e-6)


@settings(deadline=None)
@given(random_plans(), st.sampled_from((0.1, 0.17)))
def test_equal_steps_miss_no_conflict_and_find_none_later(plans: list[PlannedMotion], step: float) -> None:
    steps = 12
    safe = on_steps(plans, steps=steps, step=step)
    exact = on_knots(plans, start=safe.times[0], stop=safe.times[-1])
    on_time = {found.robots: found for found in detect_conflicts(safe)}
    for found in detect_conflicts(exact):
        if found.gap < -1e-8:
            assert on_time[found.robots].time <= found.time + 1e-6
            assert on_time[found.robots].gap <= found.gap + 1e-8


@pytest.mark.parametrize("robots", [2, 30, 100])
def test_the_prefilter_loses_nothing(robots: int) -> None:
    plans = drawn_plans(robots, 51, seed=5)
    grid = on_knots(plans)
    found = detect_conflicts(grid)
    expected = {}
    for i, j in combinations(range(robots), 2):
        pair = PlanGrid((plans[i].robot, plans[j].robot), grid.times, grid.discs[:, [i, j]])
        expected.update({alone.robots: alone for alone in detect_conflicts(pair)})
    assert {conflict.robots: conflict for conflict in found} == expected
    assert len(found) <= found.near <= found.examined
    assert robots < 30 or len(found) > 0


def test_with_a_thousand_robots_hardly_any_pair_is_looked_at() -> None:
    few, many = (detect_conflicts(on_steps(drawn_plans(count, 51, seed=0))) for count in (100, 1_000))
    assert many.examined < 1_000 * 999 / 2 / 100
    assert many.near < 1_000 * 999 / 2 / 1000
    for grown, before in ((many.examined, few.examined), (many.near, few.near), (len(many), len(few))):
        assert 5 * before < grown < 20 * before


def test_in_a_crowd_of_all_on_one_spot_every_pair_is_found() -> None:
    crowd = [plan(f"r{k}", (0.0, 0.001 * k, 0.0), (5.0, 0.001 * k, 1.0)) for k in range(150)]
    found = detect_conflicts(on_steps(crowd))
    assert len(found) == 150 * 149 / 2
    assert found.pairs.tolist() == [list(pair) for pair in combinations(range(150), 2)]
    assert set(found.time.tolist()) == {0.0}


@pytest.mark.parametrize("count", [0, 1])
def test_alone_nobody_is_in_conflict(count: int) -> None:
    found = detect_conflicts(PlanGrid(("r0",)[:count], np.arange(5.0), np.zeros((3, count, 5))))
    assert (len(found), list(found), found.near, found.examined) == (0, [], 0, 0)


@pytest.mark.parametrize("row", [0, 1, 2])
@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, 2e6])
@pytest.mark.parametrize("moment", [0, 30, 50])
def test_a_number_that_is_none_is_refused_with_the_robots_name(row: int, number: float, moment: int) -> None:
    grid = on_steps(drawn_plans(5, 51, seed=0))
    grid.discs[row, 3, moment] = number
    with pytest.raises(InputError, match=r"^plan of robot_3: every number must be finite") as refusal:
        detect_conflicts(grid)
    assert "\n" not in str(refusal.value)


def test_so_is_a_negative_radius() -> None:
    grid = on_steps(drawn_plans(5, 51, seed=0))
    grid.discs[2, 1, 20] = -0.01
    with pytest.raises(InputError, match=r"^plan of robot_1: .*no radius negative"):
        detect_conflicts(grid)
