"""Pods with an ENI of their own (trunk member or exclusive): the node's address pool is not on their path."""

from terway_mcp.cluster.objects import Pod
from terway_mcp.tools import terway_names as names


def asks_for_eni(pod: Pod) -> bool:
    """True for a pod that gets an ENI of its own: by annotation, or by the resource the webhook adds."""
    resources = [name for container in pod.spec.containers for name in container.resources.requests]
    return wants_pod_eni(pod) or bool({"aliyun/eni", "aliyun/member-eni"} & set(resources))


def asks_for_erdma(pod: Pod) -> bool:
    """True for a pod that requests an ERDMA device."""
    return any("aliyun/erdma" in container.resources.requests for container in pod.spec.containers)


def wants_pod_eni(pod: Pod) -> bool:
    """True for a pod whose annotation asks for an ENI of its own."""
    return pod.metadata.annotations.get(names.POD_ENI) == "true"
