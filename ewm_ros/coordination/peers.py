"""What a robot knows of the others: their newest words and routes, and what those in local mode may drive on."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from operator import itemgetter

import numpy as np

from ewm_ros.coordination.route_book import UNKNOWN_RADIUS, RouteBook
from ewm_ros.errors import InputError
from ewm_ros.geometry import FloatArray
from ewm_ros.messages import DirectiveSet, Intention, Route
from ewm_ros.world_model.predictor import Neighbour


@dataclass(slots=True)
class Peer:
    """One other robot.

    Attributes:
        local_since: seq at which its present reach was first told while no coordinator knew of it; 0 for none such.
    """

    intention: Intention
    local_since: int = 0

    @property
    def low(self) -> float:
        """m of progress on its route."""
        return self.intention.standing.progress

    @property
    def reach(self) -> float:
        """m of progress that it may come to."""
        return max(self.intention.standing.reach, self.low)


class Peers:
    """The others, and this robot's own route among theirs.

    Args:
        robot: this robot's name.
        boot: this robot's boot nonce.
    """

    def __init__(self, robot: str, boot: int) -> None:
        self._robot, self._boot = robot, boot
        self._peers: dict[str, Peer] = {}
        self._widest = UNKNOWN_RADIUS  # m, of all footprints that have been told
        self.book = RouteBook()

    def __iter__(self) -> Iterator[tuple[str, Peer]]:
        return iter(self._peers.items())

    def discs(self, x: float, y: float, reach: float) -> FloatArray:
        """(P, 3) m: x, y of the others as they last told, and their footprints' radii.

        Args:
            x, y: m; reach: m. None is left out whose footprint is within that reach of that place.
        """
        rows, far = [], reach + self._widest
        for name, peer in self._peers.items():
            here = peer.intention.plan.knots[0]
            if abs(here.x - x) < far and abs(here.y - y) < far and name in self.book:
                rows.append((here.x, here.y, self.book[name].radius))
        return np.array(rows, dtype=np.float64).reshape(-1, 3)

    def nearest(self, x: float, y: float, within: float, first: Collection[str], most: int) -> list[str]:
        """The others near a place: those that come first, nearest first, then the rest, nearest first.

        Args:
            within: m from x, y (m); most: how many.
        """
        near = []
        for name, peer in self._peers.items():
            here = peer.intention.plan.knots[0]
            if (distance := math.hypot(here.x - x, here.y - y)) < within and name in self.book:
                near.append((name not in first, distance, name))
        near.sort(key=itemgetter(0, 1))
        return [name for _, _, name in near[:most]]

    def neighbours(self, progress: float, among: Iterable[str] | None = None) -> tuple[Neighbour, ...]:
        """Those that have been heard, as the predictor of this robot's own motion needs to know them.

        Args:
            progress: m of this robot along its own route.
            among: their names; all if not given.
        """
        names = self._peers if among is None else among
        return tuple(self._neighbour(name, self._peers[name], progress) for name in names if name in self.book)

    def _neighbour(self, name: str, peer: Peer, progress: float) -> Neighbour:
        route, intention = self.book[name], peer.intention
        if self._robot not in self.book or not self.book.knows_route_of(intention):
            return Neighbour(intention, route.radius)
        side = 0 if self._robot < name else 1  # the robots of a region are sorted
        for region in self.book.regions(self._robot, name):
            mine = (region.enter[side], region.leave[side])
            theirs = (region.enter[1 - side], region.leave[1 - side])
            if progress < mine[1] and peer.low < theirs[1]:
                return Neighbour(intention, route.radius, route.max_speed, region.kind, mine, theirs)
        return Neighbour(intention, route.radius, route.max_speed)

    def receive_intention(self, intention: Intention) -> None:
        """Take a peer's newest word: only what is newer than what has been taken may come here, see Hearing.

        Raises:
            InputError: another process uses this robot's own name.
        """
        if intention.robot == self._robot:
            if intention.boot != self._boot:
                raise InputError(f"robot name {self._robot!r} is already used by another running robot")
            return
        known = self._peers.get(intention.robot)
        if known is None or known.intention.boot != intention.boot:
            known = self._peers[intention.robot] = Peer(intention)
        before, known.intention = known.intention, intention
        follows = intention.standing.coordinator
        if before is intention or not follows or follows != before.standing.coordinator:
            self._track_local(known, before)
        self.book.place(intention)

    def _track_local(self, peer: Peer, before: Intention) -> None:
        """Remember the seq from which on a coordinator must have heard the peer to know how far it may come."""
        standing, earlier = peer.intention.standing, before.standing
        if peer.intention is before or standing.coordinator != earlier.coordinator:
            peer.local_since = peer.intention.seq
        if standing.coordinator != 0:
            return
        further = standing.route != earlier.route or standing.reach > earlier.reach + 1e-6
        if peer.local_since == 0 or further:
            peer.local_since = peer.intention.seq

    def receive_route(self, route: Route) -> None:
        """Take a peer's route."""
        if route.robot == self._robot:
            return
        self._widest = max(self._widest, route.radius)
        self.book.learn(route)
        if (known := self._peers.get(route.robot)) is not None:
            self.book.place(known.intention)

    def route_known(self, robot: str) -> bool:
        """Whether the peer's present route has arrived."""
        return self.book.knows_route_of(self._peers[robot].intention)

    def reflected_in(self, directives: DirectiveSet) -> None:
        """Forget the local ways of those that the coordinator knew of when it made this set."""
        for name, peer in self._peers.items():
            if not peer.local_since or peer.intention.standing.coordinator == 0:
                continue
            directive = directives.of(name)
            if directive is None or directive.boot != peer.intention.boot or directive.answered < peer.local_since:
                continue
            peer.local_since = 0

    def clip(self, hold: float, end: float, directives: DirectiveSet) -> float:
        """How far this robot may extend its hold on a set whose coordinator may not know all that peers have told.

        It may be new and not have heard a peer at all that still drives on an older grant, or not know of a claim.

        Args:
            hold: m, this robot's hold point; end: m, up to where the set moves it.
        """
        if end <= hold:
            return hold
        for name, peer in self._peers.items():
            if name not in self.book or self._robot not in self.book:
                continue
            answer = directives.of(name)
            # One that the coordinator has never heard may have got more from the former one than it could tell yet.
            unheard = answer is None or answer.boot != peer.intention.boot
            reach = self.book[name].path.length if unheard else peer.reach
            if answer is not None and not unheard and answer.answered >= peer.local_since:
                continue
            if not self.route_known(name) and peer.reach > peer.low:
                return hold  # it may move along a route that has not arrived
            space = self.book.space(self._robot, name)
            end = min(end, max(space.free_until(hold, end, peer.low, reach), hold))
        return end
