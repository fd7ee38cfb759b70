"""How near what the lidar sees is, direction by direction: a part of what the world model is told."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ewm_ros.geometry import FloatArray
from ewm_ros.sensing import Scan
from ewm_ros.world_model.layout import SECTORS


def nearness(scans: Sequence[Scan | None], radii: Sequence[float]) -> FloatArray:
    """Of several robots: 1 touching, 0 far away or no scan.

    Args:
        scans: one for each robot; None or without rays for one that has none.
        radii: m, of their footprints.

    Returns:
        (B, SECTORS), in sectors from straight ahead counter-clockwise.
    """
    near = np.zeros((len(scans), SECTORS.stop - SECTORS.start))
    alike: dict[tuple[int, float, float, float], list[int]] = {}
    for k, scan in enumerate(scans):
        if scan is not None and len(scan.ranges):
            kind = len(scan.ranges), scan.angle_min, scan.angle_increment, scan.range_max
            alike.setdefault(kind, []).append(k)
    for (rays, first, step, furthest), rows in alike.items():
        ranges = np.full((len(rows), rays + 1), furthest)
        for row, k in zip(ranges, rows, strict=True):
            row[:-1] = scans[k].ranges  # type: ignore[union-attr]
        ranges[~(ranges < math.inf)] = furthest  # nan too
        nearest = ranges.take(_rays_of_sectors(rays, first, step), axis=1).min(axis=1)
        near[rows] = np.exp(-np.maximum(nearest - np.array([[radii[k]] for k in rows]), 0.0))
    return near


@lru_cache(maxsize=16)
def _rays_of_sectors(rays: int, first: float, step: float) -> NDArray[np.intp]:
    """(each, SECTORS): the rays of a lidar that look into each sector; one more than there are where it has none."""
    count = SECTORS.stop - SECTORS.start
    # A field of view narrower than a sector, of a single ray perhaps, is taken for that of a sector.
    spacing = max(abs(step), math.tau / count / rays)
    full_turn = abs(rays * spacing - math.tau) < 1.5 * spacing
    per_turn = rays if full_turn else round(math.tau / spacing)
    each = max(per_turn // count, 1)
    offsets = (np.arange(each)[:, None] - (each - 1) / 2) / each
    angles = (np.arange(count) + offsets) * (math.tau / count)
    onwards = (angles - first) * math.copysign(1.0, step)
    index = np.rint((onwards % math.tau) / spacing).astype(np.intp) % per_turn
    # A ray that this lidar does not have reads the entry added behind the last one: nothing there.
    return np.minimum(index, rays)
