"""Terway's own objects (network.alibabacloud.com/v1beta1), reduced to the fields that troubleshooting reads.

Source of the fields: `pkg/apis/network.alibabacloud.com/v1beta1` in AliyunContainerService/terway.
"""

from typing import Any

import msgspec

from terway_mcp.cluster.objects import KubernetesObject, Meta


class NodeMetadata(KubernetesObject, frozen=True):
    """spec.nodeMetadata of a Terway Node."""

    region_id: str = msgspec.field(default="", name="regionID")
    instance_type: str = ""
    instance_id: str = msgspec.field(default="", name="instanceID")
    zone_id: str = msgspec.field(default="", name="zoneID")


class NodeCap(KubernetesObject, frozen=True):
    """spec.nodeCap of a Terway Node: limits of the instance type; `adapters` includes the primary ENI."""

    adapters: int = 0
    total_adapters: int = 0
    ipv4_per_adapter: int = msgspec.field(default=0, name="ipv4PerAdapter")
    ipv6_per_adapter: int = msgspec.field(default=0, name="ipv6PerAdapter")
    member_adapter_limit: int = 0
    eri_quantity: int = 0


class ENISpec(KubernetesObject, frozen=True):
    """spec.eni of a Terway Node: the configuration the daemon derived for this node."""

    v_switch_options: list[str] = msgspec.field(default_factory=list, name="vSwitchOptions")
    security_group_ids: list[str] = msgspec.field(default_factory=list, name="securityGroupIDs")
    enable_ipv4: bool = msgspec.field(default=False, name="enableIPv4")
    enable_ipv6: bool = msgspec.field(default=False, name="enableIPv6")
    enable_erdma: bool = msgspec.field(default=False, name="enableERDMA")
    enable_trunk: bool = False
    enable_ip_prefix: bool = msgspec.field(default=False, name="enableIPPrefix")
    ipv4_prefix_count: int = msgspec.field(default=0, name="ipv4PrefixCount")
    ipv6_prefix_count: int = msgspec.field(default=0, name="ipv6PrefixCount")


class PoolSpec(KubernetesObject, frozen=True):
    """spec.pool of a Terway Node."""

    max_pool_size: int = 0
    min_pool_size: int = 0
    warm_up_size: int = 0


class Datapath(KubernetesObject, frozen=True):
    """spec.datapath of a Terway Node."""

    type: str = ""


class TerwayNodeSpec(KubernetesObject, frozen=True):
    """spec of a Terway Node; `eni` None means the daemon never filled it."""

    node_metadata: NodeMetadata = NodeMetadata()
    node_cap: NodeCap = NodeCap()
    eni: ENISpec | None = None
    pool: PoolSpec | None = None
    datapath: Datapath | None = None


class AllocatedIP(KubernetesObject, frozen=True):
    """status.networkInterfaces[].ipv4/ipv6 entry; `pod_id` is `namespace/name`, empty for a free IP."""

    ip: str = ""
    primary: bool = False
    status: str = ""
    pod_id: str = msgspec.field(default="", name="podID")
    pod_uid: str = msgspec.field(default="", name="podUID")


class Prefix(KubernetesObject, frozen=True):
    """status.networkInterfaces[].ipv4Prefix[]."""

    prefix: str = ""
    status: str = ""


class ENICondition(KubernetesObject, frozen=True):
    """status.networkInterfaces[].conditions entry (InsufficientIP, OperationErr)."""

    message: str = ""
    observed_time: str | None = None


class TerwayNetworkInterface(KubernetesObject, frozen=True):
    """status.networkInterfaces[<eni id>] of a Terway Node."""

    id: str = ""
    status: str = ""
    network_interface_type: str = ""
    network_interface_traffic_mode: str = ""
    v_switch_id: str = msgspec.field(default="", name="vSwitchID")
    primary_ip_address: str = msgspec.field(default="", name="primaryIPAddress")
    unschedulable: bool = False
    ipv4: dict[str, AllocatedIP] = msgspec.field(default_factory=dict, name="ipv4")
    ipv6: dict[str, AllocatedIP] = msgspec.field(default_factory=dict, name="ipv6")
    ipv4_prefix: list[Prefix] = msgspec.field(default_factory=list, name="ipv4Prefix")
    ipv6_prefix: list[Prefix] = msgspec.field(default_factory=list, name="ipv6Prefix")
    conditions: dict[str, ENICondition] = {}


class TerwayNodeStatus(KubernetesObject, frozen=True):
    """status of a Terway Node."""

    network_interfaces: dict[str, TerwayNetworkInterface] = {}
    last_sync_open_api_time: str | None = msgspec.field(default=None, name="lastSyncOpenAPITime")
    next_sync_open_api_time: str | None = msgspec.field(default=None, name="nextSyncOpenAPITime")
    warm_up_target: int = 0
    warm_up_allocated_count: int = 0
    warm_up_completed: bool | None = None


class TerwayNode(KubernetesObject, frozen=True):
    """network.alibabacloud.com/v1beta1 Node (the "Node CR")."""

    metadata: Meta = Meta()
    spec: TerwayNodeSpec = TerwayNodeSpec()
    status: TerwayNodeStatus = TerwayNodeStatus()


class CNIStatusInfo(KubernetesObject, frozen=True):
    """status.pods[].status entry of a NodeRuntime."""

    last_update_time: str | None = None


class RuntimePod(KubernetesObject, frozen=True):
    """status.pods[<pod uid>] of a NodeRuntime: when a pod's network was made ("initial") and removed ("deleted")."""

    pod_id: str = msgspec.field(default="", name="podID")
    status: dict[str, CNIStatusInfo] = {}


class NodeRuntimeStatus(KubernetesObject, frozen=True):
    """status of a NodeRuntime; `pods` is keyed by pod uid."""

    pods: dict[str, RuntimePod] = {}


class NodeRuntime(KubernetesObject, frozen=True):
    """network.alibabacloud.com/v1beta1 NodeRuntime: what the daemon of a node reports of its pods."""

    metadata: Meta = Meta()
    status: NodeRuntimeStatus = NodeRuntimeStatus()


class AttachmentOptions(KubernetesObject, frozen=True):
    """PodENI spec.allocations[].eni.attachmentOptions."""

    trunk: bool | None = None


class AllocationENI(KubernetesObject, frozen=True):
    """PodENI spec.allocations[].eni."""

    id: str = ""
    mac: str = ""
    zone: str = ""
    v_switch_id: str = msgspec.field(default="", name="vSwitchID")
    security_group_ids: list[str] = msgspec.field(default_factory=list, name="securityGroupIDs")
    attachment_options: AttachmentOptions = AttachmentOptions()


class AllocationType(KubernetesObject, frozen=True):
    """PodENI spec.allocations[].allocationType / PodNetworking spec.allocationType."""

    type: str = ""
    release_strategy: str = ""
    release_after: str = ""


class Allocation(KubernetesObject, frozen=True):
    """PodENI spec.allocations[]."""

    eni: AllocationENI = AllocationENI()
    ipv4: str = msgspec.field(default="", name="ipv4")
    ipv6: str = msgspec.field(default="", name="ipv6")
    interface: str = ""
    allocation_type: AllocationType = AllocationType()


class PodENISpec(KubernetesObject, frozen=True):
    """spec of a PodENI."""

    allocations: list[Allocation] = []
    zone: str = ""


class PodENIStatus(KubernetesObject, frozen=True):
    """status of a PodENI; phase is "", Bind, Binding, Unbind, Detaching or Deleting."""

    phase: str = ""
    instance_id: str = msgspec.field(default="", name="instanceID")
    trunk_eni_id: str = msgspec.field(default="", name="trunkENIID")
    msg: str = ""
    pod_last_seen: str | None = None


class PodENI(KubernetesObject, frozen=True):
    """network.alibabacloud.com/v1beta1 PodENI; same namespace and name as its Pod."""

    metadata: Meta = Meta()
    spec: PodENISpec = PodENISpec()
    status: PodENIStatus = PodENIStatus()


class PodENIRef(KubernetesObject, frozen=True):
    """NetworkInterface spec.podENIRef."""

    kind: str = ""
    namespace: str = ""
    name: str = ""


class NetworkInterfaceSpec(KubernetesObject, frozen=True):
    """spec of a NetworkInterface."""

    pod_eni_ref: PodENIRef | None = msgspec.field(default=None, name="podENIRef")


class NetworkInterfaceStatus(KubernetesObject, frozen=True):
    """status of a NetworkInterface; phase as PodENI."""

    phase: str = ""
    instance_id: str = msgspec.field(default="", name="instanceID")
    trunk_eni_id: str = msgspec.field(default="", name="trunkENIID")
    node_name: str = ""


class NetworkInterface(KubernetesObject, frozen=True):
    """network.alibabacloud.com/v1beta1 NetworkInterface; its name is the ENI id."""

    metadata: Meta = Meta()
    spec: NetworkInterfaceSpec = NetworkInterfaceSpec()
    status: NetworkInterfaceStatus = NetworkInterfaceStatus()


class ENIOptions(KubernetesObject, frozen=True):
    """PodNetworking spec.eniOptions."""

    eni_type: str = ""


class PodNetworkingSpec(KubernetesObject, frozen=True):
    """spec of a PodNetworking."""

    allocation_type: AllocationType = AllocationType()
    eni_options: ENIOptions = ENIOptions()
    selector: dict[str, Any] = {}
    security_group_ids: list[str] = msgspec.field(default_factory=list, name="securityGroupIDs")
    v_switch_options: list[str] = msgspec.field(default_factory=list, name="vSwitchOptions")


class PodNetworkingVSwitch(KubernetesObject, frozen=True):
    """PodNetworking status.vSwitches[]."""

    id: str = ""
    zone: str = ""


class PodNetworkingStatus(KubernetesObject, frozen=True):
    """status of a PodNetworking; status is Ready or Fail."""

    status: str = ""
    message: str = ""
    update_at: str | None = None
    v_switches: list[PodNetworkingVSwitch] = msgspec.field(default_factory=list, name="vSwitches")


class PodNetworking(KubernetesObject, frozen=True):
    """network.alibabacloud.com/v1beta1 PodNetworking."""

    metadata: Meta = Meta()
    spec: PodNetworkingSpec = PodNetworkingSpec()
    status: PodNetworkingStatus = PodNetworkingStatus()
