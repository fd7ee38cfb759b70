"""How old a peer's message is, though its machine's clock shows another time of day."""

from __future__ import annotations

from ewm_ros.errors import InputError

DRIFT = 1e-3  # s per s; the estimate may grow this fast, so that a drifting clock is followed
PATIENCE = 5  # messages in a row beyond the bound after which the peer's clock is taken to have been set anew


class PeerClocks:
    """Estimates each peer's clock offset as the least (time of arrival - stamp) seen, as NTP's minimum filter does.

    Only ages matter here: right of way is settled by progress along routes, never by the time of day.

    Args:
        max_age: s; a message that is older than this is refused.
    """

    def __init__(self, max_age: float = 5.0) -> None:
        self._max_age = max_age
        self._offsets: dict[str, tuple[float, float]] = {}
        self._refused: dict[str, int] = {}

    def check(self, robot: str, stamp: float, now: float) -> float:
        """The message's age in s beyond the quickest one of this peer.

        Raises:
            InputError: it is older than max_age.
        """
        gap = now - stamp
        offset, since = self._offsets.get(robot) or (gap, now)
        if now > since:
            offset += DRIFT * (now - since)
        if gap < offset:
            offset = gap
        age = gap - offset
        if age > self._max_age:
            self._refused[robot] = self._refused.get(robot, 0) + 1
            if self._refused[robot] < PATIENCE:
                raise InputError(f"message of {robot} is {age:.1f} s late: check its network and its clock")
            offset, age = gap, 0.0
        if self._refused:
            self._refused.pop(robot, None)
        self._offsets[robot] = (offset, now)
        return age
