"""Who is at a place of its own: its goal, or in the task `allocate` a goal that nobody was at before it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ewm_ros.geometry import FloatArray
from ewm_ros.simulation.worlds.world_format import Point, TaskName

REACHED = 0.3  # m from a place, whatever the robot's radius
SETTLED = 1.0  # s that all have to be at their goals before an episode ends


class Arrivals:
    """Keeps who is where from step to step.

    Args:
        goals: m; in the task `reach` one for each robot, nan for one that is sent nowhere, in `allocate` anybody's, in
            `deliver` none.
        robots: N, how many.

    Attributes:
        there: (N,) whether each robot is within 0.3 m of a goal of its own; nobody is before the first update, nor ever
            in the task `deliver`.
        stay: steps since the last robot came, 0 while not all are there.
    """

    def __init__(self, task: TaskName, goals: FloatArray | Sequence[Point], robots: int) -> None:
        self._task = task
        self._goals = np.array(goals, dtype=np.float64).reshape(-1, 2)
        self._owners: dict[int, int] = {}  # robot by goal, in `allocate`
        self.there: NDArray[np.bool_] = np.zeros(robots, dtype=np.bool_)
        self.stay = 0

    def send(self, robot: int, goal: Point | None) -> None:
        """In the task `reach`, give a robot another goal; None: it may stay where it is."""
        self._goals[robot] = (math.nan, math.nan) if goal is None else goal

    @property
    def idle(self) -> NDArray[np.bool_]:
        """(N,) which robots of the task `reach` are sent nowhere; in the other tasks none is."""
        if self._task != "reach":
            return np.zeros(len(self.there), dtype=np.bool_)
        return np.isnan(self._goals[:, 0])

    def update(self, places: FloatArray) -> None:
        """Take where the robots are at first or after a step: (N, 2) m."""
        stayed = bool(self.there.all())
        self.there = self._find(places)
        self.stay = self.stay + 1 if stayed and self.there.all() else 0

    def _find(self, places: FloatArray) -> NDArray[np.bool_]:
        if self._task == "deliver":
            return np.zeros(len(places), dtype=np.bool_)
        near = np.hypot(*(places[:, None] - self._goals).transpose(2, 0, 1)) <= REACHED  # (robots, goals)
        if self._task == "reach":
            own: NDArray[np.bool_] = near.diagonal().copy()
            return own
        self._owners = {goal: robot for goal, robot in self._owners.items() if near[robot, goal]}
        for robot, goal in np.argwhere(near).tolist():
            self._owners.setdefault(goal, robot)
        return np.isin(np.arange(len(places)), list(self._owners.values()))
