"""A trailing comma in eni_conf: Terway cannot start on the node that just joined, while old nodes still run."""

from datetime import timedelta

from . import config, terway_pods
from .background import ordinary_cluster
from .builder import ClusterBuilder
from .clock import Seen
from .events import Said
from .logs import Line
from .pods import terminated
from .profile import Terway
from .scenario import Scenario, Truth
from .world import World

NOT_INITIALIZED = (
    "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady "
    "message:Network plugin returns error: cni plugin not initialized"
)


def cni_not_initialized(world: World) -> Scenario:
    """The init container of the new node's Terway pod cannot parse eni_conf and crash-loops."""
    fresh, shop, web = world.node(31), world.namespace("shop"), world.app("web")
    terway = Terway(release=world.pick("release", "v1.17.2", "v1.16.1", "v1.17.1"))

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "cni-not-initialized", terway, hosts=(21, 22, 23))
        joined = timedelta(minutes=26)
        cluster.node(
            fresh,
            zone="h",
            age_days=joined / timedelta(days=1),
            ready=False,
            not_ready_message=NOT_INITIALIZED,
            sufficient_ip=None,
            custom_resource="capabilities",
            taints=[{"key": "node.kubernetes.io/not-ready", "effect": "NoExecute"}],
        )
        conf = config.eni_conf(world, terway, {world.zone(zone): [world.vswitch(zone)] for zone in "hi"})
        cluster.eni_conf_text(config.with_trailing_comma(conf))
        _init_crash_loops(cluster, fresh)
        cluster.deployment(
            shop, web, running={world.node(21): 2, world.node(22): 1}, creating={fresh: 3}, since=world.ago(24)
        )
        for index in range(3):
            cluster.network_not_ready(shop, world.replica(web, index), Seen(world.ago(24), world.ago(0.4), 107))
        ready = Said("NodeNotReady", f"Node {fresh} status is now: NodeNotReady", warning=False)
        cluster.event_kubelet(cluster.ref_kubelet_node(fresh), ready, Seen.once(world.ago(26)), fresh)
        # Daemons that are still running see the same file when they reconcile their nodes.
        error = (
            "error parse terway configmap eni-config, invalid character '}' looking for beginning of object key string"
        )
        for index, host in enumerate((21, 22, 23)):
            seen = Seen(world.ago(27 - index), world.ago(2 + index), 6)
            cluster.event_reconcile(
                cluster.ref_node(world.node(host)), Said("ConfigError", error, action="Config"), seen
            )
        return cluster

    return Scenario(
        name="cni-not-initialized",
        title="A new node whose CNI never initialises",
        symptom=f"A node joined and stays NotReady: cni plugin not initialized. Pods of {shop}/{web} hang on it.",
        namespace=shop,
        pod=world.replica(web, 0),
        node=fresh,
        build=build,
        truth=Truth(
            category="configuration",
            facts=("eni_conf", "eni-config", "terway-init", fresh),
            forbidden=("image pull", "registry", "kernel", "vSwitch"),
        ),
    )


def _init_crash_loops(cluster: ClusterBuilder, node: str) -> None:
    world, pod = cluster.world, cluster.terway_pod(node)
    lines = len((cluster.conf_text or "").splitlines())
    death = f"parse error: Expected another key-value pair at line {lines}, column 1"
    started = world.ago(1.6)
    died = terminated("Error", 4, started, started + timedelta(seconds=1))
    pod.containers = terway_pods.stuck_in_init(pod, died, restarts=9)
    for previous, at in ((False, started), (True, world.ago(6.8))):
        log = cluster.daemon_log(node, "terway-init", previous=previous)
        steps = ("+ cat /etc/eni/eni_conf", "+ jq -r .ip_stack /etc/eni/eni_conf", death)
        log.add(*(Line(at + timedelta(milliseconds=200 * index), text) for index, text in enumerate(steps)))
    cluster.scheduled("kube-system", pod.name)
    cluster.keeps_crashing("kube-system", pod.name, "terway-init", Seen(world.ago(25), world.ago(0.3), 112))
