"""Which plans come too close to each other, when, where and by how much, at every moment and not only at samples.

Each robot is a disc: its footprint, and around it the uncertainty that its plan tells for that time. Two plans are in
conflict when the discs overlap. The radii of uncertainty are added. Each holds 90 % of what really happens, so while
two discs are apart the bodies are apart whenever both robots are inside theirs, whichever way the two errors point and
however they depend on each other (and they do: robots give way to each other); by the union bound that is at least
80 % of cases at any one time. The root of the sum of squares would be smaller, but is only right for independent
errors.

Between two moments of the grid the discs move and grow evenly. Their distance is then a convex function of time, whose
least value has a closed form; the moment at which it falls below the sum of the radii is the root of a quadratic.
Discs whose swept boxes do not overlap are never looked at: first the boxes of whole plans (near_pairs.py), then those
of BLOCK steps at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ewm_ros.coordination.near_pairs import Indices, near_pairs
from ewm_ros.coordination.plan_grid import PlanGrid
from ewm_ros.errors import InputError
from ewm_ros.geometry import FloatArray

BLOCK = 10  # steps of the grid that share a box
TOUCH = 1e-9  # m; by rounding alone, discs that only touch may seem to overlap this far
REACH = 1e6  # m from the map's origin, within which all discs must lie
PAIRS_AT_ONCE = 4096  # whose steps are in memory at a time


@dataclass(frozen=True, slots=True)
class PlanConflict:
    """Two plans that come too close.

    Attributes:
        robots: the two, in the order of the grid.
        time: s, when the discs first overlap, or the grid's start if they do so from there on.
        x, y: m, where: on the line between the two middles, at either edge when the discs just touch.
        gap: m between the discs when it is least; negative, as deep as they overlap.
        gap_time: s, when that first is.
    """

    robots: tuple[str, str]
    time: float
    x: float
    y: float
    gap: float
    gap_time: float


@dataclass(frozen=True, slots=True, eq=False)
class PlanConflicts:
    """All conflicts of a grid of plans, in the order of its robots; iterating gives a PlanConflict each.

    Attributes:
        robots: N names, of the grid.
        pairs: (C, 2) indices of robots, the first lower than the second.
        time: (C,) s, of the first overlap.
        place: (C, 2) m, of the first overlap.
        gap: (C,) m, least; negative.
        gap_time: (C,) s, of the least gap.
        near: pairs of robots whose swept boxes overlap: those that were looked at in time.
        examined: pairs of swept boxes that were compared to find these.
    """

    robots: tuple[str, ...]
    pairs: Indices
    time: FloatArray
    place: FloatArray
    gap: FloatArray
    gap_time: FloatArray
    near: int
    examined: int

    def __len__(self) -> int:
        return len(self.pairs)

    def __iter__(self) -> Iterator[PlanConflict]:
        columns = (self.pairs, self.time, self.place, self.gap, self.gap_time)
        for (i, j), time, (x, y), gap, gap_time in zip(*(column.tolist() for column in columns), strict=True):
            yield PlanConflict((self.robots[i], self.robots[j]), time, x, y, gap, gap_time)


def detect_conflicts(grid: PlanGrid) -> PlanConflicts:
    """All pairs of plans that come too close at any moment from the grid's first to its last.

    Time and memory grow with the number of pairs whose swept boxes overlap, not with the square of the robots.

    Raises:
        InputError: a number is not finite, a radius negative, or a disc further than REACH from the origin.
    """
    blocks = _Blocks(grid)
    whole = near_pairs(blocks.low.min(axis=2), blocks.high.max(axis=2))
    found = []
    for k in range(0, max(len(whole.first), 1), PAIRS_AT_ONCE):
        at_once = slice(k, k + PAIRS_AT_ONCE)
        found.append(blocks.conflicts(whole.first[at_once], whole.second[at_once]))
    pairs, time, place, gap, gap_time = (np.concatenate(part) for part in zip(*found, strict=True))
    return PlanConflicts(grid.robots, pairs, time, place, gap, gap_time, len(whole.first), whole.examined)


class _Blocks:
    """The plans of a grid, cut into blocks of BLOCK steps.

    Attributes:
        low, high: (2, N, S) m, corners of the boxes that hold a robot's discs during a block.
    """

    def __init__(self, grid: PlanGrid) -> None:
        last = len(grid.times) - 1
        firsts = np.arange(0, max(last, 1), BLOCK)
        # What the last block has beyond the grid's end repeats the end: the robots stand, for no time at all.
        moments = np.minimum(firsts[:, None] + np.arange(BLOCK + 1), last)
        self._times = grid.times[moments]  # (S, BLOCK + 1)
        self._discs = grid.discs[:, :, moments]  # (3, N, S, BLOCK + 1)
        radius = self._discs[2].max(axis=2)
        self.low: FloatArray = self._discs[:2].min(axis=3) - radius
        self.high: FloatArray = self._discs[:2].max(axis=3) + radius
        # Comparisons with nan are false, so this refuses it too.
        fine = (self.low >= -REACH) & (self.high <= REACH) & (self._discs[2].min(axis=2) >= 0.0)
        if not fine.all():
            robot = grid.robots[int(np.flatnonzero(~fine.all(axis=(0, 2)))[0])]
            wanted = f"finite, no radius negative, and no disc further than {REACH:g} m from the map's origin"
            raise InputError(f"plan of {robot}: every number must be {wanted}")

    def conflicts(
        self, first: Indices, second: Indices
    ) -> tuple[Indices, FloatArray, FloatArray, FloatArray, FloatArray]:
        """Pairs, time, place, gap and its time of the conflicts among these pairs, as in PlanConflicts."""
        near = (self.low[:, first] <= self.high[:, second]) & (self.low[:, second] <= self.high[:, first])
        pair, block = np.nonzero(near.all(axis=0))
        one, other = self._discs[:, first[pair], block], self._discs[:, second[pair], block]  # (3, M, BLOCK + 1)
        apart = np.concatenate([one[:2] - other[:2], one[2:] + other[2:]])
        share, gap = _closest(apart)
        row, step = np.nonzero(gap < -TOUCH)
        # Blocks and steps of a pair are in the order of time: its first overlap is where the pair changes.
        begin = np.flatnonzero(np.diff(pair[row], prepend=-1))
        deepest = np.lexsort((gap[row, step], pair[row]))[begin]
        rows, steps = row[deepest], step[deepest]
        least, least_time = gap[rows, steps], _between(self._times[block[rows]], steps, share[rows, steps])

        row, step = row[begin], step[begin]
        enter = _first_overlap(apart[:, row, step], apart[:, row, step + 1], share[row, step])
        (x, y, radius), (other_x, other_y, other_radius) = (_between(d[:, row], step, enter) for d in (one, other))
        part = radius / (radius + other_radius)
        place = np.column_stack([x + part * (other_x - x), y + part * (other_y - y)])
        robots = np.column_stack([first[pair[row]], second[pair[row]]])
        return robots, _between(self._times[block[row]], step, enter), place, least, least_time


def _between(values: FloatArray, step: Indices, share: FloatArray) -> FloatArray:
    """(..., C) of rows (..., C, BLOCK + 1): each row's value at a share of one of its steps."""
    rows = np.arange(len(step))
    before, after = values[..., rows, step], values[..., rows, step + 1]
    between: FloatArray = before + share * (after - before)
    return between


def _closest(apart: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Where in each step two discs are closest, as a share of the step (the first such), and their gap there in m.

    With p the way from one middle to the other, moving by v in the step, and r the sum of the radii, growing by w, the
    gap |p + v s| - (r + w s) is convex in s. It is least where v.(p + v s) / |p + v s| = w, which has a solution if the
    discs move faster than they grow; otherwise the gap only shrinks or only grows.

    Args:
        apart: (3, M, K + 1) m: x and y of p, and r, at each moment.

    Returns:
        (share, gap): (M, K) 0 to 1, and (M, K) m.
    """
    px, py, r = apart[..., :-1]
    vx, vy, w = apart[..., 1:] - apart[..., :-1]
    moved = vx * vx + vy * vy
    faster = moved - w * w
    solvable = faster > 0.0
    with np.errstate(over="ignore"):  # steps of next to no movement: anything beyond 0 to 1 will do
        ahead = w * np.abs(px * vy - py * vx) / np.sqrt(np.where(solvable, faster, 1.0)) - (px * vx + py * vy)
        share = np.where(solvable, ahead / np.where(solvable, moved, 1.0), w > 0.0)
    share = np.clip(share, 0.0, 1.0)
    return share, np.hypot(px + share * vx, py + share * vy) - (r + share * w)


def _first_overlap(start: FloatArray, end: FloatArray, closest: FloatArray) -> FloatArray:
    """When in a step two discs first overlap, as a share of the step: (C,), 0 to closest.

    That is the lower root of |p + v s|^2 = (r + w s)^2 in the form that loses no digits, or 0 if they overlap already.

    Args:
        start, end: (3, C) m: p and r as in `_closest`, at both ends of the step.
        closest: (C,) share at which the gap is least, and negative.
    """
    px, py, r = start
    vx, vy, w = end - start
    distance = np.hypot(px, py)
    c = (distance - r) * (distance + r)
    b = px * vx + py * vy - r * w
    a = vx * vx + vy * vy - w * w
    divisor = np.sqrt(np.maximum(b * b - a * c, 0.0)) - b
    root = np.where(divisor > 0.0, c / np.where(divisor > 0.0, divisor, 1.0), closest)
    share: FloatArray = np.where(c > 0.0, np.minimum(root, closest), 0.0)
    return share
