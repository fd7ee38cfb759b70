"""Times of cycles and lost messages, from what robots tell."""

from __future__ import annotations

import numpy as np
import pytest

from ewm_ros import diagnostics_keys as keys
from ewm_ros.evaluation.figures.cycle_figures import CycleFigures


@pytest.fixture
def figures() -> CycleFigures:
    return CycleFigures(["r0", "r1"])


def says(figures: CycleFigures, cycles: list[float], robot: str = "r0", publishing: list[float] | None = None) -> None:
    values = {
        keys.CYCLE_MS: keys.join_samples(cycles),
        keys.OBSERVE_TO_INTENTION_MS: keys.join_samples(publishing or []),
    }
    figures.diagnostics(keys.ROBOT_STATUS.format(robot=robot), values)


def test_lost_messages_are_the_gaps_between_the_first_and_the_last_heard(figures: CycleFigures) -> None:
    for seq in (4, 5, 8, 6):  # 7 never comes; 1 to 3 were before we listened
        assert figures.intention("r0", 1, seq)
    assert figures.heard("r0") and not figures.heard("r1")
    for seq in (1, 2, 3):
        figures.intention("r1", 1, seq)
    assert figures.messages_lost == 1


def test_a_restarted_robot_has_lost_nothing_between_its_lives(figures: CycleFigures) -> None:
    for boot, seq in ((1, 500), (1, 501), (2, 1), (2, 3)):
        figures.intention("r0", boot, seq)
    assert figures.messages_lost == 1


def test_a_message_that_comes_twice_counts_once(figures: CycleFigures) -> None:
    assert [figures.intention("r0", 1, seq) for seq in (1, 1, 2)] == [True, False, True]
    assert figures.messages_lost == 0


def test_a_robot_that_does_not_belong_here_is_passed_over(figures: CycleFigures) -> None:
    assert not figures.intention("stranger", 1, 1)
    says(figures, [5.0], robot="stranger")
    assert figures.diagnostics("something else", {"temperature": "40"}) is None
    assert figures.cycle_ms == {"p50": None, "p99": None, "max": None, "n": 0}


def test_cycle_times_of_all_robots_make_the_percentiles(figures: CycleFigures) -> None:
    says(figures, [float(ms) for ms in range(1, 51)], "r0", [2.0, 4.0])
    says(figures, [float(ms) for ms in range(51, 101)], "r1", [6.0])
    p99 = round(float(np.percentile(np.arange(1.0, 101.0), 99)), 3)
    assert figures.cycle_ms == {"p50": 50.5, "p99": p99, "max": 100.0, "n": 100}
    assert figures.observe_to_intention_ms == {"p50": 4.0, "p99": pytest.approx(5.96)}
    assert figures.newest_cycle_ms("r1") == 100.0
    says(figures, [])
    assert figures.newest_cycle_ms("r0") is None
    assert figures.cycle_ms["n"] == 100
