"""Timed routes: whoever trusts the knots and their slack never looks for a robot in a wrong place."""

from __future__ import annotations

import numpy as np
import pytest
from driven import places
from hypothesis import given, settings
from hypothesis import strategies as st
from random_paths import arc, random_paths

from ewm_ros.coordination.timed_route import TOLERANCE, WAITING_DISC, timed_route
from ewm_ros.geometry import Polyline

SPEED, ACCELERATION = 0.5, 0.75


@settings(deadline=None)
@given(random_paths(), st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_the_robot_is_never_further_from_its_knots_than_the_slack(path: Polyline, share: float, pace: float) -> None:
    start = 0.9 * share * path.length
    now = pace * min(SPEED, (2.0 * ACCELERATION * (path.length - start)) ** 0.5)
    route = timed_route(path, SPEED, ACCELERATION, from_progress=start, speed=now)
    fine = np.linspace(0.0, route.duration, 400)
    exact = places(path, fine, SPEED, ACCELERATION, start, now)
    uniform = np.stack([np.interp(fine, route.times, route.points[:, axis]) for axis in (0, 1)], axis=1)
    stretch = np.clip(np.searchsorted(route.times, fine, side="right") - 1, 0, len(route.slack) - 1)
    assert np.all(np.hypot(*(exact - uniform).T) <= route.slack[stretch] + 1e-6)
    assert np.all(route.slack <= TOLERANCE + 1e-9)
    assert route.points[-1] == pytest.approx(path.points[-1])


def test_a_bend_of_many_points_takes_few_knots() -> None:
    bend = np.concatenate([[[-3.0, 0.0]], arc(1.0, 1.5)])
    fine = Polyline(np.stack([np.interp(np.linspace(0, 1, 300), np.linspace(0, 1, len(bend)), c) for c in bend.T], 1))
    assert len(timed_route(fine, SPEED, ACCELERATION).times) < 20


def test_a_robot_that_stands_waits_in_its_place() -> None:
    route = timed_route(Polyline([[0.0, 0.0], [4.0, 0.0]]), SPEED, ACCELERATION, from_progress=1.0)
    assert route.waiting == pytest.approx(np.array([[1.0, 0.0, 0.0]]))
    assert route.duration == pytest.approx(3.0 / SPEED + SPEED / ACCELERATION)


def test_a_robot_that_moves_waits_anywhere_up_to_where_it_can_stop() -> None:
    path = Polyline([[0.0, 0.0], [9.0, 0.0]])
    route = timed_route(path, 1.0, 0.5, from_progress=2.0, speed=1.0)
    for x in np.linspace(2.0, 3.0, 50):
        reach = route.waiting[:, 2] - np.abs(route.waiting[:, 0] - x)
        assert reach.max() >= -1e-9
    assert (route.waiting[:, 2] <= WAITING_DISC + 1e-9).all()
    assert route.duration == pytest.approx(6.0 / 1.0 + 1.0 / 0.5)


def test_a_robot_at_the_end_of_its_path_or_without_one_stays() -> None:
    for route in (
        timed_route(Polyline([[1.0, 2.0]]), SPEED, ACCELERATION),
        timed_route(Polyline([[0.0, 2.0], [1.0, 2.0]]), SPEED, ACCELERATION, from_progress=5.0),
    ):
        assert route.duration == 0.0
        assert route.points == pytest.approx(np.array([[1.0, 2.0]]))
        assert len(route.slack) == 0
