"""The trapezoidal law against its definition: within the limits, at rest at the end, nothing wasted."""

from __future__ import annotations

import numpy as np
import pytest
from driven import way
from hypothesis import given
from hypothesis import strategies as st

from ewm_ros.coordination.trapezoid import Trapezoid

LENGTH = st.floats(0.01, 30.0)
SPEED = st.floats(0.1, 2.0)
ACCELERATION = st.floats(0.1, 3.0)


def test_a_long_way_has_a_steady_part() -> None:
    law = Trapezoid(16.0, 0.5, 0.75)
    assert law.duration == pytest.approx(16.0 / 0.5 + 0.5 / 0.75)
    times, ways, slack = law.knots(1.0)
    assert times == pytest.approx([0.0, 2.0 / 3.0, 32.0, 32.0 + 2.0 / 3.0])
    assert ways == pytest.approx([0.0, 1.0 / 6.0, 16.0 - 1.0 / 6.0, 16.0])
    assert slack[1] == 0.0


def test_a_short_way_has_none() -> None:
    assert Trapezoid(0.1, 0.5, 0.9).duration == pytest.approx(2.0 * (0.1 / 0.9) ** 0.5)


def test_nothing_left_to_drive_takes_no_time() -> None:
    assert Trapezoid(0.0, 0.5, 0.75).duration == 0.0
    assert Trapezoid(0.0, 0.5, 0.75).knots(0.01) == ([0.0], [0.0], [])


def test_a_robot_too_fast_to_stop_in_time_brakes_evenly_all_the_way() -> None:
    law = Trapezoid(0.3, 0.5, 0.5, speed=1.2)
    assert law.duration == pytest.approx(0.5)
    times, ways, _ = law.knots(1.0)
    assert (times[-1], ways[-1]) == pytest.approx((0.5, 0.3))


def test_a_robot_faster_than_its_limit_brakes_to_it_first() -> None:
    law = Trapezoid(10.0, 0.5, 0.5, speed=1.0)
    times, ways, _ = law.knots(1.0)
    assert (times[1], ways[1]) == pytest.approx((1.0, 0.75))
    assert ways[-1] == pytest.approx(10.0)


@given(LENGTH, SPEED, ACCELERATION, st.floats(0.001, 0.1), st.floats(0.0, 1.0))
def test_between_its_knots_it_is_as_near_to_uniform_motion_as_it_says(
    length: float, speed: float, acceleration: float, tolerance: float, share: float
) -> None:
    now = share * min(speed, (2.0 * acceleration * length) ** 0.5)
    law = Trapezoid(length, speed, acceleration, now)
    times, ways, slack = law.knots(tolerance)
    assert max(slack) <= tolerance * 1.000001
    assert ways[-1] == pytest.approx(length)
    assert np.all(np.diff(times) > 0.0)
    fine = np.linspace(0.0, law.duration, 500)
    # A robot that moves is one that came from rest some way back.
    back = 0.5 * now * now / acceleration
    exact = way(fine + now / acceleration, length + back, speed, acceleration) - back
    stretch = np.clip(np.searchsorted(times, fine, side="right") - 1, 0, len(slack) - 1)
    assert np.all(np.abs(np.interp(fine, times, ways) - exact) <= np.array(slack)[stretch] + 1e-6)


@given(LENGTH, SPEED, ACCELERATION)
def test_the_time_at_a_place_is_when_it_is_there(length: float, speed: float, acceleration: float) -> None:
    law = Trapezoid(length, speed, acceleration)
    ways = np.linspace(0.0, length, 50)
    assert way(law.time_at(ways), length, speed, acceleration) == pytest.approx(ways, abs=1e-6)
