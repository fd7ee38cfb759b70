"""The pairing of predictions with what happened, against a slow one that looks everything up."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ewm_ros.geometry import FloatArray, Pose2D
from ewm_ros.trajectory import HORIZON, STEP, Trajectory
from ewm_ros.world_model import prediction_windows
from ewm_ros.world_model.prediction_windows import GAP, MOVED, ROWS, Outcomes, PredictionWindows

TICKS = 3 * HORIZON


def looked_up(truth: dict[int, FloatArray], tick: int, predicted: FloatArray) -> tuple[FloatArray, bool] | None:
    """Errors of one prediction's steps and whether it counts; None where a pose is missing."""
    places = [truth.get(t) for t in range(tick, tick + HORIZON + 1)]
    known = np.array([place for place in places if place is not None])
    if len(known) < len(places):
        return None
    start, happened = known[0], known[1:]
    far = max(np.linalg.norm(happened - start, axis=1).max(), np.linalg.norm(predicted - start, axis=1).max())
    return np.linalg.norm(predicted - happened, axis=1), bool(far > MOVED)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), missing=st.sets(st.integers(0, TICKS - 1), max_size=3))
def test_windows_are_those_that_a_slow_look_up_finds(seed: int, missing: set[int]) -> None:
    random = np.random.default_rng(seed)
    walk = random.normal(0.0, random.choice([0.001, 0.03]), (TICKS, 2)).cumsum(axis=0)
    truth = {tick: walk[tick] for tick in range(TICKS) if tick not in missing}
    predictions = {tick: walk[tick] + random.normal(0.0, 0.02, (HORIZON, 2)).cumsum(axis=0) for tick in truth}
    windows, found = PredictionWindows(), {}
    for tick, (x, y) in truth.items():
        for row in windows.happened(tick * STEP, Pose2D(x, y, 0.0)).full:
            found[round(windows.stamps[row] / STEP)] = windows.errors[row].copy(), bool(windows.counts[row])
        poses = np.column_stack([predictions[tick], np.zeros(HORIZON)])
        windows.predicted(Trajectory(tick * STEP, poses, np.ones(HORIZON)))
    expected = {tick: looked_up(truth, tick, predictions[tick]) for tick in truth}
    expected = {tick: window for tick, window in expected.items() if window is not None}
    assert found.keys() == expected.keys()
    for tick, (errors, counts) in expected.items():
        np.testing.assert_allclose(found[tick][0], errors, atol=1e-9)
        assert found[tick][1] == counts


def test_each_step_is_told_once_and_as_soon_as_it_has_happened() -> None:
    windows = PredictionWindows()
    told: list[tuple[int, int, int]] = []
    for tick in range(TICKS):
        outcomes = windows.happened(tick * STEP, Pose2D(0.0, 0.0, 0.0))
        told += [
            (tick, round(windows.stamps[row] / STEP), step)
            for row, step in zip(outcomes.rows, outcomes.steps, strict=True)
        ]
        windows.predicted(Trajectory(tick * STEP, np.zeros((HORIZON, 3)), np.ones(HORIZON)))
    assert len(told) == len(set(told)) == sum(min(tick, HORIZON) for tick in range(TICKS))
    assert all(tick == made + step + 1 for tick, made, step in told)


def test_no_more_predictions_are_kept_than_there_are_rows_for() -> None:
    windows = PredictionWindows()
    windows.happened(0.0, Pose2D(0.0, 0.0, 0.0))
    for _ in range(3 * ROWS):
        windows.predicted(Trajectory(0.0, np.zeros((HORIZON, 3)), np.ones(HORIZON)))
    assert len(windows.happened(STEP, Pose2D(0.0, 0.0, 0.0)).rows) == ROWS


def test_after_a_gap_only_what_is_predicted_from_then_on_is_paired() -> None:
    windows = PredictionWindows()
    for stamp in (0.0, STEP, STEP + GAP, STEP + GAP + STEP):
        told = windows.happened(stamp, Pose2D(0.0, 0.0, 0.0)).rows
        assert len(told) == {STEP: 1, STEP + GAP + STEP: 1}.get(stamp, 0)
        windows.predicted(Trajectory(stamp, np.zeros((HORIZON, 3)), np.ones(HORIZON)))


def random_life(random: np.random.Generator) -> Iterator[tuple[float, Pose2D, Trajectory]]:
    """Poses mostly a step apart, some off beat, repeated, after a gap or set back; and what is predicted from them."""
    stamp, place = 100.0, np.zeros(2)
    for _ in range(TICKS):
        even = random.random() < 0.95
        stamp += STEP if even else random.choice([0.0, 1e-9, 0.02, 0.13, STEP + 2e-6, 2 * GAP, -1.0])
        place = place + random.normal(0.0, 0.03, 2)
        poses = np.zeros((HORIZON, 3))
        poses[:, :2] = place + random.normal(0.0, 0.03, (HORIZON, 2)).cumsum(axis=0)
        told = stamp if random.random() < 0.97 else stamp + random.choice([-0.3, -0.03, 0.2])
        yield stamp, Pose2D(*place, 0.0), Trajectory(told, poses, random.random(HORIZON))


def same(some: Outcomes, others: Outcomes) -> bool:
    """Bit for bit, but for the numbers of the rows."""
    return (
        (some.cells == others.cells).all()
        and (some.counts == others.counts).all()
        and [row % ROWS for row in some.full] == [row % ROWS for row in others.full]
    )


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_steps_that_happen_together_are_compared_as_each_by_its_moment(seed: int) -> None:
    together, by_moment = PredictionWindows(), PredictionWindows()
    for stamp, pose, trajectory in random_life(np.random.default_rng(seed)):
        some = together.happened(stamp, pose)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(prediction_windows, "EVEN", -1.0)
            assert same(some, by_moment.happened(stamp, pose))
            by_moment.predicted(trajectory)
        together.predicted(trajectory)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), every=st.integers(1, 15))
def test_two_predictors_of_one_robot_are_told_what_each_would_be_alone(seed: int, every: int) -> None:
    shared, alone = PredictionWindows(predictors=2), (PredictionWindows(), PredictionWindows())
    for tick, (stamp, pose, trajectory) in enumerate(random_life(np.random.default_rng(seed))):
        for of_one, windows in zip(shared.happened(stamp, pose).split(2), alone, strict=True):
            assert same(of_one, windows.happened(stamp, pose))
        parts = trajectory.stamp, trajectory.poses, np.column_stack((trajectory.median, trajectory.radius))
        for predictor in (0, 1) if tick % every == 0 else (0,):
            shared.keep(*parts, predictor=predictor)
            alone[predictor].keep(*parts)
