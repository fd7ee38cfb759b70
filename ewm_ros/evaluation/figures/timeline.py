"""Where the robots of a run were and how close they came, kept for plots in bounded memory however long the run is."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ewm_ros.geometry import FloatArray

MOST_POINTS = 4000  # even; when there are so many, two become one


@dataclass(frozen=True, slots=True)
class NearMiss:
    """Two bodies that came closer than they should.

    Attributes:
        time: s, when it began.
        robots: sorted by name.
        x, y: m, half way between the two.
    """

    time: float
    robots: tuple[str, str]
    x: float
    y: float


@dataclass(frozen=True, slots=True, eq=False)
class Timeline:
    """A run at a glance.

    Attributes:
        robots: N names.
        times: (T,) s.
        places: (T, N, 2) m, nan where a robot had not been heard yet.
        gaps: (T,) m between the two closest bodies, the least until the next time; inf while there are not two.
        near_misses: in the order of time; touching counts.
    """

    robots: tuple[str, ...]
    times: FloatArray
    places: FloatArray
    gaps: FloatArray
    near_misses: tuple[NearMiss, ...]


class TimelineKeeper:
    """Takes every step and keeps each one, later every second, every fourth one and so on.

    Args:
        robots: how many.
    """

    def __init__(self, robots: int) -> None:
        self._places = np.empty((MOST_POINTS, robots, 2))
        self._times, self._gaps = np.empty(MOST_POINTS), np.empty(MOST_POINTS)
        self._count = 0
        self._each, self._left = 1, 0  # steps that a point stands for, and those that the newest one has still to take

    def add(self, time: float, places: FloatArray, gap: float) -> None:
        """Take a step: s, (N, 2) m, m."""
        if self._left:
            self._left -= 1
            self._gaps[self._count - 1] = min(self._gaps[self._count - 1], gap)
            return
        if self._count == MOST_POINTS:
            self._halve()
        self._times[self._count], self._places[self._count], self._gaps[self._count] = time, places, gap
        self._count += 1
        self._left = self._each - 1

    def _halve(self) -> None:
        self._count = MOST_POINTS // 2
        self._times[: self._count], self._places[: self._count] = self._times[::2].copy(), self._places[::2].copy()
        self._gaps[: self._count] = np.minimum(self._gaps[::2], self._gaps[1::2])
        self._each *= 2

    def timeline(self, robots: tuple[str, ...], near_misses: tuple[NearMiss, ...]) -> Timeline:
        """What has been kept."""
        times, places, gaps = (kept[: self._count].copy() for kept in (self._times, self._places, self._gaps))
        return Timeline(robots, times, places, gaps, near_misses)


def least(gaps: FloatArray) -> float:
    """The least of some gaps (m), of which some may not be known; inf if there is none."""
    return float(np.fmin.reduce(gaps, initial=math.inf))
