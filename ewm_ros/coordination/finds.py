"""Places of goals that somebody of the fleet has found, and which of them to tell next."""

from __future__ import annotations

import math
from collections.abc import Iterator

Point = tuple[float, float]

SAME_PLACE = 0.3  # m within which two robots' words are of the same goal
TOLD_AT_ONCE = 2  # in one intention: it stays small
AHEAD = 5  # times that a new find is told before the others are told again: messages get lost


class Finds:
    """What one robot knows of goals, from its own eyes or from others."""

    def __init__(self) -> None:
        self._told: dict[Point, int] = {}  # how often
        self._fresh: dict[Point, int] = {}  # how often still, before the others

    def __iter__(self) -> Iterator[Point]:
        return iter(self._told)

    def __len__(self) -> int:
        return len(self._told)

    def learn(self, x: float, y: float) -> Point:
        """Remember a place, m, in whole cm as it is told; the place that it is known by, if it is."""
        known = self.known(x, y)
        if known is None:
            known = (round(x, 2), round(y, 2))
            self._told[known] = min(self._told.values(), default=0)
            self._fresh[known] = AHEAD
        return known

    def known(self, x: float, y: float) -> Point | None:
        """The goal that is meant by a place."""
        nearest = min(self._told, key=lambda place: math.dist(place, (x, y)), default=None)
        return nearest if nearest is not None and math.dist(nearest, (x, y)) <= SAME_PLACE else None

    def to_tell(self, first: Point | None) -> tuple[Point, ...]:
        """A few places: first the one that the robot takes, if it takes one, then new ones, then all others in turn.

        What others have found is told too: not everybody hears everybody.
        """
        newest_first = (place for place in reversed(self._told) if place != first)
        others = sorted(newest_first, key=lambda place: (self._fresh[place] == 0, self._told[place]))
        told = (([first] if first is not None else []) + others)[:TOLD_AT_ONCE]
        for place in told:
            self._told[place] += 1
            self._fresh[place] = max(self._fresh[place] - 1, 0)
        return tuple(told)
