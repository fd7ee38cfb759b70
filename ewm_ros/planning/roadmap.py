"""Places all over a map and the ways between them: few enough to be searched in a fraction of a millisecond.

A node for each connected part of the free cells of a block, an edge where parts touch: A. Botea, M. Mueller,
J. Schaeffer, "Near Optimal Hierarchical Path-Finding", Journal of Game Development 1 (2004). Since the parts touch as
the cells do, there is a way through the roadmap wherever there is one through the cells.
"""

from __future__ import annotations

import heapq
import math
from collections import defaultdict
from collections.abc import Collection, Sequence
from copy import copy
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ewm_ros.geometry import FloatArray
from ewm_ros.planning.blocks import BLOCK, Blocks, Indices
from ewm_ros.planning.clearance_map import ClearanceMap, Point
from ewm_ros.planning.crowded_map import CrowdedMap
from ewm_ros.planning.landmark_search import LandmarkSearch, Neighbours, costs_from

BENT = 2.0  # cost of a metre, as the crow flies, between parts that touch but are out of sight of each other
LONGEST_EDGE = math.hypot(2, 3) * BLOCK  # cells, of a knight's move from corner to corner


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
        self._bent: set[tuple[int, int]] = set()
        self._neighbours = self._joined()
        self._search = LandmarkSearch(self._neighbours)

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

    def around(self, crowded: CrowdedMap) -> Roadmap:
        """The ways that are left on the same map with discs standing on it: only what is near them is made anew."""
        other = copy(self)
        other._free, other._blocks = crowded, self._blocks.cut_anew(crowded.cost, crowded.taken)
        first = len(self._cells)
        added = other._blocks.place[first:]
        other._cells = self._cells + added.tolist()
        places = crowded.centres(added)
        other.nodes = np.concatenate([self.nodes, places])
        other._points = self._points + [(x, y) for x, y in places.tolist()]
        other._bent, other._neighbours = set(), self._neighbours + [[] for _ in other._cells[first:]]
        other._cut(crowded, self._blocks.gone(other._blocks))
        other._join(other._blocks.touching_from(first))
        other._search = self._search.changed(other._neighbours, self._blocks.part[added].tolist())
        return other

    def _cut(self, crowded: CrowdedMap, gone: Collection[int]) -> None:
        """Take away the edges of nodes that are gone, and those that lead through a disc."""
        away = self.nodes[:, None] - crowded.discs[:, :2]
        reach = crowded.discs[:, 2] + LONGEST_EDGE * crowded.resolution / 2.0
        near = np.flatnonzero((np.hypot(away[..., 0], away[..., 1]) < reach).any(axis=1)).tolist()
        # An edge that is no straight line leads over cells of its ends' parts, and is free as long as those exist.
        straight = [
            (a, b)
            for a in near
            if a not in gone
            for b, _ in self._neighbours[a]
            if b not in gone and (a, b) not in self._detours
        ]
        pairs = np.array(straight, dtype=np.intp).reshape(-1, 2)
        through = np.flatnonzero(crowded.through_disc(self.nodes[pairs[:, 0]], self.nodes[pairs[:, 1]]))
        crossing = {(min(a, b), max(a, b)) for a, b in pairs[through].tolist()}
        lost: defaultdict[int, set[int]] = defaultdict(set)
        for a, b in crossing:
            lost[a].add(b)
            lost[b].add(a)
        for a in gone:
            for b, _ in self._neighbours[a]:
                lost[b].add(a)
        for a, others in lost.items():
            self._neighbours[a] = [edge for edge in self._neighbours[a] if edge[0] not in others]
        for a in gone:
            self._neighbours[a] = []
        for a, b in crossing:
            if self._blocks.side_by_side(a, b):
                self._bend(a, b)

    def _join(self, touching: Indices) -> None:
        """Add edges between parts that touch; the way along one that is no straight line is found when it is asked."""
        for (a, b), cost in zip(touching.tolist(), self._line_costs(touching).tolist(), strict=True):
            if cost < math.inf:
                self._neighbours[a] = [*self._neighbours[a], (b, cost)]
                self._neighbours[b] = [*self._neighbours[b], (a, cost)]
            else:
                self._bend(a, b)

    def _bend(self, a: int, b: int) -> None:
        cost = BENT * math.dist(self._points[a], self._points[b])
        self._neighbours[a] = [*self._neighbours[a], (b, cost)]
        self._neighbours[b] = [*self._neighbours[b], (a, cost)]
        self._bent |= {(a, b), (b, a)}

    def _line_costs(self, pairs: Indices) -> FloatArray:
        return self._free.line_costs(self.nodes[pairs[:, 0]], self.nodes[pairs[:, 1]])

    def connected(self, start: Point, goal: Point) -> bool:
        """Whether there is a way between two free points."""
        a, b = (int(self._blocks.part[self._free.index(point)]) for point in (start, goal))
        return self._search.region[a] == self._search.region[b]

    def find(self, start: Point, goal: Point, factors: Sequence[float] | None = None) -> list[Point]:
        """Points of a cheap way between two free points, straight from each to the next; none if there is no way.

        Args:
            factors: (N,) by which ways to each node are dearer than they are; 1 if not given.
        """
        first, last = self._ends((start, goal))
        entering, leaving = ({node: walk.cost for node, walk in end.items()} for end in (first, last))
        nodes = self._search.find(entering, leaving, factors or [1.0] * len(self._cells))
        if not nodes:
            return []
        way = [start, *first[nodes[0]].points, self._points[nodes[0]]]
        for a, b in pairwise(nodes):
            if (a, b) in self._bent:
                way += self._walk((a, b), self._cells[a], self._cells[b]).points
            else:
                way += self._detours.get((a, b), ())
            way.append(self._points[b])
        return [*way, *last[nodes[-1]].points[::-1], goal]

    def part_of(self, cells: Indices) -> Indices:
        """The node that stands for each cell, by flat indices; -1 for cells that are not free."""
        return self._blocks.part[cells]

    def lengths_from(self, start: Point, most: float) -> FloatArray:
        """(N,) m driven from a free point to each node, about; inf where that is more than `most`."""
        points, neighbours = self._points, self._neighbours

        def edges(node: int) -> list[tuple[int, float]]:
            return [(other, math.dist(points[node], points[other])) for other, _ in neighbours[node]]

        (ways,) = self._ends((start,))
        return costs_from({node: math.dist(start, points[node]) for node in ways}, len(points), edges, most)

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
