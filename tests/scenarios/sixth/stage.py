"""Turns that several incidents of the sixth corpus share."""

from terway_mcp.cluster import resources
from terway_mcp.cluster.scenarios.builder import ClusterBuilder
from terway_mcp.cluster.scenarios.clock import Seen
from terway_mcp.cluster.scenarios.events import Said
from terway_mcp.cluster.scenarios.logs import Line
from terway_mcp.cluster.scenarios.pods import Container, Owner, running
from terway_mcp.cluster.scenarios.system import daemon_set
from terway_mcp.cluster.scenarios.world import World
from tests.scenarios.fourth.stage import crashing_app, not_enough, pool_fails, waiting_pods

CILIUM = 'plugin type="cilium-cni" failed (add): '
NO_AGENT = (
    f"{CILIUM}unable to connect to Cilium agent: failed to create cilium agent client after 30.000000 seconds "
    'timeout: Get "http://localhost/v1/config": dial unix /var/run/cilium/cilium.sock: connect: no such file or '
    "directory\nIs the agent running?"
)
CALM = ("exhaust", "IpNotEnough", "no free IP", "Forbidden.RAM", "throttl", "bug")
"""What nobody may claim where no address is missing, no right is denied and nothing of Terway's is wrong."""


def monitor_says(cluster: ClusterBuilder, node: str, said: tuple[str, str, str], seen: Seen) -> ClusterBuilder:
    """The node problem detector reports about a node; `said` is its monitor, the reason and the text."""
    monitor, reason, text = said
    return cluster.event_controller(monitor, cluster.ref_kubelet_node(node), Said(reason, text), seen)


def was_short(cluster: ClusterBuilder, node: str, hours: float = 5) -> ClusterBuilder:
    """Misleading company: hours ago a node's vSwitch had no address for a while."""
    world = cluster.world
    seen = Seen(world.ago(hours=hours), world.ago(hours=hours - 0.4), 4)
    return pool_fails(cluster, node, not_enough(cluster.nodes[node].vswitch.id), seen)


def companion(cluster: ClusterBuilder, name: str, node: str, image: str, said: str = "") -> str:
    """The pod of some other DaemonSet on a node; with `said` it ends again and again after that line; its name."""
    world = cluster.world
    pod = f"{name}-{world.ids.suffix(5, name, node)}"
    owner = Owner("DaemonSet", name, world.ids.uid("daemonset", "kube-system", name))
    container = Container(name, image, running(world.ago(days=6)))
    details = {"host_network": True, "owner": owner, "labels": {"k8s-app": name}}
    cluster.pod("kube-system", pod, node, [container], world.ago(days=6), **details)  # type: ignore[arg-type]
    cluster.has(resources.DAEMONSETS, daemon_set(world, name, image, (1, 0 if said else 1)))
    if said:
        crashing_app(cluster, ("kube-system", pod), said)
    return pod


def granted_each_time(cluster: ClusterBuilder, seen: Seen) -> ClusterBuilder:
    """Terway gives every waiting pod of the shop its address at each attempt, and a plugin behind it fails."""
    world = cluster.world
    for pod in waiting_pods(cluster):
        slot = cluster.nodes[pod.node].assign(world, pod.key, pod.uid)
        said = Said("AllocIPSucceed", f"Alloc IP {slot.ip}/32 took 0.081331s", warning=False)
        cluster.event_daemon(cluster.ref(pod.namespace, pod.name), said, seen)
    return cluster


def daemon_logs(cluster: ClusterBuilder, node: str, seen: Seen, line: tuple[str, str, str]) -> ClusterBuilder:
    """The daemon on a node logs an error again and again; `line` is message, source and `err`."""
    message, source, error = line
    one = Line(seen.first, message, "E", source, {"err": error})
    return cluster.daemon_says(node, *cluster.repeat(seen, one))


def request_id(world: World, *key: object) -> str:
    """A request id for texts nobody fills in."""
    return world.ids.request_id("sixth", *key)
