"""What operators may know of a call: who asked for what, how it ended, its size and duration. Never its content."""

import time
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import msgspec
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext

from terway_mcp.cluster.errors import InvalidInput
from terway_mcp.cluster.names import namespace_name, object_name
from terway_mcp.server.callers import caller_identity
from terway_mcp.server.store import ID_ALPHABET, ID_LENGTH
from terway_mcp.tools.contracts import CONTRACTS
from terway_mcp.tools.evidence import normalized

REPORT = "report"
"""The name under which reading the report of an investigation is told; it holds as much as any tool's answer."""

_REPORT_URI = "terway://investigations/"
_TOOLS = frozenset(contract.name for contract in CONTRACTS)
_SHOWN_OF_AN_ID = 8


class Observed(msgspec.Struct, frozen=True):
    """One call that ended.

    `tool` is one of the six, `report`, or `unknown`. `target` holds only well-formed names. `investigation` is the
    beginning of an id: enough to find what belongs together, too little to go on with it. `status` is that of the
    envelope, `cancelled` when nobody waited for the answer, `error` when there was none. `bytes` counts the text that
    was sent, `ms` the time until it stood.
    """

    caller: str
    tool: str
    target: dict[str, str]
    investigation: str
    status: str
    bytes: int
    ms: float


class Observer(Protocol):
    """Wants to know of calls."""

    def begun(self, tool: str) -> None:
        """A call came in."""
        ...

    def ended(self, call: Observed) -> None:
        """The same call is over."""
        ...


class Observation:
    """Middleware of the server that tells observers of tool calls and of reports that are read."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._observers = observers

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """Pass every message on, and watch those that read a cluster."""
        params = ctx.params or {}
        tool = _tool(ctx.method, params)
        if not tool:
            return await call_next(ctx)
        begun, status, size, opened = time.perf_counter(), "cancelled", 0, ""
        for observer in self._observers:
            observer.begun(tool)
        try:
            result = await call_next(ctx)
            status, size, opened = _outcome(result)
        except Exception:
            status = "error"
            raise
        finally:
            investigation = (opened or _given(params))[:_SHOWN_OF_AN_ID]
            took = round((time.perf_counter() - begun) * 1000, 1)
            call = Observed(caller_identity(), tool, _target(params), investigation, status, size, took)
            for observer in self._observers:
                observer.ended(call)
        return result


def _tool(method: str, params: Mapping[str, Any]) -> str:
    if method == "tools/call":
        name = params.get("name")
        return name if name in _TOOLS else "unknown"
    return REPORT if method == "resources/read" and str(params.get("uri", "")).startswith(_REPORT_URI) else ""


def _outcome(result: HandlerResult) -> tuple[str, int, str]:
    """Status of the envelope (`ok` where there is none), size of the text, and the investigation it belongs to."""
    plain = result if isinstance(result, dict) else {}
    parts = [*plain.get("content", ()), *plain.get("contents", ())]
    size = sum(len(str(part.get("text", "")).encode()) for part in parts)
    envelope = plain.get("structuredContent") or {}
    status = envelope.get("status", "error" if plain.get("isError") else "ok")
    return str(status), size, str((envelope.get("investigation") or {}).get("id", ""))


def _given(params: Mapping[str, Any]) -> str:
    """The id that was given, "" if it has not the form of one: then it may be anything."""
    arguments = params.get("arguments")
    given = arguments.get("investigation") if isinstance(arguments, Mapping) else None
    if "uri" in params:
        given = str(params["uri"]).removeprefix(_REPORT_URI).partition("/")[0]
    found = normalized(given) if isinstance(given, str) else ""
    return found if len(found) == ID_LENGTH and set(found) <= set(ID_ALPHABET) else ""


def _target(params: Mapping[str, Any]) -> dict[str, str]:
    """Namespace, pod, node and workload; a text that is no name is left out, for it may be anything."""
    arguments = params.get("arguments")
    if not isinstance(arguments, Mapping):
        return {}
    found = {}
    for part in ("namespace", "pod", "node", "workload"):
        value = arguments.get(part)
        if isinstance(value, str) and _is_name(part, value.strip()):
            found[part] = value.strip()
    return found


def _is_name(part: str, value: str) -> bool:
    kind, slash, name = value.partition("/")
    try:
        if part == "namespace":
            namespace_name(value)
        elif part == "workload" and slash:
            object_name(kind, part)
            object_name(name, part)
        else:
            object_name(value, part)
    except InvalidInput:
        return False
    return True
