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
from ewm_ros.coordination.occupant import Occupant
from ewm_ros.coordination.precedence import NOBODY_FIRST, Precedence, is_executable, who_is_first
from ewm_ros.coordination.route_book import RouteBook
from ewm_ros.coordination.schedule import EFFORT, Schedule, find_options, find_schedule, keep_order
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

Order = frozenset[tuple[str, str]]  # pairs of robots: the first one passes before the second wherever they meet


@dataclass(frozen=True, slots=True)
class Choice:
    """One validated order: what it costs, and how long each robot waits in it (s, by name)."""

    order: Order
    cost: float
    delays: Mapping[str, float]


@dataclass(frozen=True, slots=True, eq=False)
class _Question:
    """What a schedule is asked for; `hopeless` are pairs that cannot pass each other and are left out of account."""

    names: tuple[str, ...]
    conflicts: DelayConflicts
    weights: FloatArray
    first: Sequence[tuple[int, int]]
    hopeless: tuple[tuple[int, int], ...]

    def with_headway(self, headway: float) -> _Question:
        """The same with so many s more between robots."""
        wider = DelayConflicts(self.conflicts.low - headway, self.conflicts.high + headway)
        return replace(self, conflicts=wider.without(self.hopeless))

    @property
    def effort(self) -> int:
        return EFFORT if len(self.names) <= MANY else LITTLE_EFFORT


class TrafficPlan:
    """Keeps the order in force.

    Args:
        book: the routes of the fleet.

    Attributes:
        precedence: in force; empty while there is no schedule, and then whoever comes first is served first.
        delays: s that the newest schedule makes each robot wait, by name.
    """

    def __init__(self, book: RouteBook) -> None:
        self._book = book
        self.precedence = NOBODY_FIRST
        self._order: Order = frozenset()
        self.delays: Mapping[str, float] = {}
        self._question: _Question | None = None
        self._best: Schedule | None = None
        self._wanted: Order = frozenset()
        self._routes: dict[str, tuple[int, int]] = {}
        self._next = -math.inf
        self._executable = False
        self._obstructed = False  # somebody's way, by a robot that has broken down

    def update(self, occupants: Mapping[str, Occupant], now: float) -> None:
        """Renew the order if it is time, or if somebody has another route."""
        driving = {name: o for name, o in occupants.items() if not o.disabled}
        routes = {name: o.route for name, o in driving.items()}
        if routes == self._routes and now < self._next:
            return
        kept = {name for name, route in routes.items() if self._routes.get(name) == route}
        self._routes, self._next = routes, now + RENEW_EVERY
        former = frozenset(pair for pair in self._order if kept.issuperset(pair))
        self._wanted = frozenset(pair for pair in self._wanted if kept.issuperset(pair))
        asked = self._ask(driving, now, {})
        for headway in HEADWAYS:
            self._question = question = asked.with_headway(headway)
            self._best = schedule = self._answer(question, former)
            if schedule is None:
                first: Mapping[Conflict, str] = {}
                self._executable = False
                break
            first = self._first(question, schedule, driving)
            self._executable = is_executable(first)
            if self._executable:
                break
        else:
            first = {}
        self._obstructed = self._is_obstructed(driving, occupants)
        self._order = frozenset() if schedule is None else _order(question.names, schedule.before)
        delays = () if schedule is None else schedule.delays.tolist()
        self.delays = dict(zip(question.names, delays, strict=False))
        if first != self.precedence.first:
            self.precedence = Precedence(first)

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
                entered, left = _places(region, occupants)
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
        hopeless = self._question is None or bool(self._question.hopeless)
        return self._executable and not self._obstructed and not hopeless

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

    def prefer(self, choice: Choice) -> None:
        """Keep to this order from the next renewal on, until one of its robots takes another route."""
        self._wanted = choice.order
        self._next = -math.inf

    def choices(self) -> list[Choice]:
        """The order in force and others that make another robot wait, all valid; the first is the best."""
        question, best = self._question, self._best
        if question is None or best is None:
            return []
        found = find_options(
            question.conflicts, best, weights=question.weights, first=question.first, effort=question.effort
        )
        return [
            Choice(
                _order(question.names, schedule.before),
                schedule.cost,
                dict(zip(question.names, schedule.delays.tolist(), strict=True)),
            )
            for schedule in found
        ]

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
        first = [(place[a], place[b]) for a, b in self._to_be_first(occupants)] if not ways else []
        conflicts = delay_conflicts(routes, distance)
        return _Question(names, conflicts, weights, first, tuple(conflicts.impossible()))

    def _answer(self, question: _Question, former: Order) -> Schedule | None:
        conflicts, weights = question.conflicts, question.weights
        best = find_schedule(conflicts, weights=weights, first=question.first, effort=question.effort)
        if best is None or not former:
            return best
        place = {name: k for k, name in enumerate(question.names)}
        before = np.zeros((len(place), len(place)), dtype=np.bool_)
        for a, b in former:
            before[place[a], place[b]] = True
        for i, j in question.first:
            before[i, j], before[j, i] = True, False
        return keep_order(conflicts, best, before, MARGIN, weights=weights)

    def _to_be_first(self, occupants: Mapping[str, Occupant]) -> list[tuple[str, str]]:
        """The pairs of which the first has to pass first: it is inside, or somebody prefers that."""
        settled = self._settled(occupants)
        wanted = {(a, b) for a, b in self._wanted if (b, a) not in settled}  # whoever is inside has settled it
        return sorted(settled | wanted)

    def _settled(self, occupants: Mapping[str, Occupant]) -> Order:
        """The pairs of which one is in a shared region, or may be, and the other is not."""
        settled = set()
        for a, b in combinations(sorted(occupants), 2):
            for region in self._book.regions(a, b):
                entered, left = _places(region, occupants)
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


def _places(region: Conflict, occupants: Mapping[str, Occupant]) -> tuple[list[bool], list[bool]]:
    """Which of the two robots may have entered a region, and which have left it."""
    here = [occupants[name] for name in region.robots]
    entered = [o.extent > enter for o, enter in zip(here, region.enter, strict=True)]
    return entered, [o.arrived or o.low >= leave for o, leave in zip(here, region.leave, strict=True)]


def _order(names: Sequence[str], before: NDArray[np.bool_]) -> Order:
    firm = before & ~before.T
    return frozenset((names[i], names[j]) for i, j in np.argwhere(firm).tolist())
