"""The trapezoidal speed law: as fast as allowed over a length, at rest at its end."""

from __future__ import annotations

import math
from itertools import accumulate

import numpy as np

from ewm_ros.geometry import FloatArray

MOMENT = 1e-9  # s; a phase that rounding has left over


class Trapezoid:
    """Speed from `speed` up (or down) to `max_speed` and down to zero at the end of a length, as fast as allowed.

    A robot too fast to stop in time brakes evenly over the whole length.

    Args:
        length: m, or rad if it is a turn.
        max_speed, max_acceleration: per s and per s^2, both above 0.
        speed: at the beginning.
    """

    __slots__ = ("_lasts", "_rates", "_speeds", "_times", "_ways", "duration", "length")

    def __init__(self, length: float, max_speed: float, max_acceleration: float, speed: float = 0.0) -> None:
        self.length = max(length, 0.0)
        v, a = max(speed, 0.0), max_acceleration
        if v * v >= 2.0 * a * self.length:  # cannot stop in time, or there is no way left
            lasts, speeds = [2.0 * self.length / v if v > 0.0 else 0.0], [v, 0.0]
        else:
            top = min(math.sqrt(a * self.length + 0.5 * v * v), max_speed)
            to_top, from_top = abs(top - v) / a, top / a
            ramps = 0.5 * (v + top) * to_top + 0.5 * top * from_top
            lasts, speeds = [to_top, max(self.length - ramps, 0.0) / top, from_top], [v, top, top, 0.0]
        # One entry a phase of steady acceleration: how long, from when, from where, how fast at first and at last.
        self._lasts, self._speeds = lasts, speeds
        self._rates = [(w - v) / t if t > 0.0 else 0.0 for v, w, t in zip(speeds, speeds[1:], lasts, strict=False)]
        self._times = [0.0, *accumulate(lasts)]
        self._ways = [0.0, *accumulate(0.5 * (v + w) * t for v, w, t in zip(speeds, speeds[1:], lasts, strict=False))]
        self.duration = self._times[-1]

    def knots(self, tolerance: float) -> tuple[list[float], list[float], list[float]]:
        """Moments (s) and ways (m) of K knots, and how far (m) it is at most from uniform motion in the K - 1 between.

        None of the latter is above the tolerance.
        """
        times, ways, slack = [0.0], [0.0], []
        for phase, (lasts, rate) in enumerate(zip(self._lasts, self._rates, strict=True)):
            if lasts <= MOMENT:
                continue
            parts = max(math.ceil(lasts * math.sqrt(abs(rate) / (8.0 * tolerance))), 1)
            step = lasts / parts
            speed = self._speeds[phase]
            for k in range(1, parts + 1):
                t = k * step
                times.append(self._times[phase] + t)
                ways.append(self._ways[phase] + t * (speed + 0.5 * rate * t))
                slack.append(abs(rate) * step * step / 8.0)
        return times, ways, slack

    def time_at(self, ways: FloatArray) -> FloatArray:
        """(T,) s at which it is so far; ways within the length."""
        begins, froms = np.array(self._times), np.array(self._ways)
        phase = np.clip(np.searchsorted(froms, ways, side="right") - 1, 0, len(self._lasts) - 1)
        rest, speed, rate = ways - froms[phase], np.array(self._speeds)[phase], np.array(self._rates)[phase]
        # The root of speed t + rate t^2 / 2 = rest in the form that stays exact where the rate is 0.
        root = np.sqrt(np.maximum(speed * speed + 2.0 * rate * rest, 0.0))
        times: FloatArray = begins[phase] + 2.0 * rest / np.maximum(speed + root, 1e-9)
        return times
