"""The forbidden set against brute force: every pair of points, and every cell of the matrix."""

from __future__ import annotations

import math
from weakref import ref

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ewm_ros.coordination.conflict_space import (
    CELL,
    CLEARANCE,
    LEAST_CLEARANCE,
    NEVER,
    SHORT,
    ConflictSpace,
    cell,
    shared_space,
)
from ewm_ros.geometry import Polyline

DISTANCE = 0.6  # m, two tinybots
COORDINATE = st.integers(-30, 30).map(lambda dm: dm / 10.0)
PATH = st.lists(st.tuples(COORDINATE, COORDINATE), min_size=1, max_size=4).map(Polyline)
PROGRESS = st.floats(0.0, 25.0)
INTERVAL = st.tuples(PROGRESS, PROGRESS).map(sorted)


def matrix(space: ConflictSpace, a: Polyline, b: Polyline) -> NDArray[np.bool_]:
    """The whole forbidden set, one entry a pair of cells, with room beyond the ends."""
    whole = np.zeros((cell(max(a.length, 25.0)) + 2, cell(max(b.length, 25.0)) + 2), dtype=np.bool_)
    whole[slice(*space.rows), slice(*space.columns)] = space.forbidden
    return whole


def densely(path: Polyline) -> NDArray[np.float64]:
    """Progress every 9 mm: between the cells' middles, at their borders and at the end."""
    return np.append(np.arange(0.0, path.length, 0.009), path.length)


@settings(deadline=None)
@given(PATH, PATH)
def test_no_pair_of_points_that_are_too_close_is_missed(a: Polyline, b: Polyline) -> None:
    whole = matrix(ConflictSpace(a, b, DISTANCE), a, b)
    on_a, on_b = densely(a), densely(b)
    gaps = a.sample(on_a)[:, None, :] - b.sample(on_b)[None, :, :]
    too_close = np.hypot(gaps[..., 0], gaps[..., 1]) < DISTANCE + CLEARANCE
    rows, columns = np.nonzero(too_close)
    cells_a, cells_b = (np.array([cell(s) for s in on]) for on in (on_a, on_b))
    assert whole[cells_a[rows], cells_b[columns]].all()


@settings(deadline=None)
@given(PATH, PATH)
def test_nothing_is_forbidden_that_is_a_cell_further_apart_than_needed(a: Polyline, b: Polyline) -> None:
    rows, columns = np.nonzero(matrix(ConflictSpace(a, b, DISTANCE), a, b))
    gaps = a.sample(rows * CELL) - b.sample(columns * CELL)
    assert (np.hypot(gaps[:, 0], gaps[:, 1]) <= DISTANCE + CLEARANCE + CELL).all()


@settings(deadline=None)
@given(PATH, PATH, INTERVAL, INTERVAL)
def test_a_box_is_blocked_if_one_of_its_cells_is_forbidden(
    a: Polyline, b: Polyline, on_a: list[float], on_b: list[float]
) -> None:
    space = ConflictSpace(a, b, DISTANCE)
    box = matrix(space, a, b)[cell(on_a[0]) : cell(on_a[1]) + 1, cell(on_b[0]) : cell(on_b[1]) + 1]
    assert space.blocked(*on_a, *on_b) == box.any()


@settings(deadline=None)
@given(PATH, PATH, INTERVAL, INTERVAL)
def test_a_way_is_free_until_shortly_before_the_first_forbidden_cell(
    a: Polyline, b: Polyline, on_a: list[float], on_b: list[float]
) -> None:
    space, (start, stop) = ConflictSpace(a, b, DISTANCE), on_a
    end = space.free_until(start, stop, *on_b)
    rows = matrix(space, a, b)[:, cell(on_b[0]) : cell(on_b[1]) + 1].any(axis=1)
    blocked = [k for k in range(cell(start), cell(stop) + 1) if rows[k]]
    assert end == pytest.approx((blocked[0] - 0.5) * CELL - SHORT if blocked else stop)
    assert end < start or not space.blocked(start, end, *on_b)


@settings(deadline=None)
@given(PATH, PATH, PROGRESS, PROGRESS)
def test_who_has_passed_leaves_nothing_forbidden_ahead(a: Polyline, b: Polyline, on_a: float, on_b: float) -> None:
    space = ConflictSpace(a, b, DISTANCE)
    whole = matrix(space, a, b)
    through = not whole[cell(on_a) :].any() or not whole[:, cell(on_b) :].any()
    assert space.passed(on_a, on_b) == through
    assert not through or not space.blocked(on_a, 30.0, on_b, 30.0)


@settings(deadline=None)
@given(PATH, PATH, INTERVAL, INTERVAL)
def test_the_other_robot_sees_the_same_set(a: Polyline, b: Polyline, on_a: list[float], on_b: list[float]) -> None:
    space = ConflictSpace(a, b, DISTANCE)
    turned, afresh = space.transposed(), ConflictSpace(b, a, DISTANCE)
    assert (matrix(turned, b, a) == matrix(afresh, b, a)).all()
    assert turned.blocked(*on_b, *on_a) == space.blocked(*on_a, *on_b)
    assert turned.free_until(*on_b, *on_a) == afresh.free_until(*on_b, *on_a)
    assert turned.empty == space.empty


@settings(deadline=None)
@given(PATH, PATH)
def test_all_who_ask_share_one_space_for_as_long_as_somebody_keeps_it(a: Polyline, b: Polyline) -> None:
    assume(a.points.tobytes() != b.points.tobytes())
    space = shared_space(a, b, DISTANCE)
    assume(space is not NEVER)  # that one is everybody's, for ever
    assert shared_space(Polyline(a.points), Polyline(b.points), DISTANCE) is space
    assert shared_space(b, a, DISTANCE) is space.transposed()
    assert space.transposed().transposed() is space
    assert shared_space(a, b, DISTANCE, LEAST_CLEARANCE) is not space
    afresh, whole = ConflictSpace(a, b, DISTANCE), matrix(space, a, b)
    assert (whole == matrix(afresh, a, b)).all()
    last = ref(space)
    del space
    assert last() is None


@given(PATH, PATH, st.tuples(st.floats(-8.0, 8.0), st.floats(-8.0, 8.0)))
def test_two_that_are_taken_to_be_far_apart_are_never_too_close(
    a: Polyline, b: Polyline, moved: tuple[float, float]
) -> None:
    there = Polyline(b.points + np.array(moved))
    space, worked_out = shared_space(a, there, DISTANCE), ConflictSpace(a, there, DISTANCE)
    assert space.empty == worked_out.empty
    assert space is not NEVER or not worked_out.forbidden.any()
    assert space.transposed().empty == space.empty


def test_two_that_stand_apart_share_nothing() -> None:
    space = ConflictSpace(Polyline([(0, 0)]), Polyline([(1, 0)]), DISTANCE)
    assert space.empty
    assert space.passed(0.0, 0.0)
    assert not space.blocked(0.0, 1.0, 0.0, 1.0)


def test_two_that_stand_in_each_other_block_each_other() -> None:
    space = ConflictSpace(Polyline([(0, 0)]), Polyline([(0.5, 0)]), DISTANCE)
    assert space.blocked(0.0, 0.0, 0.0, 0.0)
    assert space.free_until(0.0, 1.0, 0.0, 0.0) < 0.0


def test_of_a_right_angled_crossing_a_disc_is_forbidden() -> None:
    """ASCII: r1 comes up through the middle of r0's way of 10 m, both 5 m from their starts."""
    space = ConflictSpace(Polyline([(-5, 0), (5, 0)]), Polyline([(0, -5), (0, 5)]), DISTANCE)
    radius = DISTANCE + CLEARANCE
    assert space.free_until(0.0, 10.0, 5.0, 5.0) == pytest.approx(5.0 - radius, abs=2 * CELL + SHORT)
    assert space.free_until(0.0, 10.0, 0.0, 5.0 - radius - 2 * CELL) == 10.0
    assert math.isclose(space.rows[0] * CELL, 5.0 - radius, abs_tol=2 * CELL)
    assert math.isclose(space.rows[1] * CELL, 5.0 + radius, abs_tol=2 * CELL)
