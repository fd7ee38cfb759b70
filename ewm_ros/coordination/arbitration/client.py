"""Asking a language model over the OpenAI SDK: one question, one text, by a deadline, or one exception with the cause.

The SDK's own retries, redirects, proxies and guesses from the environment are off. Its time-outs are for single reads,
which a server that sends a blank line now and then never exceeds; the deadline here is of the wall clock.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import SecretStr

from ewm_ros.coordination.arbitration.completion import CallFailed, Completion, Cost, too_large
from ewm_ros.coordination.arbitration.reply import split_reasoning
from ewm_ros.coordination.arbitration.settings import ArbiterSettings
from ewm_ros.errors import InputError

CHARACTERS = 3  # of a token, at least: what a call has cost is estimated so where the server does not say
WIRE = 1024  # bytes that a streamed token takes at most: an event of JSON, with ids and the model's name in it
MOST_TOKENS = 10_000_000  # that a server is believed to have counted in one call

# Why, in our words: a server's own may repeat the key.
CAUSES = {
    400: "the server does not understand the request",
    401: "the key is not accepted",
    402: "the account has no credit",
    403: "the key may not do this",
    404: "no such address or model",
    413: "the question is too large",
    422: "the server does not accept the request",
    429: "too many requests",
}
FINAL = frozenset({401, 402, 403})  # what only a person can put right
ENDINGS = {
    "content_filter": "the server's filter stopped the answer",
    "insufficient_system_resource": "the server ran out of resources",
}


class ChatClient:
    """One server. It belongs to the event loop that it is made on.

    Raises:
        InputError: the SDK is not installed.
    """

    def __init__(self, settings: ArbiterSettings, key: SecretStr) -> None:
        self._sdk = _sdk()
        # Needs what the SDK brings.
        from ewm_ros.coordination.arbitration.transport import GuardedTransport

        # At its debug level it writes out a server's headers, and so whatever that puts there.
        logging.getLogger("httpcore2").setLevel(logging.WARNING)
        self._settings, self._limits = settings, settings.limits
        self._most = 1024 * self._limits.max_answer_kib
        self._turns = asyncio.Semaphore(self._limits.simultaneous)
        whole = self._most + WIRE * self._limits.max_tokens
        transport = GuardedTransport(key, most=whole, most_in_line=self._most)
        self._api = self._sdk.AsyncOpenAI(
            base_url=settings.base_url,
            api_key="added-below",  # without any it would take OPENAI_API_KEY
            max_retries=0,
            timeout=self._limits.deadline_s,
            http_client=self._sdk.DefaultAsyncHttpx2Client(
                transport=transport, trust_env=False, follow_redirects=False
            ),
        )

    async def complete(self, messages: Sequence[Mapping[str, str]], schema: Mapping[str, object]) -> Completion:
        """The model's answer to a chat.

        Args:
            schema: of the answer, for servers that can hold a model to one.

        Raises:
            CallFailed: there is none, for whatever reason.
        """
        received = _Received(self._most)
        try:
            return await asyncio.wait_for(self._tried(messages, schema, received), self._limits.deadline_s)
        except asyncio.TimeoutError:
            failure = CallFailed(f"no answer in {self._limits.deadline_s:g} s")
        except CallFailed as error:
            failure = error
        failure.cost = received.cost(messages)
        raise failure

    async def close(self) -> None:
        """Close its connections."""
        await self._api.close()

    async def _tried(
        self, messages: Sequence[Mapping[str, str]], schema: Mapping[str, object], received: _Received
    ) -> Completion:
        """Further attempts as far as they fit, and a pause between them, into the deadline."""
        loop = asyncio.get_running_loop()
        end = loop.time() + self._limits.deadline_s
        body = self._body(messages, schema)
        async with self._turns:
            failure = await self._attempt(body, received)
            for retry in range(self._limits.attempts - 1):
                if failure is None or not (failure.status == 429 or failure.status >= 500):
                    break
                asked_for = failure.retry_after
                pause = self._limits.retry_s * 2.0**retry if asked_for is None else asked_for
                if loop.time() + pause >= end:
                    break
                await asyncio.sleep(pause)
                failure = await self._attempt(body, received)
        if failure is not None:
            raise failure
        return received.completion(messages, self._limits.max_tokens)

    def _body(self, messages: Sequence[Mapping[str, str]], schema: Mapping[str, object]) -> dict[str, object]:
        body: dict[str, object] = {
            "model": self._settings.model,
            "messages": [dict(message) for message in messages],
            "max_tokens": self._limits.max_tokens,
            "extra_body": dict(self._settings.extra),
            "stream": self._settings.stream,
        }
        if self._settings.structured == "json_schema":
            answer = {"name": "answer", "strict": True, "schema": dict(schema)}
            body["response_format"] = {"type": "json_schema", "json_schema": answer}
        elif self._settings.structured == "json_object":
            body["response_format"] = {"type": "json_object"}
        if self._settings.stream:
            body["stream_options"] = {"include_usage": True}
        return body

    async def _attempt(self, body: dict[str, object], received: _Received) -> CallFailed | None:
        """Ask once; why that failed, or None. Made anew for each cause, so that nothing of the SDK's hangs on it."""
        sdk = self._sdk
        try:
            await self._exchange(body, received)
        except CallFailed as failure:  # of the transport, or of what has been received
            return CallFailed(str(failure))
        except sdk.APIStatusError as error:
            return _refused(error.status_code, error.response.headers.get("retry-after"))
        except sdk.APITimeoutError:
            return CallFailed(f"no answer in {self._limits.deadline_s:g} s")
        except sdk.APIConnectionError:
            return CallFailed("the stream ended early" if received.parts else "the connection broke off")
        except sdk.APIError:
            return CallFailed("the server reported an error instead of the rest of the answer")
        except (ValueError, RecursionError):  # truncated JSON, bytes that are no text, a million brackets
            return CallFailed("not a chat completion (no valid JSON, or truncated)")
        return None

    async def _exchange(self, body: dict[str, object], received: _Received) -> None:
        answer = await self._api.chat.completions.create(**body)
        if not self._settings.stream:
            received.take(answer, "message")
            return
        async with answer:
            received.is_html = answer.response.headers.get("content-type") == "text/html"
            async for chunk in answer:
                received.take(chunk, "delta")


class _Received:
    """What has come of an answer so far. The SDK checks no types: anything can be anywhere."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._texts: list[str] = []
        self._reasoning: list[str] = []
        self._size = 0
        self._ending: object = None
        self._has_choices = False
        self._tokens, self._cached = (0, 0), 0
        self.parts = 0
        self.is_html = False

    def take(self, part: object, field: str) -> None:
        """A whole answer (field `message`) or a piece of one (`delta`).

        Raises:
            CallFailed: it is getting too large.
        """
        self.parts += 1
        self.is_html = self.is_html or (isinstance(part, str) and part.lstrip().startswith("<"))
        choices = getattr(part, "choices", None)
        for choice in choices[:1] if isinstance(choices, list) else ():
            self._has_choices = True
            self._ending = getattr(choice, "finish_reason", None) or self._ending
            said = getattr(choice, field, None)
            self._texts.append(_text(said, "content"))
            self._reasoning.append(_text(said, "reasoning_content") or _text(said, "reasoning"))
            self._size += len(self._texts[-1]) + len(self._reasoning[-1])
        if self._size > self._most:
            raise too_large(self._most)
        self._count(getattr(part, "usage", None))

    def completion(self, messages: Iterable[Mapping[str, str]], max_tokens: int) -> Completion:
        """The whole answer.

        Raises:
            CallFailed: it is none.
        """
        if not self._has_choices:
            raise CallFailed("not a chat completion (HTML)" if self.is_html else "not a chat completion (no choices)")
        if self._ending is None:
            raise CallFailed("the stream ended early")
        if self._ending == "length":
            raise CallFailed(f"the answer was not ready after {max_tokens} tokens")
        if self._ending != "stop":
            raise CallFailed(ENDINGS.get(str(self._ending), "the answer ended for no known reason"))
        inline, text = split_reasoning("".join(self._texts))
        if not text.strip():
            raise CallFailed("a blank answer")
        reasoning = "".join(self._reasoning) or inline
        return Completion(text, reasoning, self.cost(messages))

    def cost(self, messages: Iterable[Mapping[str, str]]) -> Cost:
        """What it has cost so far; nothing before the model has begun."""
        spent = sum(self._tokens)
        if not spent and self._has_choices:
            spent = (sum(len(message["content"]) for message in messages) + self._size) // CHARACTERS
        return Cost(self._tokens, self._cached, spent)

    def _count(self, usage: object) -> None:
        if usage is not None:
            self._tokens = _number(usage, "prompt_tokens"), _number(usage, "completion_tokens")
            details = getattr(usage, "prompt_tokens_details", None)
            self._cached = _number(details, "cached_tokens") or _number(usage, "prompt_cache_hit_tokens")


def _refused(status: int, retry_after: str | None) -> CallFailed:
    cause = CAUSES.get(status, "the server is in trouble" if status >= 500 else "the server sends it elsewhere or away")
    wanted = f" (Retry-After {float(retry_after):g} s)" if retry_after else ""
    pause = float(retry_after) if retry_after else None
    return CallFailed(f"HTTP {status}{wanted}: {cause}", status=status, retry_after=pause)


def _text(said: object, name: str) -> str:
    value = getattr(said, name, None)
    return value if isinstance(value, str) else ""


def _number(counted: object, name: str) -> int:
    value = getattr(counted, name, None)
    return value if isinstance(value, int) and 0 <= value <= MOST_TOKENS else 0


def _sdk() -> Any:
    try:
        import openai
    except ModuleNotFoundError as error:
        raise InputError("an arbiter needs OpenAI's SDK: pip install 'ewm-ros[arbiter]'") from error
    if not hasattr(openai, "DefaultAsyncHttpx2Client"):
        raise InputError(f"openai {openai.__version__} is too old for an arbiter: pip install 'ewm-ros[arbiter]'")
    return openai
