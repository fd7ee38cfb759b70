"""The directive sets that a process's robots hear, of which it reads no more than it has to.

The coordinator sends a whole set for every robot's intention: a hundred a second for ten robots. A set that a newer one
overtakes before a robot thinks again may as well have been lost, unless it is the answer that the robot waits for.
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


class Answers:
    """Whether and how soon the coordinator answers one robot.

    Args:
        robot: name.
        boot: nonce of this start of the robot.

    Attributes:
        cycle_ms: from the observation of each intention to the arrival of the first set read that answers it.
    """

    def __init__(self, robot: str, boot: int) -> None:
        self.cycle_ms = reporting.Samples()
        self._robot, self._boot = robot, boot
        self._unanswered: dict[int, float] = {}

    @property
    def awaited(self) -> bool:
        """Whether there is an intention without an answer."""
        return bool(self._unanswered)

    def sent(self, seq: int, observed_at: float) -> None:
        """An intention has been sent that is made from an observation of this moment (steady s)."""
        self._unanswered[seq] = observed_at
        if len(self._unanswered) > UNANSWERED:
            del self._unanswered[next(iter(self._unanswered))]

    def heard(self, directives: DirectiveSet, arrived: float) -> None:
        """A set has been read that arrived at this moment (steady s)."""
        own = directives.of(self._robot)
        if own is not None and own.boot == self._boot and own.answered in self._unanswered:
            self.cycle_ms.add(1e3 * (arrived - self._unanswered[own.answered]))
            self._unanswered = {seq: at for seq, at in self._unanswered.items() if seq > own.answered}


class DirectiveInbox:
    """Keeps the newest set unread until it is needed.

    Args:
        awaited: whether a robot waits for an answer.
        take: gets a set that is read, and when it arrived (steady s).
        soon: calls `read` when an answer may have come; at once if not given. Several robots in one process had
            better wait for the messages that have arrived already.
    """

    def __init__(
        self,
        awaited: Callable[[], bool],
        take: Callable[[DirectiveSet, float], None],
        soon: Callable[[], None] | None = None,
    ) -> None:
        self._awaited, self._take, self._soon = awaited, take, soon or self.read
        self._newest: tuple[bytes, float] | None = None

    def arrive(self, raw: bytes) -> None:
        """A set has come.

        Raises:
            InputError: it has been read, and anything in it is impossible.
        """
        self._newest = (raw, steady_now())
        if self._awaited():
            self._soon()

    def read(self) -> None:
        """Read the newest set, if it has not been read yet.

        Raises:
            InputError: anything in it is impossible.
        """
        if self._newest is None:
            return
        (raw, arrived), self._newest = self._newest, None
        self._take(incoming.directives_from(deserialize_message(raw, DirectiveSetMsg)), arrived)
