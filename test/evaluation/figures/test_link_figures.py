"""Bytes by topic, losses by the numbers of intentions, and how old is what the coordinator goes by."""

from __future__ import annotations

import random

import pytest

from ewm_ros.coordination.coordinator import SILENT
from ewm_ros.evaluation.figures import link_figures
from ewm_ros.evaluation.figures.link_figures import LinkFigures
from ewm_ros.messages import Directive, DirectiveSet

ANNA, BERT = NAMES = ("anna", "bert")
BOOT = 1


def answers(stamp: float, *answered: tuple[str, int]) -> DirectiveSet:
    orders = tuple(Directive(robot, BOOT, seq, 1, 0.0) for robot, seq in answered)
    return DirectiveSet(9, 1, stamp, 1.0, orders)


def ages(figures: LinkFigures) -> object:
    return figures.figures()["intention_age_ms"]


def test_rates_are_those_of_the_whole_bag_and_of_each_topic_the_busiest_first() -> None:
    figures = LinkFigures(NAMES)
    for k in range(11):  # 10 s
        figures.message("/intentions", 100.0 + k, 90)
    figures.message("/anna/odom", 104.5, 2010)
    told = figures.figures(tokens=30.0)
    assert told["bytes_per_s"] == 300.0
    assert list(told["bytes_per_s_by_topic"].items()) == [("/anna/odom", 201.0), ("/intentions", 99.0)]  # type: ignore[attr-defined]
    assert (told["intentions_per_s"], told["intention_bytes_per_s"], told["tokens_per_s"]) == (1.1, 99.0, 33.0)


def test_without_a_tokenizer_there_is_no_rate_of_tokens() -> None:
    figures = LinkFigures(NAMES)
    figures.message("/intentions", 0.0, 90)
    figures.message("/intentions", 1.0, 90)
    assert figures.figures()["tokens_per_s"] is None


def test_a_bag_without_intentions_has_no_rate_of_them_rather_than_none_per_second() -> None:
    figures = LinkFigures(NAMES)
    figures.message("/anna/odom", 0.0, 500)
    figures.message("/anna/odom", 2.0, 500)
    told = figures.figures(tokens=30.0)
    assert told["bytes_per_s"] == 500.0
    for name in ("intentions_per_s", "intention_bytes_per_s", "tokens_per_s"):
        assert told[name] is None
    assert told["lost"] == {"count": None, "share": None}
    assert told["intention_age_ms"] == {"p50": None, "p95": None, "p99": None}


@pytest.mark.parametrize("messages", [0, 1])
def test_a_moment_has_no_rates(messages: int) -> None:
    figures = LinkFigures(NAMES)
    for _ in range(messages):
        figures.message("/intentions", 3.0, 90)
    told = figures.figures(tokens=30.0)
    assert told["bytes_per_s"] is told["intentions_per_s"] is told["tokens_per_s"] is None


def test_what_is_missing_between_the_first_and_the_last_number_of_a_life_is_lost() -> None:
    figures = LinkFigures(NAMES)
    for seq in (4, 5, 8, 7, 8):  # 6 is missing, 7 late, 8 comes twice; 1 to 3 were before the recording
        figures.sent(ANNA, BOOT, seq, 0.1 * seq)
    for seq in (1, 2, 4):  # started anew
        figures.sent(ANNA, 6, seq, 10.0 + seq)
    figures.sent(BERT, BOOT, 1, 0.1)
    figures.sent("stranger", BOOT, 1, 0.1)
    figures.sent("stranger", BOOT, 9, 0.9)
    assert figures.figures()["lost"] == {"count": 2, "share": 2 / 10}


def test_a_long_life_takes_bounded_memory_and_its_losses_are_counted_all_the_same() -> None:
    figures = LinkFigures([ANNA])
    draw = random.Random(3)
    lost = set(draw.sample(range(2, 9000), 500))
    for seq in range(1, 9001):
        if seq not in lost:
            for _ in range(1 + (seq % 7 == 0)):
                figures.sent(ANNA, BOOT, seq, 0.1 * seq)
    assert figures.figures()["lost"] == {"count": 500, "share": 500 / 9000}
    (sender,) = figures._senders[ANNA].values()
    assert len(sender.stamps) <= 2 * link_figures.REMEMBERED


def test_the_age_is_that_of_each_robots_intention_that_a_set_answers() -> None:
    figures = LinkFigures(NAMES)
    figures.sent(ANNA, BOOT, 1, 1.0)
    figures.sent(BERT, BOOT, 1, 1.1)
    figures.directives(1.2, answers(1.2, (ANNA, 1), (BERT, 1)))
    assert ages(figures) == {"p50": 150.0, "p95": pytest.approx(195.0), "p99": pytest.approx(199.0)}


def test_an_intention_that_the_bag_has_lost_and_a_silent_robot_have_no_age() -> None:
    figures = LinkFigures(NAMES)
    figures.sent(ANNA, BOOT, 1, 1.0)
    figures.directives(1.1, answers(1.1, (ANNA, 2), (BERT, 1), ("stranger", 1)))
    figures.directives(1.0 + SILENT + 0.1, answers(1.0 + SILENT + 0.1, (ANNA, 1)))
    assert ages(figures) == {"p50": None, "p95": None, "p99": None}


def test_traffic_is_given_by_the_second() -> None:
    figures = LinkFigures(NAMES)
    for heard, topic, size in ((10.2, "/intentions", 100), (10.9, "/map", 900), (13.0, "/intentions", 50)):
        figures.message(topic, heard, size)
    traffic = figures.traffic()
    assert traffic.times.tolist() == [0.0, 1.0, 2.0, 3.0]
    assert traffic.bytes.tolist() == [1000.0, 0.0, 0.0, 50.0]
    assert traffic.intentions.tolist() == [100.0, 0.0, 0.0, 50.0]
    assert len(LinkFigures(NAMES).traffic().times) == 0
