"""A bad network in the real ROS graph: what is lost comes again, what is late is late, and robots get their way."""

from __future__ import annotations

import numpy as np
import pytest

from ewm_ros.nodes.faulty_link import TICK, FaultyLink
from ewm_ros.simulation.network import NO_FAULTS, Faults


class Listener:
    """Stands in for a node: keeps the timer that it is asked for."""

    def __init__(self) -> None:
        self.timers = []
        self.heard = []

    def every(self, period, callback):
        self.timers.append((period, callback))

    def link(self, faults: Faults) -> FaultyLink:
        self.now = 0.0
        return FaultyLink(self, faults, lambda: self.now, np.random.default_rng(1))

    def wait(self, seconds: float) -> None:
        self.now += seconds
        for _, callback in self.timers:
            callback()


def test_without_faults_a_subscription_is_a_plain_one() -> None:
    listener = Listener()
    take = listener.heard.append
    assert listener.link(NO_FAULTS).through("/intentions", take) is take
    assert listener.timers == []


def test_late_messages_reach_the_callback_of_their_own_topic_when_their_time_has_come() -> None:
    listener, orders = Listener(), []
    link = listener.link(Faults(delay=1.0))
    intentions_in = link.through("/intentions", listener.heard.append)
    directives_in = link.through("/directives", orders.append)
    intentions_in("plan")
    directives_in("order")
    listener.wait(0.45)
    assert (listener.heard, orders) == ([], [])
    listener.wait(1.1)
    assert (listener.heard, orders) == (["plan"], ["order"])
    assert [period for period, _ in listener.timers] == [TICK]


def test_some_messages_never_come_and_some_come_twice() -> None:
    listener = Listener()
    take = listener.link(Faults(loss=0.3, duplication=0.2)).through("/routes", listener.heard.append)
    for number in range(1000):
        take(number)
    listener.wait(TICK)
    assert len(set(listener.heard)) == pytest.approx(700, abs=60)
    assert len(listener.heard) - len(set(listener.heard)) == pytest.approx(140, abs=50)
