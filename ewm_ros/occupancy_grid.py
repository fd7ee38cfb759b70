"""A map of the floor as a grid of cells, as on /map (nav_msgs/OccupancyGrid)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class OccupancyGrid:
    """Which cells of the floor are taken by walls.

    Attributes:
        resolution: m, side of a cell.
        origin: x, y (m, map frame) of the lower left corner of cell (0, 0).
        occupied: (rows, columns) bool; row i is at y = origin.y + (i + 0.5) * resolution. Unknown counts as occupied.
    """

    resolution: float
    origin: tuple[float, float]
    occupied: NDArray[np.bool_]

    def cell(self, x: float, y: float) -> tuple[int, int]:
        """(row, column) of a point; may lie outside the grid."""
        row, column = (y - self.origin[1]) / self.resolution, (x - self.origin[0]) / self.resolution
        return (int(np.floor(row)), int(np.floor(column)))

    def centre(self, row: int, column: int) -> tuple[float, float]:
        """x, y (m) of a cell's centre."""
        return (self.origin[0] + (column + 0.5) * self.resolution, self.origin[1] + (row + 0.5) * self.resolution)
