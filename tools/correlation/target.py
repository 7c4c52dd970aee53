"""What the investigation is about, and how close any other object is to it."""

import msgspec
import re2

from terway_mcp.tools import terway_names as names
from terway_mcp.tools.evidence import Evidence, Subject

_NAMED_IN_LOG = re2.compile(r'\b(?:name|node|nodeName|pod|podID|podName)="([^"]{1,300})"')
_CLUSTER_WIDE = ("ConfigMap", "ClusterRole", "Deployment", "DaemonSet", "Namespace", "Lease")
_OWNERS = ("ReplicaSet", "StatefulSet", "Deployment", "DaemonSet", "Job")

SAME, NEAR, SHARED, FAR = 1.0, 0.9, 0.7, 0.2


class Target(msgspec.Struct, frozen=True):
    """The pod, node or workload asked about, and the objects it shares its fate with.

    `kind` is pod, node, workload or cluster. `node` and `terway_pod` are "" when unknown.
    """

    kind: str
    name: str = ""
    namespace: str = ""
    node: str = ""
    terway_pod: str = ""
    enis: tuple[str, ...] = ()
    podnetworking: str = ""

    def __str__(self) -> str:
        if self.kind == "cluster":
            return "the cluster"
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


def closeness(subject: Subject, target: Target) -> float:
    """1.0 for the target and what carries it, 0.9 for cluster-wide configuration, 0.2 for strangers."""
    if _is_part_of(subject, target):
        return SAME
    if subject.kind in _CLUSTER_WIDE and subject.namespace in ("", names.SYSTEM_NAMESPACE):
        return NEAR
    if target.kind == "cluster":
        return SHARED
    if target.kind == "node" and subject.kind in ("Pod", "PodENI"):
        return FAR
    return FAR


def evidence_closeness(evidence: Evidence, target: Target) -> float:
    """Closeness of the object, lowered when a log line or a status names somebody else."""
    fact = evidence.fact
    near = closeness(fact.subject, target)
    node = fact.data.get("node")
    if near < SAME and node and node == target.node:
        near = SHARED if fact.subject.namespace != names.SYSTEM_NAMESPACE else SAME
    if near == NEAR and node and target.node and node != target.node:
        near = FAR
    if fact.kind == "log":
        near = min(near, _log_closeness(str(fact.data.get("sample", "")), fact.subject, target))
    return near


def _is_part_of(subject: Subject, target: Target) -> bool:
    kind = subject.kind_name
    if kind in ("Node", "NodeCR", "NodeRuntime"):
        return bool(target.node) and subject.name == target.node
    if kind in ("Pod", "PodENI") and subject.namespace == names.SYSTEM_NAMESPACE and subject.name == target.terway_pod:
        return True
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
    if not named or target.kind in ("cluster", "workload"):
        return SAME
    if named & {target.name, target.node, target.terway_pod, *target.enis}:
        return SAME
    return SHARED if subject.name == target.terway_pod else FAR
