"""Who can still come to its goal, whoever has to wait for whom: Dijkstra's banker for robots on fixed routes.

The ordering test of deadlock avoidance in vehicle systems; polynomial because routes are fixed (Reveliotis, IEEE Trans.
Automatic Control 2000).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ewm_ros.coordination.occupant import Occupant
from ewm_ros.coordination.route_book import RouteBook


class Banker:
    """Looks for an order in which robots can drive to their goals one after the other.

    Args:
        book: the routes of the fleet.
    """

    def __init__(self, book: RouteBook) -> None:
        self._book = book

    def finishable(self, occupants: Mapping[str, Occupant]) -> set[str]:
        """The robots that can drive to their goals one after the other while all the others keep their intervals.

        A robot may finish only where its goal is in nobody's way who has still to pass, so no choice is ever regretted
        and the greedy search is exact. One that yields may finish anywhere: so it does after all others that can.
        """
        extents = {name: (o.low, o.extent) for name, o in occupants.items()}
        left = {name: o for name, o in occupants.items() if not o.arrived}
        near = {name: [n for n in self._book.neighbours(name) if n in occupants] for name in left}
        done: set[str] = set()
        progress = True
        while progress and left:
            progress = False
            for name, me in sorted(left.items(), key=lambda item: item[1].yields):
                if progress and me.yields:
                    break
                if self._can_finish(me, near[name], extents, left):
                    extents[name] = (me.length, me.length)
                    del left[name]
                    done.add(name)
                    progress = True
        return done

    def _can_finish(
        self,
        me: Occupant,
        near: Iterable[str],
        extents: Mapping[str, tuple[float, float]],
        left: Mapping[str, Occupant],
    ) -> bool:
        if me.disabled:
            return False
        for other in near:
            space = self._book.tight_space(me.robot, other)
            if space.blocked(me.high if me.movable else me.low, me.length, *extents[other]):
                return False
            regretted = other in left and not left[other].disabled and not me.yields
            if regretted and space.blocked(me.length, me.length, extents[other][0], left[other].length):
                return False
        return True

    def stuck(self, occupants: Mapping[str, Occupant]) -> frozenset[str]:
        """The robots that cannot come to their goals on their routes, whoever goes first: the deadlocked ones.

        They and those that they wait for are the cycles of the wait-for graph, and what hangs on these.
        """
        left = {name for name, o in occupants.items() if not o.arrived}
        return frozenset(left - self.finishable(occupants))
