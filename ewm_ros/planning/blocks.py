"""A grid's free cells cut into blocks, and into connected parts within each block."""

from __future__ import annotations

from copy import copy
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
        self.place = self._places(cost.ravel(), np.flatnonzero(self.part >= 0))
        self._block: list[int] = self._block_of(self.place).tolist()
        self._in_block: list[list[int]] = [[] for _ in range(self._down * self._across)]
        for part, block in enumerate(self._block):
            self._in_block[block].append(part)

    def _block_of(self, cells: Indices) -> Indices:
        blocks: Indices = cells // self._columns // BLOCK * self._across + cells % self._columns // BLOCK
        return blocks

    def _places(self, cost: FloatArray, cells: Indices) -> Indices:
        """The place of each part that has one of these free cells, by the parts' numbers."""
        row, column = np.divmod(cells, self._columns)
        middle = (BLOCK - 1) / 2.0
        score = cost[cells] + OFF_CENTRE * np.hypot(row % BLOCK - middle, column % BLOCK - middle)
        owner = self.part[cells]
        order = np.lexsort((score, owner))
        places: Indices = cells[order[np.diff(owner[order], prepend=-1) > 0]]
        return places

    def cut_anew(self, cost: FloatArray, taken: Indices) -> Blocks:
        """The same blocks with some cells taken away.

        Parts of the blocks that hold such a cell are gone and others take their place, numbered on from the last one;
        all others keep their numbers.

        Args:
            cost: (rows, columns), inf in the cells taken too.
            taken: flat indices of cells that were free.
        """
        cut, first = copy(self), len(self.place)
        blocks = np.flatnonzero(np.bincount(self._block_of(taken)))
        inside = np.arange(BLOCK)
        # What sticks out of the map is read from its border, which is not free.
        rows = np.minimum((blocks // self._across * BLOCK)[:, None] + inside, cost.shape[0] - 1)[:, :, None]
        columns = np.minimum((blocks % self._across * BLOCK)[:, None] + inside, self._columns - 1)[:, None, :]
        label = _numbered(np.isfinite(cost[rows, columns]))
        cut._table = self._table.copy()
        cut._table[rows, columns] = np.where(label >= 0, label + first, -1)
        cut.part = cut._table.ravel()
        places = cut._places(cost.ravel(), (rows * self._columns + columns)[label >= 0])
        cut.place = np.concatenate([self.place, places])
        cut._block, cut._in_block = self._block + self._block_of(places).tolist(), list(self._in_block)
        for block in blocks.tolist():
            cut._in_block[block] = []
        for part in range(first, len(cut.place)):
            cut._in_block[cut._block[part]].append(part)
        return cut

    def gone(self, cut: Blocks) -> set[int]:
        """Parts that are no longer there once some cells were taken away."""
        pairs = zip(self._in_block, cut._in_block, strict=True)
        return {part for before, after in pairs if before is not after for part in before}

    def touching(self) -> Indices:
        """(P, 2) pairs of parts that have cells side by side or corner to corner, each once."""
        return self._each_once([_shifted(self._table, down, right) for down, right in SIDE_BY_SIDE])

    def touching_from(self, first: int) -> Indices:
        """Those of the touching pairs in which a part has this number or a higher one."""
        cells = np.flatnonzero(self.part >= first)
        owner = self.part[cells]
        pairs = []
        for down, right in SIDE_BY_SIDE:
            for offset in (down * self._columns + right, -down * self._columns - right):
                other = self.part[cells + offset]
                pairs.append((owner[other >= 0], other[other >= 0]))
        return self._each_once(pairs)

    def _each_once(self, pairs: list[tuple[Indices, Indices]]) -> Indices:
        count = len(self.place)
        a, b = (np.concatenate(side) for side in zip(*pairs, strict=True))
        codes = np.unique((np.minimum(a, b) * count + np.maximum(a, b))[a != b])
        return np.stack(np.divmod(codes, max(count, 1)), axis=1)

    def side_by_side(self, a: int, b: int) -> bool:
        """Whether two parts are in the same block or in adjacent ones."""
        block, other = self._block[a], self._block[b]
        down: int = block // self._across - other // self._across
        right: int = block - other - down * self._across
        return abs(down) <= 1 and abs(right) <= 1

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
    numbered = _numbered(blocks).reshape(down, across, size, size).swapaxes(1, 2).reshape(padded.shape)
    return np.ascontiguousarray(numbered[:rows, :columns])


def _numbered(blocks: NDArray[np.bool_]) -> Indices:
    """Numbers of the connected parts of free cells in (B, size, size) blocks, from 0; -1 where not free."""
    none = blocks.size
    label = np.where(blocks, np.arange(none).reshape(blocks.shape), none)
    whole = blocks.all(axis=(1, 2))
    label[whole] = label[whole, :1, :1]
    mixed = np.flatnonzero(blocks.any(axis=(1, 2)) & ~whole)
    label[mixed] = _spread_lowest(label[mixed], none)
    roots = np.zeros(none + 1, dtype=np.bool_)
    roots[label] = True
    roots[none] = False
    number: Indices = np.where(roots, np.cumsum(roots) - 1, -1)
    return number[label]


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
