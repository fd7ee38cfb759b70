"""How late messages are, on machines whose clocks differ, drift and are set."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ewm_ros.coordination.peer_clocks import PATIENCE, PeerClocks
from ewm_ros.errors import InputError


@given(st.floats(-1e6, 1e6), st.lists(st.floats(0.0, 1.0), min_size=1, max_size=30))
def test_an_age_is_the_delay_beyond_the_quickest_so_far_whatever_the_peers_clock_shows(
    offset: float, delays: list[float]
) -> None:
    clocks = PeerClocks()
    for k, delay in enumerate(delays):
        now = 0.1 * k
        age = clocks.check("r0", now - delay + offset, now)
        assert age == pytest.approx(delay - min(delays[: k + 1]), abs=0.01)


def test_a_message_far_too_late_is_refused_by_its_robots_name() -> None:
    clocks = PeerClocks(max_age=5.0)
    clocks.check("r0", 100.0, 0.0)
    with pytest.raises(InputError, match=r"message of r0 is 6\.0 s late"):
        clocks.check("r0", 101.0, 7.0)
    assert clocks.check("r0", 107.0, 7.1) == pytest.approx(0.1, abs=0.01)


def test_peers_are_kept_apart() -> None:
    clocks = PeerClocks()
    clocks.check("r0", 100.0, 0.0)
    assert clocks.check("r1", -100.0, 7.0) == 0.0


def test_a_clock_that_was_set_back_is_believed_after_some_messages() -> None:
    clocks = PeerClocks(max_age=5.0)
    clocks.check("r0", 100.0, 0.0)
    for k in range(1, PATIENCE):
        with pytest.raises(InputError):
            clocks.check("r0", 50.0 + 0.1 * k, 0.1 * k)
    assert clocks.check("r0", 50.0 + 0.1 * PATIENCE, 0.1 * PATIENCE) == 0.0
    assert clocks.check("r0", 51.0, 1.0) == pytest.approx(0.0, abs=0.01)


def test_single_stragglers_are_never_believed() -> None:
    clocks = PeerClocks(max_age=5.0)
    for k in range(3 * PATIENCE):
        clocks.check("r0", float(k), float(k))
        with pytest.raises(InputError):
            clocks.check("r0", k - 10.0, float(k))


def test_a_clock_set_forward_is_believed_at_once() -> None:
    clocks = PeerClocks()
    clocks.check("r0", 0.0, 0.0)
    assert clocks.check("r0", 1000.0, 0.1) == 0.0
    assert clocks.check("r0", 1000.4, 0.6) == pytest.approx(0.1, abs=0.01)


def test_a_drifting_clock_is_followed_for_hours() -> None:
    clocks, slow = PeerClocks(), 1.0 - 5e-4
    ages = [clocks.check("r0", now * slow, float(now)) for now in range(4 * 3600)]
    assert max(ages) < 0.01
