"""Who can still come to its goal, whoever has to wait for whom: Dijkstra's banker for robots on fixed routes.

The ordering test of deadlock avoidance in vehicle systems; polynomial because routes are fixed (Reveliotis, IEEE Trans.
Automatic Control 2000).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ewm_ros.coordination.hindrances import Hindrances
from ewm_ros.coordination.occupant import Occupant
from ewm_ros.coordination.route_book import RouteBook


class _Robot(NamedTuple):
    """One that has still to finish, as in Hindrances."""

    mark: int
    by: int
    kept_out: int = 0


class Banker:
    """Looks for an order in which robots can drive to their goals one after the other.

    Args:
        book: the routes of the fleet.
    """

    def __init__(self, book: RouteBook) -> None:
        self._hindrances = Hindrances(book)

    def finishable(self, occupants: Mapping[str, Occupant]) -> set[str]:
        """The robots that can drive to their goals one after the other while all the others keep their intervals.

        A robot may finish only where its goal is in nobody's way who has still to pass, so no choice is ever regretted
        and the greedy search is exact. One that yields may finish anywhere: so it does after all others that can, and
        may keep out those that are left.
        """
        self._hindrances.update(occupants)
        marks, by, kept_out = self._hindrances.marks, self._hindrances.by, self._hindrances.kept_out
        able = [o for o in occupants.values() if not o.arrived and not o.disabled]
        orderly = [_Robot(marks[o.robot], by[o.robot]) for o in able if not o.yields]
        yielding = [_Robot(marks[o.robot], by[o.robot], kept_out[o.robot]) for o in able if o.yields]
        gone = never = 0  # who has finished, who never can
        while True:
            before = -1
            while before != gone:
                before = gone
                for robot in orderly:
                    if not robot.by & ~gone:
                        gone |= robot.mark
                orderly = [robot for robot in orderly if not robot.mark & gone]
            last = next((robot for robot in yielding if not robot.by & ~gone), None)
            if last is None:
                return {o.robot for o in able if marks[o.robot] & gone}
            gone |= last.mark
            never |= last.kept_out
            orderly = [robot for robot in orderly if not robot.mark & never]
            yielding = [robot for robot in yielding if not robot.mark & (never | gone)]

    @property
    def compared(self) -> int:
        """Pairs of robots that have been looked at so far."""
        return self._hindrances.compared

    def stuck(self, occupants: Mapping[str, Occupant]) -> frozenset[str]:
        """The robots that cannot come to their goals on their routes, whoever goes first: the deadlocked ones.

        They and those that they wait for are the cycles of the wait-for graph, and what hangs on these.
        """
        left = {name for name, o in occupants.items() if not o.arrived}
        return frozenset(left - self.finishable(occupants))
