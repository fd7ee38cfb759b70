"""The referee of one episode: who has arrived and when, who is deadlocked, when it is over."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from ewm_ros.geometry import FloatArray
from ewm_ros.simulation.arrivals import SETTLED, Arrivals
from ewm_ros.simulation.worlds.scenario import Scenario
from ewm_ros.simulation.worlds.world_format import Point, TaskName
from ewm_ros.trajectory import STEP

STUCK_TIME = 20.0  # s; who moved less than STUCK_DISTANCE in this time, and waited for nobody who moved, is deadlocked
STUCK_DISTANCE = 0.1  # m


class Episode:
    """Judges an episode from the robots' poses.

    Args:
        names: of the robots.
        goals: m; in the task `reach` one for each robot, nan for one that is sent nowhere, in `allocate` anybody's, in
            `deliver` none.
        time_limit: s.

    Attributes:
        arrivals: s at which each robot's present stay at its goal began, nan while it is away. In `allocate` a goal
            belongs to whom came first.
        orders: how many deliveries each robot has made.
        deadlocks: how many robots got deadlocked, each counted once until it moved again.
    """

    def __init__(
        self,
        names: Sequence[str],
        goals: FloatArray | Sequence[Point],
        time_limit: float,
        task: TaskName = "reach",
    ) -> None:
        self.names = tuple(names)
        self._time_limit = time_limit
        self._task = task
        self._there = Arrivals(task, goals, len(self.names))
        self.time = 0.0
        self.orders: tuple[int, ...] = (0,) * len(self.names)
        self.arrivals: FloatArray = np.full(len(self.names), math.nan)
        self.deadlocks = 0
        self._anchors: FloatArray | None = None
        self._anchored = np.zeros(len(self.names))
        self._alive = np.zeros(len(self.names))
        self._deadlocked = np.zeros(len(self.names), dtype=bool)

    @staticmethod
    def of(scenario: Scenario, indices: Sequence[int] | None = None, time_limit: float | None = None) -> Episode:
        """The referee of a scenario.

        Args:
            indices: of the robots that take part; all if not given.
            time_limit: s; the scenario's own if not given.
        """
        taking_part = range(len(scenario.names)) if indices is None else indices
        own = [scenario.goals[i] for i in taking_part] if scenario.task == "reach" else scenario.goals
        names = [scenario.names[i] for i in taking_part]
        return Episode(names, own, time_limit or scenario.time_limit, scenario.task)

    def update(
        self,
        time: float,
        poses: FloatArray,
        waits_for: Mapping[str, Sequence[str]] | None = None,
        orders: Sequence[int] | None = None,
    ) -> None:
        """Take the state of affairs at a time.

        Args:
            poses: (N, 3) m, m, rad or (N, 2) m; nan for a robot that has not been heard of yet.
            waits_for: for each robot, whom it has been told to wait for.
            orders: how many deliveries each robot has made, in the task `deliver`.
        """
        self.time = time
        if orders is not None:
            self.orders = tuple(orders)
        places = poses[:, :2]
        self._there.update(places)
        at_goal = self._there.there
        self.arrivals = np.where(at_goal, np.where(np.isnan(self.arrivals), time, self.arrivals), math.nan)
        self._find_deadlocks(time, places, at_goal, waits_for or {})

    def _find_deadlocks(
        self, time: float, places: FloatArray, at_goal: np.ndarray, waits_for: Mapping[str, Sequence[str]]
    ) -> None:
        if self._anchors is None:
            self._anchors = places.copy()
            self._anchored[:] = time
        unknown = np.isnan(places[:, 0])
        excused = at_goal | unknown | self._there.idle
        moved = (np.hypot(*(places - self._anchors).T) >= STUCK_DISTANCE) | (np.isnan(self._anchors[:, 0]) & ~unknown)
        self._anchors[moved] = places[moved]
        self._anchored[moved] = time
        moved_last = dict(zip(self.names, self._anchored.tolist(), strict=True))
        for i, name in enumerate(self.names):
            # Whoever waits for somebody that moves is waiting its turn.
            turn = max(moved_last.get(other, 0.0) for other in {name, *_closure(name, waits_for)})
            self._alive[i] = time if excused[i] else max(self._alive[i], turn)
        dead = time - self._alive >= STUCK_TIME
        self.deadlocks += int((dead & ~self._deadlocked).sum())
        self._deadlocked = dead

    @property
    def reached(self) -> int:
        """How many robots are at their goals; in `deliver`, how many have delivered something."""
        if self._task == "deliver":
            return sum(count > 0 for count in self.orders)
        return int((~np.isnan(self.arrivals)).sum())

    @property
    def flow_time(self) -> float | None:
        """s that all robots took together until they arrived; None where there is no makespan."""
        return None if self.makespan is None else float(np.sum(self.arrivals))

    @property
    def finished(self) -> bool:
        """All have arrived and stayed for a moment, or time is up; in `deliver` only the latter."""
        makespan = self.makespan
        return (makespan is not None and self.time - makespan > SETTLED - STEP / 2) or self.time >= self._time_limit

    @property
    def makespan(self) -> float | None:
        """s until the last robot arrived; None if not all have, and in `deliver`."""
        return None if np.isnan(self.arrivals).any() else float(np.max(self.arrivals))

    @property
    def orders_per_minute(self) -> float | None:
        """Deliveries of the whole fleet per minute; None for other tasks."""
        if self._task != "deliver" or self.time == 0.0:
            return None
        return 60.0 * sum(self.orders) / self.time

    def success(self, collisions: int) -> bool:
        """Nobody touched anything and all are at their goals; in `deliver`, nobody is stuck and each has delivered."""
        stuck = self.deadlocks > 0 and self._task == "deliver"
        return self.reached == len(self.names) and collisions == 0 and not stuck

    @property
    def deadlocks_left(self) -> int:
        """How many robots are deadlocked now."""
        return int(self._deadlocked.sum())

    def makespan_ratio(self, alone: Sequence[float | None]) -> float | None:
        """The makespan over the arrival of the slowest robot alone; None if somebody has not arrived, here or alone."""
        known = [there for there in alone if there is not None]
        if self.makespan is None or len(known) < len(self.arrivals):
            return None
        return self.makespan / max(known)

    def sum_of_delays(self, alone: Sequence[float | None]) -> float | None:
        """Sum over robots of arrival minus the arrival alone (s); None if not all have arrived, here or alone."""
        if self.makespan is None:
            return None
        delays = [float(here) - there for here, there in zip(self.arrivals, alone, strict=True) if there is not None]
        return sum(delays) if len(delays) == len(self.arrivals) else None


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
