"""What may be asked, over time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ewm_ros.coordination.arbitration.limits import HOUR, MINUTE, CallBudget, CircuitBreaker


def failed(breaker: CircuitBreaker, now: float, *, final: bool = False) -> bool:
    """One call that fails at once; whether it was admitted."""
    ticket = breaker.admit(now)
    if ticket is not None:
        breaker.record(ticket, now, ok=False, final=final)
    return ticket is not None


def went_well(breaker: CircuitBreaker, now: float) -> None:
    ticket = breaker.admit(now)
    assert ticket is not None
    breaker.record(ticket, now, ok=True)


def test_calls_of_the_last_minute_count_and_older_ones_do_not() -> None:
    budget = CallBudget(calls=2, tokens=1000, tokens_of_call=1)
    for now in (0.0, 10.0):
        assert budget.refusal(now) == ""
        budget.begin(now)
        budget.end(now, 1)
    assert budget.refusal(59.9) == "the limit of 2 calls a minute is reached"
    assert budget.refusal(60.0) == ""
    budget.begin(60.0)
    assert budget.refusal(69.9) != ""
    assert budget.refusal(70.0) == ""


def test_tokens_of_the_last_hour_count_and_older_ones_do_not() -> None:
    budget = CallBudget(calls=100, tokens=1000, tokens_of_call=400)
    budget.begin(0.0)
    budget.end(5.0, 700)
    assert budget.refusal(6.0) == "the limit of 1000 tokens an hour is reached"
    assert budget.refusal(5.0 + HOUR) == ""


def test_a_call_under_way_counts_as_much_as_it_may_cost_and_then_as_much_as_it_did() -> None:
    budget = CallBudget(calls=100, tokens=1000, tokens_of_call=400)
    budget.begin(0.0)
    budget.begin(0.0)
    assert budget.refusal(0.0) != ""
    budget.end(1.0, 10)
    assert budget.refusal(1.0) == ""


@given(
    st.lists(st.tuples(st.floats(0.0, 30.0), st.integers(0, 100), st.booleans()), max_size=200),
    st.integers(1, 5),
    st.integers(100, 500),
)
def test_no_minute_has_more_calls_and_no_hour_more_tokens_than_allowed(
    steps: list[tuple[float, int, bool]], calls: int, tokens: int
) -> None:
    budget = CallBudget(calls, tokens, 100)
    now, under_way = 0.0, 0
    begun: list[float] = []
    spent: list[tuple[float, int]] = []
    for pause, cost, ends in steps:
        now += pause
        if ends and under_way:
            budget.end(now, cost)
            spent.append((now, cost))
            under_way -= 1
        elif not budget.refusal(now):
            budget.begin(now)
            begun.append(now)
            under_way += 1
        assert sum(time > now - MINUTE for time in begun) <= calls
        assert sum(cost for time, cost in spent if time > now - HOUR) + 100 * under_way <= tokens


def test_the_breaker_opens_after_failures_in_a_row_only() -> None:
    breaker = CircuitBreaker(failures=3, open_for=10.0, longest=100.0)
    for now in range(10):
        assert failed(breaker, now)
        assert failed(breaker, now)
        went_well(breaker, now)
    assert [failed(breaker, 20.0) for _ in range(4)] == [True, True, True, False]
    assert breaker.state(20.0) == "open"


def test_an_open_breaker_lets_one_probe_through_after_a_while_and_closes_if_it_goes_well() -> None:
    breaker = CircuitBreaker(failures=1, open_for=10.0, longest=100.0)
    assert failed(breaker, 0.0)
    assert breaker.admit(9.9) is None
    assert breaker.state(10.0) == "half-open"
    probe = breaker.admit(10.0)
    assert probe is not None
    assert breaker.admit(10.0) is None
    assert breaker.admit(50.0) is None  # while it is under way
    breaker.record(probe, 51.0, ok=True)
    assert breaker.state(51.0) == "closed"


def test_each_probe_that_fails_doubles_the_while_up_to_the_longest_and_success_forgets_that() -> None:
    breaker = CircuitBreaker(failures=1, open_for=10.0, longest=35.0)
    assert failed(breaker, 0.0)
    now = 0.0
    for wait in (10.0, 20.0, 35.0, 35.0):
        assert breaker.admit(now + wait - 0.1) is None
        now += wait
        assert failed(breaker, now)
    now += 35.0
    went_well(breaker, now)
    assert failed(breaker, now)
    assert breaker.state(now + 10.0) == "half-open"


def test_what_only_a_person_can_put_right_opens_at_once_for_the_longest_while() -> None:
    breaker = CircuitBreaker(failures=5, open_for=10.0, longest=100.0)
    assert failed(breaker, 0.0, final=True)
    assert breaker.admit(99.9) is None
    assert breaker.admit(100.0) is not None


def test_calls_of_an_earlier_state_do_not_count_in_a_later_one() -> None:
    breaker = CircuitBreaker(failures=1, open_for=10.0, longest=100.0)
    first, second, third = (breaker.admit(0.0) for _ in range(3))
    assert first is not None
    assert second is not None
    assert third is not None
    breaker.record(first, 1.0, ok=False)
    breaker.record(second, 8.0, ok=False)  # would hold it open longer
    assert breaker.state(11.0) == "half-open"
    probe = breaker.admit(11.0)
    assert probe is not None
    breaker.record(third, 12.0, ok=True)  # would close it
    assert breaker.state(12.0) == "half-open"
    breaker.record(probe, 13.0, ok=False)
    assert breaker.state(13.0) == "open"


@given(st.lists(st.tuples(st.floats(0.0, 50.0), st.booleans(), st.booleans()), max_size=100))
def test_the_breaker_always_lets_something_through_again(steps: list[tuple[float, bool, bool]]) -> None:
    breaker = CircuitBreaker(failures=2, open_for=10.0, longest=60.0)
    now = 0.0
    for pause, ok, final in steps:
        now += pause
        ticket = breaker.admit(now)
        if ticket is not None:
            breaker.record(ticket, now, ok=ok, final=final and not ok)
        assert breaker.state(now + 60.0) in ("closed", "half-open")
