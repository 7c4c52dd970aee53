"""Whether the events settle the case, so that logs need not be read: decided here, not by the model."""

from typing import Literal

import msgspec

from terway_mcp.knowledge.base import Knowledge
from terway_mcp.tools.correlation.target import SAME, evidence_closeness
from terway_mcp.tools.correlation.verdict import Setting, judge, target_is_healthy
from terway_mcp.tools.evidence import Evidence

State = Literal["sufficient", "insufficient", "absent"]


class Sufficiency(msgspec.Struct, frozen=True):
    """The decision and its reason in words."""

    state: State
    why: str


def sufficiency(ledger: list[Evidence], knowledge: Knowledge, setting: Setting) -> Sufficiency:
    """Judge what has been read so far; see the steps rule on logs."""
    events = [e for e in ledger if e.fact.kind == "event" and evidence_closeness(e, setting.target) >= SAME]
    warnings = [e for e in events if e.fact.data.get("type") == "Warning"]
    judgement = judge(ledger, knowledge, setting)
    best = judgement.findings[0] if judgement.findings else None
    if target_is_healthy(ledger, setting.target) and judgement.verdict.category == "healthy":
        return Sufficiency("sufficient", "the target is Ready and nothing that speaks against it was seen")
    if best is not None and best.confidence in ("confirmed", "likely"):
        cited = ", ".join(best.evidence[:3])
        return Sufficiency("sufficient", f"{cited} name the cause ({best.title}); logs would only confirm it")
    if not warnings:
        return Sufficiency(
            "absent", "no warning event stands on the target or what carries it; events may have expired"
        )
    return Sufficiency(
        "insufficient", f"{len(warnings)} warnings show a failure, but none of them names its cause: read the logs"
    )
