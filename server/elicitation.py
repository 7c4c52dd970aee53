"""Putting a question to the user through the client (MCP elicitation), in both protocol eras.

Nothing depends on the reply. A client that cannot ask, a user who declines, and one who is not there lead to the same
answer as no question. In the handshake era the call waits for the reply, for a bounded time; where no request can
reach the client, none is sent. Since 2026-07-28 it is the client that waits: it is told what to ask and sends the call
again, and the key of the question brings the investigation back, so that nothing is kept meanwhile and nothing expires
sooner than the investigation itself.
"""

from typing import Any

import anyio
from mcp.server.mcpserver import Context
from mcp.shared.exceptions import MCPError
from mcp_types import ElicitRequest, ElicitRequestFormParams, ElicitResult, InputRequiredResult
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import ValidationError

from terway_mcp.server.question import FIELD, MESSAGE, Question

_PATIENCE_SECONDS = 25.0
"""How long a call waits for its user."""

_ANSWER_BY_SECONDS = 45.0
"""Clients commonly give up on a call after 60 s, so its user has no more time than its reads have left."""

_KEY = "suspect-of-"


def can_ask(context: Context[Any, Any]) -> bool:
    """True when the client has said that it can show a form, there is a way to have one shown, and none was yet."""
    if context.input_responses is not None:
        return False
    capability = context.client_capabilities.elicitation if context.client_capabilities else None
    if capability is None or (capability.form is None and capability.url is not None):
        return False
    return is_asked_by_client(context) or context.session.can_send_request


def is_asked_by_client(context: Context[Any, Any]) -> bool:
    """True where the protocol lets the client ask and call again, instead of sending it a request."""
    return context.protocol_version in MODERN_PROTOCOL_VERSIONS


def to_be_asked(question: Question) -> InputRequiredResult:
    """What tells the client to ask and then to send the same call again."""
    request = ElicitRequest(params=ElicitRequestFormParams(message=MESSAGE, requested_schema=question.schema))
    return InputRequiredResult(input_requests={f"{_KEY}{question.investigation}": request})


def replied(context: Context[Any, Any]) -> tuple[str, str] | None:
    """The investigation whose question this call replies to, and the words that were chosen, "" for none."""
    for key, response in (context.input_responses or {}).items():
        if key.startswith(_KEY) and isinstance(response, ElicitResult):
            return key.removeprefix(_KEY), _chosen(response)
    return None


async def ask(context: Context[Any, Any], question: Question, begun: float) -> str:
    """Ask now and wait for a while; returns the words that were chosen, "" for none.

    `begun` is when the call came in, by the clock of the event loop.
    """
    seconds = min(_PATIENCE_SECONDS, _ANSWER_BY_SECONDS - (anyio.current_time() - begun))
    if seconds <= 0:
        return ""
    with anyio.move_on_after(seconds):
        try:
            return _chosen(await context.session.elicit_form(MESSAGE, question.schema, context.request_id))
        except (MCPError, ValidationError):
            # The client cannot after all, or its reply is none.
            return ""
    return ""


def _chosen(result: ElicitResult) -> str:
    value = (result.content or {}).get(FIELD) if result.action == "accept" else None
    return value if isinstance(value, str) else ""
