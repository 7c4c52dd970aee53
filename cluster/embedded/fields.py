"""Which fields each resource can be selected by, and their values: the lists are those of kube-apiserver 1.36."""

from collections.abc import Callable, Mapping

from terway_mcp.cluster.bundle import KubeObject
from terway_mcp.cluster.embedded.shape import objects, text
from terway_mcp.cluster.resources import EVENTS, JOBS, NAMESPACES, NODES, PODS, REPLICASETS, SERVICES, Resource

Field = Callable[[KubeObject], str]


def _at(path: str) -> Field:
    steps = path.split(".")
    return lambda item: text(item, *steps)


def _flag(path: str) -> Field:
    steps = path.split(".")
    return lambda item: text(item, *steps) or "false"


def _pod_ips(item: KubeObject) -> list[str]:
    return [text(entry, "ip") for entry in objects(item, "status", "podIPs")] or [text(item, "status", "podIP")]


def _event_source(item: KubeObject) -> str:
    return text(item, "source", "component") or text(item, "reportingComponent")


_COMMON: Mapping[str, Field] = {path: _at(path) for path in ("metadata.name", "metadata.namespace")}
_INVOLVED = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")

_SPECIFIC: Mapping[Resource, Mapping[str, Field]] = {
    PODS: {
        "spec.nodeName": _at("spec.nodeName"),
        "spec.restartPolicy": _at("spec.restartPolicy"),
        "spec.schedulerName": _at("spec.schedulerName"),
        "spec.serviceAccountName": _at("spec.serviceAccountName"),
        "spec.hostNetwork": _flag("spec.hostNetwork"),
        "status.phase": _at("status.phase"),
        "status.podIP": lambda item: _pod_ips(item)[0],
        "status.podIPs": lambda item: ",".join(_pod_ips(item)),
        "status.nominatedNodeName": _at("status.nominatedNodeName"),
    },
    EVENTS: {
        **{f"involvedObject.{name}": _at(f"involvedObject.{name}") for name in _INVOLVED},
        "reason": _at("reason"),
        "reportingComponent": _at("reportingComponent"),
        "source": _event_source,
        "type": _at("type"),
    },
    NODES: {"spec.unschedulable": _flag("spec.unschedulable")},
    NAMESPACES: {"status.phase": _at("status.phase")},
    SERVICES: {"spec.clusterIP": _at("spec.clusterIP"), "spec.type": _at("spec.type")},
    REPLICASETS: {"status.replicas": _at("status.replicas")},
    JOBS: {"status.successful": _at("status.succeeded")},
}

_REGARDING: Mapping[str, Field] = {
    **{f"regarding.{name}": _at(f"involvedObject.{name}") for name in _INVOLVED},
    "reason": _at("reason"),
    "reportingController": _at("reportingComponent"),
    "type": _at("type"),
}
"""Fields of events.k8s.io/v1; they are looked up in the core/v1 object that is stored."""


def selectable(resource: Resource) -> Mapping[str, Field]:
    """Fields of a resource by the name a field selector uses."""
    if resource.plural == "events" and resource.group:
        return {**_COMMON, **_REGARDING}
    return {**_COMMON, **_SPECIFIC.get(resource, {})}


def refusal(resource: Resource, field: str) -> str | None:
    """What an API server says about a field it cannot select this resource by; None when it can."""
    known = selectable(resource)
    if field in known:
        return None
    if resource in _SPECIFIC or resource.is_custom or resource.plural == "events":
        return f"field label not supported: {field}"
    return f'"{field}" is not a known field selector: only "metadata.name", "metadata.namespace"'
