"""Imagined futures as values: many kept as arrays are the same as many one by one."""

from __future__ import annotations

import numpy as np
import pytest

from ewm_ros.trajectory import MEDIAN_SHARE, Imagination, Rollouts, Trajectory

STEPS = 4


def trajectories(count: int = 3) -> list[Trajectory]:
    poses = np.arange(float(count * STEPS * 3)).reshape(count, STEPS, 3)
    return [Trajectory(7.0, pose, np.full(STEPS, k + 1.0), step=0.2) for k, pose in enumerate(poses)]


def check_equal(one: Trajectory, other: Trajectory) -> None:
    assert (one.stamp, one.step) == (other.stamp, other.step)
    assert (one.poses == other.poses).all()
    assert (one.radius == other.radius).all()
    assert (one.median == other.median).all()


def test_rollouts_are_the_trajectories_that_they_were_made_of() -> None:
    before = trajectories()
    rollouts = Rollouts.of(before)
    assert len(rollouts) == 3
    for trajectory, rollout in zip(before, rollouts, strict=True):
        check_equal(trajectory, rollout)
    check_equal(rollouts[-1], before[-1])
    check_equal(rollouts[1:][0], before[1])
    assert Rollouts.of(rollouts) is rollouts
    with pytest.raises(IndexError):
        rollouts[3]


def test_the_most_probable_is_the_first() -> None:
    check_equal(Imagination(Rollouts.of(trajectories()), (0.5, 0.3, 0.2)).most_probable, trajectories()[0])


def test_futures_of_different_lengths_are_no_rollouts() -> None:
    first, second, _ = trajectories()
    shorter = Trajectory(7.0, second.poses[:2], second.radius[:2])
    with pytest.raises(ValueError, match="inhomogeneous"):
        Rollouts.of([first, shorter])


def test_the_median_is_a_share_of_the_radius_if_nothing_else_is_told() -> None:
    assert trajectories()[1].median == pytest.approx(2.0 * MEDIAN_SHARE)
