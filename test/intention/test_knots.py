"""The byte code of knots."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ewm_ros.errors import InputError
from ewm_ros.intention.knots import MAX_KNOTS, knot_of, knots_of, pack_knots, round_down, round_up, unpack_knots
from ewm_ros.messages import Knot


@settings(deadline=None)
@given(st.floats(0.0, 1e6))
def test_rounding_has_a_direction_and_stays_where_it_is(value: float) -> None:
    up, down = round_up(value, 100) / 100, round_down(value, 100) / 100
    assert down <= value <= up and up - down <= 0.01001
    assert round_up(up, 100) / 100 == up
    assert round_down(down, 100) / 100 == down


def test_a_heading_crosses_half_a_turn_the_shorter_way() -> None:
    # From 179 to -179 degrees: 2 units of 1/512 turn, one byte.
    before, after = Knot(0.0, 0.0, 0.0, math.radians(179), 0.0), Knot(1.0, 0.0, 0.0, math.radians(-179), 0.0)
    data = pack_knots([before, after])
    assert data[-2] == 2 * 2
    assert unpack_knots(data)[1].yaw == pytest.approx(after.yaw, abs=math.pi / 512)


@given(st.lists(st.tuples(*[st.integers(-2_000_000, 2_000_000)] * 5), min_size=1, max_size=8))
def test_knots_that_are_made_together_are_those_made_one_by_one(units: list[tuple[int, int, int, int, int]]) -> None:
    assert repr(knots_of(np.array(units))) == repr([knot_of(one) for one in units])


def test_the_extremes_of_the_map_follow_each_other() -> None:
    corners = [Knot(0.0, -1e4, 1e4, 0.0, 100.0), Knot(60.0, 1e4, -1e4, -math.pi, 0.0)]
    assert unpack_knots(pack_knots(corners)) == tuple(corners)


@pytest.mark.parametrize(
    ("knots", "complaint"),
    [
        ([], "0 knots"),
        ([Knot(i / 10, 0.0, 0.0, 0.0, 0.0) for i in range(MAX_KNOTS + 1)], "52 knots"),
        ([Knot(0.1, 0.0, 0.0, 0.0, 0.0)], "first knot is at t = 0.1 s"),
        ([Knot(0.0, 0.0, 0.0, 0.0, 0.0), Knot(0.004, 0.0, 0.0, 0.0, 0.0)], "knot 1 is not at least 0.01 s later"),
        ([Knot(0.0, 0.0, 0.0, 0.0, 0.0), Knot(60.1, 0.0, 0.0, 0.0, 0.0)], "t of a knot is 60.1"),
        ([Knot(0.0, math.nan, 0.0, 0.0, 0.0)], "x of a knot is nan"),
        ([Knot(0.0, 0.0, 1e5, 0.0, 0.0)], "y of a knot"),
        ([Knot(0.0, 0.0, 0.0, math.inf, 0.0)], "yaw of a knot is inf"),
        ([Knot(0.0, 0.0, 0.0, 0.0, -0.1)], "radius of a knot"),
    ],
)
def test_impossible_knots_are_not_packed(knots: list[Knot], complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        pack_knots(knots)


FIRST = bytes([0, 0, 0, 0])


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "0 numbers"),
        (FIRST + b"\x01", "5 numbers"),
        (FIRST[:3] + b"\x80", "end inside an integer"),
        (b"\x80\x00" + FIRST[1:], "longer than it need be"),
        (b"\xff\xff\xff\xff\x01" + FIRST[1:], "more than 4 bytes"),
        (b"\xff\xff\xff\x7f" + FIRST[1:], "further than 10000 m"),
        (b"\x00\x00\x80\x04\x00", "more than half a turn"),
        (b"\x00\x00\x00\x01", "radius outside"),
        (FIRST + b"\x00" + FIRST, "knot 1 is not later"),
        (FIRST + b"\xf1\x2e" + FIRST, "later than 60 s"),
        (FIRST + (b"\x01" + FIRST) * MAX_KNOTS, "52 knots"),
    ],
)
def test_impossible_bytes_are_refused(data: bytes, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        unpack_knots(data)
