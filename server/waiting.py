"""What a client hears while a call takes long and when it is over: progress, and a log message if it asked for those.

A call that is answered soon says nothing beside its answer.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, get_args

import anyio
from mcp.server.context import ServerRequestContext
from mcp.server.mcpserver import Context, MCPServer
from mcp_types import (
    LOG_LEVEL_META_KEY,
    EmptyResult,
    LoggingLevel,
    LoggingMessageNotification,
    LoggingMessageNotificationParams,
    SetLevelRequestParams,
)

from terway_mcp.server.envelope import safe_text
from terway_mcp.tools.case import Progress

_PATIENCE_SECONDS = 2.0
"""A client hears of progress when a call takes longer than this, and then once a second."""

_LEVELS: tuple[LoggingLevel, ...] = get_args(LoggingLevel)
_END_LEVEL: LoggingLevel = "info"


@dataclass
class Audience:
    """What the one client of a connection that lasts has asked for; over HTTP no request knows of another."""

    level: LoggingLevel | None = None


def add_log_level(server: MCPServer[Audience]) -> None:
    """Let clients of the handshake era say which log messages they want; later ones say so with each request."""

    async def set_level(ctx: ServerRequestContext[Audience, Any], params: SetLevelRequestParams) -> EmptyResult:
        if ctx.request is None:
            ctx.lifespan_context.level = params.level
        return EmptyResult()

    # The SDK's own server has no word for it, and declares the capability only when this handler stands there.
    server._lowlevel_server.add_request_handler("logging/setLevel", SetLevelRequestParams, set_level)


class Listener:
    """The client that waits for one call."""

    def __init__(self, context: Context[Any, Any], progress: Progress, *, discreet: bool = False) -> None:
        """`discreet` leaves out what the call is about."""
        self._discreet = discreet
        self._context = context
        self._progress = progress
        self._told = 0.0

    @asynccontextmanager
    async def kept_informed(self) -> AsyncIterator[None]:
        """Report progress while the block runs."""
        async with anyio.create_task_group() as group:
            group.start_soon(self._report)
            yield
            group.cancel_scope.cancel()

    async def hears_the_end(self, tool: str, status: str) -> None:
        """Say that the call is over, if it took long enough for the client to have heard of it."""
        if not self._told:
            return
        self._grow()
        await self._context.report_progress(self._told, self._told, "finished")
        if self._wants_log():
            await self._log({"tool": tool, "status": status, "finished": True})

    async def _report(self) -> None:
        await anyio.sleep(_PATIENCE_SECONDS)
        while True:
            self._grow()
            await self._context.report_progress(self._told, None, self._words())
            await anyio.sleep(1.0)

    def _words(self) -> str | None:
        return None if self._discreet else safe_text(self._progress.message) or None

    def _grow(self) -> None:
        """The protocol demands a greater number with each report, also where nothing can be counted."""
        self._told = max(self._progress.done, self._told + 1)

    def _wants_log(self) -> bool:
        request = self._context.request_context
        asked = (request.meta or {}).get(LOG_LEVEL_META_KEY) or request.lifespan_context.level
        return asked in _LEVELS[: _LEVELS.index(_END_LEVEL) + 1]

    async def _log(self, data: dict[str, Any]) -> None:
        message = LoggingMessageNotificationParams(level=_END_LEVEL, logger="terway-mcp", data=data)
        request = self._context.request_context
        await request.session.send_notification(LoggingMessageNotification(params=message), request.request_id)
