"""An adviser in lockstep: a real one is asked at once, and its answer held back for as long as it is to take."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from ewm_ros.coordination.arbitration.adviser import Adviser, AdviserStatus, Reply
from ewm_ros.coordination.arbitration.question import Question
from ewm_ros.coordination.arbitration.site import Site

GLANCE = 0.002  # s between two looks for the answer


class LockstepAdviser:
    """Makes the time that an answer takes one of the simulation: runs stay reproducible, and do not wait for it.

    Args:
        adviser: is asked; simulated time stands still until its answer is there.
        latency: s of simulated time that every answer takes.
    """

    def __init__(self, adviser: Adviser, latency: float) -> None:
        self._adviser, self._latency = adviser, latency
        self._held: list[tuple[float, Reply]] = []

    @property
    def model(self) -> str:
        """Name of the adviser's model."""
        return self._adviser.model

    @property
    def status(self) -> AdviserStatus:
        """How the adviser is doing."""
        return self._adviser.status

    def ask(self, number: int, question: Question, site: Site, now: float) -> None:
        """Put a question; its reply is there after the simulated latency."""
        self._adviser.ask(number, question, site, now)
        while not (replies := self._adviser.replies(now)):
            time.sleep(GLANCE)
        self._held += [(now + self._latency, replace(reply, latency=self._latency)) for reply in replies]

    def replies(self, now: float) -> Sequence[Reply]:
        """Those that have come since the last call."""
        due = [reply for at, reply in self._held if at <= now]
        self._held = [(at, reply) for at, reply in self._held if at > now]
        return due

    def close(self) -> None:
        """Give back what the adviser holds."""
        self._adviser.close()
