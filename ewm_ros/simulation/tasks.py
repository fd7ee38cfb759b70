"""What the robots of a scenario are to do: where each is sent now, by the task's own rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from ewm_ros.geometry import FloatArray
from ewm_ros.randomness import stream
from ewm_ros.robot.explorer import Explorer
from ewm_ros.simulation.arrivals import REACHED
from ewm_ros.simulation.worlds.occupancy import occupancy_grid
from ewm_ros.simulation.worlds.scenario import Scenario
from ewm_ros.simulation.worlds.world_format import Point
from ewm_ros.trajectory import STEP

PATIENCE = 10.0  # s of standing on its way, after which a robot that hears nothing of the others goes somewhere else
TASTE = 0.3  # each of them finds each place worth up to this share more or less: not all go the same way


class Task(Protocol):
    """The dispatcher of one run; the entries of all its lists are the robots that take part, in order.

    Attributes:
        targets: x, y (m) where each robot is to go, or to stay.
        sightings: (G, 2) m, the goals that each robot sees; empty where robots are told theirs.
        orders: how many deliveries each robot has made.
        loaded: which robots are on their way to a drop station.
    """

    targets: list[Point]
    sightings: list[FloatArray]
    orders: list[int]
    loaded: list[bool]

    def update(self, places: FloatArray) -> None:
        """Take the robots' places, (N, 2) m, and send them on."""


def make_task(scenario: Scenario, indices: Sequence[int], telling: bool = False) -> Task:
    """The scenario's task for the robots with these indices.

    Args:
        telling: whether robots tell each other what they find, and so settle by themselves who goes where.
    """
    if scenario.task == "deliver":
        return Deliver(scenario, indices)
    if scenario.task == "allocate":
        return Allocate(scenario, indices) if telling else AllocateUntold(scenario, indices)
    return Reach(scenario, indices)


class Reach:
    """Robot i goes to goal i."""

    def __init__(self, scenario: Scenario, indices: Sequence[int]) -> None:
        self.targets = [scenario.goals[i] for i in indices]
        self.sightings: list[FloatArray] = []
        self.orders = [0] * len(indices)
        self.loaded = [False] * len(indices)

    def update(self, places: FloatArray) -> None:
        """Nothing changes."""


class Allocate:
    """Nobody is told a goal: robots see those in view, and settle among themselves who takes which."""

    def __init__(self, scenario: Scenario, indices: Sequence[int]) -> None:
        self._goals, self._view = np.array(scenario.goals), scenario.view
        self.targets = [(scenario.starts[i].x, scenario.starts[i].y) for i in indices]
        self.sightings = [np.empty((0, 2))] * len(indices)
        self.orders = [0] * len(indices)
        self.loaded = [False] * len(indices)

    def update(self, places: FloatArray) -> None:
        """Let each robot look around."""
        self.sightings = [self._in_view(self._goals, place) for place in places]

    def _in_view(self, points: FloatArray, place: FloatArray) -> FloatArray:
        seen: FloatArray = points[np.hypot(*(points - place).T) <= self._view]
        return seen


class AllocateUntold(Allocate):
    """The same for robots that hear nothing of each other: each searches by itself, and goes where it sees nobody."""

    def __init__(self, scenario: Scenario, indices: Sequence[int]) -> None:
        super().__init__(scenario, indices)
        grid = occupancy_grid(scenario)
        self._looks = 0
        self._explorers = []
        for i in indices:
            tastes = (stream(scenario.seed, i, "taste"), TASTE)
            explorer = Explorer(
                scenario.names[i], scenario.types[i].radius, scenario.view, PATIENCE, tastes, listen=0.0
            )
            explorer.set_map(grid)
            self._explorers.append(explorer)

    def update(self, places: FloatArray) -> None:
        """Let each robot look around, and choose."""
        super().update(places)
        self._looks += 1
        for k, explorer in enumerate(self._explorers):
            place = (float(places[k, 0]), float(places[k, 1]))
            peers = self._in_view(np.delete(places, k, axis=0), places[k])
            explorer.look(place, self.sightings[k], self._looks * STEP, peers)
            self.targets[k] = place if explorer.goal is None else (explorer.goal.x, explorer.goal.y)


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
        self.sightings: list[FloatArray] = []
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
