"""Predictions paired with what then happened, step by step: what every score and every recalibration is fed by."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ewm_ros.geometry import FloatArray, Pose2D
from ewm_ros.trajectory import HORIZON, STEP, Trajectory

IntArray = NDArray[np.intp]
BoolArray = NDArray[np.bool_]
ComplexArray = NDArray[np.complex128]

MOVED = 0.3  # m; only windows count in which the robot moved, or was predicted to move, more than this
GAP = 1.8 * STEP  # s without a pose, from which on nobody knows what happened in between
ROWS = 2 * HORIZON  # predictions that can wait at a time
REMEMBERED = 128  # newest poses kept for predictions that are told late
TOLERANCE = 1e-3  # s by which two stamps of the same moment may differ
EXACT = 1e-6  # s by which rounding makes two stamps of the same moment differ, in seconds since 1970
EVEN = 1e-7  # s within which steps are at one moment; several of these have to be less than EXACT

# What is kept of one step of one prediction: x and y (m), the radii of 50 % and 90 % (m), two numbers of who keeps it,
# the error (m) and which step it is. Side by side, since steps that happen at one moment lie far apart: most of the
# time would be spent on fetching each of these from memory by itself.
PLACE, RADII, NOTES, ERROR, WHICH, CELL = slice(0, 2), slice(2, 4), slice(4, 6), 6, 7, 8


class Outcomes(NamedTuple):
    """The steps of waiting predictions that have now happened, one predictor's after the other's.

    Attributes:
        rows: (N,) of the windows' arrays.
        cells: (N, CELL) what was predicted of them, and the error.
        counts: (N,) of these rows, see PredictionWindows.
        full: rows whose last step is among them; they hold what they hold until HORIZON more predictions are made.
    """

    rows: IntArray
    cells: FloatArray
    counts: BoolArray
    full: list[int]

    @property
    def steps(self) -> IntArray:
        """(N,) from 0 to HORIZON - 1."""
        return self.cells[:, WHICH].astype(np.intp)

    def split(self, predictors: int) -> list[Outcomes]:
        """Those of each predictor."""
        result, begin = [], 0
        for k in range(predictors):
            last = k == predictors - 1
            end = len(self.rows) if last else int(np.count_nonzero(self.rows < (k + 1) * ROWS))
            full = [row for row in self.full if row // ROWS == k]
            result.append(Outcomes(self.rows[begin:end], self.cells[begin:end], self.counts[begin:end], full))
            begin = end
        return result


NO_ROWS: IntArray = np.zeros(0, dtype=np.intp)
NOTHING = Outcomes(NO_ROWS, np.zeros((0, CELL)), np.zeros(0, dtype=bool), [])


class PredictionWindows:
    """The newest predictions of one robot by one or more predictors, and what has become of them.

    Poses may come at any rate of more than one in GAP, and a little before or after the prediction made from them; the
    robot's place at a prediction's steps is interpolated. After a gap, or when time is set back, predictions from
    before are dropped: a window with a gap is not judged.

    Args:
        predictors: how many; each has ROWS rows, one predictor's after the other's.

    Attributes:
        stamps: (R,) s, of the predictions.
        radii: (R, HORIZON, 2) m, that were to hold 50 % and 90 %.
        errors: (R, HORIZON) m, as far as the steps have happened.
        counts: (R,) whether the robot was predicted to move more than MOVED from where it was, or has.
    """

    def __init__(self, predictors: int = 1) -> None:
        rows = predictors * ROWS
        self.stamps = np.full(rows, math.inf)
        self.counts = np.zeros(rows, dtype=bool)
        self._cells = np.zeros((rows * HORIZON, CELL))
        windows = self._cells.reshape(rows, HORIZON, CELL)
        self.radii, self.errors = windows[..., RADII], windows[..., ERROR]
        self._predicted, self._notes = windows[..., PLACE], windows[..., NOTES]
        windows[..., WHICH] = np.arange(HORIZON)
        # Places are complex, x + iy m: one array, one interpolation, and abs() is the distance.
        self._places = windows.view(np.complex128)[..., 0]
        self._errors = self._cells[:, ERROR]
        self._starts = np.zeros(rows, dtype=np.complex128)
        self._waiting = np.zeros(rows, dtype=bool)  # rows with steps to come
        self._next = np.zeros(rows, dtype=np.intp)  # index of the next cell to come
        self._early: list[int] = []  # rows of predictions that begin later than the newest pose
        self._made = [0] * predictors
        self._track = _Track()
        # Where poses come once a STEP and predictions are made from them, all that waits has a step at one moment. Then
        # it is _first + _beats * STEP (s); nan if there is no such moment.
        self._first = math.nan
        self._beats = 0

    def predicted(self, trajectory: Trajectory) -> int | None:
        """Keep a prediction until its horizon has passed, and tell its row; None if it is not of the usual steps."""
        if len(trajectory.poses) != HORIZON or trajectory.step != STEP:
            return None
        radii = np.column_stack((trajectory.median, trajectory.radius))
        return self.keep(trajectory.stamp, trajectory.poses, radii)

    def keep(
        self, stamp: float, poses: FloatArray, radii: FloatArray, notes: FloatArray | float = 0.0, predictor: int = 0
    ) -> int:
        """`predicted` of the parts of a trajectory of the usual steps.

        Args:
            stamp: s.
            poses: (HORIZON, 3) m, m, rad.
            radii: (HORIZON, 2) m, that are to hold 50 % and 90 %.
            notes: (HORIZON, 2) to be told again when the steps have happened.
            predictor: that has made it, from 0.
        """
        row = predictor * ROWS + self._made[predictor] % ROWS
        self._made[predictor] += 1
        self.stamps[row] = stamp
        self._predicted[row], self.radii[row], self._notes[row] = poses[:, :2], radii, notes
        self._waiting[row] = False
        if row in self._early:
            self._early.remove(row)
        if not self._track.known or stamp >= self._track.oldest - TOLERANCE:
            self._early.append(row)
            self._begin()
        return row

    def happened(self, stamp: float, pose: Pose2D) -> Outcomes:
        """Take where the robot really was."""
        track = self._track
        newest = track.newest
        if track.known and abs(stamp - newest) <= TOLERANCE:
            return NOTHING
        if track.known and stamp < newest:  # time was set back: what was expected will not come
            self._drop(math.inf)
        if not track.known or not newest < stamp < newest + GAP:
            self._drop(stamp - TOLERANCE)
            track.forget()
        track.add(stamp, pose)
        if self._early:
            self._begin()
        if abs(stamp - self._beat) <= EVEN:
            return self._step_together()
        return self._step_by_moment(stamp)

    @property
    def _beat(self) -> float:
        """The moment (s) at which all that waits has its next step; nan if it has them at different ones."""
        return self._first + self._beats * STEP

    def _drop(self, before: float) -> None:
        """Expect nothing more of the predictions made before a time (s)."""
        self._waiting[self.stamps < before] = False
        self._early = [row for row in self._early if not self.stamps[row] < before]

    def _begin(self) -> None:
        """Take down where the robot was when it made those predictions whose moment has come."""
        if not self._track.known:
            return
        newest = self._track.newest + TOLERANCE
        for row in [row for row in self._early if self.stamps[row] <= newest]:
            self._early.remove(row)
            stamp = float(self.stamps[row])
            self._starts[row] = start = self._track.at(stamp)
            self.counts[row] = np.abs(self._places[row] - start).max() > MOVED
            self._next[row], self._waiting[row] = row * HORIZON, True
            if not abs(stamp + STEP - self._beat) <= EVEN:
                self._first = math.nan

    def _step_together(self) -> Outcomes:
        """Compare where all that waits has a step at the moment of the newest pose."""
        rows = self._waiting.nonzero()[0]
        outcomes = self._compare(rows, self._track.last) if len(rows) else NOTHING
        self._next += 1  # of rows that do not wait, too: nobody looks at those
        self._beats += 1
        return outcomes

    def _step_by_moment(self, stamp: float) -> Outcomes:
        """Compare the steps that were to come by the newest pose, each with where the robot was at its moment."""
        rows = self._waiting.nonzero()[0]
        found: list[Outcomes] = []
        for of_one in np.split(rows, np.searchsorted(rows, np.arange(ROWS, len(self.stamps), ROWS))):
            found += self._catch_up(of_one, stamp + TOLERANCE)
        self._find_beat()
        return self._joined(found)

    def _catch_up(self, rows: IntArray, until: float) -> list[Outcomes]:
        """Compare these rows' steps up to a time (s), of each row one after the other."""
        found = []
        when = self._due(rows)
        while (ready := when <= until).any():
            rows, when = rows[ready], when[ready]
            found.append(self._compare(rows, self._track.places(when)))
            self._next[rows] += 1
            rows = rows[self._waiting[rows]]
            when = self._due(rows)
        return found

    def _due(self, rows: IntArray) -> FloatArray:
        """(N,) s, when their next steps are."""
        due: FloatArray = self.stamps[rows] + STEP * (self._next[rows] - rows * HORIZON + 1)
        return due

    def _find_beat(self) -> None:
        """See whether all that waits now has its next step at one moment."""
        due = self._due(self._waiting.nonzero()[0])
        self._first = float(due[0]) if len(due) and np.ptp(due) <= EVEN else math.nan
        self._beats = 0

    def _compare(self, rows: IntArray, places: complex | ComplexArray) -> Outcomes:
        """Hold the next step of these predictions against where the robot was then."""
        at = self._next[rows]
        cells = self._cells.take(at, axis=0)
        errors = np.abs(places - cells.view(np.complex128)[:, 0])
        cells[:, ERROR] = self._errors[at] = errors
        counts = self.counts[rows]
        if np.count_nonzero(counts) < len(rows):
            counts |= np.abs(places - self._starts[rows]) > MOVED
            self.counts[rows] = counts
        full = rows[cells[:, WHICH] == HORIZON - 1]
        self._waiting[full] = False
        return Outcomes(rows, cells, counts, full.tolist())

    def _joined(self, found: list[Outcomes]) -> Outcomes:
        if not found:
            return NOTHING
        if len(found) == 1:
            return found[0]
        rows, cells = np.concatenate([one.rows for one in found]), np.concatenate([one.cells for one in found])
        return Outcomes(rows, cells, self.counts[rows], [row for one in found for row in one.full])


class _Track:
    """Where a robot has been since the last gap.

    Attributes:
        known: how many poses of it.
        newest: s, of the last of them.
        last: m, its place; see PredictionWindows.
    """

    def __init__(self) -> None:
        self.known = 0
        self.newest = -math.inf
        self.last = 0j
        # Twice as long as what is remembered: it has to be moved to the front only once in so many poses.
        self._times = np.zeros(2 * REMEMBERED)  # s
        self._places = np.zeros(2 * REMEMBERED, dtype=np.complex128)
        self._end = 0

    @property
    def oldest(self) -> float:
        """s, of the first pose that is remembered."""
        return float(self._times[self._end - self.known])

    def forget(self) -> None:
        """Begin anew: there was a gap."""
        self.known = self._end = 0

    def add(self, stamp: float, pose: Pose2D) -> None:
        """Take the next pose."""
        if self._end == len(self._times):
            self._times[:REMEMBERED] = self._times[REMEMBERED:]
            self._places[:REMEMBERED] = self._places[REMEMBERED:]
            self._end = REMEMBERED
        self.newest, self.last = stamp, complex(pose.x, pose.y)
        self._times[self._end], self._places[self._end] = stamp, self.last
        self._end += 1
        self.known = min(self.known + 1, REMEMBERED)

    def at(self, when: float) -> complex:
        """m, where the robot was at a time (s)."""
        if when >= self.newest - EXACT:  # the usual case
            return self.last
        return complex(self.places(np.array([when]))[0])

    def places(self, when: FloatArray) -> ComplexArray:
        """(N,) m, where the robot was at these times (s); (1,) if it is the newest place at all of them."""
        if when.min() >= self.newest - EXACT:
            return self._places[self._end - 1 : self._end]
        known = slice(self._end - self.known, self._end)
        return np.interp(when, self._times[known], self._places[known])
