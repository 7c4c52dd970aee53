"""`inspect_pod`: one pod, the objects it shares its fate with, and which configuration applies to it."""

from typing import Any

from terway_mcp.cluster.objects import Namespace, Node, Pod
from terway_mcp.cluster.reader import Query, Reader
from terway_mcp.cluster.resources import NAMESPACES, NETWORKINTERFACES, NODES, PODENIS, PODNETWORKINGS, PODS
from terway_mcp.cluster.terway_objects import NetworkInterface, PodENI, PodNetworking
from terway_mcp.cluster.together import Pending, Together
from terway_mcp.tools import terway_names as names
from terway_mcp.tools.arguments import InspectPod
from terway_mcp.tools.case import Case, Report
from terway_mcp.tools.offered_resources import nodes_for
from terway_mcp.tools.pod_facts import PodReads, PodReport, pod_report

_MOST_REQUESTS = 6
"""What one call may cost the API server; a node is looked for only where Terway is not found on it."""

_INTERFACES_READ = 1
"""A pod with several ENIs has the same trouble on each; one more read would break the budget of six."""


async def inspect_pod(case: Case, arguments: InspectPod) -> Report:
    """Read one pod."""
    where, name = arguments.namespace, arguments.pod
    case.progress.message = f"reading pod {where}/{name}"
    reads = await _read_all(case.reader, where, name)
    if reads.pod.value is None:
        missing = reads.pod.outcome == "not_found"
        words = f"there is no pod {where}/{name}" if missing else f"pod {where}/{name} could not be read, see coverage"
        return Report(PodReport(f"{where}/{name}", found=False), "no_data", {"missing": missing}, words)
    report, facts = pod_report(reads, reads.pod.value, case.reader.now)
    await facts.record(case.ledger)
    return Report(report, marks=_marks(report))


def _marks(report: PodReport) -> dict[str, Any]:
    daemon = report.terway_on_node
    return {
        "node": report.node,
        "host_network": report.host_network,
        "terway_pod": daemon.name if daemon else "",
        "terway_running": daemon.running if daemon else report.terway_known is not False,
        "healthy": report.healthy,
        "enis": report.podeni.enis if report.podeni else [],
        "podnetworking": report.podnetworking.get("name", ""),
        "own_eni": report.own_eni or report.podeni is not None,
    }


async def _read_all(reader: Reader, namespace: str, name: str) -> PodReads:
    async with Together() as first:
        pod = first.start(reader.get(PODS, Pod, name, namespace))
        where = first.start(reader.get(NAMESPACES, Namespace, namespace))
        podeni = first.start(reader.get(PODENIS, PodENI, name, namespace))
    found = pod.value.value
    if found is None:
        return PodReads(pod.value, where.value, podeni.value)
    node, networking = found.spec.node_name, found.metadata.annotations.get(names.POD_NETWORKING)
    daemons = Query(labels=names.DAEMON_SELECTOR, fields=f"spec.nodeName={node}")
    # A pod without a node leaves the read of Terway on it to the nodes.
    async with Together() as then:
        nodes = then.start(nodes_for(reader, found))
        terway = (
            then.start(reader.collect(PODS, Pod, names.SYSTEM_NAMESPACE, daemons, f"Terway pods on {node}"))
            if node
            else None
        )
        podnetworking = then.start(reader.get(PODNETWORKINGS, PodNetworking, networking)) if networking else None
        offered = None if networking else then.start(reader.collect(PODNETWORKINGS, PodNetworking))
        interfaces: list[Pending[Any]] = [
            then.start(reader.get(NETWORKINTERFACES, NetworkInterface, eni))
            for eni in _enis(podeni.value.value)[:_INTERFACES_READ]
        ]
    stray = bool(terway and terway.value.outcome == "read" and not terway.value.value)
    return PodReads(
        pod.value,
        where.value,
        podeni.value,
        podnetworking.value if podnetworking else None,
        [interface.value for interface in interfaces],
        terway.value if terway else None,
        (offered.value.value or []) if offered else [],
        await reader.get(NODES, Node, node) if stray and reader.requests < _MOST_REQUESTS else None,
        nodes.value,
    )


def _enis(podeni: PodENI | None) -> list[str]:
    return [allocation.eni.id for allocation in podeni.spec.allocations if allocation.eni.id] if podeni else []
