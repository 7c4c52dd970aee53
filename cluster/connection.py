"""One API server over HTTP: `get` and `stream`, and no other verb exists here."""

import random
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import anyio
import httpx2
import msgspec

from terway_mcp.cluster.errors import ClusterUnreachable
from terway_mcp.cluster.objects import Version

Authorize = Callable[[bool], Awaitable[Mapping[str, str]]]
"""Gives the request headers that authenticate; True asks for fresh ones after a 401."""

_ATTEMPTS = 3
_BROKEN = (httpx2.HTTPError, ssl.SSLError)
"""What a connection fails with: a server that refuses our certificate says so only when its answer is read."""

_RETRIED = frozenset({429, 500, 502, 503, 504})


class Answer(msgspec.Struct, frozen=True):
    """A complete HTTP answer; `warning` is what the server says is wrong with it (RFC 9111 Warning header)."""

    status: int
    body: bytes
    warning: str = ""


class Connection:
    """A GET-only HTTP client for one API server.

    `now` is the API server's clock as of its last answer (its `Date` header), so ages are right on a desktop
    with a wrong clock, and a captured cluster is judged against the time of its capture.
    """

    def __init__(self, client: httpx2.AsyncClient, authorize: Authorize, *, concurrency: int = 8) -> None:
        self._client = client
        self._authorize = authorize
        self._limiter = anyio.CapacityLimiter(concurrency)
        self._offset = 0.0
        self.requests = 0
        self.version: Version | None = None
        """What the API server has said of its version; `greeting` is held while it is asked."""
        self.greeting = anyio.Lock()

    @property
    def now(self) -> datetime:
        """The server's time, in UTC."""
        return datetime.fromtimestamp(datetime.now(UTC).timestamp() + self._offset, UTC)

    async def get(self, path: str, params: Mapping[str, str]) -> Answer:
        """Send one GET, up to three times on 429, 5xx and broken connections, honouring Retry-After.

        The caller bounds the time with a cancel scope.

        Raises:
            ClusterUnreachable: No complete answer arrived in any attempt.
        """
        for attempt in range(1, _ATTEMPTS + 1):
            last = attempt == _ATTEMPTS
            try:
                response = await self._send(path, params)
            except _BROKEN as error:
                if last or isinstance(error, httpx2.UnsupportedProtocol | httpx2.LocalProtocolError):
                    raise ClusterUnreachable(describe(error)) from error
                await anyio.sleep(_backoff(attempt))
                continue
            if response.status_code in _RETRIED and not last:
                await anyio.sleep(_retry_after(response) or _backoff(attempt))
                continue
            return Answer(response.status_code, response.content, response.headers.get("warning", ""))
        raise AssertionError("the last attempt returns or raises")

    @asynccontextmanager
    async def stream(self, path: str, params: Mapping[str, str]) -> AsyncIterator[tuple[int, AsyncIterator[bytes]]]:
        """Open one GET and hand out its status and its body in the blocks it arrives in.

        Leaving the context closes the stream, also on cancellation.

        Raises:
            ClusterUnreachable: The connection could not be opened or broke.
        """
        headers = await self._authorize(False)
        try:
            async with self._client.stream("GET", path, params=dict(params), headers=headers) as response:
                self.requests += 1
                self._read_clock(response)
                yield response.status_code, _blocks(response)
        except _BROKEN as error:
            raise ClusterUnreachable(describe(error)) from error

    async def aclose(self) -> None:
        """Close pooled connections."""
        await self._client.aclose()

    async def _send(self, path: str, params: Mapping[str, str]) -> httpx2.Response:
        async with self._limiter:
            self.requests += 1
            headers = await self._authorize(False)
            response = await self._client.get(path, params=dict(params), headers=headers)
            if response.status_code == 401:
                renewed = await self._authorize(True)
                if renewed != headers:
                    response = await self._client.get(path, params=dict(params), headers=renewed)
        self._read_clock(response)
        return response

    def _read_clock(self, response: httpx2.Response) -> None:
        if date := response.headers.get("date"):
            try:
                self._offset = parsedate_to_datetime(date).timestamp() - datetime.now(UTC).timestamp()
            except ValueError:
                return


async def _blocks(response: httpx2.Response) -> AsyncIterator[bytes]:
    try:
        # Not `aiter_bytes(size)`: that one gathers a block first, and loses it when the connection breaks.
        async for block in response.aiter_bytes():
            yield block
    except _BROKEN as error:
        raise ClusterUnreachable(describe(error)) from error


def describe(error: Exception) -> str:
    """Put a transport failure into one line without the request's headers or query."""
    kind = type(error).__name__
    text = str(error).strip()
    request = getattr(error, "_request", None)
    where = f" to {request.url.scheme}://{request.url.netloc.decode()}" if request else ""
    return f"{kind}{where}: {text}" if text else f"{kind}{where}"


def _backoff(attempt: int) -> float:
    return 0.1 * float(2**attempt) * (0.5 + random.random())  # noqa: S311 # nosec B311 - jitter


def _retry_after(response: httpx2.Response) -> float | None:
    value = response.headers.get("retry-after", "")
    return min(float(value), 5.0) if value.isdecimal() else None
