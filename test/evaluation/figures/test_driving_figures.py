"""How straight robots drove, and how long they stood in deadlocks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from wire_values import Points, route

from ewm_ros.evaluation.figures.driving_figures import DrivingFigures
from ewm_ros.evaluation.figures.episode import STUCK_TIME, Episode
from ewm_ros.trajectory import STEP

SPEED = 0.5  # m/s
Way = Callable[[float], tuple[float, float]]


def along(*corners: tuple[float, float]) -> Way:
    """Where a robot is that drives along these corners."""
    points = np.array(corners)
    lengths = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])

    def place(time: float) -> tuple[float, float]:
        s = SPEED * time
        return float(np.interp(s, lengths, points[:, 0])), float(np.interp(s, lengths, points[:, 1]))

    return place


def driven(
    seconds: float, way: Way, told: Points | None = None, tremble: float = 0.0, told_at: float = 0.0
) -> DrivingFigures:
    """One robot's figures after some time on its way; told: its route."""
    episode = Episode(["ada"], [(6.0, 0.0)], 1000.0)
    figures, noise = DrivingFigures(episode), np.random.default_rng(1)
    if told is not None:
        figures.route(replace(route("ada", told), stamp=told_at))
    for k in range(round(seconds / STEP)):
        place = np.array([way(k * STEP)]) + noise.normal(0.0, tremble, (1, 2))
        episode.update(k * STEP, place)
        figures.step(k * STEP, place)
    return figures


DETOUR = along((0.0, 0.0), (3.0, 4.0), (6.0, 0.0))  # 10 m, and 6 straight on


def test_who_drives_as_planned_is_efficient() -> None:
    figures = driven(21.0, DETOUR, told=[(0.0, 0.0), (3.0, 4.0), (6.0, 0.0)])
    assert figures.path_efficiency({0: (0.0, 20.0)}) == pytest.approx(1.0, abs=0.005)


def test_who_drives_further_than_planned_is_not() -> None:
    figures = driven(21.0, DETOUR, told=[(0.0, 0.0), (6.0, 0.0)])
    assert figures.path_efficiency({0: (0.0, 20.0)}) == pytest.approx(0.6, abs=0.005)


def test_without_a_route_the_straight_line_is_the_plan() -> None:
    assert driven(21.0, DETOUR).path_efficiency({0: (0.0, 20.0)}) == pytest.approx(0.6, abs=0.005)
    elsewhere = driven(21.0, DETOUR, told=[(0.0, 0.0), (9.0, 9.0)])
    assert elsewhere.path_efficiency({0: (0.0, 20.0)}) == pytest.approx(0.6, abs=0.005)


def test_a_route_that_is_told_on_the_way_counts_from_there() -> None:
    figures = driven(21.0, DETOUR, told=[(3.0, 4.0), (6.0, 0.0)], told_at=10.0)
    assert figures.path_efficiency({0: (0.0, 20.0)}) == pytest.approx(1.0, abs=0.01)


def test_who_arrives_short_of_the_end_of_its_route_has_not_taken_a_short_cut() -> None:
    figures = driven(19.5, DETOUR, told=[(0.0, 0.0), (3.0, 4.0), (6.0, 0.0)])
    assert figures.path_efficiency({0: (0.0, 19.4)}) == pytest.approx(1.0, abs=0.005)


def test_trembling_is_no_driving() -> None:
    figures = driven(80.0, DETOUR, told=[(0.0, 0.0), (3.0, 4.0), (6.0, 0.0)], tremble=0.005)
    assert figures.path_efficiency({0: (0.0, 79.0)}) == pytest.approx(1.0, abs=0.03)


def test_who_had_nowhere_to_go_tells_nothing() -> None:
    assert driven(5.0, along((0.0, 0.0), (0.1, 0.0))).path_efficiency({0: (0.0, 4.0)}) is None
    assert driven(5.0, DETOUR).path_efficiency({}) is None
    assert DrivingFigures(Episode(["ada"], [(0.0, 0.0)], 1.0)).path_efficiency({0: (0.0, 4.0)}) is None


@pytest.mark.parametrize("standing", [STUCK_TIME - 1.0, STUCK_TIME + 10.0])
def test_time_in_a_deadlock_counts_from_when_the_robot_stood(standing: float) -> None:
    way = along((0.0, 0.0), (3.0, 0.0))

    def halting(time: float) -> tuple[float, float]:
        return way(min(time, 2.0) + max(time - 2.0 - standing, 0.0))

    figures = driven(standing + 4.0, halting)
    # A deadlock begins with the last 0.1 m before the halt, and ends with the first ones after it.
    expected = standing if standing > STUCK_TIME else 0.0
    assert figures.deadlock_time == pytest.approx(expected, abs=0.6)
