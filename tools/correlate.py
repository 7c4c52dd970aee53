"""`correlate`: the whole ledger, joined into a verdict."""

import msgspec

from terway_mcp.knowledge.base import Knowledge
from terway_mcp.tools.arguments import Correlate
from terway_mcp.tools.case import Case, Report
from terway_mcp.tools.changes import look_again
from terway_mcp.tools.correlation.current import CHANGED, current
from terway_mcp.tools.correlation.judgement import Finding, RuledOut, Setting, Verdict
from terway_mcp.tools.correlation.timeline import Moment, timeline
from terway_mcp.tools.correlation.verdict import judge
from terway_mcp.tools.evidence import Evidence, normalized

_QUOTE, _SHORT_QUOTE = 520, 220
"""The two strongest pieces of evidence are quoted at length, the others in brief."""

_CHANGES = 3


class Change(msgspec.Struct, omit_defaults=True):
    """What the target was when it was read, and what it is now."""

    was: str
    now: str
    time: str
    evidence: str


class Correlation(msgspec.Struct, omit_defaults=True):
    """`data` of `correlate`."""

    verdict: Verdict
    findings: list[Finding] = []
    timeline: list[Moment] = []
    ruled_out: list[RuledOut] = []
    missing_evidence: list[str] = []
    unexplained: list[str] = []
    cited: dict[str, str] = {}
    changed_since: list[Change] = []
    report: str = ""


async def correlate(case: Case, arguments: Correlate) -> Report:
    """Judge everything recorded so far, and what the target is like now if it was read a while ago."""
    await look_again(case)
    data = correlation(await case.ledger.evidence(), case.knowledge, case.setting)
    data.report = f"terway://investigations/{normalized(arguments.investigation)}/report"
    return Report(data, marks={"category": data.verdict.category, "confidence": data.verdict.confidence})


def correlation(ledger: list[Evidence], knowledge: Knowledge, setting: Setting) -> Correlation:
    """Shape the judgement of a ledger; the evidence it cites is quoted, so that an answer stands alone."""
    ledger = current(ledger)
    judgement = judge(ledger, knowledge, setting)
    ids = dict.fromkeys(judgement.verdict.evidence)
    for finding in judgement.findings[:2]:
        ids.update(dict.fromkeys([*finding.evidence, *finding.against]))
    texts = {evidence.id: evidence.fact.text for evidence in ledger}
    cited = [evidence for evidence in ids if evidence in texts]
    return Correlation(
        judgement.verdict,
        judgement.findings,
        timeline(ledger, setting.target, set(ids), judgement.steps),
        judgement.ruled_out,
        judgement.missing_evidence,
        judgement.unexplained,
        {evidence: texts[evidence][: _SHORT_QUOTE if rank > 1 else _QUOTE] for rank, evidence in enumerate(cited)},
        [_change(evidence) for evidence in ledger if evidence.fact.name == CHANGED][-_CHANGES:],
    )


def _change(evidence: Evidence) -> Change:
    data = evidence.fact.data
    return Change(str(data["was"])[:_SHORT_QUOTE], str(data["now"])[:_SHORT_QUOTE], evidence.fact.time, evidence.id)
