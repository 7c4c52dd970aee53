"""The verdict: which cause wins, how sure that is, and what would have to be known to be surer."""

from typing import Literal

import msgspec

from terway_mcp.knowledge.base import Knowledge
from terway_mcp.knowledge.schema import Category, Entry
from terway_mcp.knowledge.titles import fill
from terway_mcp.tools.correlation.candidates import Candidate, compete, is_corroborated, is_decisive
from terway_mcp.tools.correlation.signals import Signal, signals
from terway_mcp.tools.correlation.target import NEAR, Target, evidence_closeness
from terway_mcp.tools.evidence import Evidence

Confidence = Literal["confirmed", "likely", "possible", "insufficient"]

_ENOUGH = 12.0
"""Below this score nothing but a stranger's or a past failure supports a cause."""

_FINDINGS = 4
_HEALTH = ("nothing_failing", "pod_healthy", "node", "terway_pod", "pod")
_LEVELS: tuple[Confidence, ...] = ("insufficient", "possible", "likely", "confirmed")


class Finding(msgspec.Struct, omit_defaults=True):
    """One cause that is supported: what, why, how to fix it and how to see that it is fixed."""

    cause: str
    category: Category
    confidence: Confidence
    title: str
    meaning: str = ""
    evidence: list[str] = []
    against: list[str] = []
    fix: str = ""
    verify: str = ""


class Verdict(msgspec.Struct, omit_defaults=True):
    """The answer (design: `verdict`); `evidence` holds ids of the ledger only."""

    category: Category
    confidence: Confidence
    title: str
    root_cause: str
    affected: list[str] = []
    evidence: list[str] = []


class RuledOut(msgspec.Struct, omit_defaults=True):
    """A cause that was considered and why it does not win."""

    title: str
    why: str
    evidence: list[str] = []


class Judgement(msgspec.Struct):
    """Everything the correlation concludes."""

    verdict: Verdict
    findings: list[Finding]
    ruled_out: list[RuledOut]
    missing_evidence: list[str]
    unexplained: list[str]


class Setting(msgspec.Struct, frozen=True):
    """What the investigation knows besides evidence: how it was conducted.

    `doubts` are skipped steps and unreadable sources, in words; each lowers nothing by itself but is listed, and a
    skipped step lowers the confidence by one level.
    """

    target: Target
    version: str = ""
    skipped: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


def judge(ledger: list[Evidence], knowledge: Knowledge, setting: Setting) -> Judgement:
    """Name the root cause, or say that the evidence does not suffice."""
    found = signals(ledger, knowledge, setting.target)
    candidates = compete(found, knowledge, terway_down=terway_is_down(ledger, setting.target))
    supported = [candidate for candidate in candidates if candidate.score >= _ENOUGH and not candidate.is_over]
    healthy = target_is_healthy(ledger, setting.target)
    if healthy and not _contradicts_health(supported, ledger, setting.target):
        return _healthy(ledger, knowledge, setting, supported)
    winners = _independent([candidate for candidate in supported if candidate.is_near])
    findings = [_finding(candidate, setting) for candidate in winners[:_FINDINGS]]
    losers = [candidate for candidate in candidates if candidate not in winners[:_FINDINGS]]
    unexplained = _unexplained(ledger, found, setting.target)
    if not findings:
        verdict = _insufficient(ledger, knowledge, setting)
    else:
        verdict = _verdict(findings[0], winners[0], ledger, setting)
    return Judgement(verdict, findings, _ruled_out(losers, setting), _missing(ledger, setting, verdict), unexplained)


def _independent(candidates: list[Candidate]) -> list[Candidate]:
    """Drop a cause that rests on nothing but evidence a better one already explains."""
    kept: list[Candidate] = []
    explained: set[str] = set()
    for candidate in candidates:
        if not set(candidate.evidence) <= explained:
            kept.append(candidate)
            explained |= set(candidate.evidence)
    return kept


def terway_is_down(ledger: list[Evidence], target: Target) -> bool:
    """True when Terway's daemon is known not to run on the target's node."""
    running: bool | None = None
    for evidence in ledger:
        fact = evidence.fact
        if fact.name == "terway_pod_missing" and fact.subject.name == target.node:
            return True
        if fact.name == "terway_pod" and fact.subject.name == target.terway_pod:
            running = bool(fact.data.get("running"))
    return running is False


def target_is_healthy(ledger: list[Evidence], target: Target) -> bool:
    """True when the target's own status says it works."""
    for evidence in ledger:
        fact = evidence.fact
        if fact.name == "nothing_failing" and target.kind == "cluster":
            return True
        if fact.name == "pod_healthy" and target.kind == "pod" and fact.subject.name == target.name:
            return True
        if fact.name == "node" and target.kind == "node" and fact.subject.name == target.name:
            return "Ready=True" in fact.text and not terway_is_down(ledger, target)
    return False


def _contradicts_health(supported: list[Candidate], ledger: list[Evidence], target: Target) -> bool:
    """Whether a cause concerns a target that looks healthy.

    A Ready pod works, unless the trouble is about its very address; a Ready node may still fail its next pod.
    """
    if target.kind != "pod":
        return any(candidate.is_near for candidate in supported)
    addresses = {
        str(ip) for evidence in ledger if evidence.fact.name == "pod" for ip in evidence.fact.data.get("ips", [])
    }
    return any(signal.groups.get("ip") in addresses for candidate in supported for signal in candidate.support)


def _healthy(ledger: list[Evidence], knowledge: Knowledge, setting: Setting, supported: list[Candidate]) -> Judgement:
    cause = knowledge.cause("healthy")
    ids = [e.id for e in ledger if e.fact.name in _HEALTH][:6]
    title = cause.title if cause else "Nothing is wrong with the target"
    meaning = cause.meaning if cause else ""
    elsewhere = [_finding(candidate, setting) for candidate in supported[:_FINDINGS]]
    ready = "" if setting.target.kind == "cluster" else f"{setting.target} is Ready. "
    text = f"{ready}{meaning}".strip()
    verdict = Verdict(
        "healthy", "confirmed" if not setting.skipped else "likely", title, text, [str(setting.target)], ids
    )
    ruled = [
        RuledOut(finding.title, f"it does not affect {setting.target}, which is Ready", finding.evidence)
        for finding in elsewhere
    ]
    return Judgement(verdict, [], ruled, list(setting.missing), [])


def _insufficient(ledger: list[Evidence], knowledge: Knowledge, setting: Setting) -> Verdict:
    cause = knowledge.cause("insufficient_evidence")
    symptoms = [e.id for e in ledger if e.fact.kind == "event" and e.fact.data.get("type") == "Warning"][:5]
    text = cause.meaning if cause else "The evidence read so far does not name a cause."
    title = cause.title if cause else "Not enough evidence"
    return Verdict("insufficient_evidence", "insufficient", title, text, [str(setting.target)], symptoms)


def _verdict(finding: Finding, winner: Candidate, ledger: list[Evidence], setting: Setting) -> Verdict:
    affected = [str(setting.target)]
    subjects = [str(signal.evidence.fact.subject) for signal in winner.support if signal.closeness >= NEAR]
    affected += [subject for subject in dict.fromkeys(subjects) if subject.lower() != affected[0].lower()][:3]
    quoted = winner.strongest.evidence.fact.text
    text = f"{finding.meaning} Seen in {winner.strongest.evidence.id}: {quoted}"[:700]
    return Verdict(finding.category, finding.confidence, finding.title, text, affected, finding.evidence[:8])


def _finding(candidate: Candidate, setting: Setting) -> Finding:
    groups = {"node": setting.target.node, **candidate.groups()}
    cause = candidate.cause
    return Finding(
        cause.id,
        cause.category or "insufficient_evidence",
        _confidence(candidate, setting),
        fill(cause.title, groups),
        fill(cause.meaning, groups),
        candidate.evidence[:8],
        [signal.evidence.id for signal in candidate.against][:4],
        fill(cause.fix, groups),
        fill(cause.verify, groups),
    )


def _confidence(candidate: Candidate, setting: Setting) -> Confidence:
    level = 1
    if candidate.cause.effect:
        level = 2 if candidate.is_near and candidate.role in ("decisive", "strong") else 1
    elif is_decisive(candidate):
        level = 3 if is_corroborated(candidate) else 2
    elif candidate.role in ("decisive", "strong"):
        level = 2 if candidate.is_near else 1
    if setting.skipped:
        level -= 1
    if candidate.cause.category == "terway_bug" and not setting.version:
        level = min(level, 1)
    return _LEVELS[max(1, level)]


def _ruled_out(losers: list[Candidate], setting: Setting) -> list[RuledOut]:
    ruled = []
    for candidate in losers[:5]:
        if candidate.is_over:
            why = "it was seen, but a later success on the same object shows it has passed"
        elif not candidate.is_near:
            why = f"it is seen on {candidate.strongest.evidence.fact.subject}, not on {setting.target}"
        else:
            why = "it is supported only weakly, and a more specific cause explains the same symptoms"
        ruled.append(
            RuledOut(
                fill(candidate.cause.title, {"node": setting.target.node, **candidate.groups()}),
                why,
                candidate.evidence[:3],
            )
        )
    return ruled


def _missing(ledger: list[Evidence], setting: Setting, verdict: Verdict) -> list[str]:
    missing = [f"skipped: {step}" for step in setting.skipped]
    missing += [evidence.fact.text for evidence in ledger if evidence.fact.kind == "coverage"]
    missing += [
        "events of newer API may be missing: " + evidence.fact.text
        for evidence in ledger
        if evidence.fact.name == "events_rbac_gap"
    ]
    if verdict.category == "terway_bug":
        missing.append(f"Terway version {setting.version or 'unknown'}; compare with its release notes")
    return list(dict.fromkeys([*missing, *setting.missing]))[:8]


def _unexplained(ledger: list[Evidence], found: list[Signal], target: Target) -> list[str]:
    """Warnings and error lines near the target that no entry knows: a reader must see them."""
    known = {signal.evidence.id for signal in found}
    strange = [
        evidence
        for evidence in ledger
        if evidence.id not in known and _is_loud(evidence) and evidence_closeness(evidence, target) >= NEAR
    ]
    return [f"{evidence.id}: {evidence.fact.text[:200]}" for evidence in strange[:5]]


def _is_loud(evidence: Evidence) -> bool:
    fact = evidence.fact
    if fact.kind == "event":
        return fact.data.get("type") == "Warning"
    return fact.kind == "log" and fact.data.get("level") in ("E", "F")


def entry_words(entry: Entry) -> str:
    """An entry's meaning in at most one sentence, for rows of a list."""
    return entry.meaning.split(". ")[0][:200]
