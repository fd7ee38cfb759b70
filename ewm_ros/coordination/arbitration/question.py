"""A conflict as it is put to the adviser: robots under aliases, and options with what each of them leads to.

Aliases (r1, r2, ...) and option ids (o1, o2, ...) come of what is said of the robots, not of their names or of the
moment, so that the same situation is the same question again and its answer can be kept.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from ewm_ros.coordination.arbitration.site import Facts
from ewm_ros.messages import Plan

# A trajectory is no conflict: which of the futures that one robot imagines achieves its goal best.
Kind = Literal["crossing", "head_on", "following", "deadlock", "trajectory"]
WAITS = (5.0, 15.0, 60.0)  # s that tell one wait from another when an answer is looked up again


@dataclass(frozen=True, slots=True)
class Party:
    """One robot that the question is about.

    Attributes:
        robot: its name; it is not shown.
        facts: what the operator says of it.
        place: the operator's name of the place that it drives to, empty if that has none.
        goal: x, y (m, map frame).
        plan: its newest one.
        waited: s that it has been waiting.
    """

    robot: str
    facts: Facts
    place: str
    goal: tuple[float, float]
    plan: Plan
    waited: float = 0.0

    @property
    def words(self) -> tuple[Facts, str]:
        """All that words could decide by."""
        return self.facts, self.place


@dataclass(frozen=True, slots=True)
class Option:
    """One resolution that has been found to be free of collisions and deadlocks.

    Attributes:
        first: aliases of those that pass, in this order; in a deadlock the one that can go on.
        aside: aliases of those that leave their ways meanwhile.
        round: whether the first one takes another way to its goal.
        waits: s that each robot waits in all, by alias; who does not wait may be left out.
        total: s of delay of the whole fleet.
        longer: m that robots drive more.
        words: what is done where it is no order of passing; of aliases, numbers and words of this program.
    """

    first: tuple[str, ...]
    aside: tuple[str, ...] = ()
    waits: Mapping[str, float] | None = None
    total: float = 0.0
    longer: float = 0.0
    round: bool = False
    words: str = ""

    @property
    def deed(self) -> str:
        """What is done, in words; it tells the options of a question apart."""
        if self.words:
            return self.words
        if len(self.first) > 1:
            return " before ".join(self.first)
        passing = f"{self.first[0]} goes round" if self.round else f"{self.first[0]} passes first"
        if not self.aside:
            return passing
        verb = "moves" if len(self.aside) == 1 else "move"
        return f"{' and '.join(self.aside)} {verb} aside, {passing}"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked.

    Attributes:
        kind: of the conflict.
        parties: by alias: r1, r2, ...
        options: by id: o1, o2, ...; 2 to 5 of them.
        rules_hash: of the rules that it is asked under.
        regions: ids of the shared regions that it is about.
        routes: boot and id of the route that each robot is on, in the order of the aliases.
    """

    kind: Kind
    parties: Mapping[str, Party]
    options: Mapping[str, Option]
    rules_hash: str
    regions: tuple[int, ...] = ()
    routes: tuple[tuple[int, int], ...] = ()

    @property
    def signature(self) -> str:
        """The same for the same kind of conflict, words about its robots, rules, and deeds to choose among."""
        return _digest(self._topology())

    @property
    def cache_key(self) -> str:
        """The signature, and all else that an answer may go by.

        Rules may speak of who has waited or would wait roughly how long; without a rule the least delay decides.
        """
        waited = [_coarse(party.waited) for party in self.parties.values()]
        waits = [[_coarse((o.waits or {}).get(alias, 0.0)) for alias in self.parties] for o in self.options.values()]
        least = min(self.options, key=lambda name: self.options[name].total, default="")
        return _digest([self._topology(), waited, waits, least])

    def _topology(self) -> object:
        words = [party.words for party in self.parties.values()]
        return [self.kind, words, self.rules_hash, [option.deed for option in self.options.values()]]


def aliased(parties: Iterable[Party]) -> dict[str, Party]:
    """Robots under r1, r2, ...: in the order of what is said of them, so that their names and places do not matter."""
    ordered = sorted(parties, key=lambda party: (party.words, party.robot))
    return {f"r{k}": party for k, party in enumerate(ordered, start=1)}


def numbered(options: Iterable[Option]) -> dict[str, Option]:
    """Options under o1, o2, ...: in the order of their deeds, which says nothing of which one is the solver's."""
    return {f"o{k}": option for k, option in enumerate(sorted(options, key=lambda o: o.deed), start=1)}


def _coarse(wait: float) -> int:
    return sum(wait > limit for limit in WAITS)


def _digest(content: object) -> str:
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:32]
