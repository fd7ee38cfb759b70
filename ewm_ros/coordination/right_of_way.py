"""A robot's side of the right-of-way protocol: up to where it may drive now, and what it tells the others."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ewm_ros.coordination.conflict_space import SHORT
from ewm_ros.coordination.hearing import Hearing
from ewm_ros.coordination.local_rule import LocalRule
from ewm_ros.coordination.peers import Peers
from ewm_ros.geometry import Polyline
from ewm_ros.messages import Directive, DirectiveSet, Grant, Intention, Route, Standing

LISTENING = 1.0  # s after its start in which a robot only listens and does not drive


@dataclass(frozen=True, slots=True)
class Advice:
    """What the newest directive says beside the hold point; see messages.Directive."""

    waits_for: tuple[str, ...] = ()
    expected_wait: float = math.nan
    speed_limit: float = math.inf
    take_route: int = 0
    take_path: Polyline | None = None


class RightOfWay:
    """Keeps the hold point: the robot never passes it, and it moves on only by a directive or a consented claim.

    Args:
        robot: name.
        boot: nonce of this start of the robot's process.
    """

    def __init__(self, robot: str, boot: int) -> None:
        self._robot, self._boot = robot, boot
        self.peers = Peers(robot, boot)
        self._local = LocalRule(robot, boot, self.peers)
        self._hearing = Hearing()
        self.route: Route | None = None
        self.progress = 0.0
        self.hold = 0.0
        self.advice = Advice()
        self.route_wanted = False
        self.giving_up = False  # until it is on another route
        self._end = math.inf  # m; beyond this nothing is held any more as soon as the robot can stop
        self._started = math.inf
        # The coordinator that is followed; `_heard` is when its newest set came.
        self._coordinator, self._epoch, self._heard, self._lease = 0, 0, -math.inf, 1.0
        self._seq = 0
        self._joined = 0  # seq of the first intention that tells the coordinator that it is followed
        self._grants: tuple[Grant, ...] = ()
        self.local = True

    def take_route(self, route: Route) -> None:
        """Change to a new route, from where the robot stands: nothing of it is granted yet."""
        self.route = route
        self.giving_up = False
        self.peers.book.put(route)
        self.progress = self.hold = 0.0
        self._end = math.inf
        self._grants = ()
        self.advice = Advice()
        self._local.withdraw()

    def give_up_the_rest(self) -> None:
        """Hold as soon as the robot can, whatever is or will be granted: it is about to change its route."""
        self.giving_up = True
        self._end = 0.0
        self._local.withdraw()

    def receive_intention(self, intention: Intention, now: float, clock: float | None = None) -> None:
        """Hear a peer. Robots that share a Hearing leave it to that, and tell `peers` what it accepts.

        Args:
            now: s of a steady clock, as in all calls.
            clock: s of the clock that stamps are compared with; `now` if not given.

        Raises:
            InputError: a name is used twice, or the message is far too late.
        """
        if intention.robot == self._robot or self._hearing.accepts(intention, now, clock):
            self.peers.receive_intention(intention)

    def receive_directives(self, directives: DirectiveSet, now: float) -> None:
        """Apply a set if it is newer than what is obeyed, from the coordinator that is followed."""
        if directives.coordinator != self._coordinator:
            if now - self._heard < self._lease:
                return  # the coordinator that is followed is alive: another one has no say
            self._coordinator, self._epoch = directives.coordinator, 0
            self.local = True
        if directives.epoch <= self._epoch:
            return
        if self.local:
            self._joined = self._seq + 1
        self._epoch, self._heard, self._lease = directives.epoch, now, directives.lease
        self.local = False
        self._local.withdraw()
        order = directives.of(self._robot)
        if order is not None and order.boot == self._boot and self.route is not None:
            self.route_wanted = order.route == 0
            if order.route == self.route.route:
                self._obey(order, directives, now)
        self.peers.reflected_in(directives)

    def _obey(self, order: Directive, directives: DirectiveSet, now: float) -> None:
        self.advice = Advice(
            order.waits_for, order.expected_wait, order.speed_limit or math.inf, order.take_route, order.take_path
        )
        self._grants = order.grants
        if self.giving_up:
            return
        assert self.route is not None
        end = min(order.hold, self.route.path.length)
        self._end = end
        if end < self.hold:
            return  # taken back; how far the robot can obey shows in its next step
        # What a coordinator sent before it knew that this robot obeys it may have been under way for long: it may have
        # given the way to others since.
        if order.answered >= self._joined and now - self._started >= LISTENING:
            self.hold = self.peers.clip(self.hold, end, directives)

    def step(self, progress: float, stopping: float, seq: int, now: float) -> None:
        """Move on in time, before the intention `seq` is made.

        Args:
            progress: m along the route, now.
            stopping: m that the robot needs to come to a stand.
        """
        self._started = min(self._started, now)
        self._seq = seq
        self.progress = max(self.progress, progress)
        if self.route is None:
            return
        self.hold = max(min(self.hold, self._end), min(self.hold, self.progress + stopping))
        silence = now - max(self._heard, self._started)
        if silence > self._lease:
            self._enter_nothing_more(stopping)
        if silence > 2.0 * self._lease:
            self.local = True
            self.advice = Advice()
        self._local.consent(self.progress, max(self.hold, self.progress))
        if self.local and silence > 2.0 * self._lease and not self.giving_up:
            self._end = math.inf
            self.hold = self._local.proceed(self.progress, self.hold, self.route.path.length, seq)

    def _enter_nothing_more(self, stopping: float) -> None:
        """The lease has run out: hold before the next shared region that has not been entered."""
        for grant in self._grants:
            if grant.enter - SHORT >= self.progress + stopping:
                self.hold = min(self.hold, grant.enter - SHORT)
                break
        self._grants = ()

    @property
    def path(self) -> Polyline | None:
        """The route's path in the map frame."""
        return self.route.path if self.route is not None else None

    def standing(self) -> Standing:
        """What the next intention tells of all this."""
        return Standing(
            coordinator=0 if self.local else self._coordinator,
            epoch=0 if self.local else self._epoch,
            route=self.route.route if self.route is not None else 0,
            progress=self.progress,
            hold=self.hold,
            waits_for=self.advice.waits_for,
            claim=self._local.claim,
            claim_seq=self._local.claim_seq,
            consents=self._local.consents,
        )
