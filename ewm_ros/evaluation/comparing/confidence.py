"""How far a difference between two sets of runs may be off: confidence intervals for few runs of any distribution.

Means: each limit is the farther one of two intervals. Student's (1908; for sides of unequal spread Welch 1947 and
Satterthwaite 1946) is right if nothing has changed: differences are then as often above 0 as below. If what changed is
skewed, as by some runs that got stuck, it is too short on their side; the one that is corrected by the cubic
transformation of Hall is not ("On the removal of skewness by transformation", Journal of the Royal Statistical Society
B 54, 1992; for two samples Zhou and Dinh, Biostatistics 6, 2005). Resampling (Efron and Tibshirani 1993) covers less
where runs are very few or many are equal. test_confidence.py counts how often the truth is covered.
Rates: Newcombe's intervals from Wilson's (Statistics in Medicine 17, 1998, paired and unpaired method 10), which do not
collapse when all runs succeed; of several groups they are added up as by Zou and Donner (ibid. 27, 2008).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

import numpy as np

Values = Sequence[float]
Strata = Sequence[tuple[Values, Values]]

NO_SPREAD = 1e-9  # of the largest value: values closer together than this differ by rounding only
NO_SKEW = 1e-6
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(48)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A difference, other side minus baseline.

    Attributes:
        low, high: the interval that covers it; None if there are too few runs, or no spread to tell it from.
        shown: whether it is no chance that the difference is not 0.
    """

    value: float
    low: float | None = None
    high: float | None = None
    shown: bool = False

    @staticmethod
    def within(value: float, low: float, high: float) -> Estimate:
        """With an interval."""
        return Estimate(value, low, high, not low <= 0 <= high)


def paired_means(differences: Values, confidence: float) -> Estimate:
    """The mean of one difference or more, each of two runs of the same scenario."""
    return _combined([(1.0, differences)], confidence, 2 ** len(differences))


def means(strata: Strata, confidence: float) -> Estimate:
    """The difference of two means, (baseline, other side) in each group of like runs, over all groups.

    A group counts by the harmonic mean of its numbers of runs (Mantel and Haenszel 1959), so that neither side decides.
    """
    samples = []
    for weight, (ours, theirs) in zip(_weights(strata), strata, strict=True):
        samples += [(-weight, ours), (weight, theirs)]
    arrangements = math.prod(math.comb(len(ours) + len(theirs), len(ours)) for ours, theirs in strata)
    return _combined(samples, confidence, arrangements)


def paired_rates(pairs: Sequence[tuple[float, float]], confidence: float) -> Estimate:
    """The difference of two rates of success (each value 0 or 1) from runs in pairs (baseline, other side)."""
    n = len(pairs)
    ours, theirs = (sum(side) / n for side in zip(*pairs, strict=True))
    if n < 2:
        return Estimate(theirs - ours)
    both = sum(a and b for a, b in pairs)
    neither = sum(not a and not b for a, b in pairs)
    spread = math.sqrt(ours * (1 - ours) * theirs * (1 - theirs)) * n * n
    covariance = both * neither - (sum(a for a, _ in pairs) - both) * (sum(b for _, b in pairs) - both)
    corrected = max(covariance - n / 2, 0.0) if covariance > 0 else covariance
    correlation = corrected / spread if spread else 0.0
    (down, up), (their_down, their_up) = (_wilson(rate, n, confidence) for rate in (ours, theirs))

    def apart(one: float, other: float) -> float:
        return math.sqrt(max(one * one - 2 * correlation * one * other + other * other, 0.0))

    value = theirs - ours
    return Estimate.within(value, value - apart(their_down, up), value + apart(their_up, down))


def rates(strata: Strata, confidence: float) -> Estimate:
    """The difference of two rates of success (each value 0 or 1); groups count as those of `means`."""
    value = below = above = 0.0
    for weight, (ours, theirs) in zip(_weights(strata), strata, strict=True):
        ours_rate, theirs_rate = sum(ours) / len(ours), sum(theirs) / len(theirs)
        down, up = _wilson(ours_rate, len(ours), confidence)
        their_down, their_up = _wilson(theirs_rate, len(theirs), confidence)
        value += weight * (theirs_rate - ours_rate)
        below += weight**2 * (their_down**2 + up**2)
        above += weight**2 * (their_up**2 + down**2)
    if min(sum(len(side) for side in sides) for sides in zip(*strata, strict=True)) < 2:
        return Estimate(value)
    return Estimate.within(value, value - math.sqrt(below), value + math.sqrt(above))


@lru_cache(maxsize=1024)
def student_quantile(p: float, freedom: float) -> float:
    """The p-quantile (0.5 <= p < 1) of Student's t, for any number of degrees of freedom from 1.

    With t = sqrt(freedom) tan(angle) the probability is the integral of a power of the cosine, which is smooth.
    """
    scale = math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)) / math.sqrt(math.pi)
    low, high = 0.0, math.pi / 2
    for _ in range(60):
        angle = (low + high) / 2
        steps = angle * (_NODES + 1) / 2
        if scale * angle / 2 * float(_WEIGHTS @ np.cos(steps) ** (freedom - 1)) < p - 0.5:
            low = angle
        else:
            high = angle
    return math.sqrt(freedom) * math.tan((low + high) / 2)


def _weights(strata: Strata) -> list[float]:
    """How much each group counts; they sum to 1."""
    counts = [len(ours) * len(theirs) / (len(ours) + len(theirs)) for ours, theirs in strata]
    return [count / math.fsum(counts) for count in counts]


def _combined(samples: Sequence[tuple[float, Values]], confidence: float, arrangements: int) -> Estimate:
    """A sum of weighted means of samples, and its interval.

    Args:
        arrangements: in how many ways the runs could have come to the two sides. Without any spread there is no
            interval to be told; but if all ways but two are less unequal, it is no chance (Fisher 1935).
    """
    centres = [math.fsum(values) / len(values) for _, values in samples]
    value = math.fsum(weight * centre for (weight, _), centre in zip(samples, centres, strict=True))
    if min(len(values) for _, values in samples) < 2:
        return Estimate(value)
    spreads = [abs(weight) * _spread(values) for weight, values in samples]
    scale = max(spreads)
    if not scale:
        return Estimate(value, shown=value != 0 and 2 / arrangements <= 1 - confidence)
    variance = third = slack = 0.0
    for (weight, values), centre, spread in zip(samples, centres, spreads, strict=True):
        if spread:
            n = len(values)
            steps = [weight * ((x - centre) / scale) for x in values]
            part = math.fsum(step**2 for step in steps) / (n - 1) / n
            variance += part
            slack += part**2 / (n - 1)
            third += math.fsum(step**3 for step in steps) / n**3 * (n / (n - 1)) ** 1.5
    quantile = student_quantile((1 + confidence) / 2, variance**2 / slack)
    skewness = third / variance**1.5
    error = scale * math.sqrt(variance)
    low = value - error * max(quantile, _unskewed(quantile, skewness))
    high = value + error * max(quantile, -_unskewed(-quantile, skewness))
    return Estimate.within(value, low, high)


def _spread(values: Values) -> float:
    """From the smallest to the largest; 0 if they differ by rounding only."""
    spread = max(values) - min(values)
    return spread if spread > NO_SPREAD * max(map(abs, values)) else 0.0


def _unskewed(quantile: float, skewness: float) -> float:
    """Hall's transformation backwards: the quantile of a studentized mean whose skewness is this."""
    shifted = quantile - skewness / 6
    if abs(skewness) < NO_SKEW:
        return shifted
    return float(3 / skewness * (np.cbrt(1 + skewness * shifted) - 1))


def _wilson(rate: float, n: int, confidence: float) -> tuple[float, float]:
    """How far Wilson's interval reaches below and above a rate seen in n runs."""
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    centre = (rate + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return rate - max(centre - half, 0.0), min(centre + half, 1.0) - rate
