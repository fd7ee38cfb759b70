"""The conflict spaces of all pairs of a fleet at one clearance, each worked out when it is asked for, and kept."""

from __future__ import annotations

from collections.abc import Mapping

from ewm_ros.coordination.conflict_space import ConflictSpace, shared_space
from ewm_ros.messages import Route


class PairSpaces:
    """Conflict spaces by pair, both ways.

    Args:
        clearance: m, see ConflictSpace.
    """

    def __init__(self, clearance: float) -> None:
        self._clearance = clearance
        self._known: dict[str, dict[str, ConflictSpace]] = {}

    def of(self, a: str, b: str, routes: Mapping[str, Route]) -> ConflictSpace:
        """The space of a's and b's progress.

        Args:
            routes: by robot, the same as ever but for robots that have been forgotten.
        """
        known = self._known.get(a)
        if known is None or b not in known:
            one, other = routes[a], routes[b]
            space = shared_space(one.path, other.path, one.radius + other.radius, self._clearance)
            self._known.setdefault(a, {})[b] = space
            self._known.setdefault(b, {})[a] = space.transposed()
            return space
        return known[b]

    def forget(self, robot: str) -> None:
        """The robot is on another route."""
        for other in self._known.pop(robot, ()):
            del self._known[other][robot]

    def copy(self) -> PairSpaces:
        """The same spaces, to go on with apart."""
        other = PairSpaces(self._clearance)
        other._known = {robot: dict(spaces) for robot, spaces in self._known.items()}
        return other
