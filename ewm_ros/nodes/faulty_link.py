"""A bad network on purpose: what a node hears on the shared topics is lost, late, doubled and overtaken.

For tests and demonstrations: over DDS on one machine hardly anything goes wrong by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ewm_ros.nodes.parameters import Parameters
from ewm_ros.nodes.process import ProcessNode
from ewm_ros.simulation.network import NO_FAULTS, Faults, Network

TICK = 0.005  # s between two looks at what has arrived
LONGEST_DELAY = 10.0  # s

Take = Callable[[Any], None]


def network_faults(parameters: Parameters) -> Faults:
    """What is to go wrong, as the node's parameters say."""
    return Faults(
        loss=parameters.number("network_loss", 0.0, "Share of shared messages lost on arrival; for tests.", 0.0, 1.0),
        delay=parameters.number(
            "network_delay",
            0.0,
            "s, mean delay of shared messages; each takes 0.5 to 1.5 times this; for tests.",
            0.0,
            LONGEST_DELAY,
        ),
        duplication=parameters.number(
            "network_duplication", 0.0, "Share of shared messages that come twice; for tests.", 0.0, 1.0
        ),
    )


class FaultyLink:
    """The receiving end of a bad network. Without faults it is not there: callbacks stay as they are.

    Args:
        node: who listens; it gets a timer.
        faults: of every topic that goes through this link.
        now: s of the clock that delays run on.
        rng: of the faults.
    """

    def __init__(self, node: ProcessNode, faults: Faults, now: Callable[[], float], rng: np.random.Generator) -> None:
        self._faults, self._now = faults, now
        self._network = Network(faults, rng)
        self._takers: dict[str, Take] = {}
        if faults != NO_FAULTS:
            node.every(TICK, self._deliver)

    def through(self, name: str, take: Take) -> Take:
        """What to subscribe with, so that the messages of a topic of this name reach `take` through the link."""
        if self._faults == NO_FAULTS:
            return take
        self._takers[name] = take
        return lambda msg: self._network.send([name], msg, self._now())

    def _deliver(self) -> None:
        now = self._now()
        for name, take in self._takers.items():
            for msg in self._network.receive(name, now):
                take(msg)
