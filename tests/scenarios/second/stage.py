"""Turns that several incidents of the second corpus share."""

from collections.abc import Sequence
from datetime import timedelta

from terway_mcp.cluster import resources
from terway_mcp.cluster.scenarios.background import ordinary_cluster
from terway_mcp.cluster.scenarios.builder import ClusterBuilder
from terway_mcp.cluster.scenarios.clock import Seen
from terway_mcp.cluster.scenarios.events import Said
from terway_mcp.cluster.scenarios.logs import Line
from terway_mcp.cluster.scenarios.pods import running, terminated
from terway_mcp.cluster.scenarios.profile import Terway
from terway_mcp.cluster.scenarios.releases import pod_error
from terway_mcp.cluster.scenarios.terway_pods import crash_looping, stuck_in_init
from terway_mcp.cluster.scenarios.world import World
from tests.scenarios.incidents.stage import fresh_and_broken, hang, openapi, retried, trunk_node

DENIED = openapi(
    "Forbidden.RAM", "User not authorized to operate on the specified resource, or this API doesn't support RAM."
)
RPC = "cmdAdd: error alloc ip rpc error: code = Unknown desc = "


def central(world: World, *releases: str) -> Terway:
    """Centralized IPAM of one of some releases."""
    return Terway(release=world.pick("release", *(releases or ("v1.17.2", "v1.16.6", "v1.17.5"))))


def local(world: World, *releases: str) -> Terway:
    """Local IPAM of one of some releases, with no controlplane beside it."""
    release = world.pick("release", *(releases or ("v1.12.4", "v1.14.3", "v1.16.6")))
    return Terway(release=release, ipam="local", controlplane="absent", virtual_type="veth", kubernetes="v1.30.7")


def trunking(world: World, *releases: str) -> Terway:
    """Centralized IPAM with trunk ENIs."""
    return Terway(release=world.pick("release", *(releases or ("v1.17.2", "v1.16.6", "v1.17.5"))), trunk=True)


# Addresses that do not come.


def pool_fails(cluster: ClusterBuilder, node: str, error: str, seen: Seen, *, creating: bool = False) -> ClusterBuilder:
    """The controlplane cannot give a node addresses: events on its Node CR, the error in the log."""
    cr = cluster.ref_node_cr(node)
    if creating:
        text = f"Failed to create ENI type=Secondary vsw={cluster.nodes[node].vswitch.id}: {error}"
        cluster.event_controlplane("multi-ip-node", cr, Said("CreateENIFailed", text, action="CreateENI"), seen)
    cluster.event_controlplane("multi-ip-node", cr, Said("AllocIPFailed", error, action="AllocIP"), seen)
    failed = Line(seen.first, "syncPods error", "E", "pool.go:393", {"err": error, "name": node})
    return cluster.controlplane_says(*cluster.repeat(seen, failed))


def create_fails(cluster: ClusterBuilder, node: str, error: str, seen: Seen, answer: str = "") -> ClusterBuilder:
    """Local IPAM cannot create an ENI; `answer` is what OpenAPI said, if it was asked."""
    cluster.event_daemon(cluster.ref_node(node), Said("AllocIPFailed", error), seen)
    asked = {"eni": "", "req": {"cache": False}}
    cluster.daemon_says(node, *cluster.repeat(seen, Line(seen.first, "local request", "I", "local.go:485", asked)))
    if answer:
        called = {"err": answer, "api": "CreateNetworkInterface", "VSwitchId": cluster.nodes[node].vswitch.id}
        cluster.daemon_says(node, *cluster.repeat(seen, Line(seen.first, "failed", "E", "ecs.go:63", called)))
    failed = Line(seen.first, "create eni failed", "E", "local.go:700", {"err": error})
    return cluster.daemon_says(node, *cluster.repeat(seen, failed))


def stuck(cluster: ClusterBuilder, where: tuple[str, str, str], counts: tuple[int, int], minutes: float) -> None:
    """A Deployment (namespace, app, node) with so many running and so many waiting pods on one node."""
    namespace, app, node = where
    up, down = counts
    cluster.deployment(namespace, app, running={node: up}, creating={node: down}, since=cluster.world.ago(minutes))


def quiet(cluster: ClusterBuilder) -> ClusterBuilder:
    """Nobody gets an address any more: no pods of cron jobs come and go on any node."""
    batch = cluster.world.namespace("batch")
    gone = [key for key in cluster.pods if key[0] == batch]
    for key in gone:
        pod = cluster.pods.pop(key)
        for eni in cluster.nodes[pod.node].enis:
            for slot in eni.slots:
                if slot.pod == pod.key:
                    slot.pod = slot.pod_uid = ""
    cluster.events = [each for each in cluster.events if _home(each) != batch]
    for log in cluster.logs.values():
        log.lines = [line for line in log.lines if not str(line.fields.get("pod", "")).startswith(f"{batch}/")]
    for node in cluster.nodes.values():
        node.serving = False
    return cluster


def _home(event: dict[str, object]) -> object:
    about = event["involvedObject"]
    return about.get("namespace") if isinstance(about, dict) else None


def unseen_controlplane_events(cluster: ClusterBuilder, node: str) -> ClusterBuilder:
    """The events about a node's Node CR are gone."""
    mine = cluster.ref_node_cr(node).render()
    cluster.events = [each for each in cluster.events if each["involvedObject"] != mine]
    return cluster


# Terway's own containers.


def controlplane_since(cluster: ClusterBuilder, minutes: float) -> ClusterBuilder:
    """Both replicas of the controlplane were started anew so many minutes ago."""
    for index in range(2):
        pod = cluster.pods["kube-system", cluster.world.replica("terway-controlplane", index)]
        pod.created = cluster.world.ago(minutes)
        old = pod.containers[0]
        pod.containers = [type(old)(old.name, old.image, running(cluster.world.ago(minutes - 0.1)))]
    return cluster


def crash_loops(
    cluster: ClusterBuilder, node: str, fatal: str, *, restarts: int = 9, before: Sequence[Line] = ()
) -> ClusterBuilder:
    """The daemon on a node starts, says why it cannot go on, and exits, again and again."""
    world, pod = cluster.world, cluster.terway_pod(node)
    died = terminated("Error", 255, world.ago(2.4), world.ago(2.1))
    cluster.terway_containers(node, crash_looping(pod, "terway", died, restarts))
    for previous, minutes in ((False, 2.1), (True, 7.2)):
        at = world.ago(minutes)
        mode = {"logger": "server", "config": "/etc/eni/eni.json", "daemonMode": cluster.terway.daemon_mode}
        cluster.daemon_log(node, previous=previous).add(
            Line(at - timedelta(seconds=11), "start network service", "I", "daemon.go:819", mode),
            *before,
            Line(at, fatal, "F", "main.go:73", plain=True),
            Line(at, "goroutine 1 [running]:"),
            Line(at, "k8s.io/klog/v2.Fatal(...)"),
        )
    since = max(pod.created, world.ago(50))
    if pod.created > world.ago(60):
        cluster.scheduled("kube-system", pod.name)
    seen = Seen(since + timedelta(minutes=1), world.ago(0.3), max(restarts * 8, 5))
    return cluster.keeps_crashing("kube-system", pod.name, "terway", seen)


def init_loops(cluster: ClusterBuilder, node: str, *said: str, restarts: int = 9) -> ClusterBuilder:
    """The init container of the Terway pod on a fresh node ends with an error, again and again."""
    world, pod = cluster.world, cluster.terway_pod(node)
    started = world.ago(1.9)
    died = terminated("Error", 1, started, started + timedelta(seconds=1))
    pod.containers = stuck_in_init(pod, died, restarts)
    for previous, at in ((False, started), (True, world.ago(7.1))):
        lines = [Line(at + timedelta(milliseconds=180 * index), text) for index, text in enumerate(said)]
        cluster.daemon_log(node, "terway-init", previous=previous).add(*lines)
    cluster.scheduled("kube-system", pod.name)
    seen = Seen(pod.created + timedelta(minutes=1), world.ago(0.4), restarts * 9)
    return cluster.keeps_crashing("kube-system", pod.name, "terway-init", seen)


def new_node(cluster: ClusterBuilder, host: int, minutes: float, app: str = "web") -> str:
    """A node joined so many minutes ago, its CNI never initialised, and two pods wait there; its name."""
    world = cluster.world
    node = fresh_and_broken(cluster, host, minutes)
    shop, name = world.namespace("shop"), world.app(app)
    since = world.ago(minutes - 3)
    cluster.deployment(shop, name, running={world.node(22): 2}, creating={node: 2}, since=since)
    for index in range(2):
        seen = Seen(since, world.ago(0.3), int((minutes - 3) * 4))
        cluster.network_not_ready(shop, world.replica(name, index), seen)
    said = Said("NodeNotReady", f"Node {node} status is now: NodeNotReady", warning=False)
    cluster.event_kubelet(cluster.ref_kubelet_node(node), said, Seen.once(world.ago(minutes)), node)
    return node


# Pods with an ENI of their own.


def trunk_cluster(world: World, name: str, terway: Terway | None = None) -> ClusterBuilder:
    """An ordinary cluster whose node 21 has its trunk ENI."""
    cluster = ordinary_cluster(world, name, terway or trunking(world))
    trunk_node(cluster, 21)
    return cluster


def lone_pod(
    cluster: ClusterBuilder, key: tuple[str, str], minutes: float, annotations: dict[str, str], host: int = 21
) -> str:
    """The first pod of a StatefulSet, waiting for its network; its name."""
    (namespace, app), world = key, cluster.world
    name, created = f"{app}-0", world.ago(minutes)
    cluster.stateful_set(namespace, app, wanted=1)
    container = cluster.app_container(app, created, up=False)
    cluster.pod(namespace, name, world.node(host), [container], created, annotations=annotations)
    return name


def pod_create_fails(cluster: ClusterBuilder, key: tuple[str, str], error: str, seen: Seen) -> ClusterBuilder:
    """The pod controller reports why it cannot make what a pod needs."""
    text = pod_error(cluster.terway.release, "PodCreateFailed", error, "6.031ms")
    said = Said("PodCreateFailed", text, action="CreatePod")
    cluster.event_controlplane("pod", cluster.ref(*key), said, seen)
    about = {"err": error, "controller": "pod", "namespace": key[0], "name": key[1]}
    return cluster.controlplane_says(
        *cluster.repeat(seen, Line(seen.first, "Reconciler error", "E", "controller.go:347", about))
    )


# Configuration.


def cni_conf(cluster: ClusterBuilder, text: str) -> ClusterBuilder:
    """The CNI configuration in `eni-config`, exactly as written."""
    return cluster.change(resources.CONFIGMAPS, "eni-config", {"data": {"10-terway.conf": text}}, "kube-system")


def daemon_command(cluster: ClusterBuilder, *arguments: str) -> ClusterBuilder:
    """The daemon's command line in the DaemonSet."""
    terway = cluster.terway
    containers = [
        {"name": "terway", "image": terway.image, "command": ["/usr/bin/terwayd", *arguments]},
        {"name": "policy", "image": terway.image, "command": ["/bin/policyinit.sh"]},
    ]
    patch: dict[str, object] = {"spec": {"template": {"spec": {"containers": containers}}}}
    return cluster.change(resources.DAEMONSETS, terway.daemonset, patch, "kube-system")


__all__ = [
    "DENIED",
    "RPC",
    "central",
    "cni_conf",
    "controlplane_since",
    "crash_loops",
    "create_fails",
    "daemon_command",
    "hang",
    "init_loops",
    "local",
    "lone_pod",
    "new_node",
    "openapi",
    "ordinary_cluster",
    "pod_create_fails",
    "pool_fails",
    "quiet",
    "retried",
    "stuck",
    "trunk_cluster",
    "trunking",
    "unseen_controlplane_events",
]
