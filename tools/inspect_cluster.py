"""`inspect_cluster`: configuration and component health, and the worst suspects; always the first call."""

from typing import Any

import msgspec

from terway_mcp.cluster.coverage import Read
from terway_mcp.cluster.decode import decode_items
from terway_mcp.cluster.errors import ClusterUnreachable
from terway_mcp.cluster.objects import ClusterRole, ConfigMap, Event, Lease, Pod, WebhookConfiguration, Workload
from terway_mcp.cluster.reader import Query, Reader
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
_WARNING_PAGES = 40
_UNHEALTHY_LISTED = 5
_CONFIGMAPS = (names.ENI_CONFIG, names.CONTROLPLANE_CONFIG, names.CLUSTER_PROFILE, names.KUBE_PROXY_CONFIGS[0])
_CLUSTERROLES = ("terway", names.CONTROLPLANE)


async def inspect_cluster(case: Case, arguments: InspectCluster) -> Report:
    """Read the cluster's Terway configuration and component health.

    Raises:
        ClusterUnreachable: Nothing at all could be read.
    """
    case.progress.message = "reading configuration, components and warnings"
    reads = await _read_all(case)
    if all(entry.outcome in ("unavailable", "timed_out") for entry in case.reader.coverage):
        raise ClusterUnreachable(case.reader.coverage[0].detail)
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
        roles = {name: reads.start(reader.get(CLUSTERROLES, ClusterRole, name)) for name in _CLUSTERROLES}
        warnings = reads.start(_warnings(case))
    configmaps = {name: read.value for name, read in maps.items()}
    if configmaps[names.KUBE_PROXY_CONFIGS[0]].outcome == "not_found":
        configmaps[names.KUBE_PROXY_CONFIGS[1]] = await _configmap(reader, names.KUBE_PROXY_CONFIGS[1])
    return ClusterReads(
        version.value,
        daemonsets.value,
        controlplane.value,
        lease.value,
        webhook.value,
        configmaps,
        {name: read.value for name, read in roles.items()},
        warnings.value,
        await _unhealthy(reader, daemonsets.value.value or [], controlplane.value.value),
    )


async def _configmap(reader: Reader, name: str) -> Read[ConfigMap]:
    return await reader.get(CONFIGMAPS, ConfigMap, name, _SYSTEM)


async def _warnings(case: Case) -> list[EventGroup] | None:
    """Recent warnings that concern Terway, newest first; None when events could not be listed."""
    groups = EventGroups()

    def consume(items: list[msgspec.Raw]) -> None:
        for event in decode_items(items, Event):
            groups.add(event)

    coverage = await case.reader.each_page(
        EVENTS,
        consume,
        groups.clear,
        query=Query(fields="type=Warning"),
        what="recent warning events of all namespaces",
        max_pages=_WARNING_PAGES,
    )
    if coverage.outcome not in ("read", "truncated"):
        return None
    return [group for group in groups.newest_first() if concerns_terway(group, case.knowledge)]


async def _unhealthy(reader: Reader, daemonsets: list[Workload], controlplane: Workload | None) -> list[Pod]:
    """Name a few Terway pods that are not ready, but only when the status of their workload says there are any."""
    pods: list[Pod] = []
    if controlplane and controlplane.status.ready_replicas == 0 and controlplane.spec.replicas != 0:
        query = Query(labels=names.CONTROLPLANE_SELECTOR)
        read = await reader.collect(PODS, Pod, _SYSTEM, query, "controlplane pods that are not ready")
        pods += read.value or []
    pods += await _unhealthy_daemons(reader, daemonsets)
    return [pod for pod in pods if not is_ready(pod)][:_UNHEALTHY_LISTED]


async def _unhealthy_daemons(reader: Reader, daemonsets: list[Workload]) -> list[Pod]:
    terway = [found for found in daemonsets if found.metadata.name in names.DAEMONSETS]
    if all(found.status.number_ready >= found.status.desired_number_scheduled for found in terway):
        return []
    query = Query(labels=names.DAEMON_SELECTOR)
    read = await reader.collect(PODS, Pod, _SYSTEM, query, "Terway pods that are not ready")
    return read.value or []
