"""Round a common point instead of through it: every route that meets others there passes it on the same side.

The generalized roundabout policy of Pallottino, Scordio, Bicchi and Frazzoli ("Decentralized cooperative policy for
conflict resolution in multivehicle systems", IEEE Transactions on Robotics 23, 2007) as a choice of routes: whoever
crosses a crowded place drives tangents to a circle around it and a part of the circle, counterclockwise, so that all
keep to the right. Two robots nose to nose on open floor are the smallest case. Who waits for whom in it, and whether it
is worth while at all, is found by a schedule of the new ways.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from itertools import combinations

import numpy as np

from ewm_ros.coordination.conflict_space import CLEARANCE
from ewm_ros.coordination.occupant import Occupant
from ewm_ros.coordination.offers import Offers
from ewm_ros.coordination.planners import Planners
from ewm_ros.coordination.route_book import RouteBook
from ewm_ros.coordination.traffic_plan import TrafficPlan
from ewm_ros.geometry import FloatArray, Polyline, wrap_angle
from ewm_ros.messages import ConflictKind

REACH = 1.0  # m from a place, within which a route counts as passing it
FOLLOWING_GAP = 0.5  # m between footprints beyond the clearance, for robots one behind the other to keep their speed
WIDER = (0.6, 1.0, 1.4, 1.8)  # of the evenly filled circle that are tried: not all are there at once
SAVING, SAVED_SHARE = 3.0, 0.25  # s of waiting, and of all waiting, that a roundabout has to save

ARC_STEP = math.radians(10.0)  # between points of an arc: a follower takes their corners without slowing down


class Roundabouts:
    """Finds roundabouts for robots that stand and are about to cross each other's ways in one place.

    Args:
        book: the routes of the fleet.
        plan: tells what ways cost.
        planners: tell whether ways are drivable.
        offers: tell who is on a way that was offered already.
    """

    def __init__(self, book: RouteBook, plan: TrafficPlan, planners: Planners, offers: Offers) -> None:
        self._book, self._plan, self._planners, self._offers = book, plan, planners, offers
        self._asked: dict[str, tuple[int, int]] = {}

    def ways(self, occupants: Mapping[str, Occupant], now: float) -> Mapping[str, Polyline]:
        """New ways by robot; empty if none are worth while, or if nobody has come or changed its route since."""
        waiting = {n: o for n, o in occupants.items() if o.stands and o.movable and not o.arrived and not o.disabled}
        routes = {name: o.route for name, o in waiting.items() if o.low < REACH}
        new = [n for n, route in routes.items() if self._asked.get(n) != route and not self._offers.led_to(n, route)]
        if not self._planners.ready or not new:
            return {}
        self._asked.update(routes)
        names = sorted(routes)
        places = self._meeting_places(names)
        if not len(places):
            return {}
        paths = [self._book[name].path for name in names]
        best, passing = busiest_place(paths, places, REACH)
        found = self._best([names[k] for k in passing], places[best], occupants, now)
        return found

    def _meeting_places(self, names: list[str]) -> FloatArray:
        """(P, 2) m, where two of the routes cross or run against each other."""
        regions = [region for a, b in combinations(names, 2) for region in self._book.regions(a, b)]
        middles = [(r.x, r.y) for r in regions if r.kind is not ConflictKind.FOLLOWING]
        return np.array(middles, dtype=np.float64).reshape(-1, 2)

    def _best(
        self, names: list[str], centre: FloatArray, occupants: Mapping[str, Occupant], now: float
    ) -> Mapping[str, Polyline]:
        if len(names) < 2:
            return {}
        before = self._plan.cost_of({}, occupants, now)
        most = min(before - SAVING, (1.0 - SAVED_SHARE) * before)
        best: Mapping[str, Polyline] = {}
        spacing = 2.0 * max(self._book[name].radius for name in names) + CLEARANCE + FOLLOWING_GAP
        for factor in WIDER:
            ways = self._ring(names, occupants, centre, factor * ring_radius(len(names), spacing))
            cost = self._plan.cost_of(ways, occupants, now) if ways else math.inf
            if cost < most:
                best, most = ways, cost
        return best

    def _ring(
        self, names: list[str], occupants: Mapping[str, Occupant], centre: FloatArray, radius: float
    ) -> dict[str, Polyline]:
        """Everybody's way round the centre; empty if one of them has none."""
        ways = {}
        for name in names:
            path = self._book[name].path
            way = ring_way(path.point_at(occupants[name].low), path.point_at(path.length), centre, radius)
            if way is None or not self._planners.of(self._book[name].radius).drivable(way):
                return {}
            ways[name] = way
        return ways


def ring_way(
    start: tuple[float, float], goal: tuple[float, float], centre: FloatArray, radius: float
) -> Polyline | None:
    """The shortest way from start to goal (m) that leaves a disc on its left, or straight on if that misses the disc.

    Args:
        centre: (2,) m.
        radius: m, of the disc.

    Returns:
        None if start or goal is inside the disc.
    """
    straight = Polyline([start, goal])
    (far_in, towards), (far_out, away) = (_polar(place, centre) for place in (start, goal))
    if min(far_in, far_out) <= radius:
        return None
    if straight.project(float(centre[0]), float(centre[1]))[1] >= radius:
        return straight
    begin = towards + math.acos(radius / far_in)
    turn = (away - math.acos(radius / far_out) - begin) % (2.0 * math.pi)
    angles = begin + np.linspace(0.0, turn, max(math.ceil(turn / ARC_STEP), 1) + 1)
    arc = centre + radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return Polyline(np.concatenate([[start], arc, [goal]]))


def ring_radius(robots: int, spacing: float) -> float:
    """m, of the circle on which so many robots are evenly spread at this distance (m) from each other."""
    return spacing / (2.0 * math.sin(math.pi / max(robots, 2)))


def busiest_place(paths: Iterable[Polyline], places: FloatArray, reach: float) -> tuple[int, list[int]]:
    """Of some places (P, 2) m the one that most paths pass within reach (m): its index, and the paths' indices."""
    near = [[path.project(float(x), float(y))[1] <= reach for x, y in places] for path in paths]
    passing = np.array(near, dtype=np.bool_).reshape(-1, len(places))
    best = int(passing.sum(axis=0).argmax())
    return best, np.flatnonzero(passing[:, best]).tolist()


def _polar(place: tuple[float, float], centre: FloatArray) -> tuple[float, float]:
    """Distance (m) and direction (rad) of a place from a centre."""
    x, y = place[0] - float(centre[0]), place[1] - float(centre[1])
    return math.hypot(x, y), wrap_angle(math.atan2(y, x))
