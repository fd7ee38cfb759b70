"""Whole-route schedules: how long each robot of a fleet waits where it is now so that no two ever come too close.

    routes = [timed_route(path, max_speed, max_acceleration, from_progress=..., speed=...) for each robot]
    conflicts = delay_conflicts(routes, distance)                  # (N, N) m between centres
    best = find_schedule(conflicts, weights=..., fixed={2: 0.0})   # None: there is none of this kind
    best.delays, best.before, best.waits_for, best.cost

Every robot has a fixed path and time law; a schedule is a delay for each. Robots are inserted one after the other, each
at its least delay that keeps clear of those already inserted: prioritised planning (Erdmann and Lozano-Perez,
Algorithmica 1987). Which order of insertion is best is searched for by a beam that keeps the best partial orders by a
bound, and grows wider again and again: complete anytime beam search (Zhang, AAAI 1998). The bound is the weighted sum
of the delays of those inserted and of the least delays of the others beside them, which later insertions only raise; so
a beam that had to drop nothing proves that no order is better.

What always has an answer: fleets whose robots could drive one after the other, none standing at its start or goal in
the way of one that comes later. There the first, greedy pass over the order that these constraints ask for cannot get
stuck, and its answer stands at once. Other fleets (rings of robots that must all leave at once) are mostly solved by
the beams; delays to which no order of insertion leads are not found. No schedule means that start delays do not do:
somebody has to move aside or to take another way. Two robots that are in each other's way at any delay (nose to nose in
a corridor, two goals in one place) are named by `DelayConflicts.impossible`; `without` them the others can be
scheduled. Pairs that are closer now than they should be are no obstacle if the distances come from `kept_distance`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from ewm_ros.coordination.delay_conflicts import HAIR, DelayConflicts
from ewm_ros.coordination.schedule_search import InsertionSearch
from ewm_ros.geometry import FloatArray

EFFORT = 32  # partial orders that are kept at a time, at most


def never() -> bool:
    """There is time without end."""
    return False


@dataclass(frozen=True, slots=True, eq=False)
class Schedule:
    """Delays that keep every pair out of its forbidden intervals.

    Attributes:
        delays: (N,) s that each robot waits where it is now.
        cost: weighted sum of the delays.
        before: (N, N) whether i passes before j somewhere; both ways if they meet in several places and take turns.
        waits_for: pairs (i, j): i would set out earlier but for j. There is no cycle in them.
        proven: no order of insertion gives a smaller cost.
    """

    delays: FloatArray
    cost: float
    before: NDArray[np.bool_]
    waits_for: tuple[tuple[int, int], ...]
    proven: bool

    @property
    def sum_of_delays(self) -> float:
        """s, over all robots."""
        return float(self.delays.sum())


def find_schedule(
    conflicts: DelayConflicts,
    *,
    weights: Sequence[float] | FloatArray | None = None,
    fixed: Mapping[int, float] | None = None,
    first: Sequence[tuple[int, int]] = (),
    effort: int = EFFORT,
    out_of_time: Callable[[], bool] = never,
) -> Schedule | None:
    """The best schedule found; None if there is none of the kind described above.

    Args:
        conflicts: see delay_conflicts.
        weights: (N,) cost of a second of each robot's delay, above 0; by role, and growing with the time a robot has
            waited, so that nobody starves. All 1 if not given.
        fixed: delays (s) by robot that are settled: 0 for those that drive in a shared region already. Two of these are
            not kept apart from each other.
        first: pairs (i, j) of which i has to pass before j wherever they meet.
        effort: how many partial orders are kept at a time at most; 1 is one greedy pass.
        out_of_time: asked again and again once there is an answer; true ends the search.
    """
    count = conflicts.count
    costs = np.ones(count) if weights is None else np.asarray(weights, dtype=np.float64)
    given = np.full(count, np.nan)
    settled = fixed or {}
    for robot, delay in settled.items():
        given[robot] = delay
    asked = conflicts.ordered(first).without(combinations(settled, 2))
    if asked.impossible():
        return None
    free = np.isnan(given)
    delays, rank, proven = np.where(free, 0.0, given), np.where(free, 0, -1), True
    for group in asked.groups():
        if len(group) == 1:  # who meets nobody need not wait: in a large fleet, most do not
            continue
        search = InsertionSearch(asked.subset(group), costs[group], given[group])
        found, sure = search.run(effort, out_of_time)
        if found is None:
            return None
        delays[group], rank[group] = found.delays, found.rank
        proven &= sure
    return _schedule(asked, costs, delays, rank, proven)


def keep_order(
    conflicts: DelayConflicts,
    proposed: Schedule,
    before: NDArray[np.bool_],
    margin: float,
    *,
    weights: Sequence[float] | FloatArray | None = None,
    fixed: Mapping[int, float] | None = None,
) -> Schedule:
    """The schedule of a former order, unless the proposed one is cheaper by more than a margin.

    Of two that are about equally good, now the one and now the other would be found the better one; robots that have
    been told to wait would start, and stop again.

    Args:
        conflicts: as they are now.
        proposed: a schedule for them.
        before: (N, N) of the former schedule, for the same robots in the same order; False where one is new.
        margin: in the units of the cost.
    """
    firm = before & ~before.T & conflicts.meeting()
    pairs = [(int(i), int(j)) for i, j in np.argwhere(firm)]
    kept = find_schedule(conflicts, weights=weights, fixed=fixed, first=pairs, effort=1)
    return proposed if kept is None or proposed.cost < kept.cost - margin else kept


def _schedule(
    conflicts: DelayConflicts, weights: FloatArray, delays: FloatArray, rank: NDArray[np.intp], proven: bool
) -> Schedule:
    """Delays that the search has found, with what can be read off them."""
    gap = (delays[:, None] - delays[None, :])[:, :, None]
    before = (gap <= conflicts.low + 2.0 * HAIR) & (conflicts.low < conflicts.high)
    # Each delay ends where it is free of one inserted earlier: those it waits for. (inf - gap where there is none.)
    tight = (np.abs(conflicts.high - gap) < HAIR).any(axis=2) & (delays[:, None] > HAIR)
    tight &= rank[:, None] > rank[None, :]
    waits_for = tuple((int(i), int(j)) for i, j in np.argwhere(tight))
    return Schedule(delays, float(delays @ weights), np.asarray(before.any(axis=2)), waits_for, proven)
