"""What each piece of evidence says about a root cause."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from terway_mcp.knowledge.base import Knowledge, TextMatch
from terway_mcp.knowledge.patterns import GROUPS
from terway_mcp.knowledge.schema import Entry, Role, Source
from terway_mcp.tools.correlation.derived import derived_states, retracted_states
from terway_mcp.tools.correlation.target import SAME, Target, evidence_closeness
from terway_mcp.tools.evidence import Evidence, Fact
from terway_mcp.tools.times import parse

_AGES = ((600.0, 1.0), (1800.0, 0.97), (7200.0, 0.9), (21600.0, 0.8))
"""Weight of a signal by its age in seconds before the latest one: ten minutes, half an hour, two and six hours."""

_STALE = 0.4
_REPORTERS = ("terway", "Terway", "multi-ip-node", "node", "PodNetworking")
"""How Terway's components have called themselves since v1.3 (events recorder names)."""

_BEFORE_POD = 0.7
"""What was last seen before the pod existed has not kept this pod from starting, though it may come back."""

_POD_MARGIN = timedelta(minutes=5)


class Signal(msgspec.Struct, frozen=True):
    """One entry of the knowledge, seen in one piece of evidence.

    `closeness` is 1.0 for the target itself; `groups` are the identifiers the text held; `over` says that a later
    observation on the same object shows the trouble has passed, `silent` that it is over because no attempt repeated
    it; `freshness` falls with its age.
    """

    evidence: Evidence
    entry: Entry
    role: Role
    closeness: float
    groups: dict[str, str] = {}
    over: bool = False
    freshness: float = 1.0
    silent: bool = False

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
            near = evidence_closeness(evidence, target)
            found.append(Signal(evidence, state, state.role, near, _identifiers(evidence.fact)))
    found = [signal for signal in found if _is_on_path(signal, knowledge, target)]
    return _mark_recovered(_aged(found, born(ledger, target)), target)


def _matches(evidence: Evidence, knowledge: Knowledge) -> list[TextMatch]:
    fact = evidence.fact
    if fact.kind == "event":
        return event_matches(knowledge, fact.data, fact.subject.kind_name)
    if fact.kind == "log":
        source: Source = fact.data.get("source", "log")
        return list(knowledge.match_text(str(fact.data.get("sample", "")), source))[:3]
    found = []
    if state := knowledge.state(fact.name):
        found.append(TextMatch(state, _identifiers(fact)))
    if message := fact.data.get("message"):
        texts = [match for match in knowledge.match_text(str(message), "condition") if match.entry.role != "symptom"]
        found = texts[:2] + found
    return found


def _identifiers(fact: Fact) -> dict[str, str]:
    """What a state names besides its object."""
    return {name: str(fact.data[name]) for name in GROUPS if fact.data.get(name)}


def event_matches(knowledge: Knowledge, event: Mapping[str, Any], object_kind: str) -> list[TextMatch]:
    """What an event means: its text first, because one reason covers many failures; then its reason.

    A text that is benign or a mere symptom silences the reason: `ConfigError` over an edit conflict is no
    configuration error. A reason that reports a success keeps its word. `event` holds reason, message, reporter and
    the kind of the related object.
    """
    texts = list(knowledge.match_text(str(event["message"]), "event", object_kind=object_kind))
    entry = knowledge.event_reason(
        str(event["reason"]),
        object_kind=object_kind,
        reporter=str(event["reporter"]),
        related_kind=str(event["related"]),
    )
    if entry is not None and entry.role == "recovery":
        return [TextMatch(entry, {})]
    if not _speaks_of_terway(event):
        # Disk controllers, autoscalers and probes quote the same cloud's codes; they say nothing about Terway.
        texts = [text for text in texts if text.entry.kind != "openapi_code"]
    texts = texts[:3]
    if texts and texts[0].entry.role in ("benign", "symptom"):
        return texts[:1]
    return texts if entry is None else [*texts, TextMatch(entry, {})]


def _speaks_of_terway(event: Mapping[str, Any]) -> bool:
    """True for an event that Terway reports, under any of its names, or nobody says to, or that quotes its plugin."""
    reporter, message = str(event["reporter"]), str(event["message"])
    return not reporter or reporter.startswith(_REPORTERS) or "terway" in message.lower() or "cmdAdd" in message


def _is_on_path(signal: Signal, knowledge: Knowledge, target: Target) -> bool:
    """A pod of the shared pool cannot suffer from what only pods with an ENI of their own go through."""
    cause = knowledge.cause(signal.cause)
    pooled = target.kind in ("pod", "node") and not target.own_eni
    return not (pooled and cause is not None and cause.path == "own_eni")


def _aged(found: list[Signal], born: datetime | None) -> list[Signal]:
    """Weigh what was seen long before the latest observation less: a line of the daemon's start is no failure now."""
    times = [moment for signal in found if (moment := parse(signal.time))]
    if not times:
        return found
    latest = max(times)

    def weight(moment: datetime) -> float:
        before = _BEFORE_POD if born and born - moment > _POD_MARGIN else 1.0
        return before * _freshness((latest - moment).total_seconds())

    return [
        msgspec.structs.replace(signal, freshness=weight(moment)) if (moment := parse(signal.time)) else signal
        for signal in found
    ]


def born(ledger: list[Evidence], target: Target) -> datetime | None:
    """When the target pod was created."""
    pods = [e.fact.data for e in ledger if e.fact.name == "pod" and e.fact.subject.name == target.name]
    return parse(str(pods[0].get("created") or "")) if target.kind == "pod" and pods else None


def _freshness(age_s: float) -> float:
    return next((weight for limit, weight in _AGES if age_s <= limit), _STALE)


def _mark_recovered(found: list[Signal], target: Target) -> list[Signal]:
    """Mark failures that a later success on the same object shows to be over; one that names a cause ends that one.

    When a pod has got its network, whatever Terway reported before about what carries it keeps the pod no longer.
    """
    served = max((s.time for s in found if target.kind == "pod" and _serves(s)), default="")
    recovered: dict[tuple[tuple[str, str, str], str], str] = {}
    for signal in found:
        if signal.role == "recovery":
            key = (_object(signal), signal.cause)
            recovered[key] = max(recovered.get(key, ""), signal.time)

    def success_after(signal: Signal) -> str:
        times = [
            time
            for (about, cause), time in recovered.items()
            if cause in ("", signal.cause) and (about == _object(signal) or _is_logged_about(signal, about))
        ]
        return max([*times, served if _is_told_by_terway(signal) else ""])

    return [
        msgspec.structs.replace(signal, over=True)
        if signal.role not in ("recovery", "benign")
        and not signal.entry.lasting
        and signal.time
        and signal.time < success_after(signal)
        else signal
        for signal in found
    ]


def _serves(signal: Signal) -> bool:
    """True for the report that the target pod itself has got its network."""
    return signal.role == "recovery" and signal.closeness == SAME and signal.evidence.fact.subject.kind == "Pod"


def _is_told_by_terway(signal: Signal) -> bool:
    fact = signal.evidence.fact
    return fact.kind == "log" or (fact.kind == "event" and str(fact.data.get("reporter", "")).startswith(_REPORTERS))


def _is_logged_about(signal: Signal, about: tuple[str, str, str]) -> bool:
    """True for a line of the controlplane that names the Node CR a success was reported on."""
    kind, _, name = about
    fact = signal.evidence.fact
    from_controlplane = fact.kind == "log" and fact.data.get("source") == "controlplane_log"
    return kind == "NodeCR" and from_controlplane and f'{name}"' in str(fact.data.get("sample", ""))


def _object(signal: Signal) -> tuple[str, str, str]:
    subject = signal.evidence.fact.subject
    return (subject.kind_name, subject.namespace, subject.name)
