"""Overlapping boxes against all pairs, and how few pairs are compared to find them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ewm_ros.coordination.near_pairs import near_pairs
from ewm_ros.geometry import FloatArray

SCALE = st.sampled_from((0.0, 1e-6, 0.1, 1.0, 3.999, 4.0, 64.0, 1e6))  # m; of boxes, and of steps between them
BOX = st.tuples(st.integers(-6, 6), st.integers(-6, 6), SCALE, SCALE, SCALE)


def all_pairs(low: FloatArray, high: FloatArray) -> list[tuple[int, int]]:
    """The overlapping ones, one comparison after the other."""
    count = low.shape[1]
    return [
        (i, j)
        for i in range(count)
        for j in range(i + 1, count)
        if (low[:, i] <= high[:, j]).all() and (low[:, j] <= high[:, i]).all()
    ]


@settings(deadline=None)
@given(st.lists(BOX, max_size=20))
def test_no_pair_is_lost_and_none_is_invented_whatever_the_sizes(boxes: list[tuple[float, ...]]) -> None:
    low = np.array([(x * unit, y * unit) for x, y, unit, _, _ in boxes]).reshape(-1, 2).T
    high = low + np.array([(width, height) for *_, width, height in boxes]).reshape(-1, 2).T
    found = near_pairs(low, high)
    assert list(zip(found.first.tolist(), found.second.tolist(), strict=True)) == all_pairs(low, high)
    assert found.examined >= len(found.first)


@pytest.mark.parametrize("decimals", [1, 15])
def test_nor_in_a_crowd(decimals: int) -> None:
    # Whole tenths: many boxes touch without overlapping, at the cells' borders too.
    rng = np.random.default_rng(3)
    low = np.round(rng.uniform(-10.0, 10.0, (2, 200)), decimals)
    high = low + np.round(rng.uniform(0.0, 2.0, (2, 200)), decimals)
    found = near_pairs(low, high)
    assert list(zip(found.first.tolist(), found.second.tolist(), strict=True)) == all_pairs(low, high)
    assert len(found.first) > 100


@pytest.mark.parametrize("size", [1.0, 0.7, 1.0 / 3.0])
def test_two_that_just_overlap_are_a_pair_wherever_the_borders_of_cells_are(size: float) -> None:
    for x in np.linspace(0.0, 4.0, 401).tolist():
        left, right, above = (x, x), (x + 0.9999 * size, x), (x, x + 0.9999 * size)
        low = np.array([(0.0, 0.0), left, right, above]).T
        found = near_pairs(low, low + np.array([0.0, size, size, size]))
        assert {(1, 2), (1, 3)} <= set(zip(found.first.tolist(), found.second.tolist(), strict=True)), x


def scattered(count: int) -> tuple[FloatArray, FloatArray]:
    """Boxes of 1 to 3 m on a square floor of 10 m^2 each."""
    rng = np.random.default_rng(count)
    low = rng.uniform(0.0, np.sqrt(10.0 * count), (2, count))
    return low, low + rng.uniform(1.0, 3.0, (2, count))


def test_ten_times_the_boxes_are_about_ten_times_the_comparisons() -> None:
    few, many = near_pairs(*scattered(1_000)), near_pairs(*scattered(10_000))
    assert len(few.first) > 500
    assert few.examined < 6 * len(few.first)
    assert 8 * few.examined < many.examined < 12 * few.examined


def test_one_box_as_large_as_the_floor_costs_the_others_nothing() -> None:
    low, high = scattered(1_000)
    alone = near_pairs(low, high).examined
    low[:, 0], high[:, 0] = -1e5, 1e5
    found = near_pairs(low, high)
    assert set(found.second[found.first == 0]) == set(range(1, 1_000))
    assert found.examined < 2 * alone + 1_000


@pytest.mark.parametrize("count", [0, 1])
def test_there_is_no_pair_of_less_than_two(count: int) -> None:
    found = near_pairs(np.zeros((2, count)), np.ones((2, count)))
    assert (len(found.first), len(found.second), found.examined) == (0, 0, 0)
