"""Where two routes are too close for both robots: the coordination space of O'Donnell and Lozano-Perez (ICRA 1989).

A point (a, b) of the coordination space says that one robot is at progress a of its route and the other at b of its
own. Points at which the footprints would come too close are forbidden. A pair of robots is safe for as long as the box
of all points that the two may come to holds no forbidden point.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ewm_ros.geometry import FloatArray, Polyline

CELL = 0.05  # m of progress; the forbidden set is exact up to one cell, on the safe side
SHORT = 0.06  # m by which intervals end before forbidden cells: a hold point is rounded up to whole cm on the wire
CLEARANCE = 0.12  # m between footprints that pass each other, for what the followers deviate from their routes
ROWS_AT_ONCE = 256  # cells whose distances are in memory at a time
LEAST_CLEARANCE = 0.06  # m between one that passes and one that stands


class ConflictSpace:
    """The forbidden set of an ordered pair of paths, on a grid of CELL.

    Cell k of a path stands for progress within CELL / 2 of k * CELL. A cell pair is forbidden if any two points of it
    are closer than the sum of the radii and the clearance, so nothing is missed between the samples.

    Args:
        a, b: paths in the same frame; a single point is a robot that stands.
        distance: m, sum of the two footprints' radii.
        clearance: m that the footprints have to stay apart.
    """

    __slots__ = ("_counts", "columns", "forbidden", "rows")

    def __init__(self, a: Polyline, b: Polyline, distance: float, clearance: float = CLEARANCE) -> None:
        cells_a, cells_b = _cells(a), _cells(b)
        limit = distance + clearance + CELL  # half a cell of progress on either path
        # Only the block of cells that lie near the other path is kept; outside it nothing is forbidden.
        rows, columns = _near(cells_a, cells_b, limit)
        near_b = cells_b[columns]
        forbidden: NDArray[np.bool_] = np.zeros((rows.stop - rows.start, len(near_b)), dtype=np.bool_)
        for first in range(0, len(forbidden), ROWS_AT_ONCE):
            gap = cells_a[rows][first : first + ROWS_AT_ONCE, None, :] - near_b[None, :, :]
            forbidden[first : first + ROWS_AT_ONCE] = np.einsum("ijk,ijk->ij", gap, gap) < limit * limit
        top, bottom = _span(np.asarray(forbidden.any(axis=1)))
        left, right = _span(np.asarray(forbidden.any(axis=0)))
        self._keep(forbidden[top:bottom, left:right], rows.start + top, columns.start + left)

    def _keep(self, forbidden: NDArray[np.bool_], first_row: int, first_column: int) -> None:
        self.forbidden = forbidden
        self.rows: tuple[int, int] = (first_row, first_row + forbidden.shape[0])
        self.columns: tuple[int, int] = (first_column, first_column + forbidden.shape[1])
        self._counts = np.zeros((forbidden.shape[0], forbidden.shape[1] + 1), dtype=np.int32)
        np.cumsum(forbidden, axis=1, out=self._counts[:, 1:])

    @property
    def empty(self) -> bool:
        """The two never come too close, wherever they are on their routes."""
        return bool(self.rows[0] >= self.rows[1])

    def passed(self, progress_a: float, progress_b: float) -> bool:
        """At least one of the two is through with all that the routes share."""
        return bool(self.empty or cell(progress_a) >= self.rows[1] or cell(progress_b) >= self.columns[1])

    def blocked(self, from_a: float, to_a: float, from_b: float, to_b: float) -> bool:
        """Whether the box [from_a, to_a] x [from_b, to_b] (m) holds a forbidden point."""
        return bool(self._rows(from_a, to_a, from_b, to_b).any())

    def free_until(self, from_a: float, to_a: float, from_b: float, to_b: float) -> float:
        """The largest end <= to_a such that the box [from_a, end] x [from_b, to_b] is free; below from_a if none is."""
        rows = self._rows(from_a, to_a, from_b, to_b)
        first = int(rows.argmax()) if len(rows) else 0
        if not len(rows) or not rows[first]:
            return to_a
        return (max(cell(from_a), self.rows[0]) + first - 0.5) * CELL - SHORT

    def _rows(self, from_a: float, to_a: float, from_b: float, to_b: float) -> NDArray[np.bool_]:
        """For each kept cell of a in the interval, whether it is forbidden with any cell of b in the other interval."""
        low = max(cell(from_b), self.columns[0]) - self.columns[0]
        high = min(cell(to_b) + 1, self.columns[1]) - self.columns[0]
        if low >= high:
            return _NOTHING
        first = max(cell(from_a), self.rows[0]) - self.rows[0]
        part = self._counts[first : max(cell(to_a) + 1 - self.rows[0], first)]
        rows: NDArray[np.bool_] = part[:, high] > part[:, low]
        return rows

    def transposed(self) -> ConflictSpace:
        """The same forbidden set seen from the other path."""
        other = object.__new__(ConflictSpace)
        other._keep(self.forbidden.T, self.columns[0], self.rows[0])
        return other


_NOTHING: NDArray[np.bool_] = np.zeros(0, dtype=np.bool_)


def cell(progress: float) -> int:
    """The cell that holds a progress (m)."""
    return max(int(progress / CELL + 0.5), 0)


def _cells(path: Polyline) -> FloatArray:
    """Centres of the path's cells: (n, 2) m."""
    return path.sample(np.arange(cell(path.length) + 1, dtype=np.float64) * CELL)


def _near(a: FloatArray, b: FloatArray, limit: float) -> tuple[slice, slice]:
    """The stretches of both paths that lie in each other's bounding box, grown by limit."""
    rows = ((a >= b.min(axis=0) - limit) & (a <= b.max(axis=0) + limit)).all(axis=1)
    columns = ((b >= a.min(axis=0) - limit) & (b <= a.max(axis=0) + limit)).all(axis=1)
    return slice(*_span(rows)), slice(*_span(columns))


def _span(marks: NDArray[np.bool_]) -> tuple[int, int]:
    """First marked index and the one after the last; (0, 0) if none is marked."""
    marked = np.flatnonzero(marks)
    return (int(marked[0]), int(marked[-1]) + 1) if len(marked) else (0, 0)
