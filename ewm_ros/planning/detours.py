"""Ways from one place among robots that stand on the floor: around them, or by another door."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from ewm_ros.geometry import FloatArray, Polyline
from ewm_ros.planning.clearance_map import ClearanceMap, Point
from ewm_ros.planning.corners import round_corners
from ewm_ros.planning.crowded_map import CrowdedMap
from ewm_ros.planning.roadmap import Roadmap
from ewm_ros.planning.smoothing import pull_straight

EXIT_DISTANCE = 0.5  # m beyond the clearance that a robot too close to a wall may drive to the nearest free place
WAY_IN = 3.0  # cells between a place outside of all discs and a cell that is counted as free


class Detours:
    """The ways of a robot that keep out of discs. A disc it is in is left without coming nearer to its middle.

    Args:
        free: the map without discs.
        roadmap: the ways on that.
        start: m, on the map and not in a wall.
        discs: (K, 3) x, y and the distance that the robot's centre has to keep from there (m).

    Attributes:
        start: as told.
        floor: the map with the discs, those it is in as large as they may be.
        way_out: m, the free place at which the ways begin, the start itself if that is one; None if there is none.
    """

    def __init__(self, free: ClearanceMap, roadmap: Roadmap, start: Point, discs: FloatArray) -> None:
        self.start = start
        left = discs.copy()
        left[:, 2] = np.minimum(left[:, 2], np.hypot(left[:, 0] - start[0], left[:, 1] - start[1]))
        self.floor = CrowdedMap(free, left)
        self._roadmap_before = roadmap
        self._by_a_wall = bool(free.blocked[free.index(start)])
        self.way_out = self._leave(free.clearance + EXIT_DISTANCE)

    @cached_property
    def roadmap(self) -> Roadmap:
        """The ways on the floor with the discs."""
        return self._roadmap_before.around(self.floor)

    def _leave(self, reach: float) -> Point | None:
        if not self._by_a_wall:
            return self.floor.nearest_in_sight(self.start, reach)
        for place in self.floor.free_places(self.start, reach):
            out = np.array([self.start, place])
            if self.floor.keeps_out(out) and not self.floor.crosses_wall(self.start, place):
                return place
        return None

    def way(self, goal: Point) -> Polyline | None:
        """The way to a free place outside of all discs, if there is one."""
        if self.floor.free_line(self.start, goal):
            return Polyline([self.start, goal])
        way_in = self.floor.nearest_in_sight(goal, WAY_IN * self.floor.resolution)
        if self.way_out is None or way_in is None:
            return None
        rough = self.roadmap.find(self.way_out, way_in)
        if not rough:
            return None
        if way_in != goal:
            rough.append(goal)
        if self.way_out != self.start and not self._by_a_wall:
            rough.insert(0, self.start)
        smooth = round_corners(pull_straight(rough, self.floor), self.floor)
        return Polyline(np.concatenate([[self.start], smooth]))
