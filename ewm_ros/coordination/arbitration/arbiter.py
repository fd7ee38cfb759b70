"""Decides what the adviser is asked, and what becomes of its answers.

The solver has decided before anything is asked, and whatever is not answered in time, or not well, changes nothing. An
answer is tried again on the newest state of the fleet before it counts, and then only changes who passes first, or who
leaves a deadlock: grants change as they always do, the loser's first.
"""

from __future__ import annotations

import json
import math
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass

from ewm_ros.coordination.arbitration.adviser import Adviser, AdviserStatus, Reply
from ewm_ros.coordination.arbitration.cache import AnswerCache
from ewm_ros.coordination.arbitration.framing import Effect, FleetState, Framed, deadlock_question, order_question
from ewm_ros.coordination.arbitration.prompt import prompt_of
from ewm_ros.coordination.arbitration.reply import Answer
from ewm_ros.coordination.arbitration.site import Site
from ewm_ros.coordination.deadlock_watch import DeadlockWatch
from ewm_ros.coordination.traffic_plan import Contest
from ewm_ros.coordination.untangling import Option as WayOut
from ewm_ros.messages import Arbitration

RETRY = 30.0  # s after which a question that was not answered is asked again, if it is still one
MOST_RECORDS = 1000  # that are kept for whoever takes them
MOST_TOPICS = 1000  # that are remembered before those of former routes are forgotten
FORGET = 600.0  # s after the deadline in which an answer is still waited for: it is good for the next time

_Topic = tuple[tuple[str, tuple[int, int]], ...]  # the robots that a question is about, and their routes


@dataclass(slots=True)
class _Open:
    """A question that has been put; late: its deadline has passed."""

    framed: Framed
    topic: _Topic
    since: float
    late: bool = False


class Arbiter:
    """One a coordinator.

    Args:
        site: the operator's words.
        adviser: is asked.
        cache: of earlier answers; none are kept if not given.
        deadline: s after which an answer comes too late.

    Attributes:
        counts: questions by what became of them (messages.OUTCOMES), and those that the cache answered (`cache`).
    """

    def __init__(
        self, site: Site, adviser: Adviser, cache: AnswerCache | None = None, *, deadline: float = 150.0
    ) -> None:
        self._site, self._adviser, self._cache, self._deadline = site, adviser, cache, deadline
        self.counts: Counter[str] = Counter()
        self._number = 0
        self._open: dict[int, _Open] = {}
        self._settled: dict[_Topic, float] = {}  # what need not be looked at, until when (s)
        self._contests: Sequence[Contest] = ()
        self._contests_of = -math.inf  # the renewal of the order that they belong to
        self._fleet: FleetState | None = None
        self._replies: deque[Reply] = deque()  # each that is applied costs a renewal of the order: one a cycle
        self._records: deque[Arbitration] = deque(maxlen=MOST_RECORDS)

    @property
    def model(self) -> str:
        """Name of the adviser's model."""
        return self._adviser.model

    @property
    def status(self) -> AdviserStatus:
        """How the adviser is doing."""
        return self._adviser.status

    @property
    def trouble(self) -> str:
        """Why answers cannot be kept, one line; empty if they can."""
        return self._cache.trouble if self._cache is not None else ""

    def take_records(self) -> list[Arbitration]:
        """What is to be told of questions since the last call."""
        records = list(self._records)
        self._records.clear()
        return records

    def close(self) -> None:
        """Give back what it holds."""
        self._adviser.close()
        if self._cache is not None:
            self._cache.close()

    def look(self, fleet: FleetState, deadlocks: DeadlockWatch) -> None:
        """Take the answers that have come, and put one more question if words have something to decide."""
        self._fleet = fleet
        self._replies += self._adviser.replies(fleet.now)
        self._mind_deadlines(fleet)
        if fleet.order.renewed == fleet.now:
            return  # that was work enough for one cycle
        if self._replies:
            self._take(self._replies.popleft(), fleet, deadlocks)
        elif self._site.rules or self._site.facts:
            self._ask_of_contests(fleet)

    def way_out(self, ways: Sequence[WayOut]) -> WayOut | None:
        """The way out of a deadlock that is known to be wanted; else None, and what is wanted next time is asked."""
        fleet = self._fleet
        framed = deadlock_question(ways, fleet, self._site) if fleet is not None else None
        if fleet is None or framed is None:
            return None
        known = self._known(framed)
        if known is None:
            topic = _topic(framed.robots, fleet)
            if self._settled.get(topic, -math.inf) <= fleet.now:
                self._put(framed, topic, fleet)
            return None
        way = framed.effects[known.choice]
        self._tell(self._next_number(), framed, fleet, "applied", known, "cache")
        return way if isinstance(way, WayOut) else None

    def _ask_of_contests(self, fleet: FleetState) -> None:
        """Look at one contest more: each costs some schedules."""
        if self._contests_of != fleet.order.renewed:
            self._contests, self._contests_of = fleet.order.contests(), fleet.order.renewed
        for contest in self._contests:
            topic = _topic(contest.robots, fleet)
            if self._settled.get(topic, -math.inf) <= fleet.now:
                self._remember(topic, math.inf, fleet)
                if self._matters(contest):
                    self._ask_of(contest, topic, fleet)
                    return

    def _ask_of(self, contest: Contest, topic: _Topic, fleet: FleetState) -> None:
        framed = order_question(contest, fleet, self._site)
        if framed is None:
            self._remember(topic, fleet.now + RETRY, fleet)  # there may be a choice later
        elif self._words_differ(contest, framed) or (framed.is_tie and self._site.rules):
            known = self._known(framed)
            if known is None:
                self._put(framed, topic, fleet)
            else:
                outcome = self._prefer(framed.effects[known.choice], fleet)
                self._tell(self._next_number(), framed, fleet, outcome, known, "cache")

    def _matters(self, contest: Contest) -> bool:
        """Whether words could say anything of it at all."""
        return bool(self._site.rules) or any(self._site.facts_of(name) for name in contest.robots)

    def _words_differ(self, contest: Contest, framed: Framed) -> bool:
        words = {party.words for party in framed.question.parties.values() if party.robot in contest.robots}
        return len(words) > 1

    def _known(self, framed: Framed) -> Answer | None:
        known = self._cache.get(framed.question, self._adviser.model) if self._cache is not None else None
        self.counts["cache"] += known is not None
        return known

    def _put(self, framed: Framed, topic: _Topic, fleet: FleetState) -> None:
        self._remember(topic, math.inf, fleet)
        number = self._next_number()
        self._open[number] = _Open(framed, topic, fleet.now)
        self._tell(number, framed, fleet, "asked")
        self._adviser.ask(number, framed.question, self._site, fleet.now)

    def _take(self, reply: Reply, fleet: FleetState, deadlocks: DeadlockWatch) -> None:
        asked = self._open.pop(reply.number, None)
        if asked is None:
            return
        framed, answer = asked.framed, Answer(reply.choice, reply.reason)
        known = reply.choice in framed.effects
        if known and self._cache is not None:
            self._cache.put(framed.question, self._adviser.model, answer)
        if asked.late or fleet.now - asked.since > self._deadline:
            outcome = "late"
        elif known:
            outcome = self._apply(framed, reply.choice, fleet, deadlocks)
        else:
            outcome = f"failed: {reply.failure or 'no known option was chosen'}"
            self._remember(asked.topic, fleet.now + RETRY, fleet)
        if not asked.late:  # that has been told already
            source = "model" if outcome == "applied" else "solver"
            self._tell(reply.number, framed, fleet, outcome, answer, source, reply.latency)

    def _apply(self, framed: Framed, choice: str, fleet: FleetState, deadlocks: DeadlockWatch) -> str:
        """Try the choice on the newest state of the fleet; what becomes of it."""
        effect = framed.effects[choice]
        asked_on = dict(zip(framed.robots, framed.question.routes, strict=True))
        robots = effect if isinstance(effect, tuple) else (effect.passes, *effect.ways)
        if any(name not in fleet.occupants or fleet.occupants[name].route != asked_on[name] for name in robots):
            return "stale"
        if not isinstance(effect, tuple):
            return deadlocks.take(effect, fleet.occupants, fleet.now)
        if not fleet.order.may_precede(*effect, fleet.occupants):
            return "stale"
        return self._prefer(effect, fleet)

    def _prefer(self, effect: Effect, fleet: FleetState) -> str:
        possible = isinstance(effect, tuple) and fleet.order.prefer(*effect, fleet.occupants, fleet.now)
        return "applied" if possible else "unsafe"

    def _mind_deadlines(self, fleet: FleetState) -> None:
        for number, asked in list(self._open.items()):
            age = fleet.now - asked.since
            if not asked.late and age > self._deadline:
                asked.late = True
                self._remember(asked.topic, fleet.now + RETRY, fleet)
                self._tell(number, asked.framed, fleet, "late", latency=age)
            if age > self._deadline + FORGET:
                del self._open[number]

    def _remember(self, topic: _Topic, until: float, fleet: FleetState) -> None:
        """Not to look at a conflict again until a time (s)."""
        if len(self._settled) > MOST_TOPICS:
            current = {name: o.route for name, o in fleet.occupants.items()}
            self._settled = {t: s for t, s in self._settled.items() if current.items() >= dict(t).items()}
        self._settled[topic] = until

    def _next_number(self) -> int:
        self._number += 1
        return self._number

    def _tell(
        self,
        number: int,
        framed: Framed,
        fleet: FleetState,
        outcome: str,
        answer: Answer | None = None,
        source: str = "solver",
        latency: float = 0.0,
    ) -> None:
        self.counts[outcome.partition(":")[0]] += 1
        question = framed.question
        asked = outcome == "asked" or source == "cache"
        self._records.append(
            Arbitration(
                question=number,
                stamp=fleet.stamp,
                kind=question.kind,
                signature=question.signature,
                robots=framed.robots,
                regions=question.regions,
                options=tuple(f"{name}: {option.deed}" for name, option in question.options.items()),
                prompt=json.dumps(prompt_of(question, self._site), ensure_ascii=False) if asked else "",
                chosen=answer.choice if answer is not None else "",
                source=source,
                model=self._adviser.model,
                outcome=outcome,
                latency=latency,
                rationale=answer.reason if answer is not None else "",
            )
        )


def _topic(robots: Sequence[str], fleet: FleetState) -> _Topic:
    return tuple((name, fleet.occupants[name].route) for name in sorted(robots))
