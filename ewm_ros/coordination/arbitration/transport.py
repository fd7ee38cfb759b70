"""What lies between the SDK and the network: the key goes on below it, and nothing gets through that it does not need.

The SDK's exceptions, and what they are chained to, hold requests and responses; whoever prints one prints their headers
and bodies. So no request above this line has the key, and no response has anything by which a server could repeat it.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import httpx2
from pydantic import SecretStr

from ewm_ros.coordination.arbitration.completion import CallFailed, too_large

SENT = ("accept", "connection", "content-length", "content-type", "host", "user-agent")  # headers; not the SDK's own
CONTENT_TYPES = re.compile(r"(application/json|text/event-stream|text/html)\b")
RETRY_AFTER = re.compile(r"\d{1,6}(\.\d{1,6})?")  # s; a date of the server's clock is not taken


class GuardedTransport(httpx2.AsyncBaseTransport):
    """Sends few headers and the key; passes on the status, two headers at most, and so much of an answer's body.

    Args:
        key: none is sent if it is empty.
        most: bytes of a body, all together.
        most_in_line: bytes of it in one line: the SDK keeps a line until it ends.
    """

    def __init__(self, key: SecretStr, *, most: int, most_in_line: int) -> None:
        self._key, self._most, self._most_in_line = key, most, most_in_line
        # The environment's proxies, certificates and .netrc are none of its business.
        self._network = httpx2.AsyncHTTPTransport(trust_env=False)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """One exchange.

        Raises:
            CallFailed: there is nobody, the body is compressed, or later, while it is read, too large.
        """
        headers = {name: value for name, value in request.headers.items() if name.lower() in SENT}
        headers["accept-encoding"] = "identity"  # or a few bytes could become any number
        if self._key:
            headers["authorization"] = f"Bearer {self._key.get_secret_value()}"
        sent = httpx2.Request(
            request.method, request.url, headers=headers, stream=request.stream, extensions=request.extensions
        )
        try:
            response = await self._network.handle_async_request(sent)
        except httpx2.ConnectError:
            raise CallFailed(f"no connection to {request.url.netloc.decode()}") from None
        passed = _passed_on(response.headers)
        if response.status_code != 200:  # what a server says of it is not read
            await response.aclose()
            return httpx2.Response(response.status_code, headers=passed, content=b"")
        if response.headers.get("content-encoding", "identity") != "identity":
            await response.aclose()
            raise CallFailed("a compressed answer, which was not asked for")
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        return httpx2.Response(200, headers=passed, stream=_Capped(response.stream, self._most, self._most_in_line))

    async def aclose(self) -> None:
        """Close all connections."""
        await self._network.aclose()


class _Capped(httpx2.AsyncByteStream):
    """A body that breaks off where it is too large."""

    def __init__(self, body: httpx2.AsyncByteStream, most: int, most_in_line: int) -> None:
        self._body, self._most, self._most_in_line = body, most, most_in_line

    async def __aiter__(self) -> AsyncIterator[bytes]:
        whole = line = 0
        async for piece in self._body:
            whole += len(piece)
            newline = piece.rfind(b"\n")
            line = line + len(piece) if newline < 0 else len(piece) - newline - 1
            if whole > self._most or line > self._most_in_line:
                await self.aclose()
                raise too_large(self._most_in_line)
            yield piece

    async def aclose(self) -> None:
        await self._body.aclose()


def _passed_on(headers: httpx2.Headers) -> dict[str, str]:
    """What the client goes by, each only as far as it is of the expected form."""
    kind = CONTENT_TYPES.match(headers.get("content-type", ""))
    pause = RETRY_AFTER.fullmatch(headers.get("retry-after", ""))
    found = {"content-type": kind, "retry-after": pause}
    return {name: match[0] for name, match in found.items() if match}
