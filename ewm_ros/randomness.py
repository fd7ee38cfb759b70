"""Random streams: one for each robot and purpose, so that no robot's draws depend on who else is there."""

from __future__ import annotations

import hashlib

import numpy as np

from ewm_ros.errors import InputError

LARGEST_SEED = 2**63 - 1  # an integer parameter of ROS


def stream(seed: int, index: int, purpose: str) -> np.random.Generator:
    """The generator of one robot (by its index in the world) for one purpose (`"slip"`, `"scan"`, ...).

    The same (seed, index, purpose) gives the same stream in every process and whatever the number of robots; different
    ones give independent streams (numpy's SeedSequence).

    Raises:
        InputError: the seed or the index is negative, or the seed above LARGEST_SEED.
    """
    if not 0 <= seed <= LARGEST_SEED or index < 0:
        raise InputError(f"a seed must be 0 to {LARGEST_SEED} and an index 0 or more, not {seed} and {index}")
    word = int.from_bytes(hashlib.sha256(purpose.encode()).digest()[:8], "big")
    return np.random.default_rng(np.random.SeedSequence([seed, index, word]))
