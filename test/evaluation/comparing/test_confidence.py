"""Intervals that hold the truth as often as they say, and turn round, move and stretch with the figures."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ewm_ros.evaluation.comparing.confidence import Estimate, means, paired_means, paired_rates, rates, student_quantile
from ewm_ros.geometry import FloatArray

Draw = Callable[[np.random.Generator, int], FloatArray]

figure = st.floats(-1e6, 1e6).map(lambda x: round(x, 3))
figures = st.lists(figure, min_size=1, max_size=12)
successes = st.lists(st.sampled_from([0.0, 1.0]), min_size=1, max_size=12)
outcomes = st.lists(st.tuples(st.sampled_from([0.0, 1.0]), st.sampled_from([0.0, 1.0])), min_size=1, max_size=12)
level = st.floats(0.5, 0.9999)


def turned(estimate: Estimate) -> Estimate:
    """The same with the sides changed."""
    low = None if estimate.high is None else -estimate.high
    high = None if estimate.low is None else -estimate.low
    return Estimate(-estimate.value, low, high, estimate.shown)


def close(a: Estimate, b: Estimate, size: float) -> bool:
    """Equal but for rounding of figures of this size."""
    pairs = [(a.value, b.value), (a.low, b.low), (a.high, b.high)]
    return all(
        x is y is None or (x is not None and y is not None and math.isclose(x, y, rel_tol=1e-6, abs_tol=1e-6 * size))
        for x, y in pairs
    )


@pytest.mark.parametrize(
    ("p", "freedom", "expected"),
    [  # from the tables of Student's distribution; the last is the normal one's
        (0.975, 1, 12.706),
        (0.975, 2, 4.303),
        (0.975, 9, 2.262),
        (0.995, 4, 4.604),
        (0.9, 30, 1.310),
        (0.975, 1e6, 1.960),
    ],
)
def test_quantiles_are_those_of_the_tables(p: float, freedom: float, expected: float) -> None:
    assert student_quantile(p, freedom) == pytest.approx(expected, abs=6e-4)


def test_of_runs_without_skew_the_interval_is_students() -> None:
    estimate = paired_means([1.0, 2.0, 3.0], 0.95)
    assert estimate.value == 2.0
    # mean 2, standard error 1 / sqrt(3), t of two degrees of freedom 4.303
    assert (estimate.low, estimate.high) == (pytest.approx(-0.484, abs=1e-3), pytest.approx(4.484, abs=1e-3))
    assert not estimate.shown


def test_one_run_that_got_stuck_makes_the_interval_longer_on_its_side_only() -> None:
    estimate = paired_means([1.0, 2.0, 3.0, 2.0, 30.0], 0.95)
    student = student_quantile(0.975, 4) * np.std([1, 2, 3, 2, 30], ddof=1) / math.sqrt(5)
    assert estimate.low == pytest.approx(7.6 - student)
    assert estimate.high is not None
    assert estimate.high > 7.6 + 1.5 * student


def test_newcombes_intervals_are_those_of_his_papers() -> None:
    # Unpaired: 48 of 80 and 56 of 70. Paired: 41 patients under two treatments (Altman et al. 2000, table 6.2).
    unpaired = rates([([1.0] * 48 + [0.0] * 32, [1.0] * 56 + [0.0] * 14)], 0.95)
    assert (unpaired.low, unpaired.high) == (pytest.approx(0.0524, abs=5e-5), pytest.approx(0.3339, abs=5e-5))
    paired = paired_rates([(1.0, 1.0)] * 14 + [(0.0, 1.0)] * 5 + [(0.0, 0.0)] * 22, 0.95)
    assert (paired.low, paired.high) == (pytest.approx(0.011, abs=5e-4), pytest.approx(0.226, abs=5e-4))


def test_runs_that_all_succeed_leave_room_for_doubt() -> None:
    estimate = paired_rates([(1.0, 1.0)] * 10, 0.95)
    assert estimate.low is not None
    assert estimate.high is not None
    assert estimate.low < -0.2
    assert estimate.high > 0.2


def test_of_one_run_nothing_is_told_but_the_difference() -> None:
    alone = Estimate(3.0)
    assert paired_means([3.0], 0.95) == alone
    assert means([([1.0], [4.0])], 0.95) == means([([1.0, 1.0], [4.0])], 0.95) == alone
    assert paired_rates([(0.0, 1.0)], 0.95) == rates([([0.0], [1.0])], 0.95) == Estimate(1.0)


def test_runs_that_all_say_the_same_are_believed_once_they_are_enough() -> None:
    # Five pairs fall to one side by chance in 2 of 32 cases, six in 2 of 64.
    assert paired_means([2.0] * 5, 0.95) == Estimate(2.0)
    assert paired_means([2.0] * 6, 0.95) == Estimate(2.0, shown=True)
    assert paired_means([0.0] * 2000, 0.95) == Estimate(0.0)
    # Three and three can be dealt in 20 ways, four and four in 70.
    assert not means([([1.0] * 3, [2.0] * 3)], 0.95).shown
    assert means([([1.0] * 4, [2.0] * 4)], 0.95).shown


def test_differences_by_rounding_are_no_spread() -> None:
    assert paired_means([0.1 + 0.2, 0.3, 0.3], 0.95).low is None


def test_a_group_with_more_runs_on_one_side_does_not_decide_for_the_others() -> None:
    # By the plain means of all runs the other side would be slower: it was mostly in the larger world.
    small, large = ([10.0, 11.0, 12.0, 11.0], [9.0]), ([100.0, 100.0], [98.0, 99.0, 98.5, 98.5])
    weights = 4 * 1 / (4 + 1), 2 * 4 / (2 + 4)
    expected = (weights[0] * -2.0 + weights[1] * -1.5) / sum(weights)
    assert means([small, large], 0.95).value == pytest.approx(expected)


def test_figures_of_any_size_have_an_interval() -> None:
    for size in (1e-200, 1.0, 1e290):
        estimate = paired_means([size, 2 * size, 4 * size], 0.95)
        assert estimate.low is not None
        assert estimate.low / size == pytest.approx(-1.461, abs=1e-3)


@given(figures, level)
def test_the_interval_holds_the_mean_difference(differences: list[float], confidence: float) -> None:
    estimate = paired_means(differences, confidence)
    if estimate.low is not None and estimate.high is not None:
        assert estimate.low <= estimate.value <= estimate.high
        assert estimate.value == pytest.approx(np.mean(differences), abs=1e-6)
        assert estimate.shown == (estimate.low > 0 or estimate.high < 0)


@given(figures, st.randoms(use_true_random=False), level)
def test_the_order_of_runs_does_not_matter(
    differences: list[float], random: np.random.Generator, confidence: float
) -> None:
    mixed = list(differences)
    random.shuffle(mixed)
    assert paired_means(mixed, confidence) == paired_means(differences, confidence)


@given(figures, level)
def test_with_the_sides_changed_the_interval_is_turned_round(differences: list[float], confidence: float) -> None:
    assert paired_means([-x for x in differences], confidence) == turned(paired_means(differences, confidence))


@given(st.lists(st.tuples(figures, figures), min_size=1, max_size=3), level)
def test_so_it_is_for_unpaired_runs(strata: list[tuple[list[float], list[float]]], confidence: float) -> None:
    changed = means([(theirs, ours) for ours, theirs in strata], confidence)
    assert close(changed, turned(means(strata, confidence)), 1e6)


@given(outcomes, st.lists(st.tuples(successes, successes), min_size=1, max_size=3), level)
def test_so_it_is_for_rates(
    pairs: list[tuple[float, float]], strata: list[tuple[list[float], list[float]]], confidence: float
) -> None:
    paired, unpaired = paired_rates(pairs, confidence), rates(strata, confidence)
    assert close(paired_rates([(b, a) for a, b in pairs], confidence), turned(paired), 1.0)
    assert close(rates([(theirs, ours) for ours, theirs in strata], confidence), turned(unpaired), 1.0)
    for estimate in (paired, unpaired):
        assert estimate.low is None or -1 - 1e-9 <= estimate.low <= estimate.value


@given(st.lists(st.integers(-1000, 1000), min_size=2, max_size=12), st.integers(-1000, 1000), level)
def test_the_interval_moves_with_the_differences(differences: list[int], shift: int, confidence: float) -> None:
    here = paired_means(differences, confidence)
    there = paired_means([x + shift for x in differences], confidence)
    ends = [None if end is None else end + shift for end in (here.low, here.high)]
    assert close(there, Estimate(here.value + shift, *ends), 1000.0)


@given(st.lists(st.integers(-1000, 1000), min_size=2, max_size=12), st.sampled_from([0.25, 2.0, 1024.0]), level)
def test_the_interval_stretches_with_the_unit(differences: list[int], factor: float, confidence: float) -> None:
    here = paired_means(differences, confidence)
    there = paired_means([x * factor for x in differences], confidence)
    ends = [None if end is None else end * factor for end in (here.low, here.high)]
    assert close(there, Estimate(here.value * factor, *ends), 1000.0 * factor)


@given(st.lists(figure, min_size=2, max_size=12))
def test_who_wants_to_be_surer_gets_a_longer_interval(differences: list[float]) -> None:
    short, long = (paired_means(differences, confidence) for confidence in (0.9, 0.99))
    if short.low is not None and long.low is not None and short.high is not None and long.high is not None:
        assert long.low < short.low
        assert short.high < long.high


def rare(generator: np.random.Generator, n: int) -> FloatArray:
    """0 for most runs, a few times something else to either side: collisions, say."""
    return (generator.random(n) < 0.2) * generator.choice([-1.0, 1.0], n) * (1 + generator.exponential(1, n))


WORST = "lognormal"  # so skewed that a hundred runs would be few: 0.88 of the intervals hold the truth then
# What differences may look like, and their mean.
DIFFERENCES: dict[str, tuple[Draw, float]] = {
    "normal": (lambda g, n: g.normal(0, 1, n), 0.0),
    "exponential": (lambda g, n: g.exponential(1, n), 1.0),
    "lognormal": (lambda g, n: g.lognormal(0, 1, n), math.exp(0.5)),
    "one stuck run in ten": (lambda g, n: g.exponential(1, n) + 5 * g.poisson(0.3, n), 2.5),
    "of lognormals": (lambda g, n: g.lognormal(0, 1, n) - g.lognormal(0, 1, n), 0.0),
    "of counts": (lambda g, n: (g.poisson(0.5, n) - g.poisson(0.5, n)).astype(float), 0.0),
    "rare": (rare, 0.0),
}


def covered(estimates: list[Estimate], truth: float) -> float:
    """The share of intervals that hold it, of those that there are."""
    known = [(e.low, e.high) for e in estimates if e.low is not None and e.high is not None]
    assert len(known) > 0.6 * len(estimates)
    return float(np.mean([low <= truth <= high for low, high in known]))


def check_coverage(name: str, n: int, repeats: int) -> None:
    draw, truth = DIFFERENCES[name]
    generator = np.random.default_rng(7)
    paired = [paired_means(draw(generator, n).tolist(), 0.95) for _ in range(repeats)]
    two = [means([(draw(generator, n).tolist(), (draw(generator, n) + 3).tolist())], 0.95) for _ in range(repeats)]
    assert covered(paired, truth) > (0.87 if name == WORST or n < 10 else 0.91)
    assert covered(two, 3.0) > 0.92
    if name == "normal":
        assert covered(paired, truth) < 0.98


@pytest.mark.parametrize("name", DIFFERENCES)
def test_ten_runs_cover_the_truth_as_often_as_is_said(name: str) -> None:
    check_coverage(name, 10, 1000)


@pytest.mark.campaign
@pytest.mark.parametrize("n", [5, 10, 20, 40])
@pytest.mark.parametrize("name", DIFFERENCES)
def test_few_and_many_runs_cover_the_truth_as_often_as_is_said(name: str, n: int) -> None:
    check_coverage(name, n, 10_000)


@pytest.mark.parametrize(("ours", "theirs"), [(0.5, 0.5), (0.9, 0.9), (0.6, 0.95)])
def test_ten_runs_cover_the_truth_of_rates(ours: float, theirs: float) -> None:
    generator = np.random.default_rng(7)
    first = generator.random((1000, 10))
    second = np.where(generator.random((1000, 10)) < 0.5, first, generator.random((1000, 10)))  # half alike
    succeeded, too = (first < ours).astype(float), (second < theirs).astype(float)
    paired = [paired_rates(list(zip(a, b, strict=True)), 0.95) for a, b in zip(succeeded, too, strict=True)]
    other = (generator.random((1000, 10)) < theirs).astype(float)
    unpaired = [rates([(a.tolist(), b.tolist())], 0.95) for a, b in zip(succeeded, other, strict=True)]
    assert covered(paired, theirs - ours) > 0.93
    assert covered(unpaired, theirs - ours) > 0.93
