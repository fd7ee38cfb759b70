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
START = -1.0  # the step of where the robot is when it predicts


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
        radii: (ROWS, 2, HORIZON) m, that were to hold 50 % and 90 %.
        errors: (ROWS, HORIZON) m, as far as the steps have happened.
        counts: (ROWS,) whether the robot was predicted to move more than MOVED from where it was, or has.
    """

    def __init__(self) -> None:
        self.stamps = np.full(ROWS, math.inf)
        self.radii = np.zeros((ROWS, 2, HORIZON))
        self.errors = np.zeros((ROWS, HORIZON))
        self.counts = np.zeros(ROWS, dtype=bool)
        # Places are complex, x + iy m: one array, one interpolation, and abs() is the distance.
        self._places = np.zeros((ROWS, HORIZON), dtype=np.complex128)
        self._starts = np.zeros(ROWS, dtype=np.complex128)
        self._next = np.full(ROWS, math.inf)  # step to come; START before the robot is there, inf for none
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
        self.radii[row, 0], self.radii[row, 1] = trajectory.median, trajectory.radius
        self._places[row].real, self._places[row].imag = trajectory.poses[:, 0], trajectory.poses[:, 1]
        too_late = self._known and trajectory.stamp < self._times[-self._known] - TOLERANCE
        self._next[row] = math.inf if too_late else START
        self._begin()
        return row

    def happened(self, stamp: float, pose: Pose2D) -> Outcomes:
        """Take where the robot really was."""
        newest = float(self._times[-1])
        if self._known and abs(stamp - newest) <= TOLERANCE:
            return NOTHING
        if self._known and stamp < newest:  # time was set back: what was expected will not come
            self._next[:] = math.inf
        if not self._known or not newest < stamp < newest + GAP:
            self._next[self.stamps < stamp - TOLERANCE] = math.inf
            self._known = 0
        self._times[:-1], self._been[:-1] = self._times[1:], self._been[1:]
        self._times[-1], self._been[-1] = stamp, complex(pose.x, pose.y)
        self._known = min(self._known + 1, REMEMBERED)
        self._begin()
        found = []
        while len(rows := np.flatnonzero(self.stamps + STEP * self._next <= stamp - STEP + TOLERANCE)):
            found.append(self._compare(rows))
        return _joined(found)

    def _begin(self) -> None:
        """Take down where the robot was when it made those predictions whose moment has come."""
        rows = np.flatnonzero((self._next == START) & (self.stamps <= self._times[-1] + TOLERANCE))
        if self._known and len(rows):
            starts = self._starts[rows] = self._places_at(self.stamps[rows])
            self.counts[rows] = np.abs(self._places[rows] - starts[:, None]).max(axis=1) > MOVED
            self._next[rows] = 0.0

    def _compare(self, rows: IntArray) -> Outcomes:
        """Hold the next step of these predictions against where the robot was then."""
        steps = self._next[rows].astype(np.intp)
        places = self._places_at(self.stamps[rows] + STEP * (steps + 1))
        self.errors[rows, steps] = np.abs(places - self._places[rows, steps])
        self.counts[rows] |= np.abs(places - self._starts[rows]) > MOVED
        done = steps == HORIZON - 1
        self._next[rows] += 1.0
        self._next[rows[done]] = math.inf
        return Outcomes(rows, steps, rows[done])

    def _places_at(self, when: FloatArray) -> NDArray[np.complex128]:
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
