"""The adviser over real HTTP: one reply to each question, limits, an end, and the key nowhere."""

from __future__ import annotations

import logging
import math
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
from pydantic import SecretStr

pytest.importorskip("openai")

from made_up_questions import SITE, made_up_question
from processes import wait_for
from scripted_llm import ANSWERS, Exchange, ScriptedLlm, by_ranks, chooses

from ewm_ros.coordination.arbitration import model_adviser
from ewm_ros.coordination.arbitration.adviser import Adviser, Reply
from ewm_ros.coordination.arbitration.model_adviser import ModelAdviser
from ewm_ros.coordination.arbitration.settings import ArbiterSettings, load_settings
from ewm_ros.errors import InputError

KEY = "sk-of-this-test-0123456789"
QUESTION = made_up_question()
PATIENCE = 20.0  # s


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    wait_for(lambda: not set(threading.enumerate()) - before, PATIENCE)


def asked(server: ScriptedLlm, preset: str = "", *, stream: bool = True, **limits: float) -> ArbiterSettings:
    """The settings for a scripted server, in a hurry and with one attempt."""
    loaded = load_settings(preset, base_url=server.base_url, model="r1")
    hurry = {"attempts": 1, **limits}
    return replace(loaded, stream=stream, limits=loaded.limits.model_copy(update=hurry))


def fetched(adviser: Adviser, now: float, count: int = 1) -> list[Reply]:
    """So many replies, as soon as they are there."""
    found: list[Reply] = []

    def all_there() -> bool:
        found.extend(adviser.replies(now))
        return len(found) >= count

    wait_for(all_there, PATIENCE)
    assert len(found) == count
    return found


def reply(adviser: Adviser, number: int, now: float) -> Reply:
    """Ask and wait for the reply, which takes no time by the caller's clock."""
    adviser.ask(number, QUESTION, SITE, now)
    (got,) = fetched(adviser, now)
    assert got.number == number
    return got


def test_a_question_is_answered_by_the_site_s_rules() -> None:
    with ScriptedLlm([chooses(by_ranks({"blood samples": 0, "cleaning": 1}))]) as server:
        adviser = ModelAdviser(asked(server), SecretStr(KEY))
        assert adviser.model == "r1"
        adviser.ask(7, QUESTION, SITE, 10.0)
        (got,) = fetched(adviser, 12.5)
        adviser.close()
    assert QUESTION.options[got.choice].first == ("r1", "r2")  # r1 carries the blood samples
    assert got == Reply(7, got.choice, "The rules say so.", "", 2.5, (300, 40))
    status = adviser.status
    assert (status.breaker, status.failure, status.latency, status.calls, status.failures) == ("closed", "", 2.5, 1, 0)
    assert (status.tokens, status.cached_tokens) == ((300, 40), 256)


def test_rules_the_other_way_round_are_answered_the_other_way_round() -> None:
    with ScriptedLlm([chooses(by_ranks({"blood samples": 1, "cleaning": 0}))]) as server:
        adviser = ModelAdviser(asked(server))
        assert QUESTION.options[reply(adviser, 1, 0.0).choice].first == ("r2", "r1")
        adviser.close()


GOOD = {"rules", "first", "key in the answer"}
ANSWER_CAUSES = {
    "truncated answer": "the answer is no JSON",
    "no json": "the answer is no JSON",
    "duplicate keys": "the answer has a key twice",
    "nan": "the answer holds a number",
    "unknown option": "the answer's choice is none of o1, o2",
    "extra keys": "the answer has other keys than choice and reason",
    "late": "no answer in 0.3 s",
    "blank lines": "no answer in 0.3 s",
    "comments": "no answer in 0.3 s",
}


@pytest.mark.parametrize("name", sorted(set(ANSWERS) - GOOD))
def test_whatever_a_server_does_there_is_one_reply_with_the_cause_and_no_trace_of_the_key(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    for logger in ("", "asyncio", "httpcore2", "httpx2", "openai", "ewm_ros"):
        caplog.set_level(logging.DEBUG, logger=logger)
    slow = ANSWER_CAUSES.get(name, "").startswith("no answer")
    with ScriptedLlm([ANSWERS[name]]) as server:
        adviser = ModelAdviser(asked(server, deadline_s=0.3 if slow else PATIENCE), SecretStr(KEY))
        got = reply(adviser, 1, 0.0)
        assert adviser.replies(1.0) == []
        shown = [repr(adviser), repr(vars(adviser)), repr(adviser.status), repr(got)]
        adviser.close()
    assert server.requests[0].key == KEY  # it was sent
    assert (got.choice, got.reason) == ("", "")
    assert got.failure.startswith(ANSWER_CAUSES.get(name, "")[:40])
    assert got.failure
    assert got.failure.isprintable()
    assert adviser.status.failure == got.failure
    assert (adviser.status.calls, adviser.status.failures) == (1, 1)
    assert math.isnan(adviser.status.latency)
    assert server.hung_up == (slow or name == "huge")  # the server saw us go
    for record in caplog.records:
        shown += [record.getMessage(), str(record.args), caplog.handler.format(record)]
    assert len(caplog.records) >= 3  # or this shows nothing
    assert KEY not in "\n".join(shown)


def test_a_key_that_a_server_puts_into_its_answer_is_hidden() -> None:
    with ScriptedLlm([ANSWERS["key in the answer"]]) as server:
        adviser = ModelAdviser(asked(server), SecretStr(KEY))
        assert reply(adviser, 1, 0.0).reason == "your key is [key]"
        adviser.close()


def test_after_failures_in_a_row_nothing_is_asked_until_a_probe_goes_well() -> None:
    with ScriptedLlm([ANSWERS["500"]] * 4 + [ANSWERS["first"]]) as server:
        adviser = ModelAdviser(asked(server, breaker_failures=3, breaker_open_s=30.0))
        for number in range(3):
            assert reply(adviser, number, 0.0).failure == "HTTP 500: the server is in trouble"
        assert adviser.status.breaker == "open"
        refused = "not asked: the circuit breaker is open after: HTTP 500: the server is in trouble"
        assert reply(adviser, 3, 29.0).failure == refused
        assert len(server.requests) == 3
        assert adviser.status.calls == adviser.status.failures == 3

        assert reply(adviser, 4, 30.0).failure.startswith("HTTP 500")  # the probe, and the while doubles
        assert reply(adviser, 5, 89.0).failure == refused
        adviser.ask(6, QUESTION, SITE, 90.0)
        assert adviser.status.breaker == "half-open"
        assert [got.failure for got in fetched(adviser, 90.0)] == [""]
        assert adviser.status.breaker == "closed"
        assert adviser.status.failure == ""
        adviser.close()


@pytest.mark.parametrize("status", ["401", "402", "403"])
def test_what_only_a_person_can_put_right_is_not_asked_again_for_long(status: str) -> None:
    with ScriptedLlm([ANSWERS[status]]) as server:
        adviser = ModelAdviser(asked(server, breaker_failures=3, breaker_longest_s=1800.0), SecretStr(KEY))
        cause = reply(adviser, 1, 0.0).failure
        assert reply(adviser, 2, 1799.0).failure == f"not asked: the circuit breaker is open after: {cause}"
        assert reply(adviser, 3, 1800.0).failure == cause
        adviser.close()
    assert len(server.requests) == 2


def test_more_questions_a_minute_than_allowed_are_not_asked() -> None:
    with ScriptedLlm([ANSWERS["first"]]) as server:
        adviser = ModelAdviser(asked(server, calls_per_minute=2))
        replies = [reply(adviser, number, float(number)) for number in range(3)]
        assert [got.failure for got in replies] == ["", "", "not asked: the limit of 2 calls a minute is reached"]
        assert reply(adviser, 3, 60.0).failure == ""
        adviser.close()
    assert len(server.requests) == 3


def test_more_tokens_an_hour_than_allowed_are_not_spent() -> None:
    with ScriptedLlm([ANSWERS["first"]]) as server:  # 340 tokens each
        adviser = ModelAdviser(asked(server, tokens_per_hour=1000, max_tokens=400))
        replies = [reply(adviser, number, 100.0 * number) for number in range(3)]
        assert [got.failure for got in replies] == ["", "", "not asked: the limit of 1000 tokens an hour is reached"]
        assert reply(adviser, 3, 3600.0).failure == ""
        adviser.close()


def test_no_more_questions_are_under_way_than_allowed_and_all_are_answered() -> None:
    lock, under_way, most = threading.Lock(), 0, 0

    def slow(exchange: Exchange) -> None:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        exchange.wait(0.05)
        with lock:
            under_way -= 1
        ANSWERS["first"](exchange)

    with ScriptedLlm([slow]) as server:
        adviser = ModelAdviser(asked(server, simultaneous=2))
        for number in range(6):
            adviser.ask(number, QUESTION, SITE, 0.0)
        replies = fetched(adviser, 1.0, 6)
        adviser.close()
    assert most == 2
    assert sorted(got.number for got in replies) == list(range(6))
    assert {got.choice for got in replies} == {"o1"}


def test_a_question_that_waits_for_its_turn_is_over_at_its_deadline_too() -> None:
    with ScriptedLlm([ANSWERS["late"]]) as server:
        adviser = ModelAdviser(asked(server, simultaneous=1, deadline_s=0.3))
        for number in range(3):
            adviser.ask(number, QUESTION, SITE, 0.0)
        assert {got.failure for got in fetched(adviser, 1.0, 3)} == {"no answer in 0.3 s"}
        adviser.close()
    assert len(server.requests) < 3


def test_closing_cancels_what_is_open_and_ends_the_thread_and_may_be_done_twice() -> None:
    with ScriptedLlm([ANSWERS["late"]]) as server:
        before = set(threading.enumerate())
        adviser = ModelAdviser(asked(server))
        for number in range(6):
            adviser.ask(number, QUESTION, SITE, 0.0)
        wait_for(lambda: len(server.requests) == 4, PATIENCE)
        (thread,) = (one for one in set(threading.enumerate()) - before if one.name == model_adviser.THREAD)
        adviser.close()
        assert not thread.is_alive()
        wait_for(lambda: server.hung_up == 4, PATIENCE)
        adviser.close()
        assert adviser.replies(1.0) == []
        adviser.ask(9, QUESTION, SITE, 2.0)
        assert adviser.replies(2.0) == [Reply(9, failure="not asked: it is closed")]


def test_asking_does_not_wait_for_the_loop() -> None:
    with ScriptedLlm([ANSWERS["first"]]) as server:
        adviser = ModelAdviser(asked(server))
        held = threading.Event()
        adviser._thread._loop.call_soon_threadsafe(held.wait, PATIENCE)
        adviser.ask(1, QUESTION, SITE, 0.0)
        assert adviser.replies(0.1) == []
        assert server.requests == []
        held.set()
        assert fetched(adviser, 0.2)[0].choice == "o1"
        adviser.close()


def test_a_fault_of_our_own_is_a_reply_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise KeyError(KEY)

    with ScriptedLlm([ANSWERS["first"]]) as server:
        adviser = ModelAdviser(asked(server))
        monkeypatch.setattr(model_adviser, "prompt_of", broken)
        assert reply(adviser, 1, 0.0).failure == "a fault in here: KeyError"
        adviser.close()


def test_a_question_that_cannot_be_put_into_words_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def wordless(*_: object) -> None:
        raise InputError("a plan has an impossible eta")

    with ScriptedLlm([ANSWERS["first"]]) as server:
        adviser = ModelAdviser(asked(server))
        monkeypatch.setattr(model_adviser, "prompt_of", wordless)
        assert reply(adviser, 1, 0.0).failure == "a plan has an impossible eta"
        adviser.close()


@pytest.mark.parametrize("key", [None, SecretStr("")])
def test_a_preset_that_needs_a_key_is_refused_without_one(key: SecretStr | None) -> None:
    with pytest.raises(InputError, match="'deepseek-api' needs a key: set DEEPSEEK_API_KEY"):
        ModelAdviser(load_settings("deepseek-api"), key)


@pytest.mark.parametrize("version", [None, "1.99.0"])
def test_without_the_sdk_or_with_an_old_one_the_way_to_get_it_is_named(
    monkeypatch: pytest.MonkeyPatch, version: str | None
) -> None:
    old = type(sys)("openai")
    old.__version__ = version  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "openai", old if version else None)
    with pytest.raises(InputError, match=r"pip install 'ewm-ros\[arbiter\]'"):
        ModelAdviser(load_settings("vllm"))
