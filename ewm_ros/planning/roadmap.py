"""Places all over a map and the ways between them: few enough to be searched in a fraction of a millisecond.

A node for each connected part of the free cells of a block, an edge where parts touch: A. Botea, M. Mueller,
J. Schaeffer, "Near Optimal Hierarchical Path-Finding", Journal of Game Development 1 (2004). Since the parts touch as
the cells do, there is a way through the roadmap wherever there is one through the cells.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ewm_ros.geometry import FloatArray
from ewm_ros.planning.blocks import Blocks, Indices
from ewm_ros.planning.clearance_map import ClearanceMap, Point
from ewm_ros.planning.landmark_search import LandmarkSearch, Neighbours


@dataclass(frozen=True, slots=True)
class _Walk:
    """A way from cell to cell: its cost in m, and the points between its ends."""

    cost: float
    points: list[Point]


class Roadmap:
    """The ways through a clearance map.

    Attributes:
        nodes: (N, 2) m.
    """

    def __init__(self, free: ClearanceMap) -> None:
        self._free = free
        self._blocks = Blocks(free.cost)
        self._cells: list[int] = self._blocks.place.tolist()
        self._points = [free.centre(cell) for cell in self._cells]
        self.nodes: FloatArray = np.array(self._points).reshape(-1, 2)
        self._detours: dict[tuple[int, int], list[Point]] = {}
        self._search = LandmarkSearch(self._joined())

    def _joined(self) -> Neighbours:
        """Each node's neighbours: those that touch, and for straighter ways those in sight a knight's move away."""
        neighbours: Neighbours = [[] for _ in self._cells]
        touching, farther = self._blocks.touching(), self._blocks.a_knights_move_apart()
        costs = self._line_costs(touching)
        for k in np.flatnonzero(np.isinf(costs)).tolist():
            a, b = touching[k].tolist()
            walk = self._walk((a, b), self._cells[a], self._cells[b])
            self._detours[a, b], self._detours[b, a] = walk.points, walk.points[::-1]
            costs[k] = walk.cost
        costs = np.concatenate([costs, self._line_costs(farther)])
        for (a, b), cost in zip(np.concatenate([touching, farther]).tolist(), costs.tolist(), strict=True):
            if cost < math.inf:
                neighbours[a].append((b, cost))
                neighbours[b].append((a, cost))
        return neighbours

    def _line_costs(self, pairs: Indices) -> FloatArray:
        return self._free.line_costs(self.nodes[pairs[:, 0]], self.nodes[pairs[:, 1]])

    def connected(self, start: Point, goal: Point) -> bool:
        """Whether there is a way between two free points."""
        a, b = (int(self._blocks.part[self._free.index(point)]) for point in (start, goal))
        return self._search.region[a] == self._search.region[b]

    def find(self, start: Point, goal: Point, factors: Sequence[float] | None = None) -> list[Point]:
        """Points of a cheap way between two connected free points, straight from each to the next.

        Args:
            factors: (N,) by which ways to each node are dearer than they are; 1 if not given.
        """
        first, last = self._ends((start, goal))
        entering, leaving = ({node: walk.cost for node, walk in end.items()} for end in (first, last))
        nodes = self._search.find(entering, leaving, factors or [1.0] * len(self._cells))
        way = [start, *first[nodes[0]].points, self._points[nodes[0]]]
        for a, b in pairwise(nodes):
            way += self._detours.get((a, b), ())
            way.append(self._points[b])
        return [*way, *last[nodes[-1]].points[::-1], goal]

    def _ends(self, points: Sequence[Point]) -> list[dict[int, _Walk]]:
        """For each free point its ways to nodes: straight to those in sight, and somehow to that of its own part."""
        cells = [self._free.index(point) for point in points]
        near = [self._blocks.near(cell) for cell in cells]
        a = np.repeat(np.array(points), [len(nodes) for nodes in near], axis=0)
        costs = iter(self._free.line_costs(a, self.nodes[[node for nodes in near for node in nodes]]).tolist())
        ends = []
        for cell, nodes in zip(cells, near, strict=True):
            ways = {node: _Walk(cost, []) for node in nodes if (cost := next(costs)) < math.inf}
            own = int(self._blocks.part[cell])
            if own not in ways:
                ways[own] = self._walk((own,), cell, self._cells[own])
            ends.append(ways)
        return ends

    def _walk(self, parts: Sequence[int], start: int, goal: int) -> _Walk:
        """The cheapest way from cell to cell through connected parts, found by Dijkstra's algorithm."""
        cells = np.concatenate([self._blocks.cells(part) for part in parts])
        cost = dict(zip(cells.tolist(), self._free.cost.ravel()[cells].tolist(), strict=True))
        moves = _moves(self._free.cost.shape[1])
        best, parent = {start: 0.0}, {start: start}
        heap = [(0.0, start)]
        while (cell := (entry := heapq.heappop(heap))[1]) != goal:
            if entry[0] > best[cell]:
                continue
            for offset, length in moves:
                other = cell + offset
                there = entry[0] + length * cost.get(other, math.inf)
                if there < best.get(other, math.inf):
                    best[other], parent[other] = there, cell
                    heapq.heappush(heap, (there, other))
        way = [goal]
        while way[-1] != start:
            way.append(parent[way[-1]])
        turns = [b for c, b, a in zip(way, way[1:], way[2:], strict=False) if b - a != c - b]
        return _Walk(best[goal] * self._free.resolution, [self._free.centre(cell) for cell in reversed(turns)])


def _moves(width: int) -> list[tuple[int, float]]:
    """The steps to the 8 neighbours of a cell: in flat indices of a grid this wide, and in cells."""
    steps = [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1) if down or right]
    return [(down * width + right, math.hypot(down, right)) for down, right in steps]
