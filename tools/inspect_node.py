"""`inspect_node`: one node as Kubernetes and Terway see it, with its ENI and IP accounting."""

from typing import Any

from terway_mcp.cluster.objects import ConfigMap, Node, Pod
from terway_mcp.cluster.reader import Query, Reader
from terway_mcp.cluster.resources import CONFIGMAPS, NODE_CRS, NODERUNTIMES, NODES, PODS
from terway_mcp.cluster.terway_objects import NodeRuntime, TerwayNode
from terway_mcp.cluster.together import Together
from terway_mcp.tools import terway_names as names
from terway_mcp.tools.arguments import InspectNode
from terway_mcp.tools.case import Case, Report
from terway_mcp.tools.cross_checks import NodeReads
from terway_mcp.tools.node_facts import NodeReport, node_report
from terway_mcp.tools.node_pods import followed, have_own_enis, keys, waiting_fact

_SYSTEM = names.SYSTEM_NAMESPACE


async def inspect_node(case: Case, arguments: InspectNode) -> Report:
    """Read one node."""
    name = arguments.node
    case.progress.message = f"reading node {name}"
    reads = await _read_all(case.reader, name)
    if _is_unknown(reads):
        missing = reads.node.outcome == "not_found"
        words = (
            f"there is no node {name} in this cluster" if missing else f"node {name} could not be read, see coverage"
        )
        return Report(NodeReport(name, found=False), "no_data", {"missing": missing}, words)
    report, facts = node_report(name, reads, case.knowledge, case.reader.now)
    pods, now = reads.pods.value or [], case.reader.now
    shown = followed(pods, await case.ledger.evidence(), now)
    if case.setting.target.kind == "node" and (waiting := waiting_fact(name, pods, reads.pods.source, now)):
        facts.add(waiting)
    await facts.record(case.ledger)
    marks = _marks(report, daemon_known=reads.terway_pods.value is not None)
    return Report(report, marks=marks | {"pods": keys(shown), "own_eni": have_own_enis(shown)})


def _is_unknown(reads: NodeReads) -> bool:
    """True when nothing shows that there is, or was, such a node: pods that run on it do, whoever may not read it."""
    if reads.node.value is not None or reads.terway_node.value is not None:
        return False
    return not (reads.terway_pods.value or reads.pods.value)


def _marks(report: NodeReport, *, daemon_known: bool) -> dict[str, Any]:
    """What later steps need; a daemon that could not be looked for is not said to be missing."""
    daemon = report.terway_pod
    return {
        "node": report.name,
        "terway_pod": daemon.name if daemon else "",
        "terway_running": daemon.running if daemon else not (daemon_known and report.found),
        "terway_expected": not (report.ignored or report.virtual),
        "exclusive": report.eni_mode == "exclusive",
        "config": report.dynamic_config,
    }


async def _read_all(reader: Reader, name: str) -> NodeReads:
    here = f"spec.nodeName={name}"
    daemons = Query(labels=names.DAEMON_SELECTOR, fields=here)
    async with Together() as reads:
        node = reads.start(reader.get(NODES, Node, name))
        terway_node = reads.start(reader.get(NODE_CRS, TerwayNode, name))
        runtime = reads.start(reader.get(NODERUNTIMES, NodeRuntime, name))
        terway_pods = reads.start(reader.collect(PODS, Pod, _SYSTEM, daemons, f"Terway pods on {name}"))
        pods = reads.start(reader.collect(PODS, Pod, None, Query(fields=here), f"pods on node {name}"))
        base_config = reads.start(reader.get(CONFIGMAPS, ConfigMap, names.ENI_CONFIG, _SYSTEM))
    found = node.value.value
    dynamic = found.metadata.labels.get(names.DYNAMIC_CONFIG_LABEL) if found else None
    return NodeReads(
        node.value,
        terway_node.value,
        runtime.value,
        terway_pods.value,
        pods.value,
        base_config.value,
        await reader.get(CONFIGMAPS, ConfigMap, dynamic, _SYSTEM) if dynamic else None,
    )
