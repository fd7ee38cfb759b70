"""The interval that is sure to hold a robot, whatever became of the orders under way to it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire_values import intention

from ewm_ros.coordination.account import BLOCKED_PATIENCE, FREE_WAY, STILL_PATIENCE, Account
from ewm_ros.messages import Intention, Outcome

NONCE = 77


def obeying(epoch: int, seq: int = 2, **standing: Any) -> Any:
    return intention(seq=seq, coordinator=NONCE, epoch=epoch, **standing)


def test_at_first_a_robot_may_come_as_far_as_it_says_it_holds() -> None:
    account = Account(intention(progress=1.0, hold=3.0), 0.0)
    assert (account.low, account.high) == (1.0, 3.0)


def test_a_claim_counts_as_far_as_it_reaches() -> None:
    assert Account(intention(progress=1.0, hold=3.0, claim=9.0, claim_seq=1), 0.0).high == 9.0


def test_who_was_pushed_beyond_its_hold_is_where_it_is() -> None:
    assert Account(intention(progress=3.2, hold=3.0), 0.0).high == 3.2


def test_an_order_under_way_counts_before_it_is_obeyed() -> None:
    account = Account(intention(hold=1.0), 0.0)
    account.issue(1, 4.0)
    assert account.high == 4.0


def test_what_is_taken_back_is_free_only_when_the_robot_has_said_so() -> None:
    account = Account(intention(hold=0.0), 0.0)
    account.issue(1, 6.0)
    account.issue(2, 2.0)
    assert account.high == 6.0
    account.update(obeying(1, seq=2, hold=6.0), NONCE, 0.0)
    assert account.high == 6.0
    account.update(obeying(2, seq=3, progress=1.0, hold=2.5), NONCE, 0.0)  # it could not stop any earlier
    assert account.high == 2.5


def test_an_acknowledgement_of_another_coordinator_means_nothing() -> None:
    account = Account(intention(hold=0.0), 0.0)
    account.issue(1, 6.0)
    account.update(intention(seq=2, coordinator=NONCE + 1, epoch=99, hold=0.0), NONCE, 0.0)
    assert account.high == 6.0


def test_on_a_new_route_the_orders_for_the_old_one_mean_nothing() -> None:
    account = Account(intention(hold=0.0), 0.0)
    account.issue(1, 6.0)
    account.update(intention(seq=2, route=2, hold=0.0), NONCE, 0.0)
    assert (account.low, account.high) == (0.0, 0.0)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("order"), st.floats(0.0, 20.0)),
        st.tuples(st.just("hear"), st.integers(0, 30), st.floats(0.0, 20.0)),
    ),
    max_size=30,
)


@given(STEPS)
def test_the_robot_never_holds_more_than_is_accounted_for(steps: list[tuple[Any, ...]]) -> None:
    """A robot obeys any of the orders it has not acknowledged, in their order: none of them is ever forgotten."""
    account, epoch, unheard, acknowledged, hold = Account(intention(hold=0.0), 0.0), 0, {}, 0, 0.0
    for seq, step in enumerate(steps, start=2):
        if step[0] == "order":
            epoch += 1
            unheard[epoch] = step[1]
            account.issue(epoch, step[1])
        else:
            acknowledged = max(acknowledged, min(step[1], epoch))
            hold = step[2]
            unheard = {e: h for e, h in unheard.items() if e > acknowledged}
            account.update(obeying(acknowledged, seq, hold=hold), NONCE, 0.0)
        assert account.high == pytest.approx(max([hold, *unheard.values()]))


def live(account: Account, seconds: float, word: Intention, since: float = 0.0) -> float:
    """Hear the same word 10 times a second; when the account calls its robot disabled, inf if not at all."""
    for k in range(round(10 * seconds)):
        now = since + 0.1 * k
        account.update(word, NONCE, now)
        if account.disabled(now):
            return now
    return float("inf")


def blocked(word: Intention) -> Intention:
    return replace(word, plan=replace(word.plan, outcome=Outcome.BLOCKED))


def test_who_says_for_long_that_something_is_in_its_way_is_planned_around() -> None:
    word = blocked(intention())
    account = Account(word, 0.0)
    assert live(account, 60.0, word) == pytest.approx(BLOCKED_PATIENCE, abs=0.15)
    account.update(intention(seq=2), NONCE, 61.0)
    assert not account.disabled(61.0)  # the way is free again


def test_who_does_not_drive_though_it_may_is_planned_around() -> None:
    word = intention(progress=1.0, hold=1.0 + FREE_WAY + 0.1)
    account = Account(word, 0.0)
    assert live(account, 60.0, word) == pytest.approx(STILL_PATIENCE, abs=0.15)
    account.update(intention(seq=2, progress=1.2, hold=3.0), NONCE, 61.0)
    assert not account.disabled(61.0)


def test_who_waits_its_turn_or_creeps_on_is_not() -> None:
    waiting = intention(progress=1.0, hold=1.0 + FREE_WAY - 0.1)
    assert live(Account(waiting, 0.0), 60.0, waiting) == float("inf")
    account = Account(intention(hold=9.0), 0.0)
    for k in range(600):
        account.update(intention(seq=k + 2, progress=0.001 * k, hold=9.0), NONCE, 0.1 * k)
        assert not account.disabled(0.1 * k)


def test_nor_who_was_let_go_on_only_now() -> None:
    account = Account(intention(), 0.0)
    live(account, 30.0, intention())
    called = live(account, 60.0, intention(seq=2, hold=2.0), since=30.0)
    assert called == pytest.approx(30.0 + STILL_PATIENCE, abs=0.25)
