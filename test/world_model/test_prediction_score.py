"""When a prediction counts as a hit: within one diameter of what happened, at every one of its 50 steps."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from ewm_ros.geometry import FloatArray, Pose2D
from ewm_ros.trajectory import HORIZON, STEP, Trajectory
from ewm_ros.world_model.prediction_score import MOVED, PredictionScore, ScoreSums

RADIUS = 0.3
DIAMETER = 2 * RADIUS
NOWHERE = np.full(HORIZON, -1.0)  # a radius that holds nothing


def ahead(speed: float, start: float = 0.0) -> FloatArray:
    """Straight on from x = start, one row for each of the 50 steps."""
    x = start + speed * STEP * np.arange(1, HORIZON + 1)
    return np.stack([x, np.zeros(HORIZON), np.zeros(HORIZON)], axis=1)


def judged(
    predicted: FloatArray,
    happened: FloatArray,
    missing: tuple[int, ...] = (),
    radius: FloatArray = NOWHERE,
    median: FloatArray = NOWHERE,
) -> ScoreSums:
    """One prediction made at t = 0 at the origin, and what then happened, but for some steps (1 to 50)."""
    score = PredictionScore(RADIUS)
    score.happened(0.0, Pose2D(0.0, 0.0, 0.0))
    score.predicted(Trajectory(0.0, predicted, radius, median=median))
    for k, (x, y, yaw) in enumerate(happened, start=1):
        if k not in missing:
            score.happened(k * STEP, Pose2D(x, y, yaw))
    return score.sums


def test_what_comes_as_foreseen_is_a_hit_without_error() -> None:
    assert judged(ahead(0.5), ahead(0.5)) == ScoreSums(windows=1, hits=1, steps=HORIZON)


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


def driving(stamps: FloatArray, speed: float = 0.5) -> Iterator[tuple[float, Pose2D]]:
    """Poses of a robot on the x axis at these times, from 0 at the first."""
    for stamp in stamps:
        yield stamp, Pose2D(speed * (stamp - stamps[0]), 0.0, 0.0)


@pytest.mark.parametrize(
    "stamps",
    [
        1.7e9 + np.arange(80) * STEP + 0.03 * (-1.0) ** np.arange(80),
        1.7e9 + np.arange(400) * 0.02,
        1.7e9 + np.arange(60) * 0.13,
    ],
    ids=["jittering", "50 Hz", "7.7 Hz"],
)
def test_poses_may_come_at_any_moment_of_a_step(stamps: FloatArray) -> None:
    score = PredictionScore(RADIUS)
    for k, (stamp, pose) in enumerate(driving(stamps)):
        score.happened(stamp, pose)
        if k == 0:
            score.predicted(Trajectory(stamp, ahead(0.5), NOWHERE))
    assert (score.sums.windows, score.sums.hits) == (1, 1)
    assert score.sums.ade == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("late", [-3, -1, 1, 3])
def test_a_prediction_may_be_told_before_or_after_the_pose_it_was_made_from(late: int) -> None:
    score = PredictionScore(RADIUS)
    for k, (stamp, pose) in enumerate(driving(10.0 + np.arange(3 * HORIZON) * STEP)):
        if k == 20 + late:
            score.predicted(Trajectory(12.0, ahead(0.5, start=1.0), NOWHERE))
        score.happened(stamp, pose)
    assert (score.sums.windows, score.sums.hits) == (1, 1)
    assert score.sums.ade == pytest.approx(0.0, abs=1e-9)


def test_a_prediction_from_before_all_that_is_known_is_not_judged() -> None:
    score = PredictionScore(RADIUS)
    for k, (stamp, pose) in enumerate(driving(10.0 + np.arange(3 * HORIZON) * STEP)):
        score.happened(stamp, pose)
        if k == 0:
            score.predicted(Trajectory(9.5, ahead(0.5), NOWHERE))
    assert score.sums == ScoreSums()


def test_when_time_is_set_back_what_was_expected_is_forgotten_and_what_comes_is_judged() -> None:
    score = PredictionScore(RADIUS)
    for start in (100.0, 0.0):
        for k, (stamp, pose) in enumerate(driving(start + np.arange(60) * STEP)):
            score.happened(stamp, pose)
            if k in (5, 30):
                score.predicted(Trajectory(stamp, ahead(0.5, start=0.05 * k), NOWHERE))
    assert (score.sums.windows, score.sums.hits) == (2, 2)


def test_trajectories_of_another_length_or_step_are_passed_over() -> None:
    score = PredictionScore(RADIUS)
    score.predicted(Trajectory(0.0, ahead(0.5)[:10], np.zeros(10)))
    score.predicted(Trajectory(0.0, ahead(0.5), np.zeros(HORIZON), step=0.2))
    for k in range(2 * HORIZON):
        score.happened(k * STEP, Pose2D(0.05 * k, 0.0, 0.0))
    assert score.sums == ScoreSums()


def test_displacement_is_the_mean_up_to_1_and_3_and_5_seconds() -> None:
    happened = ahead(0.5)
    happened[:, 1] = np.linspace(0.01, 0.5, HORIZON)
    detail = judged(ahead(0.5), happened).detail()
    assert detail["ade_m"] == pytest.approx({"1s": 0.055, "3s": 0.155, "5s": 0.255})
    assert detail["fde_m"] == pytest.approx(0.5)


def test_coverage_is_the_share_of_steps_within_the_radii_that_were_told() -> None:
    happened = ahead(0.5)
    happened[:, 1] = 0.1
    radius, median = np.full(HORIZON, 0.05), np.full(HORIZON, 0.05)
    radius[:40], median[:10] = 0.11, 0.11
    detail = judged(ahead(0.5), happened, radius=radius, median=median).detail()
    assert detail["coverage"] == {"50": 0.2, "90": 0.8}


def test_sums_add_up_to_shares_and_means() -> None:
    sums = ScoreSums(
        windows=3, hits=3, ade_1s=0.03, ade_3s=0.06, ade=0.3, fde=0.6, steps=150, inside50=80, inside90=140
    )
    sums.add(ScoreSums(1, 0, ade_1s=0.05, ade_3s=0.1, ade=0.5, fde=1.0, steps=50, inside50=20, inside90=20))
    assert sums.figures() == pytest.approx({"accuracy": 0.75, "ade_m": 0.2, "fde_m": 0.4})
    assert sums.detail() == {
        "accuracy": 0.75,
        "ade_m": pytest.approx({"1s": 0.02, "3s": 0.04, "5s": 0.2}),
        "fde_m": pytest.approx(0.4),
        "coverage": {"50": 0.5, "90": 0.8},
        "windows": 4,
    }


def test_without_a_window_there_is_nothing_to_tell() -> None:
    assert ScoreSums().figures() == {"accuracy": None, "ade_m": None, "fde_m": None}
    assert ScoreSums().detail() == {
        "accuracy": None,
        "ade_m": {"1s": None, "3s": None, "5s": None},
        "fde_m": None,
        "coverage": {"50": None, "90": None},
        "windows": 0,
    }
