"""Where all robots were at each step, from poses that come one by one."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ewm_ros.evaluation.figures.steps import PATIENCE, Steps
from ewm_ros.trajectory import STEP

Told = list[tuple[int, list[tuple[float, float]]]]


def handed_on(robots: int, poses: list[tuple[int, float, float]], flush: bool = True) -> Told:
    """Steps and places after these poses (robot, stamp, x); y is the robot."""
    told: Told = []

    def take(time: float, places: np.ndarray) -> None:
        told.append((round(time / STEP), [(x, y) for x, y in places.tolist()]))

    steps = Steps(robots, take)
    for robot, stamp, x in poses:
        steps.pose(robot, stamp, x, float(robot))
    if flush:
        steps.flush()
    return told


def test_a_step_is_over_when_all_robots_have_been_heard_after_it() -> None:
    poses = [(0, 0.0, 1.0), (1, 0.0, 2.0), (0, 0.1, 3.0)]
    assert handed_on(2, poses, flush=False) == []
    assert handed_on(2, [*poses, (1, 0.1, 4.0)], flush=False) == [(0, [(1.0, 0.0), (2.0, 1.0)])]
    assert handed_on(2, poses)[-1] == (1, [(3.0, 0.0), (2.0, 1.0)])


def test_of_several_poses_in_a_step_the_last_one_counts() -> None:
    assert handed_on(1, [(0, 0.96, 1.0), (0, 1.0, 2.0), (0, 1.04, 3.0), (0, 1.1, 4.0)]) == [
        (10, [(3.0, 0.0)]),
        (11, [(4.0, 0.0)]),
    ]


def test_nobody_waits_for_long_for_a_robot_that_is_silent() -> None:
    told = handed_on(2, [(0, k * STEP, float(k)) for k in range(PATIENCE + 2)], flush=False)
    assert [step for step, _ in told] == [0, 1]
    assert np.isnan([places[1] for _, places in told]).all()


@given(st.integers(1, 4), st.integers(1, 30), st.randoms(use_true_random=False), st.integers(0, PATIENCE - 1))
def test_it_does_not_matter_who_is_heard_first(robots: int, steps: int, draw: random.Random, delay: int) -> None:
    """Each pose comes when it is made or up to some steps later, in any order that is right for each robot."""
    poses = [(robot, k * STEP, float(k)) for k in range(steps) for robot in range(robots)]
    heard: list[tuple[float, int, tuple[int, float, float]]] = []
    for robot in range(robots):
        at = 0.0
        for pose in poses[robot::robots]:
            at = max(at, pose[1] + draw.uniform(0.0, delay * STEP))
            heard.append((at, draw.randrange(1000), pose))
    heard.sort(key=lambda one: one[0])
    assert handed_on(robots, [pose for *_, pose in heard]) == handed_on(robots, poses)


def test_what_comes_when_its_step_is_over_goes_to_nobody_and_is_counted() -> None:
    steps = Steps(2, lambda time, places: None)
    for k in range(20):
        steps.pose(0, k * STEP, 0.0, 0.0)
    steps.pose(1, 0.5, 0.0, 0.0)
    steps.pose(1, 1.9, 0.0, 0.0)
    assert steps.late.tolist() == [0, 1]


@pytest.mark.parametrize("gap", [2, 40])
def test_in_a_gap_nothing_is_handed_on(gap: int) -> None:
    told = handed_on(1, [(0, 0.0, 1.0), (0, gap * STEP, 2.0)])
    assert [step for step, _ in told] == [0, gap]
