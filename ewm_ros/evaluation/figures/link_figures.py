"""What a fleet's talk costs and how fresh it is: bytes by topic, losses, the age of what the coordinator goes by.

Rates are per second of the recorder's clock, from the first message in the bag to the last: what the network bore. A
simulation at twice real time sends twice as much. Ages are by the stamps of the fleet's own clock, which in a
simulation goes in steps of 100 ms.
"""

from __future__ import annotations

import math
from array import array
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ewm_ros.coordination.coordinator import SILENT
from ewm_ros.evaluation.figures.conflict_figures import latencies
from ewm_ros.evaluation.figures.numbers import rounded
from ewm_ros.geometry import FloatArray
from ewm_ros.messages import DirectiveSet
from ewm_ros.names import INTENTIONS

REMEMBERED = 1000  # newest intentions of a robot, at least, that are known again


@dataclass(slots=True)
class _Sender:
    """One life of a robot: what has been heard of the numbers that it gave to its intentions."""

    lowest: int
    highest: int
    heard: int = 0
    stamps: dict[int, float] = field(default_factory=dict)  # s, of the newest ones, by their number

    def hear(self, seq: int, stamp: float) -> None:
        """Take an intention; one that comes twice counts once."""
        if seq in self.stamps:
            return
        self.stamps[seq] = stamp
        self.heard += 1
        self.lowest, self.highest = min(self.lowest, seq), max(self.highest, seq)
        if len(self.stamps) > 2 * REMEMBERED:
            self.stamps = dict(sorted(self.stamps.items())[-REMEMBERED:])

    @property
    def sent(self) -> int:
        """How many it sent between the first and the last that was heard, these two included."""
        return self.highest - self.lowest + 1


@dataclass(frozen=True, slots=True, eq=False)
class Traffic:
    """Bytes by time.

    Attributes:
        times: (T,) s since the first message, in steps of one second.
        bytes: (T,) recorded in that second, of all topics.
        intentions: (T,) of these, of the intentions.
    """

    times: FloatArray
    bytes: FloatArray
    intentions: FloatArray


class LinkFigures:
    """Collects one run.

    Args:
        names: of the robots whose intentions count.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._senders: dict[str, dict[int, _Sender]] = {name: {} for name in names}
        self._bytes: dict[str, int] = defaultdict(int)
        self._counts: dict[str, int] = defaultdict(int)
        self._all: dict[int, int] = defaultdict(int)  # bytes by whole second
        self._intentions: dict[int, int] = defaultdict(int)
        self._begin, self._end = math.inf, -math.inf
        self._ages = array("d")  # s

    def message(self, topic: str, heard: float, size: int) -> None:
        """Count a message of any topic.

        Args:
            heard: s, when the recorder wrote it.
            size: bytes of the serialized message.
        """
        self._bytes[topic] += size
        self._counts[topic] += 1
        self._all[int(heard)] += size
        if topic == INTENTIONS:
            self._intentions[int(heard)] += size
        if heard < self._begin:
            self._begin = heard
        if heard > self._end:
            self._end = heard

    def sent(self, robot: str, boot: int, seq: int, stamp: float) -> None:
        """Take an intention by its numbers and its stamp (s)."""
        lives = self._senders.get(robot)
        if lives is None:
            return
        if boot not in lives:
            lives[boot] = _Sender(seq, seq)
        lives[boot].hear(seq, stamp)

    def directives(self, stamp: float, directive_set: DirectiveSet) -> None:
        """Take a set of directives of a time (s)."""
        for order in directive_set.directives:
            self.answered(stamp, order.robot, order.boot, order.answered)

    def answered(self, stamp: float, robot: str, boot: int, seq: int) -> None:
        """At a time (s) the newest intention of a robot that the coordinator went by was this one."""
        sender = self._senders.get(robot, {}).get(boot)
        sent = sender.stamps.get(seq) if sender is not None else None
        if sent is not None and stamp - sent <= SILENT:
            self._ages.append(stamp - sent)

    def figures(self, tokens: float | None = None) -> dict[str, object]:
        """The figures of `communication`.

        `lost` are intentions that the bag lacks by their numbers; what is None the bag does not hold. Ages are of the
        newest intention of each robot, at each set of directives; a robot that has been silent for so long that the
        coordinator plans around it has none.

        Args:
            tokens: of an intention's text form, in the mean; None if they cannot be counted.
        """
        seconds = self._end - self._begin if self._end > self._begin else math.nan
        rates = {topic: _rate(size, seconds) for topic, size in sorted(self._bytes.items(), key=_most_first)}
        talking = self._counts[INTENTIONS] > 0
        per_s = self._counts[INTENTIONS] / seconds if talking else math.nan
        return {
            "bytes_per_s": _rate(sum(self._bytes.values()), seconds),
            "bytes_per_s_by_topic": rates,
            "intentions_per_s": _rate(self._counts[INTENTIONS], seconds) if talking else None,
            "intention_bytes_per_s": _rate(self._bytes[INTENTIONS], seconds) if talking else None,
            "tokens_per_s": None if tokens is None or math.isnan(per_s) else rounded(tokens * per_s),
            "lost": self._lost(),
            "intention_age_ms": latencies(1e3 * np.array(self._ages)),
        }

    def _lost(self) -> dict[str, float | int | None]:
        senders = [sender for lives in self._senders.values() for sender in lives.values()]
        if not senders:
            return {"count": None, "share": None}
        sent = sum(sender.sent for sender in senders)
        lost = sent - sum(sender.heard for sender in senders)
        return {"count": lost, "share": lost / sent}

    def traffic(self) -> Traffic:
        """Bytes by time."""
        first, last = min(self._all, default=0), max(self._all, default=-1)
        seconds = range(first, last + 1)
        columns = [[bins.get(second, 0) for second in seconds] for bins in (self._all, self._intentions)]
        return Traffic(np.arange(len(seconds), dtype=np.float64), *(np.array(c, dtype=np.float64) for c in columns))


def _rate(total: int, seconds: float) -> float | None:
    return None if math.isnan(seconds) else rounded(total / seconds)


def _most_first(item: tuple[str, int]) -> int:
    return -item[1]
