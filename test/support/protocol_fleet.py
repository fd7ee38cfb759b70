"""A fleet of points on rails, for tests of the protocol alone: real RightOfWay, Coordinator and Network, no physics.

On a map the robots have real WayFinders too: they take the ways that the coordinator asks them to take.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from ewm_ros.coordination.arbitration.arbiter import Arbiter
from ewm_ros.coordination.coordinator import Coordinator
from ewm_ros.coordination.right_of_way import RightOfWay
from ewm_ros.errors import InputError
from ewm_ros.geometry import Polyline, Pose2D
from ewm_ros.intention.codec import decode_payload, encode_payload
from ewm_ros.messages import NO_GOAL, DirectiveSet, Intention, Knot, Outcome, Plan, Route
from ewm_ros.occupancy_grid import OccupancyGrid
from ewm_ros.robot.way_finder import Goal, Offer, WayFinder
from ewm_ros.simulation.network import Faults, Network

STEP = 0.1
RADIUS, SPEED, BRAKING = 0.3, 0.5, 0.75


class RailRobot:
    """Drives along its path as fast as its hold point lets it; its process can be started anew.

    Args:
        path: its way. On a map only its ends count, and one that has only one point is that of a robot without a goal.
        grid: the map, if it is to plan its ways, and to take those that it is offered.
    """

    def __init__(self, name: str, path: Polyline, priority: int = 0, grid: OccupancyGrid | None = None) -> None:
        self.name, self.whole, self.priority, self._grid = name, path, priority, grid
        x, y = self.end = path.point_at(path.length)
        self.goal = Goal("goal", x, y) if path.length else None
        self.starts = 0
        self.offset = 0.0  # of the present route on the whole path
        self.s = self.v = 0.0
        self.broken = False  # it cannot move, and says so
        self.asked: list[int] = []  # the numbers of all ways that it was asked to take
        self.start()

    def start(self) -> None:
        """A new process: it stands, knows nothing, and plans from here to its goal."""
        self.starts += 1
        self.v, self.seq, self.routes = 0.0, 0, 0
        self.rules = RightOfWay(self.name, boot=self.starts * 1000 + int(self.name[1:]) + 1)
        self.ways: WayFinder | None = None
        if self._grid is None:
            self._take_route()
        else:
            self.ways = WayFinder(RADIUS)
            self.ways.set_map(self._grid)
            if self.goal is None:
                self.end = self.place  # it knows of no other home

    def _take_route(self) -> None:
        """What is left of the whole path is the next route."""
        self.offset = self.s
        self.routes += 1
        self.sent_route = -math.inf
        rest = [s for s in self.whole.s if s > self.s + 1e-6]
        path = Polyline([self.whole.point_at(self.s), *(self.whole.point_at(s) for s in rest)])
        boot = self.rules._boot
        self.route = Route(self.name, boot, self.routes, 0.0, path, RADIUS, SPEED, BRAKING, self.priority)
        self.rules.take_route(self.route)

    def _mind_the_way(self, ways: WayFinder) -> None:
        """Take up offers, and change the route if need be, as soon as it stands: as IntegratedAgent does."""
        pose, path, progress = Pose2D(*self.place, 0.0), self.rules.path, self.rules.progress
        advice = self.rules.advice
        if path is not None and self.v == 0.0:
            ways.at_end(path, progress)
        if advice.take_path is not None:
            self.asked += [advice.take_route] if advice.take_route not in self.asked else []
            ways.consider(Offer(advice.take_route, advice.take_path), pose)
        if ways.needs_route(pose, self.goal, path, progress) or self.rules.giving_up:
            self.rules.give_up_the_rest()
            if self.v == 0.0:
                self.whole, self.s = ways.route(pose), 0.0
                self._take_route()

    @property
    def place(self) -> tuple[float, float]:
        return self.whole.point_at(self.s)

    @property
    def arrived(self) -> bool:
        return math.dist(self.place, self.end) < 0.1

    def drive(self) -> None:
        """One step: never so fast that it could not stop before its hold point."""
        if self.broken:
            self.v = 0.0
            return
        room = self.rules.hold - (self.s - self.offset)
        allowed = BRAKING * (math.sqrt(STEP**2 + 2.0 * max(room, 0.0) / BRAKING) - STEP)
        # A robot cannot brake harder than it can: if this is more than allowed it has been held too late.
        assert max(self.v - BRAKING * STEP, 0.0) <= allowed + 1e-6, f"{self.name} cannot stop before its hold point"
        self.v = min(SPEED, self.v + BRAKING * STEP, allowed)
        self.s = min(self.s + self.v * STEP, self.whole.length)

    def speak(self, now: float) -> tuple[Intention, Route | None]:
        self.seq += 1
        if self.ways is not None:
            self._mind_the_way(self.ways)
        stopping = self.v * STEP + self.v**2 / (2 * BRAKING) + 0.03
        self.rules.step(self.s - self.offset, stopping, self.seq, now)
        x, y = self.place
        outcome = Outcome.BLOCKED if self.broken else Outcome.PROGRESS
        plan = Plan(self.goal.name if self.goal else NO_GOAL, outcome, math.inf, 1.0, (Knot(0.0, x, y, 0.0, 0.1),))
        plan, standing = decode_payload(encode_payload(plan, self.rules.standing()))
        route = None
        if now - self.sent_route >= 1.0 and (self.sent_route < 0 or self.rules.route_wanted or self.rules.local):
            route, self.sent_route = self.route, now
        return Intention(self.name, self.rules._boot, self.seq, now, plan, standing), route


class ProtocolFleet:
    """Robots, any number of coordinators and a faulty network, in lockstep; on a map all of them have it."""

    def __init__(
        self,
        paths: list[Polyline],
        faults: Faults,
        seed: int = 0,
        priorities: list[int] | None = None,
        grid: OccupancyGrid | None = None,
        arbiter: Callable[[], Arbiter] | None = None,
    ) -> None:
        self._make_arbiter = arbiter
        roles = priorities or [0] * len(paths)
        self.robots = [RailRobot(f"r{i}", path, roles[i], grid) for i, path in enumerate(paths)]
        self._grid = grid
        self.faults = faults
        self.network = Network(faults, np.random.default_rng(seed))
        self.coordinators: dict[str, Coordinator] = {}
        self.started = 0
        self.now = 0.0
        self.ticks = 0
        self.cut_off: set[str] = set()  # robots that no coordinator hears, and that hear none

    def start_coordinator(self) -> str:
        self.started += 1
        name = f"coordinator {self.started}"
        arbiter = self._make_arbiter() if self._make_arbiter is not None else None
        self.coordinators[name] = coordinator = Coordinator(nonce=self.started, arbiter=arbiter)
        if self._grid is not None:
            coordinator.set_map(self._grid)
        return name

    def kill_coordinators(self) -> None:
        self.coordinators.clear()

    def step(self) -> None:
        parties = [*(r.name for r in self.robots), *self.coordinators]
        for robot in self.robots:
            for message in self.network.receive(robot.name, self.now):
                self._hear(robot.rules, message)
            intention, route = robot.speak(self.now)
            deaf = self.coordinators if robot.name in self.cut_off else ()
            others = [p for p in parties if p != robot.name and p not in deaf]
            if route is not None:
                self.network.send(others, route, self.now)
            self.network.send(others, intention, self.now)
        for name, coordinator in list(self.coordinators.items()):
            for message in self.network.receive(name, self.now):
                self._hear(coordinator, message)
            if coordinator.refused:
                del self.coordinators[name]
                continue
            directives = coordinator.decide(self.now)
            self.network.send([p for p in parties if p != name and p not in self.cut_off], directives, self.now)
            coordinator.think()
        for robot in self.robots:
            robot.drive()
        self.ticks += 1
        self.now = self.ticks * STEP
        self.check()

    def _hear(self, listener: RightOfWay | Coordinator, message: object) -> None:
        try:
            if isinstance(message, Intention):
                listener.receive_intention(message, self.now)
            elif isinstance(message, DirectiveSet):
                listener.receive_directives(message, self.now)
            elif isinstance(listener, Coordinator):
                assert isinstance(message, Route)
                listener.receive_route(message, self.now)
            else:
                assert isinstance(message, Route)
                listener.peers.receive_route(message)
        except InputError:
            pass  # a robot that was restarted within a second is taken for a second one of its name at first

    def check(self) -> None:
        """Nobody is ever inside a region that does not fit both: the footprints are always apart."""
        for i, a in enumerate(self.robots):
            for b in self.robots[i + 1 :]:
                gap = math.dist(a.place, b.place)
                assert gap >= 2 * RADIUS, f"{a.name} and {b.name} are {gap:.2f} m apart at {self.now:.1f} s"

    @property
    def all_arrived(self) -> bool:
        return all(robot.arrived for robot in self.robots)

    def heal(self) -> None:
        """The network is whole again from now on."""
        self.cut_off.clear()
        self.network._faults = Faults()


def crossing(robots: int) -> list[Polyline]:
    """Up to eight robots over one crossing of four lanes, each with a goal of its own."""
    lanes = [((-8, -0.45), (1, 0)), ((8, 0.45), (-1, 0)), ((0.45, -8), (0, 1)), ((-0.45, 8), (0, -1))]
    paths = []
    for i in range(robots):
        (x, y), (dx, dy) = lanes[i % 4]
        ahead, beyond = 1.2 * (i // 4), 6.0 - 1.2 * (i // 4)
        start = (x + dx * (2 - ahead), y + dy * (2 - ahead))
        paths.append(Polyline([start, (x + dx * (8 + beyond), y + dy * (8 + beyond))]))
    return paths


def corridor(robots: int) -> list[Polyline]:
    """Both ways through one lane: rooms at x < -4 and x > 4, starts above and goals below."""
    paths = []
    for i in range(robots):
        side = -1 if i % 2 else 1
        ray = math.radians(20.0 + 30.0 * (i // 2))  # everybody on a ray of its own from the mouth
        across, along = 3.0 * math.sin(ray), 4.0 + 3.0 * math.cos(ray)
        paths.append(
            Polyline([(-side * along, across), (-side * 4.0, 0.0), (side * 4.0, 0.0), (side * along, -across)])
        )
    return paths


def roundabout(robots: int) -> list[Polyline]:
    """Every route crosses the next one, in a circle: the place for a deadlock of many."""
    paths = []
    for i in range(robots):
        turn = 2 * math.pi * i / robots
        points = np.array([[-5.0, -1.2], [5.0, -1.2]])
        paths.append(Polyline(points @ np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])))
    return paths
