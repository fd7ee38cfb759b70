"""Which of the futures that a robot imagines achieves its goal: that is the one which it tells the others.

The robot's own scorer answers at once. An adviser may be asked beside it, where the futures really differ; its answer
changes what is told and nothing that is done: the wheels follow the route and the right of way.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Protocol

import numpy as np

from ewm_ros.coordination.arbitration.adviser import Adviser, Reply
from ewm_ros.coordination.arbitration.question import Option, Party, Question
from ewm_ros.coordination.arbitration.site import Site
from ewm_ros.intention.compressor import IntentionCompressor
from ewm_ros.robot.way_finder import Goal
from ewm_ros.trajectory import Imagination, Rollouts

ARRIVES, WAITS, DRIVES = "at the goal", "waits", "on its way"  # what a future comes to
THERE = 0.3  # m from the goal within which a robot has reached it; ends closer than that do not differ
WAITING = 0.1  # m; who drives no further than this within the horizon waits
STANDING = 0.02  # m/s below which it stands
LEAST_SHARE = 0.1  # of the probability: what is less likely than this is not on offer, as others plan by what is told
MOST = 5  # futures that are on offer at a time
LATE = 30.0  # s after which an answer comes too late
LASTS = 10.0  # s for which an answer is used, and before which nothing more is asked


class TrajectoryChooser(Protocol):
    """Says which imagined trajectory achieves the goal."""

    def choose(self, imagination: Imagination, goal: Goal | None, now: float) -> int:
        """Index of the rollout to tell the others, at once.

        Args:
            goal: where the robot wants to go, None if nowhere.
            now: s of a steady clock.
        """
        ...


class LocalScorer:
    """Tells what is most likely to happen: each rollout is the way to the goal as the robot would really drive it."""

    def choose(self, imagination: Imagination, goal: Goal | None, now: float) -> int:
        """The most probable rollout, which is the first. See TrajectoryChooser."""
        return 0


class AdvisedChooser:
    """Asks an adviser where the futures differ, and never waits for it: until it answers the local scorer decides.

    An answer is used while the same futures, in words, are on offer for the same goal, for LASTS at most. What comes
    later than LATE, fails, or is about futures that are not on offer any more changes nothing.

    Args:
        adviser: nobody else's, as its replies come here; to be closed by whoever made it.
        site: the operator's rules and facts, which it is shown.
        robot: the robot's name on that site.

    Attributes:
        failure: why the newest question has no usable answer, in one line; empty if it has one, or none was asked.
    """

    def __init__(self, adviser: Adviser, site: Site, robot: str = "") -> None:
        self.failure = ""
        self._adviser = adviser
        self._site = site
        self._robot = robot
        self._local = LocalScorer()
        self._compressor = IntentionCompressor()
        self._numbers = count(1)
        self._asked: _Asked | None = None
        self._answer: _Answer | None = None
        self._rests_until = -math.inf

    def choose(self, imagination: Imagination, goal: Goal | None, now: float) -> int:
        """As the adviser said of these futures, else as the local scorer does. See TrajectoryChooser."""
        for reply in self._adviser.replies(now):
            self._take(reply, now)
        futures = distinct_futures(imagination, goal) if goal is not None else ()
        if goal is None or len(futures) < 2:
            return self._local.choose(imagination, goal, now)
        offer = _Offer(goal, tuple(future.outcome for future in futures))
        if self._answer is not None and self._answer.offer == offer and now < self._answer.until:
            return futures[self._answer.rank].rollout
        if self._asked is None and now >= self._rests_until:
            self._ask(offer, futures, imagination, now)
        return self._local.choose(imagination, goal, now)

    def _ask(self, offer: _Offer, futures: Sequence[Future], imagination: Imagination, now: float) -> None:
        goal, most_probable = offer.goal, imagination.most_probable
        plan = self._compressor.compress(most_probable, goal.name, imagination.probabilities[0])
        place = self._site.place_at(goal.x, goal.y)
        party = Party(self._robot, self._site.facts_of(self._robot), place, (goal.x, goal.y), plan)
        options = {f"o{k}": future.option("r1") for k, future in enumerate(futures, start=1)}
        question = Question("trajectory", {"r1": party}, options, self._site.rules_hash)
        self._asked = _Asked(next(self._numbers), offer, tuple(options), now)
        self._adviser.ask(self._asked.number, question, self._site, now)

    def _take(self, reply: Reply, now: float) -> None:
        asked = self._asked
        if asked is None or reply.number != asked.number:
            return
        self._asked, self._answer, self._rests_until = None, None, now + LASTS
        self.failure = reply.failure
        if now - asked.at > LATE:
            self.failure = f"the answer came after {now - asked.at:.0f} s"
        elif not reply.failure and reply.choice not in asked.options:
            self.failure = "the answer is none of the options"
        if not self.failure:
            self._answer = _Answer(asked.offer, asked.options.index(reply.choice), now + LASTS)


@dataclass(frozen=True, slots=True)
class Future:
    """Rollouts that come to the same.

    Attributes:
        rollout: index of the most probable of them; what follows is of this one.
        share: probability of all of them together.
        outcome: what it comes to, in words without numbers.
        driven: m.
        to_go: m from its end to the goal, in a straight line.
        waits: s for which it stands before it is at the goal.
        arrives: s until it is at the goal; inf if that is later.
    """

    rollout: int
    share: float
    outcome: str
    driven: float
    to_go: float
    waits: float
    arrives: float

    def option(self, alias: str) -> Option:
        """As it is put to the adviser."""
        if self.arrives < math.inf:
            comes_to = f"is at its goal after {self.arrives:.1f} s"
        elif self.outcome == WAITS:
            comes_to = f"stays where it is, {self.to_go:.1f} m from its goal"
        else:
            comes_to = f"is {self.driven:.1f} m further on, {self.to_go:.1f} m from its goal"
        words = f"{alias} {comes_to}; {100.0 * self.share:.0f} % likely"
        return Option((alias,), waits={alias: self.waits}, total=self.waits, words=words)


@dataclass(frozen=True, slots=True)
class _Offer:
    """What there is to choose among: the same again if goal and outcomes in words are."""

    goal: Goal
    outcomes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Asked:
    number: int
    offer: _Offer
    options: tuple[str, ...]
    at: float


@dataclass(frozen=True, slots=True)
class _Answer:
    """The future of this rank among those of the offer."""

    offer: _Offer
    rank: int
    until: float


def distinct_futures(imagination: Imagination, goal: Goal) -> tuple[Future, ...]:
    """What the rollouts come to, as far as it differs and is likely enough: at most MOST, by how far they come.

    Rollouts are gathered by where they end with the leader algorithm (Hartigan, "Clustering Algorithms", Wiley 1975,
    chapter 3), most probable first: each joins the first leader that it ends near, or leads. Near is within the radius
    that should hold 90 % of what really happens where the leader comes about, or within THERE.
    """
    rollouts = Rollouts.of(imagination.rollouts)
    ends = rollouts.poses[:, -1, :2]
    shares: dict[int, float] = {}
    for k, probability in enumerate(imagination.probabilities):
        near = (i for i in shares if math.dist(ends[i], ends[k]) <= max(rollouts.radius[i, -1], THERE))
        leader = next(near, k)
        shares[leader] = shares.get(leader, 0.0) + probability
    likely = sorted((i for i in shares if shares[i] >= LEAST_SHARE), key=lambda i: -shares[i])[:MOST]
    return tuple(sorted((_future(i, shares[i], rollouts, goal) for i in likely), key=lambda future: future.driven))


def _future(rollout: int, share: float, rollouts: Rollouts, goal: Goal) -> Future:
    way = rollouts.poses[rollout, :, :2]
    steps = np.hypot(*np.diff(way, axis=0).T)
    to_go = np.hypot(*(way - (goal.x, goal.y)).T)
    driven = float(steps.sum())
    arrives = math.inf
    if to_go[-1] <= THERE:
        # The final stay begins after the last step that is not there yet.
        arrives = float((to_go > THERE).nonzero()[0].max(initial=-1) + 2) * rollouts.step
    outcome = ARRIVES if arrives < math.inf else WAITS if driven <= WAITING else DRIVES
    waits = float(((steps < STANDING * rollouts.step) & (to_go[1:] > THERE)).sum()) * rollouts.step
    return Future(rollout, share, outcome, driven, float(to_go[-1]), waits, arrives)
