"""What was asked of the adviser in a run and what became of it, from what is told on the topics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from statistics import median

from ewm_ros import diagnostics_keys as keys
from ewm_ros.messages import OUTCOMES, Arbitration

KEPT = 5  # newest questions


class QuestionLog:
    """Counts questions by what became of them, and keeps the newest ones.

    Attributes:
        newest: what was told last of each, in the order in which they were asked.
        state: how the adviser is doing, in a few words; empty if there is none.
    """

    def __init__(self) -> None:
        self.newest: list[Arbitration] = []
        self.state = ""
        self._counts: Counter[str] = Counter()
        self._latencies: list[float] = []

    def take(self, told: Arbitration) -> None:
        """Hear of a question."""
        outcome, _, _ = told.outcome.partition(":")
        self._counts[outcome] += 1
        self._counts["cached"] += told.source == "cache"
        if told.chosen and told.source != "cache":
            self._latencies.append(told.latency)
        known = [k for k, other in enumerate(self.newest) if other.question == told.question]
        if known and outcome != "asked":  # a coordinator that has been restarted counts from 1 again
            self.newest[known[0]] = told
        else:
            self.newest = [*self.newest, told][-KEPT:]

    def status(self, values: Mapping[str, str]) -> None:
        """Hear how the adviser is doing, as the coordinator tells it on /diagnostics."""
        trouble = f": {values[keys.FAILURE]}" if values[keys.FAILURE] else ""
        self.state = f"{values[keys.MODEL]}, breaker {values[keys.BREAKER]}{trouble}"

    def figures(self) -> dict[str, int | float | None] | None:
        """How many questions there were and what became of them; None if there was no arbiter.

        `latency_s` is the median of those that a model answered.
        """
        if not self.state and not self._counts:
            return None
        counts = {name: self._counts[name] for name in (*OUTCOMES, "cached")}
        return {**counts, "latency_s": round(median(self._latencies), 3) if self._latencies else None}
