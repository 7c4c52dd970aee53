"""Two plausible causes each; time, object or count decides."""

from terway_mcp.cluster.scenarios.builder import ClusterBuilder
from terway_mcp.cluster.scenarios.clock import Seen
from terway_mcp.cluster.scenarios.events import Said
from terway_mcp.cluster.scenarios.plots import REFUSED
from terway_mcp.cluster.scenarios.pods import Container, waiting
from terway_mcp.cluster.scenarios.scenario import Scenario, Truth
from terway_mcp.cluster.scenarios.world import World
from tests.scenarios.incidents.stage import trunk_annotations

from .stage import (
    DENIED,
    asked,
    central,
    crash_loops,
    create_fails,
    hang,
    local,
    lone_pod,
    not_enough,
    openapi,
    ordinary_cluster,
    pod_create_fails,
    pool_fails,
    serving_shop,
    stuck,
    trunk_cluster,
    waiting_shop,
)

_GROUP_FULL = openapi(
    "SecurityGroupInstanceLimitExceed", "The maximum number of private IP addresses in the security group is reached."
)


def quota_next_door(world: World) -> Scenario:
    """The account's ENI quota stops the neighbour; this node has its ENIs, but their vSwitch is empty."""
    shop, pod = asked(world)
    node, other = world.node(21), world.node(24)

    def build() -> ClusterBuilder:
        cluster = waiting_shop(world, "quota-next-door")
        cluster.node(other, zone="i", idle=0, sufficient_ip=False)
        quota = openapi("EniLimitExceeded", "The number of ENIs in this region exceeds the quota of your account.")
        pool_fails(cluster, other, quota, Seen(world.ago(50), world.ago(1), 22), creating=True)
        return pool_fails(cluster, node, not_enough(world.vswitch("h")), Seen(world.ago(29), world.ago(2), 7))

    return Scenario(
        name="quota-next-door",
        title="A quota on the neighbour, an empty vSwitch here",
        symptom=f"{shop}/{pod} has no IP. The ENI quota alert is red, surely it is that?",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="resource_exhaustion",
            facts=("InvalidVSwitchId.IpNotEnough", node),
            forbidden=("EniLimitExceeded", "Forbidden.RAM", "bug", other),
        ),
    )


def granted_then_full(world: World) -> Scenario:
    """The missing right was granted before the pods were made; now their security group is full."""
    shop, pod = asked(world)
    node = world.node(21)

    def build() -> ClusterBuilder:
        cluster = waiting_shop(world, "granted-then-full", local(world), minutes=22)
        create_fails(cluster, node, DENIED, Seen(world.ago(57), world.ago(41), 5), DENIED)
        return create_fails(cluster, node, _GROUP_FULL, Seen(world.ago(21), world.ago(2), 6), _GROUP_FULL)

    return Scenario(
        name="granted-then-full",
        title="A right that came, a group that is full",
        symptom=f"{shop}/{pod} still waits although we fixed the RAM policy 40 minutes ago.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="quota",
            facts=("SecurityGroupInstanceLimitExceed", node),
            forbidden=("Forbidden.RAM", "IpNotEnough", "bug", "authorized"),
        ),
    )


def shortage_then_crash(world: World) -> Scenario:
    """The vSwitch was empty for a while and was helped; since then the daemon panics on the node."""
    shop, pod = asked(world)
    node = world.node(21)
    panic = "panic: runtime error: invalid memory address or nil pointer dereference"

    def build() -> ClusterBuilder:
        cluster = waiting_shop(world, "shortage-then-crash", error=REFUSED, minutes=20, counts=(6, 2), enough=True)
        cluster.nodes[node].idle = 4
        pool_fails(cluster, node, not_enough(world.vswitch("h")), Seen(world.ago(70), world.ago(56), 4))
        return crash_loops(cluster, node, panic, restarts=6)

    return Scenario(
        name="shortage-then-crash",
        title="A shortage that ended and a daemon that panics",
        symptom=f"{shop}/{pod} gets no IP; we had IpNotEnough this morning and added a vSwitch.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="component_down",
            also=("terway_bug",),
            facts=("nil pointer dereference", node),
            forbidden=("IpNotEnough", "exhaust", "Forbidden.RAM"),
        ),
    )


def own_group_missing(world: World) -> Scenario:
    """The node's shared pool is short too, but this pod has an ENI of its own and its group does not exist."""
    shop, app = world.namespace("shop"), world.app("db")
    pod, node = f"{app}-0", world.node(21)
    error = openapi("InvalidSecurityGroupId.NotFound", "The specified SecurityGroupId does not exist.")

    def build() -> ClusterBuilder:
        cluster = trunk_cluster(world, "own-group-missing")
        lone_pod(cluster, (shop, app), 26, trunk_annotations(world, world.vswitch("h")))
        wrapped = f"error batch create eni,create eni with openAPI err, {error}"
        pod_create_fails(cluster, (shop, pod), wrapped, Seen(world.ago(25), world.ago(2), 11))
        pool_fails(cluster, node, not_enough(world.vswitch("h")), Seen(world.ago(35), world.ago(1), 19))
        return hang(cluster, shop, app, every=4)

    return Scenario(
        name="own-group-missing",
        title="A pod with its own ENI beside a dry pool",
        symptom=f"{shop}/{pod} has no network; the node reports IpNotEnough.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="configuration",
            facts=("InvalidSecurityGroupId.NotFound", pod),
            forbidden=("IpNotEnough", "exhaust", "Forbidden.RAM", "bug"),
        ),
    )


def once_against_often(world: World) -> Scenario:
    """One ServiceUnavailable in the middle of a private-IP quota that answers every other call."""
    shop, pod = asked(world)
    node = world.node(21)
    quota = openapi("QuotaExceeded.PrivateIpAddress", "The quota of private IP addresses in this VPC is exceeded.")
    hiccup = openapi("ServiceUnavailable", "The request has failed due to a temporary failure of the server.")

    def build() -> ClusterBuilder:
        cluster = waiting_shop(world, "once-against-often", local(world))
        create_fails(cluster, node, quota, Seen(world.ago(29), world.ago(2), 10), quota)
        return create_fails(cluster, node, hiccup, Seen.once(world.ago(1)), hiccup)

    return Scenario(
        name="once-against-often",
        title="Ten of one, one of the other",
        symptom=f"{shop}/{pod}: the last error was ServiceUnavailable, do we just wait?",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="quota",
            also=("resource_exhaustion",),
            facts=("QuotaExceeded.PrivateIpAddress", node),
            forbidden=("ServiceUnavailable", "throttl", "Forbidden.RAM", "bug"),
        ),
    )


def new_name_new_cause(world: World) -> Scenario:
    """The pod whose network failed was deleted; the one that took its place has not been scheduled at all."""
    shop, _ = asked(world)
    web, node = world.app("web"), world.node(21)
    text = "0/3 nodes are available: 3 Insufficient memory. preemption: 0/3 nodes are available: 3 No victims found."

    def build() -> ClusterBuilder:
        cluster = serving_shop(world, "new-name-new-cause", minutes=60)
        former = f"{web}-{world.ids.template_hash(web)}-{world.ids.suffix(5, web, 'former')}"
        created = world.ago(50)
        owner = cluster.replica_set_of(shop, web)
        container = Container(web, cluster.app_image(web), waiting("ContainerCreating"))
        cluster.pod(shop, former, node, [container], created, owner=owner)
        error = "cmdAdd: error alloc ip rpc error: code = DeadlineExceeded desc = context deadline exceeded"
        cluster.no_network(shop, former, error, Seen(world.ago(48), world.ago(27), 6))
        del cluster.pods[shop, former]
        pool_fails(cluster, node, not_enough(world.vswitch("h")), Seen(world.ago(49), world.ago(26), 6))
        fresh = f"{web}-{world.ids.template_hash(web)}-{world.ids.suffix(5, web, 'fresh')}"
        cluster.pod(shop, fresh, "", [container], world.ago(21), unschedulable=text, owner=owner)
        said = Said("FailedScheduling", text, action="Scheduling")
        return cluster.event_scheduler(cluster.ref(shop, fresh), said, Seen(world.ago(21), world.ago(1), 5))

    fresh = f"{web}-{world.ids.template_hash(web)}-{world.ids.suffix(5, web, 'fresh')}"
    return Scenario(
        name="new-name-new-cause",
        title="The successor fails for another reason",
        symptom=f"{shop}/{fresh}: still the IP problem? Its predecessor had AllocIPFailed.",
        namespace=shop,
        pod=fresh,
        build=build,
        truth=Truth(
            category="not_terway",
            facts=("Insufficient memory", fresh),
            forbidden=("IpNotEnough", "vSwitch", "Forbidden.RAM", "bug"),
        ),
    )


def churned(world: World) -> Scenario:
    """The autoscaler added nodes in one go: flow control on all of them, one old denial on a node nobody asks about."""
    shop, pod = asked(world)
    node = world.node(21)
    flow = openapi("Throttling.User", "Request was denied due to user flow control.")

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "churned", central(world), hosts=(22, 23))
        for host in (21, 24, 25, 26):
            cluster.node(world.node(host), kind="ecs.g7.2xlarge", age_days=15 / 1440, idle=0, sufficient_ip=None)
            cluster.nodes[world.node(host)].serving = False
            seen = Seen(world.ago(13), world.ago(0.7), 9)
            pool_fails(cluster, world.node(host), flow, seen, creating=True)
        web = world.app("web")
        stuck(cluster, (shop, web, node), (1, 2), 13)
        hang(cluster, shop, web, every=3)
        pool_fails(cluster, world.node(23), DENIED, Seen.once(world.ago(59)))
        return cluster

    return Scenario(
        name="churned",
        title="Many nodes at once",
        symptom=f"{shop}/{pod} on a node of the new batch waits since it was scaled out.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="throttling",
            facts=("Throttling.User", node),
            forbidden=("Forbidden.RAM", "IpNotEnough", "exhaust", "bug"),
        ),
    )
