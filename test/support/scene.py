"""Robots that the solver moves along their routes, round by round, without any messages between."""

from __future__ import annotations

import math
from collections.abc import Sequence

from wire_values import Points, route

from ewm_ros.coordination.banker import Banker
from ewm_ros.coordination.occupant import Occupant
from ewm_ros.coordination.precedence import NOBODY_FIRST
from ewm_ros.coordination.route_book import RouteBook
from ewm_ros.coordination.solver import Decision, Solver
from ewm_ros.coordination.traffic_plan import TrafficPlan

ROUND = 0.1  # s
FASTEST = 0.05  # m in a round
STILL_ROUNDS = 15  # longer than a traffic plan stays as it is


class Scene:
    """Robots that drive at once as far as they are let, one round after the other.

    Args:
        ways: of r0, r1, ...
        planned: whether they keep to the order of a traffic plan.
    """

    def __init__(self, ways: Sequence[Points], priorities: Sequence[int] = (), *, planned: bool = False) -> None:
        self.book = RouteBook()
        self.occupants: dict[str, Occupant] = {}
        for i, points in enumerate(ways):
            name, priority = f"r{i}", priorities[i] if priorities else 0
            self.book.put(route(name, points, priority=priority))
            self.occupants[name] = Occupant(name, 0.0, 0.0, self.book[name].path.length, True, priority, route=(1, 1))
        self.solver = Solver(self.book)
        self.banker = Banker(self.book)
        self.plan = TrafficPlan(self.book) if planned else None
        self.now = 0.0

    def place(self, name: str, low: float, high: float | None = None) -> None:
        """Put a robot somewhere on its route; it holds where it stands if nothing else is said."""
        self.occupants[name].low, self.occupants[name].high = low, low if high is None else high

    def reroute(self, name: str, points: Points) -> None:
        """A robot takes another route, from its beginning."""
        me = self.occupants[name]
        number = me.route[1] + 1
        self.book.put(route(name, points, number=number, priority=me.priority))
        me.low, me.high, me.length, me.route = 0.0, 0.0, self.book[name].path.length, (1, number)

    def without(self, name: str) -> Scene:
        """The same moment without one of the robots: nobody remembers it."""
        rest = Scene([], planned=self.plan is not None)
        rest.now = self.now
        for other, occupant in self.occupants.items():
            if other != name:
                rest.book.put(self.book[other])
                rest.occupants[other] = occupant
        return rest

    def decide(self) -> dict[str, Decision]:
        """Holds for all."""
        order = NOBODY_FIRST
        if self.plan is not None:
            self.plan.update(self.occupants, self.now)
            order = self.plan.precedence
        decisions = self.solver.decide(self.occupants, order)
        self.check()
        return decisions

    def check(self) -> None:
        """No two intervals span a box with a forbidden point."""
        names = list(self.occupants)
        for i, a in enumerate(names):
            for b in names[i + 1 :]:
                one, other = self.occupants[a], self.occupants[b]
                space = self.book.tight_space(a, b)
                assert not space.blocked(one.low, one.extent, other.low, other.extent), f"{one}\n{other}"

    def drive(self, rounds: int, speeds: Sequence[float] = ()) -> None:
        """On by some rounds; robots obey at once and move at shares `speeds` of the fastest."""
        still = 0  # rounds in which nobody moved: after some of them nobody will, arrived or not
        for _ in range(rounds):
            if still == STILL_ROUNDS:
                break
            decisions = self.decide()
            before = [robot.low for robot in self.occupants.values()]
            for k, (name, robot) in enumerate(self.occupants.items()):
                robot.high = decisions[name].hold
                step = FASTEST * (speeds[k % len(speeds)] if speeds else 1.0)
                robot.low = min(robot.low + step, robot.high)
                waits = bool(decisions[name].waits_for)
                robot.waiting_since = min(robot.waiting_since, self.now) if waits else math.inf
            self.now += ROUND
            self.check()
            still = still + 1 if before == [robot.low for robot in self.occupants.values()] else 0

    @property
    def all_arrived(self) -> bool:
        """Whether everybody is at its goal."""
        return all(robot.arrived for robot in self.occupants.values())
