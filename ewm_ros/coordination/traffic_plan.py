"""Who passes whom first: a schedule over the whole routes of the fleet, renewed as the robots go on.

The grants (solver.py) look a few metres ahead and would serve whoever comes first; the schedule (schedule.py) looks to
everybody's goal. Only its order of passing is taken from it, not its times: precedence over shared regions as in
Gregoire, Bonnabel, de La Fortelle ("Priority-based coordination of robots", 2014), so that a robot that is late delays
who comes after it and endangers nobody.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from ewm_ros.coordination.conflict_space import CELL, LEAST_CLEARANCE
from ewm_ros.coordination.delay_conflicts import DelayConflicts, delay_conflicts
from ewm_ros.coordination.kept_distance import kept_distance
from ewm_ros.coordination.occupant import STOPPING, Occupant
from ewm_ros.coordination.precedence import NOBODY_FIRST, Precedence, is_executable, who_is_first
from ewm_ros.coordination.route_book import RouteBook
from ewm_ros.coordination.schedule import EFFORT, Schedule, find_schedule, keep_order
from ewm_ros.coordination.timed_route import timed_route
from ewm_ros.coordination.trapezoid import Trapezoid
from ewm_ros.geometry import FloatArray, Polyline
from ewm_ros.messages import Conflict

RENEW_EVERY = 1.0  # s
# s that robots pass each other further apart than their discs need, as grants run ahead of a robot; the later ones are
# for when the order cannot be kept to otherwise.
HEADWAYS = (1.0, 4.0, 10.0)
MARGIN = 2.0  # s of weighted waiting that another order has to save to replace the one in force
DOUBLED_AFTER = 30.0  # s of waiting that make a robot's time count twice: nobody starves
MANY = 12  # robots, from which on less effort is spent on the order
LITTLE_EFFORT = 4
SOON = 5.0  # s by which two robots may miss each other and still have to be told who passes first

Order = frozenset[tuple[str, str]]  # pairs of robots: the first one passes before the second wherever they meet


@dataclass(frozen=True, slots=True)
class Contest:
    """Two robots that come to a place that they share at about the same time, and neither of them is there yet.

    Attributes:
        robots: sorted by name.
        regions: that both have still to pass, in the order of the first one's route.
    """

    robots: tuple[str, str]
    regions: tuple[Conflict, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Question:
    """What a schedule is asked for.

    Attributes:
        first: pairs of which the first has to pass first: it is inside already, or that is preferred.
        hopeless: pairs that cannot pass each other and are left out of account.
    """

    names: tuple[str, ...]
    conflicts: DelayConflicts
    weights: FloatArray
    first: Sequence[tuple[int, int]]
    hopeless: tuple[tuple[int, int], ...]
    preferred: Order

    def with_headway(self, headway: float) -> _Question:
        """The same with so many s more between robots."""
        wider = DelayConflicts(self.conflicts.low - headway, self.conflicts.high + headway)
        return replace(self, conflicts=wider.without(self.hopeless))

    def with_order(self, first: str, second: str) -> _Question | None:
        """The same with one robot before another; None if that is settled otherwise, or cannot be."""
        pair = (self.names.index(first), self.names.index(second))
        if pair[::-1] in self.first or set(pair) in map(set, self.hopeless):
            return None
        return replace(self, first=sorted({*self.first, pair}), preferred=self.preferred | {(first, second)})

    @property
    def effort(self) -> int:
        return EFFORT if len(self.names) <= MANY else LITTLE_EFFORT


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """A schedule, whom it has pass each region first, and whether that can be kept to however late anybody is."""

    question: _Question
    schedule: Schedule
    first: Mapping[Conflict, str]
    executable: bool

    @property
    def delays(self) -> dict[str, float]:
        return dict(zip(self.question.names, self.schedule.delays.tolist(), strict=True))


class TrafficPlan:
    """Keeps the order in force.

    Args:
        book: the routes of the fleet.

    Attributes:
        precedence: in force; empty while there is no schedule, and then whoever comes first is served first.
        delays: s that the newest schedule makes each robot wait, by name.
        renewed: when the order was renewed last, s.
    """

    def __init__(self, book: RouteBook) -> None:
        self._book = book
        self.precedence = NOBODY_FIRST
        self._order: Order = frozenset()
        self.delays: Mapping[str, float] = {}
        self._asked: _Question | None = None
        self._found: _Found | None = None
        self._wanted: tuple[tuple[str, str], ...] = ()  # oldest first
        self._routes: dict[str, tuple[int, int]] = {}
        self.renewed = -math.inf
        self._obstructed = False  # somebody's way, by a robot that has broken down

    def update(self, occupants: Mapping[str, Occupant], now: float) -> None:
        """Renew the order if it is time, or if somebody has another route."""
        driving = {name: o for name, o in occupants.items() if not o.disabled}
        routes = {name: o.route for name, o in driving.items()}
        if routes != self._routes or now >= self.renewed + RENEW_EVERY:
            self._renew(occupants, now)

    def prefer(self, first: str, second: str, occupants: Mapping[str, Occupant], now: float) -> bool:
        """Have one robot pass before another from now on, until one of them takes another route.

        Returns:
            False if that cannot be, by a schedule that starts from where the robots are now: then nothing changes.
        """
        if not self.may_precede(first, second, occupants):
            return False
        self._wanted = (*(pair for pair in self._wanted if set(pair) != {first, second}), (first, second))
        self._renew(occupants, now)
        return (first, second) in self._wanted

    def _renew(self, occupants: Mapping[str, Occupant], now: float) -> None:
        driving = {name: o for name, o in occupants.items() if not o.disabled}
        routes = {name: o.route for name, o in driving.items()}
        kept = {name for name, route in routes.items() if self._routes.get(name) == route}
        self._routes, self.renewed = routes, now
        former = frozenset(pair for pair in self._order if kept.issuperset(pair))
        self._wanted = tuple(pair for pair in self._wanted if kept.issuperset(pair))
        asked = self._ask(driving, now, {})
        found = self._find(asked, driving, former)
        while self._wanted and (found is None or not found.executable):
            # It cannot be kept to; what was preferred first is likeliest to be under way.
            self._wanted = self._wanted[:-1]
            asked = self._ask(driving, now, {})
            found = self._find(asked, driving, former)
        self._asked, self._found = asked, found
        self._obstructed = self._is_obstructed(driving, occupants)
        self._order = frozenset() if found is None else _order(found.question.names, found.schedule.before)
        self.delays = {} if found is None else found.delays
        first = found.first if found is not None and found.executable else {}
        preferred = frozenset(self._wanted)
        if first != self.precedence.first or preferred != self.precedence.preferred:
            self.precedence = Precedence(first, preferred)

    def _find(
        self, asked: _Question, driving: Mapping[str, Occupant], former: Order, effort: int | None = None
    ) -> _Found | None:
        """The schedule with the least headway at which its order can be kept to; None if there is no schedule."""
        found = None
        for headway in HEADWAYS:
            question = asked.with_headway(headway)
            schedule = self._answer(question, former, effort or question.effort)
            if schedule is None:
                return None
            first = self._first(question, schedule, driving)
            found = _Found(question, schedule, first, is_executable(first))
            if found.executable:
                break
        return found

    def _is_obstructed(self, driving: Mapping[str, Occupant], occupants: Mapping[str, Occupant]) -> bool:
        broken = [o for o in occupants.values() if o.disabled]
        return any(
            self._book.tight_space(name, o.robot).blocked(me.low, me.length, o.low, o.extent)
            for o in broken
            for name, me in driving.items()
        )

    def _first(self, question: _Question, schedule: Schedule, occupants: Mapping[str, Occupant]) -> dict[Conflict, str]:
        """Who passes first by the schedule, of all regions that two have both still to leave."""
        arrivals = _Arrivals(question.names, schedule, occupants, self._book)
        order = _order(question.names, schedule.before)
        first = {}
        for a, b in combinations(question.names, 2):
            for region in self._book.regions(a, b):
                entered, left = _places(region, occupants, question.preferred)
                if any(left):
                    continue
                if any(entered) and not all(entered):
                    first[region] = region.robots[entered.index(True)]
                elif (a, b) in order or (b, a) in order:
                    first[region] = a if (a, b) in order else b
                else:
                    first[region] = who_is_first(region, arrivals.time_at)
        return first

    @property
    def feasible(self) -> bool:
        """Whether all come to their goals if those that the schedule makes wait do so: nobody is deadlocked."""
        found = self._found
        return found is not None and found.executable and not self._obstructed and not found.question.hopeless

    def cost_of(self, ways: Mapping[str, Polyline], occupants: Mapping[str, Occupant], now: float) -> float:
        """s of all robots together that they would wait, and drive longer, on other ways; inf if they cannot.

        Args:
            ways: of those who leave their routes, from where they stand.
        """
        driving = {n: o for n, o in occupants.items() if not o.disabled}
        question = self._ask(driving, now, ways).with_headway(HEADWAYS[0])
        schedule = find_schedule(question.conflicts, first=question.first, effort=question.effort)
        if schedule is None or question.hopeless:
            return math.inf
        longer = (way.length - occupants[n].length + occupants[n].low for n, way in ways.items())
        return schedule.sum_of_delays + sum(d / occupants[n].speed for d, n in zip(longer, ways, strict=True))

    def contests(self) -> list[Contest]:
        """The pairs of which either might pass first and one will have to wait, whatever else happens."""
        if self._found is None:
            return []
        question, delays = self._found.question, self._found.schedule.delays
        found = []
        for i, j in combinations(range(len(question.names)), 2):
            low, high = question.conflicts.low[i, j] - SOON, question.conflicts.high[i, j] + SOON
            near = any(((low < gap) & (gap < high)).any() for gap in (0.0, delays[i] - delays[j]))
            robots = (question.names[i], question.names[j])
            settled = (i, j) in question.first or (j, i) in question.first
            if near and not settled and (ahead := self._ahead(*robots)):
                found.append(Contest(robots, ahead))
        return found

    def may_precede(self, first: str, second: str, occupants: Mapping[str, Occupant]) -> bool:
        """Whether one robot can still be told to pass before another: the other one can stop before they meet."""
        if self._found is None or not self._ahead(first, second):
            return False
        return (second, first) not in self._settled(occupants, frozenset({(first, second)}))

    def _ahead(self, a: str, b: str) -> tuple[Conflict, ...]:
        """The regions that both have still to pass."""
        assert self._found is not None
        return tuple(region for region in self._book.regions(a, b) if region in self._found.first)

    def delays_if(self, first: str, second: str, occupants: Mapping[str, Occupant]) -> Mapping[str, float]:
        """s that everybody would wait if one robot passed before another wherever they meet; empty if that cannot be.

        All that is settled or preferred already is kept to. Distances are those of when the order was renewed last.
        """
        driving = {name: o for name, o in occupants.items() if not o.disabled}
        asked = self._asked
        if asked is None or not {first, second} <= set(asked.names) <= driving.keys():
            return {}
        asked = asked.with_order(first, second)
        if asked is None:
            return {}
        former = frozenset(pair for pair in self._order if set(asked.names) >= set(pair))
        found = self._find(asked, driving, former, LITTLE_EFFORT)
        return found.delays if found is not None and found.executable else {}

    def _ask(self, occupants: Mapping[str, Occupant], now: float, ways: Mapping[str, Polyline]) -> _Question:
        names = tuple(sorted(occupants))
        routes = []
        for name in names:
            o, route = occupants[name], self._book[name]
            path, start = (ways[name], 0.0) if name in ways else (route.path, o.low)
            routes.append(timed_route(path, o.speed, route.max_acceleration, from_progress=start))
        radii = np.array([self._book[name].radius for name in names])
        distance = kept_distance(routes, radii[:, None] + radii[None, :] + LEAST_CLEARANCE + CELL)
        waited = np.array([max(now - min(occupants[name].waiting_since, now), 0.0) for name in names])
        roles = np.array([1.0 + occupants[name].priority for name in names])
        weights: FloatArray = roles * (1.0 + waited / DOUBLED_AFTER)
        place = {name: k for k, name in enumerate(names)}
        preferred = frozenset(self._wanted)
        first = [(place[a], place[b]) for a, b in self._to_be_first(occupants, preferred)] if not ways else []
        conflicts = delay_conflicts(routes, distance)
        return _Question(names, conflicts, weights, first, tuple(conflicts.impossible()), preferred)

    def _answer(self, question: _Question, former: Order, effort: int) -> Schedule | None:
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

    def _to_be_first(self, occupants: Mapping[str, Occupant], preferred: Order) -> list[tuple[str, str]]:
        """The pairs of which the first has to pass first: it is inside, or somebody prefers that."""
        settled = self._settled(occupants, preferred)
        # Whoever is inside has settled it.
        return sorted(settled | {(a, b) for a, b in preferred if (b, a) not in settled})

    def _settled(self, occupants: Mapping[str, Occupant], preferred: Order) -> Order:
        """The pairs of which one is in a shared region, or may be, and the other is not."""
        settled = set()
        for a, b in combinations(sorted(occupants), 2):
            for region in self._book.regions(a, b):
                entered, left = _places(region, occupants, preferred)
                if any(left):
                    continue
                if any(entered) and not all(entered):
                    settled.add((a, b) if entered[0] else (b, a))
                break
        return frozenset(settled)


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


def _places(region: Conflict, occupants: Mapping[str, Occupant], preferred: Order) -> tuple[list[bool], list[bool]]:
    """Which of the two robots may have entered a region, and which have left it.

    From one that is to let the other pass, a grant is taken back as long as it can stop before the region.
    """
    entered, left = [], []
    for name, other, enter, leave in zip(region.robots, region.robots[::-1], region.enter, region.leave, strict=True):
        o = occupants[name]
        reach = min(o.low + STOPPING, o.extent) if (other, name) in preferred and o.movable else o.extent
        entered.append(reach > enter)
        left.append(o.arrived or o.low >= leave)
    return entered, left


def _order(names: Sequence[str], before: NDArray[np.bool_]) -> Order:
    firm = before & ~before.T
    return frozenset((names[i], names[j]) for i, j in np.argwhere(firm).tolist())
