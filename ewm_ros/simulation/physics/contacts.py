"""Telling collisions and near misses: each counted once, when it begins."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

import numpy as np

from ewm_ros.geometry import FloatArray
from ewm_ros.simulation.worlds.shapes import DistanceField, Floor

NEAR = 0.1  # m between bodies that do not touch: a near miss
NEAR_END = 0.15  # m, at which its episode ends; the gap keeps a robot that hovers at the edge from counting twice
TOUCH_END = 0.005  # m, at which a contact ends


@dataclass(frozen=True, slots=True, order=True)
class Contact:
    """A robot and what it touched or nearly touched: another robot (of a higher index), a wall, a pillar, somebody."""

    robot: str
    other: str


class Episodes:
    """Things that begin and last; only beginnings are reported."""

    def __init__(self, lasting: Set[Contact] = frozenset()) -> None:
        self._lasting = frozenset(lasting)

    def update(self, now: Set[Contact], still: Set[Contact]) -> tuple[Contact, ...]:
        """What began with this step.

        Args:
            now: all that meets the condition.
            still: all that would keep an episode going.
        """
        began = now - self._lasting
        self._lasting = frozenset((self._lasting & still) | now)
        return tuple(sorted(began))


class Gaps:
    """Exact distances between robots, and from them to walls, pillars and people, in the plane.

    Args:
        names, radii: of the robots.
        people: names of the people.
    """

    def __init__(self, floor: Floor, names: tuple[str, ...], radii: FloatArray, people: tuple[str, ...] = ()) -> None:
        self._names = names
        self._radii = radii
        self._field = DistanceField(floor)
        self._others = (*self._field.names, *people, *names)
        self._later = np.tri(len(names), dtype=np.bool_)  # each pair of robots counts once, with the lower index first

    def within(self, positions: FloatArray, people: FloatArray, *limits: float) -> tuple[frozenset[Contact], ...]:
        """For each limit (m) all pairs that are closer.

        Args:
            positions: (N, 2) m of the robots.
            people: (P, 3) m, x, y, radius.
        """
        discs = np.concatenate([people, np.column_stack([positions, self._radii])])
        steps = positions[:, None, :] - discs[:, :2]
        to_discs = np.hypot(steps[:, :, 0], steps[:, :, 1]) - discs[:, 2]
        to_discs[:, len(people) :][self._later] = np.inf
        gaps = np.concatenate([self._field.distances(positions), to_discs], axis=1) - self._radii[:, None]
        close = [(gaps[i, j], i, j) for i, j in np.argwhere(gaps < max(limits))]
        return tuple(
            frozenset(Contact(self._names[i], self._others[j]) for gap, i, j in close if gap < limit)
            for limit in limits
        )
