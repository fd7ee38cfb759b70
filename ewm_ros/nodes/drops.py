"""Counting the messages that a node refuses, without flooding its log."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable

QUIET = 1.0  # s between two warnings


class DropCounter:
    """Counts dropped messages by cause and warns about them at most once a second.

    Args:
        warn: takes one line of text.

    Attributes:
        counts: since the start, by cause.
    """

    def __init__(self, warn: Callable[[str], None]) -> None:
        self.counts: Counter[str] = Counter()
        self._warn = warn
        self._warned_at = -math.inf
        self._since = 0

    def drop(self, cause: str, reason: str, now: float) -> None:
        """Count a message.

        Args:
            cause: what kind of message it was, one word.
            reason: one line that names the culprit.
            now: s of a steady clock.
        """
        self.counts[cause] += 1
        self._since += 1
        if now - self._warned_at < QUIET:
            return
        what = "1 message" if self._since == 1 else f"{self._since} messages since the last warning, the newest"
        self._warn(f"dropped {what}: {reason}")
        self._warned_at, self._since = now, 0
