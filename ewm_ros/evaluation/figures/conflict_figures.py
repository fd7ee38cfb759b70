"""How good the coordinator was, from its words and from where the robots were: conflicts foreseen, settled and missed.

- predicted: conflicts told on /conflicts. One is a pair of robots and a region of the map, from the first message that
  names it to the first that does not. One that comes back counts again if the robots come another way (the region lies
  elsewhere on one of their routes); if all is as before, a coordinator that was started anew has found it again.
- resolved: those that have ended, and the two did not come closer than NEAR meanwhile.
- missed: near misses of two robots (touching counts) of which no conflict was told at that moment or in the HINDSIGHT
  before it.
- shares: of the predicted, how many were settled by an answer of the model or of the cache that was applied, the newest
  if there were several, and how many by the solver alone.

Stamps are compared at the end: messages may come in any order that is right within each topic.
"""

from __future__ import annotations

import math
from array import array
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ewm_ros.evaluation.figures.numbers import percentiles
from ewm_ros.evaluation.figures.timeline import NearMiss, Timeline, TimelineKeeper, least
from ewm_ros.geometry import FloatArray
from ewm_ros.messages import Arbitration, Conflict
from ewm_ros.simulation.physics.contacts import NEAR, NEAR_END

HINDSIGHT = 5.0  # s after a conflict has ended in which a near miss of the two is not one that nobody foresaw
UNTOLD = 1.0  # s for which the coordinator may know of a conflict, and ask about it, before it tells of it
SOLVER, CACHE, MODEL = SOURCES = ("solver", "cache", "model")

_Way = tuple[tuple[float, float], tuple[float, float]]  # enter and leave on the two routes


@dataclass(slots=True)
class _Told:
    """A conflict: the way on which the two share it, and s from when to when it was told of; inf while it is."""

    robots: tuple[str, str]
    way: _Way
    opened: float
    closed: float = math.inf


@dataclass(frozen=True, slots=True)
class _Answer:
    """One that was applied: by whom, at what time (s), about what."""

    source: str
    stamp: float
    robots: frozenset[str]
    regions: frozenset[int]

    def is_about(self, region: int, told: _Told) -> bool:
        """Whether it settled a conflict; one about a deadlock names no region, but all that have to do with it."""
        named = region in self.regions if self.regions else self.robots.issuperset(told.robots)
        return named and told.opened - UNTOLD <= self.stamp <= told.closed


class ConflictFigures:
    """Collects one run.

    Args:
        names: of the robots.
        radii: of their bodies, m.

    Attributes:
        near_misses: of robots with each other, from their poses.
        minimum_gap: m between bodies, inf while there are not two.
    """

    def __init__(self, names: Sequence[str], radii: Sequence[float]) -> None:
        self._names = tuple(names)
        self.near_misses: list[NearMiss] = []
        self.minimum_gap = math.inf
        self._first, self._second = np.triu_indices(len(self._names), 1)
        sizes = np.asarray(radii, dtype=np.float64)
        self._touching = sizes[self._first] + sizes[self._second]
        self._lasting = np.zeros(len(self._touching), dtype=np.bool_)
        self._keeper = TimelineKeeper(len(self._names))
        self._heard = False
        self._told: dict[tuple[int, tuple[str, str]], list[_Told]] = defaultdict(list)
        self._open: set[tuple[int, tuple[str, str]]] = set()
        self._answers: list[_Answer] = []
        self._cycle_ms, self._decide_ms = array("d"), array("d")

    def conflicts(self, stamp: float, conflicts: Sequence[Conflict]) -> None:
        """All conflicts that the coordinator sees at a time (s)."""
        self._heard = True
        now = {(c.region, c.robots): (c.enter, c.leave) for c in conflicts}
        for key in self._open - now.keys():
            self._told[key][-1].closed = stamp
        for key, way in now.items():
            told = self._told[key]
            if key in self._open or (told and told[-1].way == way):
                told[-1].way, told[-1].closed = way, math.inf
            else:
                told.append(_Told(key[1], way, stamp))
        self._open = set(now)

    def poses(self, stamp: float, places: FloatArray) -> None:
        """Where all robots are at a time (s): (N, 2) m, nan for one that has not been heard yet."""
        steps = places[self._first] - places[self._second]
        gaps = np.hypot(steps[:, 0], steps[:, 1]) - self._touching
        near = gaps < NEAR
        for k in np.flatnonzero(near & ~self._lasting).tolist():
            self._enter(stamp, places[[self._first[k], self._second[k]]], k)
        self._lasting = near | (self._lasting & (gaps < NEAR_END))
        gap = least(gaps)
        self.minimum_gap = min(self.minimum_gap, gap)
        self._keeper.add(stamp, places, gap)

    def _enter(self, stamp: float, places: FloatArray, pair: int) -> None:
        one, other = sorted((self._names[self._first[pair]], self._names[self._second[pair]]))
        x, y = places.mean(axis=0).tolist()
        self.near_misses.append(NearMiss(stamp, (one, other), x, y))

    def cycle(self, samples: Iterable[float]) -> None:
        """Times from a robot's observation to the directive that answers it, ms."""
        self._cycle_ms.extend(samples)

    def decide(self, samples: Iterable[float]) -> None:
        """Times that the coordinator took to decide, ms."""
        self._decide_ms.extend(samples)

    def arbitration(self, told: Arbitration) -> None:
        """What is told of a question to the adviser."""
        if told.outcome == "applied" and told.source in (CACHE, MODEL):
            about = frozenset(told.robots), frozenset(told.regions)
            self._answers.append(_Answer(told.source, told.stamp, *about))

    @property
    def cycle_ms(self) -> FloatArray:
        """All samples of the cycle, ms."""
        return np.array(self._cycle_ms)

    def timeline(self) -> Timeline:
        """The run at a glance."""
        return self._keeper.timeline(self._names, tuple(self.near_misses))

    def figures(self) -> dict[str, object]:
        """The figures of `coordinator`; conflicts are None if no coordinator told of any, or of none.

        Those that are neither resolved nor ended with a near miss were still open at the end: `open_at_end`.
        """
        told = [(region, each) for (region, _), every in self._told.items() for each in every]
        by_pair: dict[tuple[str, str], list[float]] = defaultdict(list)
        for miss in self.near_misses:
            by_pair[miss.robots].append(miss.time)
        counts = {
            "predicted": len(told),
            "resolved": sum(_is_resolved(each, by_pair[each.robots]) for _, each in told),
            "missed": sum(self._is_missed(miss) for miss in self.near_misses),
            "open_at_end": len(self._open),
        }
        return {
            **(counts if self._heard else dict.fromkeys(counts)),
            "decide_ms": latencies(self._decide_ms),
            "cycle_ms": latencies(self._cycle_ms),
            "shares": self._shares(told) if told else None,
        }

    def _is_missed(self, miss: NearMiss) -> bool:
        told = (each for (_, robots), every in self._told.items() if robots == miss.robots for each in every)
        return not any(each.opened <= miss.time <= each.closed + HINDSIGHT for each in told)

    def _shares(self, told: Sequence[tuple[int, _Told]]) -> dict[str, float]:
        counts = dict.fromkeys(SOURCES, 0)
        for region, each in told:
            answers = [answer for answer in self._answers if answer.is_about(region, each)]
            counts[max(answers, key=lambda answer: answer.stamp).source if answers else SOLVER] += 1
        return {source: count / len(told) for source, count in counts.items()}


def _is_resolved(told: _Told, near: Sequence[float]) -> bool:
    return math.isfinite(told.closed) and not any(told.opened <= time <= told.closed for time in near)


def latencies(samples: Sequence[float] | FloatArray) -> dict[str, float | None]:
    """The median, and the times that 1 of 20 and 1 of 100 exceed; None without samples."""
    figures = percentiles(np.asarray(samples, dtype=np.float64), p95=95)
    return {name: figures[name] for name in ("p50", "p95", "p99")}
