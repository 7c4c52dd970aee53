"""Addresses and ENIs that do not come: what the cloud or the configuration in front of it refuses."""

import json

from terway_mcp.cluster.scenarios.builder import ClusterBuilder
from terway_mcp.cluster.scenarios.clock import Seen
from terway_mcp.cluster.scenarios.events import Said
from terway_mcp.cluster.scenarios.plots import DEADLINE, REFUSED, SANDBOX
from terway_mcp.cluster.scenarios.profile import Terway
from terway_mcp.cluster.scenarios.scenario import Scenario, Truth
from terway_mcp.cluster.scenarios.world import World
from tests.scenarios.fourth.stage import (
    NO_SHORTAGE,
    central,
    crash_loops,
    create_fails,
    hang,
    kubelet_says,
    local,
    lone_pod,
    not_enough,
    of_the_shop,
    openapi,
    ordinary_cluster,
    pod_create_fails,
    pool_fails,
    retried,
    stalled_shop,
    stuck,
    trunk_cluster,
    waiting_pods,
)
from tests.scenarios.incidents.stage import trunk_annotations

from .stage import daemon_logs, request_id, was_short


def in_the_nodes_own_vswitch(world: World) -> Scenario:
    """`vswitches` names no vSwitch of the node's zone, so the daemon took the one of the node itself; it is empty.

    ACK's "Modify pod vSwitches" says so of zones without a vSwitch, and node_reconcile.go falls back in silence. The
    shortage is real; a vSwitch added to another zone would change nothing.
    """
    node, vswitch = world.node(21), world.vswitch("j")

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "in-the-nodes-own-vswitch", central(world))
        cluster.node(node, zone="j", kind="ecs.g7.2xlarge", idle=0, sufficient_ip=False)
        cluster.eni_conf(vswitches={world.zone("j"): None})
        stuck(cluster, (world.namespace("shop"), world.app("web"), node), (9, 3), 30)
        hang(cluster, world.namespace("shop"), world.app("web"), DEADLINE)
        observed = world.ago(4).strftime("%Y-%m-%dT%H:%M:%SZ")
        said = {"message": f"{vswitch} ip is not enough", "observedTime": observed}
        cluster.nodes[node].enis[0].conditions["InsufficientIP"] = said
        return pool_fails(cluster, node, not_enough(vswitch), Seen(world.ago(28), world.ago(4), 6))

    truth = Truth(
        category="resource_exhaustion",
        also=("configuration",),
        facts=("InvalidVSwitchId.IpNotEnough", vswitch, node),
        forbidden=("Forbidden.RAM", "quota", "eni.socket", world.vswitch("h"), "bug"),
    )
    symptom = "{pod} waits though the pod vSwitches have thousands of addresses."
    return of_the_shop(world, "in-the-nodes-own-vswitch", "A zone nobody configured", symptom, build, truth)


def multus_on_top(world: World) -> Scenario:
    """Multus is the plugin the runtime calls; its long error carries Terway's, and the reason is the empty vSwitch."""
    node, vswitch = world.node(21), world.vswitch("h")

    def build() -> ClusterBuilder:
        cluster = stalled_shop(world, "multus-on-top", idle=0, sufficient_ip=False)
        for pod in waiting_pods(cluster):
            cluster.scheduled(pod.namespace, pod.name)
            seen = retried(world, pod.created)
            name = f"{pod.namespace}/{pod.name}/{pod.uid}"
            text = (
                f'{SANDBOX}plugin type="multus-shim" name="multus-cni-network" failed (add): CmdAdd (shim): CNI '
                'request failed with status 400: \'ContainerID:"{sandbox}" IfName:"eth0" Path:"" ERRORED: error '
                f"configuring pod [{pod.key}] networking: [{name}:terway]: error adding container to network "
                f'"terway": plugin type="terway" failed (add): failed to do add; {DEADLINE}\''
            )
            kubelet_says(cluster, (pod.namespace, pod.name), "FailedCreatePodSandBox", text, seen)
            cluster.event_daemon(cluster.ref(pod.namespace, pod.name), Said("AllocIPFailed", DEADLINE), seen)
        return pool_fails(cluster, node, not_enough(vswitch), Seen(world.ago(29), world.ago(3), 7))

    truth = Truth(
        category="resource_exhaustion",
        facts=("InvalidVSwitchId.IpNotEnough", vswitch, node),
        forbidden=("multus", "Forbidden.RAM", "eni.socket", "not Terway"),
    )
    symptom = "{pod}: multus-shim failed with status 400. Multus is broken?"
    return of_the_shop(world, "multus-on-top", "An error inside an error", symptom, build, truth)


def pool_with_its_own_vswitch(world: World) -> Scenario:
    """A node pool has its own ConfigMap, whose only vSwitch is empty; the cluster's eni-config is not what counts.

    docs/dynamic-config.md: the label `terway-config` names the ConfigMap whose eni_conf is merged over the cluster's.
    """
    node, vswitch = world.node(21), world.vswitch("h9")
    shop, web = world.namespace("shop"), world.app("web")

    def build() -> ClusterBuilder:
        terway = local(world)
        cluster = ordinary_cluster(world, "pool-with-its-own-vswitch", terway)
        own = {"vswitches": {world.zone("h"): [vswitch]}}
        cluster.node(node, kind="ecs.g7.2xlarge", idle=0, sufficient_ip=False, labels={"terway-config": "eni-gpu-pool"})
        cluster.nodes[node].vswitch = cluster.vswitch("h9")
        cluster.eni_conf(vswitches={world.zone("h"): [world.vswitch("h")]})
        cluster.config_map("eni-gpu-pool", {"eni_conf": json.dumps(own)})
        stuck(cluster, (shop, web, node), (5, 2), 30)
        hang(
            cluster,
            shop,
            web,
            "cmdAdd: error alloc ip rpc error: code = Unknown desc = no eni can handle the allocation",
        )
        seen = Seen(world.ago(28), world.ago(2), 5)
        return create_fails(cluster, node, not_enough(vswitch), seen, not_enough(vswitch))

    truth = Truth(
        category="resource_exhaustion",
        also=("configuration",),
        facts=("InvalidVSwitchId.IpNotEnough", vswitch, "eni-gpu-pool", node),
        forbidden=("Forbidden.RAM", "eni.socket", "bug", "quota"),
    )
    symptom = "{pod} waits. We added a vSwitch to eni-config yesterday and restarted Terway."
    return of_the_shop(world, "pool-with-its-own-vswitch", "A pool with rules of its own", symptom, build, truth)


def trunk_wants_a_slot(world: World) -> Scenario:
    """Trunking was switched on for nodes that already have every ENI they may have: the daemon cannot start.

    daemon.go ends with `error create trunk eni` when no trunk ENI is attached and none can be created; ACK says that
    trunking only takes effect on nodes added later.
    """
    node = world.node(21)
    shop, web = world.namespace("shop"), world.app("web")

    def build() -> ClusterBuilder:
        terway = Terway(
            release=world.pick("release", "v1.14.3", "v1.12.4"), ipam="local", trunk=True, virtual_type="veth"
        )
        cluster = stalled_shop(world, "trunk-wants-a-slot", terway, idle=8)
        hang(cluster, shop, web, REFUSED, every=2)
        was_short(cluster, world.node(23), 30)
        text = "The maximum number of Eni per instance has been exceeded."
        error = f"errCode: EniPerInstanceLimitExceeded, msg: {text}, requestID: {request_id(world, node)}"
        return crash_loops(cluster, node, f"error create trunk eni, {error}")

    truth = Truth(
        category="resource_exhaustion",
        also=("configuration", "quota"),
        facts=("EniPerInstanceLimitExceeded", "trunk", node),
        forbidden=("IpNotEnough", "Forbidden.RAM", "bug", "kernel"),
    )
    symptom = "{pod}: connection refused on eni.socket since we enabled trunking."
    return of_the_shop(world, "trunk-wants-a-slot", "No slot left for the trunk", symptom, build, truth)


def clock_behind(world: World) -> Scenario:
    """The node's clock is wrong, so every signed request is refused; keys and policies are fine on all other nodes.

    `InvalidTimeStamp.Expired` is the gateway's word for a timestamp more than 15 minutes off (public error codes of
    the OpenAPI): time synchronisation is what is broken.
    """
    node = world.node(21)
    error = openapi("InvalidTimeStamp.Expired", "Specified time stamp or date value is expired.")

    def build() -> ClusterBuilder:
        cluster = stalled_shop(world, "clock-behind", local(world), idle=0)
        no_eni = "cmdAdd: error alloc ip rpc error: code = Unknown desc = no eni can handle the allocation"
        hang(cluster, world.namespace("shop"), world.app("web"), no_eni)
        return create_fails(cluster, node, error, Seen(world.ago(29), world.ago(2), 9), error)

    truth = Truth(
        category="node_runtime",
        also=("permission", "configuration"),
        facts=("InvalidTimeStamp.Expired", node),
        forbidden=(*NO_SHORTAGE, "Forbidden.RAM", "lacks", "throttl", "bug"),
    )
    return of_the_shop(world, "clock-behind", "A clock that lost its time", "{pod} has no IP.", build, truth)


def group_limit_under_trunk(world: World) -> Scenario:
    """The security group of a PodNetworking holds as many addresses as it may; conflicts on the Node are noise."""
    shop, db = world.namespace("shop"), world.app("db")
    code = "SecurityGroupInstanceLimitExceed"
    text = openapi(code, "The maximum number of instances in a security group is exceeded.")

    def build() -> ClusterBuilder:
        cluster = trunk_cluster(world, "group-limit-under-trunk")
        lone_pod(cluster, (shop, db), 22, trunk_annotations(world, world.vswitch("h")))
        seen = Seen(world.ago(21), world.ago(1.5), 12)
        pod_create_fails(
            cluster, (shop, f"{db}-0"), f"error batch create eni,create eni with openAPI err, {text}", seen
        )
        hang(cluster, shop, db, DEADLINE)
        conflict = (
            f'Operation cannot be fulfilled on nodes "{world.node(21)}": the object has been modified; please apply '
            "your changes to the latest version and try again"
        )
        said = Said("ConfigError", conflict, action="Config")
        return cluster.event_controlplane("node", cluster.ref_node(world.node(21)), said, Seen.once(world.ago(20)))

    return Scenario(
        name="group-limit-under-trunk",
        title="A security group that is full",
        symptom=f"{shop}/{db}-0 is ContainerCreating; the node says ConfigError.",
        namespace=shop,
        pod=f"{db}-0",
        build=build,
        truth=Truth(
            category="quota",
            also=("resource_exhaustion",),
            facts=(code, f"{db}-0"),
            forbidden=("Forbidden.RAM", "IpNotEnough", "has been modified", "bug", "annotation"),
        ),
    )


def burst_of_own_enis(world: World) -> Scenario:
    """A large StatefulSet asks for an ENI per pod at once and the account's flow control says no; it passes."""
    shop, db = world.namespace("shop"), world.app("db")
    text = openapi("Throttling.User", "Request was denied due to user flow control.")

    def build() -> ClusterBuilder:
        cluster = trunk_cluster(world, "burst-of-own-enis")
        lone_pod(cluster, (shop, db), 9, trunk_annotations(world, world.vswitch("h")))
        seen = Seen(world.ago(8.5), world.ago(0.7), 8)
        pod_create_fails(
            cluster, (shop, f"{db}-0"), f"error batch create eni,create eni with openAPI err, {text}", seen
        )
        hang(cluster, shop, db, DEADLINE, every=2)
        return was_short(cluster, world.node(23), 7)

    return Scenario(
        name="burst-of-own-enis",
        title="Too many ENIs at once",
        symptom=f"{shop}/{db}-0 and its 60 brothers do not start.",
        namespace=shop,
        pod=f"{db}-0",
        build=build,
        truth=Truth(
            category="throttling",
            facts=("Throttling.User", f"{db}-0"),
            forbidden=("IpNotEnough", "Forbidden.RAM", "exhaust", "bug"),
        ),
    )


def daemon_unauthorized(world: World) -> Scenario:
    """The API server no longer accepts the daemon's token: no pod can be read, and no event can be written either.

    daemon.go wraps what GetPod says as `InvalidArgs`; only the kubelet can still report.
    """
    node = world.node(21)
    error = "cmdAdd: error alloc ip rpc error: code = Unknown desc = code: InvalidArgs, msg: Unauthorized"

    def build() -> ClusterBuilder:
        cluster = stalled_shop(world, "daemon-unauthorized", idle=6)
        for pod in waiting_pods(cluster):
            cluster.no_network(pod.namespace, pod.name, error, retried(world, pod.created, every=1.5), reported=False)
        listing = "failed to list *v1.Pod: Unauthorized"
        daemon_logs(
            cluster, node, Seen(world.ago(33), world.ago(0.6), 30), ("Unhandled Error", "reflector.go:200", listing)
        )
        failed = ("alloc ip failed", "daemon.go:139", "code: InvalidArgs, msg: Unauthorized")
        return daemon_logs(cluster, node, Seen(world.ago(29), world.ago(1.2), 18), failed)

    truth = Truth(
        category="permission",
        also=("component_down", "node_runtime"),
        facts=("Unauthorized", node),
        forbidden=(*NO_SHORTAGE, "RAM", "OpenAPI", "eni.socket"),
    )
    return of_the_shop(world, "daemon-unauthorized", "A token nobody accepts", "{pod}: InvalidArgs?", build, truth)


INCIDENTS = (
    in_the_nodes_own_vswitch,
    multus_on_top,
    pool_with_its_own_vswitch,
    trunk_wants_a_slot,
    clock_behind,
    group_limit_under_trunk,
    burst_of_own_enis,
    daemon_unauthorized,
)
