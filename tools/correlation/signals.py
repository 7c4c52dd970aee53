"""What each piece of evidence says about a root cause."""

from collections.abc import Mapping
from typing import Any

import msgspec

from terway_mcp.knowledge.base import Knowledge, TextMatch
from terway_mcp.knowledge.schema import Entry, Role, Source
from terway_mcp.tools.correlation.derived import derived_states, retracted_states
from terway_mcp.tools.correlation.target import Target, evidence_closeness
from terway_mcp.tools.evidence import Evidence


class Signal(msgspec.Struct, frozen=True):
    """One entry of the knowledge, seen in one piece of evidence.

    `closeness` is 1.0 for the target itself; `groups` are the identifiers the text held; `over` says that a later
    observation on the same object shows the trouble has passed.
    """

    evidence: Evidence
    entry: Entry
    role: Role
    closeness: float
    groups: dict[str, str] = {}
    over: bool = False

    @property
    def cause(self) -> str:
        """Id of the cause it argues for, "" for none."""
        return self.entry.cause or ""

    @property
    def time(self) -> str:
        """When it was last seen."""
        return self.evidence.fact.time


def signals(ledger: list[Evidence], knowledge: Knowledge, target: Target) -> list[Signal]:
    """Every signal of the ledger; evidence that no entry knows yields none and stays visible elsewhere."""
    found: list[Signal] = []
    retracted = retracted_states(ledger, target)
    for evidence in ledger:
        if evidence.fact.name in retracted:
            continue
        near = evidence_closeness(evidence, target)
        found += [
            Signal(evidence, match.entry, match.entry.role, near, match.groups)
            for match in _matches(evidence, knowledge)
        ]
    for evidence, name in derived_states(ledger, target):
        if state := knowledge.state(name):
            found.append(Signal(evidence, state, state.role, evidence_closeness(evidence, target)))
    return _mark_recovered(found)


def best_match(evidence: Evidence, knowledge: Knowledge) -> TextMatch | None:
    """The entry that speaks for a piece of evidence in a list: the most specific one."""
    found = _matches(evidence, knowledge)
    return found[0] if found else None


def _matches(evidence: Evidence, knowledge: Knowledge) -> list[TextMatch]:
    fact = evidence.fact
    if fact.kind == "event":
        return event_matches(knowledge, fact.data, fact.subject.kind_name)
    if fact.kind == "log":
        source: Source = fact.data.get("source", "log")
        return list(knowledge.match_text(str(fact.data.get("sample", "")), source))[:3]
    found = []
    if state := knowledge.state(fact.name):
        found.append(TextMatch(state, {}))
    if message := fact.data.get("message"):
        texts = [match for match in knowledge.match_text(str(message), "condition") if match.entry.role != "symptom"]
        found = texts[:2] + found
    return found


def event_matches(knowledge: Knowledge, event: Mapping[str, Any], object_kind: str) -> list[TextMatch]:
    """What an event means: its text first, because one reason covers many failures; then its reason.

    A text that is benign or a mere symptom silences the reason: `ConfigError` over an edit conflict is no
    configuration error. `event` holds reason, message, reporter and the kind of the related object.
    """
    texts = list(knowledge.match_text(str(event["message"]), "event", object_kind=object_kind))[:3]
    entry = knowledge.event_reason(
        str(event["reason"]),
        object_kind=object_kind,
        reporter=str(event["reporter"]),
        related_kind=str(event["related"]),
    )
    if texts and texts[0].entry.role in ("benign", "symptom"):
        return texts[:1]
    return texts if entry is None else [*texts, TextMatch(entry, {})]


def _mark_recovered(found: list[Signal]) -> list[Signal]:
    """Mark failures that a later success on the same object shows to be over."""
    recovered: dict[tuple[str, str, str], str] = {}
    for signal in found:
        if signal.role == "recovery":
            key = _object(signal)
            recovered[key] = max(recovered.get(key, ""), signal.time)
    return [
        msgspec.structs.replace(signal, over=True)
        if signal.role not in ("recovery", "benign")
        and signal.time
        and signal.time < recovered.get(_object(signal), "")
        else signal
        for signal in found
    ]


def _object(signal: Signal) -> tuple[str, str, str]:
    subject = signal.evidence.fact.subject
    return (subject.kind_name, subject.namespace, subject.name)
