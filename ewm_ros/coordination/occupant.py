"""One robot as those see it who decide: the interval of its route that holds it, and what may be expected of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ewm_ros.messages import Conflict

STANDING = 0.15  # m; whose interval is shorter than this stands
STOPPING = 0.45  # m; an order is taken back only from who is further than this from the region
ARRIVED = 0.05  # m from the end of the route


@dataclass(slots=True)
class Occupant:
    """One robot as the solver sees it; low, high and length are m of progress on its route.

    Attributes:
        low, high: it is sure to stay in this interval until it gets further orders.
        movable: it obeys this coordinator; otherwise it is taken to be anywhere on the rest of its route.
        waiting_since: s, inf while it need not wait.
        route: boot and id of the route that it is on.
        disabled: it is not going to move by itself.
        yields: it may come to its goal although that is in the way of others: it will be sent aside for them.
    """

    robot: str
    low: float
    high: float
    length: float
    movable: bool
    priority: int = 0
    waiting_since: float = math.inf
    speed: float = 0.5
    route: tuple[int, int] = (0, 0)
    disabled: bool = False
    yields: bool = False

    @property
    def extent(self) -> float:
        """The furthest progress it may come to."""
        return self.high if self.movable else self.length

    @property
    def arrived(self) -> bool:
        """Nothing is left of its route."""
        return self.low >= self.length - ARRIVED

    @property
    def stands(self) -> bool:
        """It moves no further without new orders."""
        return self.extent - self.low < STANDING


def own_interval(region: Conflict, robot: str) -> tuple[float, float]:
    """enter and leave (m) of a region on the route of one of its two robots."""
    side = region.robots.index(robot)
    return region.enter[side], region.leave[side]
