"""A captured cluster, told in sentences: nodes, workloads, what was seen of them and what could not be read.

cluster = ClusterBuilder(world, "vswitch-exhausted", Terway(release="v1.17.2"))
cluster.node(world.node(21), zone="h").deployment("shop", "web", creating={world.node(21): 12})
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Network
from pathlib import Path
from typing import Literal, Self, TypedDict, Unpack

import msgspec

from .. import resources
from ..resources import Resource
from . import archive, capture, pod_enis, releases, terway_pods
from .accounting import NodeModel, VSwitch, ipv6_of
from .instances import INSTANCE_TYPES
from .plots import Plots
from .pod_enis import OwnEni
from .pods import Container, Owner, Pod, running, waiting
from .profile import Json, Terway
from .world import World

_COLLECTOR = 'User "system:serviceaccount:ops:collector"'


class NodeDetails(TypedDict, total=False):
    """What a node may differ in from a healthy one; see `NodeModel`."""

    prefix_mode: bool
    dual_stack: bool
    exclusive: bool
    idle: int
    serving: bool
    ready: bool
    not_ready_message: str
    sufficient_ip: bool | None
    labels: dict[str, str]
    annotations: dict[str, str]
    capacity: dict[str, str]
    taints: list[Json]
    kernel: str
    os_image: str
    provider_id: str | None
    custom_resource: Literal["full", "capabilities", "absent"]
    runtime: bool


class PodDetails(TypedDict, total=False):
    """What a pod may differ in from a plain one; see `Pod`."""

    ips: tuple[str, ...]
    host_network: bool
    labels: dict[str, str]
    annotations: dict[str, str]
    owner: Owner | None
    service_account: str
    node_selector: dict[str, str]
    unschedulable: str
    deleted: datetime | None


@dataclass
class Workload:
    """A Deployment or StatefulSet and how many pods it wants."""

    kind: Literal["Deployment", "StatefulSet"]
    namespace: str
    name: str
    image: str
    wanted: int
    labels: dict[str, str]
    annotations: dict[str, str]


class ClusterBuilder(Plots):
    """Holds a whole captured cluster; every method returns the builder, `write` makes the capture."""

    def __init__(self, world: World, name: str, terway: Terway | None = None) -> None:
        super().__init__(world, terway or Terway())
        self.name = name
        self.vswitches: dict[str, VSwitch] = {}
        self.namespaces: dict[str, dict[str, str]] = {"default": {}, "kube-system": {}}
        self.workloads: dict[tuple[str, str], Workload] = {}
        self.objects: list[tuple[Resource, Json]] = []
        self.replaced_config: dict[str, dict[str, str] | None] = {}
        self.conf_changes: Json = {}
        self.conf_text: str | None = None
        self.changes: list[tuple[Resource, str, str, Json]] = []
        self.forbidden: dict[str, str] = {}
        self.omitted: set[str] = set()
        self.unreadable_logs: dict[tuple[str, str, str], str] = {}
        self.lease_age = 4.0

    # The cloud.

    def vswitch(self, name: str) -> VSwitch:
        """The vSwitch called `name`, whose first letter is its zone."""
        if name not in self.vswitches:
            second = self.world.variation.subnet.split(".")[1]
            base = IPv4Network(f"10.{second}.{64 + 8 * len(self.vswitches)}.0/21")
            self.vswitches[name] = VSwitch(self.world.vswitch(name), self.world.zone(name[0]), base)
        return self.vswitches[name]

    # Nodes.

    def node(
        self,
        name: str,
        zone: str = "h",
        kind: str = "ecs.g7.xlarge",
        age_days: float = 40,
        **details: Unpack[NodeDetails],
    ) -> Self:
        """A node with a healthy Terway pod on it."""
        settings = {"dual_stack": self.terway.ip_stack == "dual", "prefix_mode": self.terway.prefixes > 0, **details}
        if not self.terway.centralized:
            settings.setdefault("custom_resource", "capabilities" if self.terway.controlplane != "absent" else "absent")
        if not releases.at_least(self.terway.release, "v1.6.0"):
            settings.setdefault("sufficient_ip", None)
        if details.get("sufficient_ip", True) is False:
            settings.setdefault("serving", False)
        model = NodeModel(
            name=name,
            ip=self.node_address(name),
            zone=self.world.zone(zone),
            kind=INSTANCE_TYPES[kind],
            instance=self.world.instance(name),
            vswitch=self.vswitch(zone),
            created=self.world.ago(days=age_days),
        )
        for field, value in settings.items():
            setattr(model, field, value)
        self.nodes[name] = model
        self._put(terway_pods.daemon_pod(self.world, self.terway, model))
        if self.terway.controlplane == "deployed" and len(self.nodes) <= 2 and model.ready:
            self._put(terway_pods.controlplane_pod(self.world, self.terway, model, len(self.nodes) - 1))
        return self

    def node_address(self, name: str) -> str:
        """The InternalIP of a node called after it."""
        return name.partition(".")[2]

    def terway_pod(self, node: str) -> Pod:
        """The Terway pod on a node."""
        return self.pods["kube-system", self.world.daemon_pod(self.terway.daemonset, node)]

    def terway_containers(self, node: str, *new: Container) -> Self:
        """Some containers of the Terway pod on a node are in another state."""
        pod = self.terway_pod(node)
        pod.containers = terway_pods.replaced(pod.containers, *new)
        return self

    def without_terway_pod(self, node: str) -> Self:
        """No Terway pod was ever created on a node."""
        del self.pods["kube-system", self.world.daemon_pod(self.terway.daemonset, node)]
        return self

    # Workloads.

    def namespace(self, name: str, labels: dict[str, str]) -> Self:
        """A namespace and its labels; those without labels come by themselves, with their pods."""
        self.namespaces.setdefault(name, {}).update(labels)
        return self

    def deployment(
        self,
        namespace: str,
        app: str,
        *,
        running: Mapping[str, int] | None = None,
        creating: Mapping[str, int] | None = None,
        since: datetime | None = None,
    ) -> Self:
        """A Deployment by how many of its pods run, and how many hang in ContainerCreating, on which nodes.

        Waiting pods come first: `world.replica(app, 0)` is one of them if there are any.
        """
        wanted = [(node, False) for node, count in (creating or {}).items() for _ in range(count)]
        wanted += [(node, True) for node, count in (running or {}).items() for _ in range(count)]
        started = since or self.world.ago(days=2)
        for index, (node, up) in enumerate(wanted):
            name = self.world.replica(app, index)
            containers = [self.app_container(app, started, up=up)]
            self.pod(namespace, name, node, containers, started, owner=self.replica_set_of(namespace, app))
        self.workloads[namespace, app] = Workload(
            "Deployment", namespace, app, self.app_image(app), len(wanted), {"app": app}, {}
        )
        return self

    def stateful_set(self, namespace: str, app: str, wanted: int, annotations: dict[str, str] | None = None) -> Self:
        """A StatefulSet that wants some pods; its pods are told one by one with `pod`."""
        self.namespaces.setdefault(namespace, {})
        image = self.app_image(app)
        self.workloads[namespace, app] = Workload(
            "StatefulSet", namespace, app, image, wanted, {"app": app}, annotations or {}
        )
        return self

    def replica_set_of(self, namespace: str, app: str) -> Owner:
        """The ReplicaSet that owns a Deployment's pods."""
        name = f"{app}-{self.world.ids.template_hash(app)}"
        return Owner("ReplicaSet", name, self.world.ids.uid("replicaset", namespace, name))

    def app_image(self, app: str) -> str:
        """The image of an application."""
        return f"registry-vpc.{self.world.region}.aliyuncs.com/apps/{app}:2.4.1"

    def app_container(self, app: str, since: datetime, *, up: bool = True) -> Container:
        """The container of an application: running, or not created yet."""
        return Container(app, self.app_image(app), running(since) if up else waiting("ContainerCreating"))

    def pod(
        self,
        namespace: str,
        name: str,
        node: str,
        containers: Sequence[Container],
        created: datetime,
        **details: Unpack[PodDetails],
    ) -> Self:
        """One pod. It gets an address as soon as any of its containers got beyond ContainerCreating."""
        uid = self.world.ids.uid("pod", namespace, name)
        pod = Pod(namespace=namespace, name=name, uid=uid, created=created, containers=list(containers), node=node)
        pod.resource_version = str(600_000 + self.world.ids.number("rv", namespace, name) % 300_000)
        pod.labels = {"app": pod.main_containers[0].name}
        for field, value in details.items():
            setattr(pod, field, value)
        if node:
            pod.host_ip = self.nodes[node].ip
            if not pod.ips and _has_sandbox(pod):
                pod.ips = self._addresses(pod)
        self.namespaces.setdefault(namespace, {})
        return self._put(pod)

    def _addresses(self, pod: Pod) -> tuple[str, ...]:
        node = self.nodes[pod.node]
        if pod.host_network:
            return (node.ip,)
        slot = node.assign(self.world, pod.key, pod.uid)
        return (slot.ip, ipv6_of(slot.ip)) if node.dual_stack else (slot.ip,)

    def _put(self, pod: Pod) -> Self:
        self.pods[pod.namespace, pod.name] = pod
        return self

    # Configuration and other objects.

    def eni_conf(self, **changes: object) -> Self:
        """Keys of eni_conf that differ; None removes a key."""
        self.conf_changes |= changes
        return self

    def eni_conf_text(self, text: str) -> Self:
        """eni_conf exactly as written, valid or not."""
        self.conf_text = text
        return self

    def config_map(self, name: str, data: dict[str, str] | None) -> Self:
        """A ConfigMap in kube-system with other data; None: it does not exist."""
        self.replaced_config[name] = data
        return self

    def has(self, resource: Resource, *objects: Json) -> Self:
        """More objects, as the API would show them."""
        self.objects += [(resource, each) for each in objects]
        return self

    def change(self, resource: Resource, name: str, patch: Json, namespace: str = "") -> Self:
        """A merge patch on an object of the finished capture (null removes a key)."""
        self.changes.append((resource, namespace, name, patch))
        return self

    def pod_eni(self, own: OwnEni) -> Self:
        """The PodENI of a pod and, in releases that have it, the NetworkInterface behind it."""
        self.has(resources.PODENIS, pod_enis.pod_eni(self.world, own))
        if releases.at_least(self.terway.release, "v1.16.0"):
            self.has(resources.NETWORKINTERFACES, pod_enis.network_interface(self.world, own))
        return self

    # What the capture lacks.

    def forbid(self, resource: Resource, why: str = "") -> Self:
        """The collector was not allowed to list a resource: its errors file says so."""
        text = f'{resource.qualified_name} is forbidden: {_COLLECTOR} cannot list resource "{resource.plural}"'
        scope = "at the cluster scope"
        self.forbidden[resource.bundle] = why or f'{text} in API group "{resource.group}" {scope}'
        return self

    def omit(self, resource: Resource) -> Self:
        """The collector did not ask for a resource at all."""
        self.omitted.add(resource.bundle)
        return self

    def forbid_log(self, namespace: str, pod: str, container: str) -> Self:
        """The collector was not allowed to read a container's log."""
        text = f'pods "{pod}" is forbidden: {_COLLECTOR} cannot get resource "pods/log" in API group ""'
        self.unreadable_logs[namespace, pod, container] = f'{text} in the namespace "{namespace}"'
        return self

    def controlplane_lease_renewed(self, seconds_ago: float) -> Self:
        """How long ago the controlplane's leader last renewed its lease."""
        self.lease_age = seconds_ago
        return self

    # The capture.

    def write(self, path: Path) -> Path:
        """The capture as a directory or, if the path ends in .tar.gz, as an archive with the same bytes every time."""
        return archive.write(path, f"terway-mcp-{self.name}", self.files())

    def files(self) -> dict[str, bytes]:
        """The files of the capture by their path inside it."""
        return capture.files(self)


def _has_sandbox(pod: Pod) -> bool:
    if pod.host_network:
        return True
    states = msgspec.json.encode([each.state for each in pod.containers]).decode()
    return any(word in states for word in ("running", "terminated", "BackOff", "ErrImagePull"))
