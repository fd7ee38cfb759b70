"""Distances to boxes and discs."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ewm_ros.geometry import FloatArray
from ewm_ros.simulation.worlds.shapes import Bounds, Box, Disc, DistanceField, border


class Site:
    bounds = Bounds((-6.0, 6.0), (-5.0, 5.0))

    def __init__(self, *boxes: Box, discs: tuple[Disc, ...] = ()) -> None:
        self.boxes = boxes
        self.discs = discs


def outline(box: Box, per_side: int = 400) -> FloatArray:
    corners = box.corners()
    f = np.linspace(0.0, 1.0, per_side)[:, None]
    return np.concatenate([a + f * (b - a) for a, b in zip(corners, np.roll(corners, -1, axis=0), strict=True)])


number = st.floats(-4.0, 4.0)
side = st.floats(0.1, 3.0)


@given(x=number, y=number, length=side, width=side, yaw=st.floats(-4.0, 4.0), px=number, py=number)
def test_distance_to_a_box_is_that_to_the_nearest_point_of_its_outline(
    x: float, y: float, length: float, width: float, yaw: float, px: float, py: float
) -> None:
    box = Box("wall_0", x, y, length, width, yaw, 1.0)
    signed = DistanceField(Site(box)).distances(np.array([[px, py]]))[0, 0]
    to_outline = np.hypot(*(outline(box) - [px, py]).T).min()
    assert abs(signed) == pytest.approx(to_outline, abs=0.005)
    along = math.cos(yaw) * (px - x) + math.sin(yaw) * (py - y)
    across = -math.sin(yaw) * (px - x) + math.cos(yaw) * (py - y)
    inside = abs(along) < length / 2 and abs(across) < width / 2
    assert inside == (signed < 0.0) or abs(signed) < 1e-9


def test_distances_to_discs_and_the_names_of_the_columns() -> None:
    field = DistanceField(Site(*border(Site.bounds), discs=(Disc("pillar_0", 1.0, 0.0, 0.25, 1.0),)))
    row = dict(zip(field.names, field.distances(np.array([[0.0, 0.0]]))[0], strict=True))
    expected = {"border_west": 6.0, "border_east": 6.0, "border_south": 5.0, "border_north": 5.0, "pillar_0": 0.75}
    assert row == pytest.approx(expected)


def test_corners_run_counterclockwise() -> None:
    corners = Box("wall_0", 1.0, -2.0, 2.0, 0.5, 0.7, 1.0).corners()
    x, y = corners.T
    assert 0.5 * np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y) == pytest.approx(1.0)
    assert corners.mean(axis=0) == pytest.approx([1.0, -2.0])


@given(
    box=st.tuples(number, number, side, side, st.floats(-4.0, 4.0)),
    a=st.tuples(number, number),
    b=st.tuples(number, number),
)
def test_distance_of_a_line_is_that_of_its_nearest_point(
    box: tuple[float, ...], a: tuple[float, float], b: tuple[float, float]
) -> None:
    site = Site(Box("wall_0", *box, 1.0), discs=(Disc("pillar_0", 1.0, -1.0, 0.4, 1.0),))
    field = DistanceField(site)
    points = np.array(a) + np.linspace(0.0, 1.0, 2001)[:, None] * (np.array(b) - a)
    nearest = np.maximum(field.distances(points).min(axis=0), 0.0)
    assert field.from_segment(a, b) == pytest.approx(nearest, abs=0.004)


def test_a_line_that_just_crosses_a_corner_touches_the_box() -> None:
    field = DistanceField(Site(Box("wall_0", 0.0, 0.0, 2.0, 2.0, 0.0, 1.0)))
    assert field.from_segment((0.0, 1.9), (1.9, 0.0))[0] == 0.0
    assert field.from_segment((0.0, 2.1), (2.1, 0.0))[0] == pytest.approx(0.1 / math.sqrt(2.0))
    assert field.from_segment((-3.0, 0.5), (3.0, 0.5))[0] == 0.0
    assert field.from_segment((0.1, 0.1), (0.2, 0.1))[0] == 0.0
