"""The Terway daemon pod of one node: whether it runs, and the facts about it."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from terway_mcp.cluster.coverage import Read
from terway_mcp.cluster.objects import Condition, Pod
from terway_mcp.tools import terway_names as names
from terway_mcp.tools.components import image_version
from terway_mcp.tools.containers import (
    ContainerReport,
    container_reports,
    is_ready,
    main_container_runs,
    trouble_states,
)
from terway_mcp.tools.evidence import Fact, FactSheet, Subject
from terway_mcp.tools.times import age_seconds


class DaemonPodReport(msgspec.Struct, omit_defaults=True):
    """The Terway pod of a node; `running` is about the container `terway` itself."""

    name: str
    running: bool
    ready: bool
    version: str = ""
    containers: list[ContainerReport] = []
    evidence: str = ""


def daemon_on_node(
    read: Read[list[Pod]], node: str, facts: FactSheet, now: datetime, taints: Sequence[str] = ()
) -> DaemonPodReport | None:
    """Report the Terway pod of a node; None when there is none or it could not be read.

    A taint is the usual reason for its absence, so the node's taints are told with it.
    """
    if read.value is None:
        return None
    subject = Subject("Node", node)
    if not read.value:
        tainted = f"; the node is tainted {', '.join(taints)}" if taints else ""
        text = f"no Terway pod exists on node {node}{tainted}"
        facts.add(Fact("status", "terway_pod_missing", subject, text, source=read.source))
        return None
    # What an eviction leaves behind is no second Terway; of several the one that serves speaks for the node.
    pods = [pod for pod in read.value if pod.status.phase not in ("Succeeded", "Failed")] or read.value
    if len(pods) > 1:
        listed = ", ".join(pod.metadata.name for pod in pods[:4])
        text = f"{len(pods)} Terway pods run on {node}: {listed}"
        facts.add(Fact("status", "terway_pod_duplicate", subject, text, source=read.source))
    pod = max(pods, key=lambda found: main_container_runs(found, names.DAEMON_CONTAINER))
    report = DaemonPodReport(
        pod.metadata.name,
        main_container_runs(pod, names.DAEMON_CONTAINER),
        is_ready(pod),
        _version(pod),
        container_reports(pod),
    )
    _facts(pod, report, read.source, facts, now)
    return report


def ready_seconds(pods: Sequence[Pod], now: datetime) -> float:
    """For how long the Terway pod of a node has been Ready, 0 when it is not."""
    since = [each.last_transition_time for pod in pods for each in pod.status.conditions if _says_ready(each)]
    return max((age_seconds(time, now) or 0.0 for time in since), default=0.0)


def _says_ready(condition: Condition) -> bool:
    return condition.type == "Ready" and condition.status == "True"


def removed_node(node: str, who: str, source: str) -> Fact:
    """The fact that a node is gone which something still names."""
    text = f"node {node} is not in the cluster, but still named by {who}"
    return Fact("status", "node_removed", Subject("Node", node), text, source=source)


def _facts(pod: Pod, report: DaemonPodReport, source: str, facts: FactSheet, now: datetime) -> None:
    subject = Subject("Pod", pod.metadata.name, pod.metadata.namespace, uid=pod.metadata.uid)
    node = pod.spec.node_name
    words = "; ".join(f"{container.name} {container.state}" for container in report.containers)
    data = {"node": node, "running": report.running, "version": report.version}
    text = f"Terway pod {pod.metadata.name} on {node}, {report.version or 'version unknown'}: {words}"
    facts.add(Fact("status", "terway_pod", subject, text, source=source, data=data), report)
    if pod.status.phase == "Failed":
        why = f"{pod.status.reason}: {pod.status.message}".strip(": ")
        text = f"Terway pod {pod.metadata.name} on {node} has failed: {why}"
        facts.add(Fact("status", "terway_pod_evicted", subject, text, source=source, data={"node": node}))
    for state, container, trouble in trouble_states(pod, now):
        text = f"Terway pod {pod.metadata.name} on {node}: container {container} {trouble}"
        time = _last_finished(pod, container)
        facts.add(Fact("status", state, subject, text, time, source, container, {"node": node}))


def _version(pod: Pod) -> str:
    images = [container.image for container in pod.spec.containers if container.name == names.DAEMON_CONTAINER]
    images += [container.image for container in pod.spec.containers]
    return image_version(images[0]) if images else ""


def _last_finished(pod: Pod, container: str) -> str:
    for status in pod.status.init_container_statuses + pod.status.container_statuses:
        ended = status.state.terminated or status.last_state.terminated
        if status.name == container and ended:
            return ended.finished_at or ""
    return ""
