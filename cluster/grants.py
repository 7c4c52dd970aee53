"""The table of reads: what the tools ask an API server for, and therefore all that RBAC must grant.

`deploy/rbac.yaml` and `terway-mcp rbac` are generated from it, and a test runs every tool against an API server that
denies everything else.
"""

from typing import Any

import msgspec

from terway_mcp.cluster.resources import (
    CLUSTERROLES,
    CONFIGMAPS,
    CRDS,
    DAEMONSETS,
    DEPLOYMENTS,
    EVENTS,
    JOBS,
    LEASES,
    MUTATING_WEBHOOKS,
    NAMESPACES,
    NETWORKINTERFACES,
    NODE_CRS,
    NODERUNTIMES,
    NODES,
    PODENIS,
    PODNETWORKINGS,
    PODS,
    REPLICASETS,
    SERVICES,
    STATEFULSETS,
    VALIDATING_WEBHOOKS,
    Resource,
)

_SYSTEM = "kube-system"
_WORKLOADS = (DEPLOYMENTS, REPLICASETS, STATEFULSETS, DAEMONSETS)
_NAME = "terway-mcp"
CONFIGMAP_NAMES = ("eni-config", "terway-controlplane", "ack-cluster-profile", "kube-proxy-worker", "kube-proxy")


class Grant(msgspec.Struct, frozen=True):
    """One permission: verbs on a resource, in one namespace or (`namespace` "") everywhere, on some names or all."""

    resource: Resource
    verbs: tuple[str, ...]
    namespace: str = ""
    names: tuple[str, ...] = ()
    subresource: str = ""
    why: str = ""

    def allows(self, verb: str, plural: str, group: str, namespace: str | None, name: str | None) -> bool:
        """Whether it covers a request as RBAC sees it; `plural` may carry a subresource (`pods/log`)."""
        resource = f"{self.resource.plural}/{self.subresource}" if self.subresource else self.resource.plural
        return (
            verb in self.verbs
            and (plural, group) == (resource, self.resource.group)
            and self.namespace in ("", namespace)
            and (not self.names or name in self.names)
        )


def grants(configmaps: tuple[str, ...] = ()) -> tuple[Grant, ...]:
    """Everything the tools read.

    Args:
        configmaps: names of dynamic node configurations (label `terway-config`), which only the cluster knows.
    """
    return (
        Grant(PODS, ("get", "list"), why="pods of a node, the pod asked about, Terway's own pods"),
        Grant(NODES, ("get", "list"), why="conditions, labels and annotations; list for names, and what nodes offer"),
        Grant(NAMESPACES, ("get", "list"), why="the label that exempts a namespace; list only completes names"),
        Grant(EVENTS, ("list",), why="events of targets, and recent warnings"),
        *(Grant(kind, ("get",), why="status of a workload asked about by name") for kind in _WORKLOADS),
        Grant(NODE_CRS, ("get",), why="ENI and IP accounting"),
        Grant(NODERUNTIMES, ("get",), why="what keeps addresses from being released"),
        Grant(NETWORKINTERFACES, ("get",), why="the attach state of a pod's ENI"),
        Grant(PODNETWORKINGS, ("get", "list"), why="which configuration a pod should have been given"),
        Grant(PODENIS, ("get",), why="the ENI of a pod"),
        Grant(MUTATING_WEBHOOKS, ("get",), names=("terway-controlplane",), why="whether the webhook may be ignored"),
        Grant(CLUSTERROLES, ("get",), names=("terway", "terway-controlplane"), why="whether Terway may write events"),
        Grant(CONFIGMAPS, ("get",), _SYSTEM, (*CONFIGMAP_NAMES, *configmaps), why="Terway's configuration, by name"),
        Grant(DAEMONSETS, ("list",), _SYSTEM, why="version and health of the daemon"),
        Grant(DEPLOYMENTS, ("get",), _SYSTEM, ("terway-controlplane",), why="health of the controlplane"),
        Grant(LEASES, ("get",), _SYSTEM, ("terway-controlplane",), why="who leads, and whether anybody does"),
        Grant(PODS, ("get",), _SYSTEM, subresource="log", why="logs, only where Terway runs"),
    )


def capture_grants() -> tuple[Grant, ...]:
    """Everything `terway-mcp capture` reads, whichever namespaces it is asked for: lists, because it keeps all of them.

    What it asks for by name is a list with a field selector, which RBAC grants by that name too.
    """
    lists = (
        PODS, EVENTS, NODES, NAMESPACES, CRDS, MUTATING_WEBHOOKS, VALIDATING_WEBHOOKS, *_WORKLOADS, JOBS,
        NODE_CRS, NODERUNTIMES, NETWORKINTERFACES, PODNETWORKINGS, PODENIS,
    )  # fmt: skip
    return (
        *(Grant(kind, ("list",), why="kept in the bundle") for kind in lists),
        Grant(CLUSTERROLES, ("list",), names=("terway", "terway-controlplane"), why="whether Terway may write events"),
        Grant(CONFIGMAPS, ("list",), _SYSTEM, CONFIGMAP_NAMES, why="Terway's configuration, by name"),
        Grant(LEASES, ("list",), _SYSTEM, ("terway-controlplane",), why="who leads, and whether anybody does"),
        Grant(SERVICES, ("list",), _SYSTEM, why="kept in the bundle"),
        Grant(PODS, ("get",), _SYSTEM, subresource="log", why="logs, only where Terway runs"),
    )


def manifests(table: tuple[Grant, ...], *, namespace: str = _SYSTEM) -> list[dict[str, Any]]:
    """ServiceAccount, ClusterRole, Role and their bindings as Kubernetes objects."""
    subject = [{"kind": "ServiceAccount", "name": _NAME, "namespace": namespace}]
    cluster = [grant for grant in table if not grant.namespace]
    system = [grant for grant in table if grant.namespace]
    api = "rbac.authorization.k8s.io"

    def binding(kind: str, role: str, place: dict[str, str]) -> dict[str, Any]:
        reference = {"apiGroup": api, "kind": role, "name": _NAME}
        metadata = {"name": _NAME, **place}
        return {
            "apiVersion": f"{api}/v1", "kind": kind, "metadata": metadata, "roleRef": reference, "subjects": subject,
        }  # fmt: skip

    def role(kind: str, rules: list[Grant], place: dict[str, str]) -> dict[str, Any]:
        metadata = {"name": _NAME, **place}
        return {
            "apiVersion": f"{api}/v1", "kind": kind, "metadata": metadata, "rules": [_rule(grant) for grant in rules],
        }  # fmt: skip

    inside = {"namespace": _SYSTEM}
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": _NAME, "namespace": namespace}},
        role("ClusterRole", cluster, {}),
        binding("ClusterRoleBinding", "ClusterRole", {}),
        role("Role", system, inside),
        binding("RoleBinding", "Role", inside),
    ]


def _rule(grant: Grant) -> dict[str, Any]:
    resource = f"{grant.resource.plural}/{grant.subresource}" if grant.subresource else grant.resource.plural
    rule: dict[str, Any] = {"apiGroups": [grant.resource.group], "resources": [resource], "verbs": [*grant.verbs]}
    if grant.names:
        rule["resourceNames"] = [*grant.names]
    return rule
