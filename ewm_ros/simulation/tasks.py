"""What the robots of a scenario are to do: where each is sent now, by the task's own rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from ewm_ros.geometry import FloatArray
from ewm_ros.randomness import stream
from ewm_ros.simulation.arrivals import REACHED
from ewm_ros.simulation.scout import Scout
from ewm_ros.simulation.worlds.scenario import Scenario
from ewm_ros.simulation.worlds.world_format import Point


class Task(Protocol):
    """The dispatcher of one run; the entries of all its lists are the robots that take part, in order.

    Attributes:
        targets: x, y (m) where each robot is to go, or to stay.
        orders: how many deliveries each robot has made.
        loaded: which robots are on their way to a drop station.
    """

    targets: list[Point]
    orders: list[int]
    loaded: list[bool]

    def update(self, places: FloatArray) -> None:
        """Take the robots' places, (N, 2) m, and send them on."""


def make_task(scenario: Scenario, indices: Sequence[int]) -> Task:
    """The scenario's task for the robots with these indices."""
    if scenario.task == "deliver":
        return Deliver(scenario, indices)
    if scenario.task == "allocate":
        return Allocate(scenario, indices)
    return Reach(scenario, indices)


class Reach:
    """Robot i goes to goal i."""

    def __init__(self, scenario: Scenario, indices: Sequence[int]) -> None:
        self.targets = [scenario.goals[i] for i in indices]
        self.orders = [0] * len(indices)
        self.loaded = [False] * len(indices)

    def update(self, places: FloatArray) -> None:
        """Nothing changes."""


class Allocate:
    """Nobody is told a goal: each robot looks for one that nobody is at (see Scout) and stays there."""

    def __init__(self, scenario: Scenario, indices: Sequence[int]) -> None:
        self._goals = np.array(scenario.goals)
        self._scouts = [Scout(scenario, i) for i in indices]
        self.targets = [scout.target for scout in self._scouts]
        self.orders = [0] * len(indices)
        self.loaded = [False] * len(indices)

    def update(self, places: FloatArray) -> None:
        """Let each robot look around, and choose."""
        for k, scout in enumerate(self._scouts):
            scout.look((places[k, 0], places[k, 1]), self._goals, np.delete(places, k, axis=0))
            self.targets[k] = scout.target


class Deliver:
    """Each robot goes to the pick-up station of its order, then to its drop; then it gets the next order.

    Orders are drawn from each robot's own stream. A station that no robot is on its way to is preferred to one that is
    taken, as a warehouse's dispatcher does.
    """

    def __init__(self, scenario: Scenario, indices: Sequence[int]) -> None:
        stations = scenario.stations
        assert stations is not None  # world files of this task have them
        self._picks, self._drops = stations.pick, stations.drop
        self._rngs = [stream(scenario.seed, i, "orders") for i in indices]
        self.loaded = [False] * len(indices)
        self.orders = [0] * len(indices)
        self.targets = []
        for rng in self._rngs:
            self.targets.append(self._choose(self._picks, rng))

    def update(self, places: FloatArray) -> None:
        """Send on who has come to its station."""
        for k, rng in enumerate(self._rngs):
            if np.hypot(*(places[k] - self.targets[k])) > REACHED:
                continue
            self.orders[k] += self.loaded[k]
            self.loaded[k] = not self.loaded[k]
            self.targets[k] = self._choose(self._drops if self.loaded[k] else self._picks, rng)

    def _choose(self, stations: Sequence[Point], rng: np.random.Generator) -> Point:
        free = [station for station in stations if station not in self.targets]
        choice = free or list(stations)
        # One number a choice, however many stations are free: the stream stays in step.
        return choice[int(rng.random() * len(choice))]
