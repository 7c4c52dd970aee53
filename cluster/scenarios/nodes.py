"""Nodes as the three APIs show them: core Node, Terway's Node CR and NodeRuntime."""

from datetime import datetime, timedelta

from .accounting import Eni, NodeModel, Slot
from .clock import seconds
from .instances import InstanceType
from .pods import Pod
from .profile import Json, Terway
from .world import World

GROUP_VERSION = "network.alibabacloud.com/v1beta1"


def _condition(kind: str, status: str, reason: str, message: str, times: tuple[datetime, datetime]) -> Json:
    heartbeat, changed = times
    return {
        "type": kind,
        "status": status,
        "lastHeartbeatTime": seconds(heartbeat),
        "lastTransitionTime": seconds(changed),
        "reason": reason,
        "message": message,
    }


def _conditions(node: NodeModel, world: World, terway: Terway) -> list[Json]:
    beat = world.ago(seconds=5 + world.ids.number("heartbeat", node.name) % 200)
    times = (beat, node.created)
    found = [
        _condition(
            "MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available", times
        ),
        _condition("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure", times),
        _condition("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available", times),
    ]
    if node.ready:
        started = node.created + timedelta(seconds=42)
        found.append(_condition("Ready", "True", "KubeletReady", "kubelet is posting ready status", (beat, started)))
    else:
        found.append(_condition("Ready", "False", "KubeletNotReady", node.not_ready_message, times))
    if node.sufficient_ip is not None:
        found.append(_sufficient_ip(node, world, terway))
    return found


def _sufficient_ip(node: NodeModel, world: World, terway: Terway) -> Json:
    if not node.sufficient_ip:
        times = (world.ago(3), world.ago(33))
        return _condition("SufficientIP", "False", "InsufficientIP", "node has insufficient IP", times)
    text = "node has sufficient IP"
    if not terway.centralized:
        text += " or pass the exhaustive period: 10m0s"
    times = (world.ago(4), node.created + timedelta(minutes=1))
    return _condition("SufficientIP", "True", "SufficientIP", text, times)


def core_node(node: NodeModel, world: World, terway: Terway) -> Json:
    """The Node every Kubernetes has."""
    labels = {
        "beta.kubernetes.io/arch": "amd64",
        "beta.kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": node.name,
        "kubernetes.io/os": "linux",
        "node.kubernetes.io/instance-type": node.kind.name,
        "topology.kubernetes.io/region": world.region,
        "topology.kubernetes.io/zone": node.zone,
        **node.labels,
    }
    annotations = {
        "node.alpha.kubernetes.io/ttl": "0",
        "volumes.kubernetes.io/controller-managed-attach-detach": "true",
        "k8s.aliyun.com/max-available-ip": str(node.kind.pod_ips),
        **node.annotations,
    }
    capacity = {
        "cpu": str(node.kind.cpu),
        "ephemeral-storage": "123460788Ki",
        "memory": f"{node.kind.memory_gib * 1_000_000}Ki",
        "pods": str(max(64, node.kind.pod_ips + 18)),
        **node.capacity,
    }
    spec: Json = {"providerID": f"{world.region}.{node.instance}" if node.provider_id is None else node.provider_id}
    if node.taints:
        spec["taints"] = node.taints
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": node.name,
            "uid": world.ids.uid("node", node.name),
            "resourceVersion": str(900_000 + world.ids.number("rv", node.name) % 90_000),
            "creationTimestamp": seconds(node.created),
            "labels": labels,
            "annotations": annotations,
        },
        "spec": spec,
        "status": {
            "capacity": capacity,
            "allocatable": capacity,
            "conditions": _conditions(node, world, terway),
            "addresses": [{"type": "InternalIP", "address": node.ip}, {"type": "Hostname", "address": node.name}],
            "nodeInfo": {
                "machineID": world.ids.hex64("machine", node.name)[:32],
                "systemUUID": world.ids.uid("system", node.name),
                "bootID": world.ids.uid("boot", node.name),
                "kernelVersion": node.kernel,
                "osImage": node.os_image,
                "containerRuntimeVersion": "containerd://2.1.3",
                "kubeletVersion": terway.kubernetes,
                "kubeProxyVersion": terway.kubernetes,
                "operatingSystem": "linux",
                "architecture": "amd64",
            },
        },
    }


def _node_cap(kind: InstanceType) -> Json:
    return {
        "adapters": kind.adapters,
        "totalAdapters": kind.adapters,
        "ipv4PerAdapter": kind.ipv4_per_adapter,
        "ipv6PerAdapter": kind.ipv6_per_adapter,
        "memberAdapterLimit": kind.member_adapters,
        "maxMemberAdapterLimit": kind.member_adapters,
        "eriQuantity": 0,
        "networkCardsCount": 1,
    }


def _address(slot: Slot, ip: str) -> Json:
    entry: Json = {"ip": ip, "primary": slot.primary, "status": slot.status}
    if slot.pod:
        entry |= {"podID": slot.pod, "podUID": slot.pod_uid}
    return entry


def _interface(eni: Eni, world: World) -> Json:
    shown: Json = {
        "id": eni.id,
        "status": eni.status,
        "macAddress": eni.mac,
        "vSwitchID": eni.vswitch.id,
        "securityGroupIDs": [world.security_group()],
        "networkInterfaceType": eni.kind,
        "networkInterfaceTrafficMode": "Standard",
        "primaryIPAddress": next((slot.ip for slot in eni.slots if slot.primary), ""),
        "ipv4CIDR": str(eni.vswitch.cidr),
        # With prefixes only the addresses outside of them are recorded one by one.
        "ipv4": {slot.ip: _address(slot, slot.ip) for slot in eni.slots if slot.primary or not eni.prefixes},
    }
    if any(slot.ipv6 for slot in eni.slots):
        shown["ipv6"] = {slot.ipv6: _address(slot, slot.ipv6) for slot in eni.slots}
    if eni.prefixes:
        shown["ipv4Prefix"] = [{"prefix": prefix, "status": "Valid"} for prefix in eni.prefixes]
    if eni.conditions:
        shown["conditions"] = eni.conditions
    return shown


def _spec_eni(node: NodeModel, world: World, terway: Terway) -> Json:
    eni: Json = {
        "enableIPv4": True,
        "enableIPv6": node.dual_stack,
        "securityGroupIDs": [world.security_group()],
        "vSwitchOptions": [node.vswitch.id],
        "vSwitchSelectPolicy": "ordered",
        "tag": {"creator": "terway"},
    }
    if terway.trunk:
        eni["enableTrunk"] = True
    if node.prefix_mode:
        eni |= {"enableIPPrefix": True, "ipv4PrefixCount": terway.prefixes}
    return eni


def node_cr(node: NodeModel, world: World, terway: Terway) -> Json:
    """Terway's Node: limits, effective configuration and the accounting of ENIs and addresses."""
    spec: Json = {
        "nodeMetadata": {
            "regionID": world.region,
            "zoneID": node.zone,
            "instanceID": node.instance,
            "instanceType": node.kind.name,
        },
        "nodeCap": _node_cap(node.kind),
    }
    status: Json = {}
    if node.custom_resource == "full":
        spec["eni"] = _spec_eni(node, world, terway)
        spec["pool"] = {"maxPoolSize": terway.max_pool, "minPoolSize": terway.min_pool, "poolSyncPeriod": "120s"}
        flavor = {"networkInterfaceType": "Secondary", "networkInterfaceTrafficMode": "Standard"}
        spec["flavor"] = [{**flavor, "count": node.kind.secondary_enis}]
        spec["datapath"] = {"type": terway.virtual_type}
        synced = world.ago(minutes=25 + world.ids.number("sync", node.name) % 400)
        status = {
            "networkInterfaces": {eni.id: _interface(eni, world) for eni in node.enis},
            "lastSyncOpenAPITime": seconds(synced),
            "nextSyncOpenAPITime": seconds(synced + timedelta(hours=12)),
            "lastModifiedTime": seconds(world.ago(2)),
        }
    labels = {"name": node.name}
    if node.exclusive:
        labels["k8s.aliyun.com/exclusive-mode-eni-type"] = "eniOnly"
    owner = {"apiVersion": "v1", "kind": "Node", "name": node.name, "uid": world.ids.uid("node", node.name)}
    return {
        "apiVersion": GROUP_VERSION,
        "kind": "Node",
        "metadata": {
            "name": node.name,
            "uid": world.ids.uid("node cr", node.name),
            "resourceVersion": str(990_000 + world.ids.number("cr rv", node.name) % 9_000),
            "generation": 2,
            "creationTimestamp": seconds(node.created + timedelta(seconds=31)),
            "finalizers": ["network.alibabacloud.com/node-controller"],
            "labels": labels,
            "ownerReferences": [{**owner, "controller": True, "blockOwnerDeletion": True}],
        },
        "spec": spec,
        "status": status,
    }


def node_runtime(node: NodeModel, pods: list[Pod], world: World) -> Json:
    """What the daemon has reported back: pods that got their network."""
    reported = {
        pod.uid: {"podID": pod.key, "status": {"initial": {"lastUpdateTime": seconds(pod.created)}}} for pod in pods
    }
    return {
        "apiVersion": GROUP_VERSION,
        "kind": "NodeRuntime",
        "metadata": {
            "name": node.name,
            "uid": world.ids.uid("node runtime", node.name),
            "resourceVersion": str(980_000 + world.ids.number("runtime rv", node.name) % 9_000),
            "creationTimestamp": seconds(node.created + timedelta(seconds=45)),
        },
        "spec": {},
        "status": {"pods": reported},
    }
