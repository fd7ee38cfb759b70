"""Plans as robots tell them, drawn at random, and what they say at any moment, read off without the code under test."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from ewm_ros.coordination.plan_grid import PlannedMotion
from ewm_ros.geometry import FloatArray

COORDINATE = st.floats(-2.0, 2.0)  # m; close enough that many pairs meet
RADIUS = st.floats(0.0, 0.6)  # m
TENTH = st.integers(0, 10)  # s / 10: stamps and knots that fall together now and then
KNOT = st.tuples(TENTH, COORDINATE, COORDINATE, RADIUS)


@st.composite
def random_plans(draw: st.DrawFn, most: int = 5) -> list[PlannedMotion]:
    """Up to five robots; some stand, some have knots of their own, some have those of the others."""
    plans = []
    for k in range(draw(st.integers(1, most))):
        knots = draw(st.lists(KNOT, min_size=1, max_size=4, unique_by=lambda knot: knot[0]))
        delay = draw(st.sampled_from((0.0, 0.033, 0.25)))
        rows = np.array([(0.1 * t + delay, x, y, radius) for t, x, y, radius in sorted(knots)])
        plans.append(PlannedMotion(f"r{k}", draw(RADIUS), rows))
    return plans


def told(plan: PlannedMotion, times: FloatArray) -> FloatArray:
    """(3, T) m: x, y and radius of a plan's disc at these times."""
    t, x, y, uncertain = plan.knots.T
    return np.stack([np.interp(times, t, column) for column in (x, y, plan.footprint + uncertain)])
