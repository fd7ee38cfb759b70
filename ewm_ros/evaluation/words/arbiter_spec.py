"""The arbiter of a lockstep run, as something that goes to another process: what it takes to make it there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from ewm_ros.coordination.arbitration.advice import Advice
from ewm_ros.coordination.arbitration.adviser import Adviser
from ewm_ros.coordination.arbitration.arbiter import Arbiter
from ewm_ros.coordination.arbitration.cache import AnswerCache
from ewm_ros.coordination.arbitration.model_adviser import ModelAdviser
from ewm_ros.coordination.arbitration.site import Site
from ewm_ros.errors import InputError
from ewm_ros.evaluation.words.oracle import ORACLE, OracleAdviser
from ewm_ros.names import robot_name
from ewm_ros.simulation.lockstep_adviser import LockstepAdviser

LATENCY = 5.0  # s that an answer of a reasoning model takes, if nothing else is said


@dataclass(frozen=True, slots=True)
class ArbiterSpec:
    """Whom the coordinator of a run asks.

    Attributes:
        advice: who it is; its preset may be `oracle`, which goes by what the world expects and needs no server.
        latency: s of simulated time that every answer takes.
    """

    advice: Advice
    latency: float = LATENCY

    def check(self, ranks: Mapping[int, int]) -> None:
        """Raise InputError if nobody could be asked.

        Args:
            ranks: as the world expects them.
        """
        if self.advice.preset != ORACLE:
            if lacking := self.advice.lacking():
                raise InputError(lacking)
        elif not ranks:
            raise InputError("the arbiter oracle answers by a world's key expected.order, which is not there")

    def facts(self) -> dict[str, JsonValue]:
        """What its answers depend on, for the record of a run: names, addresses and limits, never a key.

        Raises:
            InputError: as check.
        """
        told: dict[str, JsonValue] = {"preset": self.advice.preset, "latency": self.latency, "cache": self.advice.cache}
        if self.advice.preset == ORACLE:
            return told
        settings = self.advice.settings()
        named = {name: getattr(settings, name) for name in ("base_url", "model", "structured", "stream")}
        return {**told, **named, "extra": dict(settings.extra), "limits": settings.limits.model_dump()}

    def open(self, site: Site, ranks: Mapping[int, int]) -> Arbiter:
        """The arbiter of one coordinator; it has to be closed.

        Raises:
            InputError: nobody can be asked, or the file of answers cannot be used.
        """
        cache = AnswerCache(self.advice.cache_path())
        adviser: Adviser
        if self.advice.preset == ORACLE:
            adviser = OracleAdviser({robot_name(i): rank for i, rank in ranks.items()})
            return Arbiter(site, LockstepAdviser(adviser, self.latency), cache)
        settings = self.advice.settings()
        adviser = ModelAdviser(settings, self.advice.key())
        return Arbiter(site, LockstepAdviser(adviser, self.latency), cache, deadline=settings.limits.deadline_s)
