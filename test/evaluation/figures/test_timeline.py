"""A run kept in bounded memory: nothing that came close is lost, however long it was."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ewm_ros.evaluation.figures import timeline
from ewm_ros.evaluation.figures.timeline import TimelineKeeper, least


@given(st.lists(st.floats(-1.0, 100.0), min_size=1, max_size=200))
def test_the_least_gap_survives_and_points_stay_in_order_and_few(gaps: list[float]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(timeline, "MOST_POINTS", 8)
        keeper = TimelineKeeper(1)
        for k, gap in enumerate(gaps):
            keeper.add(0.1 * k, np.full((1, 2), float(k)), gap)
        kept = keeper.timeline(("anna",), ())
    assert len(kept.times) == len(kept.places) == len(kept.gaps) <= 8
    assert kept.gaps.min() == min(gaps)
    assert (kept.times[0], kept.places[0, 0, 0]) == (0.0, 0.0)
    steps = np.diff(kept.times)
    assert np.allclose(steps, steps[:1])
    # No more is left out at the end than one point stands for.
    assert 0.1 * len(gaps) - kept.times[-1] <= (steps[0] if len(steps) else 0.1) + 1e-9
    assert np.allclose(kept.places[:, 0, 0] * 0.1, kept.times)


def test_short_runs_are_kept_as_they_are() -> None:
    keeper = TimelineKeeper(2)
    for k in range(100):
        keeper.add(0.1 * k, np.array([[k, 0.0], [0.0, k]]), float(k))
    kept = keeper.timeline(("anna", "bert"), ())
    assert kept.gaps.tolist() == list(range(100))
    assert kept.places.shape == (100, 2, 2)


def test_gaps_that_are_not_known_are_passed_over() -> None:
    assert least(np.array([np.nan, 2.0, 3.0])) == 2.0
    assert least(np.array([])) == least(np.array([np.nan])) == np.inf
