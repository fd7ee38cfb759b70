"""Maps drawn as boxes, and slow and simple answers to what a route planner is asked."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ewm_ros.geometry import FloatArray, Polyline
from ewm_ros.occupancy_grid import OccupancyGrid

Cell = tuple[int, int]


def room(
    width: float, height: float, *walls: tuple[float, float, float, float], resolution: float = 0.05
) -> OccupancyGrid:
    """A room with its lower left corner at the origin; walls are boxes x0, y0, x1, y1 in m."""
    occupied = np.zeros((round(height / resolution), round(width / resolution)), dtype=bool)
    occupied[[0, -1], :] = occupied[:, [0, -1]] = True
    for box in walls:
        x0, y0, x1, y1 = (max(round(value / resolution), 0) for value in box)
        occupied[y0:y1, x0:x1] = True
    return OccupancyGrid(resolution, (0.0, 0.0), occupied)


def cluttered_room(seed: int, width: float = 10.0, height: float = 8.0) -> OccupancyGrid:
    """A room with boxes of all sizes all over it."""
    rng = np.random.default_rng(seed)
    middles = rng.uniform((0.0, 0.0), (width, height), (rng.integers(3, 18), 2))
    halves = rng.uniform(0.05, 0.9, middles.shape)
    return room(width, height, *(tuple(box) for box in np.hstack([middles - halves, middles + halves])))


def clearance(grid: OccupancyGrid, path: Polyline) -> float:
    """m, from the path to the nearest occupied cell, measured densely and without the planner's tools."""
    rows, columns = np.nonzero(grid.occupied)
    left, low = grid.origin[0] + columns * grid.resolution, grid.origin[1] + rows * grid.resolution
    nearest = math.inf
    for x, y in path.sample(np.arange(0.0, path.length + 0.01, 0.01)):
        dx = np.maximum(np.maximum(left - x, x - left - grid.resolution), 0.0)
        dy = np.maximum(np.maximum(low - y, y - low - grid.resolution), 0.0)
        nearest = min(nearest, float(np.hypot(dx, dy).min()))
    return nearest


def neighbours(cell: Cell, shape: tuple[int, int]) -> Iterator[Cell]:
    """The up to 8 cells around one."""
    for i in range(max(cell[0] - 1, 0), min(cell[0] + 2, shape[0])):
        for j in range(max(cell[1] - 1, 0), min(cell[1] + 2, shape[1])):
            if (i, j) != cell:
                yield i, j


def flooded(free: NDArray[np.bool_], source: Cell) -> set[Cell]:
    """All cells that a free cell is connected with."""
    reached, edge = {source}, [source]
    while edge:
        for cell in neighbours(edge.pop(), free.shape):
            if free[cell] and cell not in reached:
                reached.add(cell)
                edge.append(cell)
    return reached


def cheapest_cells(cost: FloatArray, start: Cell, goal: Cell) -> list[Cell]:
    """Dijkstra's algorithm on the 8-connected grid; the cost of a step is its length times the mean of both cells."""
    best, parent = {start: 0.0}, {start: start}
    heap = [(0.0, start)]
    while heap:
        here, cell = heapq.heappop(heap)
        if cell == goal:
            break
        if here > best[cell]:
            continue
        for other in neighbours(cell, cost.shape):
            there = here + math.dist(cell, other) * (cost[cell] + cost[other]) / 2.0
            if there < best.get(other, math.inf):
                best[other], parent[other] = there, cell
                heapq.heappush(heap, (there, other))
    way = [goal]
    while way[-1] != start:
        way.append(parent[way[-1]])
    return way[::-1]
