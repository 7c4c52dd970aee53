"""Whether the events settle the case, so that logs need not be read: decided here, not by the model."""

from typing import Literal

import msgspec

from terway_mcp.knowledge.base import Knowledge
from terway_mcp.knowledge.titles import UNKNOWN
from terway_mcp.tools.correlation.health import target_is_healthy, terway_is_down
from terway_mcp.tools.correlation.judgement import Finding, Setting
from terway_mcp.tools.correlation.target import CARRIER, evidence_closeness
from terway_mcp.tools.correlation.verdict import judge
from terway_mcp.tools.evidence import Evidence

_REPORTS_NEW_EVENTS = ("terway-controlplane", "multi-ip-node")

SILENCE = "not everything could be read, so silence proves nothing"

State = Literal["sufficient", "insufficient", "absent"]


class Sufficiency(msgspec.Struct, frozen=True):
    """The decision and its reason in words."""

    state: State
    why: str


def sufficiency(
    ledger: list[Evidence], knowledge: Knowledge, setting: Setting, *, all_read: bool = True
) -> Sufficiency:
    """Judge what has been read so far; see the steps rule on logs.

    Unless `all_read` of what was asked for last could be read, its silence speaks for nothing.
    """
    events = [e for e in ledger if e.fact.kind == "event" and evidence_closeness(e, setting.target) >= CARRIER]
    warnings = [e for e in events if e.fact.data.get("type") == "Warning"]
    judgement = judge(ledger, knowledge, setting)
    best = next((finding for finding in judgement.findings if not finding.remark), None)
    if target_is_healthy(ledger, setting.target) and judgement.verdict.category == "healthy":
        if strange := [line.partition(":")[0] for line in judgement.unexplained]:
            why = f"the target is Ready, but no rule knows {', '.join(strange[:3])}: the logs may say what they mean"
            return Sufficiency("insufficient", why)
        if not all_read:
            return Sufficiency("absent", f"the target is Ready, but {SILENCE}")
        return Sufficiency("sufficient", "the target is Ready and nothing that speaks against it was seen")
    if best is not None and best.confidence in ("confirmed", "likely"):
        doubt = _doubt(best, ledger, events, knowledge, setting)
        cited = ", ".join(best.evidence[:3])
        if not doubt:
            return Sufficiency("sufficient", f"{cited} name the cause ({best.title}); logs would only confirm it")
        return Sufficiency("insufficient", f"{cited} point at: {best.title}. {doubt}")
    logs = any(e.fact.kind == "log" for e in ledger)
    if not warnings and not logs:
        return Sufficiency(
            "absent", "no warning event stands on the target or what carries it; events may have expired"
        )
    return Sufficiency(
        "insufficient", f"{len(warnings)} warnings show a failure, but none of them names its cause: read the logs"
    )


def _doubt(
    best: Finding, ledger: list[Evidence], events: list[Evidence], knowledge: Knowledge, setting: Setting
) -> str:
    """Why the logs are still worth reading although a cause is supported; "" when they are not.

    What is not Terway's needs no log of Terway, unless Terway does not run: then its log says whether that is why.
    """
    cause = knowledge.cause(best.cause)
    if cause is not None and cause.effect:
        return "Something lies behind it that the logs can name."
    if best.category == "terway_bug":
        return "A bug is claimed only after the logs have been read."
    if UNKNOWN in best.title or ("{api}" in (cause.title if cause else "") and "(" not in best.title):
        return "The logs name what is not known of it yet."
    reported = any(str(event.fact.data.get("reporter", "")).startswith(_REPORTS_NEW_EVENTS) for event in events)
    if any(evidence.fact.name == "events_rbac_gap" for evidence in ledger) and not reported:
        return "Terway may not write its newer events here, so the logs hold what the events should have said."
    foreign = best.category in ("not_terway", "healthy") and not terway_is_down(ledger, setting.target)
    if best.confidence == "confirmed" or foreign:
        return ""
    if not _is_told(best, ledger, knowledge):
        return "Only states speak for it; the logs say whether it is what fails."
    return ""


def _is_told(best: Finding, ledger: list[Evidence], knowledge: Knowledge) -> bool:
    """True when an event or log names the cause, or a state or setting that leaves no other; not one that only fits."""
    cited = [evidence for evidence in ledger if evidence.id in best.evidence]
    if any(evidence.fact.kind in ("event", "log") for evidence in cited):
        return True
    states = [knowledge.state(evidence.fact.name) for evidence in cited]
    return any(state is not None and state.role == "decisive" for state in states)
