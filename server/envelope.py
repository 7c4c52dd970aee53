"""The one shape of every answer, success and refusal alike."""

from functools import partial
from typing import Any, Literal

import msgspec

from terway_mcp.cluster.coverage import Coverage
from terway_mcp.knowledge.redaction import disarmed
from terway_mcp.knowledge.sealing import masked
from terway_mcp.server.plan import NextStep, allowed_tools
from terway_mcp.server.state import Done, State
from terway_mcp.server.store import LIFETIME_SECONDS

Status = Literal[
    "ok", "partial", "no_data", "out_of_order", "unknown_investigation", "invalid", "unreachable", "forbidden"
]

REFUSALS = frozenset({"out_of_order", "unknown_investigation", "invalid", "unreachable", "forbidden"})
"""Statuses that are tool errors to MCP."""

_TEXT_LIMIT = 1200
_READS_NAMED = 14

MOST_BYTES = 24_000
"""No answer is larger: a model pays for each, and a host may refuse what is."""

_NARROWER = ((400, 60), (160, 30), (80, 15), (40, 8))
"""Lengths of texts and of lists that are tried in turn until an answer fits."""

_CUT = "its texts and lists were too large"


class InvestigationInfo(msgspec.Struct):
    """Where the investigation stands; the context's name is echoed in every answer.

    `expires_in_s` counts from this answer: every call renews the investigation.
    """

    id: str
    context: str
    done: list[str] = []
    skipped: list[str] = []
    allowed_tools: list[str] = []
    expires_in_s: int = LIFETIME_SECONDS


class Envelope(msgspec.Struct):
    """What every tool answers; `message` says in one sentence why a call was refused or found nothing, "" otherwise."""

    status: Status
    investigation: InvestigationInfo | None
    checked: list[str]
    data: Any
    coverage: list[Coverage]
    next_steps: list[NextStep]
    message: str = ""


def info(investigation: str, state: State) -> InvestigationInfo:
    """Summarise the state for an answer."""
    claims = [skip.claim for skip in state.skips]
    return InvestigationInfo(investigation, state.context, state.steps_done, claims, allowed_tools(state))


def checked(state: State) -> list[str]:
    """What has been looked at so far, in a few words each; names in it are validated arguments."""
    return list(dict.fromkeys(map(_in_words, state.done)))[-10:]


def _in_words(done: Done) -> str:
    about = done.target.replace("/", " ", 1)
    match done.tool:
        case "inspect_cluster":
            words = "cluster configuration and component health"
        case "get_events":
            words = f"events of {about}"
        case "grep_terway_logs":
            words = f"Terway logs of {about}"
        case "correlate":
            words = "correlation"
        case "elicitation":
            words = f"the user's choice: {about}"
        case _:
            words = about
    if done.unread:
        return f"{words}: could not be read"
    return f"{words}: {done.marks.get('sufficiency', 'read')}" if done.tool == "get_events" else words


def condensed(coverage: list[Coverage]) -> list[Coverage]:
    """Successful reads in one entry, every other read on its own."""
    read = list(dict.fromkeys(entry.what for entry in coverage if entry.outcome == "read"))
    rest = list(dict.fromkeys(entry for entry in coverage if entry.outcome != "read"))
    if not read:
        return rest
    more = f" and {len(read) - _READS_NAMED} more" if len(read) > _READS_NAMED else ""
    return [Coverage("; ".join(read[:_READS_NAMED]) + more, "read"), *rest]


def status_of(coverage: list[Coverage], report: Literal["ok", "no_data"]) -> Status:
    """The status of a call that ran: what could not be read decides."""
    outcomes = {entry.outcome for entry in coverage}
    if report == "no_data":
        if outcomes and outcomes <= {"unavailable", "timed_out", "expired"}:
            return "unreachable"
        if "forbidden" in outcomes and "read" not in outcomes:
            return "forbidden"
        return "no_data"
    return "partial" if outcomes - {"read", "not_found"} else "ok"


def why_unread(status: Status, coverage: list[Coverage]) -> str:
    """The sentence of a refusal that a tool's own reads brought about, "" for any other status."""
    entry = next((entry for entry in coverage if not entry.is_settled), None)
    return f"{entry.what}: {entry.outcome} ({entry.detail})" if status in REFUSALS and entry else ""


def sealed(envelope: Envelope) -> dict[str, Any]:
    """The envelope as plain data, every text in it cleaned and redacted: the one way out for answers.

    What would be too large for a model is cut more narrowly, texts before lists, and says so in its coverage.
    """
    raw = msgspec.to_builtins(envelope)
    plain: dict[str, Any] = masked(raw, safe_text)
    for length, entries in _NARROWER:
        if len(msgspec.json.encode(plain)) <= MOST_BYTES:
            break
        plain = _narrowed(masked(raw, partial(disarmed, limit=length)), entries)
    if not plain["message"]:
        del plain["message"]
    return plain


def _narrowed(plain: dict[str, Any], entries: int) -> dict[str, Any]:
    data = plain["data"]
    if isinstance(data, dict):
        plain["data"] = {name: _shortened(value, entries) for name, value in data.items()}
    plain["coverage"] = [*plain["coverage"][:entries], {"what": "this answer", "outcome": "truncated", "detail": _CUT}]
    return plain


def _shortened(value: Any, entries: int) -> Any:
    """Lists and mappings with no more entries than that, at any depth."""
    if isinstance(value, dict):
        return {name: _shortened(item, entries) for name, item in list(value.items())[:entries]}
    return [_shortened(item, entries) for item in value[:entries]] if isinstance(value, list) else value


def safe_text(text: str) -> str:
    """Redact, disarm and cut one text."""
    return disarmed(text, _TEXT_LIMIT)
