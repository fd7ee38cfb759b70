"""Whom the arbiter asks, seen from its side: questions go out, replies come in later, nothing ever blocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ewm_ros.coordination.arbitration.question import Question
from ewm_ros.coordination.arbitration.site import Site


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back for one question.

    Attributes:
        number: of the question.
        choice: id of an option of the question; empty if there is no usable answer.
        reason: the model's own words, shortened, for people; never acted upon.
        failure: why there is no usable answer, one line without any secret; empty if there is one.
        latency: s from the question to this.
        tokens: of prompt and answer, as the server counts them; 0 if it does not say.
    """

    number: int
    choice: str = ""
    reason: str = ""
    failure: str = ""
    latency: float = 0.0
    tokens: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class AdviserStatus:
    """How it is doing, for people.

    Attributes:
        breaker: closed, open or half-open.
        failure: the newest cause of a failure, empty if the newest call went well.
        latency: s of the newest usable answer, nan if there has been none.
        calls, failures: so far.
        tokens: of prompts and answers so far.
        cached_tokens: of the prompts, those that the server had in its prefix cache.
    """

    breaker: str
    failure: str
    latency: float
    calls: int
    failures: int
    tokens: tuple[int, int]
    cached_tokens: int = 0


class Adviser(Protocol):
    """Answers questions, later or never."""

    @property
    def model(self) -> str:
        """Name of the model, for the cache and for people."""

    @property
    def status(self) -> AdviserStatus:
        """How it is doing."""

    def ask(self, number: int, question: Question, site: Site, now: float) -> None:
        """Put a question; its reply comes by `replies`, once, whatever happens.

        Args:
            number: of the question, unique.
            site: whose rules are shown.
            now: s of a steady clock.
        """

    def replies(self, now: float) -> Sequence[Reply]:
        """Those that have come since the last call."""

    def close(self) -> None:
        """Give back what it holds; open questions are dropped."""
