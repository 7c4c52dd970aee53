"""Which requests are let through: POST only, so many a minute and so many at a time for each caller."""

import math
import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Any

from mcp_types import INVALID_REQUEST
from starlette.authentication import UnauthenticatedUser
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from terway_mcp.server.callers import caller_identity

_CALLERS_REMEMBERED = 10_000


class Allowance:
    """A bucket of tokens for each caller: full it holds those of one minute, and it fills evenly."""

    def __init__(self, per_minute: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        """0 per minute means no limit."""
        self._most = float(per_minute)
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, caller: str) -> float:
        """Take one token. Returns 0.0, or the seconds until there is one."""
        if not self._most:
            return 0.0
        now = self._clock()
        left, since = self._left.pop(caller, (self._most, now))
        left = min(self._most, left + (now - since) * self._most / 60)
        self._left[caller] = (left - 1 if left >= 1 else left, now)
        if len(self._left) > _CALLERS_REMEMBERED:
            self._left.popitem(last=False)
        return 0.0 if left >= 1 else (1 - left) * 60 / self._most


class Admission:
    """ASGI middleware behind authentication. Other paths than the endpoint's pass, for probes are not counted.

    A request without a valid token is counted for the address it comes from, before it is refused.
    """

    def __init__(self, app: ASGIApp, *, path: str, allowance: Allowance, at_a_time: int) -> None:
        """0 at a time means no limit."""
        self._app = app
        self._path = path
        self._allowance = allowance
        self._at_a_time = at_a_time
        self._running: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with 405 or 429, or pass the request on."""
        if scope["type"] != "http" or scope["path"] != self._path:
            await self._app(scope, receive, send)
            return
        caller = _caller(scope)
        refusal = self._refusal(caller, scope["method"])
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        self._running[caller] += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._running[caller] -= 1
            if not self._running[caller]:
                del self._running[caller]

    def _refusal(self, caller: str, method: str) -> JSONResponse | None:
        # Without sessions nothing could ever be sent on the stream a GET asks for, or be ended by a DELETE.
        if method != "POST":
            return _error(405, "this endpoint takes POST only", {"Allow": "POST"})
        wait = self._allowance.take(caller)
        if wait:
            return _error(429, "too many requests in a minute", {"Retry-After": str(math.ceil(wait))})
        if self._at_a_time and self._running[caller] >= self._at_a_time:
            return _error(429, "too many requests at a time", {"Retry-After": "1"})
        return None


class Watched:
    """Outermost ASGI middleware that tells how requests to the endpoint were answered."""

    def __init__(self, app: ASGIApp, *, path: str, answered: Callable[[int], None]) -> None:
        self._app = app
        self._path = path
        self._answered = answered

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on."""

        async def note(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._answered(message["status"])
            await send(message)

        of_interest = scope["type"] == "http" and scope["path"] == self._path
        await self._app(scope, receive, note if of_interest else send)


def _caller(scope: Scope) -> str:
    if isinstance(scope.get("user"), UnauthenticatedUser):
        client = scope.get("client")
        return f"address {client[0] if client else ''}"
    return caller_identity()


def _error(status: int, message: str, headers: dict[str, str]) -> JSONResponse:
    body: dict[str, Any] = {"jsonrpc": "2.0", "id": None, "error": {"code": INVALID_REQUEST, "message": message}}
    return JSONResponse(body, status, headers)
