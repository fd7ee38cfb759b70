"""The adviser that is a language model behind a network: asked from the coordinator's thread, talked to on its own.

Whoever asks never waits: limits are looked at where they stand, questions go to the event loop of another thread, and
what becomes of them is fetched from a queue. Times come from whoever calls; only the deadline is of the wall clock.
"""

from __future__ import annotations

import asyncio
import math
import queue
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from pydantic import SecretStr

from ewm_ros.coordination.arbitration.adviser import AdviserStatus, Reply
from ewm_ros.coordination.arbitration.client import FINAL, ChatClient
from ewm_ros.coordination.arbitration.completion import NOTHING, CallFailed, Cost
from ewm_ros.coordination.arbitration.limits import CallBudget, CircuitBreaker
from ewm_ros.coordination.arbitration.prompt import answer_schema, prompt_of
from ewm_ros.coordination.arbitration.question import Question
from ewm_ros.coordination.arbitration.reply import read_answer
from ewm_ros.coordination.arbitration.settings import ArbiterSettings
from ewm_ros.coordination.arbitration.site import Site
from ewm_ros.errors import InputError

CLOSING = 0.7  # s that open requests have to end when they are cancelled
THREAD = "arbiter"
HIDDEN = "[key]"  # what a key is replaced by where a server has put it into its answer

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What has become of a question, as in Reply, and what the limits need to know."""

    choice: str = ""
    reason: str = ""
    failure: str = ""
    cost: Cost = NOTHING
    final: bool = False  # only a person can put it right


@dataclass(frozen=True, slots=True)
class _Call:
    """A question under way: since when (s), and the breaker's ticket."""

    since: float
    ticket: int


class ModelAdviser:
    """Asks one server; see Adviser. One thread at a time may use it.

    Args:
        settings: which server, and how much.
        api_key: None, or an empty one, if there is none.

    Raises:
        InputError: a key is needed and there is none, or the SDK is not installed.
    """

    def __init__(self, settings: ArbiterSettings, api_key: SecretStr | None = None) -> None:
        if settings.needs_key and not api_key:
            raise InputError(
                f"arbiter preset {settings.preset!r} needs a key: set DEEPSEEK_API_KEY, or name a key file"
            )
        self._settings, self._key = settings, api_key or SecretStr("")
        limits = settings.limits
        self._budget = CallBudget(limits.calls_per_minute, limits.tokens_per_hour, limits.max_tokens)
        self._breaker = CircuitBreaker(limits.breaker_failures, limits.breaker_open_s, limits.breaker_longest_s)
        self._calls: dict[int, _Call] = {}
        self._refused: list[Reply] = []
        self._done: queue.SimpleQueue[tuple[int, _Outcome]] = queue.SimpleQueue()
        self._now = 0.0
        self._count, self._failures = 0, 0
        self._failure, self._latency = "", math.nan
        self._tokens, self._cached = (0, 0), 0
        self._thread = _LoopThread()
        try:
            self._client = self._thread.submit(self._connected()).result()
        except InputError:
            self._thread.stop()
            raise

    @property
    def model(self) -> str:
        """Name of the model."""
        return self._settings.model

    @property
    def status(self) -> AdviserStatus:
        """How it is doing, as far as replies have been fetched."""
        return AdviserStatus(
            breaker=self._breaker.state(self._now),
            failure=self._failure,
            latency=self._latency,
            calls=self._count,
            failures=self._failures,
            tokens=self._tokens,
            cached_tokens=self._cached,
        )

    def ask(self, number: int, question: Question, site: Site, now: float) -> None:
        """Send a question on its way, or refuse it; either way its reply comes by `replies`."""
        self._now = now
        refusal = self._budget.refusal(now) if self._thread.runs else "it is closed"
        ticket = None if refusal else self._breaker.admit(now)
        if ticket is None:
            cause = refusal or f"the circuit breaker is open after: {self._failure}"
            self._refused.append(Reply(number, failure=f"not asked: {cause}"))
            return
        self._budget.begin(now)
        self._count += 1
        self._calls[number] = _Call(now, ticket)
        self._thread.submit(self._answer(question, site)).add_done_callback(partial(self._finished, number))

    def replies(self, now: float) -> list[Reply]:
        """Those that have come since the last call; latencies are until this call."""
        self._now = now
        found, self._refused = self._refused, []
        with suppress(queue.Empty):
            while True:
                found.append(self._told(*self._done.get_nowait(), now))
        return found

    def close(self) -> None:
        """Cancel what is open and end the thread; takes a second at most."""
        if self._thread.runs:
            with suppress(FutureTimeout):
                self._thread.submit(self._shut()).result(CLOSING)
            self._thread.stop()

    def _told(self, number: int, outcome: _Outcome, now: float) -> Reply:
        """The reply of a call that is over; limits and figures learn of it."""
        call = self._calls.pop(number)
        latency = now - call.since
        self._budget.end(now, outcome.cost.spent)
        self._breaker.record(call.ticket, now, ok=not outcome.failure, final=outcome.final)
        self._failure = self._hidden(outcome.failure)
        self._failures += bool(outcome.failure)
        self._latency = self._latency if outcome.failure else latency
        prompt, answer = outcome.cost.tokens
        self._tokens = self._tokens[0] + prompt, self._tokens[1] + answer
        self._cached += outcome.cost.cached
        return Reply(number, outcome.choice, outcome.reason, self._failure, latency, (prompt, answer))

    def _hidden(self, text: str) -> str:
        key = self._key.get_secret_value()
        return text.replace(key, HIDDEN) if key else text

    # What follows runs on the other thread.

    async def _connected(self) -> ChatClient:
        return ChatClient(self._settings, self._key)

    async def _answer(self, question: Question, site: Site) -> _Outcome:
        try:
            completion = await self._client.complete(prompt_of(question, site), answer_schema(question))
        except CallFailed as failure:
            return _Outcome(failure=str(failure), cost=failure.cost, final=failure.status in FINAL)
        except InputError as error:  # a plan that cannot be put into words
            return _Outcome(failure=str(error))
        try:
            answer = read_answer(self._hidden(completion.text), question)  # before anything of it is cut off
        except InputError as error:
            return _Outcome(failure=str(error), cost=completion.cost)
        return _Outcome(answer.choice, answer.reason, cost=completion.cost)

    def _finished(self, number: int, call: Future[_Outcome]) -> None:
        """Hand on the outcome. A fault of this program counts as a failure too: every question has its reply."""
        if call.cancelled():
            return
        fault = call.exception()
        outcome = call.result() if fault is None else _Outcome(failure=f"a fault in here: {type(fault).__name__}")
        self._done.put((number, outcome))

    async def _shut(self) -> None:
        open_ = asyncio.all_tasks() - {asyncio.current_task()}
        for task in open_:
            task.cancel()
        await asyncio.gather(*open_, return_exceptions=True)
        await self._client.close()


class _LoopThread:
    """An event loop on a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name=THREAD, daemon=True)
        self._thread.start()
        self.runs = True

    def submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Start something on the loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def stop(self) -> None:
        """End the loop and the thread, whatever is still on it."""
        self.runs = False
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(1.0 - CLOSING)

    def _run(self) -> None:
        try:
            self._loop.run_forever()
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        finally:
            self._loop.close()  # does not wait for a name server that does not answer
