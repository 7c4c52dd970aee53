"""Whether any node offers the extended resource an unscheduled pod asks Terway's device plugin for.

`Insufficient aliyun/erdma` says the same where all are taken and where there never was one; nodes' capacity does not.
"""

from terway_mcp.cluster.coverage import Read
from terway_mcp.cluster.objects import Node, Pod
from terway_mcp.cluster.reader import Query, Reader
from terway_mcp.cluster.resources import NODES
from terway_mcp.tools.evidence import Fact, FactSheet, Subject

_MOST_NODES = 200
"""One page of nodes, at some kilobytes each; in a larger cluster it stays open whether another node offers more."""


async def nodes_for(reader: Reader, pod: Pod) -> Read[list[Node]] | None:
    """All nodes, where it matters what they offer; None where it does not, or there are too many."""
    if pod.spec.node_name or not _asked_for(pod):
        return None
    query = Query(limit=_MOST_NODES)
    nodes = await reader.collect(NODES, Node, query=query, what="nodes and what they offer", max_pages=1)
    return nodes if nodes.outcome == "read" else None


def not_offered(pod: Pod, nodes: Read[list[Node]] | None, facts: FactSheet) -> None:
    """Note each resource that the pod asks for and no node has."""
    if nodes is None or not nodes.value:
        return
    subject = Subject("Pod", pod.metadata.name, pod.metadata.namespace, uid=pod.metadata.uid)
    for name in _asked_for(pod):
        if not any(_offers(node, name) for node in nodes.value):
            text = f"Pod {pod.metadata.namespace}/{pod.metadata.name} asks for {name}, and no node offers any"
            data = {"name": name}
            facts.add(Fact("status", "resource_not_offered", subject, text, source=nodes.source, group=name, data=data))


def _asked_for(pod: Pod) -> list[str]:
    requests = [name for container in pod.spec.containers for name in container.resources.requests]
    return sorted({name for name in requests if name.startswith("aliyun/")})


def _offers(node: Node, resource: str) -> bool:
    return str(node.status.capacity.get(resource, "0")) not in ("", "0")
