"""Plans of many robots at the same moments: what they tell has stamps and knots of its own in each message.

A plan is straight between its knots, in place and in uncertainty. Before its first knot and after its last a robot is
taken to stand there, as in IntentionCompressor.decompress.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ewm_ros.errors import InputError
from ewm_ros.geometry import FloatArray
from ewm_ros.messages import Intention
from ewm_ros.trajectory import HORIZON, STEP, Trajectory

MOST_NUMBERS = 30_000_000  # of one grid, 240 MB: knots of 1,000 robots at different moments would need gigabytes


@dataclass(frozen=True, slots=True, eq=False)
class PlannedMotion:
    """What one robot is going to do, on the clock that all share.

    Attributes:
        robot: its name.
        footprint: m, radius of its body.
        knots: (K, 4) s, m, m, m: time, x, y and radius of the uncertainty; times increase.

    Raises:
        InputError: a number is not finite or a radius negative, or the times do not increase.
    """

    robot: str
    footprint: float
    knots: FloatArray

    def __post_init__(self) -> None:
        knots = self.knots
        if knots.ndim != 2 or knots.shape[1] != 4 or len(knots) == 0:
            raise InputError(f"plan of {self.robot}: it needs (K, 4) numbers, at least one row, got {knots.shape}")
        if not (np.isfinite(knots).all() and 0.0 <= self.footprint < np.inf):
            raise InputError(f"plan of {self.robot}: every number must be finite, and the footprint not negative")
        if knots[:, 3].min() < 0.0:
            raise InputError(f"plan of {self.robot}: its uncertainty is {knots[:, 3].min():g} m: it must be 0 or more")
        if not (knots[1:, 0] > knots[:-1, 0]).all():
            raise InputError(f"plan of {self.robot}: each knot must be later than the one before")

    @classmethod
    def of_intention(cls, intention: Intention, footprint: float) -> PlannedMotion:
        """The plan that a robot has told."""
        knots = np.array([(knot.t, knot.x, knot.y, knot.radius) for knot in intention.plan.knots], dtype=np.float64)
        knots[:, 0] += intention.stamp
        return cls(intention.robot, footprint, knots)

    @classmethod
    def of_trajectory(cls, robot: str, trajectory: Trajectory, footprint: float) -> PlannedMotion:
        """The plan that a robot imagines, from the first step on."""
        times = trajectory.stamp + trajectory.step * np.arange(1, len(trajectory.poses) + 1)
        return cls(robot, footprint, np.column_stack([times, trajectory.poses[:, :2], trajectory.radius]))


@dataclass(frozen=True, slots=True, eq=False)
class PlanGrid:
    """Discs of many robots at the same moments, straight between them in place and in radius.

    Attributes:
        robots: N names, all different.
        times: (T,) s, increasing, at least one.
        discs: (3, N, T) m: x and y of the middle, and the radius of footprint and uncertainty together.
        widened: m, the most by which a disc is larger than its plan says.

    Raises:
        InputError: names, times and discs do not fit each other.
    """

    robots: tuple[str, ...]
    times: FloatArray
    discs: FloatArray
    widened: float = 0.0

    def __post_init__(self) -> None:
        if self.discs.shape != (3, len(self.robots), len(self.times)) or len(self.times) == 0:
            wanted = f"(3, {len(self.robots)}, {len(self.times)})"
            raise InputError(f"a grid of plans needs {wanted} numbers and a moment at least, got {self.discs.shape}")
        if not (np.isfinite(self.times).all() and (self.times[1:] > self.times[:-1]).all()):
            raise InputError("a grid of plans needs times that are finite and increase")
        if len(set(self.robots)) < len(self.robots):
            twice = next(robot for k, robot in enumerate(self.robots) if robot in self.robots[:k])
            raise InputError(f"two plans of {twice}: give one of each robot")


def on_knots(motions: Sequence[PlannedMotion], start: float | None = None, stop: float | None = None) -> PlanGrid:
    """The plans at every moment at which one of them has a knot: exact at every time, but for rounding.

    Its size grows with the square of the number of robots unless their knots are at the same times; for many robots
    take `on_steps`.

    Args:
        start: s; the latest of the plans' first knots if not given: before it, somebody has not told anything.
        stop: s; the latest of their last knots if not given.

    Raises:
        InputError: there is no plan, two are of the same robot, or the grid would not fit into memory.
    """
    knots = _Knots(motions)
    start = knots.latest_start if start is None else start
    stop = max(start, knots.latest_stop if stop is None else stop)
    inside = knots.times[(knots.times > start) & (knots.times < stop)]
    times: FloatArray = np.unique(np.concatenate([[start, stop], inside]))
    return knots.grid(times)


def on_steps(
    motions: Sequence[PlannedMotion], start: float | None = None, steps: int = HORIZON, step: float = STEP
) -> PlanGrid:
    """The plans at equal steps: safe, and exact, but for rounding, where all knots fall on the steps.

    Between two steps a disc goes straight on even where the plan has a knot. It is widened by as much as the plan's own
    disc sticks out there, so it holds the plan's disc at every moment and no conflict is missed. `widened` tells how
    much that is at most.

    Args:
        start: s, the first moment; the latest of the plans' first knots if not given.
        steps: after the first moment.
        step: s.

    Raises:
        InputError: as `on_knots`, or the steps are not positive.
    """
    if steps < 1 or not 0.0 < step < np.inf:
        raise InputError(f"a grid of {steps} steps of {step:g} s: both must be more than 0")
    knots = _Knots(motions)
    start = knots.latest_start if start is None else start
    _check_size(len(motions), steps + 1)
    grid = knots.grid(start + step * np.arange(steps + 1, dtype=np.float64))
    more = knots.sticking_out(grid)
    if not more.any():
        return grid
    more = np.maximum(more[:, :-1], more[:, 1:])  # a moment has the larger of the two steps beside it
    x, y, radius = grid.discs
    return PlanGrid(grid.robots, grid.times, np.stack([x, y, radius + more]), float(more.max()))


def _check_size(robots: int, moments: int) -> None:
    if 3 * robots * moments > MOST_NUMBERS:
        raise InputError(f"plans of {robots} robots at {moments} moments are too many: take fewer, on equal steps")


class _Knots:
    """All knots of all plans in one table, robot after robot.

    Attributes:
        times: (K,) s.
        latest_start, latest_stop: s, of the plans' first and last knots.
    """

    def __init__(self, motions: Sequence[PlannedMotion]) -> None:
        if not motions:
            raise InputError("a grid of plans needs a plan at least")
        self._robots = tuple(motion.robot for motion in motions)
        counts = np.array([len(motion.knots) for motion in motions])
        last = np.cumsum(counts) - 1
        self._first: NDArray[np.intp] = last - counts + 1
        self._owners: NDArray[np.intp] = np.repeat(np.arange(len(motions)), counts)
        self.times, *discs = np.concatenate([motion.knots for motion in motions]).T.copy()
        self._discs = np.stack(discs)
        self._discs[2] += np.repeat([motion.footprint for motion in motions], counts)
        lengths = np.diff(self.times, append=np.inf)
        lengths[last] = np.inf  # a robot stays at its last knot
        self._rates: FloatArray = np.diff(self._discs, axis=1, append=0.0) / lengths
        self.latest_start = float(self.times[self._first].max())
        self.latest_stop = float(self.times[last].max())

    def grid(self, times: FloatArray) -> PlanGrid:
        """The plans at these moments."""
        robots, moments = len(self._robots), len(times)
        _check_size(robots, moments)
        # How many of its knots a robot has at or before each moment, by counting them where they come in.
        slots = self._owners * (moments + 1) + np.searchsorted(times, self.times, side="left")
        told = np.bincount(slots, minlength=robots * (moments + 1)).reshape(robots, moments + 1)[:, :-1].cumsum(axis=1)
        knot = self._first[:, None] + np.maximum(told - 1, 0)
        since = np.maximum(times - self.times[knot], 0.0)
        discs = np.stack([disc[knot] + since * rate[knot] for disc, rate in zip(self._discs, self._rates, strict=True)])
        return PlanGrid(self._robots, times, discs)

    def sticking_out(self, grid: PlanGrid) -> FloatArray:
        """(N, T + 1) m: how far plans reach out of the grid's discs before, between and after its moments.

        What sticks out is convex between two knots and nothing at the moments, so it is most at a knot.
        """
        times = grid.times
        step = np.searchsorted(times, self.times, side="right") - 1
        inside = np.flatnonzero((step >= 0) & (step < len(times) - 1) & (times[step] != self.times))
        owners, when, step = self._owners[inside], self.times[inside], step[inside]
        share = (when - times[step]) / (times[step + 1] - times[step])
        here, there = grid.discs[:, owners, step], grid.discs[:, owners, step + 1]
        x, y, radius = self._discs[:, inside] - (here + share * (there - here))
        out = np.zeros((len(grid.robots), len(times) + 1))
        np.maximum.at(out, (owners, step + 1), np.hypot(x, y) + radius)
        return out
