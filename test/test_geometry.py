"""Polylines against brute force: a point every millimetre."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ewm_ros.errors import InputError
from ewm_ros.geometry import FloatArray, Polyline, wrap_angle, wrap_angles

FINE = 0.001  # m between the points of the brute force
COORDINATE = st.integers(-400, 400).map(lambda cm: cm / 100.0)
POINT = st.tuples(COORDINATE, COORDINATE)
POINTS = st.lists(POINT, min_size=1, max_size=6)
FRACTION = st.floats(0.0, 1.0)


def every_millimetre(points: list[tuple[float, float]]) -> tuple[FloatArray, FloatArray]:
    """Arc lengths (M,) and points (M, 2) along straight pieces, by nothing but addition."""
    s, rows, length = [np.zeros(1)], [np.array([points[0]], dtype=float)], 0.0
    for a, b in pairwise(points):
        piece = math.dist(a, b)
        share = np.linspace(0.0, 1.0, math.ceil(piece / FINE) + 1)
        s.append(length + share * piece)
        rows.append(np.array(a) + share[:, None] * (np.array(b) - np.array(a)))
        length += piece
    return np.concatenate(s), np.concatenate(rows)


@settings(deadline=None)
@given(POINTS, FRACTION)
def test_the_point_at_an_arc_length_is_where_one_comes_by_walking_it(
    points: list[tuple[float, float]], share: float
) -> None:
    path, (s, rows) = Polyline(points), every_millimetre(points)
    assert path.length == pytest.approx(s[-1])
    wanted = share * path.length
    walked = rows[np.abs(s - wanted).argmin()]
    assert math.dist(path.point_at(wanted), walked) <= FINE
    assert path.sample(np.array([wanted]))[0] == pytest.approx(path.point_at(wanted))


@settings(deadline=None)
@given(POINTS, POINT, FRACTION, FRACTION)
def test_projection_finds_the_nearest_point_of_the_window(
    points: list[tuple[float, float]], place: tuple[float, float], a: float, b: float
) -> None:
    path, (s, rows) = Polyline(points), every_millimetre(points)
    start, stop = sorted((a * path.length, b * path.length))
    found, distance = path.project(*place, start, stop)
    assert start - 1e-9 <= found <= stop + 1e-9
    assert distance == pytest.approx(math.dist(path.point_at(found), place), abs=1e-9)
    inside = rows[(s >= start) & (s <= stop)]
    if len(inside):
        assert distance <= np.hypot(*(inside - place).T).min() + 1e-9


@settings(deadline=None)
@given(POINTS)
def test_a_point_of_the_path_projects_onto_itself(points: list[tuple[float, float]]) -> None:
    path = Polyline(points)
    for corner in points:
        assert path.project(*corner)[1] <= 1e-9


@settings(deadline=None)
@given(POINTS, FRACTION)
def test_the_heading_points_to_where_the_path_goes_on(points: list[tuple[float, float]], share: float) -> None:
    path = Polyline(points)
    assume(path.length > 0.0)
    here = share * path.length
    ahead = min(path.length, min((s for s in path.s if s > here), default=path.length))
    behind = max(s for s in path.s if s < ahead)
    (x0, y0), (x1, y1) = path.point_at(behind), path.point_at(ahead)
    assert path.heading_at(here) == pytest.approx(math.atan2(y1 - y0, x1 - x0))


@settings(deadline=None)
@given(POINTS, st.lists(st.floats(-2.0, 30.0), max_size=5), FRACTION)
def test_the_segments_of_many_arc_lengths_are_those_that_hold_them(
    points: list[tuple[float, float]], anywhere: list[float], share: float
) -> None:
    path = Polyline(points)
    s = np.array([*anywhere, share * path.length, *path.s])
    found = path.segments(s)
    for value, k in zip(s.tolist(), found.tolist(), strict=True):
        if path.length == 0.0:
            assert k == 0
        else:
            assert 0 <= k < len(path.s) - 1
            assert path.s[k] <= min(max(value, 0.0), path.length) <= path.s[k + 1]
            steps = path.points[k + 1] - path.points[k]
            assert math.atan2(steps[1], steps[0]) == path.heading_at(value)


@given(POINTS, FRACTION, FRACTION)
def test_a_part_of_a_path_is_its_ends_and_the_points_between_them(
    points: list[tuple[float, float]], share: float, other: float
) -> None:
    path = Polyline(points)
    low, high = sorted((share * path.length, other * path.length))
    s, x, y = path.part(low, high)
    assert s == [low, *(at for at in path.s.tolist() if low < at < high), high]
    assert list(zip(x, y, strict=True)) == [path.point_at(at) for at in s]


def test_arc_lengths_beyond_the_ends_mean_the_ends() -> None:
    path = Polyline([(0, 0), (3, 0), (3, 4)])
    assert path.length == 7.0
    assert path.point_at(-1.0) == (0.0, 0.0)
    assert path.point_at(99.0) == (3.0, 4.0)
    assert path.project(10.0, 4.0) == (7.0, 7.0)
    assert path.project(3.0, 4.0, start=0.0, stop=2.0) == (2.0, math.dist((2, 0), (3, 4)))


def test_a_single_point_is_a_path_of_no_length() -> None:
    path = Polyline([(1.0, 2.0)])
    assert (path.length, path.point_at(5.0), path.heading_at(5.0)) == (0.0, (1.0, 2.0), 0.0)
    assert path.project(4.0, 6.0) == (0.0, 5.0)


def test_doubled_points_are_dropped() -> None:
    assert Polyline([(0, 0), (0, 0), (1, 0), (1, 0)]).points.tolist() == [[0.0, 0.0], [1.0, 0.0]]


@pytest.mark.parametrize(
    "points", [[], [(0.0, math.nan)], [(0.0, math.inf)], [1.0, 2.0], [(0, 0, 0)], np.zeros((2, 2, 2))]
)
def test_what_is_no_path_is_refused(points: object) -> None:
    with pytest.raises(InputError, match=r"finite points"):
        Polyline(points)


@settings(deadline=None)
@given(st.floats(-100.0, 100.0))
def test_a_wrapped_angle_is_the_same_direction_in_half_a_turn_either_way(angle: float) -> None:
    wrapped = wrap_angle(angle)
    assert -math.pi <= wrapped < math.pi
    assert math.cos(wrapped - angle) == pytest.approx(1.0)


@given(st.lists(st.floats(-100.0, 100.0)))
def test_many_angles_are_wrapped_as_each_alone(angles: list[float]) -> None:
    assert wrap_angles(np.array(angles)).tolist() == [wrap_angle(angle) for angle in angles]


@given(
    st.lists(st.floats(-30.0, 30.0) | st.sampled_from([0.0, math.pi, -math.pi, math.tau, 3.0 * math.pi]), max_size=9)
)
def test_many_angles_are_wrapped_as_each_is(angles: list[float]) -> None:
    assert wrap_angles(np.array(angles)).tolist() == [wrap_angle(angle) for angle in angles]
