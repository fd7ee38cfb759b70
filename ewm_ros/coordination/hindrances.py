"""Who has to come to its goal before whom: sets of robots as bits, renewed only for those that have moved.

The banker asks again and again, each time with one robot's interval a little longer. What two robots are to each other
depends on these two alone, so a question costs what has changed since the last one and a few operations on integers.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from typing import NamedTuple

from ewm_ros.coordination.conflict_space import ConflictSpace, cell
from ewm_ros.coordination.occupant import Occupant
from ewm_ros.coordination.route_book import RouteBook


class _Place(NamedTuple):
    """What the others' chances depend on, of one robot.

    Attributes:
        route: the number of its route in the book.
        start: the cell of its route that it may drive on from as soon as its way is free.
        low, end: the cells that its interval begins and ends with.
        goal: the last cell.
        left: it has not arrived.
        able: it can drive, so nobody is to finish in its way.
        yields: it may finish in the way of others.
    """

    route: int
    start: int
    low: int
    end: int
    goal: int
    left: bool
    able: bool
    yields: bool


class Hindrances:
    """For each robot, who keeps it from its goal while all keep their intervals; sets of robots are bits.

    Args:
        book: the routes of the fleet.

    Attributes:
        marks: each robot's bit.
        by: who has to finish before a robot can: those in its way, and those in whose way its goal is.
        kept_out: of a robot that yields, those who cannot come to their goals any more once it stands at its own.
        compared: pairs of robots that have been looked at so far.
    """

    def __init__(self, book: RouteBook) -> None:
        self._book = book
        self._states: dict[str, tuple[object, ...]] = {}  # that the places are of
        self._places: dict[str, _Place] = {}
        self.marks: dict[str, int] = {}
        self.by: dict[str, int] = {}
        self.kept_out: dict[str, int] = {}
        self.compared = 0

    def update(self, occupants: Mapping[str, Occupant]) -> None:
        """Take note of where everybody is."""
        for name in self._places.keys() - occupants.keys():
            del self._states[name], self._places[name], self.by[name], self.kept_out[name]
            self._clear(name, self.by)
        changed = []
        for name, o in occupants.items():
            route = self._book.changed(name)
            state = (route, o.low, o.high, o.length, o.movable, o.disabled, o.yields)
            if self._states.get(name) == state:
                continue
            self._states[name] = state
            place = _place(o, route)
            if self._places.get(name) != place:
                self._places[name] = place
                self.marks.setdefault(name, 1 << len(self.marks))
                self.by.setdefault(name, 0)
                self.kept_out.setdefault(name, 0)
                changed.append(name)
        if not changed:
            return
        others = dict.fromkeys(self._places)
        for name in changed:
            del others[name]
        for name in changed:  # beside those that have not changed, and the changed ones before it
            self.by[name] = self.kept_out[name] = 0
            self._clear(name, others)
            self._compare(name, others)
            others[name] = None

    def _clear(self, robot: str, others: Iterable[str]) -> None:
        mark = ~self.marks[robot]
        for other in others:
            self.by[other] &= mark
            self.kept_out[other] &= mark

    def _compare(self, robot: str, others: Container[str]) -> None:
        me, mark = self._places[robot], self.marks[robot]
        for other in self._book.neighbours(robot):
            if other in others:
                self.compared += 1
                them, their_mark = self._places[other], self.marks[other]
                mine, theirs = self._book.tight_space(robot, other), self._book.tight_space(other, robot)
                if _hinders(me, them, mine, theirs):
                    self.by[robot] |= their_mark
                if _hinders(them, me, theirs, mine):
                    self.by[other] |= mark
                if me.yields and theirs.cells_meet(them.start, them.goal, me.goal, me.goal):
                    self.kept_out[robot] |= their_mark
                if them.yields and mine.cells_meet(me.start, me.goal, them.goal, them.goal):
                    self.kept_out[other] |= mark


def _place(occupant: Occupant, route: int) -> _Place:
    o = occupant
    start = o.high if o.movable else o.low
    able = not o.disabled
    return _Place(route, cell(start), cell(o.low), cell(o.extent), cell(o.length), not o.arrived, able, o.yields)


def _hinders(me: _Place, other: _Place, mine: ConflictSpace, theirs: ConflictSpace) -> bool:
    """Whether another robot, where it is, keeps one from finishing.

    Args:
        mine: their space as the one sees it; `theirs` is the same as the other one sees it.
    """
    if not (me.left and me.able):
        return False
    if mine.cells_meet(me.start, me.goal, other.low, other.end):
        return True
    waits = other.left and other.able and not me.yields
    return waits and theirs.cells_meet(other.low, other.goal, me.goal, me.goal)
