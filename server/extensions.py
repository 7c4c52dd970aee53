"""The extensions of this server, named also to clients that begin with `initialize`."""

from collections.abc import Sequence
from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerMiddleware, ServerRequestContext
from mcp.server.extension import Extension

Request = ServerRequestContext[Any, Any]


def declared_in_handshake(extensions: Sequence[Extension]) -> ServerMiddleware[Any]:
    """Middleware that names the extensions and their settings.

    The SDK leaves `extensions` out of what it tells such clients, because revisions before 2026-07-28 do not define
    the field; hosts that read skills or show apps look for it there all the same.
    """
    declared = {extension.identifier: extension.settings() for extension in extensions}

    async def declare(ctx: Request, call_next: CallNext) -> HandlerResult:
        answer = await call_next(ctx)
        if ctx.method != "initialize" or not isinstance(answer, dict):
            return answer
        return {**answer, "capabilities": {**answer["capabilities"], "extensions": declared}}

    return declare
