"""A* on a small graph, led by distances from landmarks that are found once.

A. V. Goldberg, C. Harrelson, "Computing the Shortest Path: A* Search Meets Graph Theory" (SODA 2005).
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy

import numpy as np

from ewm_ros.geometry import FloatArray

LANDMARKS = 8
GREED = 1.05  # times that a way may cost more than the cheapest: of many about as cheap, the first found is taken

Neighbours = list[list[tuple[int, float]]]


class LandmarkSearch:
    """Finds ways through an undirected graph.

    Args:
        neighbours: of each node, with the cost of the edge to each.

    Attributes:
        region: (N,) number of the connected region that each node is in.
    """

    def __init__(self, neighbours: Neighbours) -> None:
        self._neighbours = neighbours
        self.region = _regions(neighbours)
        self._far = self._from_landmarks()

    def _from_landmarks(self) -> FloatArray:
        """(LANDMARKS, N) cost from nodes far from each other in the largest region; 0 where there is no way."""
        count = len(self._neighbours)
        if not count:
            return np.zeros((LANDMARKS, 0))
        landmark = self.region.index(int(np.bincount(self.region).argmax()))
        far = np.zeros((LANDMARKS, count))
        nearest = np.full(count, math.inf)
        for row in far:
            costs = costs_from({landmark: 0.0}, count, self._neighbours.__getitem__)
            row[:] = np.where(np.isfinite(costs), costs, 0.0)
            nearest = np.minimum(nearest, costs)
            landmark = int(np.where(np.isfinite(nearest), nearest, -1.0).argmax())
        return far

    def changed(self, neighbours: Neighbours, like: Sequence[int]) -> LandmarkSearch:
        """The same for a graph that differs a little: some edges less, some nodes more.

        Its regions and bounds are those of the graph before: a search may find no way, or one that costs a little more
        than the cheapest.

        Args:
            neighbours: of all nodes, the new ones last.
            like: the former node that each new one is beside.
        """
        other = copy(self)
        other._neighbours = neighbours
        other.region = self.region + [self.region[node] for node in like]
        other._far = np.concatenate([self._far, self._far[:, list(like)]], axis=1)
        return other

    def find(self, first: Mapping[int, float], last: Mapping[int, float], factors: Sequence[float]) -> list[int]:
        """Nodes of a cheap way in by one of the first nodes and out by one of the last; none if there is no way.

        Args:
            first: cost of entering at these nodes.
            last: cost of leaving at these nodes.
            factors: (N,) at least 1, by which entering each node is dearer than told.
        """
        to_go = self._to_go(last)
        out = len(to_go)
        best, parent, closed = [math.inf] * (out + 1), [-1] * (out + 1), bytearray(out + 1)
        heap = []
        for node, cost in first.items():
            best[node] = cost * factors[node]
            heap.append((best[node] + to_go[node], node))
        heapq.heapify(heap)
        pop, push, neighbours = heapq.heappop, heapq.heappush, self._neighbours
        while heap and (node := pop(heap)[1]) != out:
            if closed[node]:
                continue
            closed[node] = 1
            here = best[node]
            for other, cost in neighbours[node]:
                there = here + cost * factors[other]
                if there < best[other]:
                    best[other], parent[other] = there, node
                    push(heap, (there + to_go[other], other))
            if node in last and here + last[node] * factors[node] < best[out]:
                best[out], parent[out] = here + last[node] * factors[node], node
                push(heap, (best[out], out))
        if parent[out] < 0:
            return []
        way = [parent[out]]
        while parent[way[-1]] >= 0:
            way.append(parent[way[-1]])
        return way[::-1]

    def _to_go(self, last: Mapping[int, float]) -> list[float]:
        """(N,) a lower bound of the cost of leaving from each node, by the triangle inequality, times GREED."""
        ends, leaving = self._far[:, list(last)], np.array(list(last.values()))
        low, high = (ends + leaving).min(axis=1, keepdims=True), (ends - leaving).max(axis=1, keepdims=True)
        bound = np.maximum(low - self._far, self._far - high).max(axis=0)
        to_go: list[float] = (GREED * np.maximum(bound, 0.0)).tolist()
        return to_go


def costs_from(
    first: Mapping[int, float], count: int, edges: Callable[[int], Iterable[tuple[int, float]]], most: float = math.inf
) -> FloatArray:
    """(count,) Dijkstra's: cost of the cheapest way to each node, inf where there is none that costs at most `most`.

    Args:
        first: cost of entering at these nodes.
        edges: the neighbours of a node, with the cost of the edge to each.
    """
    best = [math.inf] * count
    heap = []
    for node, cost in first.items():
        if cost <= most:
            best[node] = cost
            heap.append((cost, node))
    heapq.heapify(heap)
    while heap:
        here, node = heapq.heappop(heap)
        if here > best[node]:
            continue
        for other, cost in edges(node):
            there = here + cost
            if there < best[other] and there <= most:
                best[other] = there
                heapq.heappush(heap, (there, other))
    return np.array(best)


def _regions(neighbours: Neighbours) -> list[int]:
    region = [-1] * len(neighbours)
    regions = 0
    for source in range(len(neighbours)):
        if region[source] >= 0:
            continue
        region[source] = regions
        reached = [source]
        while reached:
            for other, _ in neighbours[reached.pop()]:
                if region[other] < 0:
                    region[other] = regions
                    reached.append(other)
        regions += 1
    return region
