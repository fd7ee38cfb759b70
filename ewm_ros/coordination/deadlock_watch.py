"""Watches for robots that nobody's waiting can help, and gets them out: one at a time, the cheapest way first.

To find a way out takes longer than a decision may. `look` is part of each decision: it sees who is stuck, and takes the
cheapest way out of those found. `search` makes one attempt to find one, when the decision's orders have been sent.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Literal

from ewm_ros.coordination.banker import Banker
from ewm_ros.coordination.occupant import Occupant
from ewm_ros.coordination.offers import Offers
from ewm_ros.coordination.planners import Planners
from ewm_ros.coordination.route_book import RouteBook
from ewm_ros.coordination.untangling import Option, Untangler

LOOK_EVERY = 0.25  # s
SEARCH_EVERY = 0.09  # s between two attempts: on a large floor with many robots each takes 10 to 50 ms
PATIENCE = 1.0  # s for which a robot has to be stuck: robots that stop or have just come may seem to be
CANDIDATES = 4  # stuck robots that are compared before the cheapest way out is taken
RETRY = 3.0  # s after which what could not be helped is looked at again
STAYED = 0.1  # m by which a robot may have moved since a way was found for it


class DeadlockWatch:
    """Finds deadlocks in the wait-for graph and resolves them by offering ways.

    Args:
        book: the routes of the fleet.
        planners: find ways.
        offers: take the ways to the robots.

    Attributes:
        advise: says which of several ways out to take, None for the cheapest; all the cheapest if it is None.
        due: whether `search` has something to do.
        paused: whether it has begun to, and has not come to an end.
    """

    def __init__(self, book: RouteBook, planners: Planners, offers: Offers) -> None:
        self._book = book
        self._banker = Banker(book)
        self._untangler = Untangler(book, planners)
        self._offers = offers
        self.advise: Callable[[Sequence[Option]], Option | None] | None = None
        self._yielding: dict[str, tuple[int, int]] = {}
        self._since: dict[str, float] = {}
        self._next_look = -math.inf
        self._looked: dict[str, float] = {}  # when each was looked at last
        self._tried: list[str] = []
        self._search: Iterator[list[Option] | None] | None = None
        self.due = self.paused = False
        self._options: list[Option] = []

    @property
    def reports(self) -> tuple[str, ...]:
        """For each robot that cannot be helped, why: lines for people."""
        return tuple(line for robot, line in self._untangler.reports.items() if robot in self._since)

    def yields(self, robot: str, route: tuple[int, int]) -> bool:
        """Whether the robot may come to a goal that is in the way of others."""
        return self._yielding.get(robot) == route or self._offers.yields(robot, route)

    def rest(self) -> None:
        """Nobody is stuck."""
        self._since.clear()
        self._forget()

    def look(
        self,
        occupants: Mapping[str, Occupant],
        aimless: Iterable[str],
        now: float,
        patience: float = PATIENCE,
    ) -> None:
        """See whether anybody is stuck, and help.

        Args:
            aimless: robots without a goal.
            now: s of a steady clock.
            patience: s that a robot has to be stuck.
        """
        if now < self._next_look:
            return
        self._next_look = now + LOOK_EVERY
        if all(o.arrived or not o.stands for o in occupants.values()):
            self.rest()
            return
        stuck = {name for name in self._banker.stuck(occupants) if occupants[name].stands}
        self._since = {name: self._since.get(name, now) for name in stuck}
        ripe = [name for name in stuck if now - self._since[name] >= patience and not occupants[name].disabled]
        # Whoever has not been looked at for longest, so that those who cannot be helped do not take all the looks.
        ripe.sort(key=lambda n: (self._looked.get(n, -math.inf), -occupants[n].priority, self._since[n], n))
        self._help(ripe, occupants, aimless, now)

    def _help(self, ripe: list[str], occupants: Mapping[str, Occupant], aimless: Iterable[str], now: float) -> None:
        """Ask for one more attempt for one robot; when enough have been looked at, take the cheapest way out."""
        if not ripe:
            self._forget()
            return
        self._next_look = now + SEARCH_EVERY
        if self._search is None:
            left = [name for name in ripe if name not in self._tried]
            if not left or len(self._tried) >= CANDIDATES:
                self._choose(occupants, now)
                return
            self._tried.append(left[0])
            self._looked[left[0]] = now
            self._search = self._untangler.search(left[0], dict(occupants), list(aimless))
        self.due = True

    def search(self, pause: Callable[[], bool] = lambda: False) -> None:
        """Make the attempt that is due, if one is, or go on with it.

        Args:
            pause: asked in the midst of the attempt whether to leave the rest of it to the next call.
        """
        if not self.due or self._search is None:
            return
        for found in self._search:
            if found is not None:
                self._options += found
                self.due = self.paused = False
                return
            if pause():
                self.paused = True
                return
        self._search = None
        self.due = self.paused = False

    def _choose(self, occupants: Mapping[str, Occupant], now: float) -> None:
        possible = [option for option in self._options if self._offers.may_ask(option.ways, now)]
        best = min(possible, key=lambda option: option.cost, default=None)
        if len(possible) > 1 and self.advise is not None:
            best = self.advise(possible) or best
        self._forget()
        self._next_look = now + (RETRY if best is None else LOOK_EVERY)
        if best is not None:
            self._begin(best, occupants, now)

    def take(
        self, option: Option, occupants: Mapping[str, Occupant], now: float
    ) -> Literal["applied", "stale", "unsafe"]:
        """Take a way out that was found earlier, if it still is one and no other has been begun."""
        if self._offers or not all(o.stands for n, o in occupants.items() if n in {option.passes, *option.ways}):
            return "stale"
        if not self._offers.may_ask(option.ways, now) or not self._untangler.is_valid(option, occupants):
            return "unsafe"
        return "applied" if self._begin(option, occupants, now) else "stale"

    def _forget(self) -> None:
        self._tried, self._search, self._options = [], None, []
        self.due = self.paused = False

    def _begin(self, option: Option, occupants: Mapping[str, Occupant], now: float) -> bool:
        """Offer the ways of an option; nothing if somebody has moved since they were found."""
        starts = {name: way.point_at(0.0) for name, way in option.ways.items()}
        if any(math.dist(at, self._book.place_at(name, occupants[name].low)) > STAYED for name, at in starts.items()):
            return False
        if option.yields:
            self._yielding[option.passes] = occupants[option.passes].route
        aside = {name for name in option.ways if name != option.passes}
        self._offers.make(option.ways, occupants, now, aside)
        return True
