"""What the coordinator knows of one robot: an interval of its route that is sure to hold it."""

from __future__ import annotations

import math
from collections import deque

from ewm_ros.messages import Intention, Standing


class Account:
    """The robot's newest word, and the orders it may still come to obey.

    `low` is the progress it has reported: it does not drive backwards, so it is at least there. `high` is the furthest
    it may drive on what it reported to hold and on every order that it has not acknowledged yet. Delay and loss of
    messages make the interval longer, never wrong.
    """

    def __init__(self, intention: Intention) -> None:
        self.intention = intention
        self.blocked_since = math.inf
        self._issued: deque[tuple[int, float]] = deque()

    @property
    def standing(self) -> Standing:
        """The robot's newest word on its place in the protocol."""
        return self.intention.standing

    def update(self, intention: Intention, nonce: int) -> None:
        """Take a newer intention of the same boot."""
        if intention.standing.route != self.standing.route:
            self._issued.clear()  # orders on another route mean nothing to the robot
        self.intention = intention
        if intention.standing.coordinator == nonce:
            while self._issued and self._issued[0][0] <= intention.standing.epoch:
                self._issued.popleft()

    def issue(self, epoch: int, hold: float) -> None:
        """Remember an order that is about to be sent."""
        while self._issued and self._issued[-1][1] <= hold:
            self._issued.pop()  # a later order that goes further covers the earlier ones
        self._issued.append((epoch, hold))

    @property
    def low(self) -> float:
        """m of progress."""
        return self.standing.progress

    @property
    def high(self) -> float:
        """m of progress."""
        furthest = max(self.standing.reach, self.standing.progress)
        return max(furthest, self._issued[0][1]) if self._issued else furthest
