"""Ways that robots are asked to take in place of their routes: told again and again until they are on them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ewm_ros.coordination.solver import Occupant
from ewm_ros.geometry import Polyline
from ewm_ros.messages import UINT32

PATIENCE = 6.0  # s in which a robot has to take the way that it is offered


@dataclass(frozen=True, slots=True)
class Offer:
    """One way; it is meant for who is on a route (boot and id) and stands where the way begins."""

    number: int
    route: tuple[int, int]
    path: Polyline
    since: float


class Offers:
    """The ways that are offered now, by robot.

    Args:
        nonce: of the coordinator, so that its offers' numbers are its own.
    """

    def __init__(self, nonce: int) -> None:
        self._number = nonce
        self._open: dict[str, Offer] = {}

    def __contains__(self, robot: object) -> bool:
        return robot in self._open

    def __iter__(self) -> Iterator[str]:
        return iter(self._open)

    def __len__(self) -> int:
        return len(self._open)

    def of(self, robot: str) -> Offer | None:
        """What the robot is asked now."""
        return self._open.get(robot)

    def make(self, ways: Mapping[str, Polyline], occupants: Mapping[str, Occupant], now: float) -> None:
        """Ask robots to take these ways from where they stand."""
        for name, way in ways.items():
            self._number = self._number % UINT32 + 1
            self._open[name] = Offer(self._number, occupants[name].route, way, now)

    def settle(self, occupants: Mapping[str, Occupant], now: float) -> None:
        """Forget what has been taken, what does not fit its robot any more, and what nobody takes."""
        self._open = {
            name: offer
            for name, offer in self._open.items()
            if name in occupants and occupants[name].route == offer.route and now - offer.since <= PATIENCE
        }
