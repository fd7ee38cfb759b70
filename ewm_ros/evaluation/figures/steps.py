"""Poses of several robots brought together, step by step, whatever the order in which they come in."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from ewm_ros.geometry import FloatArray
from ewm_ros.trajectory import STEP

PATIENCE = 10  # steps that a step is kept open for robots that have not been heard in it


class Steps:
    """Hands on where all robots are, once for each step of 0.1 s from which anything is known.

    A step is over when all robots have been heard after it, or when one is PATIENCE steps ahead: who has not been heard
    in it is where he was last. So what follows from it does not depend on who is heard first.

    Args:
        robots: how many.
        take: takes the time of a step (s) and (N, 2) m, nan for a robot that has not been heard yet.

    Attributes:
        late: (N,) poses that came after their step was over, and went to nobody.
    """

    def __init__(self, robots: int, take: Callable[[float, FloatArray], None]) -> None:
        self._take = take
        self._places = np.full((robots, 2), math.nan)
        self._open: dict[int, dict[int, tuple[float, float]]] = {}  # places by robot, by step
        self._reached = [-1.0] * robots  # newest step of each
        self._over = -1
        self.late = np.zeros(robots, dtype=np.int64)

    def pose(self, robot: int, stamp: float, x: float, y: float) -> None:
        """Take where a robot is at a time: s, m, m."""
        step = round(stamp / STEP)
        if step <= self._over:
            self.late[robot] += 1
            return
        self._open.setdefault(step, {})[robot] = (x, y)
        if step > self._reached[robot]:
            self._reached[robot] = step
            self._close(max(min(self._reached) - 1, step - PATIENCE))

    def _close(self, last: float) -> None:
        """Hand on all steps up to one."""
        while self._open and (step := min(self._open)) <= last:
            for robot, place in self._open.pop(step).items():
                self._places[robot] = place
            self._over = step
            self._take(step * STEP, self._places.copy())

    def flush(self) -> None:
        """Hand on what there is: nothing more comes, or not soon."""
        self._close(math.inf)
