"""Captures that lack something: rights, events, logs, times, objects."""

import msgspec

from terway_mcp.cluster import resources
from terway_mcp.cluster.scenarios.builder import ClusterBuilder
from terway_mcp.cluster.scenarios.clock import Seen
from terway_mcp.cluster.scenarios.events import Said
from terway_mcp.cluster.scenarios.logs import Line
from terway_mcp.cluster.scenarios.plots import REFUSED
from terway_mcp.cluster.scenarios.profile import Terway
from terway_mcp.cluster.scenarios.scenario import Scenario, Truth
from terway_mcp.cluster.scenarios.world import World

from .stage import (
    DENIED,
    RPC,
    about,
    asked,
    central,
    crash_loops,
    create_fails,
    keep_events,
    local,
    no_terway_logs,
    ordinary_cluster,
    pool_fails,
    waiting_shop,
)


def no_node_crs(world: World) -> Scenario:
    """Hosted controlplane, no right to read Terway's resources; an event about the Node CR is left."""
    shop, pod = asked(world)
    node, vswitch = world.node(21), world.vswitch("h")
    error = f"[{vswitch} no ip left, no available vSwitch for zone {world.zone('h')}, vswList [{vswitch}]]"

    def build() -> ClusterBuilder:
        terway = Terway(release=world.pick("release", "v1.17.5", "v1.16.6"), controlplane="hosted")
        cluster = waiting_shop(world, "no-node-crs", terway)
        pool_fails(cluster, node, error, Seen(world.ago(29), world.ago(2), 8))
        for resource in (resources.NODE_CRS, resources.NODERUNTIMES, resources.PODENIS, resources.NETWORKINTERFACES):
            cluster.forbid(resource)
        return cluster

    return Scenario(
        name="no-node-crs",
        title="No right to read Terway's resources",
        symptom=f"{shop}/{pod} waits; our account may read core resources only.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="resource_exhaustion", facts=("no ip left", node), forbidden=("Forbidden.RAM", "permission", "bug")
        ),
    )


def log_without_times(world: World) -> Scenario:
    """Events are gone; the daemon's log, collected without timestamps, still has the denied calls."""
    bare = World(msgspec.structs.replace(world.variation, log_prefix=False))
    shop, pod = asked(bare)
    node = bare.node(21)

    def build() -> ClusterBuilder:
        cluster = waiting_shop(bare, "log-without-times", local(bare, "v1.8.3", "v1.10.2"))
        create_fails(cluster, node, DENIED, Seen(bare.ago(29), bare.ago(2), 7), DENIED)
        return keep_events(cluster, lambda _: False)

    return Scenario(
        name="log-without-times",
        title="An old log without timestamps and no events",
        symptom=f"{shop}/{pod} without IP on an old cluster.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(category="permission", facts=("Forbidden.RAM", node), forbidden=("IpNotEnough", "exhaust", "bug")),
    )


def cut_off(world: World) -> Scenario:
    """All that is left is one kubelet event whose text ends in the middle of the error."""
    shop, pod = asked(world)
    node = world.node(21)
    text = (
        "(combined from similar events): Failed to create pod sandbox: rpc error: code = Unknown desc = failed to "
        'setup network for sandbox "{sandbox}": plugin type="terway" failed (add): failed to do add; cmdAdd: error '
        "alloc ip rpc error: code = Unknown desc = er"
    )

    def build() -> ClusterBuilder:
        cluster = waiting_shop(world, "cut-off", minutes=50, counts=(3, 1), enough=None)
        cluster.events = []
        said = Said("FailedCreatePodSandBox", text)
        when = Seen(world.ago(47), world.ago(0.6), 2)
        cluster.event_kubelet(cluster.ref(shop, pod), said, when)
        cluster.events = cluster.events[-1:]
        cluster.events[0]["count"] = 96
        no_terway_logs(cluster)
        for resource in (resources.NODE_CRS, resources.NODERUNTIMES, resources.CONFIGMAPS):
            cluster.forbid(resource)
        return cluster

    return Scenario(
        name="cut-off",
        title="An error text that was cut off",
        symptom=f"{shop}/{pod}: this is what the developer pasted, we cannot read more.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="insufficient_evidence",
            facts=("error alloc ip", pod, node),
            forbidden=("IpNotEnough", "Forbidden.RAM", "bug", "healthy"),
        ),
    )


def full_by_the_books(world: World) -> Scenario:
    """No logs, no ConfigMaps, events expired: the Node CR alone shows that every address is taken."""
    shop, pod = asked(world)
    node, web = world.node(21), world.app("web")

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "full-by-the-books", central(world))
        cluster.node(node, kind="ecs.g7.large", idle=0, sufficient_ip=False, serving=False)
        cluster.deployment(shop, web, running={node: 12}, creating={node: 3}, since=world.ago(90))
        keep_events(cluster, lambda event: about(event).get("name") != pod)
        no_terway_logs(cluster)
        return cluster.forbid(resources.CONFIGMAPS)

    return Scenario(
        name="full-by-the-books",
        title="Only the accounting is left",
        symptom=f"{shop}/{pod} waits since the night; events are expired, logs may not be read.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(category="resource_exhaustion", facts=(node, pod), forbidden=("Forbidden.RAM", "bug", "healthy")),
    )


def crash_unread(world: World) -> Scenario:
    """The daemon crash-loops and nobody may read why."""
    shop, pod = asked(world)
    node = world.node(21)

    def build() -> ClusterBuilder:
        cluster = waiting_shop(world, "crash-unread", error=REFUSED, counts=(5, 2), minutes=25, enough=True)
        crash_loops(cluster, node, "secret reason", restarts=14)
        for key in [each for each in cluster.logs if each[1] == cluster.terway_pod(node).name]:
            del cluster.logs[key]
        no_terway_logs(cluster, ("terway",))
        return cluster

    return Scenario(
        name="crash-unread",
        title="A crash whose log may not be read",
        symptom=f"{shop}/{pod} gets no network.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="component_down",
            also=("insufficient_evidence",),
            facts=("connection refused", "CrashLoopBackOff", node),
            forbidden=("exhaust", "IpNotEnough", "Forbidden.RAM", "OOM", "eni_conf is not"),
        ),
    )


def elsewhere_told(world: World) -> Scenario:
    """The pod's namespace could not be read; the node's events in `default` tell the cause."""
    shop, pod = asked(world)
    node = world.node(21)
    arrears = (
        "errCode: Account.Arrearage, msg: Your account has an outstanding payment., "
        "requestID: 5B2C77A0-91D2-5E0B-8C11-7A6F00C1D2E3"
    )

    def build() -> ClusterBuilder:
        cluster = waiting_shop(world, "elsewhere-told", local(world))
        create_fails(cluster, node, arrears, Seen(world.ago(28), world.ago(1), 7))
        no_terway_logs(cluster)
        return keep_events(cluster, lambda event: about(event).get("namespace") != shop)

    return Scenario(
        name="elsewhere-told",
        title="Events of the node only",
        symptom=f"{shop}/{pod} is in ContainerCreating; the events of its namespace are gone.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="permission",
            also=("quota",),
            facts=("Account.Arrearage", node),
            forbidden=("IpNotEnough", "exhaust", "bug"),
        ),
    )


def no_custom_resource(world: World) -> Scenario:
    """There is no Node CR for the node: the controlplane cannot parse its providerID, says its log alone."""
    shop, pod = asked(world)
    node = world.node(21)

    def build() -> ClusterBuilder:
        cluster = waiting_shop(world, "no-custom-resource", counts=(0, 2), minutes=28, enough=None)
        model = cluster.nodes[node]
        model.custom_resource, model.provider_id = "absent", f"alicloud:///{world.region}/{model.instance}"
        error = f"error parse providerID {model.provider_id}"
        fields = {"err": error, "controller": "node", "name": node}
        failed = Line(world.ago(80), "Reconciler error", "E", "controller.go:347", fields)
        seen = Seen(world.ago(80), world.ago(6), 12)
        missing = {"err": f'nodes.network.alibabacloud.com "{node}" not found'}
        lines = cluster.repeat(seen, Line(world.ago(80), "get node failed", "E", "crdv2.go:305", missing))
        return cluster.controlplane_says(*cluster.repeat(seen, failed)).daemon_says(node, *lines)

    return Scenario(
        name="no-custom-resource",
        title="A node without a Node CR",
        symptom=f"{shop}/{pod}: context deadline exceeded on our self-managed node.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="configuration", facts=("providerID", node), forbidden=("IpNotEnough", "exhaust", "bug", "throttl")
        ),
    )


def nodes_unreadable(world: World) -> Scenario:
    """Nodes and DaemonSets may not be read; an old daemon passes its OpenAPI error through to the pod."""
    shop, pod = asked(world)
    error = (
        f"{RPC}error get allocated eniip, Aliyun API Error: RequestId: AD60191D-4184-45FC-9709-2BA52FA85538 "
        "Status Code: 404 Code: InvalidSecurityGroupId.NotFound Message: The specified SecurityGroupId does not exist."
    )

    def build() -> ClusterBuilder:
        terway = Terway(
            release="v1.5.6", ipam="local", controlplane="absent", virtual_type="veth", kubernetes="v1.20.11-aliyun.1"
        )
        cluster = waiting_shop(world, "nodes-unreadable", terway, error=error, enough=None)
        return cluster.forbid(resources.NODES).forbid(resources.DAEMONSETS)

    return Scenario(
        name="nodes-unreadable",
        title="An old release, seen through a keyhole",
        symptom=f"{shop}/{pod} fails with an Aliyun API Error.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="configuration",
            facts=("InvalidSecurityGroupId.NotFound", pod),
            forbidden=("IpNotEnough", "exhaust", "bug"),
        ),
    )
