"""Telling collisions and near misses: each counted once, when it begins."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

import numpy as np

from ewm_ros.geometry import FloatArray
from ewm_ros.simulation.shapes import DistanceField, Floor

NEAR = 0.1  # m between bodies that do not touch: a near miss
NEAR_END = 0.15  # m, at which its episode ends; the gap keeps a robot that hovers at the edge from counting twice
TOUCH_END = 0.005  # m, at which a contact ends


@dataclass(frozen=True, slots=True, order=True)
class Contact:
    """A robot and what it touched or nearly touched: another robot (of a higher index), a wall or a pillar."""

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
    """Exact distances between round bodies, and from them to walls and pillars, in the plane."""

    def __init__(self, floor: Floor, names: tuple[str, ...], radii: FloatArray) -> None:
        self._names = names
        self._radii = radii
        self._field = DistanceField(floor)
        self._first, self._second = np.triu_indices(len(names), 1)

    def within(self, positions: FloatArray, *limits: float) -> tuple[frozenset[Contact], ...]:
        """For each limit (m) all pairs that are closer. positions: (N, 2) m."""
        to_things = self._field.distances(positions) - self._radii[:, None]
        steps = positions[self._first] - positions[self._second]
        between = np.hypot(steps[:, 0], steps[:, 1]) - self._radii[self._first] - self._radii[self._second]
        return tuple(self._pairs(to_things, between, limit) for limit in limits)

    def _pairs(self, to_things: FloatArray, between: FloatArray, limit: float) -> frozenset[Contact]:
        names = self._names
        things = (Contact(names[i], self._field.names[j]) for i, j in np.argwhere(to_things < limit))
        pairs = np.flatnonzero(between < limit)
        return frozenset([*things, *(Contact(names[self._first[k]], names[self._second[k]]) for k in pairs)])
