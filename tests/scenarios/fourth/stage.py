"""Turns that several incidents of the fourth corpus share."""

from collections.abc import Callable, Sequence
from typing import Unpack

from terway_mcp.cluster.scenarios.builder import ClusterBuilder, NodeDetails
from terway_mcp.cluster.scenarios.clock import Seen
from terway_mcp.cluster.scenarios.events import Said
from terway_mcp.cluster.scenarios.logs import Line
from terway_mcp.cluster.scenarios.plots import SANDBOX
from terway_mcp.cluster.scenarios.pods import Pod, back_off, terminated
from terway_mcp.cluster.scenarios.profile import Terway
from terway_mcp.cluster.scenarios.scenario import Scenario, Truth
from terway_mcp.cluster.scenarios.terway_pods import crash_looping
from terway_mcp.cluster.scenarios.world import World
from tests.scenarios.incidents.stage import reserve, retried
from tests.scenarios.third.stage import (
    DENIED,
    INNOCENT,
    RPC,
    about,
    asked,
    becomes,
    central,
    crash_loops,
    create_fails,
    hang,
    keep_events,
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
    stuck,
    trunk_cluster,
    trunking,
    waiting_shop,
)

NO_SHORTAGE = ("exhaust", "IpNotEnough", "no free IP")
"""What nobody may claim where addresses are not the trouble."""


def of_the_shop(
    world: World, name: str, title: str, symptom: str, build: Callable[[], ClusterBuilder], truth: Truth
) -> Scenario:
    """An incident about the first pod of the shop; `{pod}` in the symptom is its name."""
    shop, pod = asked(world)
    text = symptom.format(pod=f"{shop}/{pod}")
    return Scenario(name=name, title=title, symptom=text, namespace=shop, pod=pod, build=build, truth=truth)


def stalled_shop(
    world: World, name: str, terway: Terway | None = None, *, minutes: float = 30, **details: Unpack[NodeDetails]
) -> ClusterBuilder:
    """An ordinary cluster where two pods of the shop wait on node 21; nothing says why yet."""
    cluster = ordinary_cluster(world, name, terway or central(world))
    cluster.node(world.node(21), kind="ecs.g7.2xlarge", **details)
    cluster.nodes[world.node(21)].serving = False
    stuck(cluster, (world.namespace("shop"), world.app("web"), world.node(21)), (4, 2), minutes)
    return cluster


def waiting_pods(cluster: ClusterBuilder) -> list[Pod]:
    """The pods of the shop that have no address."""
    shop = cluster.world.namespace("shop")
    return [each for each in cluster.pods.values() if each.namespace == shop and each.node and not each.ips]


def sandbox_fails(
    cluster: ClusterBuilder, error: str, *, every: float = 1.5, add: bool = True, reserved: bool = True
) -> ClusterBuilder:
    """Only the kubelet reports why the waiting pods of the shop get no sandbox; `add`: a CNI plugin failed."""
    prefix = SANDBOX if add else "Failed to create pod sandbox: rpc error: code = "
    for pod in waiting_pods(cluster):
        if reserved:
            reserve(cluster, pod)
        cluster.scheduled(*pod.key.split("/"))
        seen = retried(cluster.world, pod.created, every=every)
        kubelet_says(cluster, (pod.namespace, pod.name), "FailedCreatePodSandBox", prefix + error, seen)
    return cluster


def policy_crashes(cluster: ClusterBuilder, node: str, said: Sequence[str], *, reason: str = "Error") -> ClusterBuilder:
    """The policy container of the Terway pod on a node ends again and again after it said something."""
    world, pod = cluster.world, cluster.terway_pod(node)
    code = 137 if reason == "OOMKilled" else 1
    died = terminated(reason, code, world.ago(3), world.ago(2.5))
    cluster.terway_containers(node, crash_looping(pod, "policy", died, 11))
    for previous, minutes in ((False, 2.6), (True, 7.8)):
        lines = [Line(world.ago(minutes - index / 600), text) for index, text in enumerate(said)]
        cluster.daemon_log(node, "policy", previous=previous).add(*lines)
    return cluster.keeps_crashing("kube-system", pod.name, "policy", Seen(world.ago(45), world.ago(0.4), 92))


def crashing_app(cluster: ClusterBuilder, key: tuple[str, str], said: str) -> ClusterBuilder:
    """A running pod's container ends again and again after it logged a line."""
    world, pod = cluster.world, cluster.pods[key]
    old = pod.containers[0]
    died = terminated("Error", 1, world.ago(3), world.ago(2.9))
    state = back_off(old.name, pod.name, pod.namespace, pod.uid)
    pod.containers = [type(old)(old.name, old.image, state, died, 9, ready=False)]
    for previous, minutes in ((False, 2.95), (True, 8.2)):
        cluster.log(*key, old.name, previous=previous).add(Line(world.ago(minutes), said))
    return cluster.keeps_crashing(*key, old.name, Seen(world.ago(30), world.ago(0.5), 70))


def scheduling_fails(cluster: ClusterBuilder, key: tuple[str, str], text: str, seen: Seen) -> ClusterBuilder:
    """The scheduler finds no node for a pod."""
    said = Said("FailedScheduling", text, action="Scheduling")
    return cluster.event_scheduler(cluster.ref(*key), said, seen)


__all__ = [
    "DENIED",
    "INNOCENT",
    "NO_SHORTAGE",
    "RPC",
    "about",
    "asked",
    "becomes",
    "central",
    "crash_loops",
    "crashing_app",
    "create_fails",
    "hang",
    "keep_events",
    "kubelet_says",
    "local",
    "lone_pod",
    "new_node",
    "not_enough",
    "of_the_shop",
    "openapi",
    "ordinary_cluster",
    "pod_create_fails",
    "policy_crashes",
    "pool_fails",
    "reserve",
    "retried",
    "sandbox_fails",
    "scheduling_fails",
    "serving_shop",
    "stalled_shop",
    "stuck",
    "trunk_cluster",
    "trunking",
    "waiting_pods",
    "waiting_shop",
]
