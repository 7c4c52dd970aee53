"""The custom resources of pods that own an ENI: PodENI, NetworkInterface and PodNetworking."""

from datetime import datetime

import msgspec

from .clock import seconds
from .nodes import GROUP_VERSION
from .pods import Pod
from .profile import Json
from .world import World


class OwnEni(msgspec.Struct, frozen=True, kw_only=True):
    """The ENI of one pod and how far it got."""

    pod: Pod
    eni: str
    vswitch: str
    zone: str
    ip: str
    instance: str = ""
    trunk: str = ""
    phase: str = "Bind"
    message: str = ""
    fixed: bool = False
    pod_uid: str | None = None
    """None: the pod's own uid; anything else is an older incarnation."""
    deleted: datetime | None = None


def _metadata(world: World, own: OwnEni, kind: str, name: str) -> Json:
    metadata: Json = {
        "name": name,
        "uid": world.ids.uid(kind, own.pod.key),
        "resourceVersion": str(700_000 + world.ids.number("rv", kind, own.pod.key) % 90_000),
        "creationTimestamp": seconds(own.pod.created),
        "labels": {"k8s.aliyun.com/node": own.pod.node},
    }
    if own.deleted:
        metadata |= {"deletionTimestamp": seconds(own.deleted), "deletionGracePeriodSeconds": 0}
    return metadata


def _spec_eni(world: World, own: OwnEni) -> Json:
    return {
        "id": own.eni,
        "mac": world.ids.mac("pod eni", own.pod.key),
        "vpcID": world.ids.cloud("vpc", "cluster"),
        "zone": own.zone,
        "vSwitchID": own.vswitch,
        "securityGroupIDs": [world.security_group()],
        "attachmentOptions": {"trunk": bool(own.trunk)},
    }


def _eni_info(own: OwnEni) -> Json:
    bound = "Bind" if own.phase == "Bind" else "Unbind"
    return {
        "id": own.eni,
        "type": "Member" if own.trunk else "Secondary",
        "vid": 1 if own.trunk else 0,
        "status": bound,
    }


def pod_eni(world: World, own: OwnEni) -> Json:
    """The PodENI: same namespace and name as its pod."""
    metadata = _metadata(world, own, "podeni", own.pod.name) | {
        "namespace": own.pod.namespace,
        "finalizers": ["network.alibabacloud.com/pod-eni"],
        "annotations": {"k8s.aliyun.com/pod-uid": own.pod.uid if own.pod_uid is None else own.pod_uid},
    }
    kind: Json = {"type": "Elastic"}
    if own.fixed:
        kind = {"type": "Fixed", "releaseStrategy": "TTL", "releaseAfter": "20m0s"}
    allocation = {"allocationType": kind, "eni": _spec_eni(world, own), "ipv4": own.ip, "interface": "eth0"}
    status: Json = {"phase": own.phase, "instanceID": own.instance, "trunkENIID": own.trunk}
    if own.phase:
        status["eniInfos"] = {own.eni: _eni_info(own)}
    if own.message:
        status["msg"] = own.message
    return {
        "apiVersion": GROUP_VERSION,
        "kind": "PodENI",
        "metadata": metadata,
        "spec": {"allocations": [{**allocation, "defaultRoute": True}], "zone": own.zone},
        "status": status,
    }


def network_interface(world: World, own: OwnEni) -> Json:
    """The NetworkInterface: named by the ENI."""
    metadata = _metadata(world, own, "networkinterface", own.eni) | {"finalizers": ["network.alibabacloud.com/eni"]}
    reference = {"kind": "Pod", "namespace": own.pod.namespace, "name": own.pod.name}
    status: Json = {"phase": own.phase, "instanceID": own.instance, "trunkENIID": own.trunk, "nodeName": own.pod.node}
    if own.phase:
        status["eniInfo"] = _eni_info(own)
    return {
        "apiVersion": GROUP_VERSION,
        "kind": "NetworkInterface",
        "metadata": metadata,
        "spec": {"eni": _spec_eni(world, own), "ipv4": own.ip, "podENIRef": reference, "managePolicy": {}},
        "status": status,
    }


def pod_networking(world: World, name: str, vswitches: dict[str, str], *, failure: str = "") -> Json:
    """A PodNetworking; `vswitches` are ids and their zones."""
    found = [{"id": vswitch, "zone": zone} for vswitch, zone in vswitches.items()]
    status: Json = {"status": "Fail" if failure else "Ready", "updateAt": seconds(world.ago(days=4))}
    status |= {"message": failure} if failure else {"vSwitches": found}
    return {
        "apiVersion": GROUP_VERSION,
        "kind": "PodNetworking",
        "metadata": {
            "name": name,
            "uid": world.ids.uid("podnetworking", name),
            "resourceVersion": str(600_000 + world.ids.number("rv", "podnetworking", name) % 90_000),
            "creationTimestamp": seconds(world.ago(days=4)),
        },
        "spec": {
            "eniOptions": {"eniType": "Trunk"},
            "allocationType": {"type": "Elastic"},
            "selector": {"podSelector": {"matchLabels": {"network": name}}},
            "securityGroupIDs": [world.security_group()],
            "vSwitchOptions": list(vswitches),
        },
        "status": status,
    }
