"""The search behind `schedule`: a beam over the orders in which robots are inserted, many partial orders at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ewm_ros.coordination.delay_conflicts import HAIR, DelayConflicts
from ewm_ros.geometry import FloatArray

BEAM = 32  # partial orders that the first beam keeps
WIDER = 4  # times as wide as the last beam is the next


@dataclass(frozen=True, slots=True, eq=False)
class Insertion:
    """A complete result: the delays (N,) s, when each robot was inserted (N,) 0, 1, ... or -1 where it
    was settled before, and the weighted sum."""

    delays: FloatArray
    rank: NDArray[np.intp]
    cost: float


class InsertionSearch:
    """Finds an order of insertion with a small weighted sum of delays.

    Args:
        conflicts: of N robots.
        weights: (N,) cost of a second of each robot's delay, above 0.
        given: (N,) s, delays that are settled, of robots inserted before all others; nan for the others.
    """

    def __init__(self, conflicts: DelayConflicts, weights: FloatArray, given: FloatArray) -> None:
        self._low, self._high = conflicts.low, conflicts.high
        self._weights = weights
        self._given = given
        # i before j: where one stands at its start in the other's way, or comes to stand at its goal.
        self._must_precede = (conflicts.high == np.inf).any(axis=2)

    def run(self, widest: int, out_of_time: Callable[[], bool]) -> tuple[Insertion | None, bool]:
        """The best found, and whether it is sure that no order of insertion is better.

        The first pass is greedy and cannot be stopped; the others are beams of growing width, as long as there is time.
        """
        best = self._pass(1, True, None, lambda: False)[0]
        width = BEAM
        while width <= widest and not (best is not None and out_of_time()):
            better, complete = self._pass(width, False, best, out_of_time)
            best = best if better is None else better
            if complete:
                return best, True
            width *= WIDER
        return best, False

    def _pass(
        self, width: int, in_turn: bool, best: Insertion | None, out_of_time: Callable[[], bool]
    ) -> tuple[Insertion | None, bool]:
        """One beam: a result better than `best`, and whether no partial order was dropped but for its bound."""
        count = len(self._weights)
        delays = self._given[None, :].copy()
        rank = np.where(np.isnan(delays), count, -1)
        least = np.zeros((1, count))
        self._settle(least, delays, np.ones((1, count), dtype=np.bool_))
        most = np.inf if best is None else best.cost - HAIR
        complete = True
        for level in range(int(np.isnan(self._given).sum())):
            if best is not None and out_of_time():
                return None, False
            bounds, after = self._children(delays, least, in_turn)
            chosen, dropped = _fittest(bounds, delays, least, width, most)
            complete &= not dropped
            if not len(chosen):
                return None, complete
            parent, robot = np.divmod(chosen, count)
            row = np.arange(len(chosen))
            delays, rank = delays[parent], rank[parent]
            delays[row, robot], rank[row, robot] = least[parent, robot], level
            changed = after[parent, :, robot] > least[parent]
            least = after[parent, :, robot]
            self._settle(least, delays, changed)
        costs = delays @ self._weights
        winner = int(costs.argmin())
        if not costs[winner] < most:
            return None, complete
        return Insertion(delays[winner], rank[winner], float(costs[winner])), complete

    def _children(self, delays: FloatArray, least: FloatArray, in_turn: bool) -> tuple[FloatArray, FloatArray]:
        """What inserting each robot next would do to each of B partial orders.

        Returns:
            (B, N) bounds of the weighted sum, inf for robots that cannot be next; and (B, N, N) s, the least delays
            [b, i, k] of i after k was inserted.
        """
        to_come = np.isnan(delays)
        allowed = to_come & np.isfinite(least)
        if in_turn:
            kept_waiting = (to_come[:, :, None] & self._must_precede[None]).any(axis=1)
            in_order = allowed & ~kept_waiting
            allowed = np.where(in_order.any(axis=1)[:, None], in_order, allowed)
        at = np.where(allowed, least, np.nan)[:, None, :, None]
        mine = least[:, :, None, None]
        with np.errstate(invalid="ignore"):
            ends = self._high[None] + at
            inside = (mine > self._low[None] + (at + HAIR)) & (mine < ends - HAIR)
        pushed = np.where(inside, ends, -np.inf).max(axis=3)
        after = np.where(to_come[:, :, None], np.maximum(least[:, :, None], pushed), delays[:, :, None])
        bounds = np.einsum("i,bik->bk", self._weights, after)
        bounds[~allowed] = np.inf
        return bounds, after

    def _settle(self, least: FloatArray, delays: FloatArray, changed: NDArray[np.bool_]) -> None:
        """Raise the least delays that have `changed` (B, N) until they are clear of all robots that are inserted."""
        orders, robots = np.nonzero(changed & np.isnan(delays))
        while len(orders):
            mine = least[orders, robots][:, None, None]
            at = delays[orders][:, :, None]
            ends = self._high[robots] + at
            inside = (mine > self._low[robots] + (at + HAIR)) & (mine < ends - HAIR)
            pushed = np.where(inside, ends, -np.inf).max(axis=(1, 2))
            further = pushed > -np.inf
            orders, robots = orders[further], robots[further]
            least[orders, robots] = pushed[further]


def _fittest(
    bounds: FloatArray, delays: FloatArray, least: FloatArray, width: int, most: float
) -> tuple[NDArray[np.intp], bool]:
    """The best children (flat indices b * N + k), each result of insertion once; and whether any had to be dropped."""
    flat = bounds.ravel()
    ranking = np.argsort(flat, kind="stable")
    ranking = ranking[: np.searchsorted(flat[ranking], most)]
    if width == 1:
        return ranking[:1], len(ranking) > 1
    parent, robot = np.divmod(ranking, bounds.shape[1])
    # Orders that lead to the same delays are one: a sum with factors that have nothing in common tells others apart.
    factors = np.sin(np.arange(1.0, bounds.shape[1] + 1.0))
    marks = (np.where(np.isnan(delays), -1.0, delays) @ factors)[parent] + (least[parent, robot] + 1.0) * factors[robot]
    _, once = np.unique(np.round(marks, 6), return_index=True)
    once.sort()
    return ranking[once[:width]], len(once) > width
