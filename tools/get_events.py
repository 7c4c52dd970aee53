"""`get_events`: events of the target and of what it hangs on, grouped, explained and judged for sufficiency."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from terway_mcp.cluster.decode import decode_each
from terway_mcp.cluster.errors import InvalidInput
from terway_mcp.cluster.names import is_object_name, object_name
from terway_mcp.cluster.objects import Event, Workload
from terway_mcp.cluster.reader import Query
from terway_mcp.cluster.resources import DAEMONSETS, DEPLOYMENTS, EVENTS, REPLICASETS, STATEFULSETS, Resource
from terway_mcp.cluster.together import Together
from terway_mcp.knowledge.base import Knowledge
from terway_mcp.knowledge.identifiers import identifiers
from terway_mcp.knowledge.schema import Entry
from terway_mcp.tools import terway_names as names
from terway_mcp.tools.arguments import GetEvents
from terway_mcp.tools.case import Case, Report
from terway_mcp.tools.components import workload_facts
from terway_mcp.tools.correlation.signals import event_matches
from terway_mcp.tools.correlation.sufficiency import sufficiency
from terway_mcp.tools.correlation.wording import entry_words
from terway_mcp.tools.event_groups import EventGroup, EventGroups
from terway_mcp.tools.event_node import node_told, on_node
from terway_mcp.tools.evidence import Noted, Subject
from terway_mcp.tools.suspects import event_fact
from terway_mcp.tools.times import moment

_ROWS = 12
_MESSAGE = 300

_MOST_REQUESTS = 4
_PAGE = 5000
"""An API server searches a namespace's events for each page anew, so pages are large; one is some megabytes."""

_LOUD = {"decisive": 0, "strong": 1, "": 1, "pointing": 2, "symptom": 3, "recovery": 4, "benign": 5}
"""Rows no entry knows stand beside the strong ones: the unknown must not drown among the normal."""

_OWNED = {"deployment": ("Deployment", "ReplicaSet"), "cronjob": ("CronJob", "Job")}
_STATUS_OF: dict[str, Resource] = {
    resource.kind: resource for resource in (DEPLOYMENTS, REPLICASETS, STATEFULSETS, DAEMONSETS)
}
_WORKLOADS = {
    "deployment": "Deployment", "replicaset": "ReplicaSet", "statefulset": "StatefulSet", "daemonset": "DaemonSet",
    "job": "Job", "cronjob": "CronJob",
}  # fmt: skip


class EventRow(msgspec.Struct, omit_defaults=True):
    """One group of events."""

    evidence: str
    reason: str
    object: str
    api_version: str
    type: str
    count: int
    first: str
    last: str
    message: str
    reporter: str = ""
    same_as: str = ""
    meaning: str = ""
    category: str = ""
    ids: dict[str, list[str]] = {}
    unchanged: bool = False


class EventsReport(msgspec.Struct, omit_defaults=True):
    """`data` of `get_events`; times are RFC 3339, `last` is the effective time whichever API wrote the event."""

    target: str
    groups: list[EventRow]
    sufficiency: str = ""
    why: str = ""
    events_read: int = 0
    older_than_since: int = 0
    groups_cut: int = 0
    oldest: str = ""
    found: bool = True


class Scope(msgspec.Struct, frozen=True):
    """One list call: a namespace, a field selector, and which events of it belong to the target."""

    namespace: str
    fields: str
    keep: Callable[[Event], bool]
    what: str


async def get_events(case: Case, arguments: GetEvents) -> Report:
    """Read and group the events of a target.

    Raises:
        InvalidInput: A malformed workload or time.
    """
    scopes, target = scopes_of(arguments, case.related)
    start = moment(arguments.since, case.reader.now, "since") if arguments.since else ""
    case.progress.message = f"reading events of {target}"
    groups = await _read(case, scopes, start, _pages(arguments, case.related) // len(scopes))
    told = _told(case, arguments, groups)
    if told:
        groups.absorb(await _read(case, _node_scopes(told, ""), start, _MOST_REQUESTS // 2))
    exists = await _read_workload(case, arguments) if arguments.workload else True
    if not exists and not groups.seen:
        return Report(EventsReport(target, [], found=False), "no_data", {"missing": True}, f"there is no {target}")
    ordered = sort_groups(groups.newest_first(), case.knowledge)
    source = f"GET /api/v1/namespaces/{scopes[0].namespace}/events?fieldSelector={scopes[0].fields}"
    noted = await case.ledger.record([event_fact(group, source) for group in ordered])
    rows = [_row(group, entry, case.knowledge) for group, entry in zip(ordered, noted, strict=True)]
    setting = on_node(case.setting, arguments.namespace or "", arguments.pod or "", told) if told else case.setting
    all_read = all(read.is_settled for read in case.reader.coverage)
    decision = sufficiency(await case.ledger.evidence(), case.knowledge, setting, all_read=all_read)
    report = EventsReport(
        target,
        rows[:_ROWS],
        decision.state,
        decision.why,
        groups.seen,
        groups.dropped,
        max(0, len(rows) - _ROWS),
        groups.oldest,
    )
    marks = {"sufficiency": decision.state, **({"node": told} if told else {})}
    if rows:
        return Report(report, marks=marks)
    if all_read:
        return Report(report, "no_data", marks, f"no events of {target} are kept")
    report.why = "not every list of events could be read, so their silence proves nothing"
    return Report(report, "no_data", marks, f"events of {target} could not all be read, see coverage")


def _pages(arguments: GetEvents, related: Mapping[str, Any]) -> int:
    """How many pages the first lists may take: the events of a node that only shows in them are still to be read."""
    if arguments.workload:
        return _MOST_REQUESTS - 1
    return _MOST_REQUESTS // 2 if _is_unread(arguments, related) else _MOST_REQUESTS


def _is_unread(arguments: GetEvents, related: Mapping[str, Any]) -> bool:
    """True for a pod that was asked for in vain though it may well exist, so that its node is not known."""
    return arguments.pod is not None and related.get("missing") is False


def _told(case: Case, arguments: GetEvents, groups: EventGroups) -> str:
    """The node of a pod that was not read, if its events name it; the answer says where that comes from."""
    told = node_told(groups.newest_first()) if _is_unread(arguments, case.related) else None
    if told is None:
        return ""
    pod = f"{arguments.namespace}/{arguments.pod}"
    case.reader.cover(f"node of pod {pod}: {told.node}, derived from its event {told.reason}", "read")
    return told.node


def scopes_of(arguments: GetEvents, related: Mapping[str, Any]) -> tuple[list[Scope], str]:
    """Which lists hold the target's events.

    Pod and PodENI share a name, core Node and Terway's Node share a name: one list by name covers both of each.
    """
    where, name = arguments.namespace or "", arguments.pod or ""
    if arguments.node is not None:
        scopes = _node_scopes(arguments.node, str(related.get("terway_pod") or ""))
        return scopes + [_of_pod(*key.split("/")) for key in related.get("pods") or ()], f"node {arguments.node}"
    if arguments.workload is not None:
        return _workload_scopes(where, arguments.workload)
    scopes = [_of_pod(where, name)]
    host, daemon = str(related.get("node") or ""), str(related.get("terway_pod") or "")
    if host:
        scopes += _node_scopes(host, "" if (where, name) == (names.SYSTEM_NAMESPACE, daemon) else daemon)
    if networking := str(related.get("podnetworking") or ""):
        scopes.append(
            _named(
                names.CLUSTER_EVENTS_NAMESPACE, networking, ("PodNetworking",), f"events of PodNetworking {networking}"
            )
        )
    return scopes, f"pod {where}/{name}"


def sort_groups(groups: list[EventGroup], knowledge: Knowledge) -> list[EventGroup]:
    """Telling groups first, unknown warnings beside them, normal operation last; newest first within each."""
    return sorted(groups, key=lambda group: _loudness(group, knowledge))


def _loudness(group: EventGroup, knowledge: Knowledge) -> tuple[bool, int]:
    matches = _meanings(group, knowledge)
    role = matches[0].entry.role if matches else ""
    return (not group.is_warning, _LOUD[role])


def _node_scopes(node: str, daemon: str) -> list[Scope]:
    default = names.CLUSTER_EVENTS_NAMESPACE
    scopes = [_named(default, node, ("Node",), f"events of Node and Terway Node {node}")]
    if is_object_name(daemon):
        scopes.append(_named(names.SYSTEM_NAMESPACE, daemon, ("Pod",), f"events of Terway pod {daemon}"))
    return scopes


def _of_pod(namespace: str, name: str) -> Scope:
    return _named(namespace, name, ("Pod", "PodENI"), f"events of pod and PodENI {namespace}/{name}")


def _workload_scopes(namespace: str, workload: str) -> tuple[list[Scope], str]:
    kind, _, name = workload.partition("/")
    singular = kind.lower().removesuffix("s")
    if singular not in _WORKLOADS or not name:
        raise InvalidInput(f"workload must read kind/name with kind one of {', '.join(_WORKLOADS)}")
    checked = object_name(name, "workload")
    target = f"{singular} {namespace}/{checked}"
    scopes = [_named(namespace, checked, (_WORKLOADS[singular],), f"events of {target}")]
    if singular in _OWNED:
        owned = _OWNED[singular][1]
        scopes.append(
            Scope(
                namespace,
                f"involvedObject.kind={owned}",
                lambda event: event.involved_object.name.rpartition("-")[0] == checked,
                f"events of the {owned}s of {target}",
            )
        )
    return scopes, target


def _named(namespace: str, name: str, kinds: tuple[str, ...], what: str) -> Scope:
    return Scope(namespace, f"involvedObject.name={name}", lambda event: event.involved_object.kind in kinds, what)


async def _read(case: Case, scopes: list[Scope], since: str, pages: int) -> EventGroups:
    """All lists side by side; what is kept of them is bounded however many events they hold."""
    async with Together() as reads:
        found = [reads.start(_read_scope(case, scope, since, pages)) for scope in scopes]
    groups = EventGroups(since=since)
    for scoped in found:
        groups.absorb(scoped.value)
    return groups


async def _read_workload(case: Case, arguments: GetEvents) -> bool:
    """Note the workload's own status, which speaks where no pod was asked about; False when there is none of it."""
    kind, _, name = (arguments.workload or "").partition("/")
    resource = _STATUS_OF.get(_WORKLOADS[kind.lower().removesuffix("s")])
    namespace = arguments.namespace or ""
    if resource is None:
        return True
    read = await case.reader.get(resource, Workload, name, namespace)
    if read.value is None:
        return read.outcome != "not_found"
    subject = Subject(resource.kind, name, namespace, resource.api_version)
    await case.ledger.record(workload_facts(read.value, subject, read.source))
    return True


async def _read_scope(case: Case, scope: Scope, since: str, pages: int) -> EventGroups:
    """Group one list apart as its pages arrive, so that a restart forgets only its own events."""
    groups = EventGroups(since=since)

    def consume(items: list[msgspec.Raw]) -> None:
        for event in decode_each(items, Event):
            if scope.keep(event):
                groups.add(event)

    query = Query(fields=scope.fields, limit=_PAGE)
    await case.reader.each_page(
        EVENTS, consume, groups.clear, namespace=scope.namespace, query=query, what=scope.what, max_pages=pages
    )
    return groups


def _meanings(group: EventGroup, knowledge: Knowledge) -> list[Any]:
    return event_matches(knowledge, event_fact(group, "").data, group.subject.kind_name)


def _row(group: EventGroup, noted: Noted, knowledge: Knowledge) -> EventRow:
    matches = _meanings(group, knowledge)
    best = matches[0].entry if matches else None
    canonical = knowledge.canonical_reason(group.reason, group.subject.kind_name)
    return EventRow(
        noted.id,
        group.reason,
        str(group.subject),
        group.subject.api_version,
        group.type,
        group.count,
        group.first,
        group.last,
        group.message[:_MESSAGE],
        group.reporter,
        canonical if canonical != group.reason else "",
        _meaning(best) if group.is_warning else "",
        best.category or "" if best and group.is_warning else "",
        _ids(group.message),
        noted.unchanged,
    )


def _meaning(entry: Entry | None) -> str:
    """What a warning means; one that nobody knows is said to be unknown rather than left out."""
    return entry_words(entry) if entry else "not known; read the message"


def _ids(message: str) -> dict[str, list[str]]:
    found = identifiers(message)
    named = {
        "code": found.openapi_codes,
        "request_id": found.request_ids,
        "vswitch": found.vswitches,
        "eni": found.enis,
        "security_group": found.security_groups,
    }
    return {name: list(values)[:3] for name, values in named.items() if values}
