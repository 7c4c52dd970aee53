"""The verdict: which cause wins, how sure that is, and what would have to be known to be surer."""

from terway_mcp.knowledge.base import Knowledge
from terway_mcp.knowledge.schema import Category
from terway_mcp.tools.correlation.bearing import bearing
from terway_mcp.tools.correlation.candidates import (
    Candidate,
    compete,
    explains_terway_down,
    is_corroborated,
    is_decisive,
)
from terway_mcp.tools.correlation.chain import causal_chain
from terway_mcp.tools.correlation.current import CHANGED
from terway_mcp.tools.correlation.health import contradicts_health, target_is_healthy, terway_is_down
from terway_mcp.tools.correlation.judgement import Confidence, Finding, Judgement, RuledOut, Setting, Verdict
from terway_mcp.tools.correlation.signals import Signal, signals
from terway_mcp.tools.correlation.target import NEAR, Target, evidence_closeness
from terway_mcp.tools.correlation.unread import in_brief
from terway_mcp.tools.correlation.wording import filled, fix, name, root_cause, title
from terway_mcp.tools.evidence import Evidence, coverage_of

_ENOUGH = 12.0
"""Below this score nothing but a stranger's or a past failure supports a cause."""

NOTHING_KNOWN = "cause_unknown"
"""What is said where everything was read and no entry of the knowledge argues for a cause."""

_FINDINGS = 4
_UNREAD = "Not everything could be read, see what is missing."
_STRANGE = "Warnings that no rule knows stand beside it, unexplained: read them."
_HEALTH = ("nothing_failing", "workload", "pod_healthy", "node", "terway_pod", "pod")
_LEVELS: tuple[Confidence, ...] = ("insufficient", "possible", "likely", "confirmed")


def judge(ledger: list[Evidence], knowledge: Knowledge, setting: Setting) -> Judgement:
    """Name the root cause, or say that the evidence does not suffice."""
    found = bearing(signals(ledger, knowledge, setting.target), ledger, knowledge, setting.target)
    candidates = compete(found, knowledge, terway_down=terway_is_down(ledger, setting.target))
    supported = [candidate for candidate in candidates if candidate.score >= _ENOUGH and not candidate.is_over]
    healthy = target_is_healthy(ledger, setting.target)
    if healthy and not contradicts_health(supported, ledger, setting.target):
        return _healthy(ledger, knowledge, setting, supported, _unexplained(ledger, found, setting.target))
    winners = _independent([candidate for candidate in supported if candidate.is_near])
    findings = [_finding(candidate, winners, setting) for candidate in winners[:_FINDINGS]]
    losers = [candidate for candidate in candidates if candidate not in winners[:_FINDINGS]]
    unexplained = _unexplained(ledger, found, setting.target)
    named = bool(findings) and not findings[0].remark
    missing = _missing(ledger, setting, findings[0].category if named else "insufficient_evidence")
    verdict = _verdict(findings[0], winners[0], setting) if named else _none(ledger, knowledge, setting, missing)
    sure = named and verdict.category != "insufficient_evidence"
    steps = causal_chain(winners[0], found, knowledge, setting.target) if sure else {}
    return Judgement(verdict, findings, _ruled_out(losers, setting), missing, unexplained, steps)


def _independent(candidates: list[Candidate]) -> list[Candidate]:
    """Drop a cause that rests on nothing but evidence a better one already explains."""
    kept: list[Candidate] = []
    explained: set[str] = set()
    for candidate in candidates:
        if not set(candidate.evidence) <= explained:
            kept.append(candidate)
            explained |= set(candidate.evidence)
    return kept


def _healthy(
    ledger: list[Evidence],
    knowledge: Knowledge,
    setting: Setting,
    supported: list[Candidate],
    unexplained: list[str],
) -> Judgement:
    cause = knowledge.cause("healthy")
    ids = [e.id for e in ledger if e.fact.name in _HEALTH][:6]
    heading = cause.title if cause else "Nothing is wrong with the target"
    meaning = cause.meaning if cause else ""
    elsewhere = [_finding(candidate, supported, setting) for candidate in supported[:_FINDINGS]]
    ready = "" if setting.target.kind == "cluster" else f"{setting.target} is Ready."
    if healed := _has_healed(ledger):
        ready = f"{setting.target} works now; it did not when it was read before."
    missing = _missing(ledger, setting, "healthy")
    # What nobody could have read, such as logs of a hosted controlplane, is the ordinary case.
    unread = [line for line in missing if line not in setting.missing]
    doubts = [doubt for doubt, why in ((_STRANGE, unexplained), (_UNREAD, unread)) if why]
    sure: Confidence = "likely" if doubts else "confirmed"
    told = " ".join(filter(None, (ready, meaning, *doubts)))
    verdict = Verdict("healthy", sure, heading, told, [str(setting.target)], ids)
    no_longer = "was seen before, and no longer keeps back" if healed else "does not affect"
    ruled = [
        RuledOut(finding.title, f"it {no_longer} {setting.target}, which is Ready", finding.evidence)
        for finding in elsewhere
    ]
    return Judgement(verdict, [], ruled, missing, unexplained)


def _has_healed(ledger: list[Evidence]) -> bool:
    """True when the last that was seen of the target is that it works, though it did not."""
    changes = [evidence.fact for evidence in ledger if evidence.fact.name == CHANGED]
    return bool(changes) and bool(changes[-1].data.get("healed"))


def _none(ledger: list[Evidence], knowledge: Knowledge, setting: Setting, missing: list[str]) -> Verdict:
    """No verdict, and what to do about it: something could not be read, or all was and none of it is known."""
    cause = knowledge.cause("insufficient_evidence" if missing else NOTHING_KNOWN)
    symptoms = [e.id for e in ledger if e.fact.kind == "event" and e.fact.data.get("type") == "Warning"][:5]
    text = f"{cause.meaning} {cause.fix}" if cause else "The evidence read so far does not name a cause."
    heading = cause.title if cause else "Not enough evidence"
    return Verdict("insufficient_evidence", "insufficient", heading, text, [str(setting.target)], symptoms)


def _verdict(finding: Finding, winner: Candidate, setting: Setting) -> Verdict:
    affected = [str(setting.target)]
    subjects = [str(signal.evidence.fact.subject) for signal in winner.support if signal.closeness >= NEAR]
    affected += [subject for subject in dict.fromkeys(subjects) if subject.lower() != affected[0].lower()][:3]
    text = root_cause(winner, setting.target)
    return Verdict(finding.category, finding.confidence, finding.title, text, affected, finding.evidence[:8])


def _finding(candidate: Candidate, others: list[Candidate], setting: Setting) -> Finding:
    target = setting.target
    cause = candidate.cause
    return Finding(
        cause.id,
        cause.category or "insufficient_evidence",
        _confidence(candidate, others, setting),
        title(candidate, target),
        filled(cause.meaning, candidate, target),
        candidate.evidence[:8],
        [signal.evidence.id for signal in candidate.against][:4],
        fix(candidate, target),
        filled(cause.verify, candidate, target),
        cause.remark,
    )


def _confidence(candidate: Candidate, others: list[Candidate], setting: Setting) -> Confidence:
    """Confirmed means that a decisive signal stands beside a second piece of evidence, or beside the very effect.

    The effect of what keeps Terway from starting is seen on its pod or as a node without CNI.
    """
    if candidate.cause.category == "insufficient_evidence":
        return "insufficient"
    level = 1
    if candidate.cause.effect:
        level = 2 if candidate.is_near and candidate.role in ("decisive", "strong") else 1
    elif is_decisive(candidate):
        has_effect = explains_terway_down(candidate) and any(other.cause.effect for other in others)
        level = 3 if is_corroborated(candidate) or has_effect else 2
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
        if candidate.is_over and all(signal.silent for signal in candidate.support):
            why = "it was seen long ago, and no attempt has repeated it since"
        elif candidate.is_over:
            why = "it was seen, but a later success on the same object shows it has passed"
        elif not candidate.is_near:
            why = f"it is seen on {candidate.strongest.evidence.fact.subject}, not on {setting.target}"
        else:
            why = "it is supported only weakly, and a more specific cause explains the same symptoms"
        ruled.append(RuledOut(name(candidate, setting.target), why, candidate.evidence[:3]))
    return ruled


def _missing(ledger: list[Evidence], setting: Setting, category: Category) -> list[str]:
    missing = [f"skipped: {step}" for step in setting.skipped]
    missing += in_brief(read for evidence in ledger if (read := coverage_of(evidence.fact)) and not read.is_settled)
    missing += [
        "events of newer API may be missing: " + evidence.fact.text
        for evidence in ledger
        if evidence.fact.name == "events_rbac_gap"
    ]
    if category == "terway_bug":
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
    # Of an init container that failed, what it said last is worth reading however it is worded.
    return fact.kind == "log" and (fact.data.get("level") in ("E", "F") or fact.data.get("source") == "init_log")
