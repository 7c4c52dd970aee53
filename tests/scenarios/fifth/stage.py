"""Turns that several incidents of the fifth corpus share."""

from collections.abc import Callable, Sequence

from terway_mcp.cluster import resources
from terway_mcp.cluster.scenarios import system
from terway_mcp.cluster.scenarios.builder import ClusterBuilder
from terway_mcp.cluster.scenarios.clock import Seen
from terway_mcp.cluster.scenarios.events import Ref, Said
from terway_mcp.cluster.scenarios.logs import Line
from terway_mcp.cluster.scenarios.pods import Container, Owner, back_off, running, terminated
from terway_mcp.cluster.scenarios.profile import Json, Terway
from terway_mcp.cluster.scenarios.scenario import Scenario, Truth
from terway_mcp.cluster.scenarios.terway_pods import crash_looping
from terway_mcp.cluster.scenarios.world import World
from tests.scenarios.fourth.stage import (
    NO_SHORTAGE,
    crashing_app,
    of_the_shop,
    policy_crashes,
    sandbox_fails,
    scheduling_fails,
    stalled_shop,
)
from tests.scenarios.incidents.stage import fresh_and_broken, reserve, retried, trunk_annotations, trunk_node
from tests.scenarios.second.stage import controlplane_since, init_loops, quiet
from tests.scenarios.third.stage import (
    DENIED,
    INNOCENT,
    RPC,
    asked,
    becomes,
    central,
    crash_loops,
    create_fails,
    hang,
    kubelet_says,
    local,
    lone_pod,
    new_node,
    not_enough,
    openapi,
    ordinary_cluster,
    pod_create_fails,
    pool_fails,
    serving_shop,
    trunk_cluster,
    trunking,
    waiting_shop,
)

CALM = (*INNOCENT, "crash", "component is down", "misconfig")
"""What nobody may claim where everything works."""


def of_a_node(
    world: World, name: str, title: str, symptom: str, build: Callable[[], ClusterBuilder], truth: Truth, host: int = 21
) -> Scenario:
    """An incident somebody asks a node about; `{node}` in the symptom is its name."""
    node = world.node(host)
    return Scenario(name=name, title=title, symptom=symptom.format(node=node), node=node, build=build, truth=truth)


def of_the_cluster(name: str, title: str, symptom: str, build: Callable[[], ClusterBuilder], truth: Truth) -> Scenario:
    """An incident nobody can place yet."""
    return Scenario(name=name, title=title, symptom=symptom, build=build, truth=truth)


def daemon_set_ref(cluster: ClusterBuilder, name: str) -> Ref:
    """A DaemonSet of kube-system, as events name it."""
    return Ref("DaemonSet", name, "kube-system", cluster.world.ids.uid("daemonset", "kube-system", name), "apps/v1")


def refused(cluster: ClusterBuilder, controller: str, ref: Ref, text: str, seen: Seen) -> ClusterBuilder:
    """A controller may not create the pods of its object."""
    return cluster.event_controller(f"{controller}-controller", ref, Said("FailedCreate", text), seen)


def daemons_wanted(cluster: ClusterBuilder, wanted: int, present: int) -> ClusterBuilder:
    """How many pods Terway's DaemonSet wants, and how many there are."""
    status: Json = {"desiredNumberScheduled": wanted, "currentNumberScheduled": present}
    patch: Json = {"status": {**status, "numberUnavailable": wanted - present}}
    return cluster.change(resources.DAEMONSETS, cluster.terway.daemonset, patch, "kube-system")


def foreign_daemon(
    cluster: ClusterBuilder, name: str, node: str, container: Container, labels: dict[str, str] | None = None
) -> str:
    """A hostNetwork pod of somebody else's DaemonSet on a node; its name."""
    world = cluster.world
    pod = world.daemon_pod(name, node)
    cluster.has(resources.DAEMONSETS, system.daemon_set(world, name, container.image, (1, int(container.is_ready))))
    owner = Owner("DaemonSet", name, world.ids.uid("daemonset", "kube-system", name))
    created = max(cluster.nodes[node].created, world.ago(days=9))
    cluster.pod(
        "kube-system", pod, node, [container], created, owner=owner, host_network=True, labels=labels or {"app": name}
    )
    return pod


def crashing(
    cluster: ClusterBuilder, key: tuple[str, str], image: str, said: Sequence[str], code: int = 1
) -> Container:
    """A container between two attempts, and what it said before it ended; `key` is pod (kube-system) and container."""
    (pod, name), world = key, cluster.world
    died = terminated("Error", code, world.ago(3), world.ago(2.9))
    for previous, minutes in ((False, 2.95), (True, 8.2)):
        lines = [Line(world.ago(minutes - index / 600), text) for index, text in enumerate(said)]
        cluster.log("kube-system", pod, name, previous=previous).add(*lines)
    state = back_off(name, pod, "kube-system", world.ids.uid("pod", "kube-system", pod))
    return Container(name, image, state, died, 11, ready=False)


def controlplane_crashes(
    cluster: ClusterBuilder, said: Sequence[str], *, container: str = "", died: Json | None = None, restarts: int = 12
) -> ClusterBuilder:
    """Both replicas of the controlplane end again and again; nobody renews the lease."""
    world = cluster.world
    for index in range(2):
        pod = cluster.pods["kube-system", world.replica("terway-controlplane", index)]
        name = container or "terway-controlplane"
        ended = died or terminated("Error", 2, world.ago(3.4), world.ago(3.3))
        pod.containers = [crash_looping(pod, name, ended, restarts)]
        for previous, minutes in ((False, 3.35), (True, 8.6)):
            lines = [Line(world.ago(minutes - step / 600), text) for step, text in enumerate(said)]
            cluster.log("kube-system", pod.name, name, previous=previous).add(*lines)
        cluster.keeps_crashing("kube-system", pod.name, name, Seen(world.ago(50), world.ago(0.6), 110))
    return cluster.controlplane_lease_renewed(3000)


def late_shop(world: World, name: str, terway: Terway, *, created: float, served: float) -> ClusterBuilder:
    """The shop runs on nodes 21 and 22; its pods were created so many minutes ago, and those on 21 served later."""
    cluster = ordinary_cluster(world, name, terway)
    cluster.node(world.node(21), kind="ecs.g7.2xlarge")
    shop, web = world.namespace("shop"), world.app("web")
    cluster.deployment(shop, web, running={world.node(21): 3, world.node(22): 1}, since=world.ago(created))
    for index in range(3):
        key = (shop, world.replica(web, index))
        cluster.got_address(*key, Seen.once(world.ago(served)))
        container = cluster.pods[key].containers[0]
        cluster.pods[key].containers = [Container(container.name, container.image, running(world.ago(served - 0.1)))]
        for reason in ("Created", "Started"):
            text = f"{reason} container {container.name}"
            kubelet_says(cluster, key, reason, text, Seen.once(world.ago(served - 0.1)), warning=False)
    return cluster


__all__ = [
    "CALM",
    "DENIED",
    "INNOCENT",
    "NO_SHORTAGE",
    "RPC",
    "asked",
    "becomes",
    "central",
    "controlplane_crashes",
    "controlplane_since",
    "crash_loops",
    "crashing",
    "crashing_app",
    "create_fails",
    "daemon_set_ref",
    "daemons_wanted",
    "foreign_daemon",
    "fresh_and_broken",
    "hang",
    "init_loops",
    "kubelet_says",
    "late_shop",
    "local",
    "lone_pod",
    "new_node",
    "not_enough",
    "of_a_node",
    "of_the_cluster",
    "of_the_shop",
    "openapi",
    "ordinary_cluster",
    "pod_create_fails",
    "policy_crashes",
    "pool_fails",
    "quiet",
    "refused",
    "reserve",
    "retried",
    "sandbox_fails",
    "scheduling_fails",
    "serving_shop",
    "stalled_shop",
    "trunk_annotations",
    "trunk_cluster",
    "trunk_node",
    "trunking",
    "waiting_shop",
]
