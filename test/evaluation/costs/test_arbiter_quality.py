"""How well advisers choose: questions of real dilemmas, and figures that say what became of them."""

from __future__ import annotations

import math
from functools import lru_cache

import pytest
from in_process_adviser import InProcessAdviser

from ewm_ros.coordination.arbitration.advice import Advice
from ewm_ros.coordination.arbitration.question import Question
from ewm_ros.errors import InputError
from ewm_ros.evaluation.costs.arbiter_quality import (
    DRAWS,
    Answered,
    arbiter_quality,
    by_adviser,
    by_chance,
    by_first,
    by_oracle,
    by_solver,
    quality,
)
from ewm_ros.evaluation.costs.decide_cost import decide_cost
from ewm_ros.evaluation.words import dilemma_questions
from ewm_ros.evaluation.words.dilemma_questions import Posed, posed
from ewm_ros.evaluation.words.dilemmas import Dilemma, load_dilemmas

# The solver is right about the first, wrong about the second; the third is a deadlock.
SOME = ("dilemma-prompt-01-milk", "dilemma-prompt-02-ice-plant", "dilemma-prompt-07-kidney")


@lru_cache(maxsize=1)
def some() -> tuple[Dilemma, ...]:
    return tuple(dilemma for dilemma in load_dilemmas("prompt") if dilemma.path.stem in SOME)


@lru_cache(maxsize=1)
def questions() -> tuple[Posed, ...]:
    return tuple(posed(dilemma, 0) for dilemma in some())


def test_a_dilemma_is_driven_until_its_coordinator_asks_what_the_words_decide() -> None:
    milk, ice, _ = questions()
    assert [asked.question.kind for asked in questions()] == ["crossing", "head_on", "deadlock"]
    assert milk.solvers in milk.right and ice.solvers not in ice.right
    for asked in questions():
        assert 0 < len(asked.right) < len(asked.question.options)
        assert all(party.facts for party in asked.question.parties.values())


def test_the_same_dilemma_and_seed_give_the_same_question_and_another_seed_the_same_signature() -> None:
    first = questions()[0].question
    assert posed(some()[0], 0).question == first
    assert posed(some()[0], 1).question.signature == first.signature


def test_a_dilemma_that_nothing_is_asked_about_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dilemma_questions, "PATIENCE", 1.0)
    with pytest.raises(InputError, match=r"milk.yaml: in 1 s nothing is asked"):
        posed(some()[0], 0)


def test_who_knows_is_always_right_and_who_does_not_is_right_by_luck() -> None:
    asked = questions()
    assert quality(by_oracle(asked))["rule_compliant"] == 1.0
    assert quality(by_solver(asked[:2]))["rule_compliant"] == 0.5
    assert quality(by_first(asked))["answered"] == 3
    drawn = by_chance(asked, 7)
    assert len(drawn) == 3 * DRAWS
    share = quality(drawn)["rule_compliant"]
    assert isinstance(share, float) and 0.3 < share < 0.7
    assert [a.reply.choice for a in drawn] == [a.reply.choice for a in by_chance(asked, 7)]


def right(question: Question) -> str:
    return next(asked.right[0] for asked in questions() if asked.question == question)


def test_an_adviser_is_asked_all_and_waited_for() -> None:
    done = []
    adviser = InProcessAdviser(right)
    answers = by_adviser(questions(), adviser, 2, lambda: done.append(1))
    assert len(done) == 3 and adviser.asked == [asked.question for asked in questions()]
    assert quality(answers) == {
        "answered": 3,
        "valid": 3,
        "rule_compliant": 1.0,
        "latency_ms": {"p50": 0.0, "p99": 0.0},
        "failures": [],
    }


def test_what_was_not_answered_is_decided_by_the_solver_and_the_cause_is_told() -> None:
    figures = quality(by_adviser(questions()[:2], InProcessAdviser(lambda question: ""), 2))
    assert (figures["answered"], figures["valid"], figures["rule_compliant"]) == (0, 0, 0.5)
    assert figures["failures"] == ["no answer"]
    assert quality([])["rule_compliant"] is None
    assert not Answered(questions()[1], by_solver(questions())[1].reply).complies


def test_the_whole_measurement_without_a_model() -> None:
    done: list[int] = []
    figures = arbiter_quality(some()[:2], Advice(), 0, lambda: done.append(1))
    assert figures["questions"] == len(done) == 2
    assert list(figures["by_arbiter"]) == ["solver only", "random", "first option", "oracle"]
    assert 300 < figures["prompt_tokens"]["max"] < 1500


def test_decisions_are_timed_with_an_arbiter_and_without_in_one_run() -> None:
    figures = decide_cost(2.5, 0)
    for with_or_without in ("without", "with"):
        times = figures[with_or_without]
        assert isinstance(times, dict)
        assert 0.0 < times["p50"] <= times["p99"] <= times["max"] < math.inf
