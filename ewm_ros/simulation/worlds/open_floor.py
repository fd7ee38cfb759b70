"""Empty floors for fleets of any size, to measure what many robots cost: `floor-N` takes N robots.

Every robot has 10 m^2 of floor, as in `ewm bench detect`, and drives to where another one has started, not far away:
how many others each one meets does not grow with the fleet.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from ewm_ros.errors import InputError
from ewm_ros.randomness import stream
from ewm_ros.simulation.worlds.shapes import Bounds
from ewm_ros.simulation.worlds.world_format import Fleet, Robots, World

FEWEST, MOST = 3, 64  # robots; a coordinator takes no more
PREFIX = "floor-"
SPACING = math.sqrt(10.0)  # m between starts
MARGIN = 0.5  # m of floor outside them
REACH = 6.0  # m from start to goal at most
EXCHANGES = 100  # of goals that are tried, for each robot


@lru_cache(maxsize=8)
def open_floor(robots: int) -> World:
    """The floor for so many robots; always the same.

    Raises:
        InputError: too few or too many.
    """
    if not FEWEST <= robots <= MOST:
        raise InputError(f"world '{PREFIX}{robots}': such floors take {FEWEST} to {MOST} robots")
    side = math.ceil(math.sqrt(robots))
    half = side * SPACING / 2.0
    rows, columns = np.divmod(np.arange(robots), side)
    spots = np.round(np.stack([columns, rows], axis=1) * SPACING + SPACING / 2.0 - half, 2)
    rng = stream(robots, 0, "open floor")
    ends = np.arange(robots)
    for a, b in rng.integers(robots, size=(EXCHANGES * robots, 2)):
        near = max(math.dist(spots[a], spots[ends[b]]), math.dist(spots[b], spots[ends[a]])) <= REACH
        if near and a != ends[b] and b != ends[a]:
            ends[a], ends[b] = ends[b], ends[a]
    yaws = rng.uniform(-math.pi, math.pi, robots)
    starts = [(float(x), float(y), round(float(yaw), 2)) for (x, y), yaw in zip(spots, yaws, strict=True)]
    reach = half + MARGIN
    return World(
        name=f"{PREFIX}{robots}",
        description=f"An empty floor of {4.0 * reach * reach:.0f} m^2; everybody drives to where another one started.",
        bounds=Bounds((-reach, reach), (-reach, reach)),
        robots=Robots(
            model="tinybot",
            count=Fleet(min=robots, max=robots, default=robots),
            starts=tuple(starts),
            goals=tuple((float(x), float(y)) for x, y in spots[ends]),
        ),
    )
