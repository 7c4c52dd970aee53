"""Causes compete: each with what supports it, what speaks against it and how strongly it is supported."""

import msgspec

from terway_mcp.knowledge.base import Knowledge
from terway_mcp.knowledge.schema import Entry, Role
from terway_mcp.tools.correlation.signals import Signal
from terway_mcp.tools.correlation.target import NEAR, SHARED
from terway_mcp.tools.evidence import Fact

_WEIGHT: dict[Role, float] = {
    "decisive": 100.0,
    "strong": 60.0,
    "pointing": 25.0,
    "symptom": 0.0,
    "recovery": 0.0,
    "benign": 0.0,
}
_OVER = 0.15
"""What is left of a signal whose trouble has passed."""

_FIRST_OF_SERIES = 0.9
"""The text of an event series may be hours old; a condition or a log line of today speaks louder."""

_CORROBORATION = 4.0
_START_FACTS = ("terway_", "policy_", "eni_conf")

_PASSES = 0.9
"""Throttling passes by itself; what stands beside it does not."""

_EFFECT = 0.75
"""A cause that itself has a cause stands behind what names that one."""

_HARMLESS = 0.5
"""What pods go on with explains none that waits."""

_COMPONENT_FIRST, _COMPONENT_LATER = 1.5, 0.7
"""Terway's own pod comes before IP allocation: nothing can allocate while it is down (SOP step 1)."""


class Candidate(msgspec.Struct):
    """One root cause with its supporting and contradicting signals, and its score."""

    cause: Entry
    support: list[Signal]
    against: list[Signal]
    score: float = 0.0

    @property
    def strongest(self) -> Signal:
        """The signal the score rests on."""
        return max(self.support, key=_worth)

    @property
    def role(self) -> Role:
        """The role of the strongest signal."""
        return self.strongest.role

    @property
    def is_near(self) -> bool:
        """True when the strongest signal is about the target, what carries it, or the whole cluster."""
        return self.strongest.closeness >= NEAR

    @property
    def is_over(self) -> bool:
        """True when every supporting signal belongs to trouble that has passed."""
        return all(signal.over for signal in self.support)

    @property
    def evidence(self) -> list[str]:
        """Ids of the supporting evidence, the strongest first, each once."""
        ordered = sorted(self.support, key=_worth, reverse=True)
        return list(dict.fromkeys(signal.evidence.id for signal in ordered))

    def groups(self) -> dict[str, str]:
        """Identifiers of all supporting texts; the strongest signal's win."""
        merged: dict[str, str] = {}
        for signal in sorted(self.support, key=_worth):
            merged.update(signal.groups)
        return merged


def compete(found: list[Signal], knowledge: Knowledge, *, terway_down: bool) -> list[Candidate]:
    """Rank the causes the signals argue for, the best first."""
    by_cause: dict[str, list[Signal]] = {}
    for signal in found:
        if signal.cause and _WEIGHT[signal.role]:
            by_cause.setdefault(signal.cause, []).append(signal)
    candidates = []
    for cause_id, support in by_cause.items():
        cause = knowledge.cause(cause_id)
        if cause is not None:
            candidate = Candidate(cause, support, [signal for signal in support if signal.over])
            candidate.score = _score(candidate, terway_down=terway_down)
            candidates.append(candidate)
    _put_before_consequences(candidates)
    return sorted(candidates, key=lambda candidate: (candidate.cause.remark, -candidate.score, candidate.cause.id))


def _put_before_consequences(candidates: list[Candidate]) -> None:
    """A cause outranks what follows from it, at however many removes, provided that all are seen on the target."""
    by_id = {candidate.cause.id: candidate for candidate in candidates if candidate.is_near and not candidate.is_over}

    def rank(candidate: Candidate, passed: frozenset[str] = frozenset()) -> float:
        passed |= {candidate.cause.id}
        followed = [by_id[cause] for cause in candidate.cause.behind if cause in by_id and cause not in passed]
        return max([candidate.score, *(rank(each, passed) + 1.0 for each in followed)])

    for candidate, score in [(candidate, rank(candidate)) for candidate in by_id.values()]:
        candidate.score = score


def _score(candidate: Candidate, *, terway_down: bool) -> float:
    support = candidate.support
    best = max(_worth(signal) for signal in support)
    sources = {
        (signal.evidence.fact.kind, signal.evidence.fact.subject.kind_name) for signal in support if not signal.over
    }
    score = best + _CORROBORATION * min(3, max(0, len(sources) - 1))
    if candidate.cause.category == "throttling":
        score *= _PASSES
    if candidate.cause.harmless:
        score *= _HARMLESS
    if terway_down:
        score *= _COMPONENT_FIRST if explains_terway_down(candidate) else _COMPONENT_LATER
    return score * _EFFECT if candidate.cause.effect else score


def explains_terway_down(candidate: Candidate) -> bool:
    """True when the cause was seen on Terway's pod, in its logs or in what it reads at its start."""
    if candidate.cause.category == "component_down":
        return True
    return any(signal.closeness >= NEAR and _is_about_start(signal.evidence.fact) for signal in candidate.support)


def _is_about_start(fact: Fact) -> bool:
    of_node = fact.kind == "log" and fact.data.get("source") != "controlplane_log"
    return of_node or fact.name.startswith(_START_FACTS)


def _worth(signal: Signal) -> float:
    near = signal.closeness if signal.closeness >= NEAR else signal.closeness * 0.6
    may_be_old = _FIRST_OF_SERIES if signal.evidence.fact.data.get("series") else 1.0
    return _WEIGHT[signal.role] * near * may_be_old * signal.freshness * (_OVER if signal.over else 1.0)


def is_decisive(candidate: Candidate) -> bool:
    """True when a text, code or state that names the cause itself was seen on the target and is not over."""
    strongest = candidate.strongest
    return strongest.role == "decisive" and strongest.closeness >= NEAR and not strongest.over


def is_corroborated(candidate: Candidate) -> bool:
    """True when two different pieces of evidence support it."""
    return (
        len({signal.evidence.id for signal in candidate.support if not signal.over and signal.closeness >= SHARED}) > 1
    )
