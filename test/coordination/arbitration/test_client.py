"""The client over real HTTP: what goes out, what comes back, and what is left of the key where something fails."""

from __future__ import annotations

import ast
import asyncio
import json
import traceback
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

openai = pytest.importorskip("openai")

from scripted_llm import (  # noqa: E402
    ANSWERS,
    THOUGHT,
    Answer,
    Exchange,
    Request,
    ScriptedLlm,
    chooses,
    failing,
    says,
    sends,
)

import ewm_ros  # noqa: E402
from ewm_ros.coordination.arbitration.client import ChatClient  # noqa: E402
from ewm_ros.coordination.arbitration.completion import CallFailed, Completion  # noqa: E402
from ewm_ros.coordination.arbitration.settings import ArbiterSettings, load_settings  # noqa: E402

KEY = "sk-of-this-test-0123456789"
MESSAGES = [{"role": "system", "content": "Rules."}, {"role": "user", "content": json.dumps({"options": {"o1": {}}})}]
SCHEMA: dict[str, object] = {"type": "object"}
EVENTS = "text/event-stream"

T = TypeVar("T")


def asked(server: ScriptedLlm, preset: str = "", *, stream: bool = True, **limits: float) -> ArbiterSettings:
    """The settings for a scripted server, in a hurry."""
    loaded = load_settings(preset, base_url=server.base_url, model="r1")
    hurry = {"deadline_s": 5.0, "retry_s": 0.01, **limits}
    return replace(loaded, stream=stream, limits=loaded.limits.model_copy(update=hurry))


def with_client(how: ArbiterSettings, work: Callable[[ChatClient], Awaitable[T]], key: str = KEY) -> T:
    async def run() -> T:
        client = ChatClient(how, SecretStr(key))
        try:
            return await work(client)
        finally:
            await client.close()

    return asyncio.run(run())


def complete(how: ArbiterSettings, key: str = KEY) -> Completion:
    return with_client(how, lambda client: client.complete(MESSAGES, SCHEMA), key)


def failure(how: ArbiterSettings) -> CallFailed:
    with pytest.raises(CallFailed) as failed:
        complete(how)
    return failed.value


def request(preset: str = "", key: str = KEY, *, stream: bool = True, extra: dict[str, Any] | None = None) -> Request:
    """What a server gets."""
    with ScriptedLlm([chooses("o1")]) as server:
        complete(replace(asked(server, preset, stream=stream), extra=extra or {}), key)
    (got,) = server.requests
    return got


Ask = Callable[[Answer, bool], Completion]


@pytest.fixture(scope="module")
def ask() -> Iterator[Ask]:
    """What comes of an answer, streamed or whole; always over the same two clients."""
    loop = asyncio.new_event_loop()

    async def client(how: ArbiterSettings) -> ChatClient:
        return ChatClient(how, SecretStr(KEY))

    with ScriptedLlm([chooses("o1")]) as server:
        clients = {stream: loop.run_until_complete(client(asked(server, stream=stream))) for stream in (True, False)}

        def of(answer: Answer, stream: bool) -> Completion:
            server.script = [answer]
            return loop.run_until_complete(clients[stream].complete(MESSAGES, SCHEMA))

        yield of
        for one in clients.values():
            loop.run_until_complete(one.close())
    loop.close()


# What goes out


def test_a_request_has_the_prompt_the_model_and_the_limit_of_tokens() -> None:
    got = request()
    assert got.path == "/v1/chat/completions"
    assert got.body == {
        "model": "r1",
        "messages": MESSAGES,
        "max_tokens": 8192,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_a_request_for_a_whole_answer_says_so() -> None:
    got = request(stream=False)
    assert got.body["stream"] is False
    assert "stream_options" not in got.body


def test_the_form_of_the_answer_is_asked_for_as_far_as_the_server_knows_such_forms() -> None:
    assert request("deepseek-api").body["response_format"] == {"type": "json_object"}
    form = request("vllm").body["response_format"]
    assert form == {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": SCHEMA}}


def test_extra_keys_go_into_the_body() -> None:
    assert request(extra={"thinking": {"type": "disabled"}}).body["thinking"] == {"type": "disabled"}


def test_nothing_of_the_environment_reaches_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {
        "OPENAI_API_KEY": "sk-openai",
        "OPENAI_ADMIN_KEY": "sk-admin",
        "OPENAI_ORG_ID": "org-secret",
        "OPENAI_PROJECT_ID": "proj-secret",
        "OPENAI_BASE_URL": "http://127.0.0.1:1/v1",
        "OPENAI_CUSTOM_HEADERS": "Authorization: Bearer sk-custom\nX-Custom: secret",
        "HTTP_PROXY": "http://127.0.0.1:1",
        "ALL_PROXY": "http://127.0.0.1:1",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
        monkeypatch.setenv(name.lower(), value)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    for key in (KEY, ""):
        got = request(key=key)
        assert got.key == key
        assert ("authorization" in got.headers) == bool(key)
        allowed = {"accept", "accept-encoding", "connection", "content-length", "content-type", "host", "user-agent"}
        assert set(got.headers) - {"authorization"} <= allowed
        assert "secret" not in str(got.headers)


def test_a_redirect_is_not_followed() -> None:
    with ScriptedLlm([chooses("o1")]) as elsewhere:

        def redirect(exchange: Exchange) -> None:
            exchange.begin(307, location=f"{elsewhere.base_url}/chat/completions")

        with ScriptedLlm([redirect]) as server:
            failed = failure(asked(server))
    assert str(failed).startswith("HTTP 307")
    assert elsewhere.requests == []


# What comes back


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("field", ["reasoning_content", "reasoning", ""])
def test_reasoning_is_told_from_the_answer_wherever_it_is(ask: Ask, field: str, stream: bool) -> None:
    answer = ask(chooses("o1", reason="So say the rules.", field=field), stream)
    assert json.loads(answer.text) == {"choice": "o1", "reason": "So say the rules."}
    assert answer.reasoning.strip() == THOUGHT
    assert (answer.cost.tokens, answer.cost.cached, answer.cost.spent) == ((300, 40), 256, 340)


CAUSES = {
    "400": "HTTP 400: the server does not understand the request",
    "401": "HTTP 401: the key is not accepted",
    "402": "HTTP 402: the account has no credit",
    "403": "HTTP 403: the key may not do this",
    "404": "HTTP 404: no such address or model",
    "422": "HTTP 422: the server does not accept the request",
    "429": "HTTP 429: too many requests",
    "429 with Retry-After": "HTTP 429 (Retry-After 7 s): too many requests",
    "500": "HTTP 500: the server is in trouble",
    "503": "HTTP 503: the server is in trouble",
    "blank": "a blank answer",
    "too long": "the answer was not ready after 8192 tokens",
    "html": "not a chat completion (HTML)",
    "truncated": "not a chat completion (no valid JSON, or truncated)",
    "null choices": "not a chat completion (no choices)",
    "huge": "answer over 64 KiB",
    "no http": "the connection broke off",
}


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("name", CAUSES)
def test_every_failure_is_one_exception_with_the_cause(ask: Ask, name: str, stream: bool) -> None:
    with pytest.raises(CallFailed) as failed:
        ask(ANSWERS[name], stream)
    assert str(failed.value) == CAUSES[name]
    assert failed.value.__context__ is None
    assert failed.value.__cause__ is None
    assert "site-packages" not in "".join(traceback.format_exception(failed.value))  # nor any frame of the SDK's


@pytest.mark.parametrize(
    ("name", "streamed", "whole"),
    [
        ("cut off", "the stream ended early", "the connection broke off"),
        (
            "error event",
            "the server reported an error instead of the rest of the answer",
            "not a chat completion (no choices)",
        ),
    ],
)
def test_a_server_that_fails_half_way_is_told_from_others(name: str, streamed: str, whole: str) -> None:
    for stream, cause in ((True, streamed), (False, whole)):
        with ScriptedLlm([ANSWERS[name]]) as server:
            assert str(failure(asked(server, stream=stream))) == cause


def test_a_server_that_is_not_there_is_one_too() -> None:
    with ScriptedLlm([chooses("o1")]) as server:
        how = asked(server)
    assert str(failure(how)) == f"no connection to {urlsplit(how.base_url).netloc}"


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("name", ["blank lines", "comments", "late"])
def test_at_the_deadline_the_connection_is_closed_whatever_the_server_does(name: str, stream: bool) -> None:
    with ScriptedLlm([ANSWERS[name]]) as server:
        failed = failure(asked(server, stream=stream, deadline_s=0.2))
    assert str(failed) == "no answer in 0.2 s"
    assert server.hung_up == 1


@pytest.mark.parametrize("stream", [True, False])
def test_a_huge_answer_is_cut_off_long_before_its_end(stream: bool) -> None:
    with ScriptedLlm([ANSWERS["huge"]]) as server:
        failure(asked(server, stream=stream))
    assert server.hung_up == 1
    assert server.sent < 8e6  # what the sockets' buffers hold, not 10 MB and the JSON around each kB


@pytest.mark.parametrize("piece", ["x" * 70_000, "\n" * 70_000, ": " + "x" * 70_000])
def test_a_line_without_an_end_is_cut_off_as_well_as_lines_without_one(piece: str) -> None:
    with ScriptedLlm([sends(*[piece] * 200, kind=EVENTS)]) as server:
        failed = failure(asked(server, max_tokens=100))
    assert str(failed) == "answer over 64 KiB"
    assert server.hung_up == 1


def test_reasoning_counts_as_part_of_an_answer_s_size() -> None:
    with ScriptedLlm([says("{}", thought=f"{'so' * 50} " * 700, field="reasoning_content")]) as server:
        assert str(failure(asked(server))) == "answer over 64 KiB"


def test_a_compressed_answer_is_refused() -> None:
    def packed(exchange: Exchange) -> None:
        exchange.begin(kind=EVENTS, content_encoding="gzip")

    with ScriptedLlm([packed]) as server:
        assert str(failure(asked(server))) == "a compressed answer, which was not asked for"


def test_what_a_failure_has_cost_is_estimated_if_the_server_does_not_say() -> None:
    with ScriptedLlm([ANSWERS["cut off"], ANSWERS["too long"], ANSWERS["503"]]) as server:
        how = asked(server, attempts=1)
        assert 0 < failure(how).cost.spent < 100
        assert failure(how).cost.tokens == (300, 40)
        assert failure(how).cost.spent == 0


# Further attempts


@pytest.mark.parametrize("trouble", ["429", "500", "503"])
def test_trouble_that_may_pass_is_tried_again(trouble: str) -> None:
    with ScriptedLlm([ANSWERS[trouble], ANSWERS[trouble], chooses("o1")]) as server:
        assert complete(asked(server)).text
    assert len(server.requests) == 3


def test_but_not_more_often_than_allowed() -> None:
    with ScriptedLlm([ANSWERS["503"]]) as server:
        failure(asked(server, attempts=2))
    assert len(server.requests) == 2


@pytest.mark.parametrize("name", ["400", "401", "402", "403", "404", "422", "blank", "cut off", "html", "truncated"])
def test_what_would_fail_again_is_not_tried_again(name: str) -> None:
    with ScriptedLlm([ANSWERS[name], chooses("o1")]) as server:
        failure(asked(server))
    assert len(server.requests) == 1


def test_a_server_is_left_alone_as_long_as_it_wants_if_that_is_before_the_deadline() -> None:
    with ScriptedLlm([failing(429, retry_after="0.3"), chooses("o1")]) as server:
        failed = failure(asked(server, deadline_s=0.2))
        assert (str(failed), failed.retry_after) == ("HTTP 429 (Retry-After 0.3 s): too many requests", 0.3)
        assert len(server.requests) == 1
    with ScriptedLlm([failing(429, retry_after="0.3"), chooses("o1")]) as server:
        assert complete(asked(server, retry_s=60.0)).text
        assert len(server.requests) == 2


@pytest.mark.parametrize("wish", ["soon", "-1", "nan", "Wed, 21 Oct 2065 07:28:00 GMT", "1e9", "9" * 5000])
def test_a_wish_that_is_no_number_of_seconds_is_none(wish: str) -> None:
    with ScriptedLlm([failing(429, retry_after=wish), chooses("o1")]) as server:
        assert complete(asked(server)).text


# The key


@pytest.mark.parametrize("name", ["401", "error event", "cut off", "no http", "truncated", "html"])
def test_no_exception_of_the_sdk_s_has_the_key_in_it(name: str) -> None:
    """Not in its text, request, response or body, nor in what it is chained to: the key is added below."""

    async def bare(client: ChatClient) -> str:
        try:
            async for _ in await client._api.chat.completions.create(model="r1", messages=MESSAGES, stream=True):
                pass
        except (openai.OpenAIError, ValueError) as error:
            return everything_of(error)
        return ""

    with ScriptedLlm([ANSWERS[name]]) as server:
        shown = with_client(asked(server), bare)
    assert server.requests[0].key == KEY  # it was sent
    if name != "error event":  # that is of the answer's body, and goes no further than the client
        assert KEY not in shown


def everything_of(error: BaseException | None) -> str:
    """All that somebody might print of an exception and of those before it."""
    shown = []
    while error is not None:
        shown += ["".join(traceback.format_exception(error)), repr(error), str(vars(error))]
        for part in (getattr(error, "request", None), getattr(error, "response", None)):
            shown.append(str(dict(getattr(part, "headers", {}))))
        error = error.__cause__ or error.__context__
    return "\n".join(shown)


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("name", ["401", "error event"])
def test_a_server_that_repeats_the_key_does_not_get_it_into_the_cause(name: str, stream: bool) -> None:
    with ScriptedLlm([ANSWERS[name]]) as server:
        assert KEY not in everything_of(failure(asked(server, stream=stream)))


# Whatever a server may think of

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
deltas = st.fixed_dictionaries(
    {}, optional={"content": json_values, "reasoning": json_values, "reasoning_content": json_values}
)
choices = st.fixed_dictionaries(
    {}, optional={"delta": deltas | json_values, "message": deltas | json_values, "finish_reason": json_values}
)
usages = st.fixed_dictionaries(
    {}, optional={"prompt_tokens": json_values, "completion_tokens": json_values, "prompt_tokens_details": json_values}
)
bodies = json_values | st.fixed_dictionaries(
    {},
    optional={
        "choices": st.lists(choices | json_values, max_size=2) | json_values,
        "usage": usages | json_values,
        "error": json_values,
    },
)


@settings(max_examples=60, deadline=None)
@given(st.lists(bodies, min_size=1, max_size=3), st.booleans())
def test_any_json_is_an_answer_or_one_failure(ask: Ask, values: list[object], stream: bool) -> None:
    texts = [json.dumps(value) for value in values]
    body = "".join(f"data: {text}\n\n" for text in texts) if stream else texts[0]
    try:
        got = ask(sends(body, kind=EVENTS if stream else "application/json"), stream)
    except CallFailed as failed:
        assert str(failed)
    else:
        assert got.text.strip()
        assert min(*got.cost.tokens, got.cost.cached, got.cost.spent) >= 0


NESTED = "[" * 30_000
BAD = [
    "data: \udcff\udcfe\n\n",
    f"data: {NESTED}\n\n",
    "data\n\n",
    "\0" * 100,
    "event: error\ndata: {}\n\n",
    "data: 1\n\n",
]
KINDS = [EVENTS, "application/json", "text/plain; charset=utf-99", "image/png"]


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("bad", [*BAD, "\udcff", NESTED, "null", "[]", '"x"', "{}", '{"choices": [null]}'])
def test_bytes_that_mean_nothing_are_one_failure(ask: Ask, bad: str, stream: bool) -> None:
    for kind in KINDS:
        with pytest.raises(CallFailed, match=r"^(not a chat completion|the stream ended early)"):
            ask(sends(bad, kind=kind), stream)


# The house


def test_nothing_else_imports_the_sdk() -> None:
    users = set()
    package = Path(ewm_ros.__file__).parent
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            users |= {path.name for name in names if name.split(".")[0] in ("openai", "httpx2")}
    assert users == {"client.py", "transport.py"}
