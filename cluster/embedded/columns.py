"""The columns of each resource in a Table: kubectl prints what the server chose, so these follow kube-apiserver."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Literal

import msgspec

from terway_mcp.cluster.bundle import KubeObject
from terway_mcp.cluster.embedded.ages import age
from terway_mcp.cluster.embedded.pod_cells import pod_cells
from terway_mcp.cluster.embedded.shape import mapping, number, objects, text
from terway_mcp.cluster.resources import (
    CONFIGMAPS,
    DAEMONSETS,
    DEPLOYMENTS,
    EVENTS,
    NAMESPACES,
    NETWORKINTERFACES,
    NODES,
    PODS,
    Resource,
)

Cell = Callable[[KubeObject, datetime], str | int]
_ROLE = "node-role.kubernetes.io/"


class Column(msgspec.Struct, frozen=True):
    """One column: `wide` ones show with `-o wide` only."""

    name: str
    cell: Cell
    wide: bool = False
    type: Literal["string", "integer"] = "string"


def columns_of(resource: Resource) -> tuple[Column, ...]:
    """The columns of a resource; name and age where nothing better is known."""
    core = EVENTS if resource.plural == EVENTS.plural else resource
    return _COLUMNS.get(core, (_NAME, _AGE))


def _path(name: str, path: str, *, wide: bool = False, empty: str = "") -> Column:
    steps = path.split(".")
    return Column(name, lambda item, _: text(item, *steps) or empty, wide)


def _count(name: str, path: str) -> Column:
    steps = path.split(".")
    return Column(name, lambda item, _: number(item, *steps), type="integer")


def _joined(pairs: Mapping[str, object]) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted(pairs.items())) or "<none>"


def _containers(name: str, field: str) -> Column:
    def cell(item: KubeObject, _: datetime) -> str:
        return ",".join(text(each, field) for each in objects(item, "spec", "template", "spec", "containers"))

    return Column(name, cell, wide=True)


def _selector(item: KubeObject, _: datetime) -> str:
    return _joined(mapping(item, "spec", "selector", "matchLabels"))


def _readiness_gates(item: KubeObject, _: datetime) -> str:
    gates = [text(gate, "conditionType") for gate in objects(item, "spec", "readinessGates")]
    conditions = objects(item, "status", "conditions")
    met = {text(each, "type") for each in conditions if text(each, "status") == "True"}
    return f"{sum(gate in met for gate in gates)}/{len(gates)}" if gates else "<none>"


def _ready_of_wanted(item: KubeObject, _: datetime) -> str:
    return f"{number(item, 'status', 'readyReplicas')}/{number(item, 'spec', 'replicas')}"


def _node_status(item: KubeObject, _: datetime) -> str:
    ready = [each for each in objects(item, "status", "conditions") if text(each, "type") == "Ready"]
    state = "Unknown" if not ready else "Ready" if text(ready[0], "status") == "True" else "NotReady"
    return f"{state},SchedulingDisabled" if text(item, "spec", "unschedulable") == "true" else state


def _node_roles(item: KubeObject, _: datetime) -> str:
    labels = mapping(item, "metadata", "labels")
    roles = [name.removeprefix(_ROLE) for name in labels if name.startswith(_ROLE)]
    roles += [str(labels["kubernetes.io/role"])] if labels.get("kubernetes.io/role") else []
    return ",".join(sorted(role for role in roles if role)) or "<none>"


def _address(kind: str) -> Cell:
    def cell(item: KubeObject, _: datetime) -> str:
        known = objects(item, "status", "addresses")
        return next((text(each, "address") for each in known if text(each, "type") == kind), "<none>")

    return cell


def _first_seen(item: KubeObject, now: datetime) -> str:
    return age(text(item, "firstTimestamp") or text(item, "eventTime"), now)


def _last_seen(item: KubeObject, now: datetime) -> str:
    last = text(item, "series", "lastObservedTime") or text(item, "lastTimestamp")
    return age(last, now) if last else _first_seen(item, now)


def _event_object(item: KubeObject, _: datetime) -> str:
    kind, name = text(item, "involvedObject", "kind").lower(), text(item, "involvedObject", "name")
    return f"{kind}/{name}" if name else kind


def _event_source(item: KubeObject, _: datetime) -> str:
    component = text(item, "source", "component") or text(item, "reportingComponent")
    host = text(item, "source", "host")
    return f"{component}, {host}" if host else component


_NAME = _path("Name", "metadata.name")
_AGE = Column("Age", lambda item, now: age(text(item, "metadata", "creationTimestamp"), now))
_TEMPLATE = (
    _containers("Containers", "name"),
    _containers("Images", "image"),
    Column("Selector", _selector, wide=True),
)

_COLUMNS: Mapping[Resource, tuple[Column, ...]] = {
    PODS: (
        _NAME,
        Column("Ready", lambda item, now: pod_cells(item, now).ready),
        Column("Status", lambda item, now: pod_cells(item, now).status),
        Column("Restarts", lambda item, now: pod_cells(item, now).restarts),
        _AGE,
        _path("IP", "status.podIP", wide=True, empty="<none>"),
        _path("Node", "spec.nodeName", wide=True, empty="<none>"),
        _path("Nominated Node", "status.nominatedNodeName", wide=True, empty="<none>"),
        Column("Readiness Gates", _readiness_gates, wide=True),
    ),
    NODES: (
        _NAME,
        Column("Status", _node_status),
        Column("Roles", _node_roles),
        _AGE,
        _path("Version", "status.nodeInfo.kubeletVersion"),
        Column("Internal-IP", _address("InternalIP"), wide=True),
        Column("External-IP", _address("ExternalIP"), wide=True),
        _path("OS-Image", "status.nodeInfo.osImage", wide=True, empty="<unknown>"),
        _path("Kernel-Version", "status.nodeInfo.kernelVersion", wide=True, empty="<unknown>"),
        _path("Container-Runtime", "status.nodeInfo.containerRuntimeVersion", wide=True, empty="<unknown>"),
    ),
    EVENTS: (
        Column("Last Seen", _last_seen),
        _path("Type", "type"),
        _path("Reason", "reason"),
        Column("Object", _event_object),
        _path("Subobject", "involvedObject.fieldPath", wide=True),
        Column("Source", _event_source, wide=True),
        Column("Message", lambda item, _: text(item, "message").strip()),
        Column("First Seen", _first_seen, wide=True),
        Column("Count", lambda item, _: number(item, "series", "count") or number(item, "count") or 1, wide=True),
        _path("Name", "metadata.name", wide=True),
    ),
    DAEMONSETS: (
        _NAME,
        _count("Desired", "status.desiredNumberScheduled"),
        _count("Current", "status.currentNumberScheduled"),
        _count("Ready", "status.numberReady"),
        _count("Up-to-date", "status.updatedNumberScheduled"),
        _count("Available", "status.numberAvailable"),
        Column("Node Selector", lambda item, _: _joined(mapping(item, "spec", "template", "spec", "nodeSelector"))),
        _AGE,
        *_TEMPLATE,
    ),
    DEPLOYMENTS: (
        _NAME,
        Column("Ready", _ready_of_wanted),
        _count("Up-to-date", "status.updatedReplicas"),
        _count("Available", "status.availableReplicas"),
        _AGE,
        *_TEMPLATE,
    ),
    CONFIGMAPS: (
        _NAME,
        Column("Data", lambda item, _: len(mapping(item, "data")) + len(mapping(item, "binaryData")), type="integer"),
        _AGE,
    ),
    NAMESPACES: (_NAME, _path("Status", "status.phase"), _AGE),
    NETWORKINTERFACES: (
        _NAME,
        _path("Phase", "status.phase"),
        _path("InstanceID", "status.instanceID"),
        _path("TrunkENIID", "status.trunkENIID"),
        _path("NodeName", "status.nodeName"),
        _path("PodNamespace", "spec.podENIRef.namespace"),
        _path("PodName", "spec.podENIRef.name"),
        _path("Type", "status.eniInfo.type"),
    ),
}
