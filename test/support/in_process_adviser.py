"""An adviser without a network, for tests of who asks: it answers as a function says, as late as it is told."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from ewm_ros.coordination.arbitration.adviser import AdviserStatus, Reply
from ewm_ros.coordination.arbitration.question import Question
from ewm_ros.coordination.arbitration.site import Site

Choose = Callable[[Question], str]


def passes_first(robot: str) -> Choose:
    """The option in which this robot goes first; any other question: the first option."""

    def choose(question: Question) -> str:
        for name, option in question.options.items():
            if question.parties[option.first[0]].robot == robot:
                return name
        return next(iter(question.options))

    return choose


class InProcessAdviser:
    """Answers.

    Args:
        choose: id of an option; "" for a failure.
        latency: s.
    """

    model = "in process"

    def __init__(self, choose: Choose, latency: float = 0.0) -> None:
        self._choose, self.latency = choose, latency
        self.asked: list[Question] = []
        self.closed = False
        self._answers: list[tuple[float, Reply]] = []

    @property
    def status(self) -> AdviserStatus:
        return AdviserStatus("closed", "", math.nan, len(self.asked), 0, (0, 0))

    def ask(self, number: int, question: Question, site: Site, now: float) -> None:
        self.asked.append(question)
        choice = self._choose(question)
        reply = Reply(number, choice, "as told" if choice else "", "" if choice else "no answer", self.latency)
        self._answers.append((now + self.latency, reply))

    def replies(self, now: float) -> Sequence[Reply]:
        come = [reply for at, reply in self._answers if at <= now]
        self._answers = [(at, reply) for at, reply in self._answers if at > now]
        return come

    def close(self) -> None:
        self.closed = True
