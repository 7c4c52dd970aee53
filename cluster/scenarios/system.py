"""The cluster-wide objects around Terway: workloads' controllers, leases, CRDs, webhooks, namespaces, services."""

from datetime import datetime

from . import releases
from .clock import micros, seconds
from .profile import Json, Terway
from .world import World

CRDS: dict[str, tuple[str, str, str, str]] = {
    "nodes": ("Node", "Cluster", "v0.10.0", "v1.9.6"),
    "noderuntimes": ("NodeRuntime", "Cluster", "v0.1.0", "v1.11.5"),
    "networkinterfaces": ("NetworkInterface", "Cluster", "v0.1.0", "v1.14.1"),
    "podnetworkings": ("PodNetworking", "Cluster", "v0.1.0", "v1.1.0"),
    "podenis": ("PodENI", "Namespaced", "v0.4.2", "v1.1.0"),
}
"""Terway's resources: kind, scope, the version Terway notes on the CRD and the first release that has it."""

_GROUP = "network.alibabacloud.com"


def crds_of(terway: Terway) -> list[str]:
    """The plurals of the resources a release installs; none without its controlplane."""
    if terway.controlplane == "absent":
        return []
    return [plural for plural, (*_, since) in CRDS.items() if releases.at_least(terway.release, since)]


def _metadata(world: World, kind: str, name: str, namespace: str, created: datetime) -> Json:
    return {
        "name": name,
        **({"namespace": namespace} if namespace else {}),
        "uid": world.ids.uid(kind, namespace, name),
        "resourceVersion": str(1_000 + world.ids.number("rv", kind, namespace, name) % 800_000),
        "creationTimestamp": seconds(created),
    }


def namespace(world: World, name: str, labels: dict[str, str]) -> Json:
    """A namespace."""
    metadata = _metadata(world, "namespace", name, "", world.ago(days=200))
    metadata["labels"] = {"kubernetes.io/metadata.name": name, **labels}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata, "status": {"phase": "Active"}}


def daemon_set(world: World, name: str, image: str, counts: tuple[int, int], terway: Terway | None = None) -> Json:
    """A DaemonSet in kube-system; `counts` are the nodes that want it and those where it is ready."""
    wanted, ready = counts
    containers: list[Json] = [{"name": "terway" if terway else name, "image": image}]
    pod: Json = {"hostNetwork": True, "serviceAccountName": "terway" if terway else name, "containers": containers}
    pod["tolerations"] = [{"operator": "Exists"}]
    if terway:
        command = ["/usr/bin/terwayd", "-log-level", "info", "-daemon-mode", terway.daemon_mode]
        resources = {"limits": {"cpu": "100m", "memory": "256Mi"}, "requests": {"cpu": "100m", "memory": "100Mi"}}
        containers[0] |= {"command": command, "resources": resources}
        pod["initContainers"] = [{"name": "terway-init", "image": image, "command": ["/bin/init.sh"]}]
        if terway.policy:
            containers.append({"name": "policy", "image": image, "command": ["/bin/policyinit.sh"]})
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": _metadata(world, "daemonset", name, "kube-system", world.ago(days=180)) | {"generation": 3},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": pod},
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "20%", "maxSurge": 0}},
        },
        "status": {
            "currentNumberScheduled": wanted,
            "desiredNumberScheduled": wanted,
            "numberMisscheduled": 0,
            "numberReady": ready,
            "numberAvailable": ready,
            "numberUnavailable": wanted - ready,
            "updatedNumberScheduled": wanted,
            "observedGeneration": 3,
        },
    }


def deployment(world: World, key: tuple[str, str], image: str, counts: tuple[int, int], labels: dict[str, str]) -> Json:
    """A Deployment; `key` is namespace and name, `counts` are wanted and ready replicas."""
    (home, name), (wanted, ready) = key, counts
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": name, "image": image}]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": _metadata(world, "deployment", name, home, world.ago(days=90))
        | {"generation": 4, "labels": labels},
        "spec": {"replicas": wanted, "selector": {"matchLabels": labels}, "template": template},
        "status": {
            "observedGeneration": 4,
            "replicas": wanted,
            "updatedReplicas": wanted,
            "readyReplicas": ready,
            "availableReplicas": ready,
            **({"unavailableReplicas": wanted - ready} if wanted > ready else {}),
        },
    }


def replica_set(world: World, key: tuple[str, str], owner: tuple[str, str], counts: tuple[int, int]) -> Json:
    """A ReplicaSet of a Deployment; `key` is namespace and name, `owner` the Deployment's name and uid."""
    (home, name), (owner_name, owner_uid), (wanted, ready) = key, owner, counts
    metadata = _metadata(world, "replicaset", name, home, world.ago(days=2))
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": owner_name, "uid": owner_uid}
    metadata["ownerReferences"] = [{**reference, "controller": True, "blockOwnerDeletion": True}]
    metadata["labels"] = {"app": owner_name}
    status = {"replicas": wanted, "readyReplicas": ready, "availableReplicas": ready, "observedGeneration": 1}
    spec = {"replicas": wanted, "selector": {"matchLabels": {"app": owner_name}}}
    return {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": metadata, "spec": spec, "status": status}


def stateful_set(world: World, key: tuple[str, str], counts: tuple[int, int], annotations: dict[str, str]) -> Json:
    """A StatefulSet; `annotations` are those of its pod template."""
    (home, name), (wanted, ready) = key, counts
    template = {"metadata": {"labels": {"app": name}, "annotations": annotations}}
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": _metadata(world, "statefulset", name, home, world.ago(hours=3)),
        "spec": {
            "replicas": wanted,
            "serviceName": name,
            "selector": {"matchLabels": {"app": name}},
            "template": template,
        },
        "status": {"replicas": ready, "readyReplicas": ready, "currentReplicas": ready, "observedGeneration": 1},
    }


def service(world: World, key: tuple[str, str], labels: dict[str, str], cluster_ip: str) -> Json:
    """A ClusterIP Service selecting by labels."""
    home, name = key
    spec: Json = {
        "type": "ClusterIP",
        "clusterIP": cluster_ip,
        "ports": [{"port": 443, "targetPort": 4443, "protocol": "TCP"}],
    }
    if labels:
        spec["selector"] = labels
    metadata = _metadata(world, "service", name, home, world.ago(days=90))
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec, "status": {"loadBalancer": {}}}


def lease(world: World, key: tuple[str, str], holder: str, renewed: datetime) -> Json:
    """A Lease and when it was last renewed."""
    home, name = key
    spec: Json = {
        "holderIdentity": holder,
        "leaseDurationSeconds": 15,
        "acquireTime": micros(world.ago(days=3)),
        "renewTime": micros(renewed),
        "leaseTransitions": 2,
    }
    metadata = _metadata(world, "lease", name, home, world.ago(days=180))
    return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}


def crd(world: World, plural: str) -> Json:
    """One of Terway's CustomResourceDefinitions, without its schema."""
    kind, scope, version, _ = CRDS[plural]
    metadata = _metadata(world, "crd", f"{plural}.{_GROUP}", "", world.ago(days=180))
    metadata["annotations"] = {"crd.network.alibabacloud.com/version": version}
    names = {"kind": kind, "listKind": f"{kind}List", "plural": plural, "singular": kind.lower()}
    served = {"name": "v1beta1", "served": True, "storage": True, "subresources": {"status": {}}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": metadata,
        "spec": {"group": _GROUP, "names": names, "scope": scope, "versions": [served]},
        "status": {"conditions": [{"type": "Established", "status": "True", "reason": "InitialNamesAccepted"}]},
    }


def webhooks(world: World) -> tuple[Json, Json]:
    """Terway's mutating (failures ignored) and validating (failures refused) webhook configurations."""

    def configuration(kind: str, hook: str, policy: str) -> Json:
        target = {
            "namespace": "kube-system",
            "name": "terway-controlplane",
            "path": f"/{hook.split('.')[1]}",
            "port": 443,
        }
        rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"], "scope": "*"}
        webhook: Json = {"name": hook, "failurePolicy": policy, "clientConfig": {"service": target}, "rules": [rule]}
        webhook |= {"timeoutSeconds": 10, "sideEffects": "None", "admissionReviewVersions": ["v1"]}
        metadata = _metadata(world, kind, "terway-controlplane", "", world.ago(days=180))
        api = "admissionregistration.k8s.io/v1"
        return {"apiVersion": api, "kind": kind, "metadata": metadata, "webhooks": [webhook]}

    return (
        configuration("MutatingWebhookConfiguration", "terway.mutating.k8s.io", "Ignore"),
        configuration("ValidatingWebhookConfiguration", "terway.validate.k8s.io", "Fail"),
    )


def cluster_role(world: World, name: str, *, new_events: bool) -> Json:
    """Terway's ClusterRole; without `new_events` it may write core events only."""
    writing = ["create", "patch", "update"]
    rules: list[Json] = [
        {
            "apiGroups": [""],
            "resources": ["pods", "nodes", "namespaces", "configmaps"],
            "verbs": ["get", "list", "watch"],
        },
        {"apiGroups": [""], "resources": ["events"], "verbs": writing},
        {"apiGroups": [_GROUP], "resources": ["*"], "verbs": ["*"]},
        {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["get", "create", "update"]},
    ]
    if new_events:
        rules.append({"apiGroups": ["events.k8s.io"], "resources": ["events"], "verbs": writing})
    metadata = _metadata(world, "clusterrole", name, "", world.ago(days=180))
    return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": metadata, "rules": rules}


def version(git_version: str) -> Json:
    """`cluster-info/cluster_version.json` as Troubleshoot writes it."""
    major, minor = git_version.removeprefix("v").split(".")[:2]
    info = {
        "major": major,
        "minor": f"{minor}+",
        "gitVersion": git_version,
        "gitTreeState": "clean",
        "buildDate": "2026-03-02T06:11:19Z",
        "goVersion": "go1.24.6",
        "compiler": "gc",
        "platform": "linux/amd64",
    }
    return {"info": info, "string": git_version}
