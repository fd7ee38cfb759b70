"""Who passes whom first: a schedule over the whole routes of the fleet, renewed as the robots go on.

The grants (solver.py) look a few metres ahead and would serve whoever comes first; the schedule (schedule.py) looks to
everybody's goal. Only its order of passing is taken from it, not its times: precedence over shared regions as in
Gregoire, Bonnabel, de La Fortelle ("Priority-based coordination of robots", 2014), so that a robot that is late delays
who comes after it and endangers nobody.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

from ewm_ros.coordination.occupant import Occupant
from ewm_ros.coordination.order_finder import (
    HEADWAYS,
    LITTLE_EFFORT,
    NO_ORDER,
    FoundOrder,
    Order,
    OrderFinder,
    OrderQuestion,
)
from ewm_ros.coordination.precedence import NOBODY_FIRST, Precedence
from ewm_ros.coordination.route_book import RouteBook
from ewm_ros.coordination.schedule import find_schedule
from ewm_ros.geometry import Polyline
from ewm_ros.messages import Conflict

RENEW_EVERY = 1.0  # s
MOST_DROPPED = 2  # preferences that are looked for one by one when not all can be kept to; then all newer ones go
SOON = 5.0  # s by which two robots may miss each other and still have to be told who passes first

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Contest:
    """Two robots that come to a place that they share at about the same time, and neither of them is there yet.

    Attributes:
        robots: sorted by name.
        regions: that both have still to pass, in the order of the first one's route.
    """

    robots: tuple[str, str]
    regions: tuple[Conflict, ...]


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
        self._finder = OrderFinder(book)
        self.precedence = NOBODY_FIRST
        self._order: Order = NO_ORDER
        self.delays: Mapping[str, float] = {}
        self._asked: OrderQuestion | None = None
        self._found: FoundOrder | None = None
        self._wanted: Pairs = ()  # oldest first
        self._routes: dict[str, tuple[int, int]] = {}
        self.renewed = -math.inf
        self._obstructed = False  # somebody's way, by a robot that has broken down

    def update(self, occupants: Mapping[str, Occupant], now: float) -> None:
        """Renew the order if it is time, or if somebody has another route."""
        driving = _driving(occupants)
        routes = {name: o.route for name, o in driving.items()}
        if routes != self._routes or now >= self.renewed + RENEW_EVERY:
            self._renew(self._finder.question(driving, now), driving, occupants, now)

    def prefer(self, first: str, second: str, occupants: Mapping[str, Occupant], now: float) -> bool:
        """Have one robot pass before another from now on, until one of them takes another route.

        Returns:
            False if that cannot be, by a schedule that starts from where the robots are now: then nothing changes.
        """
        if not self.may_precede(first, second, occupants):
            return False
        driving = _driving(occupants)
        if not {first, second} <= driving.keys():
            return False
        wanted = (*(pair for pair in self._wanted if set(pair) != {first, second}), (first, second))
        # Until the second one has given back what it was granted, if anything, its turn stands: nobody else is let in.
        given_back = frozenset({(first, second)})
        question = self._finder.question(driving, now)
        asked = self._finder.preferring(question, driving, frozenset(wanted), given_back)
        former = frozenset(pair for pair in self._order if driving.keys() >= set(pair))
        if not _can_be_kept(self._finder.find(asked, driving, former)):
            return False
        self._wanted = wanted
        self._renew(question, driving, occupants, now)
        return (first, second) in self._wanted

    def _renew(
        self, question: OrderQuestion, driving: Mapping[str, Occupant], occupants: Mapping[str, Occupant], now: float
    ) -> None:
        routes = {name: o.route for name, o in driving.items()}
        kept = {name for name, route in routes.items() if self._routes.get(name) == route}
        self._routes, self.renewed = routes, now
        former = frozenset(pair for pair in self._order if kept.issuperset(pair))
        wanted = tuple(pair for pair in self._wanted if kept.issuperset(pair))
        self._asked = question
        self._wanted, self._found = self._most_wanted(wanted, driving, former)
        found = self._found
        self._obstructed = self._is_obstructed(driving, occupants)
        self._order = NO_ORDER if found is None else found.order
        self.delays = {} if found is None else found.delays
        first = found.first if found is not None and found.executable else {}
        preferred = frozenset(self._wanted)
        if first != self.precedence.first or preferred != self.precedence.preferred:
            self.precedence = Precedence(first, preferred)

    def _most_wanted(
        self, wanted: Pairs, driving: Mapping[str, Occupant], former: Order
    ) -> tuple[Pairs, FoundOrder | None]:
        """What is preferred but a few that cannot be kept to, and the order that comes of it.

        All of it if it is not for that that there is no order. The oldest are kept: they are likeliest to be under way.
        """
        found = self._find(wanted, driving, former)
        if not wanted or _can_be_kept(found):
            return wanted, found
        without = self._find((), driving, former)
        if not _can_be_kept(without):
            return wanted, without
        for _ in range(MOST_DROPPED):
            good, bad, best = 0, len(wanted), without
            while bad - good > 1:  # so many of the oldest can be kept to, so many cannot
                middle = (good + bad) // 2
                found = self._find(wanted[:middle], driving, former)
                if _can_be_kept(found):
                    good, best = middle, found
                else:
                    bad = middle
            rest = wanted[:good] + wanted[bad:]
            found = self._find(rest, driving, former)
            if _can_be_kept(found):
                return rest, found
            wanted = rest
        return wanted[:good], best

    def _find(
        self,
        wanted: Pairs,
        driving: Mapping[str, Occupant],
        former: Order,
        given_back: Order = NO_ORDER,
        effort: int | None = None,
    ) -> FoundOrder | None:
        assert self._asked is not None
        asked = self._finder.preferring(self._asked, driving, frozenset(wanted), given_back)
        return self._finder.find(asked, driving, former, effort)

    def _is_obstructed(self, driving: Mapping[str, Occupant], occupants: Mapping[str, Occupant]) -> bool:
        broken = [o for o in occupants.values() if o.disabled]
        return any(
            self._book.tight_space(name, o.robot).blocked(me.low, me.length, o.low, o.extent)
            for o in broken
            for name, me in driving.items()
        )

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
        question = self._finder.question(_driving(occupants), now, ways).with_headway(HEADWAYS[0])
        schedule = find_schedule(question.conflicts, effort=question.effort)
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
        return (second, first) not in self._finder.settled(occupants, frozenset({(first, second)}))

    def _ahead(self, a: str, b: str) -> tuple[Conflict, ...]:
        """The regions that both have still to pass."""
        assert self._found is not None
        return tuple(region for region in self._book.regions(a, b) if region in self._found.first)

    def delays_if(self, first: str, second: str, occupants: Mapping[str, Occupant]) -> Mapping[str, float]:
        """s that everybody would wait if one robot passed before another wherever they meet; empty if that cannot be.

        All that is settled or preferred already is kept to. Distances are those of when the order was renewed last.
        """
        driving = _driving(occupants)
        if self._asked is None or not {first, second} <= set(self._asked.names) == driving.keys():
            return {}
        given_back = frozenset({(first, second)})
        found = self._find((*self._wanted, (first, second)), driving, self._order, given_back, LITTLE_EFFORT)
        possible = found is not None and found.executable and found.question.asks_for(first, second)
        return found.delays if found is not None and possible else {}


def _driving(occupants: Mapping[str, Occupant]) -> dict[str, Occupant]:
    """Those who move by themselves."""
    return {name: o for name, o in occupants.items() if not o.disabled}


def _can_be_kept(found: FoundOrder | None) -> bool:
    return found is not None and found.executable
