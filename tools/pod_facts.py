"""What `inspect_pod` makes of its reads."""

from datetime import datetime
from typing import Any

import msgspec

from terway_mcp.cluster.coverage import Read
from terway_mcp.cluster.objects import Namespace, Node, Pod
from terway_mcp.cluster.terway_objects import NetworkInterface, PodENI, PodNetworking
from terway_mcp.tools import terway_names as names
from terway_mcp.tools.components import component_of
from terway_mcp.tools.containers import (
    IMAGE_WAITS,
    ContainerReport,
    container_reports,
    is_ready,
    waiting_reasons,
)
from terway_mcp.tools.correlation.current import PASSING
from terway_mcp.tools.daemon_pod import DaemonPodReport, daemon_on_node, removed_node
from terway_mcp.tools.evidence import Fact, FactSheet, Subject
from terway_mcp.tools.offered_resources import not_offered
from terway_mcp.tools.own_eni import asks_for_eni, asks_for_erdma, wants_pod_eni
from terway_mcp.tools.podnetworking_match import unserved_networking

_TERWAY_API = "network.alibabacloud.com/v1beta1"
_SANDBOX_WAITS = ("ContainerCreating", "PodInitializing")
_CRASHES = ("CrashLoopBackOff", "RunContainerError", "Error")


class PodReads(msgspec.Struct, frozen=True):
    """Everything `inspect_pod` reads; what depends on the pod is None or empty when it does not apply."""

    pod: Read[Pod]
    namespace: Read[Namespace]
    podeni: Read[PodENI]
    podnetworking: Read[PodNetworking] | None = None
    interfaces: list[Read[NetworkInterface]] = []
    terway_pods: Read[list[Pod]] | None = None
    offered: list[PodNetworking] = []
    host: Read[Node] | None = None
    nodes: Read[list[Node]] | None = None


class PodENIReport(msgspec.Struct, omit_defaults=True):
    """The pod's PodENI; `phase` "" on a fresh one."""

    phase: str
    enis: list[str] = []
    trunk_eni: str = ""
    instance: str = ""
    message: str = ""
    deleting: bool = False
    uid_mismatch: bool = False
    interfaces: dict[str, str] = {}
    evidence: str = ""


class PodReport(msgspec.Struct, omit_defaults=True):
    """`data` of `inspect_pod`."""

    pod: str
    found: bool = True
    phase: str = ""
    ready: bool | None = None
    healthy: bool | None = None
    node: str = ""
    ips: list[str] = []
    host_network: bool | None = None
    owner: str = ""
    waiting: list[str] = []
    containers: list[ContainerReport] = []
    scheduling: str = ""
    failure: str = ""
    created: str = ""
    deleting_since: str = ""
    pod_eni: str = ""
    own_eni: bool = False
    unserved_networking: str = ""
    config_source: str = ""
    config_source_why: str = ""
    annotation_conflicts: list[str] = []
    namespace_opted_out: bool = False
    ignored_by_terway: bool = False
    podeni: PodENIReport | None = None
    podnetworking: dict[str, Any] = {}
    terway_on_node: DaemonPodReport | None = None
    terway_known: bool | None = None
    notes: list[str] = []
    evidence: str = ""


def pod_report(reads: PodReads, pod: Pod, now: datetime) -> tuple[PodReport, FactSheet]:
    """Shape the report and collect the facts behind it."""
    facts = FactSheet()
    report = _from_pod(pod)
    namespace = reads.namespace.value
    report.namespace_opted_out = bool(
        namespace and namespace.metadata.labels.get(names.NAMESPACE_OPT_OUT_LABEL) == "false"
    )
    report.unserved_networking = unserved_networking(pod, namespace, reads.offered)
    report.own_eni = report.own_eni or bool(report.unserved_networking)
    _pod_facts(pod, report, facts, reads.pod.source)
    not_offered(pod, reads.nodes, facts)
    _podeni(reads, pod, report, facts)
    _podnetworking(reads, report, facts)
    _daemon(reads, report, facts, now)
    report.config_source, report.config_source_why = config_source(pod, report)
    report.annotation_conflicts = annotation_conflicts(pod)
    _notes(report)
    return report, facts


def status_facts(pod: Pod, source: str) -> list[Fact]:
    """The evidence of the pod alone; the first fact sums it up."""
    facts = FactSheet()
    _pod_facts(pod, _from_pod(pod), facts, source)
    return facts.facts


def config_source(pod: Pod, report: PodReport) -> tuple[str, str]:
    """Which source configures the pod's network, in the webhook's order, and why."""
    annotations = pod.metadata.annotations
    if pod.spec.host_network:
        return "none", "hostNetwork: Terway does not handle this pod"
    if report.namespace_opted_out and names.POD_NETWORKS not in annotations:
        return "eni-config", "the namespace label k8s.aliyun.com/pod-eni=false bypasses the webhook"
    for key, why in (
        (names.POD_NETWORKS, "explicit pod-networks annotation (the webhook writes it too)"),
        (names.POD_NETWORKS_REQUEST, "pod-networks-request annotation"),
        (names.POD_NETWORKING, f"matched PodNetworking {annotations.get(names.POD_NETWORKING, '')}"),
    ):
        if annotations.get(key):
            return key.partition("/")[2], why
    return "eni-config", "no pod network annotation: defaults of eni-config on eth0"


def annotation_conflicts(pod: Pod) -> list[str]:
    """Combinations the webhook denies or ignores; pod-networks next to pod-networking is its own doing."""
    annotations = pod.metadata.annotations
    conflicts = []
    if names.POD_NETWORKS_REQUEST in annotations and names.POD_NETWORKING in annotations:
        conflicts.append("pod-networks-request and pod-networking are mutually exclusive")
    if annotations.get(names.POD_ENI, "true") not in ("true", "false"):
        conflicts.append(f"pod-eni={annotations[names.POD_ENI]!r} is not a boolean and counts as false")
    if wants_pod_eni(pod) and names.POD_NETWORKS not in annotations and names.POD_NETWORKING not in annotations:
        conflicts.append("pod-eni=true without pod-networks or pod-networking: the mutating webhook did not run")
    return conflicts


def _from_pod(pod: Pod) -> PodReport:
    meta, status = pod.metadata, pod.status
    owner = next((o for o in meta.owner_references if o.controller), None)
    ready = is_ready(pod)
    addresses = [ip.ip for ip in status.pod_ips if ip.ip] or ([status.pod_ip] if status.pod_ip else [])
    return PodReport(
        f"{meta.namespace}/{meta.name}",
        phase=status.phase,
        ready=ready,
        healthy=not meta.deletion_timestamp and ((ready and status.phase == "Running") or status.phase == "Succeeded"),
        node=pod.spec.node_name,
        ips=addresses,
        host_network=pod.spec.host_network,
        owner=f"{owner.kind} {owner.name}" if owner else "",
        waiting=waiting_reasons(pod),
        containers=container_reports(pod)[:8],
        scheduling=_scheduling(pod),
        failure=f"{status.reason}: {status.message}".strip(": ") if status.phase == "Failed" else "",
        created=meta.creation_timestamp or "",
        deleting_since=meta.deletion_timestamp or "",
        pod_eni=meta.annotations.get(names.POD_ENI, ""),
        own_eni=asks_for_eni(pod),
        ignored_by_terway=meta.labels.get(names.IGNORE_LABEL) == "true",
    )


def _scheduling(pod: Pod) -> str:
    for condition in pod.status.conditions:
        if condition.type == "PodScheduled" and condition.status != "True":
            return f"{condition.reason}: {condition.message}"
    return ""


def _pod_facts(pod: Pod, report: PodReport, facts: FactSheet, source: str) -> None:
    subject = Subject("Pod", pod.metadata.name, pod.metadata.namespace, uid=pod.metadata.uid)
    where = f"on {report.node}" if report.node else "not scheduled"
    words = ", ".join(report.waiting) or ("Ready" if report.ready else "not Ready")
    data = {
        "phase": report.phase, "ready": report.ready, "node": report.node, "ips": report.ips,
        "host_network": report.host_network, "waiting": report.waiting, "created": report.created,
        "pod_eni": report.pod_eni, "owner": report.owner, "deleting": bool(report.deleting_since),
        "erdma": asks_for_erdma(pod),
    }  # fmt: skip
    text = f"Pod {report.pod} is {report.phase or 'unknown'} ({words}) {where}, IPs {report.ips or 'none'}"
    states = _pod_states(pod, report)
    data["states"] = [state for state, _ in states if state in PASSING["pod"]]
    facts.add(Fact("status", "pod", subject, text, source=source, data=data), report)
    for state, detail in states:
        fact_text = f"Pod {report.pod}: {detail}"
        facts.add(Fact("status", state, subject, fact_text, source=source, data={"message": detail}))


def _pod_states(pod: Pod, report: PodReport) -> list[tuple[str, str]]:
    found = []
    if report.healthy:
        found.append(("pod_healthy", f"{report.phase}, ready={report.ready}"))
    if report.scheduling:
        found.append(("pod_unschedulable", report.scheduling))
    if report.failure:
        found.append(("pod_failed", report.failure))
    if not pod.spec.host_network and report.node and not report.ips and set(report.waiting) & set(_SANDBOX_WAITS):
        found.append(("pod_sandbox_waiting", "waits for its sandbox and has no IP"))
    if report.ips and not report.ready and set(report.waiting) & set(_CRASHES):
        found += _crash_states(pod, report)
    if report.ips and set(report.waiting) & set(IMAGE_WAITS):
        found.append(("pod_image_pull", f"has its IP, but an image cannot be pulled ({', '.join(report.waiting)})"))
    if report.deleting_since:
        held = f", held by {', '.join(pod.metadata.finalizers)}" if pod.metadata.finalizers else ""
        words = f"has been terminating since {report.deleting_since}{held}"
        found.append(("pod_foreign_finalizer" if held else "pod_terminating_stuck", words))
    if report.host_network:
        found.append(("pod_host_network", "uses hostNetwork; Terway does not handle it"))
    if report.ignored_by_terway:
        found.append(("pod_ignored_by_terway", "carries the label ignore-by-terway=true"))
    return found + _annotation_states(pod, report)


def _crash_states(pod: Pod, report: PodReport) -> list[tuple[str, str]]:
    ends = [container.last_termination for container in report.containers if container.last_termination]
    last = f", last {ends[0]}" if ends else ""
    words = f"has its IP, but a container crashes ({', '.join(report.waiting)}{last})"
    if component := component_of(pod):
        # What a crash of Terway's own daemon means is said with its node.
        return [("controlplane_crashloop", words)] if component == names.CONTROLPLANE else []
    killed = any("OOMKilled" in end for end in ends)
    return [("pod_oomkilled" if killed else "pod_app_crash", words)]


def _annotation_states(pod: Pod, report: PodReport) -> list[tuple[str, str]]:
    annotations = pod.metadata.annotations
    found = [("pod_annotations_conflict", words) for words in annotation_conflicts(pod) if "exclusive" in words]
    if annotations.get(names.POD_ENI, "true") not in ("true", "false"):
        found.append(("pod_eni_value_invalid", f"pod-eni={annotations[names.POD_ENI]!r} is not a boolean"))
    if wants_pod_eni(pod) and not {names.POD_NETWORKS, names.POD_NETWORKING} & set(annotations):
        found.append(("pod_eni_without_config", "asks for an ENI, but the webhook wrote no pod-networks annotation"))
    wants_own = wants_pod_eni(pod) or bool(report.unserved_networking)
    if report.unserved_networking and not report.namespace_opted_out:
        words = f"matches PodNetworking {report.unserved_networking}, but the webhook gave it nothing of it"
        found.append(("pod_networking_not_applied", words))
    if wants_own and report.namespace_opted_out:
        found.append(("namespace_pod_eni_disabled", "its namespace is labelled k8s.aliyun.com/pod-eni=false"))
    if (text := annotations.get(names.POD_NETWORKS)) and not _is_json(text):
        found.append(("pod_annotation_invalid", "its pod-networks annotation is not valid JSON"))
    return found


def _is_json(text: str) -> bool:
    try:
        msgspec.json.decode(text.encode())
    except msgspec.DecodeError:
        return False
    return True


def _podeni(reads: PodReads, pod: Pod, report: PodReport, facts: FactSheet) -> None:
    podeni = reads.podeni.value
    subject = Subject("PodENI", pod.metadata.name, pod.metadata.namespace, _TERWAY_API)
    if podeni is None:
        if reads.podeni.outcome == "not_found" and wants_pod_eni(pod) and report.node:
            text = f"PodENI {report.pod} does not exist although the pod asks for an ENI of its own"
            facts.add(Fact("status", "podeni_missing", subject, text, source=reads.podeni.source))
        return
    row = _podeni_row(podeni, pod)
    row.interfaces = {
        read.value.metadata.name: read.value.status.phase or "new" for read in reads.interfaces if read.value
    }
    report.podeni = row
    text = (
        f"PodENI {report.pod} is in phase {row.phase or '(new)'!r} with {', '.join(row.enis) or 'no ENI'} {row.message}"
    )
    fixed = any(allocation.allocation_type.type == "Fixed" for allocation in podeni.spec.allocations)
    data = {"phase": row.phase, "enis": row.enis, "trunk": row.trunk_eni, "zone": podeni.spec.zone, "fixed": fixed}
    facts.add(Fact("status", "podeni", subject, text.strip(), source=reads.podeni.source, data=data), row)
    for state, words in _podeni_states(row, report):
        facts.add(Fact("status", state, subject, words, source=reads.podeni.source, data={"message": words}))
    for read in reads.interfaces:
        if read.outcome == "not_found":
            text = f"PodENI {report.pod} names an ENI that has no NetworkInterface"
            facts.add(Fact("status", "networkinterface_missing", subject, text, source=read.source))
        if read.value:
            _interface_facts(read.value, read.source, facts)


def _podeni_row(podeni: PodENI, pod: Pod) -> PodENIReport:
    recorded = podeni.metadata.annotations.get(names.POD_UID_ANNOTATION, "")
    return PodENIReport(
        podeni.status.phase,
        [allocation.eni.id for allocation in podeni.spec.allocations if allocation.eni.id],
        podeni.status.trunk_eni_id,
        podeni.status.instance_id,
        podeni.status.msg,
        bool(podeni.metadata.deletion_timestamp),
        bool(recorded and pod.metadata.uid and recorded != pod.metadata.uid),
    )


_PHASE_STATES = {
    "": "podeni_phase_initial",
    "Binding": "podeni_phase_binding",
    "Unbind": "podeni_phase_unbind",
    "Detaching": "podeni_phase_detaching",
    "Deleting": "podeni_phase_deleting",
}


def _podeni_states(row: PodENIReport, report: PodReport) -> list[tuple[str, str]]:
    found = []
    if row.deleting:
        found.append(("podeni_stuck_deleting", f"PodENI {report.pod} is being deleted and its finalizer still stands"))
    if row.uid_mismatch:
        found.append(("podeni_uid_mismatch", f"PodENI {report.pod} belongs to an earlier pod of the same name"))
    state = _PHASE_STATES.get(row.phase, "podeni_phase_unbound")
    if row.phase != "Bind" and not row.deleting:
        found.append((state, f"PodENI {report.pod} is in phase {row.phase or '(new)'!r}, not Bind"))
    if row.message:
        found.append(("podeni_msg", row.message))
    if not row.enis:
        found.append(("podeni_no_allocation", f"PodENI {report.pod} has no allocation"))
    return found


def _interface_facts(interface: NetworkInterface, source: str, facts: FactSheet) -> None:
    phase = interface.status.phase
    if phase == "Bind":
        return
    subject = Subject("NetworkInterface", interface.metadata.name, api_version=_TERWAY_API)
    text = f"NetworkInterface {interface.metadata.name} is in phase {phase or '(new)'!r}, not Bind"
    facts.add(Fact("status", "networkinterface_not_bound", subject, text, source=source))


def _podnetworking(reads: PodReads, report: PodReport, facts: FactSheet) -> None:
    read = reads.podnetworking
    if read is None:
        return
    if read.value is None:
        if read.outcome == "not_found":
            subject = Subject("PodNetworking", "", api_version=_TERWAY_API)
            text = f"the PodNetworking that pod {report.pod} names does not exist"
            facts.add(Fact("status", "podnetworking_missing", subject, text, source=read.source))
        return
    found: PodNetworking = read.value
    zones = {vswitch.id: vswitch.zone for vswitch in found.status.v_switches}
    report.podnetworking = {"name": found.metadata.name, "status": found.status.status, "vswitches": zones}
    subject = Subject("PodNetworking", found.metadata.name, api_version=_TERWAY_API)
    text = f"PodNetworking {found.metadata.name} is {found.status.status or 'unsynced'}, vSwitches {zones}"
    data = {"zones": sorted(set(zones.values())), "status": found.status.status, "name": found.metadata.name}
    facts.add(Fact("status", "podnetworking", subject, text, source=read.source, data=data))
    if found.status.status == "Fail":
        words = f"PodNetworking {found.metadata.name} failed to sync: {found.status.message}"
        fact = Fact("status", "podnetworking_fail", subject, words, source=read.source, data={"message": words})
        facts.add(fact)


def _daemon(reads: PodReads, report: PodReport, facts: FactSheet, now: datetime) -> None:
    if reads.terway_pods is None or reads.terway_pods.value is None:
        return
    if reads.host and reads.host.outcome == "not_found":
        facts.add(removed_node(report.node, f"pod {report.pod}", reads.host.source))
        report.notes.append(f"node {report.node} is not in the cluster any more: nothing can start there")
        return
    report.terway_known = bool(reads.terway_pods.value)
    daemon = daemon_on_node(reads.terway_pods, report.node, facts, now)
    if daemon and daemon.running and daemon.ready:
        daemon.containers = []
    report.terway_on_node = daemon


def _notes(report: PodReport) -> None:
    if report.host_network:
        report.notes.append("hostNetwork pod: Terway gives it no IP; look at the node's own network instead")
    if report.terway_known is False:
        report.notes.append("Terway does not run on this pod's node: fix that before looking at IP allocation")
    elif report.terway_on_node and not report.terway_on_node.running:
        report.notes.append("the Terway container on this node is not running: read its pod's events next")
