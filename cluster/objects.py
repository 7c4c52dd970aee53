"""Kubernetes objects, reduced to the fields that troubleshooting reads.

Field names are the wire names in snake case (msgspec renames them to camel case); every field has a default,
because an old release, a half-written status or a hand-edited object may lack any of them. Decode through
`decode.py`, which also survives nulls and wrong types.
"""

from typing import Any

import msgspec


class KubernetesObject(msgspec.Struct, rename="camel", omit_defaults=True, frozen=True, gc=False):
    """Base of all: wire names are camel case, every field has a default.

    Decoded JSON holds no cycles, so the collector need not look at it; with lists of thousands that is half the time.
    """


class OwnerReference(KubernetesObject, frozen=True):
    """metadata.ownerReferences[]."""

    kind: str = ""
    name: str = ""
    uid: str = ""
    api_version: str = ""
    controller: bool = False


class Meta(KubernetesObject, frozen=True):
    """metadata; times are RFC 3339 text as the API server sent them."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    owner_references: list[OwnerReference] = []
    finalizers: list[str] = []


class Condition(KubernetesObject, frozen=True):
    """One entry of status.conditions of a Pod, Node or workload."""

    type: str = ""
    status: str = ""
    reason: str = ""
    message: str = ""
    last_transition_time: str | None = None
    last_heartbeat_time: str | None = None


class Terminated(KubernetesObject, frozen=True):
    """state.terminated / lastState.terminated."""

    exit_code: int = 0
    reason: str = ""
    message: str = ""
    started_at: str | None = None
    finished_at: str | None = None


class Waiting(KubernetesObject, frozen=True):
    """state.waiting."""

    reason: str = ""
    message: str = ""


class Running(KubernetesObject, frozen=True):
    """state.running."""

    started_at: str | None = None


class ContainerState(KubernetesObject, frozen=True):
    """Exactly one of the three is set on a real object."""

    waiting: Waiting | None = None
    running: Running | None = None
    terminated: Terminated | None = None


class ContainerStatus(KubernetesObject, frozen=True):
    """status.containerStatuses[] / initContainerStatuses[]."""

    name: str = ""
    ready: bool = False
    restart_count: int = 0
    image: str = ""
    state: ContainerState = ContainerState()
    last_state: ContainerState = ContainerState()


class EnvVar(KubernetesObject, frozen=True):
    """spec.containers[].env[] (literal values only)."""

    name: str = ""
    value: str = ""


class ResourceRequirements(KubernetesObject, frozen=True):
    """spec.containers[].resources; quantities are text such as `256Mi` or `1`."""

    limits: dict[str, Any] = {}
    requests: dict[str, Any] = {}


class Container(KubernetesObject, frozen=True):
    """spec.containers[] / initContainers[]."""

    name: str = ""
    image: str = ""
    command: list[str] = []
    args: list[str] = []
    env: list[EnvVar] = []
    resources: ResourceRequirements = ResourceRequirements()


class PodIP(KubernetesObject, frozen=True):
    """status.podIPs[]."""

    ip: str = ""


class PodSpec(KubernetesObject, frozen=True):
    """spec of a Pod or of a pod template."""

    node_name: str = ""
    host_network: bool = False
    service_account_name: str = ""
    node_selector: dict[str, str] = {}
    containers: list[Container] = []
    init_containers: list[Container] = []


class PodStatus(KubernetesObject, frozen=True):
    """status of a Pod."""

    phase: str = ""
    reason: str = ""
    message: str = ""
    pod_ip: str = msgspec.field(default="", name="podIP")
    pod_ips: list[PodIP] = msgspec.field(default_factory=list, name="podIPs")
    host_ip: str = msgspec.field(default="", name="hostIP")
    start_time: str | None = None
    conditions: list[Condition] = []
    container_statuses: list[ContainerStatus] = []
    init_container_statuses: list[ContainerStatus] = []


class Pod(KubernetesObject, frozen=True):
    """v1 Pod."""

    metadata: Meta = Meta()
    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()


class Taint(KubernetesObject, frozen=True):
    """spec.taints[] of a Node."""

    key: str = ""
    value: str = ""
    effect: str = ""


class NodeSpec(KubernetesObject, frozen=True):
    """spec of a core Node."""

    provider_id: str = msgspec.field(default="", name="providerID")
    unschedulable: bool = False
    taints: list[Taint] = []


class NodeInfo(KubernetesObject, frozen=True):
    """status.nodeInfo of a core Node."""

    kernel_version: str = ""
    os_image: str = ""
    container_runtime_version: str = ""
    kubelet_version: str = ""
    architecture: str = ""
    operating_system: str = ""


class NodeStatus(KubernetesObject, frozen=True):
    """status of a core Node; quantities are text."""

    capacity: dict[str, Any] = {}
    allocatable: dict[str, Any] = {}
    conditions: list[Condition] = []
    node_info: NodeInfo = NodeInfo()


class Node(KubernetesObject, frozen=True):
    """v1 Node."""

    metadata: Meta = Meta()
    spec: NodeSpec = NodeSpec()
    status: NodeStatus = NodeStatus()


class Namespace(KubernetesObject, frozen=True):
    """v1 Namespace."""

    metadata: Meta = Meta()


class ConfigMap(KubernetesObject, frozen=True):
    """v1 ConfigMap."""

    metadata: Meta = Meta()
    data: dict[str, str] = {}


class PodTemplate(KubernetesObject, frozen=True):
    """spec.template of a workload."""

    metadata: Meta = Meta()
    spec: PodSpec = PodSpec()


class LabelSelector(KubernetesObject, frozen=True):
    """spec.selector of a workload (matchLabels only: Terway's own workloads use nothing else)."""

    match_labels: dict[str, str] = {}


class WorkloadSpec(KubernetesObject, frozen=True):
    """spec of DaemonSet, Deployment, ReplicaSet, StatefulSet or Job."""

    replicas: int | None = None
    selector: LabelSelector = LabelSelector()
    template: PodTemplate = PodTemplate()


class WorkloadStatus(KubernetesObject, frozen=True):
    """status of the same; a DaemonSet fills the `*_scheduled`/`number_*` half."""

    replicas: int = 0
    ready_replicas: int = 0
    available_replicas: int = 0
    desired_number_scheduled: int = 0
    current_number_scheduled: int = 0
    number_ready: int = 0
    number_available: int = 0
    number_unavailable: int = 0
    number_misscheduled: int = 0
    updated_number_scheduled: int = 0
    conditions: list[Condition] = []


class Workload(KubernetesObject, frozen=True):
    """apps/v1 DaemonSet, Deployment, ReplicaSet, StatefulSet; batch/v1 Job."""

    metadata: Meta = Meta()
    spec: WorkloadSpec = WorkloadSpec()
    status: WorkloadStatus = WorkloadStatus()


class LeaseSpec(KubernetesObject, frozen=True):
    """spec of a coordination.k8s.io/v1 Lease."""

    holder_identity: str = ""
    lease_duration_seconds: int = 0
    renew_time: str | None = None
    lease_transitions: int = 0


class Lease(KubernetesObject, frozen=True):
    """coordination.k8s.io/v1 Lease."""

    metadata: Meta = Meta()
    spec: LeaseSpec = LeaseSpec()


class CustomResourceDefinition(KubernetesObject, frozen=True):
    """apiextensions.k8s.io/v1; only its name and Terway's version annotation are read."""

    metadata: Meta = Meta()


class WebhookServiceRef(KubernetesObject, frozen=True):
    """clientConfig.service."""

    name: str = ""
    namespace: str = ""


class WebhookClientConfig(KubernetesObject, frozen=True):
    """webhooks[].clientConfig."""

    service: WebhookServiceRef | None = None
    url: str = ""


class Webhook(KubernetesObject, frozen=True):
    """webhooks[] of a webhook configuration."""

    name: str = ""
    failure_policy: str = ""
    client_config: WebhookClientConfig = WebhookClientConfig()


class WebhookConfiguration(KubernetesObject, frozen=True):
    """admissionregistration.k8s.io/v1 Mutating-/ValidatingWebhookConfiguration."""

    metadata: Meta = Meta()
    webhooks: list[Webhook] = []


class PolicyRule(KubernetesObject, frozen=True):
    """rules[] of a ClusterRole."""

    api_groups: list[str] = []
    resources: list[str] = []
    verbs: list[str] = []


class ClusterRole(KubernetesObject, frozen=True):
    """rbac.authorization.k8s.io/v1 ClusterRole."""

    metadata: Meta = Meta()
    rules: list[PolicyRule] = []


class ObjectReference(KubernetesObject, frozen=True):
    """involvedObject / related of an Event."""

    kind: str = ""
    namespace: str = ""
    name: str = ""
    uid: str = ""
    api_version: str = ""


class EventSource(KubernetesObject, frozen=True):
    """source of a classic Event."""

    component: str = ""
    host: str = ""


class EventSeries(KubernetesObject, frozen=True):
    """series of an events.k8s.io Event."""

    count: int = 0
    last_observed_time: str | None = None


class Event(KubernetesObject, frozen=True):
    """v1 Event; holds what either event API wrote (see `tools/event_groups.py`)."""

    metadata: Meta = Meta()
    involved_object: ObjectReference = ObjectReference()
    related: ObjectReference | None = None
    reason: str = ""
    message: str = ""
    type: str = ""
    action: str = ""
    count: int | None = None
    first_timestamp: str | None = None
    last_timestamp: str | None = None
    event_time: str | None = None
    series: EventSeries | None = None
    source: EventSource = EventSource()
    reporting_component: str = ""
    reporting_instance: str = ""


class Version(KubernetesObject, frozen=True):
    """GET /version."""

    git_version: str = ""
    platform: str = ""
