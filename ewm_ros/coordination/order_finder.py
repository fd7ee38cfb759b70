"""Asks for an order of passing: which delays do, who passes each shared region first, and whether that can be kept to.

What is known of the fleet becomes a question of schedule.py; from its answer only the order is read. Whoever is inside
a shared region, or may be, has passed first already; of the others somebody may prefer that one passes before another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ewm_ros.coordination.conflict_space import CELL, LEAST_CLEARANCE
from ewm_ros.coordination.delay_conflicts import DelayConflicts, delay_conflicts
from ewm_ros.coordination.kept_distance import kept_distance
from ewm_ros.coordination.occupant import STOPPING, Occupant
from ewm_ros.coordination.precedence import is_executable, who_is_first
from ewm_ros.coordination.route_book import RouteBook
from ewm_ros.coordination.schedule import EFFORT, Schedule, find_schedule, keep_order
from ewm_ros.coordination.timed_route import TimedRoute, timed_route
from ewm_ros.coordination.trapezoid import Trapezoid
from ewm_ros.geometry import FloatArray, Polyline
from ewm_ros.messages import Conflict

# s that robots pass each other further apart than their discs need, as grants run ahead of a robot; the later ones are
# for when the order cannot be kept to otherwise.
HEADWAYS = (1.0, 4.0, 10.0)
MARGIN = 2.0  # s of weighted waiting that another order has to save to replace the one in force
DOUBLED_AFTER = 30.0  # s of waiting that make a robot's time count twice: nobody starves
MANY = 12  # robots, from which on less effort is spent on the order
LITTLE_EFFORT = 4

Order = frozenset[tuple[str, str]]  # pairs of robots: the first one passes before the second wherever they meet
NO_ORDER: Order = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class OrderQuestion:
    """What a schedule is asked for.

    Attributes:
        names: of the robots that drive.
        conflicts, weights: see find_schedule.
        hopeless: pairs that cannot pass each other and are left out of account.
        first: pairs of which the first has to pass first: it is inside already, or that is preferred.
        preferred: what is.
        given_back: pairs of which the second is taken to have given back what it was granted, as far as it can stop.
    """

    names: tuple[str, ...]
    conflicts: DelayConflicts
    weights: FloatArray
    hopeless: tuple[tuple[int, int], ...]
    first: tuple[tuple[int, int], ...] = ()
    preferred: Order = NO_ORDER
    given_back: Order = NO_ORDER

    def with_headway(self, headway: float) -> OrderQuestion:
        """The same with so many s more between robots."""
        wider = DelayConflicts(self.conflicts.low - headway, self.conflicts.high + headway)
        return replace(self, conflicts=wider.without(self.hopeless))

    def asks_for(self, first: str, second: str) -> bool:
        """Whether one robot is to pass before another."""
        return (self.names.index(first), self.names.index(second)) in self.first

    @property
    def effort(self) -> int:
        """To be spent on it."""
        return EFFORT if len(self.names) <= MANY else LITTLE_EFFORT


@dataclass(frozen=True, slots=True, eq=False)
class FoundOrder:
    """A schedule, whom it has pass each region first, and whether that can be kept to however late anybody is."""

    question: OrderQuestion
    schedule: Schedule
    first: Mapping[Conflict, str]
    executable: bool

    @property
    def delays(self) -> dict[str, float]:
        """s by robot."""
        return dict(zip(self.question.names, self.schedule.delays.tolist(), strict=True))

    @property
    def order(self) -> Order:
        """Who passes before whom wherever they meet."""
        return _order(self.question.names, self.schedule.before)


class OrderFinder:
    """Puts questions together and answers them.

    Args:
        book: the routes of the fleet.
    """

    def __init__(self, book: RouteBook) -> None:
        self._book = book
        self._known: dict[str, tuple[tuple[int, float, float], TimedRoute]] = {}

    def question(
        self, occupants: Mapping[str, Occupant], now: float, ways: Mapping[str, Polyline] | None = None
    ) -> OrderQuestion:
        """What is to be asked, without any order yet.

        Args:
            occupants: that drive.
            ways: of those who leave their routes, from where they stand.
        """
        names = tuple(sorted(occupants))
        routes = [self._timed(occupants[name], ways[name] if ways and name in ways else None) for name in names]
        radii = np.array([self._book[name].radius for name in names])
        distance = kept_distance(routes, radii[:, None] + radii[None, :] + LEAST_CLEARANCE + CELL)
        waited = np.array([max(now - min(occupants[name].waiting_since, now), 0.0) for name in names])
        roles = np.array([1.0 + occupants[name].priority for name in names])
        weights: FloatArray = roles * (1.0 + waited / DOUBLED_AFTER)
        conflicts = delay_conflicts(routes, distance)
        return OrderQuestion(names, conflicts, weights, tuple(conflicts.impossible()))

    def _timed(self, occupant: Occupant, way: Polyline | None) -> TimedRoute:
        """The rest of a robot's route, or a whole new way; who stands has the same as when it was asked for last."""
        o, route = occupant, self._book[occupant.robot]
        if way is not None:
            return timed_route(way, o.speed, route.max_acceleration)
        asked = (self._book.changed(o.robot), o.low, o.speed)
        known = self._known.get(o.robot)
        if known is None or known[0] != asked:
            rest = timed_route(route.path, o.speed, route.max_acceleration, from_progress=o.low)
            known = self._known[o.robot] = (asked, rest)
        return known[1]

    def preferring(
        self,
        question: OrderQuestion,
        occupants: Mapping[str, Occupant],
        preferred: Order,
        given_back: Order = NO_ORDER,
    ) -> OrderQuestion:
        """The same question with what is settled by where the robots are, and with what is preferred.

        Args:
            given_back: pairs whose second robot is taken to have given back what it was granted.
        """
        place = {name: k for k, name in enumerate(question.names)}
        settled = self.settled(occupants, given_back)
        # Whoever is inside has settled it.
        pairs = settled | {(a, b) for a, b in preferred if (b, a) not in settled}
        hopeless = {frozenset(pair) for pair in question.hopeless}
        first = {(place[a], place[b]) for a, b in pairs}
        kept = sorted(pair for pair in first if frozenset(pair) not in hopeless)
        return replace(question, first=tuple(kept), preferred=preferred, given_back=given_back)

    def settled(self, occupants: Mapping[str, Occupant], given_back: Order = NO_ORDER) -> Order:
        """The pairs of which one is in a shared region, or may be, and the other is not."""
        settled = set()
        for a, b in self._meeting(occupants):
            for region in self._book.regions(a, b):
                entered, left = _places(region, occupants, given_back)
                if any(left):
                    continue
                if any(entered) and not all(entered):
                    settled.add((a, b) if entered[0] else (b, a))
                break
        return frozenset(settled)

    def _meeting(self, occupants: Mapping[str, Occupant]) -> Iterator[tuple[str, str]]:
        """The pairs whose routes share anything, sorted."""
        for a in sorted(occupants):
            for b in sorted(self._book.neighbours(a)):
                if a < b and b in occupants:
                    yield a, b

    def find(
        self, asked: OrderQuestion, occupants: Mapping[str, Occupant], former: Order, effort: int | None = None
    ) -> FoundOrder | None:
        """The schedule with the least headway at which its order can be kept to; None if there is no schedule.

        Args:
            former: the order in force, kept to unless another one is much better.
        """
        found = None
        for headway in HEADWAYS:
            question = asked.with_headway(headway)
            schedule = self._answer(question, former, effort or question.effort)
            if schedule is None:
                return None
            first = self._first(question, schedule, occupants)
            found = FoundOrder(question, schedule, first, is_executable(first))
            if found.executable:
                break
        return found

    def _answer(self, question: OrderQuestion, former: Order, effort: int) -> Schedule | None:
        conflicts, weights = question.conflicts, question.weights
        best = find_schedule(conflicts, weights=weights, first=question.first, effort=effort)
        if best is None or not former:
            return best
        place = {name: k for k, name in enumerate(question.names)}
        before = np.zeros((len(place), len(place)), dtype=np.bool_)
        for a, b in former:
            before[place[a], place[b]] = True
        for i, j in question.first:
            before[i, j], before[j, i] = True, False
        return keep_order(conflicts, best, before, MARGIN, weights=weights)

    def _first(
        self, question: OrderQuestion, schedule: Schedule, occupants: Mapping[str, Occupant]
    ) -> dict[Conflict, str]:
        """Who passes first by the schedule, of all regions that two have both still to leave."""
        arrivals = _Arrivals(question.names, schedule, occupants, self._book)
        order = _order(question.names, schedule.before)
        first = {}
        for a, b in self._meeting(occupants):
            for region in self._book.regions(a, b):
                entered, left = _places(region, occupants, question.given_back)
                if any(left):
                    continue
                if any(entered) and not all(entered):
                    first[region] = region.robots[entered.index(True)]
                elif (a, b) in order or (b, a) in order:
                    first[region] = a if (a, b) in order else b
                else:
                    first[region] = who_is_first(region, arrivals.time_at)
        return first


class _Arrivals:
    """When robots come to places on their routes, by a schedule."""

    def __init__(
        self, names: Sequence[str], schedule: Schedule, occupants: Mapping[str, Occupant], book: RouteBook
    ) -> None:
        self._delays: dict[str, float] = dict(zip(names, schedule.delays.tolist(), strict=True))
        self._occupants, self._book = occupants, book

    def time_at(self, robot: str, progress: float) -> float:
        """s from now; negative for where it has been."""
        o = self._occupants[robot]
        way = progress - o.low
        if way < 0.0:
            return way / o.speed
        law = Trapezoid(o.length - o.low, o.speed, self._book[robot].max_acceleration)
        return self._delays[robot] + float(law.time_at(np.array([way]))[0])


def _places(region: Conflict, occupants: Mapping[str, Occupant], given_back: Order) -> tuple[list[bool], list[bool]]:
    """Which of the two robots may have entered a region, and which have left it."""
    entered, left = [], []
    for name, other, enter, leave in zip(region.robots, region.robots[::-1], region.enter, region.leave, strict=True):
        o = occupants[name]
        reach = min(o.low + STOPPING, o.extent) if (other, name) in given_back and o.movable else o.extent
        entered.append(reach > enter)
        left.append(o.arrived or o.low >= leave)
    return entered, left


def _order(names: Sequence[str], before: NDArray[np.bool_]) -> Order:
    firm = before & ~before.T
    return frozenset((names[i], names[j]) for i, j in np.argwhere(firm).tolist())
