"""The map as one size of robot sees it: where its centre may be, and how near that is to a wall."""

from __future__ import annotations

import math

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
HAIR = 0.2  # cells: as deep as a line with free samples may cut a blocked cell's corner


class ClearanceMap:
    """A grid inflated by a clearance, with places near walls made dearer.

    Cells are addressed by an index into the flattened grid, which has a border of blocked cells around it: what lies
    outside of the map counts as occupied, and no search has to check the edges.

    Args:
        grid: the map.
        clearance: m from a free cell's centre to any occupied cell.

    Attributes:
        cost: (rows + 2, columns + 2), of a metre driven in each cell: 1 in the open, more near walls, inf if blocked.
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
        self._fraction = 31 - max(self.cost.shape).bit_length()
        self._columns: int = grid.occupied.shape[1] + 2
        self._unit = float(1 << self._fraction)
        self._shift = 1.0 - np.array(grid.origin) / grid.resolution
        self._last = np.array(self.cost.shape[::-1]) - 0.5
        self._flat_cost = self.cost.ravel()
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

    def drivable(self, points: FloatArray) -> bool:
        """Whether a way through points (N, 2) m keeps the clearance, but for a hair where it cuts a cell's corner."""
        ends = points if len(points) > 1 else np.repeat(points, 2, axis=0)
        a, b = ends[:-1], ends[1:]
        costs = self.line_costs(a, b)
        bad = np.isinf(costs)
        if not bad.any():
            return True
        hair = HAIR * self.resolution
        lines = zip(a[bad], b[bad], strict=True)
        samples = np.concatenate(
            [np.linspace(p, q, math.ceil(math.dist(p, q) / (SAMPLING * self.resolution)) + 1) for p, q in lines]
        )
        beside = samples[:, None] + hair * np.array([(1, 1), (1, -1), (-1, 1), (-1, -1)])
        cells = self._in_cells(beside.reshape(-1, 2)).astype(np.intp)
        free = np.isfinite(self.cost[cells[:, 1], cells[:, 0]]).reshape(-1, 4)
        return bool(free.any(axis=1).all())

    def free_line(self, a: Point, b: Point) -> bool:
        """Whether the straight line from a to b keeps the clearance."""
        return bool(np.isfinite(self.line_costs(np.array([a], dtype=np.float64), np.array([b], dtype=np.float64))[0]))

    def line_costs(self, a: FloatArray, b: FloatArray) -> FloatArray:
        """Lengths of the straight lines from a to b, weighted by the nearness of walls; inf for those not free.

        Args:
            a, b: (N, 2) m.

        Returns:
            (N,) m.
        """
        cells, first, counts = self._cells_on_lines(a, b)
        mean = np.add.reduceat(self._flat_cost.take(cells), first) / counts
        # No length is quite 0: a point that is not free costs inf too.
        costs: FloatArray = mean * np.maximum(np.hypot(b[:, 0] - a[:, 0], b[:, 1] - a[:, 1]), 1e-12)
        return costs

    def crosses_wall(self, a: Point, b: Point) -> bool:
        """Whether the straight line from a to b passes through an occupied cell."""
        cells, _, _ = self._cells_on_lines(np.array([a]), np.array([b]))
        return bool(self._occupied.ravel()[cells].any())

    def encloses_wall(self, loop: FloatArray) -> bool:
        """Whether a closed line through points (N, 2) m goes around an occupied cell, by the cells' winding numbers."""
        start = self._in_cells(loop)
        end = np.roll(start, -1, axis=0)
        low, high = (np.floor(cells[:, 1] - 0.5).astype(np.intp) for cells in (start, end))
        # A line from row to row crosses the middles of the rows between: it goes around the cells to their right.
        counts = np.abs(high - low)
        line = np.repeat(np.arange(len(loop)), counts)
        nth = np.arange(len(line)) - np.repeat(np.cumsum(counts) - counts, counts)
        upward = np.sign(high - low)[line]
        row = np.where(upward > 0, low[line] + 1 + nth, low[line] - nth)
        share = (row + 0.5 - start[line, 1]) / (end[line, 1] - start[line, 1])
        column = np.ceil(start[line, 0] + share * (end[line, 0] - start[line, 0]) - 0.5).astype(np.intp)
        (left, bottom), (right, top) = (pick(start, axis=0).astype(np.intp) for pick in (np.min, np.max))
        winding = np.zeros((top - bottom + 1, right - left + 2), dtype=np.int32)
        np.add.at(winding, (row - bottom, column - left), upward)
        inside = np.cumsum(winding, axis=1)[:, :-1] != 0
        return bool((self._occupied[bottom : top + 1, left : right + 1] & inside).any())

    def free_places(self, point: Point, reach: float) -> list[Point]:
        """Centres of free cells up to about `reach` (m) from a point on the map, nearest first."""
        box = self.box(point, reach)
        places = self.centres(self.indices(box)[np.isfinite(self.cost[box])])
        away = np.hypot(places[:, 0] - point[0], places[:, 1] - point[1])
        return [(x, y) for x, y in places[np.argsort(away, kind="stable")].tolist()]

    def centres(self, cells: NDArray[np.intp]) -> FloatArray:
        """(N, 2) m, of cells by flat indices."""
        row, column = np.divmod(cells, self._columns)
        middles: FloatArray = self._grid.origin + (np.stack([column, row], axis=1) - 0.5) * self.resolution
        return middles

    def box(self, point: Point, reach: float) -> tuple[slice, slice]:
        """Rows and columns of `cost` up to about `reach` (m) from a point on the map."""
        row, column = divmod(self.index(point), self._columns)
        cells = math.ceil(reach / self.resolution)
        return slice(max(row - cells, 0), row + cells + 1), slice(max(column - cells, 0), column + cells + 1)

    def indices(self, box: tuple[slice, slice]) -> NDArray[np.intp]:
        """(rows, columns) flat indices of the cells in a box."""
        rows, columns = (np.arange(*part.indices(size)) for part, size in zip(box, self.cost.shape, strict=True))
        found: NDArray[np.intp] = rows[:, None] * self._columns + columns
        return found

    def near(self, points: FloatArray, reach: FloatArray) -> NDArray[np.bool_]:
        """As `cost`, whether the middle of each cell on the map is nearer to one of the points than its reach.

        Args:
            points: (N, 2) m.
            reach: (N,) m.
        """
        rows, columns = self.cost.shape
        middle, far = points / self.resolution + self._shift - 0.5, reach[:, None] / self.resolution
        most = math.ceil(float(far.max(initial=0.0)))
        row = np.floor(middle[:, 1:]) + np.arange(-most, most + 2)
        half = np.sqrt(np.maximum(far**2 - (row - middle[:, 1:]) ** 2, 0.0))
        # Runs of cells in a row, between two borders that they do not touch.
        first = np.maximum(np.floor(middle[:, :1] - half) + 1.0, 1.0)
        end = np.minimum(np.ceil(middle[:, :1] + half), columns - 1.0)
        runs = (first < end) & (row > 0.0) & (row < rows - 1.0)
        in_row = row[runs].astype(np.intp) * columns
        changes = np.zeros(self.cost.size, dtype=np.int16)
        np.add.at(changes, in_row + first[runs].astype(np.intp), 1)
        np.add.at(changes, in_row + end[runs].astype(np.intp), -1)
        found: NDArray[np.bool_] = np.cumsum(changes, dtype=np.int16).reshape(rows, columns) > 0
        return found

    def _cells_on_lines(
        self, a: FloatArray, b: FloatArray
    ) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
        """Cells sampled on lines, all in a row, the border for what is off the map; each line's first and their number.

        Args:
            a, b: (N, 2) m, N >= 1.
        """
        start, end = self._in_cells(a), self._in_cells(b)
        across = end - start
        counts = (np.hypot(across[:, 0], across[:, 1]) / SAMPLING).astype(np.intp) + 2
        first = np.cumsum(counts) - counts
        # Row and column as the two halves of one integer, each with a fraction: half the work of two float arrays, and
        # exact, so that the products may wrap around.
        step = self._packed(across / (counts - 1)[:, None])
        sample = np.repeat(step, counts)
        sample *= np.arange(len(sample))
        sample += np.repeat(self._packed(start) - first * step, counts)
        column = sample & 0xFFFFFFFF
        column >>= self._fraction
        sample >>= 32 + self._fraction
        sample *= self._columns
        sample += column
        return sample, first, counts

    def _in_cells(self, points: FloatArray) -> FloatArray:
        """(N, 2) column and row of points, with fractions; in the border for what is off the map."""
        cells: FloatArray = points * (1.0 / self.resolution)
        cells += self._shift
        np.maximum(cells, 0.5, out=cells)
        np.minimum(cells, self._last, out=cells)
        return cells

    def _packed(self, cells: FloatArray) -> NDArray[np.int64]:
        fixed = np.rint(cells * self._unit).astype(np.int64)
        packed: NDArray[np.int64] = (fixed[:, 1] << 32) + fixed[:, 0]
        return packed


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
