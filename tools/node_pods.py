"""The pods of one node: which of them wait for their network, which to follow, and kube-proxy among them."""

from collections.abc import Collection, Sequence
from datetime import datetime

from terway_mcp.cluster.names import is_namespace_name, is_object_name
from terway_mcp.cluster.objects import Pod
from terway_mcp.tools import terway_names as names
from terway_mcp.tools.containers import IMAGE_WAITS, is_ready, waiting_reasons
from terway_mcp.tools.evidence import Evidence, Fact, Subject
from terway_mcp.tools.own_eni import asks_for_eni
from terway_mcp.tools.times import age_seconds

_WAITS_SECONDS = 120.0
"""A pod that is younger may only be starting: the plugin alone may take two minutes (plugin/terway/cni.go)."""

_FOLLOWED = 2
"""How many pods of a node have their events read with those of the node."""

_STOPPED = ("CrashLoopBackOff", "RunContainerError", "CreateContainerError", *IMAGE_WAITS)


def followed(pods: Sequence[Pod], ledger: Sequence[Evidence], now: datetime) -> list[Pod]:
    """The pods that show what the node does to its pods: those that wait, else those of which warnings were seen.

    Their names are asked for again, so what is none is left out.
    """
    pods = [pod for pod in pods if is_namespace_name(pod.metadata.namespace) and is_object_name(pod.metadata.name)]
    warned = {
        (evidence.fact.subject.namespace, evidence.fact.subject.name)
        for evidence in ledger
        if evidence.fact.kind == "event" and evidence.fact.subject.kind in ("Pod", "PodENI")
    }
    stuck = [pod for pod in pods if waits(pod, now)]
    candidates = stuck or [
        pod for pod in pods if pod.metadata.namespace != names.SYSTEM_NAMESPACE and _key(pod) in warned
    ]
    return sorted(candidates, key=lambda pod: (_key(pod) not in warned, *_key(pod)))[:_FOLLOWED]


def waits(pod: Pod, now: datetime) -> bool:
    """True for a pod that has been on the node for minutes and has no network yet."""
    if pod.spec.host_network or pod.status.pod_ip or pod.status.phase != "Pending" or pod.metadata.deletion_timestamp:
        return False
    return (age_seconds(pod.metadata.creation_timestamp, now) or 0.0) > _WAITS_SECONDS


def waiting_fact(node: str, pods: Sequence[Pod], source: str, now: datetime) -> Fact | None:
    """That pods of a node wait, whatever its conditions say; None when none does."""
    stuck = [pod for pod in pods if waits(pod, now)]
    if not stuck:
        return None
    text = f"{len(stuck)} pods of node {node} have no network yet, e.g. {'/'.join(_key(stuck[0]))}"
    return Fact("status", "pods_waiting", Subject("Node", node), text, source=source)


def proxy_facts(node: str, pods: Sequence[Pod], source: str) -> list[Fact]:
    """That kube-proxy does not run on a node: Terway reaches the API server through a Service address."""
    found = []
    for pod in [each for each in pods if _is_stopped_proxy(each)]:
        text = f"pod {'/'.join(_key(pod))} on {node} does not run: {', '.join(waiting_reasons(pod))}"
        data = {"name": pod.metadata.name}
        found.append(Fact("status", "kube_proxy_not_running", Subject("Node", node), text, source=source, data=data))
    return found


def dns_facts(node: str, pods: Sequence[Pod], source: str) -> list[Fact]:
    """That the DNS cache of a node does not run: every name its pods look up goes there first."""
    found = []
    for pod in pods:
        if pod.metadata.labels.get("k8s-app") == names.NODE_LOCAL_DNS and not is_ready(pod) and _is_stopped(pod):
            text = f"pod {'/'.join(_key(pod))} on {node} does not run: {', '.join(waiting_reasons(pod))}"
            found.append(Fact("status", "node_dns_stopped", Subject("Node", node), text, source=source))
    return found


def have_own_enis(pods: Sequence[Pod]) -> bool:
    """True when every one of some pods gets an ENI of its own, so that the node's pool is not on their path."""
    return bool(pods) and all(asks_for_eni(pod) for pod in pods)


def keys(pods: Collection[Pod]) -> list[str]:
    """`namespace/name` of each."""
    return ["/".join(_key(pod)) for pod in pods]


def _key(pod: Pod) -> tuple[str, str]:
    return (pod.metadata.namespace, pod.metadata.name)


def _is_stopped_proxy(pod: Pod) -> bool:
    named = pod.metadata.namespace == names.SYSTEM_NAMESPACE and pod.metadata.name.startswith(names.KUBE_PROXY)
    return named and not is_ready(pod) and _is_stopped(pod)


def _is_stopped(pod: Pod) -> bool:
    return bool(set(waiting_reasons(pod)) & set(_STOPPED))
