"""Predictions paired with what then happened, step by step: what every score and every recalibration is fed by."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ewm_ros.geometry import FloatArray, Pose2D
from ewm_ros.trajectory import HORIZON, STEP, Trajectory

IntArray = NDArray[np.intp]

MOVED = 0.3  # m; only windows count in which the robot moved, or was predicted to move, more than this
GAP = 1.8 * STEP  # s without a pose, from which on nobody knows what happened in between
ROWS = 2 * HORIZON  # predictions that can wait at a time
REMEMBERED = 128  # newest poses kept for predictions that are told late
TOLERANCE = 1e-3  # s by which two stamps of the same moment may differ
EXACT = 1e-6  # s by which rounding makes two stamps of the same moment differ, in seconds since 1970


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes:
    """The steps of waiting predictions that have now happened, oldest first.

    Attributes:
        rows: (N,) of the windows' arrays.
        steps: (N,) from 0 to HORIZON - 1.
        full: (M,) rows whose last step is among them; they hold what they hold until HORIZON more predictions are made.
    """

    rows: IntArray
    steps: IntArray
    full: IntArray


NO_ROWS: IntArray = np.zeros(0, dtype=np.intp)
NOTHING = Outcomes(NO_ROWS, NO_ROWS, NO_ROWS)


class PredictionWindows:
    """The newest predictions of one robot, and what has become of them.

    Poses may come at any rate of more than one in GAP, and a little before or after the prediction made from them; the
    robot's place at a prediction's steps is interpolated. After a gap, or when time is set back, predictions from
    before are dropped: a window with a gap is not judged.

    Attributes:
        stamps: (ROWS,) s, of the predictions.
        radii: (ROWS, HORIZON, 2) m, that were to hold 50 % and 90 %.
        errors: (ROWS, HORIZON) m, as far as the steps have happened.
        counts: (ROWS,) whether the robot was predicted to move more than MOVED from where it was, or has.
    """

    def __init__(self) -> None:
        self.stamps = np.full(ROWS, math.inf)
        self.radii = np.zeros((ROWS, HORIZON, 2))
        self.errors = np.zeros((ROWS, HORIZON))
        self.counts = np.zeros(ROWS, dtype=bool)
        # Places are complex, x + iy m: one array, one interpolation, and abs() is the distance.
        self._places = np.zeros((ROWS, HORIZON), dtype=np.complex128)
        self._starts = np.zeros(ROWS, dtype=np.complex128)
        self._steps = np.zeros(ROWS, dtype=np.intp)  # to come
        self._due = np.full(ROWS, math.inf)  # s, when they are; inf for rows with nothing to come
        self._early: list[int] = []  # rows of predictions that begin later than the newest pose
        self._made = 0
        self._times = np.zeros(REMEMBERED)  # s, of the newest poses, the newest last
        self._been = np.zeros(REMEMBERED, dtype=np.complex128)
        self._known = 0  # how many of them have been without a gap

    def predicted(self, trajectory: Trajectory) -> int | None:
        """Keep a prediction until its horizon has passed, and tell its row; None if it is not of the usual steps."""
        if len(trajectory.poses) != HORIZON or trajectory.step != STEP:
            return None
        row = self._made % ROWS
        self._made += 1
        self.stamps[row] = trajectory.stamp
        self.radii[row, :, 0], self.radii[row, :, 1] = trajectory.median, trajectory.radius
        self._places[row].real, self._places[row].imag = trajectory.poses[:, 0], trajectory.poses[:, 1]
        self._due[row] = math.inf
        if row in self._early:
            self._early.remove(row)
        too_late = self._known and trajectory.stamp < self._times[-self._known] - TOLERANCE
        if not too_late:
            self._early.append(row)
            self._begin()
        return row

    def happened(self, stamp: float, pose: Pose2D) -> Outcomes:
        """Take where the robot really was."""
        newest = float(self._times[-1])
        if self._known and abs(stamp - newest) <= TOLERANCE:
            return NOTHING
        if self._known and stamp < newest:  # time was set back: what was expected will not come
            self._drop(math.inf)
        if not self._known or not newest < stamp < newest + GAP:
            self._drop(stamp - TOLERANCE)
            self._known = 0
        self._times[:-1], self._been[:-1] = self._times[1:], self._been[1:]
        self._times[-1], self._been[-1] = stamp, complex(pose.x, pose.y)
        self._known = min(self._known + 1, REMEMBERED)
        self._begin()
        found = []
        rows = (self._due <= stamp + TOLERANCE).nonzero()[0]
        while len(rows):
            found.append(self._compare(rows))
            rows = rows[self._due[rows] <= stamp + TOLERANCE]
        return _joined(found)

    def _drop(self, before: float) -> None:
        """Expect nothing more of the predictions made before a time (s)."""
        self._due[self.stamps < before] = math.inf
        self._early = [row for row in self._early if not self.stamps[row] < before]

    def _begin(self) -> None:
        """Take down where the robot was when it made those predictions whose moment has come."""
        if not self._known:
            return
        newest = self._times[-1] + TOLERANCE
        for row in [row for row in self._early if self.stamps[row] <= newest]:
            self._early.remove(row)
            self._starts[row] = start = self._places_at(self.stamps[row : row + 1])[0]
            self.counts[row] = np.abs(self._places[row] - start).max() > MOVED
            self._steps[row], self._due[row] = 0, self.stamps[row] + STEP

    def _compare(self, rows: IntArray) -> Outcomes:
        """Hold the next step of these predictions against where the robot was then."""
        steps, when = self._steps[rows], self._due[rows]
        places = self._places_at(when)
        cells = rows * HORIZON + steps
        self.errors.reshape(-1)[cells] = np.abs(places - self._places.take(cells))
        self.counts[rows] |= np.abs(places - self._starts[rows]) > MOVED
        full = rows[steps == HORIZON - 1]
        self._steps[rows] = steps + 1
        self._due[rows] = self.stamps[rows] + STEP * (steps + 2)
        self._due[full] = math.inf
        return Outcomes(rows, steps, full)

    def _places_at(self, when: FloatArray) -> NDArray[np.complex128]:
        if when.min() >= self._times[-1] - EXACT:  # the usual case
            return self._been[-1:]
        return np.interp(when, self._times[-self._known :], self._been[-self._known :])


def _joined(found: list[Outcomes]) -> Outcomes:
    if not found:
        return NOTHING
    if len(found) == 1:
        return found[0]
    return Outcomes(
        np.concatenate([one.rows for one in found]),
        np.concatenate([one.steps for one in found]),
        np.concatenate([one.full for one in found]),
    )
