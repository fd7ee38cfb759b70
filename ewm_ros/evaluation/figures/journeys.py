"""The referee of robots that are sent from place to place while they run, as their topics tell it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ewm_ros.evaluation.figures.episode import Episode
from ewm_ros.geometry import FloatArray
from ewm_ros.messages import GoalState, GoalStatus
from ewm_ros.simulation.worlds.world_format import Point

SAME = 0.01  # m between two goals that are one, told by whoever sent it and by the robot


@dataclass(slots=True)
class Journey:
    """One robot's way to one goal.

    Attributes:
        goal: m.
        began: s, when the robot was sent.
        arrived: s, when it came to stay there; nan while it is away, and after it has left.
        told: whether the robot itself tells how far it is: its word counts, then.
    """

    goal: Point
    began: float
    arrived: float = math.nan
    told: bool = False

    @property
    def duration(self) -> float:
        """s that it took; nan if the robot has not arrived."""
        return self.arrived - self.began


class Journeys(Episode):
    """Judges robots by the newest goal of each; one that has none, or has been called off, may stay where it is.

    Args:
        names: of the robots.

    Attributes:
        newest: the newest journey of each robot that has one, by its index.
    """

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(names, np.full((len(names), 2), math.nan), math.inf)
        self.newest: dict[int, Journey] = {}
        self._began: float | None = None
        self._over = 0.0  # s that journeys before the newest ones took

    def send(self, robot: int, time: float, goal: Point) -> None:
        """A robot was sent to a place (m) at a time (s); to be sent where it was sent before changes nothing."""
        known = self.newest.get(robot)
        if known is not None and math.dist(known.goal, goal) <= SAME:
            return
        if known is not None and not math.isnan(known.arrived):
            self._over += known.duration
        self._began = time if self._began is None else min(self._began, time)
        self.newest[robot] = Journey(goal, time)
        self._sends(robot, goal)

    def state(self, robot: int, told: GoalState) -> None:
        """A robot told how far it is with its newest goal; a word from before it was sent elsewhere counts no more."""
        known = self.newest.get(robot)
        if told.status == GoalStatus.NONE or (known is not None and told.stamp < known.began):
            return
        self.send(robot, told.stamp, (told.x, told.y))
        journey = self.newest[robot]
        journey.told = True
        if told.status == GoalStatus.CANCELLED:
            del self.newest[robot]
        elif told.status != GoalStatus.REACHED:
            journey.arrived = math.nan
        elif math.isnan(journey.arrived):
            journey.arrived = told.stamp
        # Who says that it is there may stay there, on whichever side of the 0.3 m its odometry is.
        self._sends(robot, None if told.status in (GoalStatus.CANCELLED, GoalStatus.REACHED) else journey.goal)

    def _sends(self, robot: int, goal: Point | None) -> None:
        self._there.send(robot, goal)
        self.arrivals[robot] = math.nan

    def update(
        self,
        time: float,
        poses: FloatArray,
        waits_for: Mapping[str, Sequence[str]] | None = None,
        orders: Sequence[int] | None = None,
    ) -> None:
        """See Episode."""
        super().update(time, poses, waits_for, orders)
        for robot, journey in self.newest.items():
            if not journey.told:
                journey.arrived = float(self.arrivals[robot])

    @property
    def reached(self) -> int:
        """How many robots are where they were sent last."""
        return sum(not math.isnan(journey.arrived) for journey in self.newest.values())

    @property
    def makespan(self) -> float | None:
        """s from the first goal until the last robot arrived; None if one is under way, or none was sent anywhere."""
        if self._began is None or not self.newest or self.reached < len(self.newest):
            return None
        return max(journey.arrived for journey in self.newest.values()) - self._began

    @property
    def flow_time(self) -> float | None:
        """s that all journeys took together that came to their end; None where there is no makespan."""
        if self.makespan is None:
            return None
        return self._over + sum(journey.duration for journey in self.newest.values())

    def success(self, collisions: int) -> bool:
        """Nobody touched anything, as far as is known, and all are where they were sent last."""
        return bool(self.newest) and self.reached == len(self.newest) and collisions == 0
