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

import numpy as np

from ewm_ros.geometry import FloatArray, Pose2D
from ewm_ros.trajectory import HORIZON, STEP, Imagination, Rollouts
from ewm_ros.world_model.prediction_score import PredictionScore, ScoreSums, Verdict
from ewm_ros.world_model.prediction_windows import ERROR, NOTES, RADII, WHICH, IntArray, Outcomes, PredictionWindows

LEVELS = np.array([0.5, 0.9])
MISSED = 1.0 - LEVELS  # share of the errors that is to be larger
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


class Validator:
    """Judges and recalibrates one predictor on one robot.

    Args:
        radius: m, of the robot.
        windows: where the predictions of all that are judged on it wait; its own if not given.
        predictor: which of them this one is.
    """

    def __init__(self, radius: float, windows: PredictionWindows | None = None, predictor: int = 0) -> None:
        self._score = PredictionScore(radius, windows)
        self._predictor = predictor
        self._log_factors = np.zeros((HORIZON, len(LEVELS)))
        self._integrals = np.zeros(len(LEVELS))
        self._lessons = 0
        self._lesson: FloatArray | None = None  # (N, CELL) of what has happened last, until it has been learned

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
        learn_together([self])
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

    def keep(self, stamp: float, poses: FloatArray, radii: FloatArray, log_raw: FloatArray) -> None:
        """Take what is told as the most probable future, to be judged.

        Args:
            stamp: s.
            poses: (HORIZON, 3) m, m, rad.
            radii: (HORIZON, 2) m, as they are told.
            log_raw: (HORIZON, 2) the logarithms of those before recalibration.
        """
        self._score.windows.keep(stamp, poses, radii, log_raw, self._predictor)

    def happened(self, stamp: float, pose: Pose2D) -> tuple[Verdict, ...]:
        """Take where the robot really was; the verdicts on the windows that are over by it."""
        return self.judge(self._score.windows.happened(stamp, pose))

    def judge(self, outcomes: Outcomes) -> tuple[Verdict, ...]:
        """`happened` of what the windows have told of its predictor."""
        if self._lesson is not None:
            learn_together([self])
        count = np.count_nonzero(outcomes.counts)
        if count:
            self._lesson = outcomes.cells if count == len(outcomes.counts) else outcomes.cells[outcomes.counts]
        return tuple(self._score.judge(row) for row in outcomes.full)


def learn_together(validators: Sequence[Validator]) -> None:
    """Let validators learn from what has happened; one that is left out does so when its factors are next asked for."""
    taught = [validator for validator in validators if validator._lesson is not None]
    if not taught:
        return
    lessons = [validator._lesson for validator in taught if validator._lesson is not None]
    cells = np.concatenate(lessons)
    sizes = np.array([len(lesson) for lesson in lessons])
    log_factors, integrals = _learned(taught)
    # Of each cell, which of all the factors is for it.
    factor = np.repeat(np.arange(len(taught)) * HORIZON, sizes) + cells[:, WHICH].astype(np.intp)
    # What counts is whether today's factor would have held the error: the factor of up to 5 s ago has been
    # corrected since, and to correct it again and again until the first corrections show would overshoot.
    held = cells[:, NOTES] + log_factors.reshape(-1, len(LEVELS)).take(factor, axis=0)
    errors = cells[:, ERROR, None]
    wrong = (np.log(np.maximum(errors, SMALLEST)) > held) - MISSED
    sums = _sums(np.concatenate((wrong, errors > cells[:, RADII]), axis=1), sizes)
    change = np.zeros_like(log_factors)
    # As complex numbers: numpy scatters them several times as fast as rows of two.
    change.reshape(-1).view(np.complex128)[factor] = ((1.0 - POOLED) * wrong).view(np.complex128)[:, 0]
    change += ((POOLED / sizes)[:, None] * sums[:, :2])[:, None]
    rates = np.array([RATE + EAGERNESS / (1.0 + validator._lessons / SETTLED) for validator in taught])
    log_factors = _limited(log_factors + rates[:, None, None] * change, LARGEST_LOG)
    integrals = _limited(integrals + INTEGRAL * (sums[:, 2:] / sizes[:, None] - MISSED), LARGEST_INTEGRAL)
    for validator, log_factor, integral in zip(taught, log_factors, integrals, strict=True):
        validator._log_factors, validator._integrals = log_factor, integral
        validator._lessons += 1
        validator._lesson = None


def _learned(validators: Sequence[Validator]) -> tuple[FloatArray, FloatArray]:
    """(B, HORIZON, 2) logarithms of factors, (B, 2) integrals of several validators."""
    factors = np.array([validator._log_factors for validator in validators])
    return factors, np.array([validator._integrals for validator in validators])


def _sums(values: FloatArray, sizes: IntArray) -> FloatArray:
    """(B, D) sums of (N, D) values over the first of so many, the next of so many and so on, each in its order."""
    places = np.arange(sizes.max())[:, None]
    # (K, B) with a value of nothing where there are fewer than K.
    which = np.where(places < sizes, places + (sizes.cumsum() - sizes), len(values))
    sums: FloatArray = np.concatenate((values, np.zeros((1, values.shape[1])))).take(which, axis=0).sum(axis=0)
    return sums


def recalibrated(validators: Sequence[Validator], imaginations: Sequence[Imagination]) -> list[Imagination]:
    """Validator.recalibrate of several validators at once; all imaginations have as many rollouts."""
    learn_together(validators)
    rollouts = [Rollouts.of(imagination.rollouts) for imagination in imaginations]
    raw = np.array([(parts.median, parts.radius) for parts in rollouts])  # (B, 2, R, HORIZON)
    log_factors, integrals = _learned(validators)
    factors = _factors(log_factors + integrals[:, None]).swapaxes(1, 2)
    told = raw * factors[:, :, None] @ _EVENING.T
    np.minimum(told[:, 0], told[:, 1], out=told[:, 0])
    kept = told[:, :, 0].swapaxes(1, 2)
    log_raw = np.log(np.maximum(raw[:, :, 0], SMALLEST)).swapaxes(1, 2)
    result = []
    for k, (validator, imagination, parts) in enumerate(zip(validators, imaginations, rollouts, strict=True)):
        if parts.step == STEP:
            validator.keep(parts.stamp, parts.poses[0], kept[k], log_raw[k])
        futures = Rollouts(parts.stamp, parts.poses, told[k, 1], told[k, 0], parts.step)
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
