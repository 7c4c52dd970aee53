"""What happened when, over all objects."""

import msgspec

from terway_mcp.tools.correlation.target import SHARED, Target, evidence_closeness
from terway_mcp.tools.evidence import Evidence


class Moment(msgspec.Struct, omit_defaults=True):
    """One line of the timeline."""

    time: str
    object: str
    text: str
    evidence: str


def timeline(ledger: list[Evidence], target: Target, cited: set[str], *, limit: int = 10) -> list[Moment]:
    """Timed evidence in order; when there is too much, what the verdict cites and the loudest stay."""
    timed = [e for e in ledger if e.fact.time and evidence_closeness(e, target) >= SHARED]
    kept = sorted(timed, key=lambda e: (e.id not in cited, e.fact.data.get("type") == "Normal", e.fact.time))[:limit]
    return [
        Moment(e.fact.time[:19] + "Z", str(e.fact.subject), e.fact.text[:160], e.id)
        for e in sorted(kept, key=lambda e: (e.fact.time, e.id))
    ]
