"""Plans scored by the hundred have the same figures as predictions that are scored one by one."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ewm_ros.evaluation.figures import plan_score
from ewm_ros.evaluation.figures.plan_score import PlanScore, unfolded
from ewm_ros.geometry import Pose2D
from ewm_ros.intention.compressor import IntentionCompressor
from ewm_ros.messages import Knot, Outcome, Plan
from ewm_ros.trajectory import HORIZON, STEP
from ewm_ros.world_model.prediction_score import PredictionScore, ScoreSums

RADIUS = 0.3
COMPRESSOR = IntentionCompressor()


def plan_of(*knots: tuple[float, float, float, float]) -> Plan:
    """Of knots t, x, y and radius."""
    told = tuple(Knot(t, x, y, 0.0, radius) for t, x, y, radius in knots)
    return Plan("goal", Outcome.PROGRESS, float("inf"), 1.0, told)


def straight(x: float, speed: float, radius: float = 0.2) -> Plan:
    """Along the x axis from here on, for as long as a plan looks ahead."""
    return plan_of((0.0, x, 0.0, 0.0), (5.0, x + 5.0 * speed, 0.0, radius))


KNOTS = st.lists(
    st.tuples(st.integers(1, 60), st.floats(-3.0, 3.0), st.floats(-3.0, 3.0), st.floats(0.0, 1.0)),
    max_size=6,
    unique_by=lambda knot: knot[0],
).map(lambda knots: plan_of((0.0, 0.0, 0.0, 0.1), *((0.1 * t, x, y, r) for t, x, y, r in sorted(knots))))


@given(st.lists(KNOTS, min_size=1, max_size=5))
def test_plans_mean_what_every_receiver_takes_them_for(plans: list[Plan]) -> None:
    places, radii = unfolded(plans)
    for row, plan in enumerate(plans):
        meant = COMPRESSOR.decompress(plan)
        assert np.allclose(places[row].real, meant.poses[:, 0], atol=1e-9)
        assert np.allclose(places[row].imag, meant.poses[:, 1], atol=1e-9)
        assert np.allclose(radii[row], meant.radius, atol=1e-9)


@st.composite
def lives(draw: st.DrawFn) -> list[tuple[float, Pose2D | Plan]]:
    """A robot's poses, with gaps and clocks that are set, and plans, told before or after the poses they begin at."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    told: list[tuple[float, Pose2D | Plan]] = []
    for begin in draw(st.lists(st.sampled_from((0.0, 3.0, 1.7e9)), min_size=1, max_size=2)):
        period, jitter = draw(st.sampled_from(((0.1, 0.0), (0.1, 0.03), (0.02, 0.0), (0.13, 0.0))))
        stamps = begin + period * np.arange(draw(st.integers(20, 160))) + rng.uniform(0.0, jitter)
        stamps = stamps[rng.random(len(stamps)) > draw(st.sampled_from((0.0, 0.01)))]
        speed = draw(st.sampled_from((0.0, 0.3, 0.5)))
        rows: list[tuple[float, float, Pose2D | Plan]] = []
        for stamp in stamps.tolist():
            x = speed * (stamp - begin) + rng.normal(0.0, 0.02)
            rows.append((stamp, stamp, Pose2D(x, rng.normal(0.0, 0.05), 0.0)))
            if rng.random() < 0.5:
                heard = stamp + draw(st.sampled_from((-0.05, 0.01, 0.35)))
                rows.append((heard, stamp, straight(x, draw(st.sampled_from((0.0, 0.3, 0.5, -0.4))))))
        told += [(stamp, what) for _, stamp, what in sorted(rows, key=lambda row: row[0])]
    return told


@settings(max_examples=60, deadline=None)
@given(lives(), st.sampled_from((1, 7, 500)))
def test_all_at_once_or_one_by_one_the_figures_are_the_same(
    told: list[tuple[float, Pose2D | Plan]], batch: int
) -> None:
    each, many = PredictionScore(RADIUS), PlanScore(RADIUS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan_score, "BATCH", batch)
        for stamp, what in told:
            if isinstance(what, Plan):
                each.predicted(COMPRESSOR.decompress(what, stamp))
                many.told(stamp, what)
            else:
                each.happened(stamp, what)
                many.happened(stamp, what)
    # Not to the last digit: within a thousandth of a second one takes a place as it is, and the other interpolates.
    one, other = asdict(each.sums), asdict(many.sums)
    assert (one["windows"], one["steps"]) == (other["windows"], other["steps"])
    for name in ("ade", "ade_1s", "ade_3s", "fde"):
        assert other[name] == pytest.approx(one[name], abs=2e-3 * max(one["windows"], 1))
    assert abs(one["hits"] - other["hits"]) <= 1
    for name in ("inside50", "inside90"):
        assert other[name] == pytest.approx(one[name], abs=2 + 0.01 * one["steps"])


def driven(score: PlanScore, steps: int) -> ScoreSums:
    """The sums after some steps of 0.5 m/s with a plan at each, every other one to the other side."""
    for k in range(steps):
        x = 0.05 * k
        score.happened(k * STEP, Pose2D(x, 0.0, 0.0))
        score.told(k * STEP, straight(x, 0.5 if k % 2 else -0.5))
    return score.sums


def test_of_an_hour_each_plan_counts_once_and_no_more_is_kept_than_is_needed() -> None:
    score = PlanScore(RADIUS)
    sums = driven(score, 36_000)
    assert (sums.windows, sums.hits) == (36_000 - HORIZON, 18_000 - HORIZON // 2)
    assert score.sums == sums  # asked again
    assert len(score._plans) == HORIZON
    assert len(score._times) < 3 * HORIZON


def test_a_plan_whose_time_is_not_over_is_not_judged_yet() -> None:
    score = PlanScore(RADIUS)
    assert driven(score, HORIZON) == ScoreSums()
    assert score.sums.windows == 0
