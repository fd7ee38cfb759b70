"""What comes of one call of a language model: its text, or the one exception that every failure becomes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cost:
    """What a call has cost.

    Attributes:
        tokens: of prompt and answer, as the server counts them; 0 if it does not say.
        cached: tokens of the prompt that it had in its prefix cache.
        spent: tokens in all, estimated where the server does not say.
    """

    tokens: tuple[int, int] = (0, 0)
    cached: int = 0
    spent: int = 0


NOTHING = Cost()


@dataclass(frozen=True, slots=True)
class Completion:
    """A whole answer.

    Attributes:
        text: of the answer, reasoning taken off; never blank.
        reasoning: what the model thought aloud; for people, never acted upon.
        cost: in tokens.
    """

    text: str
    reasoning: str
    cost: Cost


class CallFailed(Exception):
    """There is no answer; the text is the cause on one line, in our words: no secret, nothing that the server says.

    Attributes:
        status: of HTTP, 0 if it was not that.
        retry_after: s that the server wants to be left alone; None if it does not say.
        cost: what was paid for it all the same.
    """

    def __init__(self, cause: str, *, status: int = 0, retry_after: float | None = None) -> None:
        super().__init__(cause)
        self.status, self.retry_after = status, retry_after
        self.cost = NOTHING


def too_large(limit: int) -> CallFailed:
    """The failure of an answer that is larger than so many bytes."""
    return CallFailed(f"answer over {limit // 1024} KiB")
