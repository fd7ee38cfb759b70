"""The map with robots standing on it: discs that a way has to keep out of, exactly."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ewm_ros.geometry import FloatArray
from ewm_ros.planning.blocks import Indices
from ewm_ros.planning.clearance_map import ClearanceMap, Point

TOUCHING = 1e-9  # m that a way may come nearer to a disc's middle than told, by rounding


class CrowdedMap(ClearanceMap):
    """A clearance map with discs on it, which lines are checked against exactly.

    Args:
        free: the map without them.
        discs: (K, 3) x, y and distance that is to be kept from there (m).

    Attributes:
        cost: as of the clearance map; inf too in each cell whose middle is so near to a disc that the line to the
            middle of a free cell beside it might touch the disc.
        discs: as told.
        taken: flat indices of the cells that are free without the discs.
    """

    def __init__(self, free: ClearanceMap, discs: FloatArray) -> None:
        vars(self).update(vars(free))
        self.discs = discs
        # A line between two points at this distance, as long as a step to a diagonal neighbour, keeps out of the disc.
        near = free.near(discs[:, :2], np.hypot(discs[:, 2], free.resolution * math.sqrt(0.5)))
        self.taken: Indices = np.flatnonzero(near & np.isfinite(free.cost))
        self.cost = np.where(near, math.inf, free.cost)

    def line_costs(self, a: FloatArray, b: FloatArray) -> FloatArray:
        """As on the clearance map, inf too for lines through a disc."""
        costs = super().line_costs(a, b)
        costs[self.through_disc(a, b)] = math.inf
        return costs

    def through_disc(self, a: FloatArray, b: FloatArray) -> NDArray[np.bool_]:
        """(N,) whether the straight lines from a to b, (N, 2) m each, come too near to the middle of some disc."""
        low, high = np.minimum(a, b).min(axis=0, initial=math.inf), np.maximum(a, b).max(axis=0, initial=-math.inf)
        middle, reach = self.discs[:, :2], self.discs[:, 2:]
        discs = self.discs[((middle + reach > low) & (middle - reach < high)).all(axis=1)]
        line = b - a
        x, y = discs[:, 0] - a[:, :1], discs[:, 1] - a[:, 1:]
        length2 = np.maximum((line * line).sum(axis=1), 1e-18)[:, None]
        share = np.clip((x * line[:, :1] + y * line[:, 1:]) / length2, 0.0, 1.0)
        x -= share * line[:, :1]
        y -= share * line[:, 1:]
        through: NDArray[np.bool_] = (np.hypot(x, y) < discs[:, 2] - TOUCHING).any(axis=1)
        return through

    def keeps_out(self, points: FloatArray) -> bool:
        """Whether a way through points (N, 2) m keeps out of all discs."""
        ends = points if len(points) > 1 else np.repeat(points, 2, axis=0)
        return not self.through_disc(ends[:-1], ends[1:]).any()

    def takes(self, point: Point) -> bool:
        """Whether a point lies in a disc."""
        return not self.keeps_out(np.array([point], dtype=np.float64))

    def nearest_in_sight(self, point: Point, reach: float) -> Point | None:
        """The point itself if its cell is free, else the nearest free place that can be driven straight to, if any.

        Args:
            point: on the map.
            reach: m from the point, about.
        """
        if math.isfinite(self.cost.ravel()[self.index(point)]):
            return point
        places = self.free_places(point, reach)
        if not places:
            return None
        ends = np.array(places)
        free = np.isfinite(self.line_costs(np.broadcast_to(point, ends.shape), ends))
        return places[int(free.argmax())] if free.any() else None
