"""What an orchestrator asks: is the process alive, and can it answer calls. No answer says anything of a cluster."""

import logging
import time
from collections.abc import Awaitable, Callable, Mapping

import anyio
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from terway_mcp.cluster.errors import TerwayMcpError

logger = logging.getLogger(__name__)

Check = Callable[[], Awaitable[object]]

_CHECK_SECONDS = 2.0
_REMEMBERED_SECONDS = 1.0


async def healthz(_request: Request) -> Response:
    """The event loop turns."""
    return PlainTextResponse("ok")


class Readiness:
    """`/readyz`: 200 if everything that every call needs is there, else 503; names of parts, `ok` or `failing`.

    The cluster is not among the parts: that it cannot be reached is an answer, too, and taking all replicas out of
    service would only hide it. The reason of a failure is in the log.
    """

    def __init__(self, checks: Mapping[str, Check]) -> None:
        self._checks = checks
        self._lock = anyio.Lock()
        self._found: dict[str, str] = {}
        self._since = float("-inf")

    async def readyz(self, _request: Request) -> Response:
        """Check at most once a second, however often it is asked."""
        async with self._lock:
            if time.monotonic() - self._since > _REMEMBERED_SECONDS:
                self._found = {name: await _state(name, check) for name, check in self._checks.items()}
                self._since = time.monotonic()
        return JSONResponse(self._found, 200 if set(self._found.values()) <= {"ok"} else 503)


async def _state(name: str, check: Check) -> str:
    try:
        with anyio.fail_after(_CHECK_SECONDS):
            await check()
    except (TerwayMcpError, TimeoutError) as error:
        logger.warning("not ready: %s: %s", name, error or "no answer in time")
        return "failing"
    return "ok"
