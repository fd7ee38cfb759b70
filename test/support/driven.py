"""Where a robot is that drives with a trapezoidal speed, worked out in another way than the package does."""

from __future__ import annotations

import numpy as np

from ewm_ros.geometry import FloatArray, Polyline


def way(times: FloatArray, length: float, speed: float, acceleration: float) -> FloatArray:
    """(T,) m, how far it is at times (T,) s since it set out from rest, to stop after a length (m)."""
    if length <= 0.0:
        return np.zeros(len(times))
    top = min(speed, np.sqrt(acceleration * length))
    end = length / top + top / acceleration
    # Both halves are alike: the way from the start, and the way left to the end.
    half = np.clip(np.minimum(times, end - times), 0.0, None)
    ramp = np.minimum(half, top / acceleration)
    done = 0.5 * acceleration * ramp**2 + top * (half - ramp)
    return np.where(times < 0.5 * end, done, length - done)


def places(
    path: Polyline, times: FloatArray, speed: float, acceleration: float, start: float = 0.0, now: float = 0.0
) -> FloatArray:
    """(T, 2) m, where it is at times (T,) s, from `start` (m) with speed `now` (m/s, no faster than it can stop).

    A robot that moves is one that has come from rest some way back.
    """
    before, since = 0.5 * now * now / acceleration, now / acceleration
    on = way(np.maximum(times, 0.0) + since, path.length - start + before, speed, acceleration) - before
    return path.sample(start + on)
