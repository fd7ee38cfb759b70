"""Where two routes are too close for both robots: the coordination space of O'Donnell and Lozano-Perez (ICRA 1989).

A point (a, b) of the coordination space says that one robot is at progress a of its route and the other at b of its
own. Points at which the footprints would come too close are forbidden. A pair of robots is safe for as long as the box
of all points that the two may come to holds no forbidden point.
"""

from __future__ import annotations

from weakref import ReferenceType, WeakValueDictionary, ref

import numpy as np
from numpy.typing import NDArray

from ewm_ros.geometry import FloatArray, Polyline

CELL = 0.05  # m of progress; the forbidden set is exact up to one cell, on the safe side
SHORT = 0.06  # m by which intervals end before forbidden cells: a hold point is rounded up to whole cm on the wire
CLEARANCE = 0.12  # m between footprints that pass each other, for what the followers deviate from their routes
BLOCK = 16  # cells in a row whose bounding box is looked at before they are
BLOCKS_AT_ONCE = 256  # pairs of blocks whose distances are in memory at a time
LEAST_CLEARANCE = 0.06  # m between one that passes and one that stands


class ConflictSpace:
    """The forbidden set of an ordered pair of paths, on a grid of CELL.

    Cell k of a path stands for progress within CELL / 2 of k * CELL. A cell pair is forbidden if any two points of it
    are closer than the sum of the radii and the clearance, so nothing is missed between the samples.

    Args:
        a, b: paths in the same frame; a single point is a robot that stands.
        distance: m, sum of the two footprints' radii.
        clearance: m that the footprints have to stay apart.

    Attributes:
        forbidden: the part of the grid that holds all forbidden points; `rows` and `columns` of a and b (first, end).
        empty: the two never come too close, wherever they are on their routes.
    """

    __slots__ = ("__weakref__", "_counts", "_last_rows", "_origin", "_turned", "columns", "empty", "forbidden", "rows")

    def __init__(self, a: Polyline, b: Polyline, distance: float, clearance: float = CLEARANCE) -> None:
        limit = distance + clearance + CELL  # half a cell of progress on either path
        forbidden = _closer(_cells(a), _cells(b), limit)
        top, bottom = _span(np.asarray(forbidden.any(axis=1)))
        left, right = _span(np.asarray(forbidden.any(axis=0)))
        self._keep(forbidden[top:bottom, left:right].copy(), top, left)

    @classmethod
    def nowhere(cls) -> ConflictSpace:
        """A space without a forbidden point, from either path."""
        space: ConflictSpace = object.__new__(cls)
        space._keep(np.zeros((0, 0), dtype=np.bool_), 0, 0)
        space._origin = space
        return space

    def _keep(self, forbidden: NDArray[np.bool_], first_row: int, first_column: int) -> None:
        self.forbidden = forbidden
        self.rows: tuple[int, int] = (first_row, first_row + forbidden.shape[0])
        self.columns: tuple[int, int] = (first_column, first_column + forbidden.shape[1])
        self.empty = not len(forbidden)
        self._counts = np.zeros((forbidden.shape[0], forbidden.shape[1] + 1), dtype=np.int32)
        np.cumsum(forbidden, axis=1, out=self._counts[:, 1:])
        self._last_rows: list[int] | None = None
        # One that was made by transposing another keeps that one, not the other way round: nothing goes in a circle.
        self._origin: ConflictSpace | None = None
        self._turned: ReferenceType[ConflictSpace] | None = None

    def passed(self, progress_a: float, progress_b: float) -> bool:
        """At least one of the two is through with all that the routes share."""
        return self.empty or cell(progress_a) >= self.rows[1] or cell(progress_b) >= self.columns[1]

    def blocked(self, from_a: float, to_a: float, from_b: float, to_b: float) -> bool:
        """Whether the box [from_a, to_a] x [from_b, to_b] (m) holds a forbidden point."""
        return self.cells_meet(cell(from_a), cell(to_a), cell(from_b), cell(to_b))

    def cells_meet(self, first_a: int, last_a: int, first_b: int, last_b: int) -> bool:
        """Whether a box holds a forbidden point, by the cells of either path that it begins and ends with."""
        (top, bottom), (left, right) = self.rows, self.columns
        begin, end = max(first_b, left), min(last_b + 1, right)
        if begin >= end or first_a >= bottom or last_a < top:
            return False
        if last_a < bottom - 1:
            part = self._counts[max(first_a - top, 0) : last_a + 1 - top]
            return bool((part[:, end - left] > part[:, begin - left]).any())
        # To the end of a's path: what is asked most often, and one look-up a cell of b.
        if self._last_rows is None:
            self._last_rows = _last_marks(self.forbidden, top)
        return max(self._last_rows[begin - left : end - left]) >= first_a

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
        first = max(cell(from_a), self.rows[0]) - self.rows[0]
        end = min(cell(to_a) + 1, self.rows[1]) - self.rows[0]
        if low >= high or first >= end:
            return _NOTHING
        part = self._counts[first:end]
        rows: NDArray[np.bool_] = part[:, high] > part[:, low]
        return rows

    def transposed(self) -> ConflictSpace:
        """The same forbidden set seen from the other path; twice transposed it is this one again."""
        if self._origin is not None:
            return self._origin
        other = self._turned() if self._turned is not None else None
        if other is None:
            other = object.__new__(ConflictSpace)
            other._keep(self.forbidden.T, self.columns[0], self.rows[0])
            other._origin, self._turned = self, ref(other)
        return other


_NOTHING: NDArray[np.bool_] = np.zeros(0, dtype=np.bool_)
NEVER = ConflictSpace.nowhere()  # the space of two that never meet
_shared: WeakValueDictionary[tuple[bytes, bytes, float, float], ConflictSpace] = WeakValueDictionary()


def shared_space(a: Polyline, b: Polyline, distance: float, clearance: float = CLEARANCE) -> ConflictSpace:
    """The conflict space of two paths, worked out once in a process for as long as somebody keeps it.

    In a fleet that shares a process, a robot's new route concerns the coordinator and every robot. See ConflictSpace.
    """
    if _far_apart(a, b, distance + clearance + CELL):
        return NEVER
    key = (a.points.tobytes(), b.points.tobytes(), distance, clearance)
    if key[0] > key[1]:
        return shared_space(b, a, distance, clearance).transposed()
    space = _shared.get(key)
    if space is None:
        space = _shared[key] = ConflictSpace(a, b, distance, clearance)
    return space


def _far_apart(a: Polyline, b: Polyline, limit: float) -> bool:
    """Whether the bounding boxes of two paths alone keep them apart (m): in a large fleet, those of most pairs do."""
    (left_a, low_a, right_a, high_a), (left_b, low_b, right_b, high_b) = a.box, b.box
    x = max(left_a - right_b, left_b - right_a, 0.0)
    y = max(low_a - high_b, low_b - high_a, 0.0)
    return x * x + y * y >= limit * limit


def cell(progress: float) -> int:
    """The cell that holds a progress (m)."""
    return max(int(progress / CELL + 0.5), 0)


def _cells(path: Polyline) -> FloatArray:
    """Centres of the path's cells: (n, 2) m."""
    return path.sample(np.arange(cell(path.length) + 1, dtype=np.float64) * CELL)


def _closer(a: FloatArray, b: FloatArray, limit: float) -> NDArray[np.bool_]:
    """Which cells of one path are closer than limit (m) to which of the other: (n, 2) and (m, 2) m -> (n, m).

    Most of two long paths is far apart: only blocks whose bounding boxes come close enough are looked at in detail.
    """
    blocks_a, blocks_b = _blocks(a), _blocks(b)
    apart = np.maximum(
        blocks_a.min(axis=1)[:, None] - blocks_b.max(axis=1), blocks_b.min(axis=1) - blocks_a.max(axis=1)[:, None]
    )
    np.maximum(apart, 0.0, out=apart)
    first, second = (apart[..., 0] ** 2 + apart[..., 1] ** 2 < limit * limit).nonzero()
    closer = np.zeros((len(blocks_a), len(blocks_b), BLOCK, BLOCK), dtype=np.bool_)
    for begin in range(0, len(first), BLOCKS_AT_ONCE):
        i, j = first[begin : begin + BLOCKS_AT_ONCE], second[begin : begin + BLOCKS_AT_ONCE]
        dx = blocks_a[i, :, None, 0] - blocks_b[j, None, :, 0]
        dy = blocks_a[i, :, None, 1] - blocks_b[j, None, :, 1]
        closer[i, j] = dx * dx + dy * dy < limit * limit
    whole: NDArray[np.bool_] = closer.swapaxes(1, 2).reshape(len(blocks_a) * BLOCK, len(blocks_b) * BLOCK)
    return whole[: len(a), : len(b)]


def _blocks(cells: FloatArray) -> FloatArray:
    """(n, 2) -> (blocks, BLOCK, 2); the last cell is repeated to fill the last block."""
    filled = np.pad(cells, ((0, -len(cells) % BLOCK), (0, 0)), mode="edge")
    return filled.reshape(-1, BLOCK, 2)


def _last_marks(marks: NDArray[np.bool_], first_row: int) -> list[int]:
    """The last marked row of each column, counted from `first_row`; -1 where none is."""
    rows = first_row + len(marks) - 1 - marks[::-1].argmax(axis=0)
    last: list[int] = np.where(marks.any(axis=0), rows, -1).tolist()
    return last


def _span(marks: NDArray[np.bool_]) -> tuple[int, int]:
    """First marked index and the one after the last; (0, 0) if none is marked."""
    marked = np.flatnonzero(marks)
    return (int(marked[0]), int(marked[-1]) + 1) if len(marked) else (0, 0)
