"""Earlier imaginations held against what then happened: the measure of prediction accuracy."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from ewm_ros.geometry import FloatArray, Pose2D
from ewm_ros.trajectory import HORIZON, STEP, Trajectory

MOVED = 0.3  # m; only windows count in which the robot moved, or was predicted to move, more than this


@dataclass(slots=True)
class ScoreSums:
    """Sums over windows of 5 s; they add up over robots and runs.

    A hit is a window in which the most probable imagined trajectory stays within one robot diameter of what happened,
    at every step. Displacements in m: mean over the steps (ADE) and at the last step (FDE).
    """

    windows: int = 0
    hits: int = 0
    ade: float = 0.0
    fde: float = 0.0

    def add(self, other: ScoreSums) -> None:
        """Add another robot's or run's sums."""
        self.windows += other.windows
        self.hits += other.hits
        self.ade += other.ade
        self.fde += other.fde

    def figures(self) -> dict[str, float | None]:
        """The keys of `prediction` in measures: accuracy, ade_m, fde_m; None without a window."""
        if not self.windows:
            return {"accuracy": None, "ade_m": None, "fde_m": None}
        n = self.windows
        return {"accuracy": self.hits / n, "ade_m": self.ade / n, "fde_m": self.fde / n}


class PredictionScore:
    """Scores one robot's predictions.

    Args:
        radius: m, of the robot.
    """

    def __init__(self, radius: float) -> None:
        self._diameter = 2.0 * radius
        self._pending: deque[tuple[int, FloatArray]] = deque()
        self._happened: dict[int, tuple[float, float]] = {}
        self.sums = ScoreSums()

    def predicted(self, trajectory: Trajectory) -> None:
        """Keep a prediction until its horizon has passed."""
        if len(trajectory.poses) == HORIZON and trajectory.step == STEP:
            self._pending.append((round(trajectory.stamp / STEP), trajectory.poses[:, :2]))

    def happened(self, stamp: float, pose: Pose2D) -> None:
        """Take what really happened, and score the predictions whose horizon has passed."""
        tick = round(stamp / STEP)
        if self._happened and tick < max(self._happened):  # time was set back: what was expected will not come
            self._pending.clear()
            self._happened.clear()
        self._happened[tick] = (pose.x, pose.y)
        while self._pending and self._pending[0][0] + HORIZON <= tick:
            start, predicted = self._pending.popleft()
            truth = [self._happened.get(t) for t in range(start, start + HORIZON + 1)]
            known = [place for place in truth if place is not None]
            if len(known) == len(truth):  # a window with a gap is not judged
                self._score(predicted, np.array(known))
            self._happened.pop(start - 1, None)
        if len(self._happened) > 4 * HORIZON:
            self._happened = {t: p for t, p in self._happened.items() if t > tick - 2 * HORIZON}

    def _score(self, predicted: FloatArray, truth: FloatArray) -> None:
        start, truth = truth[0], truth[1:]
        moved = max(np.hypot(*(truth - start).T).max(), np.hypot(*(predicted - start).T).max())
        if moved <= MOVED:
            return
        errors = np.hypot(*(predicted - truth).T)
        self.sums.windows += 1
        self.sums.hits += bool((errors <= self._diameter).all())
        self.sums.ade += float(errors.mean())
        self.sums.fde += float(errors[-1])
