"""Plans on a common grid: exact on all knots, and never smaller than the plans on equal steps."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_plans import random_plans, told
from wire_values import intention

from ewm_ros.coordination.plan_grid import PlanGrid, PlannedMotion, on_knots, on_steps
from ewm_ros.errors import InputError
from ewm_ros.geometry import FloatArray
from ewm_ros.messages import Knot
from ewm_ros.trajectory import Trajectory

CORNER = PlannedMotion("r0", 0.3, np.array([[0.0, 0.0, 0.0, 0.1], [0.15, 0.15, 0.0, 0.1], [0.3, 0.15, 0.15, 0.1]]))


def densely(grid: PlanGrid) -> FloatArray:
    """Times of the grid, and nine between any two of them."""
    index = np.linspace(0.0, len(grid.times) - 1.0, 10 * len(grid.times) - 9)
    return np.interp(index, np.arange(len(grid.times)), grid.times)


def discs_of(grid: PlanGrid, robot: int, times: FloatArray) -> FloatArray:
    """(3, T) m: what a grid says of a robot at these times."""
    return np.stack([np.interp(times, grid.times, row) for row in grid.discs[:, robot]])


@settings(deadline=None)
@given(random_plans())
def test_on_all_knots_the_grid_says_what_the_plans_say_at_every_time(plans: list[PlannedMotion]) -> None:
    grid = on_knots(plans)
    assert grid.times[0] == max(plan.knots[0, 0] for plan in plans)
    assert grid.times[-1] == max(plan.knots[-1, 0] for plan in plans)
    assert grid.widened == 0.0
    times = densely(grid)
    for k, plan in enumerate(plans):
        np.testing.assert_allclose(discs_of(grid, k, times), told(plan, times), rtol=0.0, atol=1e-9)


@settings(deadline=None)
@given(random_plans(), st.sampled_from((0.05, 0.1, 0.17)))
def test_on_equal_steps_each_disc_holds_the_plans_disc_at_every_time(plans: list[PlannedMotion], step: float) -> None:
    grid = on_steps(plans, steps=12, step=step)
    times = densely(grid)
    for k, plan in enumerate(plans):
        ours, theirs = discs_of(grid, k, times), told(plan, times)
        assert (np.hypot(*(ours - theirs)[:2]) + theirs[2] <= ours[2] + 1e-9).all()
        at = discs_of(grid, k, grid.times) - told(plan, grid.times)
        np.testing.assert_allclose(at[:2], 0.0, atol=1e-9)
        assert (at[2] <= grid.widened + 1e-9).all()


def test_a_corner_between_two_steps_widens_the_steps_beside_it_by_what_is_cut_off() -> None:
    grid = on_steps([CORNER], steps=3)
    cut = math.hypot(0.025, 0.025)  # from (0.15, 0) to the line from (0.1, 0) to (0.15, 0.05)
    assert grid.discs[2, 0] == pytest.approx([0.4, 0.4 + cut, 0.4 + cut, 0.4])
    assert grid.widened == pytest.approx(cut)


def test_knots_on_the_steps_are_exact_but_for_rounding() -> None:
    grid = on_steps([CORNER], steps=6, step=0.05)
    assert grid.widened < 1e-12
    assert grid.discs[:, 0, 3] == pytest.approx([0.15, 0.0, 0.4])


def test_an_intention_is_told_from_its_stamp_on_and_stands_at_its_end() -> None:
    word = intention("r7", stamp=100.0)
    knots = (Knot(0.0, 1.0, 2.0, 0.0, 0.02), Knot(2.0, 2.0, 2.0, 0.0, 0.12))
    grid = on_steps([PlannedMotion.of_intention(replace(word, plan=replace(word.plan, knots=knots)), 0.3)], steps=50)
    assert grid.robots == ("r7",)
    assert grid.times[[0, -1]] == pytest.approx([100.0, 105.0])
    assert grid.discs[:, 0, 10] == pytest.approx([1.5, 2.0, 0.37])
    assert grid.discs[:, 0, -1] == pytest.approx([2.0, 2.0, 0.42])


def test_a_trajectory_is_told_from_its_first_step_on() -> None:
    trajectory = Trajectory(7.0, np.array([[0.1, 0.0, 0.0], [0.2, 0.5, 0.0]]), np.array([0.01, 0.03]))
    grid = on_knots([PlannedMotion.of_trajectory("r0", trajectory, 0.3)])
    assert grid.times == pytest.approx([7.1, 7.2])
    assert grid.discs[:, 0] == pytest.approx(np.array([[0.1, 0.2], [0.0, 0.5], [0.31, 0.33]]))


def test_a_grid_of_all_knots_can_be_cut_to_a_stretch_of_time() -> None:
    assert on_knots([CORNER], start=0.1, stop=0.2).times.tolist() == [0.1, 0.15, 0.2]
    assert on_knots([CORNER], start=9.0).times.tolist() == [9.0]


def test_before_its_first_knot_a_robot_stands_there() -> None:
    grid = on_knots([PlannedMotion("r0", 0.3, CORNER.knots + np.array([2.0, 0.0, 0.0, 0.0]))], start=1.0)
    assert grid.times == pytest.approx([1.0, 2.0, 2.15, 2.3])
    assert grid.discs[0, 0] == pytest.approx([0.0, 0.0, 0.15, 0.15])


def row(*numbers: float) -> FloatArray:
    return np.array([numbers], dtype=np.float64)


@pytest.mark.parametrize(
    ("footprint", "knots", "complaint"),
    [
        (0.3, row(0.0, math.nan, 0.0, 0.1), "plan of r3: every number must be finite"),
        (0.3, row(0.0, 0.0, math.inf, 0.1), "plan of r3: every number must be finite"),
        (0.3, row(-math.inf, 0.0, 0.0, 0.1), "plan of r3: every number must be finite"),
        (math.nan, row(0.0, 0.0, 0.0, 0.1), "plan of r3: every number must be finite"),
        (-0.1, row(0.0, 0.0, 0.0, 0.1), "plan of r3: .* the footprint not negative"),
        (0.3, row(0.0, 0.0, 0.0, -0.1), "plan of r3: its uncertainty is -0.1 m"),
        (0.3, np.zeros((2, 4)), "plan of r3: each knot must be later"),
        (0.3, np.zeros((0, 4)), "plan of r3: it needs"),
        (0.3, np.zeros((2, 3)), "plan of r3: it needs"),
    ],
)
def test_an_impossible_plan_is_refused_with_the_robots_name(
    footprint: float, knots: FloatArray, complaint: str
) -> None:
    with pytest.raises(InputError, match=complaint):
        PlannedMotion("r3", footprint, knots)


def test_impossible_grids_are_refused() -> None:
    crowd = [PlannedMotion(f"r{k}", 0.3, row(0.0, 0.0, 0.0, 0.1)) for k in range(3)]
    with pytest.raises(InputError, match="needs a plan at least"):
        on_knots([])
    with pytest.raises(InputError, match="two plans of r1"):
        on_steps([*crowd, crowd[1]])
    with pytest.raises(InputError, match=r"0 steps of 0\.1 s"):
        on_steps(crowd, steps=0)
    with pytest.raises(InputError, match="3 robots at 10000001 moments are too many"):
        on_steps(crowd, steps=10_000_000)
    with pytest.raises(InputError, match="times that are finite and increase"):
        on_knots(crowd, start=math.nan)
    with pytest.raises(InputError, match="times that are finite and increase"):
        PlanGrid(("r0",), np.zeros(2), np.zeros((3, 1, 2)))
    with pytest.raises(InputError, match=r"\(3, 1, 2\) numbers"):
        PlanGrid(("r0",), np.arange(2.0), np.zeros((3, 2, 2)))
