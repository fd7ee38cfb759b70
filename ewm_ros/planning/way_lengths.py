"""How far it is to drive between one place and many others, found once for all of them."""

from __future__ import annotations

import math

import numpy as np

from ewm_ros.geometry import FloatArray
from ewm_ros.planning.clearance_map import ClearanceMap, Point
from ewm_ros.planning.roadmap import Roadmap


class WayLengths:
    """The lengths of the ways between one free place and others.

    Args:
        place: m, not in a wall or close to one.
    """

    def __init__(self, free: ClearanceMap, roadmap: Roadmap, place: Point) -> None:
        self._free, self._roadmap = free, roadmap
        self._place = np.array(place)
        self._by_node = roadmap.lengths_from(place, math.inf)

    def to(self, points: FloatArray) -> FloatArray:
        """(N,) m driven to points on the map, (N, 2) m: straight where nothing is between, else to about 0.5 m.

        inf where there is no way, and for points that are too close to a wall.
        """
        nodes = self._nodes(points)
        return np.where(nodes < 0, math.inf, self._lengths(nodes, points))

    def back_from(self, points: FloatArray) -> FloatArray:
        """(N,) m driven from points, (N, 2) m, to the place; they may be where a robot stands too close to a wall."""
        nodes = self._nodes(points)
        for k in np.flatnonzero(nodes < 0).tolist():
            nodes[k] = np.hypot(*(self._roadmap.nodes - points[k]).T).argmin()
        return self._lengths(nodes, points)

    def _nodes(self, points: FloatArray) -> np.ndarray:
        """(N,) the roadmap's nodes that stand for points; -1 for those that are not free."""
        return self._roadmap.part_of(np.array([self._free.index((x, y)) for x, y in points.tolist()], dtype=np.intp))

    def _lengths(self, nodes: np.ndarray, points: FloatArray) -> FloatArray:
        if not len(points):
            return np.empty(0)
        straight: FloatArray = np.hypot(*(points - self._place).T)
        in_sight = np.isfinite(self._free.line_costs(np.repeat(self._place[None], len(points), axis=0), points))
        lengths: FloatArray = np.where(in_sight, straight, np.maximum(self._by_node[nodes], straight))
        return lengths
