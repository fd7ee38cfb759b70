"""Which of many boxes overlap, without looking at all pairs: a hierarchical grid.

Each box is filed by its low corner in a grid whose cells are at least as large as the box, so that two boxes of one
grid can only overlap if their cells are neighbours. Boxes of other sizes lie in grids of 4, 16, ... times smaller
cells, and look for partners in their own grid and in the coarser ones; one huge box does not make the cells of all
others huge (hierarchical spatial hashing: Ericson, "Real-Time Collision Detection", 2005, section 7.2).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ewm_ros.geometry import FloatArray

Indices = NDArray[np.intp]

LEVELS = 12  # grids at most; the smallest boxes share the last one
LEAST_SIZE = 1e-3  # m; smaller boxes, and points, count as this large when a grid is chosen
ROUNDING = 1e-9  # share by which cells are larger than their boxes: a rounded quotient must not part neighbours


@dataclass(frozen=True, slots=True, eq=False)
class NearPairs:
    """Pairs of boxes that overlap or touch, in the order of `first`, then of `second`.

    Attributes:
        first, second: (P,) indices of the two boxes, first < second.
        examined: pairs of boxes that were compared to find them.
    """

    first: Indices
    second: Indices
    examined: int


def near_pairs(low: FloatArray, high: FloatArray) -> NearPairs:
    """All pairs of boxes that overlap or touch.

    Args:
        low, high: (2, N) m, corners of the boxes; finite, low <= high.
    """
    count = low.shape[1]
    if count < 2:
        nothing = np.zeros(0, dtype=np.intp)
        return NearPairs(nothing, nothing, 0)
    sizes = np.maximum((high - low).max(axis=0), LEAST_SIZE)
    largest = sizes.max()
    levels = np.minimum(np.log2(largest / sizes).astype(np.intp) // 2, LEVELS - 1)
    found = []
    for level in np.flatnonzero(np.bincount(levels)).tolist():
        found.append(_neighbours(low, largest * 0.25**level * (1.0 + ROUNDING), levels, level))
    a, b = (np.concatenate(side) for side in zip(*found, strict=True))
    overlap = (low[0][a] <= high[0][b]) & (low[0][b] <= high[0][a])
    overlap &= (low[1][a] <= high[1][b]) & (low[1][b] <= high[1][a])
    a, b = a[overlap], b[overlap]
    keys = np.sort(np.minimum(a, b) * count + np.maximum(a, b))
    return NearPairs(keys // count, keys % count, len(overlap))


def _neighbours(low: FloatArray, cell: float, levels: Indices, level: int) -> tuple[Indices, Indices]:
    """Pairs of a box of this level or finer, and one of this level in the same cell or one of the eight around it."""
    asking = np.flatnonzero(levels >= level)
    corners = low[:, asking]
    columns, rows = np.floor((corners - corners.min(axis=1, keepdims=True)) / cell).astype(np.int64)
    height = int(rows.max()) + 2  # an empty row parts each column from the next
    keys = columns * height + rows
    filed = np.flatnonzero(levels[asking] == level)
    filed = filed[np.argsort(keys[filed])]
    # Three rows of a column are one stretch of the sorted keys.
    column_keys = keys + height * np.array([[-1], [0], [1]])
    starts = np.searchsorted(keys[filed], column_keys - 1, side="left")
    ends = np.searchsorted(keys[filed], column_keys + 1, side="right")
    # Of two boxes of this level, only the one that is filed first asks for the other.
    ranks = np.full(len(asking), -1)
    ranks[filed] = np.arange(len(filed))
    starts = np.maximum(starts, ranks + 1)
    counts = np.maximum(ends - starts, 0)
    askers = np.repeat(np.tile(asking, 3), counts.ravel())
    skipped = np.cumsum(counts.ravel()) - counts.ravel() - starts.ravel()
    asked = asking[filed[np.arange(len(askers)) - np.repeat(skipped, counts.ravel())]]
    return askers, asked
