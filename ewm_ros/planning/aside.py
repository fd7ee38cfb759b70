"""Places where a robot is out of the way of others, and how far they are to drive."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ewm_ros.geometry import FloatArray, Polyline
from ewm_ros.planning.clearance_map import ClearanceMap, Point
from ewm_ros.planning.detours import Detours
from ewm_ros.planning.roadmap import Roadmap

FARTHEST = 15.0  # m that a robot drives to let others pass
SPACING = 0.2  # m between the points that stand for a route
IN_A_PASSAGE = 3.0  # m farther that a place is sought rather than block a narrow passage
NEAR_A_WALL = 0.5  # m farther for a metre's extra cost at the place
SPARE = 3  # places that are tried beyond those asked for: a way may turn out longer than estimated
FIRST_LOOK = 3.0  # of the farthest, how small a part of the floor is searched first
DIRECTIONS = 16  # looked at around a place


@dataclass(frozen=True, slots=True, eq=False)
class KeepAway:
    """What a place aside keeps its distance from.

    Attributes:
        routes: of others, each with the distance (m) that is to be kept from every point of it.
        discs: (K, 3) x, y and the distance that is to be kept from there (m).
    """

    routes: tuple[tuple[Polyline, float], ...]
    discs: FloatArray

    def allows(self, place: Point) -> bool:
        """Whether a place keeps all distances."""
        x, y = place
        if (np.hypot(self.discs[:, 0] - x, self.discs[:, 1] - y) < self.discs[:, 2]).any():
            return False
        return all(route.project(x, y)[1] >= distance for route, distance in self.routes)

    def too_near(self, free: ClearanceMap, middle: Point, reach: float) -> NDArray[np.bool_]:
        """As `cost` of the map, which cells up to `reach` (m) around a place do not keep the distances, or hardly."""
        points, distances = [self.discs[:, :2]], [self.discs[:, 2]]
        for route, distance in self.routes:
            count = max(math.ceil(route.length / SPACING), 1) + 1
            samples = route.sample(np.union1d(np.linspace(0.0, route.length, count), route.s))
            near = samples[(np.abs(samples - middle) < reach + distance).all(axis=1)]
            points.append(near)
            # Whoever is this far from both samples is as far as told from the line between them.
            distances.append(np.full(len(near), math.hypot(distance, SPACING / 2.0)))
        return free.near(np.concatenate(points), np.concatenate(distances))


def places_aside(
    free: ClearanceMap, roadmap: Roadmap, start: Point, keep_away: KeepAway, most: int, apart: float, farthest: float
) -> list[Polyline]:
    """Ways from the start to up to `most` places that are at least `apart` (m) from each other, nearest first."""
    found: list[Polyline] = []
    for reach in (farthest / FIRST_LOOK, farthest):
        x, y, distance = keep_away.discs.T
        near = keep_away.discs[np.hypot(x - start[0], y - start[1]) < reach + distance]
        detours = Detours(free, roadmap, start, near)
        # Beyond a small reach there may be places that count as nearer than one that counts as beyond it.
        limit = reach if reach < farthest else math.inf
        found = _within(detours, KeepAway(keep_away.routes, near), most, apart, reach, limit)
        if len(found) == most:
            break
    return sorted(found, key=lambda way: way.length)


def _within(
    detours: Detours, keep_away: KeepAway, most: int, apart: float, reach: float, limit: float
) -> list[Polyline]:
    """Ways no longer than `reach` to places that count as at most `limit` away (m)."""
    found: list[Polyline] = []
    if detours.way_out is None:
        return found
    places = _Spots(detours, detours.way_out, keep_away, reach).nearest_first(apart, most + SPARE, limit)
    while len(found) < most and (place := next(places, None)):
        way = detours.way(place)
        if way is not None and way.length <= reach:
            found.append(way)
    return found


class _Spots:
    """The cells in which a robot may stand aside.

    Args:
        detours: the robot's ways.
        way_out: m, where they begin.
        keep_away: what from.
        farthest: m to drive.
    """

    def __init__(self, detours: Detours, way_out: Point, keep_away: KeepAway, farthest: float) -> None:
        floor, roadmap, start = detours.floor, detours.roadmap, detours.start
        self._start = start if way_out == start and keep_away.allows(start) else None
        lengths = roadmap.lengths_from(way_out, farthest)
        box = floor.box(start, farthest)
        free = np.isfinite(floor.cost[box])
        fits = free & ~keep_away.too_near(floor, start, farthest)[box]
        cells = floor.indices(box)[fits]
        part = roadmap.part_of(cells)
        reached = np.isfinite(lengths[part])
        blocking = passages(free, 2.0 * floor.clearance / floor.resolution)[fits][reached]
        cells, part = cells[reached], part[reached]
        self._places = floor.centres(cells)
        node = roadmap.nodes[part]
        # By way of the node, or with the same detour as the node has: the one is better behind a corner, the other in
        # sight of the start.
        by_node = lengths[part] + _distances(self._places, node)
        as_node = lengths[part] - _distances(node, start) + _distances(self._places, start)
        driven = np.minimum(by_node, as_node)
        self._score = driven + NEAR_A_WALL * (floor.cost.ravel()[cells] - 1.0) + IN_A_PASSAGE * blocking
        self._score[driven > farthest] = math.inf

    def nearest_first(self, apart: float, most: int, limit: float) -> Iterator[Point]:
        """Up to `most` places that count as at most `limit` (m) away, at least `apart` (m) from each other.

        The start is the first if it is one.
        """
        score = np.where(self._score <= limit, self._score, math.inf)
        place = self._start
        for _ in range(most):
            if place is None:
                best = int(score.argmin()) if len(score) else -1
                if best < 0 or math.isinf(score[best]):
                    return
                x, y = self._places[best].tolist()
                place = (x, y)
            yield place
            score[_distances(self._places, place) < apart] = math.inf
            place = None


def passages(free: NDArray[np.bool_], ring: float) -> NDArray[np.bool_]:
    """Whether a robot in each cell would part the free cells around it, as in a doorway or in a corridor.

    By the crossing number of D. Rutovitz, "Pattern Recognition", Journal of the Royal Statistical Society A 129 (1966):
    whether the free cells on a circle around the cell make up more than one arc.

    Args:
        free: (rows, columns).
        ring: cells, radius of the circle.
    """
    border = math.ceil(ring)
    padded = np.pad(free, border)
    rows, columns = free.shape
    angle = np.arange(DIRECTIONS + 1) * (math.tau / DIRECTIONS)
    down, right = (np.rint(border + ring * f(angle)).astype(np.intp).tolist() for f in (np.sin, np.cos))
    on_ring = [padded[i : i + rows, j : j + columns] for i, j in zip(down, right, strict=True)]
    arcs = np.zeros(free.shape, dtype=np.int8)
    for before, here in pairwise(on_ring):
        arcs += here > before
    return arcs > 1


def _distances(points: FloatArray, other: FloatArray | Point) -> FloatArray:
    """(N,) m from each point to the other one, or to its own other one."""
    x, y = (points - np.asarray(other)).T
    distances: FloatArray = np.hypot(x, y)
    return distances
