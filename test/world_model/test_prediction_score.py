"""When a prediction counts as a hit: within one diameter of what happened, at every one of its 50 steps."""

from __future__ import annotations

import numpy as np
import pytest

from ewm_ros.geometry import FloatArray, Pose2D
from ewm_ros.trajectory import HORIZON, STEP, Trajectory
from ewm_ros.world_model.prediction_score import MOVED, PredictionScore, ScoreSums

RADIUS = 0.3
DIAMETER = 2 * RADIUS


def ahead(speed: float, start: float = 0.0) -> FloatArray:
    """Straight on from x = start, one row for each of the 50 steps."""
    x = start + speed * STEP * np.arange(1, HORIZON + 1)
    return np.stack([x, np.zeros(HORIZON), np.zeros(HORIZON)], axis=1)


def judged(predicted: FloatArray, happened: FloatArray, missing: tuple[int, ...] = ()) -> ScoreSums:
    """One prediction made at t = 0 at the origin, and what then happened, but for some steps (1 to 50)."""
    score = PredictionScore(RADIUS)
    score.happened(0.0, Pose2D(0.0, 0.0, 0.0))
    score.predicted(Trajectory(0.0, predicted, np.zeros(HORIZON)))
    for k, (x, y, yaw) in enumerate(happened, start=1):
        if k not in missing:
            score.happened(k * STEP, Pose2D(x, y, yaw))
    return score.sums


def test_what_comes_as_foreseen_is_a_hit_without_error() -> None:
    assert judged(ahead(0.5), ahead(0.5)) == ScoreSums(windows=1, hits=1)


@pytest.mark.parametrize("step", [1, 25, HORIZON])
@pytest.mark.parametrize(("off", "hit"), [(DIAMETER - 0.001, True), (DIAMETER + 0.001, False)])
def test_one_step_further_off_than_a_diameter_is_enough_to_miss(step: int, off: float, hit: bool) -> None:
    happened = ahead(0.5)
    happened[step - 1, 1] = off
    sums = judged(ahead(0.5), happened)
    assert (sums.windows, sums.hits) == (1, int(hit))
    assert sums.ade == pytest.approx(off / HORIZON)
    assert sums.fde == pytest.approx(off if step == HORIZON else 0.0)


def test_heading_is_not_judged() -> None:
    turned = ahead(0.5)
    turned[:, 2] = 3.0
    assert judged(ahead(0.5), turned).hits == 1


@pytest.mark.parametrize("missing", [1, 30, 49])
def test_a_window_with_a_gap_is_not_judged(missing: int) -> None:
    assert judged(ahead(0.5), ahead(0.5), (missing,)) == ScoreSums()


def test_a_prediction_is_judged_only_when_all_of_it_has_passed() -> None:
    assert judged(ahead(0.5), ahead(0.5)[:-1]) == ScoreSums()


def test_standing_as_foreseen_does_not_count() -> None:
    assert judged(ahead(0.0), ahead(0.0)) == ScoreSums()
    just_under = (MOVED - 0.001) / (HORIZON * STEP)
    assert judged(ahead(just_under), ahead(just_under)) == ScoreSums()


def test_standing_counts_where_motion_was_foreseen_and_motion_where_standing_was() -> None:
    assert judged(ahead(0.5), ahead(0.0)) == pytest.approx(judged(ahead(0.0), ahead(0.5)))
    sums = judged(ahead(0.5), ahead(0.0))
    assert (sums.windows, sums.hits, sums.fde) == (1, 0, pytest.approx(2.5))


def test_who_has_gone_and_come_back_has_moved() -> None:
    there_and_back = ahead(0.5)
    there_and_back[25:] = there_and_back[24::-1]
    assert judged(ahead(0.0), there_and_back).windows == 1


def test_overlapping_windows_are_judged_one_by_one() -> None:
    score = PredictionScore(RADIUS)
    for k in range(3 * HORIZON):
        score.happened(k * STEP, Pose2D(0.05 * k, 0.0, 0.0))
        good = k % 2 == 0
        score.predicted(Trajectory(k * STEP, ahead(0.5 if good else -0.5, start=0.05 * k), np.zeros(HORIZON)))
    assert score.sums.windows == 2 * HORIZON
    assert score.sums.hits == HORIZON


def test_stamps_that_jitter_still_find_their_step() -> None:
    score = PredictionScore(RADIUS)
    for k in range(HORIZON + 1):
        stamp = 1234.5 + k * STEP + 0.02 * (-1) ** k
        score.happened(stamp, Pose2D(0.05 * k, 0.0, 0.0))
        if k == 0:
            score.predicted(Trajectory(stamp, ahead(0.5), np.zeros(HORIZON)))
    assert score.sums == ScoreSums(windows=1, hits=1, ade=pytest.approx(0.0), fde=pytest.approx(0.0))


def test_trajectories_of_another_length_or_step_are_passed_over() -> None:
    score = PredictionScore(RADIUS)
    score.predicted(Trajectory(0.0, ahead(0.5)[:10], np.zeros(10)))
    score.predicted(Trajectory(0.0, ahead(0.5), np.zeros(HORIZON), step=0.2))
    for k in range(2 * HORIZON):
        score.happened(k * STEP, Pose2D(0.05 * k, 0.0, 0.0))
    assert score.sums == ScoreSums()


def test_sums_add_up_to_shares_and_means() -> None:
    sums = ScoreSums(windows=3, hits=3, ade=0.3, fde=0.6)
    sums.add(ScoreSums(windows=1, hits=0, ade=0.5, fde=1.0))
    assert sums.figures() == pytest.approx({"accuracy": 0.75, "ade_m": 0.2, "fde_m": 0.4})


def test_without_a_window_there_is_nothing_to_tell() -> None:
    assert ScoreSums().figures() == {"accuracy": None, "ade_m": None, "fde_m": None}
