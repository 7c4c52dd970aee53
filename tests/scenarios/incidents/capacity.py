"""Nodes, accounts and prefixes at their limit."""

from datetime import timedelta

from terway_mcp.cluster.scenarios.background import ordinary_cluster
from terway_mcp.cluster.scenarios.builder import ClusterBuilder
from terway_mcp.cluster.scenarios.clock import Seen, seconds
from terway_mcp.cluster.scenarios.events import Said
from terway_mcp.cluster.scenarios.logs import Line
from terway_mcp.cluster.scenarios.pods import waiting
from terway_mcp.cluster.scenarios.profile import Terway
from terway_mcp.cluster.scenarios.scenario import Scenario, Truth
from terway_mcp.cluster.scenarios.world import World

from .stage import hang, openapi


def node_full(world: World) -> Scenario:
    """Both ENIs of a small node are full: no Terway event anywhere but on the waiting pods."""
    shop, web, node = world.namespace("shop"), world.app("web"), world.node(21)
    kind = world.pick("kind", "ecs.g7.large", "ecs.c7.large")

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "node-full", Terway(release=world.pick("release", "v1.17.2", "v1.16.6")))
        cluster.node(node, kind=kind, idle=0, sufficient_ip=False)
        cluster.deployment(shop, web, running={node: 12, world.node(22): 2}, creating={node: 3}, since=world.ago(47))
        return hang(cluster, shop, web, every=6)

    return Scenario(
        name="node-full",
        title="A node with no address left",
        symptom=f"Three pods of {shop}/{web} hang on one node; there are no Terway events on the node.",
        namespace=shop,
        pod=world.replica(web, 0),
        build=build,
        truth=Truth(
            category="resource_exhaustion",
            facts=(node, "SufficientIP", kind),
            forbidden=("IpNotEnough", "bug", "not Terway"),
        ),
    )


def full_node_and_a_conflict(world: World) -> Scenario:
    """The same, beside a harmless ConfigError about an optimistic lock."""
    shop, web, node = world.namespace("shop"), world.app("web"), world.node(24)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "full-node-and-a-conflict", Terway(release="v1.17.2"))
        cluster.node(node, kind="ecs.g7.large", idle=0, sufficient_ip=False)
        cluster.deployment(shop, web, running={node: 12}, creating={node: 2}, since=world.ago(33))
        hang(cluster, shop, web, every=6)
        text = (
            f'Operation cannot be fulfilled on nodes.network.alibabacloud.com "{node}": the object has been modified; '
            "please apply your changes to the latest version and try again"
        )
        seen = Seen(world.ago(40), world.ago(21), 2)
        cluster.event_controlplane("node", cluster.ref_node(node), Said("ConfigError", text, action="Config"), seen)
        return cluster

    return Scenario(
        name="full-node-and-a-conflict",
        title="A full node beside a harmless ConfigError",
        symptom=f"Pods of {shop}/{web} hang; the node shows a ConfigError.",
        namespace=shop,
        pod=world.replica(web, 0),
        build=build,
        truth=Truth(
            category="resource_exhaustion",
            facts=(node, "SufficientIP"),
            forbidden=("object has been modified", "misconfig", "bug"),
        ),
    )


def foreign_enis(world: World) -> Scenario:
    """ENIs that somebody attached by hand fill the instance; Terway's own accounting has room."""
    shop, web, node = world.namespace("shop"), world.app("web"), world.node(21)
    error = openapi("EniPerInstanceLimitExceeded", "The maximum number of ENI in a single instance exceeded.")

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(
            world, "foreign-enis", Terway(release=world.pick("release", "v1.17.2", "v1.17.1", "v1.16.6"))
        )
        cluster.node(node, kind="ecs.g7.xlarge", idle=0, sufficient_ip=False)
        cluster.deployment(shop, web, running={node: 15}, creating={node: 4}, since=world.ago(31))
        hang(cluster, shop, web, every=6)
        seen, cr = Seen(world.ago(30), world.ago(4), 7), cluster.ref_node_cr(node)
        created = f"Failed to create ENI type=Secondary vsw={world.vswitch('h')}: {error}"
        cluster.event_controlplane("multi-ip-node", cr, Said("CreateENIFailed", created, action="CreateENI"), seen)
        cluster.event_controlplane("multi-ip-node", cr, Said("AllocIPFailed", error, action="AllocIP"), seen)
        synced = Said(
            "SyncOpenAPISuccess", "Successfully synced 1 ENIs from OpenAPI", warning=False, action="SyncOpenAPI"
        )
        cluster.event_controlplane("multi-ip-node", cr, synced, Seen(world.ago(29), world.ago(3), 6))
        failed = Line(seen.first, "syncPods error", "E", "pool.go:393", {"err": error, "name": node})
        return cluster.controlplane_says(*cluster.repeat(seen, failed))

    return Scenario(
        name="foreign-enis",
        title="The instance has more ENIs than Terway knows",
        symptom=f"Pods of {shop}/{web} hang although the node shows two free ENI slots.",
        namespace=shop,
        pod=world.replica(web, 0),
        build=build,
        truth=Truth(
            category="resource_exhaustion",
            also=("quota",),
            facts=("EniPerInstanceLimitExceeded", node),
            forbidden=("IpNotEnough", "Forbidden.RAM", "bug"),
        ),
    )


def private_ip_quota(world: World) -> Scenario:
    """The account's quota of private addresses is used up; the vSwitch itself has room."""
    shop, web, node = world.namespace("shop"), world.app("web"), world.node(21)
    error = openapi("QuotaExceeded.PrivateIpAddress", "The quota of private ip addresses in the VPC is exceeded.")

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(
            world, "private-ip-quota", Terway(release=world.pick("release", "v1.17.2", "v1.17.1"))
        )
        cluster.node(node, kind="ecs.g7.2xlarge", idle=0, sufficient_ip=False)
        cluster.deployment(shop, web, running={node: 5}, creating={node: 4}, since=world.ago(25))
        hang(cluster, shop, web, every=5)
        seen = Seen(world.ago(24), world.ago(3), 6)
        said = Said("AllocIPFailed", error, action="AllocIP")
        cluster.event_controlplane("multi-ip-node", cluster.ref_node_cr(node), said, seen)
        cluster.nodes[node].enis[0].conditions["OperationErr"] = {
            "message": error.replace("{request_id}", world.ids.request_id("quota"))[:256],
            "observedTime": seconds(seen.last),
        }
        failed = Line(seen.first, "syncPods error", "E", "pool.go:393", {"err": error, "name": node})
        return cluster.controlplane_says(*cluster.repeat(seen, failed))

    return Scenario(
        name="private-ip-quota",
        title="The quota of private addresses is used up",
        symptom=f"New pods of {shop}/{web} get no address although the vSwitch shows thousands free.",
        namespace=shop,
        pod=world.replica(web, 0),
        build=build,
        truth=Truth(
            category="quota",
            also=("resource_exhaustion",),
            facts=("QuotaExceeded.PrivateIpAddress", node),
            forbidden=("InvalidVSwitchId.IpNotEnough", "Forbidden.RAM", "bug"),
        ),
    )


def prefixes_exhausted(world: World) -> Scenario:
    """Prefix mode with one prefix for the node: sixteen pods run, the rest wait, and nobody reports an event."""
    shop, web, node = world.namespace("shop"), world.app("web"), world.node(21)

    def build() -> ClusterBuilder:
        terway = Terway(release=world.pick("release", "v1.17.2", "v1.17.4"), prefixes=1)
        cluster = ordinary_cluster(world, "prefixes-exhausted", terway)
        cluster.node(node, kind="ecs.g7.2xlarge", serving=False)
        cluster.deployment(shop, web, running={node: 16}, creating={node: 4}, since=world.ago(44))
        hang(cluster, shop, web, every=6)
        for index in range(4):
            pod = f"{shop}/{world.replica(web, index)}"
            fields = {"err": f"no available IPAM for pod {pod}", "logger": "local-delegate", "podID": pod}
            text = "failed to allocate local IP immediately, waiting for Node CR update"
            first = world.ago(43) + timedelta(seconds=index)
            line = Line(first, text, "E", "local_delegate.go:123", fields)
            cluster.daemon_says(node, *cluster.repeat(Seen(first, world.ago(3), 8), line))
        return cluster

    return Scenario(
        name="prefixes-exhausted",
        title="Prefix mode with too few prefixes",
        symptom=f"The last pods of {shop}/{web} on a node hang; the node says SufficientIP=True and shows no events.",
        namespace=shop,
        pod=world.replica(web, 0),
        build=build,
        truth=Truth(
            category="resource_exhaustion",
            also=("configuration",),
            facts=("no available IPAM", node),
            forbidden=("IpNotEnough", "Forbidden.RAM", "bug"),
        ),
    )


def member_eni_short(world: World) -> Scenario:
    """The scheduler finds no node with member ENIs: device plugin or trunk are not set up."""
    shop, db = world.namespace("shop"), world.app("db")

    def build() -> ClusterBuilder:
        terway = Terway(release=world.pick("release", "v1.15.4", "v1.16.6"), trunk=True)
        cluster = ordinary_cluster(world, "member-eni-short", terway, hosts=(21, 22, 23))
        for node in cluster.nodes.values():
            node.capacity["aliyun/member-eni"] = "0"
        cluster.stateful_set(shop, db, wanted=2)
        text = "0/3 nodes are available: 3 Insufficient aliyun/member-eni. preemption: 0/3 nodes are available."
        needs: dict[str, object] = {"limits": {"aliyun/member-eni": "1"}, "requests": {"aliyun/member-eni": "1"}}
        created = world.ago(36)
        container = cluster.app_container(db, created, up=False)
        container = type(container)(db, container.image, waiting("ContainerCreating"), resources=needs)
        cluster.pod(shop, f"{db}-0", "", [container], created, unschedulable=text)
        said = Said("FailedScheduling", text, action="Scheduling")
        cluster.event_scheduler(cluster.ref(shop, f"{db}-0"), said, Seen(created, world.ago(2), 9))
        return cluster

    return Scenario(
        name="member-eni-short",
        title="No node offers a member ENI",
        symptom=f"{shop}/{db}-0 is Pending and has no node.",
        namespace=shop,
        pod=f"{db}-0",
        build=build,
        truth=Truth(
            category="resource_exhaustion",
            also=("configuration",),
            facts=("aliyun/member-eni", f"{db}-0"),
            forbidden=("vSwitch", "IpNotEnough", "Forbidden.RAM"),
        ),
    )
