"""A network that loses, delays, doubles and reorders messages.

For the lockstep runner, and for nodes that are to hear each other badly (nodes/faulty_link.py).
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ewm_ros.errors import InputError


@dataclass(frozen=True, slots=True)
class Faults:
    """What goes wrong with each message on its way to each receiver.

    Attributes:
        loss: share of messages lost, 0 to 1.
        delay: s, mean; each message takes 0.5 to 1.5 times this, so that messages overtake each other.
        duplication: share of messages that come twice.
    """

    loss: float = 0.0
    delay: float = 0.0
    duplication: float = 0.0

    def __post_init__(self) -> None:
        if not (0.0 <= self.loss <= 1.0 and 0.0 <= self.duplication <= 1.0 and 0.0 <= self.delay < 60.0):
            raise InputError("loss and duplication must be 0 to 1, the delay 0 to 60 s")


NO_FAULTS = Faults()


class Network:
    """Carries messages between named parties.

    Args:
        faults: of every link.
        rng: of the faults.
    """

    def __init__(self, faults: Faults, rng: np.random.Generator) -> None:
        self._faults = faults
        self._rng = rng
        self._inboxes: dict[str, list[tuple[float, int, Any]]] = {}
        self._sent = 0

    def send(self, receivers: Iterable[str], message: object, now: float) -> None:
        """Put a message on its way to each receiver; what comes at the same moment keeps its order."""
        faults = self._faults
        for receiver in receivers:
            copies = 1
            if faults.loss or faults.duplication:
                lost, doubled = self._rng.random(2)
                copies = 0 if lost < faults.loss else 2 if doubled < faults.duplication else 1
            for _ in range(copies):
                delay = faults.delay * self._rng.uniform(0.5, 1.5) if faults.delay else 0.0
                self._sent += 1
                heapq.heappush(self._inboxes.setdefault(receiver, []), (now + delay, self._sent, message))

    def receive(self, receiver: str, now: float) -> list[Any]:
        """The messages that have arrived by now."""
        inbox = self._inboxes.get(receiver, [])
        arrived = []
        while inbox and inbox[0][0] <= now + 1e-9:
            arrived.append(heapq.heappop(inbox)[2])
        return arrived

    def forget(self, receiver: str) -> None:
        """The receiver was started anew: what was under way to it is lost."""
        self._inboxes.pop(receiver, None)
