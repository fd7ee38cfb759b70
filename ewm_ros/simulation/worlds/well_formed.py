"""Whether robots that stand where they start or stay can be driven around.

After M. Cap, J. Vokrinek, A. Kleiner, "Complete Decentralized Method for On-Line Multi-Robot Trajectory Planning in
Well-formed Infrastructures" (ICAPS 2015): if any two of these spots are joined by a way that keeps clear of all the
others, then robots that drive one after the other all arrive, in whatever order.
"""

from __future__ import annotations

import math

import numpy as np

from ewm_ros.geometry import FloatArray
from ewm_ros.simulation.worlds.reachability import NOWHERE, Areas

DIRECTIONS = 32  # in which a robot may leave its spot
STEP = 0.05  # m between samples of its way out


def well_formed(areas: Areas, spots: FloatArray, kept: FloatArray) -> bool:
    """Whether every spot leads straight out to one area that no body on any spot takes a part of.

    This is a little stricter than the definition, which lets a robot leave its spot on a crooked way.

    Args:
        areas: of the floor, for the widest robot.
        spots: (N, 2) m.
        kept: (N,) m that the centres of passing robots keep from the centre of who stands there.
    """
    left = areas.without(spots, kept)
    sizes = np.bincount(left.labels.ravel())
    sizes[NOWHERE] = 0
    main = int(sizes.argmax())
    if not sizes[main]:
        return False
    angles = np.linspace(0.0, 2.0 * math.pi, DIRECTIONS, endpoint=False)
    directions = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    for i, spot in enumerate(spots):
        lengths = np.arange(0.0, kept[i] + 2.0 * STEP, STEP)
        ways = spot + lengths[:, None] * directions[:, None]  # (directions, samples, 2)
        others = np.delete(spots, i, axis=0)
        gaps = np.hypot(*np.moveaxis(ways[:, :, None] - others, -1, 0)) - np.delete(kept, i)
        clear = (gaps >= 0.0).all(axis=(1, 2)) & (areas.at(ways).reshape(ways.shape[:2]) != NOWHERE).all(axis=1)
        if not (clear & (left.at(ways[:, -1]) == main)).any():
            return False
    return True
