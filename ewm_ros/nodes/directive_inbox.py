"""The directive sets that a robot hears, of which it reads no more than it has to.

The coordinator sends a whole set for every robot's intention: a hundred a second for ten robots. A set that a newer one
overtakes before the robot thinks again may as well have been lost, unless it is the answer that the robot waits for.
"""

from __future__ import annotations

from collections.abc import Callable

from rclpy.serialization import deserialize_message

from ewm_ros.messages import DirectiveSet
from ewm_ros.msg import DirectiveSet as DirectiveSetMsg
from ewm_ros.nodes import reporting
from ewm_ros.nodes.process import steady_now
from ewm_ros.robot import incoming

UNANSWERED = 200  # intentions kept to measure when they are answered


class DirectiveInbox:
    """Keeps the newest set unread until it is needed, and measures how long answers take.

    Args:
        robot: name.
        boot: nonce of this start of the robot's process.
        take: gets a set that is read, and when it arrived (steady s).

    Attributes:
        cycle_ms: from the observation of each intention to the arrival of the first set that answers it.
    """

    def __init__(self, robot: str, boot: int, take: Callable[[DirectiveSet, float], None]) -> None:
        self.cycle_ms = reporting.Samples()
        self._robot, self._boot, self._take = robot, boot, take
        self._newest: tuple[bytes, float] | None = None
        self._unanswered: dict[int, float] = {}

    def sent(self, seq: int, observed_at: float) -> None:
        """An intention has been sent that is made from an observation of this moment (steady s)."""
        self._unanswered[seq] = observed_at
        if len(self._unanswered) > UNANSWERED:
            del self._unanswered[next(iter(self._unanswered))]

    def arrive(self, raw: bytes) -> None:
        """A set has come.

        Raises:
            InputError: it has been read, and anything in it is impossible.
        """
        self._newest = (raw, steady_now())
        if self._unanswered:
            self.read()

    def read(self) -> None:
        """Read the newest set, if it has not been read yet.

        Raises:
            InputError: anything in it is impossible.
        """
        if self._newest is None:
            return
        (raw, arrived), self._newest = self._newest, None
        directives = incoming.directives_from(deserialize_message(raw, DirectiveSetMsg))
        self._take(directives, arrived)
        own = directives.of(self._robot)
        if own is not None and own.boot == self._boot and own.answered in self._unanswered:
            self.cycle_ms.add(1e3 * (arrived - self._unanswered[own.answered]))
            self._unanswered = {seq: at for seq, at in self._unanswered.items() if seq > own.answered}
