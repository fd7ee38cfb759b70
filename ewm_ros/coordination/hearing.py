"""Which intentions a robot believes: those that are not too late, nor overtaken, and of one process a name."""

from __future__ import annotations

from ewm_ros.coordination.peer_clocks import PeerClocks
from ewm_ros.coordination.roster import Roster
from ewm_ros.messages import Intention


class Hearing:
    """Looks at each intention that arrives. Robots that hear the same messages, as those of one process do, share one.

    To be asked once about each intention, in the order in which they arrive.
    """

    def __init__(self) -> None:
        self._clocks = PeerClocks()
        self._roster = Roster()

    def accepts(self, intention: Intention, now: float, clock: float | None = None) -> bool:
        """Whether it is the newest word of its robot.

        Args:
            now: s of a steady clock.
            clock: s of the clock that stamps are compared with; `now` if not given.

        Raises:
            InputError: a name is used twice, or the message is far too late.
        """
        self._clocks.check(intention.robot, intention.stamp, now if clock is None else clock)
        return self._roster.take(intention, now)
