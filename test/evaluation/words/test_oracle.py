"""The adviser that knows what is expected."""

from __future__ import annotations

from made_up_questions import SITE, made_up_party

from ewm_ros.coordination.arbitration.question import Option, Question, aliased, numbered
from ewm_ros.evaluation.words.oracle import OracleAdviser

ROBOTS = ("robot_0", "robot_1", "robot_2")  # of whom nothing is said: they are r1, r2, r3


def question(*options: Option) -> Question:
    return Question("crossing", aliased(map(made_up_party, ROBOTS)), numbered(options), SITE.rules_hash)


def deed(ranks: dict[str, int], *options: Option) -> str:
    """What it chooses."""
    asked = question(*options)
    return asked.options[OracleAdviser(ranks).choice(asked)].deed


def test_the_robot_of_the_earlier_tier_passes_whatever_that_costs() -> None:
    options = Option(("r1", "r2"), total=90.0, waits={"r2": 90.0}), Option(("r2", "r1"), total=1.0, waits={"r1": 1.0})
    assert deed({"robot_0": 0, "robot_1": 1}, *options) == "r1 before r2"
    assert deed({"robot_0": 1, "robot_1": 0}, *options) == "r2 before r1"


def test_within_a_tier_the_fleet_waits_as_little_as_can_be() -> None:
    options = Option(("r1", "r2"), total=9.0), Option(("r2", "r1"), total=1.0)
    assert deed({"robot_0": 0, "robot_1": 0}, *options) == "r2 before r1"
    assert deed({"robot_1": 0}, *options) == "r2 before r1"  # of the other one nothing is known
    assert deed({}, *options) == "r2 before r1"


def test_within_a_tier_it_minds_what_a_third_robot_of_an_earlier_one_waits() -> None:
    behind_r3 = Option(("r1", "r2"), total=20.0, waits={"r2": 20.0})
    before_r3 = Option(("r2", "r1"), total=10.0, waits={"r1": 4.0, "r3": 6.0})
    assert deed({"robot_0": 1, "robot_1": 1, "robot_2": 0}, behind_r3, before_r3) == "r1 before r2"
    assert deed({"robot_0": 1, "robot_1": 1, "robot_2": 2}, behind_r3, before_r3) == "r2 before r1"


def test_out_of_a_deadlock_moves_aside_who_would_have_to_wait() -> None:
    options = Option(("r1",), aside=("r2", "r3"), longer=5.0), Option(("r2",), aside=("r1",), longer=1.0)
    assert deed({"robot_0": 0, "robot_1": 1, "robot_2": 1}, *options) == "r2 and r3 move aside, r1 passes first"
    assert deed({"robot_0": 1, "robot_1": 0, "robot_2": 0}, *options) == "r1 moves aside, r2 passes first"


def test_every_question_is_answered_once_and_at_once() -> None:
    oracle = OracleAdviser({"robot_1": 0, "robot_0": 1})
    asked = question(Option(("r1", "r2")), Option(("r2", "r1")))
    for number in (7, 8):
        oracle.ask(number, asked, SITE, now=1.0)
    replies = oracle.replies(now=1.0)
    assert [(reply.number, asked.options[reply.choice].deed, reply.failure) for reply in replies] == [
        (7, "r2 before r1", ""),
        (8, "r2 before r1", ""),
    ]
    assert oracle.replies(now=2.0) == []
    assert (oracle.status.calls, oracle.status.failures) == (2, 0)
    oracle.ask(9, asked, SITE, now=3.0)
    oracle.close()
    assert oracle.replies(now=4.0) == []
