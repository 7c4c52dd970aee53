"""What the investigation is about, and how close any other object is to it."""

import msgspec
import re2

from terway_mcp.tools import terway_names as names
from terway_mcp.tools.evidence import Evidence, Subject

_NAMED_IN_LOG = re2.compile(r'\b(?:name|node|nodeName|object|pod|podID|podName)"?="([^"]{1,300})"')
_CLUSTER_WIDE = ("ConfigMap", "ClusterRole", "Deployment", "DaemonSet", "Namespace", "Lease")
_OWNERS = ("ReplicaSet", "StatefulSet", "Deployment", "DaemonSet", "Job")

SAME, CARRIER, NEAR, SHARED, FAR = 1.0, 0.95, 0.9, 0.7, 0.2
"""The target itself, what carries it, cluster-wide configuration, what it shares a node with, and strangers."""


class Target(msgspec.Struct, frozen=True):
    """The pod, node or workload asked about, and the objects it shares its fate with.

    `kind` is pod, node, workload or cluster. `node` and `terway_pod` are "" when unknown. `own_eni` is true for a pod
    that gets an ENI of its own (trunk or exclusive), so that the node's address pool is not on its path. `pods` of a
    node (as namespace/name) are those that show what it does to its pods. `config` is the ConfigMap that the node lays
    over eni-config, "" for none.
    """

    kind: str
    name: str = ""
    namespace: str = ""
    node: str = ""
    terway_pod: str = ""
    enis: tuple[str, ...] = ()
    podnetworking: str = ""
    own_eni: bool = False
    pods: tuple[str, ...] = ()
    config: str = ""

    def __str__(self) -> str:
        if self.kind == "cluster":
            return "the cluster"
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


def closeness(subject: Subject, target: Target) -> float:
    """How near an object is to the target, see the constants."""
    if _is_carrier(subject, target):
        return SHARED if target.own_eni and subject.kind_name == "NodeCR" else CARRIER
    if _is_part_of(subject, target):
        return SAME
    if subject.kind in _CLUSTER_WIDE and subject.namespace in ("", names.SYSTEM_NAMESPACE):
        return NEAR
    if target.kind == "cluster":
        return SHARED
    return FAR


def evidence_closeness(evidence: Evidence, target: Target) -> float:
    """Closeness of the object, lowered when a log line or a status names somebody else."""
    fact = evidence.fact
    near = closeness(fact.subject, target)
    node = fact.data.get("node")
    if near < CARRIER and node and node == target.node:
        near = SHARED if fact.subject.namespace != names.SYSTEM_NAMESPACE else CARRIER
    if near == NEAR and node and target.node and node != target.node:
        near = FAR
    if fact.data.get("source") == "controlplane_log":
        near = NEAR
    if fact.kind == "log":
        near = min(near, _log_closeness(str(fact.data.get("sample", "")), fact.subject, target))
    return near


def _is_carrier(subject: Subject, target: Target) -> bool:
    """The target's node in all its forms, the Terway pod on it, and the pods followed for a node."""
    if subject.kind in ("Node", "NodeRuntime"):
        return bool(target.node) and subject.name == target.node
    if subject.kind in ("Pod", "PodENI") and f"{subject.namespace}/{subject.name}" in target.pods:
        return True
    in_system = subject.kind == "Pod" and subject.namespace == names.SYSTEM_NAMESPACE
    return in_system and bool(target.terway_pod) and subject.name == target.terway_pod


def _is_part_of(subject: Subject, target: Target) -> bool:
    kind = subject.kind_name
    if target.kind == "pod" and kind in ("Pod", "PodENI"):
        return (subject.namespace, subject.name) == (target.namespace, target.name)
    if target.kind == "workload" and kind in (*_OWNERS, "Pod"):
        owned = subject.name == target.name or subject.name.startswith(f"{target.name}-")
        return subject.namespace == target.namespace and owned
    if kind == "NetworkInterface":
        return subject.name in target.enis
    return kind == "PodNetworking" and bool(target.podnetworking) and subject.name in (target.podnetworking, "")


def _log_closeness(sample: str, subject: Subject, target: Target) -> float:
    """A line that names objects counts fully only if one of them is the target's."""
    named = {found.rpartition("/")[2] for found in _NAMED_IN_LOG.findall(sample)}
    if not named or target.kind == "cluster":
        return SAME
    if target.kind == "workload":
        owned = any(name == target.name or name.startswith(f"{target.name}-") for name in named)
        return SAME if owned else SHARED
    if subject.name == target.terway_pod and not named & {target.name, *target.enis}:
        return NEAR
    if named & {target.name, target.node, target.terway_pod, *target.enis}:
        return SAME
    return FAR
