"""What lidars see that is not on the map, for several robots of a process at once: most of it is calls of numpy."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ewm_ros.geometry import FloatArray, Pose2D
from ewm_ros.occupancy_grid import OccupancyGrid
from ewm_ros.planning.clearance_map import distance_to_occupied
from ewm_ros.sensing import Scan

SEEN_WITHIN = 4.0  # m
ON_THE_MAP = 0.2  # m from an occupied cell: noise of odometry and lidar


class BareFloor:
    """The floor of a map where nothing is, nor is near.

    Args:
        grid: the map.
    """

    def __init__(self, grid: OccupancyGrid) -> None:
        bare = distance_to_occupied(grid.occupied, grid.resolution, ON_THE_MAP) >= ON_THE_MAP
        # One row and one column more stand for all that is off the map, on either side: -1 is the last one, too.
        self._bare: NDArray[np.bool_] = np.pad(bare, (0, 1)).ravel()
        rows, columns = bare.shape
        self._columns = columns + 1
        self._last = np.array([[columns], [rows]], dtype=np.float64)
        self._origin, self._size = np.array(grid.origin)[:, None], grid.resolution

    def on(self, places: FloatArray) -> NDArray[np.intp]:
        """Indices of those of (2, N) m that lie on it."""
        cells = places - self._origin
        cells /= self._size
        np.floor(cells, out=cells)
        np.maximum(cells, -1.0, out=cells)
        np.minimum(cells, self._last, out=cells)
        column, row = cells.astype(np.intp)
        found: NDArray[np.intp] = self._bare.take(row * self._columns + column).nonzero()[0]
        return found


def off_the_map(floor: BareFloor, seen: Sequence[tuple[Scan, Pose2D]]) -> list[FloatArray]:
    """What each robot sees on bare floor, and not too far away: (2, N) m in the map frame, in the order of the rays.

    Args:
        floor: of the map that they share.
        seen: scans, and where they were taken.
    """
    scans = [scan for scan, _ in seen]
    counts = np.array([len(scan.ranges) for scan in scans])
    ranges = np.concatenate([scan.ranges for scan in scans])
    robot = np.arange(len(seen)).repeat(counts)
    reach = np.array([min(SEEN_WITHIN, scan.range_max) for scan in scans])
    near = ((ranges > 0.0) & (ranges < reach.take(robot))).nonzero()[0]
    robot = robot.take(near)
    ray = near - (counts.cumsum() - counts).take(robot)
    lidars = np.array([(pose.x, pose.y, pose.yaw + scan.angle_min, scan.angle_increment) for scan, pose in seen])
    origin_and_turn = lidars.T.take(robot, axis=1)  # (4, N)
    angles = origin_and_turn[2] + origin_and_turn[3] * ray
    places: FloatArray = np.empty((2, len(near)))
    np.cos(angles, out=places[0])
    np.sin(angles, out=places[1])
    places *= ranges.take(near)
    places += origin_and_turn[:2]
    found = floor.on(places)
    places = places.take(found, axis=1)
    ends = robot.take(found).searchsorted(np.arange(len(seen)), side="right").tolist()
    return [places[:, first:end] for first, end in pairwise([0, *ends])]
