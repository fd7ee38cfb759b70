"""Which places of a floor a robot of one size can drive between.

The floor is the same grid that robots plan on, inflated by the same clearance, and its free cells are grouped into
connected areas by their runs along the rows: K. Wu, E. Otoo, K. Suzuki, "Optimizing two-pass connected-component
labeling algorithms", Pattern Analysis and Applications 12 (2009).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ewm_ros.geometry import FloatArray
from ewm_ros.occupancy_grid import OccupancyGrid
from ewm_ros.planning.clearance_map import distance_to_occupied
from ewm_ros.planning.route_planner import MARGIN
from ewm_ros.simulation.worlds.occupancy import occupancy_grid
from ewm_ros.simulation.worlds.shapes import Bounds, Box, Disc, Floor
from ewm_ros.simulation.worlds.world_format import Point

NOWHERE = 0  # the area of what is not free
EXIT = 0.25  # m that a robot which stands too close to a wall is from the place where its way begins, at most
USUAL_CLEARANCE = 0.7  # m; up to this, robots of all sizes share one map of distances


class Areas:
    """The connected areas of a floor for one size of robot.

    Args:
        grid: the map.
        free: (rows, columns), where the robot's centre may be.

    Attributes:
        labels: (rows, columns), the area that each cell belongs to, NOWHERE if it is not free.
    """

    def __init__(self, grid: OccupancyGrid, free: NDArray[np.bool_]) -> None:
        self._grid = grid
        self.labels = connected(free)

    def at(self, points: Sequence[Point] | FloatArray) -> NDArray[np.int32]:
        """The areas that places, (N, 2) m, belong to: (N,), NOWHERE for those that are not free."""
        cells = np.floor((np.reshape(points, (-1, 2)) - self._grid.origin) / self._grid.resolution).astype(np.intp)
        rows, columns = self.labels.shape
        inside = ((cells >= 0) & (cells < (columns, rows))).all(axis=1)
        cells[~inside] = 0
        return np.where(inside, self.labels[cells[:, 1], cells[:, 0]], np.int32(NOWHERE))

    def leaving(self, place: Point) -> int:
        """The area in which a robot that stands at a place can drive about.

        If that is too close to a wall, its way begins at the nearest free place that it can drive straight to.
        """
        here = int(self.at([place])[0])
        row, column = self._grid.cell(*place)
        rows, columns = self.labels.shape
        if here != NOWHERE or not (0 <= row < rows and 0 <= column < columns):
            return here
        cells = math.ceil(EXIT / self._grid.resolution)
        top, left = max(row - cells, 0), max(column - cells, 0)
        near = self.labels[top : row + cells + 1, left : column + cells + 1]
        free = np.argwhere(near != NOWHERE)
        centres = (free[:, ::-1] + (left + 0.5, top + 0.5)) * self._grid.resolution + self._grid.origin
        for k in np.argsort(np.hypot(*(centres - place).T), kind="stable").tolist():
            if not self._wall_between(place, centres[k]):
                return int(near[free[k, 0], free[k, 1]])
        return NOWHERE

    def within(self, rectangles: Sequence[tuple[Point, Point]]) -> dict[int, int]:
        """The areas found in rectangles [[x0, y0], [x1, y1]] (m), each with its number of cells."""
        found: dict[int, int] = {}
        for low, high in rectangles:
            (top, left), (bottom, right) = self._grid.cell(*low), self._grid.cell(*high)
            part = self.labels[max(top, 0) : bottom + 1, max(left, 0) : right + 1]
            for label, cells in zip(*np.unique(part[part != NOWHERE], return_counts=True), strict=True):
                found[int(label)] = found.get(int(label), 0) + int(cells)
        return found

    def without(self, spots: FloatArray, radii: FloatArray) -> Areas:
        """The areas that are left when discs are taken away.

        Args:
            spots: (N, 2) m.
            radii: (N,) m.
        """
        free = self.labels != NOWHERE
        rows, columns = free.shape
        (x0, y0), size = self._grid.origin, self._grid.resolution
        x, y = x0 + (np.arange(columns) + 0.5) * size, y0 + (np.arange(rows) + 0.5) * size
        for (cx, cy), radius in zip(spots, radii, strict=True):
            (left, right), (low, high) = (np.searchsorted(a, [c - radius, c + radius]) for a, c in ((x, cx), (y, cy)))
            near = np.hypot(x[None, left:right] - cx, y[low:high, None] - cy) < radius
            free[low:high, left:right] &= ~near
        return Areas(self._grid, free)

    def _wall_between(self, a: Point, b: FloatArray) -> bool:
        f = np.linspace(0.0, 1.0, int(math.dist(a, b) / (0.4 * self._grid.resolution)) + 2)[:, None]
        cells = np.floor((a + f * (b - a) - self._grid.origin) / self._grid.resolution).astype(np.intp)
        return bool(self._grid.occupied[cells[:, 1], cells[:, 0]].any())


@dataclass(frozen=True, slots=True)
class _Ground:
    """All of a floor that matters here, as a key to remember it by."""

    bounds: Bounds
    boxes: tuple[Box, ...]
    discs: tuple[Disc, ...]


def areas_of(floor: Floor, radius: float) -> Areas:
    """The areas of a world or scenario for robots of a radius (m); remembered for the floors used last."""
    return _areas(_Ground(floor.bounds, floor.boxes, floor.discs), radius)


@lru_cache(maxsize=16)
def _areas(ground: _Ground, radius: float) -> Areas:
    clearance = radius + MARGIN
    grid, distance = _distances(ground, max(clearance, USUAL_CLEARANCE))
    return Areas(grid, distance >= clearance - 1e-9)


@lru_cache(maxsize=8)
def _distances(ground: _Ground, limit: float) -> tuple[OccupancyGrid, FloatArray]:
    grid = occupancy_grid(ground)
    return grid, distance_to_occupied(grid.occupied, grid.resolution, limit)


def connected(free: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Number the 8-connected areas of the true cells from 1 on; NOWHERE elsewhere.

    Args:
        free: (rows, columns).

    Returns:
        (rows, columns).
    """
    rows, columns = free.shape
    stride = columns + 1  # a run ends in its own row, at the latest in the column past the last
    steps = np.diff(np.pad(free, ((0, 0), (1, 1))).astype(np.int8), axis=1).ravel()
    begin, end = np.flatnonzero(steps > 0), np.flatnonzero(steps < 0)
    # Runs of the row above that touch a run, be it by a corner only.
    first = np.searchsorted(end, begin - stride, side="left").tolist()
    last = np.searchsorted(begin, end - stride, side="right").tolist()
    parents = list(range(len(begin)))
    for run, others in enumerate(map(range, first, last)):
        for other in others:
            _unite(parents, run, other)
    roots = [_root(parents, run) for run in range(len(begin))]
    numbers = np.unique(np.array(roots, dtype=np.intp), return_inverse=True)[1].astype(np.int32) + 1
    change = np.zeros(rows * stride, dtype=np.int32)
    change[begin] = numbers
    change[end] -= numbers
    labels: NDArray[np.int32] = np.cumsum(change, dtype=np.int32).reshape(rows, stride)[:, :-1]
    return labels


def _unite(parents: list[int], a: int, b: int) -> None:
    a, b = _root(parents, a), _root(parents, b)
    parents[max(a, b)] = min(a, b)


def _root(parents: list[int], run: int) -> int:
    while parents[run] != run:
        parents[run] = run = parents[parents[run]]
    return run
