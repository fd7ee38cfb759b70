"""A grid's free cells cut into blocks, and into connected parts within each block."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from ewm_ros.geometry import FloatArray

BLOCK = 10  # cells along a block's side
OFF_CENTRE = 0.02  # of a metre's cost, that a part's place gives for being a cell nearer to its block's centre
SIDE_BY_SIDE = ((0, 1), (1, 0), (1, 1), (1, -1))  # rows and columns to half of the neighbours
KNIGHTS_MOVES = ((1, 2), (2, 1), (-1, 2), (-2, 1))
NEAR = range(-2, 3)  # blocks away

Indices = NDArray[np.intp]


class Blocks:
    """Parts of free cells: 8-connected, and within one block each.

    Args:
        cost: (rows, columns) of a metre driven in each cell, inf if blocked.

    Attributes:
        part: (rows * columns,) number of each cell's part, -1 where blocked.
        place: (parts,) flat index of the cell that stands for a part: cheap, and near its block's centre.
    """

    def __init__(self, cost: FloatArray) -> None:
        rows, self._columns = cost.shape
        self._down, self._across = -(-rows // BLOCK), -(-self._columns // BLOCK)
        self._table = label_parts(np.isfinite(cost), BLOCK)
        self.part: Indices = self._table.ravel()
        self.place = self._places(cost.ravel())
        self._block: list[int] = self._block_of(self.place).tolist()
        self._in_block: list[list[int]] = [[] for _ in range(self._down * self._across)]
        for part, block in enumerate(self._block):
            self._in_block[block].append(part)

    def _block_of(self, cells: Indices) -> Indices:
        blocks: Indices = cells // self._columns // BLOCK * self._across + cells % self._columns // BLOCK
        return blocks

    def _places(self, cost: FloatArray) -> Indices:
        cells = np.flatnonzero(self.part >= 0)
        row, column = np.divmod(cells, self._columns)
        middle = (BLOCK - 1) / 2.0
        score = cost[cells] + OFF_CENTRE * np.hypot(row % BLOCK - middle, column % BLOCK - middle)
        owner = self.part[cells]
        order = np.lexsort((score, owner))
        places: Indices = cells[order[np.diff(owner[order], prepend=-1) > 0]]
        return places

    def touching(self) -> Indices:
        """(P, 2) pairs of parts that have cells side by side or corner to corner, each once."""
        count = len(self.place)
        pairs = [_shifted(self._table, down, right) for down, right in SIDE_BY_SIDE]
        a, b = (np.concatenate(side) for side in zip(*pairs, strict=True))
        codes = np.unique((np.minimum(a, b) * count + np.maximum(a, b))[a != b])
        return np.stack(np.divmod(codes, max(count, 1)), axis=1)

    def a_knights_move_apart(self) -> Indices:
        """(P, 2) pairs of parts in blocks a knight's move from each other, at most one of each block."""
        first = np.array([parts[0] if parts else -1 for parts in self._in_block]).reshape(self._down, self._across)
        pairs = [_shifted(first, down, right) for down, right in KNIGHTS_MOVES]
        return np.concatenate([np.stack(pair, axis=1) for pair in pairs])

    def near(self, cell: int) -> list[int]:
        """Parts in a cell's block and in the 24 blocks around it."""
        row, column = cell // self._columns // BLOCK, cell % self._columns // BLOCK
        found: list[int] = []
        for r, c in product((row + k for k in NEAR), (column + k for k in NEAR)):
            if 0 <= r < self._down and 0 <= c < self._across:
                found += self._in_block[r * self._across + c]
        return found

    def cells(self, part: int) -> Indices:
        """Flat indices of a part's cells."""
        row, column = divmod(self._block[part], self._across)
        top, left = row * BLOCK, column * BLOCK
        rows, columns = np.nonzero(self._table[top : top + BLOCK, left : left + BLOCK] == part)
        cells: Indices = (rows + top) * self._columns + columns + left
        return cells


def label_parts(free: NDArray[np.bool_], size: int) -> Indices:
    """Number the 8-connected parts of free cells within each block of size x size cells, from 0; -1 where not free.

    Args:
        free: (rows, columns).

    Returns:
        (rows, columns).
    """
    rows, columns = free.shape
    down, across = -(-rows // size), -(-columns // size)
    padded = np.zeros((down * size, across * size), dtype=np.bool_)
    padded[:rows, :columns] = free
    blocks = padded.reshape(down, size, across, size).swapaxes(1, 2).reshape(-1, size, size)
    none = blocks.size
    label = np.where(blocks, np.arange(none).reshape(blocks.shape), none)
    whole = blocks.all(axis=(1, 2))
    label[whole] = label[whole, :1, :1]
    mixed = np.flatnonzero(blocks.any(axis=(1, 2)) & ~whole)
    label[mixed] = _spread_lowest(label[mixed], none)
    roots = np.zeros(none + 1, dtype=np.bool_)
    roots[label] = True
    roots[none] = False
    number = np.where(roots, np.cumsum(roots) - 1, -1)
    numbered = number[label].reshape(down, across, size, size).swapaxes(1, 2).reshape(padded.shape)
    return np.ascontiguousarray(numbered[:rows, :columns])


def _spread_lowest(label: Indices, none: int) -> Indices:
    """The lowest label of all that is connected, in each of (B, rows, columns); `none` is not free."""
    taken = label == none
    while True:
        spread = label.copy()
        np.minimum(spread[:, 1:], label[:, :-1], out=spread[:, 1:])
        np.minimum(spread[:, :-1], label[:, 1:], out=spread[:, :-1])
        along = spread.copy()
        np.minimum(spread[:, :, 1:], along[:, :, :-1], out=spread[:, :, 1:])
        np.minimum(spread[:, :, :-1], along[:, :, 1:], out=spread[:, :, :-1])
        spread[taken] = none
        if np.array_equal(spread, label):
            return label
        label = spread


def _shifted(table: Indices, down: int, right: int) -> tuple[Indices, Indices]:
    """Entries of a table and the ones this many rows and columns on, where neither is negative: (P,) each."""
    rows, columns = table.shape
    a = table[max(-down, 0) : rows - max(down, 0), max(-right, 0) : columns - max(right, 0)]
    b = table[max(down, 0) : rows - max(-down, 0), max(right, 0) : columns - max(-right, 0)]
    both = (a >= 0) & (b >= 0)
    return a[both], b[both]
