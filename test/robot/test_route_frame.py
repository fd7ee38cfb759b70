"""Places in coordinates of a route, there and back, against a point every few millimetres."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from random_paths import random_paths

from ewm_ros.geometry import FloatArray, Polyline, Pose2D
from ewm_ros.robot.route_frame import BEHIND, BESIDE, STRAIGHT, RouteFrame, places_of, poses_of

CORNER = Polyline([[0, 0], [4, 0], [4, 3]])
FINE = 0.002  # m between the points of the brute force
FRACTION = st.floats(0.0, 1.0)


def here(path: Polyline, progress: float) -> Pose2D:
    return Pose2D(*path.point_at(progress), path.heading_at(progress))


def frame(path: Polyline, progress: float = 0.0) -> RouteFrame:
    return RouteFrame(path, here(path, progress), progress)


def numbers(*values: float) -> FloatArray:
    return np.array(values, dtype=np.float64)


def test_a_place_ahead_and_to_the_left_of_a_straight_route() -> None:
    s, d = frame(CORNER, 1.0).place(np.array([[3.0, 0.5], [2.0, -0.25], [0.5, 0.0]]), 2.9)
    assert s == pytest.approx([2.0, 1.0, -0.5])
    assert d == pytest.approx([0.5, -0.25, 0.0])


def test_round_the_corner_the_route_goes_on() -> None:
    poses = frame(CORNER, 3.0).poses(numbers(0.5, 2.0), numbers(0.2, 0.2), numbers(0.0, math.pi / 2))
    assert poses == pytest.approx(np.array([[3.5, 0.2, 0.0], [3.8, 1.0, math.pi / 2]]))
    s, d = frame(CORNER, 3.0).place(poses[:, :2], 4.0)
    assert s == pytest.approx([0.5, 2.0])
    assert d == pytest.approx([0.2, 0.2])


@st.composite
def meandering(draw: st.DrawFn) -> tuple[Polyline, float]:
    """A path whose pieces all head within 40 degrees of east, and a point of it that is 0.15 m from all corners."""
    steps = draw(st.lists(st.tuples(st.floats(0.5, 2.0), st.floats(-0.7, 0.7)), min_size=1, max_size=6))
    ends = np.cumsum([(length * math.cos(turn), length * math.sin(turn)) for length, turn in steps], axis=0)
    path = Polyline(np.vstack([[0.0, 0.0], ends]))
    piece = draw(st.integers(0, len(steps) - 1))
    return path, float(path.s[piece]) + 0.15 + draw(FRACTION) * (steps[piece][0] - 0.3)


@settings(deadline=None)
@given(meandering(), FRACTION, st.floats(-0.05, 0.05), st.floats(-3.0, 3.0))
def test_there_and_back_again(drawn: tuple[Polyline, float], share: float, beside: float, turned: float) -> None:
    path, there = drawn
    progress = share * there
    known = frame(path, progress)
    pose = known.poses(numbers(there - progress), numbers(beside), numbers(turned))
    s, d = known.place(pose[:, :2], path.length)
    assert s[0] == pytest.approx(there - progress, abs=1e-6)
    assert d[0] == pytest.approx(beside, abs=1e-6)
    assert math.cos(pose[0, 2] - known.pose.yaw - turned) == pytest.approx(1.0)


@settings(deadline=None, max_examples=60)
@given(random_paths(), FRACTION, st.floats(0.0, 4.0), st.floats(-1.0, 1.0), st.floats(-1.0, 1.0))
def test_a_place_is_that_of_the_nearest_point_of_the_route_near_the_robot(
    path: Polyline, share: float, reach: float, dx: float, dy: float
) -> None:
    progress = share * path.length
    x, y = path.point_at(progress + reach / 2.0)
    place = np.array([[x + dx, y + dy]])
    s, d = frame(path, progress).place(place, reach)
    low, high = max(progress - BEHIND, 0.0), min(progress + reach, path.length)
    assert low - 1e-9 <= progress + s[0] <= high + 2e-6
    assert math.dist(path.point_at(progress + s[0]), place[0]) == pytest.approx(abs(d[0]), abs=1e-5)
    nearby = path.sample(np.append(np.arange(low, high, FINE), high))
    assert abs(d[0]) == pytest.approx(np.hypot(*(nearby - place).T).min(), abs=FINE)


@settings(deadline=None, max_examples=60)
@given(random_paths(), FRACTION, st.floats(-1.0, 1.0), st.floats(-1.0, 1.0))
def test_what_is_left_of_a_route_is_right_of_its_mirror_image(
    path: Polyline, share: float, dx: float, dy: float
) -> None:
    assume(dy != 0.0)  # straight behind the start of a route to the east there is no side
    progress = share * path.length
    x, y = path.point_at(progress)
    s, d = frame(path, progress).place(np.array([[x + dx, y + dy]]), 3.0)
    image = Polyline(path.points * [1.0, -1.0])
    s_image, d_image = frame(image, progress).place(np.array([[x + dx, -y - dy]]), 3.0)
    assert s_image == pytest.approx(s)
    assert d_image == pytest.approx(-d) or abs(d[0]) < 1e-9


@pytest.mark.parametrize("path", [None, Polyline([[7.0, 7.0]])])
def test_without_a_route_a_straight_line_ahead_stands_in(path: Polyline | None) -> None:
    pose = Pose2D(1.0, 2.0, math.pi / 2)
    known = RouteFrame(path, pose, 3.0)
    assert (known.progress, known.path.length) == (0.0, pytest.approx(STRAIGHT))
    s, d = known.place(np.array([[0.5, 6.0]]), 9.0)
    assert (s[0], d[0]) == (pytest.approx(4.0), pytest.approx(0.5))
    assert known.misalignment == pytest.approx(0.0)
    assert known.poses(numbers(4.0), numbers(0.5), numbers(0.1))[0] == pytest.approx([0.5, 6.0, math.pi / 2 + 0.1])


def test_nobody_is_foreseen_beyond_the_ends_of_the_route() -> None:
    poses = frame(CORNER, 1.0).poses(numbers(99.0, -99.0), numbers(0.0, 0.0), numbers(0.0, 0.0))
    assert poses[:, :2].tolist() == [[4.0, 3.0], [0.0, 0.0]]


def test_what_lies_beyond_the_ends_is_as_far_beside_them_as_it_is_away() -> None:
    s, d = frame(CORNER, 6.5).place(np.array([[4.0, 4.0], [4.0, 30.0]]), 9.0)
    assert s == pytest.approx([0.5, 0.5])
    assert np.abs(d) == pytest.approx([1.0, BESIDE])


def test_a_robot_is_looked_for_no_further_back_than_a_little() -> None:
    s, d = frame(CORNER, 3.0).place(np.array([[0.5, 0.0]]), 1.0)
    assert s[0] == pytest.approx(-BEHIND)
    assert abs(d[0]) == pytest.approx(1.5)


@pytest.mark.parametrize("progress", [7.0, 7.5, 20.0])
def test_at_the_end_and_beyond_there_are_still_coordinates(progress: float) -> None:
    known = RouteFrame(CORNER, Pose2D(4.0, 3.0, 0.0), progress)
    s, d = known.place(np.array([[4.0, 3.0], [3.0, 3.0]]), 2.0)
    assert np.isfinite([s, d]).all()
    assert np.abs(d) == pytest.approx([0.0, 1.0])
    assert known.poses(numbers(1.0), numbers(0.5), numbers(0.0))[0, :2] == pytest.approx([3.5, 3.0])
    assert known.misalignment == pytest.approx(-math.pi / 2)


def test_shapes_are_kept() -> None:
    known = frame(CORNER, 1.0)
    s, d = known.place(np.zeros((4, 3, 2)), 1.0)
    assert s.shape == d.shape == (4, 3)
    assert known.poses(s, d, np.zeros((4, 3))).shape == (4, 3, 3)


@pytest.mark.parametrize(("progress", "heading"), [(3.0, 0.0), (3.9, 0.0), (4.1, math.pi / 2), (8.0, math.pi / 2)])
def test_misalignment_is_to_the_piece_of_the_route_that_the_robot_is_on(progress: float, heading: float) -> None:
    known = RouteFrame(CORNER, Pose2D(3.0, 0.0, 0.5), progress)
    assert known.misalignment == pytest.approx(0.5 - heading)


def test_a_robot_is_to_the_left_or_to_the_right_of_its_route_as_any_other_place_is() -> None:
    for x, y in np.random.default_rng(1).uniform(-1.0, 6.0, (200, 2)).tolist():
        known = RouteFrame(CORNER, Pose2D(x, y, 0.0), 3.5)
        _, beside = known.place(np.array([[x, y]]), 1.0)
        assert known.beside == pytest.approx(beside[0])


@settings(deadline=None)
@given(
    paths=st.lists(random_paths(), min_size=2, max_size=5),
    share=FRACTION,
    reach=st.floats(0.5, 8.0),
    seed=st.integers(0, 99),
)
def test_of_several_routes_at_once_each_is_as_it_is_alone(
    paths: list[Polyline], share: float, reach: float, seed: int
) -> None:
    frames = [frame(path, share * path.length) for path in paths]
    near = np.array([[known.pose.x, known.pose.y] for known in frames])[:, None]
    points = near + np.random.default_rng(seed).uniform(-5.0, 5.0, (len(frames), 6, 2))
    s, d = places_of(frames, points, [reach] * len(frames))
    poses = poses_of(frames, s, d, d)
    for known, places, along, beside, there in zip(frames, points, s, d, poses, strict=True):
        assert (np.array(known.place(places, reach)) == (along, beside)).all()
        assert (known.poses(along, beside, beside) == there).all()
