"""An adviser that knows what is expected: as good as a language model could be, to measure all the rest with."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations

from ewm_ros.coordination.arbitration.adviser import AdviserStatus, Reply
from ewm_ros.coordination.arbitration.question import Option, Question
from ewm_ros.coordination.arbitration.site import Site

ORACLE = "oracle"


class OracleAdviser:
    """Answers every question at once.

    Of the options it takes the one that has the fewest robots pass, or stay, before one of an earlier tier; of several
    the one in which the robots of the first tier wait least, then those of the second, and so on; then the least delay.

    Args:
        ranks: of the robots by name, the tier that they pass in, from 0; of those that are missing nothing is known.
    """

    def __init__(self, ranks: Mapping[str, int]) -> None:
        self._ranks = dict(ranks)
        self._replies: list[Reply] = []
        self._asked = 0

    @property
    def model(self) -> str:
        """What it is called."""
        return ORACLE

    @property
    def status(self) -> AdviserStatus:
        """It never fails."""
        return AdviserStatus("closed", "", 0.0 if self._asked else math.nan, self._asked, 0, (0, 0))

    def ask(self, number: int, question: Question, site: Site, now: float) -> None:
        """Put a question; see Adviser."""
        self._asked += 1
        self._replies.append(Reply(number, self.choice(question), "as expected"))

    def replies(self, now: float) -> Sequence[Reply]:
        """Those that have come since the last call."""
        replies, self._replies = self._replies, []
        return replies

    def close(self) -> None:
        """Open questions are dropped."""
        self._replies = []

    def choice(self, question: Question) -> str:
        """Id of the option that it takes."""
        tiers = {alias: self._ranks.get(party.robot) for alias, party in question.parties.items()}
        ranks = {alias: rank for alias, rank in tiers.items() if rank is not None}
        return min(question.options, key=lambda name: (*_badness(question.options[name], ranks), name))


def _badness(option: Option, ranks: Mapping[str, int]) -> tuple[float, ...]:
    order = [*combinations(option.first, 2), *((first, later) for first in option.first for later in option.aside)]
    passed_over = sum(a in ranks and b in ranks and ranks[a] > ranks[b] for a, b in order)
    waits = option.waits or {}
    by_tier = (
        round(sum(waits.get(alias, 0.0) for alias in ranks if ranks[alias] == tier))  # less than 1 s is no reason
        for tier in sorted(set(ranks.values()))
    )
    return (passed_over, *by_tier, option.total)
