"""Earlier imaginations held against what then happened: accuracy, displacement, coverage of the radii."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import NamedTuple, TypedDict

import numpy as np

from ewm_ros.geometry import Pose2D
from ewm_ros.trajectory import HORIZON, STEP, Trajectory
from ewm_ros.world_model.prediction_windows import MOVED, Outcomes, PredictionWindows

__all__ = ["MOVED", "PredictionDetail", "PredictionScore", "ScoreSums", "Verdict"]

STEPS_1S, STEPS_3S = round(1.0 / STEP), round(3.0 / STEP)


class PredictionDetail(TypedDict):
    """The keys of `ewm accuracy` in measures, for one predictor; None without a window."""

    accuracy: float | None
    ade_m: dict[str, float | None]
    fde_m: float | None
    coverage: dict[str, float | None]
    windows: int


@dataclass(slots=True)
class ScoreSums:
    """Sums over windows of 5 s; they add up over robots and runs.

    A hit is a window in which the most probable imagined trajectory stays within one robot diameter of what happened,
    at every step. Displacements in m: mean over the steps of 1, 3 and all 5 s (ADE) and at the last step (FDE).
    Inside are steps at which what happened was no further off than the predicted 50 % or 90 % radius.
    """

    windows: int = 0
    hits: int = 0
    ade_1s: float = 0.0
    ade_3s: float = 0.0
    ade: float = 0.0
    fde: float = 0.0
    steps: int = 0
    inside50: int = 0
    inside90: int = 0

    def add(self, other: ScoreSums) -> None:
        """Add another robot's or run's sums."""
        for field in fields(self):
            setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))

    def figures(self) -> dict[str, float | None]:
        """The keys of `prediction` in measures: accuracy, ade_m, fde_m; None without a window."""
        n = self.windows
        return {"accuracy": _share(self.hits, n), "ade_m": _share(self.ade, n), "fde_m": _share(self.fde, n)}

    def detail(self) -> PredictionDetail:
        """The keys of `ewm accuracy` in measures."""
        n = self.windows
        return {
            "accuracy": _share(self.hits, n),
            "ade_m": {"1s": _share(self.ade_1s, n), "3s": _share(self.ade_3s, n), "5s": _share(self.ade, n)},
            "fde_m": _share(self.fde, n),
            "coverage": {"50": _share(self.inside50, self.steps), "90": _share(self.inside90, self.steps)},
            "windows": n,
        }


class Verdict(NamedTuple):
    """On one window, when it is over.

    Attributes:
        stamp: s, of the prediction.
        counts: whether the robot moved, or was to move, enough for the window to count.
        hit: see ScoreSums.
    """

    stamp: float
    counts: bool
    hit: bool


class PredictionScore:
    """Scores one robot's predictions.

    Args:
        radius: m, of the robot.
        windows: where they wait; its own if not given.

    Attributes:
        windows: the predictions that wait, and what has become of the newest.
    """

    def __init__(self, radius: float, windows: PredictionWindows | None = None) -> None:
        self._diameter = 2.0 * radius
        self.windows = windows or PredictionWindows()
        self.sums = ScoreSums()

    def predicted(self, trajectory: Trajectory) -> int | None:
        """Keep a prediction until its horizon has passed; its row in the windows, None if it is not one to score."""
        return self.windows.predicted(trajectory)

    def happened(self, stamp: float, pose: Pose2D) -> Outcomes:
        """Take what really happened, and score the predictions whose horizon has passed."""
        outcomes = self.windows.happened(stamp, pose)
        for row in outcomes.full:
            self.judge(row)
        return outcomes

    def judge(self, row: int) -> Verdict:
        """Score a window that is full."""
        windows = self.windows
        counts, hit = bool(windows.counts[row]), bool(windows.errors[row].max() <= self._diameter)
        if counts:
            self._score(row, hit)
        return Verdict(float(windows.stamps[row]), counts, hit)

    def _score(self, row: int, hit: bool) -> None:
        sums, errors, radii = self.sums, self.windows.errors[row], self.windows.radii[row]
        sums.windows += 1
        sums.hits += hit
        summed = errors.cumsum()
        sums.ade_1s += float(summed[STEPS_1S - 1]) / STEPS_1S
        sums.ade_3s += float(summed[STEPS_3S - 1]) / STEPS_3S
        sums.ade += float(summed[-1]) / HORIZON
        sums.fde += float(errors[-1])
        sums.steps += HORIZON
        sums.inside50 += int(np.count_nonzero(errors <= radii[:, 0]))
        sums.inside90 += int(np.count_nonzero(errors <= radii[:, 1]))


def _share(part: float, whole: int) -> float | None:
    return part / whole if whole else None
