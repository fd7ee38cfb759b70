"""The local rule: right of way without a coordinator, one robot at a time, by everybody's consent.

Distributed mutual exclusion after Ricart and Agrawala (CACM 1981), with a fixed order instead of time stamps. A robot
that has lost its coordinator claims the rest of its route when that is free of all that the others hold and its goal is
in nobody's way. It may drive when every robot that it knows of has consented in its own intention. A robot consents to
what conflicts neither with its own interval nor with an earlier-named claim of its own, and keeps out until the
claimant is through. Of two that conflict at most one gets the consent of the other, so two never both conclude that
they may enter. A robot that cannot be heard cannot consent: the others stand still.
"""

from __future__ import annotations

import math

from ewm_ros.coordination.peers import Peers
from ewm_ros.messages import Consent, Standing

MOST_CONSENTS = 6  # at a time: with names of 32 characters, more do not fit into an intention


class LocalRule:
    """One robot's part in the local rule.

    Args:
        robot: this robot's name.
        boot: this robot's boot nonce.
        peers: what is known of the others; its book holds this robot's own route too.
    """

    def __init__(self, robot: str, boot: int, peers: Peers) -> None:
        self._robot, self._boot, self._peers = robot, boot, peers
        self.claim = math.nan
        self.claim_seq = 0
        self._given: dict[str, Consent] = {}

    @property
    def consents(self) -> tuple[Consent, ...]:
        """What this robot has consented to."""
        return tuple(self._given.values())

    def withdraw(self) -> None:
        """Claim nothing any more."""
        self.claim, self.claim_seq = math.nan, 0

    def consent(self, low: float, hold: float) -> None:
        """Consent to the others' claims where this robot's own interval [low, hold] (m) allows."""
        given: dict[str, Consent] = {}
        claims = [
            (name, peer)
            for name, peer in self._peers
            if peer.intention.standing.claim_seq and not math.isnan(peer.intention.standing.claim)
        ]
        # What has been given comes first: it stays given.
        for name, peer in sorted(claims, key=lambda known: (known[0] not in self._given, known[0])):
            if not self._peers.route_known(name):
                continue
            standing = peer.intention.standing
            promise = Consent(name, peer.intention.boot, standing.claim_seq)
            room = len(given) < MOST_CONSENTS
            if self._given.get(name) == promise or (room and self._may_consent(name, standing, low, hold)):
                given[name] = promise
                if not math.isnan(self.claim) and self._meets(name, standing, low, self.claim):
                    self.withdraw()
        self._given = given

    def _may_consent(self, name: str, standing: Standing, low: float, hold: float) -> bool:
        if self._meets(name, standing, low, hold):
            return False
        mine_first = not math.isnan(self.claim) and self._robot < name
        return not (mine_first and self._meets(name, standing, low, self.claim))

    def _meets(self, name: str, standing: Standing, low: float, high: float) -> bool:
        space = self._peers.book.tight_space(self._robot, name)
        return space.blocked(low, high, standing.progress, standing.reach)

    def proceed(self, low: float, hold: float, end: float, seq: int) -> float:
        """Claim, or drive on a claim that all have consented to.

        Args:
            low, hold, end: m, this robot's progress, hold point and end of route.
            seq: of the intention that will carry the claim.

        Returns:
            the new hold point, m.
        """
        if math.isnan(self.claim):
            if hold < end and self._clear_to_the_end(low, end):
                self.claim, self.claim_seq = end, seq
            return hold
        if not all(self._consented(peer.intention.standing) for _, peer in self._peers):
            if not self._clear_to_the_end(low, end):
                self.withdraw()
            return hold
        granted = self.claim
        self.withdraw()
        return max(hold, granted)

    def _consented(self, standing: Standing) -> bool:
        return Consent(self._robot, self._boot, self.claim_seq) in standing.consents

    def _clear_to_the_end(self, low: float, end: float) -> bool:
        """The whole rest of the route is free, and the goal is not in the way of anybody who has still to pass."""
        book = self._peers.book
        for name, peer in self._peers:
            if not self._peers.route_known(name):
                return False
            space = book.tight_space(self._robot, name)
            standing = peer.intention.standing
            claimed_first = not math.isnan(standing.claim) and name < self._robot
            reach = standing.reach if claimed_first or name in self._given else max(standing.hold, standing.progress)
            if space.blocked(low, end, peer.low, reach):
                return False
            if space.blocked(end, end, peer.low, book[name].path.length):
                return False
        return True
