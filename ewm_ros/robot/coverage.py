"""What of the floor has been looked at, and from where most of the rest can be seen."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ewm_ros.geometry import FloatArray
from ewm_ros.occupancy_grid import OccupancyGrid

SPACING = 0.5  # m between the places that have to be seen, at least
MOST_PLACES = 1500  # about; on a larger floor they lie further apart


class Coverage:
    """Places all over the floor that have to be seen, and which of them have been.

    Args:
        places: (N, 2) m.
        view: m, up to where a robot sees.
        spacing: m between two places beside each other: with a place all of the square around it has to be seen.

    Attributes:
        unseen: (N,) bool.
    """

    def __init__(self, places: FloatArray, view: float, spacing: float) -> None:
        self.places = places
        self.unseen: NDArray[np.bool_] = np.ones(len(places), dtype=np.bool_)
        self._reach = max(view - spacing * math.sqrt(0.5), view / 2.0)
        self._from_each = (_distances(places, places) <= self._reach).astype(np.float32)

    def look_from(self, points: FloatArray) -> None:
        """Somebody has been at points, (P, 2) m."""
        self.unseen &= ~(_distances(self.places, points) <= self._reach).any(axis=1)

    def start_over(self) -> None:
        """All of it has to be seen again."""
        self.unseen[:] = True

    def gains(self, expected: FloatArray, share: float) -> FloatArray:
        """(N,) how many unseen places are to be seen from each place.

        Args:
            expected: (P, 2) m, where others will have been before long.
            share: what a place counts that is to be seen from there.
        """
        left = (_distances(self.places, expected) <= self._reach).any(axis=1)
        weights = self.unseen * np.where(left, share, 1.0)
        return np.asarray(self._from_each @ weights.astype(np.float32), dtype=np.float64)


def places_of(grid: OccupancyGrid) -> tuple[FloatArray, float]:
    """(N, 2) m: evenly over a map, walls or not; and the m between two of them."""
    rows, columns = grid.occupied.shape
    width, height = columns * grid.resolution, rows * grid.resolution
    spacing = max(SPACING, math.sqrt(width * height / MOST_PLACES))
    xs, ys = (
        np.arange(a + spacing / 2.0, a + size, spacing) for a, size in zip(grid.origin, (width, height), strict=True)
    )
    places: FloatArray = np.stack(np.meshgrid(xs, ys, indexing="ij"), axis=-1).reshape(-1, 2)
    return places, spacing


def _distances(a: FloatArray, b: FloatArray) -> FloatArray:
    """(A, B) m between points (A, 2) and (B, 2)."""
    return np.hypot(a[:, None, 0] - b[:, 0], a[:, None, 1] - b[:, 1])
