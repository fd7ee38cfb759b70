"""PettingZoo's own tests of an environment, all of them, with every warning of theirs an error."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable

from pettingzoo import AECEnv, ParallelEnv
from pettingzoo.test import api_test, parallel_api_test, parallel_seed_test, render_test, seed_test

# In a mixed fleet robots have different lidars and limits.
MIXED = ("Agents have different observation space sizes", "Observations are different shapes")
# The message of a move with several symbols is one Discrete each.
COMPOSED = ("Action space for each agent probably should be",)


def check_environment(
    make_parallel: Callable[..., ParallelEnv],
    make_aec: Callable[..., AECEnv],
    cycles: int,
    allowed: Iterable[str] = (),
) -> None:
    """All five tests; each closes what it makes.

    Args:
        make_parallel, make_aec: take `render_mode` only.
        cycles: steps of each.
        allowed: beginnings of warnings that are right for this environment.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for message in allowed:
            warnings.filterwarnings("ignore", message=message)
        parallel, aec = make_parallel(), make_aec()
        parallel_api_test(parallel, num_cycles=cycles)
        parallel.close()
        api_test(aec, num_cycles=cycles)
        aec.close()
        parallel_seed_test(make_parallel, num_cycles=cycles)
        seed_test(make_aec, num_cycles=cycles)
        render_test(make_aec)


class Screen:
    """Stands in for a window where there is no display."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.shown: list[object] = []
        self.closed = False

    def show(self, picture: object) -> None:
        self.shown.append(picture)

    def close(self) -> None:
        self.closed = True
