"""What the coordinator knows of one robot: an interval of its route that is sure to hold it."""

from __future__ import annotations

import math
from collections import deque

from ewm_ros.messages import Intention, Outcome, Standing

MOVED = 0.05  # m of progress
BLOCKED_PATIENCE = 5.0  # s that a robot may say that something is in its way, before the others plan around it
STILL_PATIENCE = 15.0  # s for which a robot may stand though its hold point lies ahead, likewise
FREE_WAY = 0.3  # m ahead of a robot, with which it could move


class Account:
    """The robot's newest word, and the orders it may still come to obey.

    `low` is the progress it has reported: it does not drive backwards, so it is at least there. `high` is the furthest
    it may drive on what it reported to hold and on every order that it has not acknowledged yet. Delay and loss of
    messages make the interval longer, never wrong.
    """

    def __init__(self, intention: Intention, now: float) -> None:
        self.intention = intention
        self.blocked_since = math.inf
        self._issued: deque[tuple[int, float]] = deque()
        self._moved = now  # when it last moved, or could not have
        self._moved_to = intention.standing.progress
        self._able = now  # when it last said that nothing is in its way

    @property
    def standing(self) -> Standing:
        """The robot's newest word on its place in the protocol."""
        return self.intention.standing

    def update(self, intention: Intention, nonce: int, now: float) -> None:
        """Take a newer intention of the same boot."""
        rerouted = intention.standing.route != self.standing.route
        if rerouted:
            self._issued.clear()  # orders on another route mean nothing to the robot
        self.intention = intention
        free = intention.standing.hold > intention.standing.progress + FREE_WAY
        if rerouted or not free or abs(intention.standing.progress - self._moved_to) > MOVED:
            self._moved, self._moved_to = now, intention.standing.progress
        if intention.plan.outcome is not Outcome.BLOCKED:
            self._able = now
        if intention.standing.coordinator == nonce:
            while self._issued and self._issued[0][0] <= intention.standing.epoch:
                self._issued.popleft()

    def issue(self, epoch: int, hold: float) -> None:
        """Remember an order that is about to be sent."""
        while self._issued and self._issued[-1][1] <= hold:
            self._issued.pop()  # a later order that goes further covers the earlier ones
        self._issued.append((epoch, hold))

    def disabled(self, now: float) -> bool:
        """Whether the others had better plan around the robot: it says so, or does not drive though it may."""
        return now - self._able > BLOCKED_PATIENCE or now - self._moved > STILL_PATIENCE

    @property
    def low(self) -> float:
        """m of progress."""
        return self.standing.progress

    @property
    def high(self) -> float:
        """m of progress."""
        furthest = max(self.standing.reach, self.standing.progress)
        return max(furthest, self._issued[0][1]) if self._issued else furthest
