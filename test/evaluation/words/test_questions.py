"""What people are told of questions to the adviser, from what is said on the topics."""

from __future__ import annotations

import pytest
from wire_values import arbitration

from ewm_ros import diagnostics_keys as keys
from ewm_ros.evaluation.figures.episode import Episode
from ewm_ros.evaluation.figures.fleet_figures import FleetFigures
from ewm_ros.evaluation.words.questions import KEPT, QuestionLog

WELL = {keys.MODEL: "r1", keys.BREAKER: "closed", keys.FAILURE: ""}


@pytest.fixture
def log() -> QuestionLog:
    return QuestionLog()


def test_without_an_arbiter_there_is_nothing_to_count(log: QuestionLog) -> None:
    assert log.figures() is None


def test_an_arbiter_that_was_asked_nothing_counts_nothing(log: QuestionLog) -> None:
    log.status(WELL)
    assert log.state == "r1, breaker closed"
    counts = dict.fromkeys(("asked", "applied", "stale", "unsafe", "late", "failed", "cached"), 0)
    assert log.figures() == {**counts, "latency_s": None}


def test_questions_are_counted_by_what_became_of_them(log: QuestionLog) -> None:
    for number in (1, 2, 3):
        log.take(arbitration(number))
    log.take(arbitration(1, "applied", latency=2.0))
    log.take(arbitration(2, "stale", chosen="o1", latency=4.0))
    log.take(arbitration(3, "failed: 503"))
    log.take(arbitration(4, "applied", source="cache", latency=0.0))
    counts = log.figures()
    assert counts == {
        "asked": 3, "applied": 2, "stale": 1, "unsafe": 0, "late": 0, "failed": 1, "cached": 1, "latency_s": 3.0,
    }  # fmt: skip


def test_of_each_of_the_newest_questions_the_last_word_is_kept(log: QuestionLog) -> None:
    for number in range(1, KEPT + 3):
        log.take(arbitration(number))
    log.take(arbitration(1, "late"))  # so old that it is no longer kept: told as a new one
    log.take(arbitration(KEPT, "applied"))
    assert [told.question for told in log.newest] == [4, 5, 6, 7, 1]
    assert [told.outcome for told in log.newest] == ["asked", "applied", "asked", "asked", "late"]


def test_a_coordinator_that_has_been_restarted_counts_from_1_again(log: QuestionLog) -> None:
    log.take(arbitration(1))
    log.take(arbitration(1, "applied"))
    log.take(arbitration(1, kind="head_on"))
    assert [(told.kind, told.outcome) for told in log.newest] == [("crossing", "applied"), ("head_on", "asked")]


def test_the_state_of_the_adviser_names_what_is_wrong(log: QuestionLog) -> None:
    log.status({**WELL, keys.BREAKER: "open", keys.FAILURE: "503: busy"})
    assert log.state == "r1, breaker open: 503: busy"


def test_they_are_among_the_figures_of_a_fleet() -> None:
    figures = FleetFigures(Episode(["r0"], [(5.0, 0.0)], time_limit=60.0), [0.3])
    assert figures.figures()["arbitrations"] is None
    figures.diagnostics(keys.ARBITER_STATUS, WELL)
    figures.arbitration(arbitration())
    told = figures.figures()["arbitrations"]
    assert isinstance(told, dict)
    assert told["asked"] == 1
