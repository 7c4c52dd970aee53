"""What `inspect_node` makes of its reads."""

from datetime import datetime
from typing import Any

import msgspec
import re2

from terway_mcp.cluster.objects import Condition, Node, Pod
from terway_mcp.cluster.terway_objects import TerwayNode
from terway_mcp.knowledge.base import Knowledge
from terway_mcp.tools import terway_names as names
from terway_mcp.tools.accounting import Accounting, account, book_states
from terway_mcp.tools.correlation.current import PASSING
from terway_mcp.tools.cross_checks import (
    NodeReads,
    address_states,
    all_prefixes_assigned,
    config_states,
    eni_conf_of,
    feature_states,
    local_states,
)
from terway_mcp.tools.daemon_pod import DaemonPodReport, daemon_on_node, ready_seconds, removed_node
from terway_mcp.tools.eni_conf import merge_patch
from terway_mcp.tools.evidence import Fact, FactSheet, Subject
from terway_mcp.tools.node_pods import dns_facts, proxy_facts
from terway_mcp.tools.own_eni import asks_for_eni
from terway_mcp.tools.times import age_seconds

_TERWAY_NODE_API = "network.alibabacloud.com/v1beta1"
_KERNEL_CHECK_SINCE = (1, 14)
_KERNEL_NEEDED = (5, 10)
_VERSION = re2.compile(r"v?(\d+)\.(\d+)")
_INTERFACES_SHOWN = 8

_NEW_SECONDS = 120.0
"""One attempt of the plugin may take so long (plugin/terway/cni.go); before that no pod waits in vain."""

_SETTLED_SECONDS = 300.0
"""The kubelet reports its runtime's network every few seconds: after so long it knows what Terway wrote."""

_SHOWN_CONFIG = (
    "ipam_type", "vswitches", "security_group", "security_groups", "ip_stack", "max_pool_size", "min_pool_size",
    "enable_eni_trunking", "enable_erdma", "enable_ip_prefix", "ipv4_prefix_count", "vswitch_selection_policy",
)  # fmt: skip


class NodeReport(msgspec.Struct, omit_defaults=True):
    """`data` of `inspect_node`; labels and flags are absent when they are not set on the node."""

    name: str
    found: bool = True
    ready: str = ""
    eni_mode: str = ""
    zone: str = ""
    instance_type: str = ""
    kernel: str = ""
    lingjun: bool = False
    ignore_by_terway: str = ""
    virtual: bool = False
    no_kube_proxy: str = ""
    eno_api: str = ""
    trunk_on: str = ""
    dynamic_config: str = ""
    effective_config: dict[str, Any] = {}
    datapath: str = ""
    conditions: dict[str, str] = {}
    taints: list[str] = []
    aliyun_resources: dict[str, str] = {}
    terway_pod: DaemonPodReport | None = None
    accounting: Accounting | None = None
    accounting_evidence: str = ""
    last_openapi_sync: str = ""
    pods: dict[str, int] = {}
    states: list[str] = []
    contradictions: list[str] = []
    evidence: str = ""

    @property
    def ignored(self) -> bool:
        """True when the node is labelled to be left alone by Terway."""
        return self.ignore_by_terway == "true"


def node_report(name: str, reads: NodeReads, knowledge: Knowledge, now: datetime) -> tuple[NodeReport, FactSheet]:
    """Shape the report and collect the facts behind it."""
    report, facts = NodeReport(name), FactSheet()
    if reads.node.outcome == "not_found":
        return _removed(reads, report, facts, now)
    if node := reads.node.value:
        _from_core_node(node, report, facts, reads.node.source)
    report.terway_pod = _daemon(reads, report, facts, now)
    _from_terway_node(reads, report, facts, now)
    _config(reads, report, facts)
    _pods(reads.pods.value or [], reads.terway_node.value, report, now)
    for tell in (proxy_facts, dns_facts):
        for fact in tell(name, reads.pods.value or [], reads.pods.source):
            facts.add(fact)
    _compare(reads, report, facts, now)
    report.states = [fact.text for fact in facts.facts if knowledge.state(fact.name)][:10]
    return report, facts


def _removed(reads: NodeReads, report: NodeReport, facts: FactSheet, now: datetime) -> tuple[NodeReport, FactSheet]:
    """What is left of a node that is gone: neither its books nor a missing Terway mean anything any more."""
    report.found = False
    _pods(reads.pods.value or [], None, report, now)
    left = [f"{report.pods['all']} pods"] if report.pods else []
    left += ["Terway's Node"] if reads.terway_node.value else []
    left += ["NodeRuntime"] if reads.runtime.value else []
    facts.add(removed_node(report.name, " and ".join(left), reads.node.source), report)
    report.states = [fact.text for fact in facts.facts]
    return report, facts


def core_node_facts(node: Node, source: str) -> list[Fact]:
    """The evidence of the core Node alone; the first fact sums it up."""
    facts = FactSheet()
    _from_core_node(node, NodeReport(node.metadata.name), facts, source)
    return sorted(facts.facts, key=lambda fact: fact.name != "node")


def _from_core_node(node: Node, report: NodeReport, facts: FactSheet, source: str) -> None:
    labels, annotations = node.metadata.labels, node.metadata.annotations
    subject = Subject("Node", node.metadata.name, uid=node.metadata.uid)
    exclusive = labels.get(names.EXCLUSIVE_LABEL, "")
    report.eni_mode = "exclusive" if exclusive.lower() == "enionly" else "shared"
    report.zone = labels.get(names.ZONE_LABEL, "")
    report.instance_type = labels.get(names.INSTANCE_TYPE_LABEL, "")
    report.kernel = node.status.node_info.kernel_version
    report.lingjun = labels.get(names.LINGJUN_LABEL) == "true"
    report.ignore_by_terway = labels.get(names.IGNORE_LABEL, "")
    report.no_kube_proxy = labels.get(names.NO_KUBE_PROXY_LABEL, "")
    report.eno_api = annotations.get(names.ENO_API_ANNOTATION, "")
    report.trunk_on = annotations.get(names.TRUNK_ANNOTATION, "")
    report.taints = [f"{taint.key}={taint.value}:{taint.effect}" for taint in node.spec.taints][:6]
    report.aliyun_resources = {k: str(v) for k, v in node.status.capacity.items() if k.startswith("aliyun/")}
    for condition in node.status.conditions:
        if condition.type == "Ready":
            report.ready = condition.status
        if condition.type in ("Ready", names.SUFFICIENT_IP) or condition.status == "True":
            report.conditions[condition.type] = _condition(condition)
        _condition_facts(condition, subject, source, facts)
    kind = f"{report.eni_mode} ENI, {report.instance_type} in {report.zone}"
    text = f"Node {node.metadata.name}: {kind}, Ready={report.ready}"
    data: dict[str, Any] = {
        "zone": report.zone,
        "eni_mode": report.eni_mode,
        "trunk_on": report.trunk_on,
        "ready": report.ready,
        "states": [fact.name for fact in facts.facts if fact.name in PASSING["node"]],
    }
    facts.add(Fact("status", "node", subject, text, source=source, data=data), report)
    if report.ignore_by_terway == "true":
        facts.add(Fact("config", "node_ignored_by_terway", subject, "label ignore-by-terway is true"))
    report.virtual = labels.get(names.NODE_TYPE_LABEL) == names.VIRTUAL_NODE
    if report.virtual:
        text = f"node {node.metadata.name} is a virtual node (type=virtual-kubelet)"
        facts.add(Fact("config", "node_virtual", subject, text, source=source))
    absent = [label for label in (names.ZONE_LABEL, names.INSTANCE_TYPE_LABEL) if not labels.get(label)]
    if absent:
        facts.add(Fact("status", "node_labels_missing", subject, f"labels {', '.join(absent)} are missing"))
    if not node.spec.provider_id:
        facts.add(Fact("status", "provider_id_missing", subject, "spec.providerID is empty"))
    if any(taint.key == names.UNINITIALIZED_TAINT for taint in node.spec.taints):
        text = f"{subject} still has the taint {names.UNINITIALIZED_TAINT}, which the cloud-controller-manager removes"
        facts.add(Fact("status", "node_uninitialized", subject, text))


def _condition_facts(condition: Condition, subject: Subject, source: str, facts: FactSheet) -> None:
    text = f"{subject} condition {condition.type}={condition.status} {condition.reason}: {condition.message}"
    time = condition.last_transition_time or ""
    if condition.type == names.SUFFICIENT_IP and condition.status == "False":
        facts.add(Fact("status", "sufficient_ip_false", subject, text, time, source))
    elif condition.type == "Ready" and condition.status != "True":
        data = {"message": condition.message, "reason": condition.reason}
        state = "node_cni_not_ready" if "cni" in condition.message.lower() else "node_not_ready"
        facts.add(Fact("status", state, subject, text, time, source, data=data))


def _daemon(reads: NodeReads, report: NodeReport, facts: FactSheet, now: datetime) -> DaemonPodReport | None:
    """An ignored node needs no Terway pod, so its absence is no finding there."""
    ignored = report.ignore_by_terway == "true"
    return daemon_on_node(reads.terway_pods, report.name, FactSheet() if ignored else facts, now, report.taints)


def _from_terway_node(reads: NodeReads, report: NodeReport, facts: FactSheet, now: datetime) -> None:
    node = reads.terway_node.value
    if node is None:
        return
    subject = Subject("Node", report.name, api_version=_TERWAY_NODE_API, uid=node.metadata.uid)
    books = account(node)
    source = reads.terway_node.source
    report.eno_api = node.metadata.annotations.get(names.ENO_API_ANNOTATION, report.eno_api)
    report.datapath = node.spec.datapath.type if node.spec.datapath else ""
    report.last_openapi_sync = node.status.last_sync_open_api_time or ""
    frozen = node.metadata.labels.get(names.EXCLUSIVE_LABEL, "")
    if frozen.lower() == "enionly":
        report.eni_mode = "exclusive"
    text = (
        f"Terway books of {report.name}: {books.enis} of {books.eni_slots} ENI slots, {books.ips_used} IPs used, "
        f"{books.ips_free} free, {books.ips_invalid} invalid, capacity {books.ip_capacity}"
    )
    data = {
        "enis": books.enis, "eni_slots": books.eni_slots, "ips_used": books.ips_used, "ips_free": books.ips_free,
        "ip_capacity": books.ip_capacity, "vswitches": sorted({row.vswitch for row in books.interfaces if row.vswitch}),
        "spec_eni": node.spec.eni is not None, "prefixes": _prefixes_wanted(node),
    }  # fmt: skip
    facts.add(
        Fact("status", "node_accounting", subject, text, source=source, data=data), report, field="accounting_evidence"
    )
    for state, eni, words in book_states(node, books, now):
        observed = _observed(node, eni, state)
        facts.add(
            Fact(
                "status",
                state,
                subject,
                words,
                observed,
                source,
                eni,
                _identifiers(node, eni, state) | {"message": words},
            )
        )
    books.interfaces = books.interfaces[:_INTERFACES_SHOWN]
    report.accounting = books


def _prefixes_wanted(node: TerwayNode) -> int | None:
    """How many prefixes the node is to have; None where it takes addresses one by one."""
    eni = node.spec.eni
    return eni.ipv4_prefix_count + eni.ipv6_prefix_count if eni and eni.enable_ip_prefix else None


def _identifiers(node: TerwayNode, eni: str, state: str) -> dict[str, Any]:
    """What a state of the books is about, for the words of a verdict."""
    interface = node.status.network_interfaces.get(eni)
    if interface is None:
        return {"eni": eni, "instance": node.spec.node_metadata.instance_id}
    gone = [address.ip for address in interface.ipv4.values() if address.status == "Invalid"]
    found: dict[str, Any] = {"eni": eni, "vswitch": interface.v_switch_id}
    return found | {"ips": gone, "ip": gone[0]} if state == "ip_invalid" and gone else found


def _observed(node: TerwayNode, eni: str, state: str) -> str:
    interface = node.status.network_interfaces.get(eni)
    name = {"eni_condition_insufficient_ip": "InsufficientIP", "eni_condition_operation_err": "OperationErr"}.get(state)
    if interface is None or name is None:
        return ""
    return interface.conditions[name].observed_time or ""


def _config(reads: NodeReads, report: NodeReport, facts: FactSheet) -> None:
    base = eni_conf_of(reads.base_config.value)
    if reads.dynamic_config is None:
        return
    label = (reads.node.value.metadata.labels if reads.node.value else {}).get(names.DYNAMIC_CONFIG_LABEL, "")
    report.dynamic_config = label
    subject = Subject("ConfigMap", label, names.SYSTEM_NAMESPACE)
    if reads.dynamic_config.value is None:
        if reads.dynamic_config.outcome == "not_found":
            text = f"node {report.name} asks for ConfigMap {label}, which does not exist"
            facts.add(Fact("config", "dynamic_config_missing", subject, text, data={"node": report.name}))
        return
    patch = eni_conf_of(reads.dynamic_config.value)
    if patch is None:
        text = f"ConfigMap {label} has no valid JSON under eni_conf"
        facts.add(Fact("config", "dynamic_config_invalid", subject, text, data={"node": report.name}))
        return
    merged = merge_patch(base or {}, patch)
    report.effective_config = {key: merged[key] for key in _SHOWN_CONFIG if key in merged}


def _pods(pods: list[Pod], node: TerwayNode | None, report: NodeReport, now: datetime) -> None:
    """Count the pods; one that is new, or that Terway has booked an address for, does not wait for the pool."""
    if not pods:
        return
    networked = [pod for pod in pods if not pod.spec.host_network and pod.status.phase not in ("Succeeded", "Failed")]
    waiting = [pod for pod in networked if not pod.status.pod_ip and not asks_for_eni(pod) and not _is_new(pod, now)]
    interfaces = node.status.network_interfaces.values() if node else ()
    booked = {address.pod_id for interface in interfaces for address in interface.ipv4.values()}
    report.pods = {
        "all": len(pods),
        "with_pod_network": len(networked),
        "without_ip": sum(1 for pod in waiting if f"{pod.metadata.namespace}/{pod.metadata.name}" not in booked),
    }


def _is_new(pod: Pod, now: datetime) -> bool:
    return (age_seconds(pod.metadata.creation_timestamp, now) or _NEW_SECONDS) < _NEW_SECONDS


def _compare(reads: NodeReads, report: NodeReport, facts: FactSheet, now: datetime) -> None:
    subject = Subject("Node", report.name)
    centralized = (eni_conf_of(reads.base_config.value) or {}).get("ipam_type") == "crd"
    books = report.accounting
    waiting = report.pods.get("without_ip", 0)

    def contradict(state: str, text: str) -> None:
        report.contradictions.append(text)
        facts.add(Fact("status", state, subject, text))

    if centralized and reads.terway_node.outcome == "not_found":
        contradict("node_cr_missing", "IPAM is centralized but Terway's Node for this node does not exist")
    spec = reads.terway_node.value.spec if reads.terway_node.value else None
    if centralized and spec is not None and spec.eni is None and report.eni_mode == "shared":
        contradict("node_cr_spec_eni_missing", "the daemon has not filled spec.eni of Terway's Node")
    running = bool(report.terway_pod and report.terway_pod.running)
    unready = any(fact.name == "node_cni_not_ready" for fact in facts.facts)
    if unready and ready_seconds(reads.terway_pods.value or [], now) > _SETTLED_SECONDS:
        contradict("cni_config_unread", "the runtime knows no CNI configuration, and the Terway pod is Ready for long")
    if centralized and books and books.ips_free and waiting and running and not books.prefix_mode:
        contradict("free_ips_unassigned", f"{books.ips_free} IPs are free while {waiting} pods wait for one")
    if books and books.prefix_mode and waiting and books.enis:
        state = "prefix_exhausted" if all_prefixes_assigned(reads.terway_node.value) else "prefix_pods_waiting"
        contradict(state, f"{waiting} pods wait for an IP in prefix mode")
    checks = address_states(reads, now) if centralized else local_states(reads)
    served = not (report.ignored or report.virtual)
    for state, words in (*checks, *config_states(reads, report.zone), *(feature_states(reads) if served else ())):
        contradict(state, words)
    frozen = (reads.terway_node.value.metadata.labels if reads.terway_node.value else {}).get(names.EXCLUSIVE_LABEL)
    wanted = (reads.node.value.metadata.labels if reads.node.value else {}).get(names.EXCLUSIVE_LABEL)
    if frozen is not None and (wanted or "default").lower() != frozen.lower():
        contradict("exclusive_label_changed", f"exclusive label is {wanted or 'unset'} but was {frozen} at creation")
    version = report.terway_pod.version if report.terway_pod else ""
    if kernel_too_old(report.kernel, version):
        contradict("kernel_too_old", f"kernel {report.kernel} is older than 5.10, which Terway {version} requires")


def kernel_too_old(kernel: str, version: str) -> bool:
    """True when Terway >= v1.14.0 refuses this kernel (cmd/terway-cli/cni.go checks >= 5.10 on every node)."""
    return _pair(version) >= _KERNEL_CHECK_SINCE and (0, 0) < _pair(kernel) < _KERNEL_NEEDED


def _pair(version: str) -> tuple[int, int]:
    found = _VERSION.match(version)
    return (int(found.group(1)), int(found.group(2))) if found else (0, 0)


def _condition(condition: Condition) -> str:
    words = f"{condition.status} {condition.reason}".strip()
    interesting = condition.type == "Ready" and condition.status != "True"
    return f"{words}: {condition.message}"[:200] if interesting else words
