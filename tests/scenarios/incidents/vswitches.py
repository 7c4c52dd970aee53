"""vSwitches without addresses, under both kinds of IPAM and with more or less of the evidence left."""

from terway_mcp.cluster.scenarios.background import ordinary_cluster
from terway_mcp.cluster.scenarios.builder import ClusterBuilder
from terway_mcp.cluster.scenarios.clock import Seen, seconds
from terway_mcp.cluster.scenarios.events import Said
from terway_mcp.cluster.scenarios.logs import Line
from terway_mcp.cluster.scenarios.plots import NO_ENI
from terway_mcp.cluster.scenarios.profile import Terway
from terway_mcp.cluster.scenarios.scenario import Scenario, Truth
from terway_mcp.cluster.scenarios.world import World

from .stage import hang, not_enough

NOT_THIS = ("quota", "Forbidden.RAM", "EniPerInstanceLimitExceeded", "bug")


def exhaust(cluster: ClusterBuilder, node: str, vswitch: str, seen: Seen) -> ClusterBuilder:
    """The controlplane finds a node's vSwitch empty: event, condition on the ENI and log."""
    for eni in cluster.nodes[node].enis:
        if eni.vswitch.id == vswitch:
            message = f"{vswitch} ip is not enough"
            eni.conditions["InsufficientIP"] = {"message": message, "observedTime": seconds(seen.last)}
    said = Said("AllocIPFailed", not_enough(vswitch), action="AllocIP")
    cluster.event_controlplane("multi-ip-node", cluster.ref_node_cr(node), said, seen)
    failed = Line(seen.first, "syncPods error", "E", "pool.go:393", {"err": not_enough(vswitch), "name": node})
    return cluster.controlplane_says(*cluster.repeat(seen, failed))


def local_inhibit(world: World) -> Scenario:
    """Local IPAM: assigning to an existing ENI finds the vSwitch empty, then nothing is tried for ten minutes."""
    shop, cart, node = world.namespace("shop"), world.app("cart"), world.node(21)
    vswitch = world.vswitch("h")
    terway = Terway(
        release=world.pick("release", "v1.9.16", "v1.10.3", "v1.12.4"),
        ipam="local",
        controlplane="absent",
        virtual_type="ipvlan",
        kubernetes="v1.28.9-aliyun.1",
    )

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "local-inhibit", terway)
        cluster.node(
            node, kind="ecs.g7.4xlarge", idle=0, sufficient_ip=world.pick("condition", False, True), serving=False
        )
        for _ in range(7):
            cluster.nodes[node].attach(world)
        cluster.deployment(shop, cart, running={node: 7}, creating={node: 4}, since=world.ago(26))
        hang(cluster, shop, cart, NO_ENI, every=0.6)
        seen = Seen(world.ago(25), world.ago(14), 2)
        cluster.event_daemon(cluster.ref_node(node), Said("AllocIPFailed", not_enough(vswitch)), seen)
        for index, moment in enumerate(seen.moments()):
            eni = cluster.nodes[node].enis[index].id
            once = Seen.once(moment)
            failed = Line(moment, "assign ipv4 failed", "E", "local.go:760", {"err": not_enough(vswitch), "eni": eni})
            called = {"err": not_enough(vswitch), "api": "AssignPrivateIpAddresses", "NetworkInterfaceId": eni}
            cluster.daemon_says(node, *cluster.repeat(once, failed))
            cluster.daemon_says(node, *cluster.repeat(once, Line(moment, "failed", "E", "ecs.go:328", called)))
        until = f"{world.ago(4):%Y-%m-%d %H:%M:%S} +0000 UTC"
        waiting = {"pod": f"{shop}/{world.replica(cart, 0)}", "expire": until}
        inhibit = Line(world.ago(13), "eni alloc inhibit", "I", "local.go:441", waiting)
        return cluster.daemon_says(node, *cluster.repeat(Seen(world.ago(13), world.ago(5), 12), inhibit))

    return Scenario(
        name="local-inhibit",
        title="vSwitch exhausted under local IPAM, with the ten-minute pause",
        symptom=f"Pods of {shop}/{cart} fail at once with 'no eni can handle the allocation'.",
        namespace=shop,
        pod=world.replica(cart, 0),
        build=build,
        truth=Truth(
            category="resource_exhaustion",
            facts=("InvalidVSwitchId.IpNotEnough", vswitch, node),
            forbidden=(*NOT_THIS, "node is full"),
        ),
    )


def new_vswitch_changes_nothing(world: World) -> Scenario:
    """A second vSwitch was configured, but the node has no ENI slot left to use it."""
    shop, web, node = world.namespace("shop"), world.app("web"), world.node(21)
    old, new = world.vswitch("h"), world.vswitch("h2")

    def build() -> ClusterBuilder:
        terway = Terway(release=world.pick("release", "v1.17.2", "v1.16.6", "v1.17.5"))
        cluster = ordinary_cluster(world, "new-vswitch-changes-nothing", terway)
        cluster.vswitch("h2")
        cluster.node(node, kind="ecs.g7.xlarge", idle=0, sufficient_ip=False)
        for _ in range(3):
            cluster.nodes[node].attach(world)
        cluster.deployment(shop, web, running={node: 3, world.node(22): 3}, creating={node: 5}, since=world.ago(52))
        hang(cluster, shop, web, every=9)
        return exhaust(cluster, node, old, Seen(world.ago(50), world.ago(6), 7))

    return Scenario(
        name="new-vswitch-changes-nothing",
        title="A vSwitch was added and nothing changed",
        symptom=f"We added {new} to eni-config an hour ago, yet pods of {shop}/{web} still get no address.",
        namespace=shop,
        pod=world.replica(web, 0),
        build=build,
        truth=Truth(
            category="resource_exhaustion",
            also=("configuration",),
            facts=("InvalidVSwitchId.IpNotEnough", old, node),
            forbidden=("Forbidden.RAM", "not loaded", "bug"),
        ),
    )


def events_lost_to_rbac(world: World) -> Scenario:
    """The controlplane may not write events.k8s.io: the exhausted vSwitch shows only in its log and in conditions."""
    shop, web, node = world.namespace("shop"), world.app("web"), world.node(21)
    vswitch = world.vswitch("h")

    def build() -> ClusterBuilder:
        terway = Terway(release=world.pick("release", "v1.17.2", "v1.17.3", "v1.17.5"), events_rbac=False)
        cluster = ordinary_cluster(world, "events-lost-to-rbac", terway)
        cluster.node(node, kind="ecs.g7.2xlarge", idle=0, sufficient_ip=False)
        cluster.deployment(shop, web, running={node: 4, world.node(22): 2}, creating={node: 5}, since=world.ago(38))
        hang(cluster, shop, web, every=6)
        return exhaust(cluster, node, vswitch, Seen(world.ago(37), world.ago(5), 8))

    return Scenario(
        name="events-lost-to-rbac",
        title="Events that were never stored",
        symptom=f"After the upgrade pods of {shop}/{web} hang, and there is no event that says why.",
        namespace=shop,
        pod=world.replica(web, 0),
        build=build,
        truth=Truth(
            category="resource_exhaustion",
            also=("permission",),
            facts=("events.k8s.io", vswitch, node),
            forbidden=("quota", "bug"),
        ),
    )


def only_the_condition_left(world: World) -> Scenario:
    """The events have expired; the ENI's condition, the core Node's condition and old log lines remain."""
    shop, web, node = world.namespace("shop"), world.app("web"), world.node(21)
    vswitch = world.vswitch("h")

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(
            world, "only-the-condition-left", Terway(release=world.pick("release", "v1.17.2", "v1.16.6"))
        )
        cluster.node(node, kind="ecs.g7.2xlarge", idle=0, sufficient_ip=False)
        cluster.deployment(shop, web, running={node: 3}, creating={node: 3}, since=world.ago(hours=7))
        seen = Seen(world.ago(hours=6.9), world.ago(95), 6)
        exhaust(cluster, node, vswitch, seen)
        # The API server drops events an hour after their last update.
        cluster.events = [
            each for each in cluster.events if cluster.ref_node_cr(node).render() != each["involvedObject"]
        ]
        return cluster

    return Scenario(
        name="only-the-condition-left",
        title="Events expired, conditions left",
        symptom=f"{shop}/{web} has been stuck since this morning and kubectl describe shows no events.",
        namespace=shop,
        pod=world.replica(web, 0),
        build=build,
        truth=Truth(
            category="resource_exhaustion",
            facts=(vswitch, node),
            forbidden=("healthy", "no problem", "quota"),
        ),
    )


def hosted_controlplane(world: World) -> Scenario:
    """The controlplane is hosted and invisible, which is not a fault; its events tell of the empty vSwitch."""
    shop, web, node = world.namespace("shop"), world.app("web"), world.node(21)
    vswitch = world.vswitch("h")

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "hosted-controlplane", Terway(release="v1.17.2", controlplane="hosted"))
        cluster.node(node, kind="ecs.c7.xlarge", idle=0, sufficient_ip=False)
        cluster.deployment(shop, web, running={node: 6, world.node(22): 2}, creating={node: 4}, since=world.ago(28))
        hang(cluster, shop, web, every=5)
        return exhaust(cluster, node, vswitch, Seen(world.ago(27), world.ago(4), 6))

    return Scenario(
        name="hosted-controlplane",
        title="A managed cluster whose controlplane cannot be seen",
        symptom=f"Pods of {shop}/{web} get no address, and there is no terway-controlplane in kube-system.",
        namespace=shop,
        pod=world.replica(web, 0),
        build=build,
        truth=Truth(
            category="resource_exhaustion",
            facts=("InvalidVSwitchId.IpNotEnough", vswitch, node),
            forbidden=("controlplane is not running", "controlplane is missing", "quota", "bug"),
        ),
    )
