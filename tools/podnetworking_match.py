"""Which PodNetworking a pod should have been given, by the selectors its webhook evaluates.

A pod that matches one but carries no annotation was created while the webhook did not run (failurePolicy Ignore),
and silently got an address of the shared pool (pkg/controller/webhook/mutating.go).
"""

from typing import Any

from terway_mcp.cluster.objects import Namespace, Pod
from terway_mcp.cluster.terway_objects import PodNetworking
from terway_mcp.tools import terway_names as names


def unserved_networking(pod: Pod, namespace: Namespace | None, offered: list[PodNetworking]) -> str:
    """Name of the PodNetworking that selects the pod and was there before it; "" when none does or it was applied.

    Whether the namespace keeps the webhook away is for the caller to tell.
    """
    served = {names.POD_NETWORKING, names.POD_NETWORKS, names.POD_NETWORKS_REQUEST} & set(pod.metadata.annotations)
    if served or pod.spec.host_network or pod.metadata.labels.get(names.IGNORE_LABEL) == "true":
        return ""
    namespace_labels = namespace.metadata.labels if namespace else {}
    for networking in offered:
        created = networking.metadata.creation_timestamp or ""
        earlier = created < (pod.metadata.creation_timestamp or "")
        if earlier and networking.status.status == "Ready" and _selects(networking, pod, namespace_labels):
            return networking.metadata.name
    return ""


def _selects(networking: PodNetworking, pod: Pod, namespace_labels: dict[str, str]) -> bool:
    """Both selectors must hold where they are set; with neither, a PodNetworking is only used by name."""
    selector = networking.spec.selector
    pods, namespaces = selector.get("podSelector"), selector.get("namespaceSelector")
    if not pods and not namespaces:
        return False
    return matches(pods, pod.metadata.labels) and matches(namespaces, namespace_labels)


def matches(selector: Any, labels: dict[str, str]) -> bool:
    """Evaluate a LabelSelector (matchLabels and matchExpressions); an empty one selects everything."""
    if not isinstance(selector, dict):
        return True
    wanted = selector.get("matchLabels") or {}
    if any(labels.get(key) != value for key, value in wanted.items()):
        return False
    return all(_holds(expression, labels) for expression in selector.get("matchExpressions") or [])


def _holds(expression: Any, labels: dict[str, str]) -> bool:
    key, values = str(expression.get("key")), expression.get("values") or []
    match expression.get("operator"):
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
    return False
