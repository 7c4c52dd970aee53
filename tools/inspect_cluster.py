"""`inspect_cluster`: configuration and component health, and the worst suspects; always the first call."""

from typing import Any

import msgspec

from terway_mcp.cluster.coverage import Read
from terway_mcp.cluster.decode import decode_each
from terway_mcp.cluster.objects import ClusterRole, ConfigMap, Event, Lease, Pod, WebhookConfiguration, Workload
from terway_mcp.cluster.reader import PAGE_SIZE, Query, Reader
from terway_mcp.cluster.resources import (
    CLUSTERROLES,
    CONFIGMAPS,
    DAEMONSETS,
    DEPLOYMENTS,
    EVENTS,
    LEASES,
    MUTATING_WEBHOOKS,
    PODS,
)
from terway_mcp.cluster.together import Together
from terway_mcp.tools import terway_names as names
from terway_mcp.tools.arguments import InspectCluster
from terway_mcp.tools.case import Case, Report
from terway_mcp.tools.cluster_facts import ClusterReads, ClusterReport, cluster_report, is_quiet, quiet_fact
from terway_mcp.tools.containers import is_ready
from terway_mcp.tools.event_groups import EventGroup, EventGroups
from terway_mcp.tools.suspects import concerns_terway, event_fact, worst

_SYSTEM = names.SYSTEM_NAMESPACE
_SUSPECTS = 6
_UNHEALTHY_LISTED = 5
_CONFIGMAPS = (names.ENI_CONFIG, names.CONTROLPLANE_CONFIG, names.CLUSTER_PROFILE)
_DAEMON_ROLE = "terway"

_MOST_REQUESTS = 12
"""What one call may cost the API server besides its version, whatever the size and the state of the cluster.

Nine requests come first; which of the others are worth making, their answers tell. Where that is more than fits, in a
cluster that is down in several ways at once, the least telling are left out and the answer says so.
"""

_LEFT_OUT = f"left out: more than {_MOST_REQUESTS} requests would have been needed"
_WARNINGS = 10_000
"""Most warnings read: one page, because an API server searches all events anew for each."""

_LARGE = PAGE_SIZE
"""Of more Terway pods than this only those that have not started are listed; a crash loop shows in its events."""


async def inspect_cluster(case: Case, arguments: InspectCluster) -> Report:
    """Read the cluster's Terway configuration and component health; where nothing could be read nothing is said."""
    case.progress.message = "reading configuration, components and warnings"
    reads = await _read_all(case)
    if not any(entry.outcome in ("read", "truncated", "not_found") for entry in case.reader.coverage):
        return Report(None, "no_data")
    report, facts = cluster_report(reads, case.knowledge, case.reader.now)
    for suspect, groups in worst(reads.warnings or [], arguments.namespace)[:_SUSPECTS]:
        facts.add(event_fact(groups[0], "GET /api/v1/events?fieldSelector=type=Warning"), suspect)
        report.suspects.append(suspect)
    if is_quiet(report, warnings_read=reads.warnings is not None):
        facts.add(quiet_fact(report))
    await facts.record(case.ledger)
    return Report(report, marks=_marks(report, reads))


def _marks(report: ClusterReport, reads: ClusterReads) -> dict[str, Any]:
    """What later steps need: where to go next and whether controlplane logs can exist."""
    suspects = [{"kind": s.kind, "namespace": s.namespace, "name": s.name} for s in report.suspects]
    nodes = dict.fromkeys(row.node for row in report.unhealthy if row.node)
    return {
        "ipam_mode": report.ipam.mode,
        "controlplane": report.controlplane.presence,
        "version": report.version,
        "suspects": suspects + [{"kind": "Node", "namespace": "", "name": node} for node in nodes],
        "quiet": is_quiet(report, warnings_read=reads.warnings is not None),
    }


async def _read_all(case: Case) -> ClusterReads:
    reader = case.reader
    async with Together() as reads:
        version = reads.start(reader.version())
        daemonsets = reads.start(reader.collect(DAEMONSETS, Workload, _SYSTEM))
        controlplane = reads.start(reader.get(DEPLOYMENTS, Workload, names.CONTROLPLANE, _SYSTEM))
        lease = reads.start(reader.get(LEASES, Lease, names.CONTROLPLANE, _SYSTEM))
        webhook = reads.start(reader.get(MUTATING_WEBHOOKS, WebhookConfiguration, names.MUTATING_WEBHOOK))
        maps = {name: reads.start(_configmap(reader, name)) for name in _CONFIGMAPS}
        role = reads.start(reader.get(CLUSTERROLES, ClusterRole, _DAEMON_ROLE))
        warnings = reads.start(_warnings(case))
    sick = _where_pods_are_not_ready(daemonsets.value.value or [], controlplane.value.value)
    likely = _names_of_kube_proxy(daemonsets.value)
    spare = max(0, _MOST_REQUESTS - reader.requests - len(sick))
    async with Together() as more:
        pods = [more.start(reader.collect(PODS, Pod, _SYSTEM, query, what)) for what, query in sick.items()]
        kube_proxy = more.start(_kube_proxy(reader, likely[:spare]))
        early = more.start(_controlplane_role(reader)) if spare > len(likely) else None
    plane_role = early.value if early else await _controlplane_role(reader)
    unready = [pod for read in pods for pod in read.value.value or [] if not is_ready(pod)]
    return ClusterReads(
        version.value,
        daemonsets.value,
        controlplane.value,
        lease.value,
        webhook.value,
        {name: read.value for name, read in maps.items()} | kube_proxy.value,
        {_DAEMON_ROLE: role.value, names.CONTROLPLANE: plane_role},
        warnings.value,
        unready[:_UNHEALTHY_LISTED],
    )


def _where_pods_are_not_ready(daemonsets: list[Workload], controlplane: Workload | None) -> dict[str, Query]:
    """Lists that hold Terway pods that are not ready: none, unless the status of their workload says so."""
    lists = {}
    if controlplane and controlplane.status.ready_replicas == 0 and controlplane.spec.replicas != 0:
        lists["controlplane pods that are not ready"] = Query(labels=names.CONTROLPLANE_SELECTOR)
    terway = [found.status for found in daemonsets if found.metadata.name in names.DAEMONSETS]
    if any(status.number_ready < status.desired_number_scheduled for status in terway):
        large = sum(status.desired_number_scheduled for status in terway) > _LARGE
        query = Query(labels=names.DAEMON_SELECTOR, fields="status.phase!=Running" if large else "")
        lists["Terway pods that have not started" if large else "Terway pods that are not ready"] = query
    return lists


def _names_of_kube_proxy(daemonsets: Read[list[Workload]]) -> list[str]:
    """What its ConfigMap may be called: ACK and kubeadm call it differently, and its DaemonSet the same."""
    running = {found.metadata.name for found in daemonsets.value or []}
    return [name for name in names.KUBE_PROXY_CONFIGS if name in running] or list(names.KUBE_PROXY_CONFIGS)


async def _kube_proxy(reader: Reader, likely: list[str]) -> dict[str, Read[ConfigMap]]:
    if not likely:
        reader.cover(f"{CONFIGMAPS.qualified_name} {_SYSTEM}/{names.KUBE_PROXY_CONFIGS[0]}", "truncated", _LEFT_OUT)
    found: dict[str, Read[ConfigMap]] = {}
    for name in likely:
        found[name] = await _configmap(reader, name)
        if found[name].outcome != "not_found":
            break
    return found


async def _controlplane_role(reader: Reader) -> Read[ClusterRole]:
    if reader.requests < _MOST_REQUESTS:
        return await reader.get(CLUSTERROLES, ClusterRole, names.CONTROLPLANE)
    return Read(None, reader.cover(f"{CLUSTERROLES.qualified_name} {names.CONTROLPLANE}", "truncated", _LEFT_OUT))


async def _configmap(reader: Reader, name: str) -> Read[ConfigMap]:
    return await reader.get(CONFIGMAPS, ConfigMap, name, _SYSTEM)


async def _warnings(case: Case) -> list[EventGroup] | None:
    """Recent warnings that concern Terway, newest first; None when events could not be listed."""
    groups = EventGroups()

    def consume(items: list[msgspec.Raw]) -> None:
        for event in decode_each(items, Event):
            groups.add(event)

    coverage = await case.reader.each_page(
        EVENTS,
        consume,
        groups.clear,
        query=Query(fields="type=Warning", limit=_WARNINGS),
        what="recent warning events of all namespaces",
        max_pages=1,
    )
    if coverage.outcome not in ("read", "truncated"):
        return None
    return [group for group in groups.newest_first() if concerns_terway(group, case.knowledge)]
