"""Whose newest word is which: sequence numbers, restarts and doubled names, the same for coordinator and robots."""

from __future__ import annotations

from collections.abc import Iterator

from ewm_ros.errors import InputError
from ewm_ros.messages import Intention

RECENT = 1.0  # s without a word after which another process of the same name may take the name over


class Roster:
    """The newest intention of every robot that has been heard."""

    def __init__(self) -> None:
        self._newest: dict[str, Intention] = {}
        self._heard: dict[str, float] = {}
        self._retired: dict[tuple[str, int], int] = {}  # newest seq of boots that another one has followed
        self._returning: tuple[str, int, float] | None = None  # name, boot, since when (s)

    def __iter__(self) -> Iterator[str]:
        return iter(self._newest)

    def __contains__(self, robot: str) -> bool:
        return robot in self._newest

    def __getitem__(self, robot: str) -> Intention:
        return self._newest[robot]

    def silence(self, robot: str, now: float) -> float:
        """s since the robot was heard."""
        return now - self._heard[robot]

    def take(self, intention: Intention, now: float) -> bool:
        """Keep the intention if it is newer than what is known of its robot; whether it was.

        Raises:
            InputError: two running processes use one name.
        """
        name = intention.robot
        known = self._newest.get(name)
        if known is not None and known.boot == intention.boot:
            if intention.seq <= known.seq:
                return False
        elif intention.seq <= self._retired.get((name, intention.boot), 0):
            return False
        elif known is not None:
            if now - self._heard[name] < RECENT:
                raise InputError(f"robot name {name!r} is used by two running robots: rename one of them")
            if (name, intention.boot) in self._retired and not self._lasts(intention, now):
                return False
            self._retired[name, known.boot] = known.seq
        self._newest[name], self._heard[name] = intention, now
        return True

    def _lasts(self, intention: Intention, now: float) -> bool:
        """Whether a process that another one has followed is back for good: it was only hung, and the other is gone.

        A single word may have been under way since before it died.
        """
        if self._returning is None or self._returning[:2] != (intention.robot, intention.boot):
            self._returning = (intention.robot, intention.boot, now)
        if now - self._returning[2] < RECENT:
            return False
        self._returning = None
        return True
