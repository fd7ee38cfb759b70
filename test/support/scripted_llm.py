"""A language model's server as far as HTTP goes: a real one, whose every answer is written down beforehand.

It speaks the chat completions of OpenAI's API, streamed or whole, and fails in all the ways that real servers do. What
it is asked is the user message of a prompt, JSON as ewm_ros.coordination.arbitration.prompt writes it.

    with ScriptedLlm([failing(503), chooses("o1")]) as server:      # the last answer is given again and again
        ... server.base_url, server.requests, server.hung_up

    python test/support/scripted_llm.py --port 8000 --answer rules  # by the ranks of worlds/ward.yaml
"""

from __future__ import annotations

import argparse
import json
import re
import select
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import combinations
from typing import Any

TICK = 0.02  # s between the signs of life of an answer that never comes, and looks at whether anybody waits for it
THOUGHT = "One of them has to wait."
WARD = {
    "blood samples": 0,
    "medicine": 0,
    "meals": 1,
    "linen": 2,
    "waste": 2,
    "post": 2,
    "empty trays": 2,
    "cleaning": 3,
}
USAGE = {"prompt_tokens": 300, "completion_tokens": 40, "total_tokens": 340, "prompt_cache_hit_tokens": 256}

Question = dict[str, Any]
Pick = Callable[[Question], str]  # id of an option


class HungUp(Exception):
    """Nobody waits for the answer any more."""


@dataclass(frozen=True)
class Request:
    """What a client sent."""

    path: str
    headers: Mapping[str, str]  # names in small letters
    body: dict[str, Any]

    @property
    def key(self) -> str:
        """What was sent as a key, empty if none was."""
        return self.headers.get("authorization", "").removeprefix("Bearer ")

    @property
    def question(self) -> Question:
        """The user message."""
        parsed: Question = json.loads(self.body["messages"][-1]["content"])
        return parsed


@dataclass
class Exchange:
    """A request and the means to answer it."""

    request: Request
    handler: BaseHTTPRequestHandler
    closing: threading.Event
    sent: int = field(default=0)  # bytes of the body

    @property
    def streams(self) -> bool:
        """Whether the client wants a stream."""
        return bool(self.request.body.get("stream"))

    def begin(self, status: int = 200, kind: str = "application/json", **headers: str) -> None:
        """The head of an answer whose end is the end of the connection."""
        self.handler.send_response(status)
        for name, value in {"content-type": kind, "connection": "close", **headers}.items():
            self.handler.send_header(name.replace("_", "-"), value)
        self.handler.end_headers()

    def write(self, text: str) -> None:
        """More of the body; half a surrogate stands for a byte that is no text."""
        try:
            self.handler.wfile.write(text.encode(errors="surrogateescape"))
        except OSError as error:
            raise HungUp from error
        self.sent += len(text)

    def wait(self, seconds: float) -> None:
        """Wait, unless the client hangs up."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0.0:
            if self.closing.is_set():
                raise HungUp
            readable, _, _ = select.select([self.handler.connection], [], [], min(left, TICK))
            if readable and not self._peek():
                raise HungUp

    def _peek(self) -> bytes:
        try:
            return self.handler.connection.recv(1, socket.MSG_PEEK)
        except OSError:
            return b""

    def event(self, value: object) -> None:
        """One event of a stream."""
        self.write(f"data: {value if isinstance(value, str) else json.dumps(value)}\n\n")


Answer = Callable[[Exchange], None]


def says(text: str, *, delay: float = 0.0, finish: str = "stop", thought: str = THOUGHT, field: str = "") -> Answer:
    """The model answers this text.

    Args:
        delay: s before it begins.
        finish: why it ended.
        thought: its reasoning.
        field: that the reasoning is in; in the text itself if there is none.
    """
    head = "" if field else f"<think>\n{thought}\n</think>\n\n"

    def answer(exchange: Exchange) -> None:
        exchange.wait(delay)
        if not exchange.streams:
            message = {"role": "assistant", "content": head + text, **({field: thought} if field else {})}
            choice = {"index": 0, "message": message, "finish_reason": finish}
            exchange.begin()
            exchange.write(json.dumps({**_envelope("chat.completion"), "choices": [choice], "usage": USAGE}))
            return
        exchange.begin(kind="text/event-stream")
        for piece in _pieces(thought) if field else ():
            exchange.event(_chunk({field: piece, "content": None}))
        for piece in _pieces(head + text):
            exchange.event(_chunk({"content": piece}))
        exchange.event(_chunk({}, finish))
        exchange.event({**_envelope("chat.completion.chunk"), "choices": [], "usage": USAGE})
        exchange.event("[DONE]")

    return answer


def chooses(pick: str | Pick, *, delay: float = 0.0, reason: str = "The rules say so.", field: str = "") -> Answer:
    """The model chooses an option, as it is asked to: this one, or the one that a function of the question names."""

    def answer(exchange: Exchange) -> None:
        choice = pick if isinstance(pick, str) else pick(exchange.request.question)
        says(json.dumps({"choice": choice, "reason": reason}), delay=delay, field=field)(exchange)

    return answer


def failing(status: int, *, retry_after: str = "") -> Answer:
    """An HTTP error. As some servers do, it repeats the key that it was given."""

    def answer(exchange: Exchange) -> None:
        key = exchange.request.key
        exchange.begin(status, **({"retry_after": retry_after} if retry_after else {}), x_request_id=key, x_key=key)
        exchange.write(json.dumps({"error": {"message": f"Incorrect API key provided: {key}", "code": key}}))

    return answer


def sends(*pieces: str, kind: str = "application/json", pause: float = 0.0) -> Answer:
    """These bytes, whatever they are, and then the end."""

    def answer(exchange: Exchange) -> None:
        exchange.begin(kind=kind)
        for piece in pieces:
            exchange.write(piece)
            exchange.wait(pause)

    return answer


def for_ever(sign: str, kind: str) -> Answer:
    """No answer, but signs of life."""

    def answer(exchange: Exchange) -> None:
        exchange.begin(kind=kind)
        while True:
            exchange.write(sign)
            exchange.wait(TICK)

    return answer


def huge(size: int, piece: int = 1000) -> Answer:
    """An answer of so many bytes, streamed in pieces of so many."""

    def answer(exchange: Exchange) -> None:
        if not exchange.streams:
            says("x" * size)(exchange)
            return
        exchange.begin(kind="text/event-stream")
        for _ in range(size // piece):
            exchange.event(_chunk({"content": "x" * piece}))
        exchange.event(_chunk({}, "stop"))
        exchange.event("[DONE]")

    return answer


def cut_off(exchange: Exchange) -> None:
    """The connection ends in the middle of an answer."""
    if exchange.streams:
        exchange.begin(kind="text/event-stream")
        exchange.event(_chunk({"content": '{"choice": "o1", '}))
    else:
        exchange.begin(content_length="1000")
        exchange.write('{"id": "x", "choices": [{"message": {"content": "')


def truncated(exchange: Exchange) -> None:
    """JSON that breaks off, though the answer says that it is whole."""
    text = json.dumps({**_envelope("chat.completion"), "choices": [{"message": {"content": "{}"}}]})[:-9]
    exchange.begin(kind="text/event-stream" if exchange.streams else "application/json")
    exchange.write(f"data: {text}\n\ndata: [DONE]\n\n" if exchange.streams else text)


def error_event(exchange: Exchange) -> None:
    """The server fails after it has begun, and says so; with the key in it."""
    error = {"error": {"message": f"engine died, key was {exchange.request.key}", "type": "server_error", "code": 500}}
    exchange.begin(kind="text/event-stream" if exchange.streams else "application/json")
    if exchange.streams:
        exchange.event(_chunk({"content": '{"choice": '}))
        exchange.event(error)
    else:
        exchange.write(json.dumps(error))


def null_choices(exchange: Exchange) -> None:
    """Like an answer, but there is none in it."""
    empty = {**_envelope("chat.completion.chunk"), "choices": None}
    exchange.begin(kind="text/event-stream" if exchange.streams else "application/json")
    exchange.write(f"data: {json.dumps(empty)}\n\ndata: [DONE]\n\n" if exchange.streams else json.dumps(empty))


def no_http(exchange: Exchange) -> None:
    """Something that is not even HTTP."""
    exchange.write("220 mail.example.com ESMTP\r\n")


def key_in_the_answer(exchange: Exchange) -> None:
    """A choice whose reason is the key."""
    chooses("o1", reason=f"your key is {exchange.request.key}")(exchange)


def by_ranks(ranks: Mapping[str, int] = WARD) -> Pick:
    """Choose as rules would: robots of which something with a lower rank is said pass first.

    Args:
        ranks: of what may be said of a robot; the lowest of a robot's counts, nothing known is the highest.
    """
    unknown = max(ranks.values(), default=0) + 1

    def rank(robot: object) -> int:
        return min((ranks.get(text, unknown) for text in _texts(robot)), default=unknown)

    def pick(question: Question) -> str:
        rank_of = {alias: rank(robot) for alias, robot in question["robots"].items()}

        def cost(name: str) -> tuple[int, int, float]:
            passing, yielding = _deed(question["options"][name]["do"], list(rank_of))
            wrong = sum(rank_of[first] > rank_of[second] for first, second in combinations(passing, 2))
            # Whoever gives way should have the highest rank.
            least = min((rank_of[alias] for alias in yielding), default=unknown)
            return wrong, -least, float(question["options"][name].get("total_delay_s", 0.0))

        return min(question["options"], key=cost)

    return pick


def _deed(do: str, aliases: Sequence[str]) -> tuple[list[str], list[str]]:
    """Who passes, in this order, and who gives way."""
    aside, _, rest = do.rpartition(" aside, ")
    named = re.findall(r"\br\d+\b", rest)
    if "goes round" in rest:
        return [], named + re.findall(r"\br\d+\b", aside)
    if aside:
        return named, re.findall(r"\br\d+\b", aside)
    return named, named[1:] if len(named) > 1 else [alias for alias in aliases if alias not in named]


def _texts(value: object) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    for inner in value.values() if isinstance(value, dict) else ():
        yield from _texts(inner)


# Each way to fail, and what an answer may be instead of the one that was asked for.
ANSWERS: dict[str, Answer] = {
    "rules": chooses(by_ranks()),
    "first": chooses("o1"),
    **{str(status): failing(status) for status in (400, 401, 402, 403, 404, 422, 429, 500, 503)},
    "429 with Retry-After": failing(429, retry_after="7"),
    "blank": says("  \n\n "),
    "blank lines": for_ever("\n", "application/json"),
    "comments": for_ever(": keep-alive\n\n", "text/event-stream"),
    "cut off": cut_off,
    "html": sends("<!DOCTYPE html>\n<html><body>Please log in</body></html>\n", kind="text/html"),
    "truncated": truncated,
    "truncated answer": says('{"choice": "o1", "reas'),
    "too long": says('{"choice": "o1", "reas', finish="length"),
    "duplicate keys": says('{"choice": "o2", "choice": "o1", "reason": "twice"}'),
    "nan": says('{"choice": NaN, "reason": "no number"}'),
    "unknown option": says('{"choice": "o99", "reason": "the best one"}'),
    "extra keys": says('{"choice": "o1", "reason": "fine", "cmd_vel": "1.0"}'),
    "no json": says("I would choose o1."),
    "late": chooses("o1", delay=3600.0),
    "huge": huge(10_000_000),
    "error event": error_event,
    "null choices": null_choices,
    "no http": no_http,
    "key in the answer": key_in_the_answer,
}


class ScriptedLlm:
    """The server, for as long as the context lasts.

    Args:
        script: answers in the order of the requests; the last one is given to all further ones too.
        port: 0 for any that is free.

    Attributes:
        requests: that have come.
        hung_up: how many clients did not wait for the end of an answer.
        sent: bytes of all bodies.
    """

    def __init__(self, script: Sequence[Answer], port: int = 0) -> None:
        self.script = list(script)
        self.requests: list[Request] = []
        self.hung_up = 0
        self.sent = 0
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._server.daemon_threads = False  # closing waits for them
        self._thread = threading.Thread(target=self._server.serve_forever, args=(TICK,), name="scripted_llm")

    @property
    def base_url(self) -> str:
        """For a client."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def __enter__(self) -> ScriptedLlm:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in handler.headers.items()}
        request = Request(handler.path, headers, json.loads(body))
        with self._lock:
            answer = self.script[min(len(self.requests), len(self.script) - 1)]
            self.requests.append(request)
        exchange = Exchange(request, handler, self._closing)
        handler.close_connection = True
        try:
            answer(exchange)
        except HungUp:
            with self._lock:
                self.hung_up += 1
        with self._lock:
            self.sent += exchange.sent

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        answer = self._answer

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                answer(self)

            def log_message(self, *_: object) -> None:
                """Nothing: tests read `requests`."""

        return Handler


def _envelope(kind: str) -> dict[str, object]:
    return {"id": "scripted", "object": kind, "created": 0, "model": "scripted"}


def _chunk(delta: Mapping[str, object], finish: str | None = None) -> dict[str, object]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {**_envelope("chat.completion.chunk"), "choices": [choice]}


def _pieces(text: str) -> Iterable[str]:
    return re.findall(r"\s*\S+\s*|\s+", text)


def main(arguments: Sequence[str]) -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--answer", choices=sorted(ANSWERS), default="rules")
    parser.add_argument("--latency", type=float, default=0.0, help="s before an answer by the rules begins")
    parser.add_argument("--rank", action="append", default=[], metavar="TEXT=N", help="instead of those of the ward")
    options = parser.parse_args(arguments)
    ranks = {text: int(number) for text, _, number in (rank.rpartition("=") for rank in options.rank)} or WARD
    rules = chooses(by_ranks(ranks), delay=options.latency)
    with ScriptedLlm([rules if options.answer == "rules" else ANSWERS[options.answer]], options.port) as server:
        print(server.base_url, flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            print(f"{len(server.requests)} requests", file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1:])
