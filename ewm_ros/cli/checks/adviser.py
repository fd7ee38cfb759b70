"""The adviser: its server, key and file of answers. Nothing that a server says is quoted, nor the key."""

from __future__ import annotations

import http.client
import json
import os
import time
from urllib.parse import urlsplit

from pydantic import SecretStr

from ewm_ros.cli.checks.finding import Finding
from ewm_ros.coordination.arbitration.advice import Advice
from ewm_ros.coordination.arbitration.api_key import VARIABLE
from ewm_ros.coordination.arbitration.cache import AnswerCache
from ewm_ros.coordination.arbitration.client import CAUSES, FINAL
from ewm_ros.coordination.arbitration.settings import ArbiterSettings
from ewm_ros.errors import InputError

DEADLINE = 4.0  # s for all that a server is asked
MOST = 2**20  # bytes of an answer that are read
OFF = "off: the coordinator decides alone (--arbiter PRESET looks at one)"


def adviser(advice: Advice) -> list[Finding]:
    """Everything about it; its server only if one is named.

    Raises:
        InputError: there is no such preset.
    """
    key, secret = _key(advice)
    settings = advice.settings() if advice.preset or advice.url else None
    if settings is None:
        server = Finding("adviser", True, False, OFF)
    elif not key.fine:
        server = Finding("adviser", False, True, "not asked: the key is not as it should be", key.remedy)
    elif settings.needs_key and secret is None:
        remedy = f"set {VARIABLE}, or name a file of mode 0600 that holds it (--arbiter-key-file)"
        server = Finding("adviser", False, True, f"{settings.base_url} needs a key", remedy)
    else:
        server = _server(settings, secret)
    return [server, key, _cache(advice)]


def _key(advice: Advice) -> tuple[Finding, SecretStr | None]:
    """Where it comes from and whether it can be used; what it is stays with who needs it."""
    what, needed = "adviser's key", bool(advice.key_file)
    try:
        key = advice.key()
    except InputError as error:
        where = advice.key_file or VARIABLE
        return Finding(what, False, needed, str(error), f"one line in {where}, chmod 600 it if it is a file"), None
    if key is None:
        return Finding(what, True, False, f"none: {VARIABLE} is not set, and no file is named"), None
    return Finding(what, True, needed, f"in {advice.key_file or VARIABLE}"), key


def _cache(advice: Advice) -> Finding:
    """Whether answers can be kept. Where there is no file yet, none is made."""
    what, remedy = "adviser's answers", "make the folder writable, set XDG_CACHE_HOME, or name another --arbiter-cache"
    path = advice.cache_path()
    if path is None:
        return Finding(what, True, False, "kept in memory only")
    try:
        if path.exists():
            AnswerCache(path).close()
    except (InputError, OSError) as error:
        return Finding(what, False, False, str(error), remedy)
    nearest = next(place for place in (path, *path.parents) if place.exists())
    writable = os.access(nearest, os.W_OK) and (nearest == path or nearest.is_dir())
    return Finding(what, writable, False, f"{path}" if writable else f"{nearest} cannot be written to", remedy)


def _server(settings: ArbiterSettings, key: SecretStr | None) -> Finding:
    """Whether it serves the model: by its own list, or else by a question that costs one token."""
    call = _Call(settings.base_url, key)
    where = f"{settings.model} at {settings.base_url}"
    remedy = "start the server, or name another one (--arbiter, --arbiter-url, --arbiter-model)"
    started = time.monotonic()
    try:
        status, body = call.ask("GET", "models")
        if status == 200 and settings.model in _listed(body):
            took = f"{time.monotonic() - started:.2f} s"
            return Finding("adviser", True, True, f"{where}, in the server's list after {took}", remedy)
        if status not in FINAL:
            status, _ = call.ask("POST", "chat/completions", _question(settings))
    except TimeoutError:
        return Finding("adviser", False, True, f"{where}: no answer in {DEADLINE:g} s", remedy)
    except (OSError, http.client.HTTPException):  # what the server said, if it did, is not quoted
        return Finding("adviser", False, True, f"{where}: no connection", remedy)
    if status == 200:
        took = f"{time.monotonic() - started:.2f} s"
        return Finding("adviser", True, True, f"{where}, answered one question after {took}", remedy)
    cause = CAUSES.get(status, "the server is in trouble" if status >= 500 else "the server sends it elsewhere or away")
    return Finding("adviser", False, True, f"{where}: HTTP {status}: {cause}", remedy)


def _listed(body: bytes) -> set[str]:
    """The models in a server's list; none if that is something else."""
    try:
        return {model["id"] for model in json.loads(body)["data"]}
    except (ValueError, KeyError, TypeError, RecursionError):
        return set()


def _question(settings: ArbiterSettings) -> bytes:
    message = {"role": "user", "content": "Say yes."}
    return json.dumps({"model": settings.model, "messages": [message], "max_tokens": 1, **settings.extra}).encode()


class _Call:
    """Requests to one server within one deadline. Redirects are not followed: the key is for this server alone."""

    def __init__(self, base_url: str, key: SecretStr | None) -> None:
        self._base = urlsplit(base_url)
        self._key = key
        self._end = time.monotonic() + DEADLINE

    def ask(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        """Status and the first MiB of the answer.

        Raises:
            OSError: there is nobody, or no answer in time (TimeoutError).
            http.client.HTTPException: what came is not HTTP.
        """
        kind = http.client.HTTPSConnection if self._base.scheme == "https" else http.client.HTTPConnection
        connection = kind(self._base.hostname or "", self._base.port, timeout=self._left())
        headers = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
        if self._key is not None:
            headers["Authorization"] = f"Bearer {self._key.get_secret_value()}"
        try:
            connection.request(method, f"{self._base.path.rstrip('/')}/{path}", body, headers)
            response = connection.getresponse()
            received = b""
            while len(received) < MOST and (piece := response.read1(2**16)):
                received += piece
                self._left()
            return response.status, received
        finally:
            connection.close()

    def _left(self) -> float:
        left = self._end - time.monotonic()
        if left <= 0.0:
            raise TimeoutError
        return left
