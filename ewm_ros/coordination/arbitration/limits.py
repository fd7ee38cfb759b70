"""How much the adviser may be asked: calls a minute, tokens an hour, and nothing for a while after failures."""

from __future__ import annotations

from collections import deque
from typing import Literal

MINUTE, HOUR = 60.0, 3600.0  # s

State = Literal["closed", "open", "half-open"]


class CallBudget:
    """Calls in the last minute and tokens in the last hour.

    A call under way counts as many tokens as it may cost, so that any number of them keeps within the limit.

    Args:
        calls: a minute.
        tokens: an hour.
        tokens_of_call: the most that one call may cost.
    """

    def __init__(self, calls: int, tokens: int, tokens_of_call: int) -> None:
        self._most_calls, self._most_tokens, self._reserve = calls, tokens, tokens_of_call
        self._calls: deque[float] = deque()
        self._spent: deque[tuple[float, int]] = deque()
        self._total = 0
        self._under_way = 0

    def refusal(self, now: float) -> str:
        """Why one more call is too many at that time (s), empty if it is not."""
        while self._calls and self._calls[0] <= now - MINUTE:
            self._calls.popleft()
        while self._spent and self._spent[0][0] <= now - HOUR:
            self._total -= self._spent.popleft()[1]
        if len(self._calls) >= self._most_calls:
            return f"the limit of {self._most_calls} calls a minute is reached"
        if self._total + (self._under_way + 1) * self._reserve > self._most_tokens:
            return f"the limit of {self._most_tokens} tokens an hour is reached"
        return ""

    def begin(self, now: float) -> None:
        """A call begins."""
        self._calls.append(now)
        self._under_way += 1

    def end(self, now: float, tokens: int) -> None:
        """A call that has begun is over and has cost so many tokens."""
        self._under_way -= 1
        self._spent.append((now, tokens))
        self._total += tokens


class CircuitBreaker:
    """Closed: calls go through. Open: none does. Half-open: one, and by how it goes the breaker closes or opens again.

    Args:
        failures: in a row that open it.
        open_for: s that it stays open at first; doubled by each probe that fails.
        longest: s that it stays open at most.
    """

    def __init__(self, failures: int, open_for: float, longest: float) -> None:
        self._most_failures, self._first, self._longest = failures, open_for, longest
        self._failures = 0
        self._open_for = open_for
        self._until = 0.0
        self._state: State = "closed"
        self._generation = 0  # of the state: how a call went counts in the state it was made in, not in a later one

    def state(self, now: float) -> State:
        """What it is at that time (s)."""
        return "half-open" if self._state == "open" and now >= self._until else self._state

    def admit(self, now: float) -> int | None:
        """A ticket for one call, None if there is none now. Each ticket has to be told of by `record`."""
        if self._state == "open" and now >= self._until:
            self._change("half-open")
            return self._generation
        return self._generation if self._state == "closed" else None

    def record(self, ticket: int, now: float, *, ok: bool, final: bool = False) -> None:
        """How the call went.

        Args:
            final: the failure will not pass by itself: it opens at once, and for the longest time.
        """
        if ticket != self._generation:
            return
        if ok:
            self._failures, self._open_for = 0, self._first
            if self._state == "half-open":
                self._change("closed")
            return
        self._failures += 1
        if self._state == "half-open":
            self._open_for = min(2.0 * self._open_for, self._longest)
        elif self._failures < self._most_failures and not final:
            return
        self._until = now + (self._longest if final else self._open_for)
        self._change("open")

    def _change(self, state: State) -> None:
        self._state = state
        self._generation += 1
