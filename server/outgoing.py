"""Errors of the protocol on their way out: the SDK's own texts repeat what a caller sent."""

from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError

from terway_mcp.knowledge.sealing import masked
from terway_mcp.server.envelope import safe_text


async def seal_errors(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Middleware of the server: an error's text and data leave redacted, for clients and for traces alike."""
    try:
        return await call_next(ctx)
    except MCPError as error:
        raise MCPError(error.code, safe_text(error.message), masked(error.data, safe_text)) from error
