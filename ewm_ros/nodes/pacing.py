"""Keeping a simulation in step with real time: what is due when, and what to do when it falls behind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

POLL = 0.1  # s between two looks whether all is there


class Pacer:
    """Says when the world has to step and when each robot's sensors are due, period by period.

    A late turn is made up for, by up to one period; what is beyond that stays lost, so that a slow machine simulates
    slowly instead of in bursts. Every `now` is s of a steady clock.

    Args:
        period: s of a turn.
        offsets: for each robot, when its sensors are due, as a fraction of the period, ascending.

    Attributes:
        turns: how many turns have begun.
    """

    def __init__(self, period: float, offsets: Sequence[float]) -> None:
        self._period = period
        self._offsets = offsets
        self._began: float | None = None
        self._next = -1  # robot whose sensors are due next; -1: the world has to step
        self._looked_at = float("-inf")
        self.turns = 0

    @property
    def started(self) -> bool:
        """Whether the first turn has been given its time."""
        return self._began is not None

    def waiting(self, now: float) -> bool:
        """Whether it is too early to look again if everything is there."""
        if now - self._looked_at < POLL:
            return True
        self._looked_at = now
        return False

    def start(self, now: float) -> None:
        """The first turn begins now."""
        self._began = now

    def due(self, now: float) -> Iterator[int | None]:
        """All that is due, in order: None for a step of the world, an index for a robot's sensors."""
        while self._began is not None:
            if self._next < 0:
                if now < self._began:
                    return
                self._began = max(self._began, now - self._period)
                self.turns += 1
                self._next = 0
                yield None
            elif now < self._began + self._offsets[self._next] * self._period:
                return
            else:
                index = self._next
                self._next = index + 1
                if self._next == len(self._offsets):
                    self._next = -1
                    self._began += self._period
                yield index
