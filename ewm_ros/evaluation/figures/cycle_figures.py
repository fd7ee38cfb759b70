"""How long a fleet's cycles take, and how much of its talk gets lost, from what it says on its topics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ewm_ros import diagnostics_keys as keys
from ewm_ros.evaluation.figures.numbers import percentiles


class CycleFigures:
    """Collects what is told of cycles.

    Args:
        robots: their names; others are passed over.
    """

    def __init__(self, robots: Iterable[str]) -> None:
        self.robots = tuple(robots)
        self._seen: dict[str, set[tuple[int, int]]] = {name: set() for name in self.robots}
        self._statuses = {keys.ROBOT_STATUS.format(robot=name): name for name in self.robots}
        self._cycle_ms: list[float] = []
        self._intention_ms: list[float] = []
        self._newest: dict[str, float] = {}

    def intention(self, robot: str, boot: int, seq: int) -> bool:
        """An intention has been heard; whether it is one of these robots', and for the first time."""
        seen = self._seen.get(robot)
        if seen is None or (boot, seq) in seen:
            return False
        seen.add((boot, seq))
        return True

    def diagnostics(self, status: str, values: Mapping[str, str]) -> str | None:
        """One node's status on /diagnostics; the robot, if it is that of one of these."""
        robot = self._statuses.get(status)
        if robot is not None:
            cycles = keys.split_samples(values[keys.CYCLE_MS])
            self._cycle_ms += cycles
            self._intention_ms += keys.split_samples(values[keys.OBSERVE_TO_INTENTION_MS])
            self._newest.pop(robot, None)
            if cycles:
                self._newest[robot] = cycles[-1]
        return robot

    def heard(self, robot: str) -> bool:
        """Whether any intention of the robot has been heard."""
        return bool(self._seen[robot])

    def newest_cycle_ms(self, robot: str) -> float | None:
        """Of the robot's last status; None if there was none in it."""
        return self._newest.get(robot)

    @property
    def messages_lost(self) -> int:
        """Intentions that were sent, by their sequence numbers, and have not been heard here."""
        lost = 0
        for seen in self._seen.values():
            for boot in {boot for boot, _ in seen}:
                seqs = [seq for b, seq in seen if b == boot]
                lost += max(seqs) - min(seqs) + 1 - len(seqs)
        return lost

    @property
    def cycle_ms(self) -> dict[str, float | int | None]:
        """Percentiles of the cycle time."""
        return {**percentiles(self._cycle_ms, max=100), "n": len(self._cycle_ms)}

    @property
    def observe_to_intention_ms(self) -> dict[str, float | None]:
        """Percentiles of the time from the observation to the published intention."""
        return percentiles(self._intention_ms)
