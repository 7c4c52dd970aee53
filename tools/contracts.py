"""The contract of each tool: its name, what a model is told about it, its arguments and its report.

Descriptions say when to call and what comes back.
"""

import msgspec

from terway_mcp.tools.arguments import (
    Arguments,
    Correlate,
    GetEvents,
    GrepTerwayLogs,
    InspectCluster,
    InspectNode,
    InspectPod,
)
from terway_mcp.tools.case import Body
from terway_mcp.tools.cluster_facts import ClusterReport
from terway_mcp.tools.correlate import Correlation, correlate
from terway_mcp.tools.get_events import EventsReport, get_events
from terway_mcp.tools.grep_terway_logs import LogsReport, grep_terway_logs
from terway_mcp.tools.inspect_cluster import inspect_cluster
from terway_mcp.tools.inspect_node import inspect_node
from terway_mcp.tools.inspect_pod import inspect_pod
from terway_mcp.tools.node_facts import NodeReport
from terway_mcp.tools.pod_facts import PodReport


class Contract(msgspec.Struct, frozen=True):
    """One tool as its callers see it."""

    name: str
    title: str
    description: str
    arguments: type[Arguments]
    report: type[msgspec.Struct]
    body: Body


CONTRACTS: tuple[Contract, ...] = (
    Contract(
        "inspect_cluster",
        "Cluster configuration and component health",
        "Always call this first: it opens the investigation whose id every other tool needs (forgotten after 4 h "
        "without calls). Returns Terway version, IPAM mode with its evidence, eni_conf checked key by key (secrets "
        "masked), controlplane and daemon health, and the pods and nodes with the worst recent Terway warnings.",
        InspectCluster,
        ClusterReport,
        inspect_cluster,
    ),
    Contract(
        "inspect_node",
        "One node",
        "Call for the node of a problem pod, or for a node that is NotReady or out of IPs. Returns ENI mode, effective "
        "configuration, conditions, the Terway pod's containers, and ENI/IP accounting with stuck or full states; "
        "a full node writes no event, so only this shows it.",
        InspectNode,
        NodeReport,
        inspect_node,
    ),
    Contract(
        "inspect_pod",
        "One pod",
        "Call for a pod that hangs or fails before its events. Returns scheduling and waiting reasons, which "
        "configuration source applies and why, PodENI and ENI state, and whether Terway runs on its node.",
        InspectPod,
        PodReport,
        inspect_pod,
    ),
    Contract(
        "get_events",
        "Events of a target",
        "The primary signal. Give a pod, a node, or a workload whose pods were never created. Returns events of it and "
        "of everything it hangs on, one row per group with meaning, codes and ids, and whether they suffice: "
        "sufficient, insufficient or absent decides if logs are next.",
        GetEvents,
        EventsReport,
        get_events,
    ),
    Contract(
        "grep_terway_logs",
        "Terway logs",
        "Only when events were insufficient or absent, or with confirm to check one event. Scans the Terway containers "
        "of a node or the controlplane leader. Returns one row per kind of line with count, level, sample and meaning.",
        GrepTerwayLogs,
        LogsReport,
        grep_terway_logs,
    ),
    Contract(
        "correlate",
        "Verdict",
        "Call last. Joins all evidence of the investigation. Returns the root cause with category, confidence and "
        "evidence ids, fix and verification, timeline, what was ruled out and what is missing, and what of the target "
        "changed_since it was read; report names a Markdown resource. Quote its verdict; do not guess beyond it.",
        Correlate,
        Correlation,
        correlate,
    ),
)
