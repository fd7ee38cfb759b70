"""A robot's plans, as it told them, held against where it then was: hundreds at a time, for an hour in a second.

The measures, and which plans count, are those of world_model/prediction_score.py, which takes them one by one.
"""

from __future__ import annotations

import math
from array import array

import numpy as np
from numpy.typing import NDArray

from ewm_ros.geometry import FloatArray, Pose2D
from ewm_ros.intention.knots import TIME_LIMIT
from ewm_ros.messages import Plan
from ewm_ros.trajectory import HORIZON, MEDIAN_SHARE, STEP
from ewm_ros.world_model.prediction_score import STEPS_1S, STEPS_3S, ScoreSums
from ewm_ros.world_model.prediction_windows import GAP, MOVED, TOLERANCE

BATCH = 500  # plans that are scored together
APART = (
    128.0  # s from one plan to the next where many are laid out one after the other: more than TIME_LIMIT and HORIZON
)

Places = NDArray[np.complex128]


class PlanScore:
    """Scores the plans of one robot.

    Poses have to come in the order of their stamps. Plans may come before or after the poses that they are about; a
    plan counts if there was no gap of 0.18 s in the poses from its stamp to the end of its 5 s. If time is set back,
    what is not over by then is dropped.

    Args:
        radius: m, of the robot; nan if it is not known, and nothing can be scored.
    """

    def __init__(self, radius: float) -> None:
        self._diameter = 2.0 * radius
        self._sums = ScoreSums()
        self._forget()

    def _forget(self) -> None:
        self._times, self._x, self._y = array("d"), array("d"), array("d")  # s, m, m of all poses that are still needed
        self._stamps, self._plans = array("d"), list[Plan]()  # those that are not scored yet
        self._held = 0  # plans that were there at the newest pose
        self._enough = BATCH

    @property
    def sums(self) -> ScoreSums:
        """Sums over all plans whose 5 s have passed."""
        self._settle()
        return self._sums

    def told(self, stamp: float, plan: Plan) -> None:
        """Take a plan and the stamp (s) of its intention."""
        if math.isnan(self._diameter):
            return
        self._stamps.append(stamp)
        self._plans.append(plan)

    def happened(self, stamp: float, pose: Pose2D) -> None:
        """Take where the robot really was at a time (s)."""
        if self._times and stamp <= self._times[-1] + TOLERANCE:
            if stamp >= self._times[-1] - TOLERANCE:
                return
            # What was told since the last pose may be by the new time already: there is nothing to hold it against.
            self._plans, self._stamps = self._plans[: self._held], self._stamps[: self._held]
            self._settle()
            self._forget()
        self._times.append(stamp)
        self._x.append(pose.x)
        self._y.append(pose.y)
        if len(self._plans) >= self._enough:
            self._settle()
        self._held = len(self._plans)

    def _settle(self) -> None:
        """Score the plans whose time is over, and forget what is needed no more."""
        if not self._times or not self._plans:
            return
        stamps, times = np.array(self._stamps), np.array(self._times)
        over = stamps + HORIZON * STEP <= times[-1] + TOLERANCE
        track = _Track(times, np.array(self._x) + 1j * np.array(self._y))
        counted = np.flatnonzero(over)[track.knows(stamps[over])]
        for begin in range(0, len(counted), BATCH):
            rows = counted[begin : begin + BATCH]
            self._score(track, stamps[rows], [self._plans[row] for row in rows.tolist()])
        left = np.flatnonzero(~over).tolist()
        self._plans = [self._plans[row] for row in left]
        self._stamps = array("d", stamps[left])
        self._enough = len(left) + BATCH
        self._held = min(self._held, len(left))
        # A plan that is told later than its horizon is none; the last pose shows whether there is a gap after it.
        needed = min(times[-1] - HORIZON * STEP, stamps[left].min(initial=math.inf)) - GAP
        first = min(int(times.searchsorted(needed)), len(times) - 1)
        self._times, self._x, self._y = self._times[first:], self._x[first:], self._y[first:]

    def _score(self, track: _Track, stamps: FloatArray, plans: list[Plan]) -> None:
        planned, radii = unfolded(plans)
        been = track.places(stamps[:, None] + STEP * np.arange(1, HORIZON + 1), stamps)
        start = track.places(stamps[:, None], stamps)
        moved = np.maximum(np.abs(planned - start).max(axis=1), np.abs(been - start).max(axis=1)) > MOVED
        errors, radii = np.abs(been - planned)[moved], radii[moved]
        sums = self._sums
        sums.windows += len(errors)
        sums.hits += int((errors.max(axis=1, initial=0.0) <= self._diameter).sum())
        sums.ade_1s += float(errors[:, :STEPS_1S].sum()) / STEPS_1S
        sums.ade_3s += float(errors[:, :STEPS_3S].sum()) / STEPS_3S
        sums.ade += float(errors.sum()) / HORIZON
        sums.fde += float(errors[:, -1].sum())
        sums.steps += errors.size
        sums.inside50 += int((errors <= MEDIAN_SHARE * radii).sum())
        sums.inside90 += int((errors <= radii).sum())


class _Track:
    """Where a robot was: straight between two poses, and unknown in gaps.

    Args:
        times: (T,) s, ascending.
        been: (T,) m, x + iy.
    """

    def __init__(self, times: FloatArray, been: Places) -> None:
        self._times, self._been = times, been
        breaks = np.flatnonzero(np.diff(times) >= GAP) + 1
        self._first = np.concatenate([[0], breaks])  # poses at which a stretch without a gap begins
        self._last = np.concatenate([breaks, [len(times)]]) - 1

    def _stretch(self, stamps: FloatArray) -> NDArray[np.intp]:
        """Which stretch these moments (s) are in, or after; -1 before all."""
        found: NDArray[np.intp] = self._times[self._first].searchsorted(stamps + TOLERANCE, side="right")
        return found - 1

    def knows(self, stamps: FloatArray) -> NDArray[np.bool_]:
        """Whether it is known where the robot was in all of the 5 s from these moments on: (N,) s."""
        stretch = self._stretch(stamps)
        end = self._times[self._last[stretch]]
        return np.asarray((stretch >= 0) & (stamps + HORIZON * STEP <= end + TOLERANCE))

    def places(self, when: FloatArray, stamps: FloatArray) -> Places:
        """(N, K) m, x + iy: where the robot was at moments (N, K) s of the stretches that (N,) stamps s are in."""
        stretch = self._stretch(stamps)
        begin, end = self._times[self._first[stretch]], self._times[self._last[stretch]]
        inside = np.clip(when, begin[:, None], end[:, None])
        return np.asarray(np.interp(inside, self._times, self._been))


def unfolded(plans: list[Plan]) -> tuple[Places, FloatArray]:
    """The trajectories of P plans as their receivers take them, see IntentionCompressor.decompress.

    Returns:
        Places (P, HORIZON) m, x + iy, and the radii of 90 % (P, HORIZON) m.
    """
    # All plans one after the other on one axis of time, each with its last knot held until after its horizon.
    held = APART / 2.0
    assert held > max(TIME_LIMIT, HORIZON * STEP)
    knots = [
        (n * APART + t, x, y, radius)
        for n, plan in enumerate(plans)
        for t, x, y, radius in (*((k.t, k.x, k.y, k.radius) for k in plan.knots), _held(plan, held))
    ]
    t, x, y, radius = np.array(knots).T
    times = APART * np.arange(len(plans))[:, None] + STEP * np.arange(1, HORIZON + 1)
    return np.interp(times, t, x + 1j * y), np.interp(times, t, radius)


def _held(plan: Plan, until: float) -> tuple[float, float, float, float]:
    last = plan.knots[-1]
    return until, last.x, last.y, last.radius
