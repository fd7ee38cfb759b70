"""The map of a world as an occupancy grid: what robots plan on."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ewm_ros.errors import InputError
from ewm_ros.geometry import FloatArray
from ewm_ros.occupancy_grid import OccupancyGrid
from ewm_ros.simulation.worlds.shapes import BORDER_THICKNESS, Box, Disc, Floor

_TOUCH = 1e-6  # m; a wall that only touches a cell's edge does not occupy it, so gaps on cell borders keep their width


def occupancy_grid(floor: Floor, resolution: float = 0.05) -> OccupancyGrid:
    """The grid of a world or scenario, its border walls included: a cell is taken if a wall or pillar reaches into it.

    Args:
        resolution: m, side of a cell.

    Raises:
        InputError: the resolution is not a positive number.
    """
    if not (math.isfinite(resolution) and resolution > 0.0):
        raise InputError(f"resolution of the map must be more than 0 m, not {resolution}")
    (x0, x1), (y0, y1) = floor.bounds.x, floor.bounds.y
    margin = math.ceil(BORDER_THICKNESS / resolution - _TOUCH)
    columns, rows = (math.ceil((b - a) / resolution - _TOUCH) + 2 * margin for a, b in ((x0, x1), (y0, y1)))
    x = x0 + (np.arange(columns, dtype=np.float64) - (margin - 0.5)) * resolution
    y = y0 + (np.arange(rows, dtype=np.float64) - (margin - 0.5)) * resolution
    occupied = np.zeros((rows, columns), dtype=np.bool_)
    for box in floor.boxes:
        corners = box.corners()
        window = _window(corners.min(axis=0), corners.max(axis=0), x, y)
        occupied[window] |= _under_box(box, x[window[1]], y[window[0]], resolution / 2)
    for disc in floor.discs:
        centre = np.array([disc.x, disc.y])
        window = _window(centre - disc.radius, centre + disc.radius, x, y)
        occupied[window] |= _under_disc(disc, x[window[1]], y[window[0]], resolution / 2)
    return OccupancyGrid(resolution, (x0 - margin * resolution, y0 - margin * resolution), occupied)


def _window(low: FloatArray, high: FloatArray, x: FloatArray, y: FloatArray) -> tuple[slice, slice]:
    """Rows and columns of the cells that a thing between two corners (m) may reach into: all others are left alone."""
    first, last = np.searchsorted(x, [low[0], high[0]]), np.searchsorted(y, [low[1], high[1]])
    columns, rows = (slice(max(int(a) - 1, 0), int(b) + 1) for a, b in (first, last))
    return rows, columns


def _under_box(box: Box, x: FloatArray, y: FloatArray, half: float) -> NDArray[np.bool_]:
    """Which cells with centres x (columns) and y (rows) overlap a box: separating axis test in the plane."""
    c, s = math.cos(box.yaw), math.sin(box.yaw)
    dx, dy = x[None, :] - box.x, y[:, None] - box.y
    a, b = box.length / 2 - _TOUCH, box.width / 2 - _TOUCH
    reach = half * (abs(c) + abs(s))
    overlap = (np.abs(dx) < half + a * abs(c) + b * abs(s)) & (np.abs(dy) < half + a * abs(s) + b * abs(c))
    overlap &= (np.abs(c * dx + s * dy) < a + reach) & (np.abs(c * dy - s * dx) < b + reach)
    return np.asarray(overlap)


def _under_disc(disc: Disc, x: FloatArray, y: FloatArray, half: float) -> NDArray[np.bool_]:
    """Which cells have their nearest point inside a disc."""
    dx = np.maximum(np.abs(x[None, :] - disc.x) - half, 0.0)
    dy = np.maximum(np.abs(y[:, None] - disc.y) - half, 0.0)
    return np.asarray(np.hypot(dx, dy) < disc.radius - _TOUCH)
