"""Finds a drivable way through the map: A* on the inflated grid, pulled straight, corners rounded.

P. E. Hart, N. J. Nilsson, B. Raphael, "A Formal Basis for the Heuristic Determination of Minimum Cost Paths", IEEE
Transactions on Systems Science and Cybernetics 4 (1968). Pulled straight afterwards by line of sight, the
post-smoothing that A. Nash et al., "Theta*: Any-Angle Path Planning on Grids" (AAAI 2007), compare with.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np

from ewm_ros.errors import InputError
from ewm_ros.geometry import Polyline
from ewm_ros.occupancy_grid import OccupancyGrid
from ewm_ros.robot.clearance_map import MOST_COST, ClearanceMap, Point
from ewm_ros.robot.corners import round_corners

MARGIN = 0.05  # m kept free beside the footprint
EXIT_DISTANCE = 0.5  # m beyond the clearance that a robot too close to a wall may drive to the nearest free place


class RoutePlanner:
    """Plans routes for robots of one size on one map.

    Args:
        grid: the map; what lies outside of it counts as occupied.
        radius: m, of the robot's footprint.
    """

    def __init__(self, grid: OccupancyGrid, radius: float) -> None:
        # A route may run anywhere in a free cell, so the margin has to cover half of a cell's diagonal.
        self._map = ClearanceMap(grid, radius + max(MARGIN, 0.9 * grid.resolution))

    def plan(self, start: tuple[float, float], goal: tuple[float, float]) -> Polyline:
        """The way from start to goal (m, map frame) with the robot's footprint clear of every wall.

        A start too close to a wall is left by the nearest free place.

        Raises:
            InputError: start or goal lies in a wall or off the map, the goal too close to a wall, or no way exists.
        """
        way_out = self._leave(start)
        self._check_goal(goal)
        if math.isfinite(self._map.line_cost(way_out, goal)):
            route = [way_out, goal]
        else:
            cells = self._search(self._map.index(way_out), self._map.index(goal))
            if cells is None:
                gap = f"this robot needs gaps of {2.0 * self._map.clearance:.2f} m"
                raise InputError(f"no way from {_text(start)} to goal {_text(goal)}: {gap}")
            points = [way_out, *map(self._map.centre, cells[1:-1]), goal]
            route = round_corners(self._pull(points), self._map)
        return Polyline(route if way_out == start else [start, *route])

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

    def _search(self, start: int, goal: int) -> list[int] | None:
        """A*: cells of the cheapest 8-connected way from start to goal, None if there is none."""
        width = self._map.cost.shape[1]
        diagonal = math.sqrt(2.0)
        moves = [(1, 1.0), (-1, 1.0), (width, 1.0), (-width, 1.0)]
        moves += [(d, diagonal) for d in (width + 1, width - 1, 1 - width, -1 - width)]
        cost, to_go = self._map.flat_cost, self._octile_distances(goal)
        best = [math.inf] * len(cost)
        parent = [0] * len(cost)
        closed = bytearray(self._map.blocked)
        best[start] = 0.0
        heap = [(to_go[start], start)]
        pop, push = heapq.heappop, heapq.heappush
        while heap:
            cell = pop(heap)[1]
            if cell == goal:
                return _trace(parent, start, goal)
            if closed[cell]:
                continue
            closed[cell] = 1
            here = best[cell]
            for offset, length in moves:
                neighbour = cell + offset
                if not closed[neighbour]:
                    there = here + length * cost[neighbour]
                    if there < best[neighbour]:
                        best[neighbour] = there
                        parent[neighbour] = cell
                        push(heap, (there + to_go[neighbour], neighbour))
        return None

    def _octile_distances(self, goal: int) -> list[float]:
        """Distance in cells of every cell from the goal on an empty 8-connected grid."""
        rows, columns = self._map.cost.shape
        row, column = divmod(goal, columns)
        dy = np.abs(np.arange(rows) - row)[:, None]
        dx = np.abs(np.arange(columns) - column)[None, :]
        distances: list[float] = (np.maximum(dx, dy) + (math.sqrt(2.0) - 1.0) * np.minimum(dx, dy)).ravel().tolist()
        return distances

    def _pull(self, points: list[Point]) -> list[Point]:
        """Straighten a way from both ends by turns, until nothing is gained."""
        length = math.inf
        for _ in range(4):
            points = self._shorten(_resample(self._shorten(points), 2.0 * self._map.resolution)[::-1])[::-1]
            shorter = sum(math.dist(a, b) for a, b in pairwise(points))
            if shorter > length - 0.01:
                break
            length = shorter
            points = _resample(points, 2.0 * self._map.resolution)
        return self._shorten(points)

    def _shorten(self, points: list[Point]) -> list[Point]:
        """Replace pieces of a way by straight lines that cost no more, the nearness of walls included."""
        way = np.array(points)
        x, y = way[:, 0], way[:, 1]
        # A point between two samples of a free line may lie a hair inside a blocked cell.
        factor = np.minimum([self._map.flat_cost[self._map.index(p)] for p in points], MOST_COST)
        spent = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(x), np.diff(y)) * (factor[1:] + factor[:-1]) / 2.0)])

        def pays(i: int, j: int) -> bool:
            return j == i + 1 or self._map.line_cost(points[i], points[j]) <= 1.01 * float(spent[j] - spent[i])

        kept = [0]
        last = len(points) - 1
        while kept[-1] < last:
            kept.append(_furthest(kept[-1], last, pays))
        return [points[i] for i in kept]


def _furthest(i: int, last: int, pays: Callable[[int, int], bool]) -> int:
    """The furthest index that a line from i reaches, found by doubling and halving: pays(i, i + 1) holds."""
    if pays(i, last):
        return last
    good, step = i + 1, 2
    while i + step < last and pays(i, i + step):
        good = i + step
        step *= 2
    bad = min(i + step, last)
    while bad - good > 1:
        middle = (good + bad) // 2
        if pays(i, middle):
            good = middle
        else:
            bad = middle
    return good


def _trace(parent: list[int], start: int, goal: int) -> list[int]:
    cells = [goal]
    while cells[-1] != start:
        cells.append(parent[cells[-1]])
    return cells[::-1]


def _resample(points: list[Point], step: float) -> list[Point]:
    """The same polyline with additional points at most `step` (m) apart."""
    dense = points[:1]
    for (ax, ay), (bx, by) in pairwise(points):
        count = max(math.ceil(math.hypot(bx - ax, by - ay) / step), 1)
        dense += [(ax + (bx - ax) * k / count, ay + (by - ay) * k / count) for k in range(1, count)]
        dense.append((bx, by))
    return dense


def _text(point: Point) -> str:
    return f"({point[0]:.2f}, {point[1]:.2f})"
