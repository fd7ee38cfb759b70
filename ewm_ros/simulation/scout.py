"""A robot that looks for a goal by itself: what it has seen, and where it goes next.

Exploration goes to the place from which most can be seen that has not been seen yet, discounted by its distance: the
next best view of H. H. Gonzalez-Banos, J.-C. Latombe, "Navigation Strategies for Exploring Indoor Environments" (IJRR
21, 2002). The map is known here, only the goals are not.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ewm_ros.geometry import FloatArray
from ewm_ros.randomness import stream
from ewm_ros.simulation.arrivals import REACHED
from ewm_ros.simulation.worlds.reachability import areas_of
from ewm_ros.simulation.worlds.scenario import Scenario
from ewm_ros.simulation.worlds.world_format import Point
from ewm_ros.trajectory import STEP

SPACING = 1.0  # m between the places that have to be seen, at least
MOST_PLACES = 1500  # about; on a larger floor they lie further apart
SEEN_SHARE = 0.8  # of the view; what is nearer has been seen
DISCOUNT = 0.2  # 1/m, of what a place that is further away is worth
SOMEBODY_NEARER = 0.3  # share of its worth that a place keeps if a robot in view is nearer to it
TASTE = 0.3  # each robot finds each place worth up to this share more or less: not all go the same way
PATIENCE = 10.0  # s of standing somewhere on the way, after which the robot goes somewhere else
STANDING = 0.2  # m; who has moved less stands
CLOSE = 0.5  # m from the place that the robot goes to, from where on it looks for the next


class Scout:
    """One robot's search.

    Args:
        index: of the robot.

    Attributes:
        target: x, y (m) where the robot wants to go; its own place once there is nothing left to see.
    """

    def __init__(self, scenario: Scenario, index: int) -> None:
        start = scenario.starts[index]
        self.target: Point = (start.x, start.y)
        self._view = scenario.view
        self._places = _places_to_see(scenario, index)
        self._unseen = np.ones(len(self._places), dtype=np.bool_)
        self._tastes = stream(scenario.seed, index, "taste").uniform(1.0 - TASTE, 1.0 + TASTE, len(self._places))
        self._hoped_for = 0  # places that were to be seen from the target when it was chosen
        self._looks = 0
        self._known: dict[Point, tuple[int, bool]] = {}  # goals seen so far: when last, and whether it was taken then
        self._anchor: Point = self.target
        self._anchored = 0

    def look(self, place: Point, goals: FloatArray, peers: FloatArray) -> None:
        """See what is within the view, and choose anew: to be called every STEP.

        Args:
            place: where the robot is, m.
            goals: (G, 2) m, all there are; only those in view are looked at.
            peers: (P, 2) m, all other robots; likewise.
        """
        here = np.array(place)
        self._looks += 1
        peers = peers[np.hypot(*(peers - here).T) <= self._view]
        for goal in goals[np.hypot(*(goals - here).T) <= self._view]:
            theirs = float(np.hypot(*(peers - goal).T).min(initial=math.inf))
            taken = theirs <= REACHED and theirs <= math.dist(goal, place)
            self._known[(float(goal[0]), float(goal[1]))] = (self._looks, taken)
        self._unseen &= np.hypot(*(self._places - here).T) > SEEN_SHARE * self._view
        if self._stuck(place):
            self._leave_it()
        self.target = self._choice(place, peers)

    def _stuck(self, place: Point) -> bool:
        """Whether the robot has been standing on its way for too long."""
        if math.dist(place, self._anchor) > STANDING or math.dist(place, self.target) <= REACHED:
            self._anchor, self._anchored = place, self._looks
        return (self._looks - self._anchored) * STEP > PATIENCE

    def _leave_it(self) -> None:
        """Go somewhere else for now: somebody is in the way, or on the way to the same place."""
        self._anchored = self._looks
        self._hoped_for = 0
        if self.target in self._known:
            self._known[self.target] = (self._looks, True)
        else:
            self._tastes[(self._places == self.target).all(axis=1)] *= SOMEBODY_NEARER

    def _choice(self, place: Point, peers: FloatArray) -> Point:
        free = [goal for goal, (_, taken) in self._known.items() if not taken]
        if free:
            self._hoped_for = 0
            return min(free, key=lambda goal: math.dist(goal, place))
        if not self._unseen.any():  # all goals were taken when they were seen: look again, longest ago first
            return min(self._known, key=lambda goal: self._known[goal][0], default=place)
        hopeful = 2 * int(self._gains(np.array([self.target]))[0]) > self._hoped_for
        if self._hoped_for and hopeful and math.dist(place, self.target) > CLOSE:
            return self.target
        gains, distances = self._gains(self._places), np.hypot(*(self._places - place).T)
        theirs = np.hypot(self._places[:, None, 0] - peers[:, 0], self._places[:, None, 1] - peers[:, 1])
        nearer = theirs.min(axis=1, initial=math.inf) < distances
        worth = gains * self._tastes * np.where(nearer, SOMEBODY_NEARER, 1.0)
        best = int((worth * np.exp(-DISCOUNT * distances)).argmax())
        self._hoped_for = int(gains[best])
        return float(self._places[best, 0]), float(self._places[best, 1])

    def _gains(self, points: FloatArray) -> NDArray[np.int_]:
        """(N,) how many places that have not been seen are to be seen from points, (N, 2) m."""
        unseen = self._places[self._unseen]
        distances = np.hypot(points[:, None, 0] - unseen[:, 0], points[:, None, 1] - unseen[:, 1])
        return np.asarray((distances <= SEEN_SHARE * self._view).sum(axis=1))


def _places_to_see(scenario: Scenario, index: int) -> FloatArray:
    """(N, 2) m: places all over the floor that the robot can drive to from its start."""
    areas, start = areas_of(scenario, scenario.types[index].radius), scenario.starts[index]
    (x0, x1), (y0, y1) = scenario.bounds.x, scenario.bounds.y
    spacing = max(SPACING, math.sqrt((x1 - x0) * (y1 - y0) / MOST_PLACES))
    xs, ys = (np.arange(a + spacing / 2, b, spacing) for a, b in ((x0, x1), (y0, y1)))
    places: FloatArray = np.stack(np.meshgrid(xs, ys, indexing="ij"), axis=-1).reshape(-1, 2)
    reachable: FloatArray = places[areas.at(places) == areas.leaving((start.x, start.y))]
    return reachable
