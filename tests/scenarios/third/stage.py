"""Turns that several incidents of the third corpus share."""

from collections.abc import Callable, Sequence

from terway_mcp.cluster.scenarios.builder import ClusterBuilder, NodeDetails
from terway_mcp.cluster.scenarios.clock import Seen
from terway_mcp.cluster.scenarios.events import Said
from terway_mcp.cluster.scenarios.plots import DEADLINE, NO_ENI
from terway_mcp.cluster.scenarios.pods import Container
from terway_mcp.cluster.scenarios.profile import Json, Terway
from terway_mcp.cluster.scenarios.world import World
from tests.scenarios.incidents.stage import hang, not_enough, openapi
from tests.scenarios.second.stage import (
    DENIED,
    RPC,
    central,
    crash_loops,
    create_fails,
    local,
    lone_pod,
    new_node,
    ordinary_cluster,
    pod_create_fails,
    pool_fails,
    stuck,
    trunk_cluster,
    trunking,
)

INNOCENT = ("exhaust", "IpNotEnough", "Forbidden.RAM", "Terway bug", "throttl")
"""What nobody may claim where Terway is not to blame."""


def asked(world: World) -> tuple[str, str]:
    """Namespace and name of the first waiting pod of `waiting_shop`."""
    return world.namespace("shop"), world.replica(world.app("web"), 0)


def waiting_shop(
    world: World,
    name: str,
    terway: Terway | None = None,
    *,
    error: str = "",
    counts: tuple[int, int] = (15, 2),
    minutes: float = 30,
    every: float = 5,
    enough: bool | None = False,
) -> ClusterBuilder:
    """An ordinary cluster where pods of the shop wait for their network on node 21, each attempt failing alike."""
    terway = terway or central(world)
    cluster = ordinary_cluster(world, name, terway)
    details: NodeDetails = {"idle": 0, "sufficient_ip": enough, "serving": False}
    cluster.node(world.node(21), kind="ecs.g7.2xlarge", **details)
    shop, web = world.namespace("shop"), world.app("web")
    stuck(cluster, (shop, web, world.node(21)), counts, minutes)
    return hang(cluster, shop, web, error or (DEADLINE if terway.centralized else NO_ENI), every=every)


def serving_shop(world: World, name: str, terway: Terway | None = None, *, minutes: float = 40) -> ClusterBuilder:
    """An ordinary cluster where the shop runs on nodes 21 and 22 and got its addresses at once."""
    cluster = ordinary_cluster(world, name, terway or central(world))
    cluster.node(world.node(21), kind="ecs.g7.2xlarge")
    shop, web = world.namespace("shop"), world.app("web")
    running = {world.node(21): 3, world.node(22): 1}
    cluster.deployment(shop, web, running=running, since=world.ago(minutes))
    return cluster.started(shop, world.replica(web, 0))


def becomes(
    cluster: ClusterBuilder, key: tuple[str, str], state: Json, last: Json | None = None, restarts: int = 0
) -> ClusterBuilder:
    """The only container of a pod that has its address already is in another state."""
    pod = cluster.pods[key]
    old = pod.containers[0]
    pod.containers = [Container(old.name, old.image, state, last or {}, restarts, ready=False)]
    return cluster


def keep_events(cluster: ClusterBuilder, wanted: Callable[[Json], bool]) -> ClusterBuilder:
    """Only some of the events are left."""
    cluster.events = [each for each in cluster.events if wanted(each)]
    return cluster


def about(event: Json) -> Json:
    """The object an event is about."""
    found = event["involvedObject"]
    return found if isinstance(found, dict) else {}


def no_terway_logs(cluster: ClusterBuilder, containers: Sequence[str] = ("terway", "terway-controlplane")) -> None:
    """The collector might not read any log of Terway."""
    for namespace, name in list(cluster.pods):
        for container in cluster.pods[namespace, name].containers:
            if container.name in containers:
                cluster.forbid_log(namespace, name, container.name)


def kubelet_says(
    cluster: ClusterBuilder, key: tuple[str, str], reason: str, text: str, seen: Seen, *, warning: bool = True
) -> ClusterBuilder:
    """The kubelet of a pod's node says something about the pod."""
    return cluster.event_kubelet(cluster.ref(*key), Said(reason, text, warning=warning), seen)


__all__ = [
    "DENIED",
    "INNOCENT",
    "RPC",
    "about",
    "asked",
    "becomes",
    "central",
    "crash_loops",
    "create_fails",
    "hang",
    "keep_events",
    "kubelet_says",
    "local",
    "lone_pod",
    "new_node",
    "no_terway_logs",
    "not_enough",
    "openapi",
    "ordinary_cluster",
    "pod_create_fails",
    "pool_fails",
    "serving_shop",
    "stuck",
    "trunk_cluster",
    "trunking",
    "waiting_shop",
]
