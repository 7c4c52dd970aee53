"""What only shows when the reads of one node are held against each other: books, pods and configuration."""

from datetime import datetime
from typing import Any

import msgspec

from terway_mcp.cluster.coverage import Read
from terway_mcp.cluster.objects import ConfigMap, Node, Pod
from terway_mcp.cluster.terway_objects import NodeRuntime, RuntimePod, TerwayNode
from terway_mcp.tools import terway_names as names
from terway_mcp.tools.eni_conf import merge_patch
from terway_mcp.tools.own_eni import asks_for_eni
from terway_mcp.tools.times import age_seconds

_RELEASE_SECONDS = 300.0
"""The controlplane looks at every node's pool each two minutes, unless its configuration says otherwise."""


class NodeReads(msgspec.Struct, frozen=True):
    """Everything `inspect_node` reads."""

    node: Read[Node]
    terway_node: Read[TerwayNode]
    runtime: Read[NodeRuntime]
    terway_pods: Read[list[Pod]]
    pods: Read[list[Pod]]
    base_config: Read[ConfigMap]
    dynamic_config: Read[ConfigMap] | None


def eni_conf_of(config: ConfigMap | None) -> dict[str, Any] | None:
    """The parsed `eni_conf` of a ConfigMap; None when it is absent or broken."""
    if config is None or "eni_conf" not in config.data:
        return None
    try:
        parsed = msgspec.json.decode(config.data["eni_conf"].encode())
    except msgspec.DecodeError:
        return None
    return parsed if isinstance(parsed, dict) else None


def effective_conf(reads: NodeReads) -> dict[str, Any] | None:
    """`eni_conf` merged with what the node's own ConfigMap says; None when there is none to begin with."""
    base = eni_conf_of(reads.base_config.value)
    own = eni_conf_of(reads.dynamic_config.value) if reads.dynamic_config else None
    return merge_patch(base, own) if base is not None and own is not None else base


def address_states(reads: NodeReads, now: datetime) -> list[tuple[str, str]]:
    """Pods against Terway's books: addresses that run but are not booked, and that are booked but do not run.

    Prefix mode books no pod addresses, and half a list of pods would make the other half look gone: then nothing
    can be compared.
    """
    node, pods = reads.terway_node.value, reads.pods.value
    complete = reads.pods.outcome == "read"
    if not complete or node is None or pods is None:
        return []
    if node.spec.eni and node.spec.eni.enable_ip_prefix:
        return []
    booked = {ip: entry for eni in node.status.network_interfaces.values() for ip, entry in eni.ipv4.items()}
    networked = [pod for pod in pods if not pod.spec.host_network and pod.status.phase == "Running"]
    strangers = [pod for pod in networked if pod.status.pod_ip and pod.status.pod_ip not in booked]
    found = []
    if booked and strangers:
        sample = f"{strangers[0].metadata.name} has {strangers[0].status.pod_ip}"
        found.append(("pod_ip_not_on_node", f"{len(strangers)} pods run on addresses Terway has not booked: {sample}"))
        free = sum(1 for entry in booked.values() if not entry.pod_id)
        slots = max(0, node.spec.node_cap.adapters - 1)
        if slots and len(node.status.network_interfaces) >= slots and free >= len(booked) / 2:
            words = f"all {slots} ENI slots are used although {free} of {len(booked)} booked addresses are free"
            found.append(("node_cr_eni_growth", words))
    return found + _held_states(reads, booked, pods, now)


def _held_states(reads: NodeReads, booked: dict[str, Any], pods: list[Pod], now: datetime) -> list[tuple[str, str]]:
    """Addresses of pods that are gone are a leak only when no free address is left for the next pod."""
    present = {f"{pod.metadata.namespace}/{pod.metadata.name}" for pod in pods}
    held = [ip for ip, entry in booked.items() if entry.pod_id and entry.pod_id not in present]
    if not held or any(not entry.pod_id and not entry.primary for entry in booked.values()):
        return []
    words = f"{len(held)} addresses are booked for pods that are gone, e.g. {held[0]}"
    if reads.runtime.outcome == "not_found":
        missing = "NodeRuntime of this node does not exist, so no address is released"
        return [("ip_held_by_missing_pod", words), ("node_runtime_missing", missing)]
    if (runtime := reads.runtime.value) is None:
        return [("ip_held_by_missing_pod", words)]
    since = {ip: _reported_gone(runtime, booked[ip].pod_uid) for ip in held}
    if silent := [ip for ip in held if not since[ip]]:
        unsaid = f"NodeRuntime does not say that the pods of {len(silent)} of them are deleted, e.g. {silent[0]}"
        return [("ip_held_by_missing_pod", words), ("node_runtime_no_deleted", unsaid)]
    if any((age_seconds(time, now) or 0.0) > _RELEASE_SECONDS for time in since.values()):
        return [("ip_release_pending", f"{words}; the daemon has reported that long ago")]
    return []


def _reported_gone(runtime: NodeRuntime, uid: str) -> str:
    """When the daemon said that a pod's network is removed; "" unless that is the last it said."""
    told = runtime.status.pods.get(uid, RuntimePod()).status
    times = {state: info.last_update_time or "" for state, info in told.items()}
    return times["deleted"] if max(times, key=lambda state: times[state], default="") == "deleted" else ""


def local_states(reads: NodeReads) -> list[tuple[str, str]]:
    """Under local IPAM nobody keeps books; the daemon only says how many pod addresses its node can have."""
    node, pods = reads.node.value, reads.pods.value
    limit = node.metadata.annotations.get(names.MAX_AVAILABLE_IP_ANNOTATION, "") if node else ""
    if pods is None or reads.pods.outcome != "read" or not limit.isdigit() or int(limit) == 0:
        return []
    addressed = sum(1 for pod in pods if pod.status.pod_ip and not pod.spec.host_network and not asks_for_eni(pod))
    if addressed < int(limit):
        return []
    found = [("node_full", f"{addressed} pods have an address and the node can have {limit} (max-available-ip)")]
    allowed = (effective_conf(reads) or {}).get("max_eni")
    if isinstance(allowed, int) and allowed > 0:
        found.append(("config_max_eni", f"eni_conf.max_eni allows {allowed} ENIs, which leaves room for {limit} pods"))
    return found


def config_states(reads: NodeReads, zone: str) -> list[tuple[str, str]]:
    """`eni_conf` as it holds for this node, against its zone, instance type and books."""
    conf, node = effective_conf(reads), reads.terway_node.value
    if conf is None:
        return []
    found = []
    zones = conf.get("vswitches")
    if isinstance(zones, dict) and zones and zone and zone not in zones:
        found.append(("config_zone_without_vswitch", f"eni_conf.vswitches has no entry for the node's zone {zone}"))
    if node is None:
        return found
    cap, eni = node.spec.node_cap, node.spec.eni
    if conf.get("ip_stack") == "dual" and cap.ipv4_per_adapter != cap.ipv6_per_adapter:
        limits = f"{cap.ipv4_per_adapter} IPv4 but {cap.ipv6_per_adapter} IPv6 addresses per ENI"
        found.append(
            ("dual_stack_unequal", f"dual stack is on, but {node.spec.node_metadata.instance_type} has {limits}")
        )
    if eni is not None and bool(conf.get("enable_ip_prefix")) != eni.enable_ip_prefix:
        wanted = str(bool(conf.get("enable_ip_prefix"))).lower()
        words = f"eni_conf.enable_ip_prefix is {wanted}, but this node was created with the opposite"
        found.append(("prefix_mode_differs", words))
    return found


def feature_states(reads: NodeReads) -> list[tuple[str, str]]:
    """What `eni_conf` asks of every node against what this one has; the daemon goes on without it and says little."""
    conf, node, books = effective_conf(reads), reads.node.value, reads.terway_node.value
    if conf is None or node is None or node.metadata.labels.get(names.LINGJUN_LABEL) == "true":
        return []
    cap = books.spec.node_cap if books and books.spec.node_cap.adapters else None
    shared = node.metadata.labels.get(names.EXCLUSIVE_LABEL, "").lower() != "enionly"
    found = []
    if conf.get("enable_eni_trunking") is True and shared and not node.metadata.annotations.get(names.TRUNK_ANNOTATION):
        why = ": its instance type has no member ENIs" if cap and not cap.member_adapter_limit else ""
        words = f"enable_eni_trunking is true, but the node has no trunk ENI (annotation trunk-on){why}"
        found.append(("config_trunk_node_missing", words))
    offered = str(node.status.capacity.get("aliyun/erdma", "0"))
    if conf.get("enable_erdma") is True and cap and not cap.eri_quantity and offered == "0":
        kind = books.spec.node_metadata.instance_type if books else ""
        found.append(("node_without_erdma", f"enable_erdma is true, but instance type {kind} has no ERDMA interface"))
    return found


def all_prefixes_assigned(node: TerwayNode | None) -> bool:
    """True when a node in prefix mode has every prefix it is configured to have."""
    if node is None or node.spec.eni is None:
        return False
    wanted = node.spec.eni.ipv4_prefix_count + node.spec.eni.ipv6_prefix_count
    interfaces = node.status.network_interfaces.values()
    return 0 < wanted <= sum(len(eni.ipv4_prefix) + len(eni.ipv6_prefix) for eni in interfaces)
