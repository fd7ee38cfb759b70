"""The robot's own judge of its predictor: holds each imagination against what then happens, and corrects its radii.

Adaptive conformal inference: for each step and level a factor on the predicted radius follows the wanted quantile of
the errors, whatever their distribution and however it shifts, by steps of the pinball loss's gradient (Gibbs, Candes:
"Adaptive conformal inference under distribution shift", NeurIPS 2021), with the quantile tracking and error integration
of Angelopoulos, Candes and Tibshirani ("Conformal PID control for time series prediction", NeurIPS 2023) and steps that
shrink (Angelopoulos, Barber, Bates: "Online conformal prediction with decaying step sizes", ICML 2024). What is tracked
is the factor's logarithm.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ewm_ros.geometry import FloatArray, Pose2D
from ewm_ros.trajectory import HORIZON, Imagination, Rollouts, Trajectory
from ewm_ros.world_model.prediction_score import PredictionScore, ScoreSums
from ewm_ros.world_model.prediction_windows import ROWS, Outcomes

LEVELS = np.array([0.5, 0.9])
LARGEST_FACTOR = 8.0  # and the smallest is its inverse
LARGEST_LOG = math.log(LARGEST_FACTOR)
# A robot's life is a minute to a few, and neighbouring windows tell nearly the same: the first seconds have to do most,
# and what comes later must not make the radii follow every stop. Found on runs of all worlds.
RATE = 0.02  # of the logarithm, a cycle, in the long run
EAGERNESS = 0.6  # more at first
SETTLED = 25  # cycles after which the eagerness has halved
POOLED = 0.5  # share of each step's lesson that is the mean over all steps: what is wrong is seldom one step only
# What was told too large or too small before the factors were known, or because they lag, is made up for by the rest.
INTEGRAL = 0.01  # of the logarithm, a cycle in which all radii were wrong
LARGEST_INTEGRAL = math.log(1.5)
SMALLEST = 1e-3  # m, of errors and radii that are compared by their logarithms
EVENED = 6  # neighbours to each side with which a radius is averaged
TOO_SURE = 3.0  # times the predicted radius, from which on the predictor's idea of its errors is no longer that


@dataclass(frozen=True, slots=True)
class Verdict:
    """On one window, when it is over.

    Attributes:
        stamp: s, of the prediction.
        counts: whether the robot moved, or was to move, enough for the window to count.
        hit: see ScoreSums.
    """

    stamp: float
    counts: bool
    hit: bool


class Validator:
    """Judges and recalibrates one predictor on one robot.

    Args:
        radius: m, of the robot.
    """

    def __init__(self, radius: float) -> None:
        self._score = PredictionScore(radius)
        self._log_factors = np.zeros((HORIZON, len(LEVELS)))
        self._integrals = np.zeros(len(LEVELS))
        self._log_raw = np.zeros((ROWS, HORIZON, len(LEVELS)))  # of the waiting predictions, before recalibration
        self._lessons = 0

    @property
    def sums(self) -> ScoreSums:
        """Of the most probable futures, with the radii as they were recalibrated when they were imagined."""
        return self._score.sums

    @property
    def factors(self) -> FloatArray:
        """(2, HORIZON) by which the radii of 50 % and 90 % are multiplied at present."""
        factors: FloatArray = _factors(self.log_factors).T
        return factors

    @property
    def log_factors(self) -> FloatArray:
        """(HORIZON, 2) their logarithms, before they are limited."""
        return self._log_factors + self._integrals

    @property
    def factor(self) -> float:
        """On the radius of 90 %, the geometric mean over the steps."""
        return float(np.exp(np.log(self.factors[1]).mean()))

    @property
    def drift(self) -> str:
        """What is wrong with the predictor's idea of its own errors, in one line; empty if nothing is."""
        if self.factor < TOO_SURE:
            return ""
        return f"9 of 10 errors are within {self.factor:.1f} times the radius that the predictor tells, not within it"

    def recalibrate(self, imagination: Imagination) -> Imagination:
        """The same futures with radii by what has happened so far; the most probable is kept to be judged.

        Raises:
            ValueError: a future is not of HORIZON steps.
        """
        return recalibrated([self], [imagination])[0]

    def keep(self, told: Trajectory, raw: FloatArray) -> None:
        """Take what was told as the most probable future, to be judged; raw (2, HORIZON) m: its radii, uncorrected."""
        row = self._score.predicted(told)
        if row is not None:
            self._log_raw[row] = np.log(np.maximum(raw.T, SMALLEST))

    def happened(self, stamp: float, pose: Pose2D) -> tuple[Verdict, ...]:
        """Take where the robot really was; the verdicts on the windows that are over by it."""
        outcomes = self._score.happened(stamp, pose)
        self._learn(outcomes)
        windows = self._score.windows
        return tuple(
            Verdict(float(windows.stamps[row]), bool(windows.counts[row]), self._score.hit(row))
            for row in outcomes.full
        )

    def _learn(self, outcomes: Outcomes) -> None:
        windows = self._score.windows
        teaching = windows.counts[outcomes.rows]
        rows, steps = outcomes.rows[teaching], outcomes.steps[teaching]
        count = len(rows)
        if not count:
            return
        cells = rows * HORIZON + steps
        errors = windows.errors.take(cells)[:, None]
        # What counts is whether today's factor would have held the error: the factor of up to 5 s ago has been
        # corrected since, and to correct it again and again until the first corrections show would overshoot.
        held = self._log_raw.reshape(-1, len(LEVELS)).take(cells, axis=0) + self._log_factors.take(steps, axis=0)
        lessons = (np.log(np.maximum(errors, SMALLEST)) > held) - (1.0 - LEVELS)
        rate = RATE + EAGERNESS / (1.0 + self._lessons / SETTLED)
        change = np.zeros_like(self._log_factors)
        change[steps] = (1.0 - POOLED) * lessons
        change += POOLED / count * lessons.sum(axis=0)
        self._log_factors = _limited(self._log_factors + rate * change, LARGEST_LOG)
        self._lessons += 1
        beyond_told = errors > windows.radii.reshape(-1, len(LEVELS)).take(cells, axis=0)
        self._integrals += INTEGRAL * (beyond_told.sum(axis=0) / count - (1.0 - LEVELS))
        self._integrals = _limited(self._integrals, LARGEST_INTEGRAL)


def recalibrated(validators: Sequence[Validator], imaginations: Sequence[Imagination]) -> list[Imagination]:
    """Validator.recalibrate of several validators at once; all imaginations have as many rollouts."""
    rollouts = [Rollouts.of(imagination.rollouts) for imagination in imaginations]
    raw = np.array([(parts.median, parts.radius) for parts in rollouts])  # (B, 2, R, HORIZON)
    factors = _factors(np.array([validator.log_factors for validator in validators])).swapaxes(1, 2)
    told = raw * factors[:, :, None] @ _EVENING.T
    np.minimum(told[:, 0], told[:, 1], out=told[:, 0])
    result = []
    for validator, imagination, parts, before, (median, radius) in zip(
        validators, imaginations, rollouts, raw, told, strict=True
    ):
        futures = Rollouts(parts.stamp, parts.poses, radius, median, parts.step)
        validator.keep(futures[0], before[:, 0])
        result.append(Imagination(futures, imagination.probabilities))
    return result


def _factors(logarithms: FloatArray) -> FloatArray:
    """The factors whose logarithms these are, within their limits."""
    factors: FloatArray = np.exp(_limited(logarithms, LARGEST_LOG))
    return factors


def _limited(values: FloatArray, size: float) -> FloatArray:
    """The values within plus and minus a size."""
    limited: FloatArray = np.minimum(np.maximum(values, -size), size)
    return limited


def _running_mean() -> FloatArray:
    """(HORIZON, HORIZON) that makes each step's radius the mean of its neighbours': what jumps takes many knots."""
    steps = np.arange(HORIZON)
    reach = np.minimum(EVENED, np.minimum(steps, HORIZON - 1 - steps))  # nearer to the ends, fewer
    near = np.abs(steps[:, None] - steps) <= reach[:, None]
    means: FloatArray = near / near.sum(axis=1, keepdims=True)
    return means


_EVENING = _running_mean()
