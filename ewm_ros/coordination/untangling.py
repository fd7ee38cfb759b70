"""Ways out of a deadlock: round those that stand in the way, or those in the way go aside and come back later.

Whoever is to pass hands its priority on to those in its way, and they to those in theirs, until each has a place
beside all of their routes: the priority inheritance of PIBT (Okumura, Machida, Defago, Tamura, "Priority Inheritance
with Backtracking for Iterative Multi-agent Path Finding", Artificial Intelligence 310, 2022), on whole ways through the
free floor instead of steps on a grid. An option is valid if, with its new ways, the banker's ordering test of the
solver finds an order in which more robots than before come to the ends of their ways, and nobody who could does not.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ewm_ros.coordination.banker import Banker
from ewm_ros.coordination.conflict_space import CELL, CLEARANCE, LEAST_CLEARANCE
from ewm_ros.coordination.occupant import Occupant
from ewm_ros.coordination.planners import Planners
from ewm_ros.coordination.route_book import RouteBook
from ewm_ros.errors import InputError
from ewm_ros.geometry import FloatArray, Polyline
from ewm_ros.planning.route_planner import RoutePlanner

SPARE = 0.05  # m beyond what conflict spaces ask for: a robot does not stand exactly where it was sent
ASIDE_COST = 1.0  # m by which asking one more robot aside has to be shorter
DISC_STEP = 0.3  # m between discs along the interval of a robot that has broken down while it drove
PLACES = 3  # aside that are looked at for each robot


@dataclass(frozen=True, slots=True)
class Option:
    """One way out: whom it lets pass, and who has to do what for it.

    Attributes:
        passes: the robot that can go on.
        ways: new ways, by robot, from where they stand.
        yields: whether `passes` goes to a goal that is in the way of others, who will ask it aside later.
        cost: m that robots drive more than on their present routes, coming back included.
    """

    passes: str
    ways: Mapping[str, Polyline] = field(default_factory=dict)
    yields: bool = False
    cost: float = 0.0


class Untangler:
    """Finds ways out on the map of the floor; without a map there are none.

    Args:
        book: the routes of the fleet.
        planners: find them.

    Attributes:
        reports: for each robot that cannot be helped, why: a line for people.
    """

    def __init__(self, book: RouteBook, planners: Planners) -> None:
        self._book, self._planners = book, planners
        self._banker = Banker(book)
        self.reports: dict[str, str] = {}

    def search(
        self, robot: str, occupants: Mapping[str, Occupant], aimless: Iterable[str] = ()
    ) -> Iterator[list[Option] | None]:
        """Valid ways to let one stuck robot pass; nothing while somebody in its way still moves.

        Args:
            robot: that is to pass.
            occupants: where everybody is.
            aimless: the robots without a goal, which may be sent away from where somebody else has his.

        Yields:
            what one attempt came to, so that the attempts can be spread over time; None in the midst of one.
        """
        me = occupants[robot]
        self.reports.pop(robot, None)
        if not self._planners.ready or not (me.stands and me.movable):
            return
        blockers = self._blockers(me, occupants)
        if not blockers:
            yield self._tried(Option(robot, yields=True), occupants)
            return
        if not all(_stays(occupants[name]) for name in blockers):
            return
        options = self._tried(self._round(me, occupants), occupants)
        yield options
        for choice in range(PLACES):  # backtracking: another place for the one that is met first
            option = yield from self._aside(me, blockers, occupants, frozenset(aimless), choice)
            aside = self._tried(option, occupants)
            yield aside
            options = options + aside
            if aside:
                break
        if not options:
            names = " and ".join(blockers)
            self.reports[robot] = f"{robot} cannot pass {names}, and there is no way round: move one of them by hand"

    def _blockers(self, me: Occupant, occupants: Mapping[str, Occupant]) -> list[str]:
        """Whose interval is in the rest of the robot's way, in the order in which it meets them."""
        met = []
        for name in self._book.neighbours(me.robot):
            if (other := occupants.get(name)) is None:
                continue
            space = self._book.tight_space(me.robot, name)
            end = space.free_until(me.high, me.length, other.low, other.extent)
            if end < me.length:
                met.append((end, name))
        return [name for _, name in sorted(met)]

    def _round(self, me: Occupant, occupants: Mapping[str, Occupant]) -> Option | None:
        """The way to the robot's goal round all that stand."""
        path = self._book[me.robot].path
        start = self._place(me)
        obstacles = self._discs(me.robot, [o for o in occupants.values() if o.robot != me.robot and _stays(o)])
        try:
            way = self._planner(me.robot).plan_around(start, path.point_at(path.length), obstacles)
        except InputError:
            return None
        return Option(me.robot, {me.robot: way}, cost=max(way.length - (me.length - me.low), 0.0))

    def _aside(
        self,
        me: Occupant,
        blockers: Sequence[str],
        occupants: Mapping[str, Occupant],
        aimless: frozenset[str],
        choice: int,
    ) -> Generator[None, None, Option | None]:
        """Everybody in the way goes aside, and who is in the way of those too; pauses after each.

        From the nearest to the furthest: each next one keeps clear of where the ones before it go and, as it leaves
        before them, of where they stand. The first one takes the nearest place but `choice`, the others the nearest.
        """
        passing = {me.robot: _rest(self._book[me.robot].path, me.low)}
        queue = list(blockers)
        cost = 0.0
        for name in queue:  # it grows
            other = occupants[name]
            if not self._may_be_sent(other, me, name in aimless):
                return None
            staying = [o for o in occupants.values() if _stays(o) and o.robot != name and o.robot not in queue]
            staying += [occupants[o] for o in passing if o != me.robot]
            places = self._places(other, passing, staying)
            yield
            nth = choice if name == queue[0] else 0
            if len(places) <= nth:
                return None
            way = places[nth]
            cost += ASIDE_COST + 2.0 * way.length * (1 + other.priority)
            passing[name] = way
            others = [o for o in occupants if o not in passing and o not in queue]
            in_its_way = [o for o in others if self._meets(name, way, occupants[o])]
            if not all(_stays(occupants[o]) for o in in_its_way):
                return None
            queue += in_its_way
        del passing[me.robot]
        return Option(me.robot, passing, cost=cost)

    def _may_be_sent(self, other: Occupant, me: Occupant, aimless: bool) -> bool:
        if not other.movable or other.disabled or not other.stands:
            return False
        if not other.arrived or aimless:
            return True
        # Who is at its goal comes back: two goals that do not fit both robots cannot be helped.
        path = self._book[me.robot].path
        return math.dist(path.point_at(path.length), self._place(other)) > self._apart(me.robot, other.robot)

    def _places(self, other: Occupant, passing: Mapping[str, Polyline], staying: Sequence[Occupant]) -> list[Polyline]:
        """Ways aside for one robot, out of the way of all that are to pass."""
        name = other.robot
        routes = [(way, self._radii(robot, name) + CLEARANCE + CELL + SPARE) for robot, way in passing.items()]
        # Room for it to go on past the first of them once that has come to its goal.
        first = self._book[next(iter(passing))].path
        room = 2.0 * self._apart(next(iter(passing)), name)
        routes.append((Polyline([first.point_at(first.length)]), room))
        try:
            return self._planner(name).places_aside(self._place(other), routes, self._discs(name, staying), most=PLACES)
        except InputError:
            return []  # by the map it is in a wall

    def _meets(self, robot: str, way: Polyline, other: Occupant) -> bool:
        """Whether somebody stands too near to a way."""
        return way.project(*self._place(other))[1] < self._apart(robot, other.robot)

    def _tried(self, option: Option | None, occupants: Mapping[str, Occupant]) -> list[Option]:
        return [] if option is None or not self.is_valid(option, occupants) else [option]

    def is_valid(self, option: Option, occupants: Mapping[str, Occupant]) -> bool:
        """Whether an option helps its robot and harms nobody."""
        before = self._banker.finishable(occupants)
        after = dict(occupants)
        for name, way in option.ways.items():
            # Who goes aside for one comes back, and goes aside for the next.
            after[name] = replace(occupants[name], low=0.0, high=0.0, length=way.length, yields=name != option.passes)
        if option.yields:
            after[option.passes] = replace(after[option.passes], yields=True)
        can = Banker(self._book.with_ways(option.ways)).finishable(after)
        return can >= before | set(option.ways) | {option.passes}

    def _planner(self, robot: str) -> RoutePlanner:
        return self._planners.of(self._book[robot].radius)

    def _place(self, occupant: Occupant) -> tuple[float, float]:
        return self._book.place_at(occupant.robot, occupant.low)

    def _radii(self, a: str, b: str) -> float:
        return self._book[a].radius + self._book[b].radius

    def _apart(self, a: str, b: str) -> float:
        """m between one that passes and one that stands."""
        return self._radii(a, b) + LEAST_CLEARANCE + CELL + SPARE

    def _discs(self, robot: str, others: Sequence[Occupant]) -> FloatArray:
        """(K, 3) where others stand, and how far from there the robot's centre has to stay: m."""
        rows = []
        for other in others:
            path, apart = self._book[other.robot].path, self._apart(robot, other.robot)
            count = max(math.ceil((other.extent - other.low) / DISC_STEP), 1) if not other.stands else 1
            rows += [(*path.point_at(s), apart) for s in np.linspace(other.low, other.extent, count + 1)[:-1].tolist()]
        return np.array(rows, dtype=np.float64).reshape(-1, 3)


def _stays(occupant: Occupant) -> bool:
    """Whether it is not going to move without being asked: one that has broken down stays in its interval."""
    return occupant.stands or occupant.disabled


def _rest(path: Polyline, start: float) -> Polyline:
    """What is left of a path from m of progress on."""
    return Polyline(np.concatenate([[path.point_at(start)], path.points[path.s > start]]))
