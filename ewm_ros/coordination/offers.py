"""Ways that robots are asked to take in place of their routes: told again and again until they are on them."""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass

from ewm_ros.coordination.occupant import Occupant
from ewm_ros.geometry import Polyline
from ewm_ros.messages import UINT32

PATIENCE = 4.0  # s in which a robot has to take the way that it is offered
DECLINED = 15.0  # s in which one that did not is not asked again: it sees something that the coordinator does not


@dataclass(frozen=True, slots=True)
class Offer:
    """One way; it is meant for who is on a route (boot and id) and stands where the way begins.

    `aside` if it leads out of the way of others, for whom its robot will make way again and again.
    """

    number: int
    route: tuple[int, int]
    path: Polyline
    since: float
    aside: bool = False


class Offers:
    """The ways that are offered now, by robot.

    Args:
        nonce: of the coordinator, so that its offers' numbers are its own.
    """

    def __init__(self, nonce: int) -> None:
        self._number = nonce
        self._open: dict[str, Offer] = {}
        self._declined: dict[str, float] = {}  # when, s
        self._taken: dict[str, tuple[tuple[int, int], bool]] = {}  # the route that came of it, and whether aside

    def __contains__(self, robot: object) -> bool:
        return robot in self._open

    def __iter__(self) -> Iterator[str]:
        return iter(self._open)

    def __len__(self) -> int:
        return len(self._open)

    def of(self, robot: str) -> Offer | None:
        """What the robot is asked now."""
        return self._open.get(robot)

    def make(
        self,
        ways: Mapping[str, Polyline],
        occupants: Mapping[str, Occupant],
        now: float,
        aside: Container[str] = (),
    ) -> None:
        """Ask robots to take these ways from where they stand; nobody if one of them has declined just now."""
        if not self.may_ask(ways, now):
            return
        for name, way in ways.items():
            self._number = self._number % UINT32 + 1
            self._open[name] = Offer(self._number, occupants[name].route, way, now, name in aside)

    def may_ask(self, robots: Iterable[str], now: float) -> bool:
        """Whether none of them has declined just now."""
        return all(now - self._declined.get(robot, -math.inf) > DECLINED for robot in robots)

    def yields(self, robot: str, route: tuple[int, int]) -> bool:
        """Whether a robot is on its way aside on this route (boot and id)."""
        return self._taken.get(robot) == (route, True)

    def led_to(self, robot: str, route: tuple[int, int]) -> bool:
        """Whether a robot is on this route because it was offered."""
        return self._taken.get(robot, (None, False))[0] == route

    def settle(self, occupants: Mapping[str, Occupant], now: float) -> None:
        """Forget what has been taken, what does not fit its robot any more, and what nobody takes."""
        for name, offer in list(self._open.items()):
            fits = name in occupants and occupants[name].route == offer.route
            if fits and now - offer.since > PATIENCE:
                self._declined[name] = now
            elif not fits and name in occupants:
                self._taken[name] = (occupants[name].route, offer.aside)
            if not fits or now - offer.since > PATIENCE:
                del self._open[name]
