"""How far apart two robots can be asked to stay that may be closer already."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ewm_ros.coordination.timed_route import TimedRoute
from ewm_ros.geometry import FloatArray

CLOSER = 1e-3  # m that two robots which are too close may come still closer, for rounding and noise


def kept_distance(routes: Sequence[TimedRoute], distance: FloatArray) -> FloatArray:
    """The distances to ask `delay_conflicts` for: those wanted, but for pairs that are closer now, what there is.

    Else no schedule could keep such a pair apart, and there would be none for all the others either.

    Args:
        routes: one a robot, from where it is now.
        distance: (N, N) m, wanted between the centres of each two.
    """
    if not routes:
        return distance
    discs = [np.vstack([route.waiting, [*route.points[0], 0.0]]) for route in routes]
    robot = np.repeat(np.arange(len(routes)), [len(own) for own in discs])
    x, y, radius = np.concatenate(discs).T
    reach = radius + np.array([route.slack.max(initial=0.0) for route in routes])[robot]
    gaps = np.hypot(x[:, None] - x, y[:, None] - y) - reach[:, None] - reach
    kept = distance.astype(np.float64, copy=True)
    np.minimum.at(kept, (robot[:, None], robot[None, :]), np.maximum(gaps - CLOSER, 0.0))
    return kept
