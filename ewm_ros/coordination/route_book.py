"""The routes of a fleet and, worked out once per pair and kept, where they conflict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ewm_ros.coordination.conflict_space import CLEARANCE, LEAST_CLEARANCE, ConflictSpace
from ewm_ros.coordination.pair_spaces import PairSpaces
from ewm_ros.coordination.shared_regions import shared_regions
from ewm_ros.geometry import Polyline
from ewm_ros.messages import Conflict, Grant, Intention, Route

UNKNOWN_RADIUS = 0.5  # m, of a robot whose route (and with it its footprint) has not arrived yet
REMEMBERED = 4  # routes a robot that are kept, for intentions that come late
OFF_ROUTE = 0.3  # m from a route, up to which a robot counts as being on it
STANDING_GRID = 0.1  # m; a standing robot's noise does not make a new place of it


class RouteBook:
    """The route that each robot is on; a robot that only stands has a route of one point."""

    def __init__(self) -> None:
        self._current: dict[str, Route] = {}
        self._learned: dict[str, dict[tuple[int, int], Route]] = {}
        self._wide, self._tight = PairSpaces(CLEARANCE), PairSpaces(LEAST_CLEARANCE)
        self._regions: dict[str, dict[str, tuple[Conflict, ...]]] = {}  # both ways
        self._grants: dict[str, tuple[int, tuple[Grant, ...]]] = {}
        self._neighbours: dict[str, tuple[int, list[str]]] = {}
        self._changes = 0  # of routes, all together
        self._changed: dict[str, int] = {}  # by robot, which of these was its newest

    def __contains__(self, robot: str) -> bool:
        return robot in self._current

    def __getitem__(self, robot: str) -> Route:
        return self._current[robot]

    def with_ways(self, ways: Mapping[str, Polyline]) -> RouteBook:
        """A book in which some robots are on other ways; what is known of the other routes is known there too."""
        book = RouteBook()
        book._current, book._wide, book._tight = dict(self._current), self._wide.copy(), self._tight.copy()
        book._regions = {robot: dict(known) for robot, known in self._regions.items()}
        book._neighbours = dict(self._neighbours)
        book._changes, book._changed = self._changes, dict(self._changed)
        for robot, path in ways.items():
            route = self._current[robot]
            book.put(replace(route, route=route.route + 1, path=path))
        return book

    def place_at(self, robot: str, progress: float) -> tuple[float, float]:
        """x, y (m) at a progress (m) of the robot's route."""
        return self._current[robot].path.point_at(progress)

    def learn(self, route: Route) -> None:
        """Remember a route that has arrived; it counts from the moment its robot's intentions name it."""
        learned = self._learned.setdefault(route.robot, {})
        learned[route.boot, route.route] = route
        while len(learned) > REMEMBERED:
            del learned[next(iter(learned))]

    def place(self, intention: Intention) -> None:
        """Put a robot on the route that it names.

        While that route has not arrived, the robot (started anew, or sent elsewhere) is likely to go on the way that it
        was on: it stays on its former route if it still stands there, else it is taken for something that stands.
        """
        if self.knows_route_of(intention):
            return
        learned = self._learned.get(intention.robot, {}).get((intention.boot, intention.standing.route))
        if learned is not None:
            self.put(learned)
        elif self.place_on_route(intention) is None:
            self.put(_standing_place(intention))

    def place_on_route(self, intention: Intention) -> float | None:
        """m of progress at which a robot's pose lies on the route it is put on; None if it is not on it."""
        route, here = self._current.get(intention.robot), intention.plan.knots[0]
        if route is None or not route.route:
            return None
        progress, distance = route.path.project(here.x, here.y)
        return max(progress - OFF_ROUTE, 0.0) if distance < OFF_ROUTE else None

    def put(self, route: Route) -> None:
        """Put a robot on a route; the one that it is on already changes nothing."""
        known = self._current.get(route.robot)
        if (
            known is not None
            and (known.boot, known.route) == (route.boot, route.route)
            and (route.route or _same_place(known.path, route.path))
        ):
            return
        self._current[route.robot] = route
        self._changes += 1
        self._changed[route.robot] = self._changes
        self._wide.forget(route.robot)
        self._tight.forget(route.robot)
        for other in self._regions.pop(route.robot, ()):
            del self._regions[other][route.robot]

    def knows_route_of(self, intention: Intention) -> bool:
        """Whether the route that the robot names has arrived and is the one it is put on."""
        route = self._current.get(intention.robot)
        named = (intention.boot, intention.standing.route)
        return route is not None and named[1] > 0 and (route.boot, route.route) == named

    def changed(self, robot: str) -> int:
        """A number that is another one for each route that the robot is put on."""
        return self._changed[robot]

    def space(self, a: str, b: str) -> ConflictSpace:
        """The forbidden set of a's and b's progress when both are on their way."""
        return self._wide.of(a, b, self._current)

    def tight_space(self, a: str, b: str) -> ConflictSpace:
        """The forbidden set with the least clearance: for passing one that stands.

        One that stands at the edge of a forbidden set may find itself a little inside after it has planned anew.
        """
        return self._tight.of(a, b, self._current)

    def regions(self, a: str, b: str) -> tuple[Conflict, ...]:
        """The regions that a's and b's routes share; robots sorted by name in each."""
        known = self._regions.get(a)
        if known is None or b not in known:
            low, high = min(a, b), max(a, b)
            found = shared_regions(self._current[low], self._current[high], self.space(low, high))
            self._regions.setdefault(a, {})[b] = self._regions.setdefault(b, {})[a] = found
            return found
        return known[b]

    def neighbours(self, robot: str) -> Sequence[str]:
        """The robots whose routes conflict with this one's anywhere."""
        asked, known = self._neighbours.get(robot, (-1, []))
        if asked == self._changes:
            return known
        if asked < self._changed[robot]:
            known = [other for other in self._current if other != robot and not self.space(robot, other).empty]
        else:
            new = {other for other, change in self._changed.items() if change > asked}
            near = {other for other in new if not self.space(robot, other).empty}
            if near or not new.isdisjoint(known):
                near.update(other for other in known if other not in new)
                known = [other for other in self._current if other in near]
        self._neighbours[robot] = (self._changes, known)
        return known

    def grants(self, robot: str) -> Sequence[Grant]:
        """All regions that the robot shares with others, as grants, in the order in which it meets them."""
        asked, known = self._grants.get(robot, (-1, ()))
        if asked == self._changes:
            return known
        grants = []
        for other in self.neighbours(robot):
            for region in self.regions(robot, other):
                side = region.robots.index(robot)
                grants.append(Grant(region.region, region.enter[side], region.leave[side]))
        found = tuple(sorted(grants, key=lambda grant: grant.enter))
        self._grants[robot] = (self._changes, found)
        return found


def _standing_place(intention: Intention) -> Route:
    """The route of a robot that is known by its intention only: the place where it stands."""
    here = intention.plan.knots[0]
    path = Polyline([[here.x, here.y]])
    return Route(intention.robot, intention.boot, 0, intention.stamp, path, UNKNOWN_RADIUS, 0.0, 1.0)


def _same_place(a: Polyline, b: Polyline) -> bool:
    (ax, ay), (bx, by) = a.point_at(0.0), b.point_at(0.0)
    return abs(ax - bx) < STANDING_GRID and abs(ay - by) < STANDING_GRID
