"""The referee of one episode: who has arrived and when, who is deadlocked, when it is over."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from ewm_ros.geometry import FloatArray

REACHED = 0.3  # m from the goal, whatever the robot's radius
SETTLED = 1.0  # s that all have to be at their goals before the episode ends
STUCK_TIME = 20.0  # s; who moved less than STUCK_DISTANCE in this time, and waited for nobody who moved, is deadlocked
STUCK_DISTANCE = 0.1  # m


class Episode:
    """Judges a `reach` episode from the robots' true poses.

    Args:
        names: of the robots.
        goals: (N, 2) m.
        time_limit: s.

    Attributes:
        arrivals: s at which each robot's present stay at its goal began, nan while it is away.
        deadlocks: how many robots got deadlocked, each counted once until it moved again.
    """

    def __init__(
        self, names: Sequence[str], goals: FloatArray | Sequence[tuple[float, float]], time_limit: float
    ) -> None:
        self._names = tuple(names)
        self._goals = np.asarray(goals, dtype=np.float64).reshape(len(self._names), 2)
        self._time_limit = time_limit
        self.time = 0.0
        self.arrivals: FloatArray = np.full(len(self._names), math.nan)
        self.deadlocks = 0
        self._anchors: FloatArray | None = None
        self._anchored = np.zeros(len(self._names))
        self._alive = np.zeros(len(self._names))
        self._deadlocked = np.zeros(len(self._names), dtype=bool)

    def update(self, time: float, poses: FloatArray, waits_for: Mapping[str, Sequence[str]] | None = None) -> None:
        """Take the state of affairs at a time.

        Args:
            poses: (N, 3) m, m, rad or (N, 2) m.
            waits_for: for each robot, whom it has been told to wait for.
        """
        self.time = time
        places = poses[:, :2]
        at_goal = np.hypot(*(places - self._goals).T) <= REACHED
        self.arrivals = np.where(at_goal, np.where(np.isnan(self.arrivals), time, self.arrivals), math.nan)
        self._find_deadlocks(time, places, at_goal, waits_for or {})

    def _find_deadlocks(
        self, time: float, places: FloatArray, at_goal: np.ndarray, waits_for: Mapping[str, Sequence[str]]
    ) -> None:
        if self._anchors is None:
            self._anchors = places.copy()
            self._anchored[:] = time
        moved = np.hypot(*(places - self._anchors).T) >= STUCK_DISTANCE
        self._anchors[moved] = places[moved]
        self._anchored[moved] = time
        moved_last = dict(zip(self._names, self._anchored.tolist(), strict=True))
        for i, name in enumerate(self._names):
            # Whoever waits for somebody that moves is waiting its turn.
            turn = max(moved_last.get(other, 0.0) for other in {name, *_closure(name, waits_for)})
            self._alive[i] = time if at_goal[i] else max(self._alive[i], turn)
        dead = time - self._alive >= STUCK_TIME
        self.deadlocks += int((dead & ~self._deadlocked).sum())
        self._deadlocked = dead

    @property
    def reached(self) -> int:
        """How many robots are at their goals."""
        return int((~np.isnan(self.arrivals)).sum())

    @property
    def finished(self) -> bool:
        """All have arrived and stayed for a moment, or time is up."""
        settled = self.reached == len(self._names) and self.time - float(np.max(self.arrivals)) >= SETTLED
        return settled or self.time >= self._time_limit

    @property
    def makespan(self) -> float | None:
        """s until the last robot arrived; None if not all have."""
        return float(np.max(self.arrivals)) if self.reached == len(self._names) else None

    def sum_of_delays(self, alone: Sequence[float]) -> float | None:
        """Sum over robots of arrival minus the arrival alone (s); None if not all have arrived."""
        return None if self.makespan is None else float(np.sum(self.arrivals - np.asarray(alone)))


def _closure(name: str, waits_for: Mapping[str, Sequence[str]]) -> set[str]:
    """All whom the robot waits for, directly or through others."""
    found: set[str] = set()
    left = list(waits_for.get(name, ()))
    while left:
        other = left.pop()
        if other not in found:
            found.add(other)
            left.extend(waits_for.get(other, ()))
    return found
