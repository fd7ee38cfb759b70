"""The map as one size of robot sees it: where its centre may be, and how near that is to a wall."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ewm_ros.geometry import FloatArray
from ewm_ros.occupancy_grid import OccupancyGrid

Point = tuple[float, float]

SHY_DISTANCE = 0.4  # m beyond the clearance within which a place costs more
SHY_COST = 0.6  # extra cost of a metre driven right at the clearance
CLOSE_DISTANCE = 0.075  # m beyond the clearance that one drives only where there is no other way: control errors
CLOSE_COST = 2.0  # extra cost of a metre in there
MOST_COST = 1.0 + SHY_COST + CLOSE_COST  # of a metre in any free cell
SAMPLING = 0.4  # cells between two samples of a line


class ClearanceMap:
    """A grid inflated by a clearance, with places near walls made dearer.

    Cells are addressed by an index into the flattened grid, which has a border of blocked cells around it: what lies
    outside of the map counts as occupied, and no search has to check the edges.

    Args:
        grid: the map.
        clearance: m from a free cell's centre to any occupied cell.

    Attributes:
        cost: (rows + 2, columns + 2), of a metre driven in each cell: 1 in the open, more near walls, inf if blocked.
        flat_cost: the same, flattened.
        blocked: the same as bytes, 1 where blocked.
    """

    def __init__(self, grid: OccupancyGrid, clearance: float) -> None:
        self.clearance = clearance
        self.resolution = grid.resolution
        self._grid = grid
        self._occupied = np.pad(grid.occupied, 1, constant_values=True)
        distance = distance_to_occupied(self._occupied, grid.resolution, clearance + SHY_DISTANCE)
        shy = np.clip(1.0 - (distance - clearance) / SHY_DISTANCE, 0.0, 1.0)
        close = distance < clearance + CLOSE_DISTANCE - 1e-9
        cost = 1.0 + SHY_COST * shy + CLOSE_COST * close
        self.cost: FloatArray = np.where(distance < clearance - 1e-9, math.inf, cost)
        self._columns: int = grid.occupied.shape[1] + 2
        self.flat_cost: list[float] = self.cost.ravel().tolist()
        self.blocked = np.isinf(self.cost).ravel().astype(np.uint8).tobytes()

    def index(self, point: Point) -> int:
        """Index of the cell of a point on the map."""
        row, column = self._grid.cell(*point)
        return (row + 1) * self._columns + column + 1

    def centre(self, index: int) -> Point:
        """x, y (m) of a cell's centre."""
        row, column = divmod(index, self._columns)
        return self._grid.centre(row - 1, column - 1)

    def in_wall(self, point: Point) -> bool:
        """Whether a point lies in an occupied cell or off the map; true for what is no point."""
        if not (math.isfinite(point[0]) and math.isfinite(point[1])):
            return True
        row, column = self._grid.cell(*point)
        rows, columns = self._grid.occupied.shape
        return not (0 <= row < rows and 0 <= column < columns) or bool(self._grid.occupied[row, column])

    def line_cost(self, a: Point, b: Point) -> float:
        """Length of the straight line from a to b (m), weighted by the nearness of walls; inf if it is not free."""
        row, column = self._cells_between(a, b)
        return float(self.cost[row, column].mean()) * math.dist(a, b)

    def way_cost(self, points: Sequence[Point]) -> float:
        """The same for the polyline through the points."""
        return sum(self.line_cost(a, b) for a, b in pairwise(points))

    def crosses_wall(self, a: Point, b: Point) -> bool:
        """Whether the straight line from a to b passes through an occupied cell."""
        return bool(self._occupied[self._cells_between(a, b)].any())

    def free_places(self, point: Point, reach: float) -> list[Point]:
        """Centres of free cells up to about `reach` (m) from a point on the map, nearest first."""
        row, column = divmod(self.index(point), self._columns)
        cells = math.ceil(reach / self.resolution)
        top, left = max(row - cells, 0), max(column - cells, 0)
        near = self.cost[top : row + cells + 1, left : column + cells + 1]
        places = [self._grid.centre(top + i - 1, left + j - 1) for i, j in np.argwhere(np.isfinite(near)).tolist()]
        return sorted(places, key=lambda place: math.dist(place, point))

    def _cells_between(self, a: Point, b: Point) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Rows and columns of cells sampled on the line from a to b; the border for what is off the map."""
        rows, columns = self.cost.shape
        (x0, y0), resolution = self._grid.origin, self.resolution
        f = np.linspace(0.0, 1.0, int(math.dist(a, b) / (SAMPLING * resolution)) + 2)
        row = np.floor((a[1] + f * (b[1] - a[1]) - y0) / resolution).astype(np.intp) + 1
        column = np.floor((a[0] + f * (b[0] - a[0]) - x0) / resolution).astype(np.intp) + 1
        return np.clip(row, 0, rows - 1), np.clip(column, 0, columns - 1)


def distance_to_occupied(occupied: NDArray[np.bool_], resolution: float, limit: float) -> FloatArray:
    """Distance from each cell's centre to the nearest edge of an occupied cell.

    Args:
        occupied: (rows, columns).
        resolution: m.
        limit: m; larger distances may read anything above it.

    Returns:
        (rows, columns) m; 0 in occupied cells.
    """
    columns = np.arange(occupied.shape[1])
    left = np.maximum.accumulate(np.where(occupied, columns, -(10**6)), axis=1)
    right = np.minimum.accumulate(np.where(occupied, columns, 10**6)[:, ::-1], axis=1)[:, ::-1]
    along_row = np.minimum(columns - left, right - columns).astype(np.float64)
    along_row = np.where(along_row > 0, along_row - 0.5, 0.0) ** 2
    nearest = along_row.copy()
    for rows in range(1, min(math.ceil(limit / resolution) + 1, len(occupied) - 1) + 1):
        offset = (rows - 0.5) ** 2
        np.minimum(nearest[rows:], along_row[:-rows] + offset, out=nearest[rows:])
        np.minimum(nearest[:-rows], along_row[rows:] + offset, out=nearest[:-rows])
    distance: FloatArray = np.sqrt(nearest) * resolution
    return distance
