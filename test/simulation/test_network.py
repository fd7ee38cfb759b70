"""The faulty network: what is lost, late, doubled and overtaken, and all of it again for the same seed."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ewm_ros.errors import InputError
from ewm_ros.simulation.network import Faults, Network

MANY = 2000


def network(seed: int = 1, **faults: float) -> Network:
    return Network(Faults(**faults), np.random.default_rng(seed))


def test_without_faults_everything_comes_at_once_in_the_order_sent() -> None:
    net = network()
    for k in range(5):
        net.send(["a", "b"], k, now=1.0)
    assert net.receive("a", 1.0) == [0, 1, 2, 3, 4]
    assert net.receive("a", 9.0) == []
    assert net.receive("b", 1.0) == [0, 1, 2, 3, 4]
    assert net.receive("stranger", 9.0) == []


def test_the_share_of_messages_that_is_lost_is_as_wished() -> None:
    net = network(loss=0.3)
    for k in range(MANY):
        net.send(["a"], k, now=0.0)
    assert len(net.receive("a", 0.0)) / MANY == pytest.approx(0.7, abs=0.05)


def test_each_receiver_loses_messages_of_its_own() -> None:
    net = network(loss=0.5)
    for k in range(100):
        net.send(["a", "b"], k, now=0.0)
    assert net.receive("a", 0.0) != net.receive("b", 0.0)


def test_delays_lie_around_their_mean_so_that_messages_overtake_each_other() -> None:
    net = network(delay=0.2)
    for k in range(MANY):
        net.send(["a"], k, now=10.0)
    assert net.receive("a", 10.0999) == []
    early = net.receive("a", 10.2)
    assert len(early) / MANY == pytest.approx(0.5, abs=0.05)
    assert early != sorted(early)
    assert len(early) + len(net.receive("a", 10.3)) == MANY


def test_doubled_messages_come_twice() -> None:
    net = network(duplication=0.25)
    for k in range(MANY):
        net.send(["a"], k, now=0.0)
    come = net.receive("a", 0.0)
    assert len(come) / MANY == pytest.approx(1.25, abs=0.05)
    assert set(come) == set(range(MANY))


def test_to_one_that_is_started_anew_nothing_comes_that_was_under_way() -> None:
    net = network(delay=1.0)
    net.send(["a", "b"], "old", now=0.0)
    net.forget("a")
    net.forget("nobody")
    net.send(["a"], "new", now=0.1)
    assert net.receive("a", 9.0) == ["new"]
    assert net.receive("b", 9.0) == ["old"]


@given(
    st.integers(0, 2**32),
    st.floats(0.0, 1.0),
    st.floats(0.0, 2.0),
    st.floats(0.0, 1.0),
    st.lists(st.tuples(st.floats(0.0, 0.5), st.sampled_from(["a", "b"])), max_size=30),
)
def test_the_same_seed_gives_the_same_faults_and_nothing_is_made_up_or_early(
    seed: int, loss: float, delay: float, duplication: float, sent: list[tuple[float, str]]
) -> None:
    histories = []
    for _ in range(2):
        net, now, history = network(seed, loss=loss, delay=delay, duplication=duplication), 0.0, []
        for k, (pause, receiver) in enumerate(sent):
            now += pause
            net.send([receiver], (k, now, receiver), now)
            history += [(now, "a", message) for message in net.receive("a", now)]
        history += [(now + 5.0, "b", message) for message in net.receive("b", now + 5.0)]
        histories.append(history)
    assert histories[0] == histories[1]
    for when, receiver, (_, since, meant_for) in histories[0]:
        assert receiver == meant_for
        assert when >= since + 0.5 * delay - 1e-6
    counts = [k for _, _, (k, _, _) in histories[0]]
    assert all(counts.count(k) <= 2 for k in counts)


@pytest.mark.parametrize(
    "faults",
    [{"loss": -0.1}, {"loss": 1.1}, {"loss": math.nan}, {"delay": -1.0}, {"delay": 60.0}, {"delay": math.inf},
     {"delay": math.nan}, {"duplication": 2.0}],
)  # fmt: skip
def test_impossible_faults_are_refused(faults: dict[str, float]) -> None:
    with pytest.raises(InputError, match="loss and duplication must be 0 to 1, the delay 0 to 60 s"):
        Faults(**faults)
