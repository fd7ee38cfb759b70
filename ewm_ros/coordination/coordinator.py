"""The coordinator: hears intentions and routes, grants right of way.

The protocol (docs/protocol.md) in short. Of each robot an Account holds an interval of its route that is sure to
contain it. A DirectiveSet makes intervals longer where the solver allows; nothing that was granted is given to somebody
else before its holder has reported that it holds it no more. So lost, late, doubled and reordered messages delay robots
and no more.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace

from ewm_ros.coordination.account import Account
from ewm_ros.coordination.arbitration.arbiter import Arbiter
from ewm_ros.coordination.arbitration.framing import FleetState
from ewm_ros.coordination.conflict_detection import PlanConflict, detect_conflicts
from ewm_ros.coordination.deadlock_watch import PATIENCE, DeadlockWatch
from ewm_ros.coordination.occupant import Occupant
from ewm_ros.coordination.offers import Offers
from ewm_ros.coordination.peer_clocks import PeerClocks
from ewm_ros.coordination.plan_grid import PlannedMotion, on_steps
from ewm_ros.coordination.planners import Planners
from ewm_ros.coordination.roster import Roster
from ewm_ros.coordination.roundabout import Roundabouts
from ewm_ros.coordination.route_book import RouteBook
from ewm_ros.coordination.solver import Decision, Solver
from ewm_ros.coordination.traffic_plan import TrafficPlan
from ewm_ros.errors import InputError
from ewm_ros.messages import NO_GOAL, UINT32, Conflict, Directive, DirectiveSet, Grant, Intention, Route
from ewm_ros.occupancy_grid import OccupancyGrid

STANDING_REACH = 0.02  # m; who may go no further than this stands
ROUTE_PATIENCE = 10.0  # s of silence after which the others drive though a robot's route has not arrived
MAX_ROBOTS = 64  # that fit into one set of directives
NAMED = 3  # robots waited for that are named to a robot: they come back in its intentions, which are short
LONG_PATIENCE = 10.0  # s for which nobody may move although there is a schedule
SILENT = 5.0  # s without a word after which the others plan around a robot
LISTENING = 1.5  # s in which a starting coordinator only listens: longer than any robot is silent


class Coordinator:
    """One per fleet; a second one finds that it is not alone and refuses.

    Args:
        nonce: drawn anew at each start, 1 to 2**32 - 1; robots tell coordinators apart by it.
        lease: s; told to the robots, see DirectiveSet.
        arbiter: has a say where words decide; nobody has if not given.
    """

    def __init__(self, *, nonce: int, lease: float = 1.0, arbiter: Arbiter | None = None) -> None:
        if not 0 < nonce <= UINT32:
            raise InputError(f"coordinator nonce {nonce} is not in 1..{UINT32}")
        self.nonce = nonce
        self.lease = lease
        self.refused: str | None = None
        self.epoch = 0
        self._accounts: dict[str, Account] = {}
        self._roster = Roster()
        self._book = RouteBook()
        self._solver = Solver(self._book)
        self._plan = TrafficPlan(self._book)
        self._planners = Planners()
        self._offers = Offers(nonce)
        self._deadlocks = DeadlockWatch(self._book, self._planners, self._offers)
        self.arbiter = arbiter
        if arbiter is not None:
            self._deadlocks.advise = arbiter.way_out
        self._roundabouts = Roundabouts(self._book, self._plan, self._planners, self._offers)
        self._clocks = PeerClocks()
        self._started = math.inf
        self._elders: dict[int, tuple[float, float]] = {}  # when older coordinators were first and last heard, s

    @property
    def robots(self) -> tuple[str, ...]:
        """Names of the robots that have been heard."""
        return tuple(sorted(self._accounts))

    def silent(self, now: float) -> tuple[str, ...]:
        """Names of the robots that have been silent for so long that the others plan around them."""
        return tuple(name for name in self.robots if self._roster.silence(name, now) > SILENT)

    def set_map(self, grid: OccupancyGrid) -> None:
        """Take a map of the floor: ways round robots and places aside are found on it."""
        self._planners.set_map(grid)

    @property
    def reports(self) -> tuple[str, ...]:
        """What only people can help: a line for each robot whose way somebody blocks for good."""
        return self._deadlocks.reports

    def receive_intention(self, intention: Intention, now: float, clock: float | None = None) -> None:
        """Take a robot's newest word; older ones than known are passed over.

        Raises:
            InputError: two running processes use one name, the message is far too late, or there are too many robots.
        """
        self._clocks.check(intention.robot, intention.stamp, now if clock is None else clock)
        if intention.robot not in self._roster and len(self._accounts) >= MAX_ROBOTS:
            raise InputError(f"{intention.robot} is one robot too many: a coordinator takes {MAX_ROBOTS} names")
        if not self._roster.take(intention, now):
            return
        account = self._accounts.get(intention.robot)
        if account is None or account.intention.boot != intention.boot:
            self._accounts[intention.robot] = Account(intention, now)
        else:
            account.update(intention, self.nonce, now)
        self._book.place(intention)

    def receive_route(self, route: Route, now: float) -> None:
        """Take a robot's route; it counts from the moment its robot's intentions name it."""
        self._book.learn(route)
        self._planners.prepare(route.radius)
        if route.robot in self._roster:
            self._book.place(self._roster[route.robot])

    def receive_directives(self, directives: DirectiveSet, now: float) -> None:
        """Hear another coordinator; the one that has been there longer stays, `refused` says so to the other."""
        if directives.coordinator == self.nonce:
            return
        if (directives.epoch, -directives.coordinator) <= (self.epoch, -self.nonce):
            return  # the younger one finds out by itself; robots that follow this one do not listen to it
        first, last = self._elders.get(directives.coordinator, (now, now))
        if now - last >= self.lease:
            first = now
        self._elders[directives.coordinator] = (first, now)
        # What a coordinator that has died sent last may still be under way: only a lasting stream is one.
        if now - first >= 0.5 * self.lease:
            self.refused = f"another coordinator (nonce {directives.coordinator}) is already running: stop it first"

    def decide(self, now: float, clock: float | None = None) -> DirectiveSet:
        """The orders of this moment, to be sent at once. While it listens or is refused, nothing new is granted.

        Args:
            now: s of a steady clock, as in all calls.
            clock: s of the clock that stamps are taken from; `now` if not given.
        """
        if not self._deadlocks.paused:
            self._deadlocks.search()  # nobody has had the time to think
        self._started = min(self._started, now)
        self.epoch += 1
        contested = any(now - last < self.lease for _, last in self._elders.values())
        granting = now - self._started >= LISTENING and not contested and self.refused is None
        decisions: Mapping[str, Decision] = {}
        if granting and not self._unknown_ways(now):
            occupants = self._occupants(now)
            self._plan.update(occupants, now)
            if self.arbiter is not None:
                plans = {name: account.intention.plan for name, account in self._accounts.items()}
                stamp = now if clock is None else clock
                fleet = FleetState(self._book, self._plan, occupants, plans, now, stamp)
                self.arbiter.look(fleet, self._deadlocks)
            self._reroute(occupants, now)
            decisions = self._solver.decide(occupants, self._plan.precedence, self._offers)
        directives = [self._directive(name, decisions, now) for name in self._accounts]
        return DirectiveSet(self.nonce, self.epoch, now if clock is None else clock, self.lease, tuple(directives))

    def think(self, pause: Callable[[], bool] = lambda: False) -> None:
        """Do what no answer has to wait for: one step of the search for ways out of deadlocks, if there are any.

        To be called when the orders of `decide` have been sent. Where it never is, the next decision does the step.

        Args:
            pause: asked now and then whether to leave the rest of the step to the next call.
        """
        self._deadlocks.search(pause)

    def _reroute(self, occupants: Mapping[str, Occupant], now: float) -> None:
        """Offer robots other ways where waiting does not help, or helps less."""
        self._offers.settle(occupants, now)
        if self._offers:
            return
        self._offers.make(self._roundabouts.ways(occupants, now), occupants, now)
        if self._offers:
            return
        # A schedule says that all can come to their goals; if nobody moves for long nevertheless, it errs.
        moving = any(not o.stands and not o.disabled for o in occupants.values())
        if self._plan.feasible and moving:
            self._deadlocks.rest()
            return
        aimless = [name for name, account in self._accounts.items() if account.intention.plan.goal == NO_GOAL]
        patience = LONG_PATIENCE if self._plan.feasible else PATIENCE
        self._deadlocks.look(occupants, aimless, now, patience)

    def _unknown_ways(self, now: float) -> bool:
        """Whether there is a robot whose route has not arrived: nobody can be kept out of its way.

        One that stands and has fallen silent before it said where it wants to go is not awaited for ever.
        """
        unknown = False
        for account in self._accounts.values():
            intention = account.intention
            if self._book.knows_route_of(intention):
                continue
            moves = account.standing.reach > account.standing.progress + STANDING_REACH
            heard = self._roster.silence(intention.robot, now) < ROUTE_PATIENCE
            awaited = heard and self._book.place_on_route(intention) is None
            unknown = unknown or moves or awaited
        return unknown

    def _occupants(self, now: float) -> dict[str, Occupant]:
        occupants = {}
        for name, account in self._accounts.items():
            route, standing = self._book[name], account.standing
            routed = self._book.knows_route_of(account.intention)
            low = account.low if routed else self._book.place_on_route(account.intention) or 0.0
            occupants[name] = Occupant(
                robot=name,
                low=low,
                high=account.high if routed else low,
                length=route.path.length,
                movable=routed and standing.coordinator == self.nonce,
                priority=route.priority,
                waiting_since=account.blocked_since,
                speed=max(route.max_speed, 0.05),
                route=(route.boot, route.route),
                disabled=account.disabled(now) or self._roster.silence(name, now) > SILENT,
                yields=self._deadlocks.yields(name, (route.boot, route.route)),
            )
        return occupants

    def _directive(self, name: str, decisions: Mapping[str, Decision], now: float) -> Directive:
        account = self._accounts[name]
        intention, standing = account.intention, account.standing
        decision = decisions.get(name, Decision(standing.hold))
        if name in decisions:
            account.blocked_since = min(account.blocked_since, now) if decision.waits_for else math.inf
        known = self._book.knows_route_of(intention)
        if known:
            account.issue(self.epoch, decision.hold)
        offer = self._offers.of(name)
        return Directive(
            robot=name,
            boot=intention.boot,
            answered=intention.seq,
            route=standing.route if known else 0,
            hold=decision.hold,
            grants=self._grants(name, decision.hold) if known else (),
            take_route=offer.number if offer else 0,
            take_path=offer.path if offer else None,
            waits_for=decision.waits_for[:NAMED],
            expected_wait=decision.expected_wait,
        )

    def _grants(self, name: str, hold: float) -> tuple[Grant, ...]:
        """The regions that the robot is in or may enter, in the order in which it meets them."""
        low = self._accounts[name].low
        return tuple(g for g in self._book.grants(name) if g.enter < hold and g.leave > low)

    @property
    def conflicts(self) -> tuple[Conflict, ...]:
        """The regions that two robots have both still to leave, and who holds each."""
        found = []
        names = self.robots
        for i, a in enumerate(names):
            for b in names[i + 1 :]:
                for region in self._book.regions(a, b):
                    progress = (self._accounts[a].low, self._accounts[b].low)
                    if progress[0] < region.leave[0] and progress[1] < region.leave[1]:
                        found.append(replace(region, holder=self._holder(region)))
        return tuple(found)

    def foreseen(self, now: float) -> tuple[PlanConflict, ...]:
        """Where the robots' plans of the next seconds come close, by footprints and all they may be off by.

        Grants keep robots apart whatever they plan. A pair that comes up here again and again drives close, foresees
        itself badly, or is not where its route says.

        Args:
            now: s of a steady clock; who has been silent for long is left out.
        """
        heard = [n for n in self._accounts if self._roster.silence(n, now) < self.lease and n in self._book]
        motions = [PlannedMotion.of_intention(self._accounts[n].intention, self._book[n].radius) for n in heard]
        return tuple(detect_conflicts(on_steps(motions))) if motions else ()

    def _holder(self, region: Conflict) -> str:
        """The robot that may enter the region; of two that follow each other, the one that is further on."""
        inside = [
            (self._accounts[robot].low - enter, robot)
            for robot, enter in zip(region.robots, region.enter, strict=True)
            if self._accounts[robot].high > enter
        ]
        return max(inside)[1] if inside else ""
