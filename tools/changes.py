"""One more look at the target before a verdict, where it was read a while ago: it may have healed, or gone.

It costs one GET. Whatever comes of that, the verdict is given; what has changed stands in the ledger like all else.
"""

import anyio

from terway_mcp.cluster.coverage import Read
from terway_mcp.cluster.objects import Node, Pod, Workload
from terway_mcp.cluster.resources import DAEMONSETS, DEPLOYMENTS, NODES, PODS, REPLICASETS, STATEFULSETS, Resource
from terway_mcp.tools.case import Case
from terway_mcp.tools.components import daemon_fact, workload_facts
from terway_mcp.tools.correlation.current import CHANGED, current
from terway_mcp.tools.correlation.target import Target
from terway_mcp.tools.evidence import Evidence, Fact, Subject
from terway_mcp.tools.node_facts import core_node_facts
from terway_mcp.tools.pod_facts import status_facts
from terway_mcp.tools.times import render

STALE_SECONDS = 60.0
_PATIENCE_SECONDS = 3.0

_SUMMARY = {"pod": "pod", "node": "node", "workload": "workload", "cluster": "daemonset"}
"""The fact that sums up the status of a target of each kind."""

_RESOURCES: dict[str, tuple[Resource, type[Pod] | type[Node] | type[Workload]]] = {
    "Pod": (PODS, Pod),
    "Node": (NODES, Node),
    **{resource.kind: (resource, Workload) for resource in (DEPLOYMENTS, REPLICASETS, STATEFULSETS, DAEMONSETS)},
}


async def look_again(case: Case) -> None:
    """Record what the target is like now, and what of that is new."""
    if case.target_read_ago_s < STALE_SECONDS:
        return
    before = _summary(await case.ledger.evidence(), case.setting.target)
    if before is None:
        return
    read = await _read(case, before.subject)
    if read is None:
        return
    if read.outcome == "not_found":
        await case.ledger.record([_change(case, before, "it no longer exists", before.subject, read.source)])
    if read.value is not None:
        facts = _facts(read.value, before, read.source)
        await case.ledger.record(facts)
        if (facts[0].text, facts[0].subject.uid) != (before.text, before.subject.uid):
            await case.ledger.record([_replaced(case, before, facts[0])])


def _summary(ledger: list[Evidence], target: Target) -> Fact | None:
    name = _SUMMARY[target.kind]
    found = [evidence.fact for evidence in current(ledger) if evidence.fact.name == name]
    if target.kind != "cluster":
        found = [f for f in found if (f.subject.namespace, f.subject.name) == (target.namespace, target.name)]
    return found[0] if found else None


async def _read(case: Case, subject: Subject) -> Read[Pod | Node | Workload] | None:
    """The object as it is now; None when it is not known what it is or no answer came in time."""
    if subject.kind not in _RESOURCES:
        return None
    resource, kind = _RESOURCES[subject.kind]
    with anyio.move_on_after(_PATIENCE_SECONDS):
        namespace = subject.namespace or None
        read: Read[Pod | Node | Workload] = await case.reader.get(resource, kind, subject.name, namespace)
        return read
    case.reader.cover(f"{subject} once more", "timed_out", f"no answer within {_PATIENCE_SECONDS:.0f} s")
    return None


def _facts(found: Pod | Node | Workload, before: Fact, source: str) -> list[Fact]:
    """The same facts as when it was read first; the first of them sums the others up."""
    if isinstance(found, Pod):
        return status_facts(found, source)
    if isinstance(found, Node):
        return core_node_facts(found, source)
    return [daemon_fact(found, source)] if before.name == "daemonset" else workload_facts(found, before.subject, source)


def _replaced(case: Case, before: Fact, now: Fact) -> Fact:
    another = " (another one of this name)" if now.subject.uid != before.subject.uid else ""
    return _change(case, before, f"{now.text}{another}", now.subject, now.source, healed=_works(now) > _works(before))


def _change(case: Case, before: Fact, now: str, subject: Subject, source: str, *, healed: bool = False) -> Fact:
    at = render(case.reader.now)
    data = {"was": before.text, "now": now, "healed": healed}
    return Fact("status", CHANGED, subject, f"was: {before.text}; now: {now}"[:600], at, source, at, data)


def _works(fact: Fact) -> bool:
    """Whether a summary says that its object works."""
    data = fact.data
    match fact.name:
        case "pod":
            return "pod_healthy" in data.get("states", ())
        case "daemonset":
            return int(data["ready"]) >= int(data["desired"])
    return data.get("ready") in (True, "True")
