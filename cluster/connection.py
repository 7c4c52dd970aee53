"""One API server over HTTP: `get` and `stream`, and no other verb exists here."""

import random
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import unquote

import anyio
import httpx2
import msgspec

from terway_mcp.cluster.errors import ClusterUnreachable
from terway_mcp.cluster.objects import Version

Authorize = Callable[[bool], Awaitable[Mapping[str, str]]]
"""Gives the request headers that authenticate; True asks for fresh ones, and for fresh trust, after a refusal."""

LARGEST_LIST = 64 << 20
LARGEST_OBJECT = 8 << 20
"""Bytes of an answer, decompressed. An API server stores objects of at most some 3 MiB."""

_ATTEMPTS = 3
_LONGEST_PAUSE = 5.0
"""A server that asks for more patience than this, in seconds, has answered."""

_BROKEN = (httpx2.HTTPError, ssl.SSLError)
"""What a connection fails with: a server that refuses our certificate says so only when its answer is read."""

_RETRIED = frozenset({429, 500, 502, 503, 504})
_EARLIEST, _LATEST = 0.0, 4102444800.0
"""Between 1970 and 2100 a server's clock is believed; beyond, ages could no longer be reckoned."""


class Answer(msgspec.Struct, frozen=True):
    """A complete HTTP answer; `warning` is what the server says is wrong with it (RFC 9111 Warning header)."""

    status: int
    body: bytes
    warning: str = ""
    retry_after: str = ""


class Connection:
    """A GET-only HTTP client for one API server; redirects are answers, never followed.

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

    async def get(self, path: str, params: Mapping[str, str], *, most: int = LARGEST_LIST) -> Answer:
        """Send one GET, up to three times on 429, 5xx and broken connections, honouring Retry-After.

        The caller bounds the time with a cancel scope; a pause that would outlast it is not begun. `most` bounds the
        body, in bytes.

        Raises:
            ClusterUnreachable: No complete answer arrived in any attempt, or it is larger than `most`.
        """
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                async with self._limiter, self._open(path, params, "gzip") as response:
                    body = await _whole(response, most)
            except _BROKEN as error:
                await self._recover(error, attempt)
                continue
            pause = _pause(response, attempt)
            if pause is None:
                headers = response.headers
                warning = unquote(headers.get("warning", ""))
                return Answer(response.status_code, body, warning, headers.get("retry-after", ""))
            await anyio.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    @asynccontextmanager
    async def stream(self, path: str, params: Mapping[str, str]) -> AsyncIterator[tuple[int, AsyncIterator[bytes]]]:
        """Open one GET as `get` does and hand out its status and its body in the blocks it arrives in.

        Leaving the context closes the stream, also on cancellation.

        Raises:
            ClusterUnreachable: The connection could not be opened or broke, or the body is compressed, which was not
                asked for: a block could then grow a thousandfold.
        """
        async with AsyncExitStack() as stack:
            response = await self._begun(stack, path, params)
            if response.headers.get("content-encoding", "identity") != "identity":
                raise ClusterUnreachable("the API server compressed a log, which was not asked for")
            yield response.status_code, _blocks(response)

    async def aclose(self) -> None:
        """Close pooled connections."""
        await self._client.aclose()

    async def _begun(self, stack: AsyncExitStack, path: str, params: Mapping[str, str]) -> httpx2.Response:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                response = await stack.enter_async_context(self._open(path, params, "identity"))
            except _BROKEN as error:
                await self._recover(error, attempt)
                continue
            pause = _pause(response, attempt)
            if pause is None:
                return response
            await stack.aclose()
            await anyio.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    @asynccontextmanager
    async def _open(self, path: str, params: Mapping[str, str], encoding: str) -> AsyncIterator[httpx2.Response]:
        """One request, once more with fresh credentials if there are any after a 401."""
        async with AsyncExitStack() as stack:

            async def answer(headers: Mapping[str, str]) -> httpx2.Response:
                wanted = {**headers, "accept-encoding": encoding}
                return await stack.enter_async_context(
                    self._client.stream("GET", path, params=dict(params), headers=wanted)
                )

            self.requests += 1
            headers = await self._authorize(False)
            response = await answer(headers)
            if response.status_code == 401 and (renewed := await self._authorize(True)) != headers:
                await response.aclose()
                response = await answer(renewed)
            self._read_clock(response)
            yield response

    async def _recover(self, error: Exception, attempt: int) -> None:
        """Wait for the next attempt; a certificate that was not believed may be vouched for by a newer authority.

        Raises:
            ClusterUnreachable: There is no next attempt, or no time for it.
        """
        hopeless = isinstance(error, httpx2.UnsupportedProtocol | httpx2.LocalProtocolError)
        pause = _backoff(attempt)
        if attempt == _ATTEMPTS or hopeless or not _has_time(pause):
            raise ClusterUnreachable(describe(error)) from error
        if _is_distrust(error):
            await self._authorize(True)
        await anyio.sleep(pause)

    def _read_clock(self, response: httpx2.Response) -> None:
        if date := response.headers.get("date"):
            try:
                moment = parsedate_to_datetime(date).timestamp()
            except (ValueError, OverflowError):
                return
            if _EARLIEST <= moment <= _LATEST:
                self._offset = moment - datetime.now(UTC).timestamp()


async def _whole(response: httpx2.Response, most: int) -> bytes:
    blocks, size = [], 0
    async for block in response.aiter_bytes():
        size += len(block)
        if size > most:
            raise ClusterUnreachable(f"the API server's answer is larger than {most >> 20} MiB")
        blocks.append(block)
    return b"".join(blocks)


async def _blocks(response: httpx2.Response) -> AsyncIterator[bytes]:
    try:
        # Not `aiter_raw(size)`: that one gathers a block first, and loses it when the connection breaks.
        async for block in response.aiter_raw():
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


def _is_distrust(error: BaseException | None) -> bool:
    """True when the server's certificate was not believed."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _pause(response: httpx2.Response, attempt: int) -> float | None:
    """Seconds to wait before asking again; None when this answer must do."""
    if response.status_code not in _RETRIED or attempt == _ATTEMPTS:
        return None
    pause = _retry_after(response) or _backoff(attempt)
    return pause if pause <= _LONGEST_PAUSE and _has_time(pause) else None


def _has_time(pause: float) -> bool:
    return anyio.current_time() + pause < anyio.current_effective_deadline()


def _backoff(attempt: int) -> float:
    # Jitter is no secret.
    return 0.1 * float(2**attempt) * (0.5 + random.random())  # noqa: S311 # nosec B311


def _retry_after(response: httpx2.Response) -> float | None:
    value = response.headers.get("retry-after", "")
    return float(value) if value.isdecimal() else None
