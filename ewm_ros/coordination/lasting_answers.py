"""Answers that hold for as long as the robots that they depend on are as they were."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Generic, TypeVar

from ewm_ros.coordination.conflict_space import CELL
from ewm_ros.coordination.occupant import Occupant

Answer = TypeVar("Answer")
_State = tuple[int, float, bool, bool, bool, bool, int, int]  # what a decision depends on; low coarsely


class LastingAnswers(Generic[Answer]):
    """One answer a robot, and the states of those on whom it depends."""

    def __init__(self) -> None:
        self._states: dict[str, _State] = {}
        self._answers: dict[str, tuple[dict[str, _State], Answer]] = {}

    def note(self, occupants: Mapping[str, Occupant]) -> None:
        """Take note of how all are now; one that is as it was stays the same object, which is found equal at once."""
        before, self._states = self._states, {}
        for name, occupant in occupants.items():
            state = _state(occupant)
            self._states[name] = known if (known := before.get(name)) == state else state

    def note_change(self, robot: str, occupant: Occupant) -> None:
        """Take note of how one robot is now."""
        self._states[robot] = _state(occupant)

    def of(self, robot: str) -> Answer | None:
        """The answer for a robot, if it still holds."""
        known = self._answers.get(robot)
        if known is None or not all(self._states.get(other) == state for other, state in known[0].items()):
            return None
        return known[1]

    def keep(self, robot: str, answer: Answer, depends_on: Iterable[str]) -> None:
        """Remember an answer until one of these robots changes."""
        self._answers[robot] = ({other: self._states[other] for other in depends_on}, answer)

    def forget(self, robot: str) -> None:
        """Forget the answer for a robot."""
        self._answers.pop(robot, None)


def _state(occupant: Occupant) -> _State:
    flags = (occupant.movable, occupant.disabled, occupant.yields, occupant.arrived)
    return (round(occupant.low / CELL), occupant.high, *flags, *occupant.route)
