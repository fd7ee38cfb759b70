"""Finds drivable ways through the map: over a roadmap, pulled straight, corners rounded.

What takes long is done once, when the map comes; a route then costs a few milliseconds on one core.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np

from ewm_ros.errors import InputError
from ewm_ros.geometry import FloatArray, Polyline
from ewm_ros.occupancy_grid import OccupancyGrid
from ewm_ros.planning.alternatives import SEARCHES, dearer_near, differs, short_enough
from ewm_ros.planning.aside import FARTHEST, KeepAway, places_aside
from ewm_ros.planning.clearance_map import ClearanceMap, Point
from ewm_ros.planning.corners import round_corners
from ewm_ros.planning.detours import EXIT_DISTANCE, Detours
from ewm_ros.planning.roadmap import Roadmap
from ewm_ros.planning.smoothing import pull_straight
from ewm_ros.planning.way_lengths import WayLengths

MARGIN = 0.05  # m kept free beside the footprint
APART = 1.0  # m between two places aside, at least
PARTED = 4.0  # radii between two routes somewhere, for them to be alternatives

Discs = FloatArray | Sequence[Sequence[float]]


class RoutePlanner:
    """Plans routes for robots of one size on one map.

    Args:
        grid: the map; what lies outside of it counts as occupied.
        radius: m, of the robot's footprint.
    """

    def __init__(self, grid: OccupancyGrid, radius: float) -> None:
        self._radius = radius
        # A route may run anywhere in a free cell, so the margin has to cover half of a cell's diagonal.
        clearance = radius + max(MARGIN, 0.9 * grid.resolution)
        packed = np.packbits(grid.occupied).tobytes()
        self._map, self._roadmap = _prepared(grid.resolution, grid.origin, grid.occupied.shape, packed, clearance)

    def plan(self, start: tuple[float, float], goal: tuple[float, float]) -> Polyline:
        """The way from start to goal (m, map frame) with the robot's footprint clear of every wall.

        A start too close to a wall is left by the nearest free place.

        Raises:
            InputError: start or goal lies in a wall or off the map, the goal too close to a wall, or no way exists.
        """
        return _from(start, self._best(self._way_out(start, goal), goal))

    def alternatives(self, start: tuple[float, float], goal: tuple[float, float], most: int = 3) -> list[Polyline]:
        """Clearly different routes, the best one first; only that one where there is nothing to go around.

        Each but the first goes around another side of some wall than the others, is somewhere more than two robot
        diameters from each of them, and is at most 1.6 times as long as the best plus 3 m.

        Raises:
            InputError: as for plan.
        """
        way_out = self._way_out(start, goal)
        best = Polyline(self._best(way_out, goal))
        found, factors, newest = [best], np.ones(len(self._roadmap.nodes)), best.points
        for _ in range(SEARCHES):
            if len(found) >= most or best.length == 0.0:
                break
            factors *= dearer_near(self._roadmap.nodes, newest)
            rough = self._roadmap.find(way_out, goal, factors.tolist())
            newest = np.array(rough)
            if not self._is_alternative(newest, found):
                continue
            smooth = self._smooth(rough)
            if self._is_alternative(smooth, found):
                found.append(Polyline(smooth))
        return [_from(start, route.points) for route in (best, *sorted(found[1:], key=lambda route: route.length))]

    def plan_around(self, start: tuple[float, float], goal: tuple[float, float], obstacles: Discs) -> Polyline:
        """The way from start to goal that keeps out of discs too: around robots that stand, or by another door.

        A start inside a disc is left without coming any nearer to the disc's middle.

        Args:
            start, goal: m, map frame.
            obstacles: (K, 3) x, y and the distance that the robot's centre has to keep from there (m).

        Raises:
            InputError: as for plan, and if one of the obstacles takes the goal or there is no way around them.
        """
        route = self.plan(start, goal)
        detours = Detours(self._map, self._roadmap, start, _as_discs(obstacles))
        if detours.floor.keeps_out(route.points):
            return route
        if detours.floor.takes(goal):
            raise InputError(f"goal {_text(goal)} is taken: something else stands there")
        way = detours.way(goal)
        if way is None:
            raise InputError(f"no way from {_text(start)} to goal {_text(goal)} around what stands there")
        return way

    def places_aside(
        self,
        start: tuple[float, float],
        routes: Iterable[tuple[Polyline, float]],
        obstacles: Discs = (),
        most: int = 3,
        farthest: float = FARTHEST,
    ) -> list[Polyline]:
        """Ways to the nearest places where the robot is out of the way of others, nearest first; maybe none.

        The ways may lead along the routes: to back out of a corridor, for instance. Where the robot stands is the
        first of the places if it is out of the way there. A place where the robot would block a narrow passage, or
        stand close to a wall, counts as farther away than it is.

        Args:
            start: m, map frame.
            routes: of the others, each with the distance (m) that the place must keep from every point of it.
            obstacles: (K, 3) x, y and the distance (m) that the way and the place must keep from there; only the place
                if the start does not keep it: the way then comes no nearer.
            most: number of places.
            farthest: m, of the longest way.

        Raises:
            InputError: the start is in a wall or off the map, or cannot be left.
        """
        self._leave(start)
        keep_away = KeepAway(tuple(routes), _as_discs(obstacles))
        apart = max(APART, 4.0 * self._radius)
        return places_aside(self._map, self._roadmap, start, keep_away, most, apart, farthest)

    def lengths_from(self, start: tuple[float, float]) -> WayLengths:
        """How far it is to drive from a place (m, map frame) to others.

        Raises:
            InputError: the place is in a wall or off the map, or cannot be left.
        """
        return WayLengths(self._map, self._roadmap, self._leave(start))

    def drivable(self, path: Polyline) -> bool:
        """Whether a path of any origin keeps the footprint clear of walls; its start may be as close as one to plan."""
        if self._map.drivable(path.points):
            return True
        reach = min(path.length, self._map.clearance + EXIT_DISTANCE)
        steps = np.linspace(0.0, reach, math.ceil(reach / self._map.resolution) + 1)
        places = path.sample(steps)
        free = np.isfinite(self._map.line_costs(places, places))
        if free[0] or not (free.any() or path.length == 0.0):
            return False
        out = float(steps[free.argmax()])
        leaving = path.sample(np.append(path.s[path.s <= out], out)).tolist()
        rest = path.sample(np.append(out, path.s[path.s > out]))
        if any(self._map.crosses_wall((a, b), (c, d)) for (a, b), (c, d) in pairwise(leaving)):
            return False
        return path.length == 0.0 or self._map.drivable(rest)

    def _is_alternative(self, way: FloatArray, found: list[Polyline]) -> bool:
        return short_enough(way, found[0]) and differs(way, found, PARTED * self._radius, self._map)

    def _best(self, start: Point, goal: Point) -> FloatArray:
        if self._map.free_line(start, goal):
            return np.array([start, goal])
        return self._smooth(self._roadmap.find(start, goal))

    def _smooth(self, rough: list[Point]) -> FloatArray:
        return round_corners(pull_straight(rough, self._map), self._map)

    def _way_out(self, start: Point, goal: Point) -> Point:
        """The free place that a route to the goal begins at, if there is one."""
        way_out = self._leave(start)
        self._check_goal(goal)
        if not self._roadmap.connected(way_out, goal):
            gap = f"this robot needs gaps of {2.0 * self._map.clearance:.2f} m"
            raise InputError(f"no way from {_text(start)} to goal {_text(goal)}: {gap}")
        return way_out

    def _check_goal(self, goal: Point) -> None:
        if self._map.in_wall(goal):
            raise InputError(f"goal {_text(goal)} is inside a wall or off the map: choose a free place")
        if self._map.blocked[self._map.index(goal)]:
            need = self._map.clearance
            raise InputError(f"goal {_text(goal)} is too close to a wall: this robot needs {need:.2f} m around it")

    def _leave(self, start: Point) -> Point:
        """The start itself, or for a robot too close to a wall the nearest free place that it can drive straight to."""
        if self._map.in_wall(start):
            raise InputError(f"start {_text(start)} is inside a wall or off the map: correct the robot's pose")
        if not self._map.blocked[self._map.index(start)]:
            return start
        for place in self._map.free_places(start, self._map.clearance + EXIT_DISTANCE):
            if not self._map.crosses_wall(start, place):
                return place
        raise InputError(f"start {_text(start)} has no free place near it: move the robot away from the walls by hand")


@lru_cache(maxsize=4)
def _prepared(
    resolution: float, origin: Point, shape: tuple[int, int], occupied: bytes, clearance: float
) -> tuple[ClearanceMap, Roadmap]:
    """A map as a robot sees it, once for all robots of one size in a process; `occupied` holds a bit for each cell."""
    bits = np.unpackbits(np.frombuffer(occupied, dtype=np.uint8), count=shape[0] * shape[1])
    free = ClearanceMap(OccupancyGrid(resolution, origin, bits.astype(np.bool_).reshape(shape)), clearance)
    return free, Roadmap(free)


def _as_discs(obstacles: Discs) -> FloatArray:
    return np.asarray(obstacles, dtype=np.float64).reshape(-1, 3)


def _from(start: Point, way: FloatArray) -> Polyline:
    """The route along a way, led up to from the start."""
    return Polyline(np.concatenate([[start], way]))


def _text(point: Point) -> str:
    return f"({point[0]:.2f}, {point[1]:.2f})"
