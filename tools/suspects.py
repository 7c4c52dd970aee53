"""Which pods and nodes look worst, from recent warnings: where an operator without a name should start."""

import msgspec

from terway_mcp.knowledge.base import Knowledge
from terway_mcp.tools.event_groups import EventGroup
from terway_mcp.tools.evidence import Fact

_TERWAY_WORDS = ("terway", "eni.socket", "cni plugin", "aliyun/eni", "aliyun/member-eni", "aliyun/erdma")
_NO_SANDBOX = ("FailedCreatePodSandBox", "FailedKillPod")
"""Whoever is to blame, the pod gets no network or keeps it: that is where an operator without a name begins."""

_RANK = {"Pod": 0, "PodENI": 1, "Node": 2, "NodeCR": 2}


class Suspect(msgspec.Struct, omit_defaults=True):
    """One object with Terway warnings."""

    object: str
    namespace: str = ""
    name: str = ""
    kind: str = ""
    node: str = ""
    reasons: list[str] = []
    count: int = 0
    last: str = ""
    message: str = ""
    evidence: str = ""


def concerns_terway(group: EventGroup, knowledge: Knowledge) -> bool:
    """True for warnings that Terway reports, that speak of Terway or of a sandbox; benign ones are left out."""
    if not group.is_warning:
        return False
    text = group.message.lower()
    matches = knowledge.match_text(group.message, "event")
    if matches and matches[0].entry.role == "benign":
        return False
    if "terway" in group.reporter.lower() or any(word in text for word in _TERWAY_WORDS):
        return True
    if group.reason in _NO_SANDBOX:
        return True
    entry = knowledge.event_reason(
        group.reason, object_kind=group.subject.kind_name, reporter=group.reporter, related_kind=group.related_kind
    )
    return entry is not None and entry.source.startswith(("plugin/", "pkg/", "daemon/"))


def worst(groups: list[EventGroup], namespace: str | None) -> list[tuple[Suspect, list[EventGroup]]]:
    """Rank objects: pods of the wanted namespace, then pods, then nodes; the most recent first within each."""
    by_object: dict[tuple[str, str, str], list[EventGroup]] = {}
    for group in groups:
        subject = group.subject
        by_object.setdefault((subject.kind_name, subject.namespace, subject.name), []).append(group)
    ranked = sorted(by_object.values(), key=_latest, reverse=True)
    ranked.sort(key=lambda found: _rank(found[0], namespace))
    return [(_suspect(found), found) for found in ranked]


def event_fact(group: EventGroup, source: str) -> Fact:
    """The evidence of one group of events."""
    times = f" x{group.count}" if group.count > 1 else ""
    return Fact(
        "event",
        "event",
        group.subject,
        f"{group.reason}{times} on {group.subject}: {group.message}"[:600],
        group.last,
        source,
        f"{group.type}/{group.reason}/{group.masked}"[:500],
        {
            "reason": group.reason,
            "type": group.type,
            "message": group.message[:2000],
            "reporter": group.reporter,
            "related": group.related_kind,
            "count": group.count,
            "first": group.first,
            "series": group.is_series,
        },
    )


def _latest(groups: list[EventGroup]) -> str:
    return max(group.last for group in groups)


def _rank(group: EventGroup, namespace: str | None) -> int:
    elsewhere = namespace is not None and group.subject.kind == "Pod" and group.subject.namespace != namespace
    return 3 if elsewhere else _RANK.get(group.subject.kind_name, 4)


def _suspect(groups: list[EventGroup]) -> Suspect:
    newest = max(groups, key=lambda group: group.last)
    subject = newest.subject
    return Suspect(
        str(subject),
        subject.namespace,
        subject.name,
        subject.kind_name,
        next((group.host for group in groups if group.host), ""),
        list(dict.fromkeys(group.reason for group in groups))[:4],
        sum(group.count for group in groups),
        newest.last,
        newest.message[:160],
    )
