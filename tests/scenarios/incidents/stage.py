"""Turns that several incidents of the corpus share."""

from datetime import datetime, timedelta

from terway_mcp.cluster.scenarios.accounting import NodeModel
from terway_mcp.cluster.scenarios.builder import ClusterBuilder
from terway_mcp.cluster.scenarios.clock import Seen
from terway_mcp.cluster.scenarios.log_noise import Noise
from terway_mcp.cluster.scenarios.plots import DEADLINE
from terway_mcp.cluster.scenarios.pods import Pod
from terway_mcp.cluster.scenarios.world import World

NOT_INITIALIZED = (
    "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady "
    "message:Network plugin returns error: cni plugin not initialized"
)


def openapi(code: str, message: str) -> str:
    """An OpenAPI error as Terway words it; `{request_id}` is filled in by whoever reports it."""
    return f"errCode: {code}, msg: {message}, requestID: {{request_id}}"


def not_enough(vswitch: str) -> str:
    """The OpenAPI error of an empty vSwitch."""
    return openapi("InvalidVSwitchId.IpNotEnough", f'The specified VSwitch "{vswitch}" has not enough IpAddress.')


def retried(world: World, created: datetime, *, every: float = 4, until: float = 1.2) -> Seen:
    """Attempts every so many minutes since a pod was created, up to `until` minutes before the capture."""
    first = created + timedelta(minutes=min(every, 2))
    last = world.ago(until)
    return Seen(first, last, max(2, int((last - first) / timedelta(minutes=every)) + 1))


def hang(
    cluster: ClusterBuilder, namespace: str, app: str, error: str = DEADLINE, *, every: float = 4
) -> ClusterBuilder:
    """All pods of an application that have no address yet fail with `error` again and again."""
    for pod in [
        each for each in cluster.pods.values() if each.namespace == namespace and each.labels.get("app") == app
    ]:
        if pod.node and not pod.ips:
            if "Unavailable" in error:
                reserve(cluster, pod)
            seen = retried(cluster.world, pod.created, every=every)
            cluster.no_network(namespace, pod.name, error, seen, reported="Unavailable" not in error)
    return cluster


def reserve(cluster: ClusterBuilder, pod: Pod) -> None:
    """A centralized controller gives a waiting pod its address whatever happens on the node."""
    if cluster.terway.centralized:
        cluster.nodes[pod.node].assign(cluster.world, pod.key, pod.uid)


def fresh_and_broken(cluster: ClusterBuilder, host: int, minutes: float) -> str:
    """A node joined so many minutes ago and never became ready; its name."""
    name = cluster.world.node(host)
    cluster.node(
        name,
        age_days=minutes / 1440,
        ready=False,
        not_ready_message=NOT_INITIALIZED,
        sufficient_ip=None,
        serving=False,
        custom_resource="capabilities" if cluster.terway.centralized else "absent",
        taints=[{"key": "node.kubernetes.io/not-ready", "effect": "NoExecute"}],
    )
    return name


def trunk_node(cluster: ClusterBuilder, host: int, zone: str = "h") -> NodeModel:
    """A node whose trunk ENI is in place."""
    world, name = cluster.world, cluster.world.node(host)
    cluster.node(
        name,
        zone=zone,
        kind="ecs.g7.2xlarge",
        annotations={"k8s.aliyun.com/trunk-on": world.eni(name, 0)},
        capacity={"aliyun/member-eni": "18"},
    )
    model = cluster.nodes[name]
    model.attach(world).kind = "Trunk"
    return model


def trunk_annotations(world: World, vswitch: str, networking: str = "") -> dict[str, str]:
    """What the webhook writes on an admitted trunk pod."""
    group = world.security_group()
    networks = (
        f'{{"podNetworks":[{{"interface":"eth0","vSwitchOptions":["{vswitch}"],"securityGroupIDs":["{group}"]}}]}}'
    )
    found = {"k8s.aliyun.com/pod-eni": "true", "k8s.aliyun.com/pod-networks": networks}
    return found | ({"k8s.aliyun.com/pod-networking": networking} if networking else {})


def cronjob_pods_keep_coming(cluster: ClusterBuilder, node: str, minutes: float, *, previous: bool) -> None:
    """Ordinary chatter in a log that ends, for containers that died."""
    noise = Noise(cluster.world, cluster.terway, f"{node} before")
    end = cluster.world.ago(minutes)
    cluster.daemon_log(node, previous=previous).add(*noise.daemon(node, end - timedelta(minutes=40), end))
