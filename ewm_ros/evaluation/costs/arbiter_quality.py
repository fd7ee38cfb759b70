"""How well advisers choose: the dilemmas put to the solver alone, to chance, to who knows, and to a language model."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ewm_ros.coordination.arbitration.advice import Advice
from ewm_ros.coordination.arbitration.adviser import Adviser, Reply
from ewm_ros.coordination.arbitration.model_adviser import ModelAdviser
from ewm_ros.coordination.arbitration.prompt import prompt_of
from ewm_ros.coordination.arbitration.question import Question
from ewm_ros.coordination.arbitration.settings import ArbiterSettings
from ewm_ros.coordination.arbitration.site import Site
from ewm_ros.evaluation.costs.intention_cost import count_tokens
from ewm_ros.evaluation.figures.numbers import percentiles
from ewm_ros.evaluation.words.dilemma_questions import Posed, posed
from ewm_ros.evaluation.words.dilemmas import Dilemma
from ewm_ros.randomness import stream

DRAWS = 100  # of each question, by chance
GLANCE = 0.005  # s between two looks for an answer


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of one question: the reply, and whether its choice complies with the site's words."""

    posed: Posed
    reply: Reply

    @property
    def complies(self) -> bool:
        """Whether the words of the site are complied with; without an answer the solver has its way."""
        return (self.reply.choice or self.posed.solvers) in self.posed.right


def arbiter_quality(
    dilemmas: Sequence[Dilemma], advice: Advice, seed: int, done: Callable[[], None] = lambda: None
) -> dict[str, Any]:
    """Put all dilemmas to everybody; `ewm bench arbiter` prints it.

    Args:
        advice: whom to ask beside; nobody if nothing is said.
        done: is called once for each dilemma, and once more for each answer of a model.

    Raises:
        InputError: a dilemma does not come to its question, or there is nobody to ask where somebody is named.
    """
    questions = []
    for dilemma in dilemmas:
        questions.append(posed(dilemma, seed))
        done()
    answers = {
        "solver only": by_solver(questions),
        "random": by_chance(questions, seed),
        "first option": by_first(questions),
        "oracle": by_oracle(questions),
    }
    if advice.wanted:
        settings = unlimited(advice.settings())
        adviser = ModelAdviser(settings, advice.key())
        try:
            answers[settings.model] = by_adviser(questions, adviser, settings.limits.simultaneous, done)
        finally:
            adviser.close()
    return {
        "questions": len(questions),
        "prompt_tokens": prompt_tokens((asked.question, asked.dilemma.world.site) for asked in questions),
        "by_arbiter": {name: quality(given) for name, given in answers.items()},
    }


def unlimited(settings: ArbiterSettings) -> ArbiterSettings:
    """The same without the limits that keep a coordinator from asking too much: all questions are to be measured."""
    limits = {"calls_per_minute": 10_000, "tokens_per_hour": 10**9, "breaker_failures": 10**6}
    return replace(settings, limits=settings.limits.model_copy(update=limits))


def quality(answers: Sequence[Answered]) -> dict[str, object]:
    """Figures of one adviser: shares of all questions, and s an answer takes."""
    count = len(answers)
    valid = [a for a in answers if a.reply.choice in a.posed.question.options]
    return {
        "answered": sum(not a.reply.failure for a in answers),
        "valid": len(valid),
        "rule_compliant": round(sum(a.complies for a in answers) / count, 3) if count else None,
        "latency_ms": percentiles([1e3 * a.reply.latency for a in valid]),
        "failures": sorted({a.reply.failure for a in answers if a.reply.failure}),
    }


def by_solver(questions: Iterable[Posed]) -> list[Answered]:
    """What happens without an arbiter."""
    return [Answered(posed, Reply(k, posed.solvers)) for k, posed in enumerate(questions)]


def by_first(questions: Iterable[Posed]) -> list[Answered]:
    """Whoever always takes the first option."""
    return [Answered(posed, Reply(k, next(iter(posed.question.options)))) for k, posed in enumerate(questions)]


def by_oracle(questions: Iterable[Posed]) -> list[Answered]:
    """Whoever knows what is expected: the most that there is to have."""
    return [Answered(posed, Reply(k, posed.right[0])) for k, posed in enumerate(questions)]


def by_chance(questions: Sequence[Posed], seed: int) -> list[Answered]:
    """Whoever draws lots; each question many times, so that the figure is not chance itself."""
    draw = stream(seed, 0, "random arbiter")
    return [
        Answered(posed, Reply(k, list(posed.question.options)[draw.integers(len(posed.question.options))]))
        for k, posed in enumerate(questions)
        for _ in range(DRAWS)
    ]


def by_adviser(
    questions: Sequence[Posed], adviser: Adviser, simultaneous: int, done: Callable[[], None] = lambda: None
) -> list[Answered]:
    """A real one, asked a few questions at a time; every one is waited for.

    Args:
        simultaneous: questions that are open at a time.
        done: is called after each answer.
    """
    answers: dict[int, Reply] = {}
    left = list(enumerate(questions))
    asked = 0
    while len(answers) < len(questions):
        while left and asked - len(answers) < simultaneous:
            number, posed = left.pop(0)
            asked += 1
            adviser.ask(number, posed.question, posed.dilemma.world.site, time.monotonic())
        for reply in adviser.replies(time.monotonic()):
            answers[reply.number] = reply
            done()
        time.sleep(GLANCE)
    return [Answered(posed, answers[k]) for k, posed in enumerate(questions)]


def prompt_tokens(questions: Iterable[tuple[Question, Site]]) -> dict[str, float | None]:
    """DeepSeek tokens of the prompts."""
    counts = [sum(count_tokens(part["content"]) for part in prompt_of(*asked)) for asked in questions]
    return percentiles(counts, max=100)
