"""IPv6, prefixes, vSwitches and what the cloud says about them."""

from terway_mcp.cluster.scenarios.builder import ClusterBuilder
from terway_mcp.cluster.scenarios.clock import Seen
from terway_mcp.cluster.scenarios.events import Said
from terway_mcp.cluster.scenarios.logs import Line
from terway_mcp.cluster.scenarios.profile import Terway
from terway_mcp.cluster.scenarios.scenario import Scenario, Truth
from terway_mcp.cluster.scenarios.world import World

from .stage import (
    DENIED,
    INNOCENT,
    NO_SHORTAGE,
    asked,
    central,
    create_fails,
    local,
    not_enough,
    of_the_shop,
    openapi,
    pool_fails,
    serving_shop,
    waiting_shop,
)


def _dual(world: World) -> Terway:
    return Terway(release=world.pick("release", "v1.17.2", "v1.16.6"), ip_stack="dual")


def ipv6_assign_denied(world: World) -> Scenario:
    """The policy covers IPv4 only; since dual stack was turned on, every assignment of an IPv6 address is refused."""
    node = world.node(21)

    def build() -> ClusterBuilder:
        cluster = waiting_shop(world, "ipv6-assign-denied", _dual(world))
        seen = Seen(world.ago(28), world.ago(2), 9)
        called = {"err": DENIED, "api": "AssignIpv6Addresses", "NetworkInterfaceId": world.eni(node, 0)}
        line = Line(seen.first, "failed", "E", "ecs.go:425", called)
        cluster.controlplane_says(*cluster.repeat(seen, line))
        return pool_fails(cluster, node, DENIED, seen)

    truth = Truth(
        category="permission",
        facts=("Forbidden.RAM", "AssignIpv6Addresses", node),
        forbidden=(*NO_SHORTAGE, "throttl", "not support"),
    )
    return of_the_shop(
        world, "ipv6-assign-denied", "The second family is not allowed", "{pod} waits since dual stack.", build, truth
    )


def ipv6_count_exceeded(world: World) -> Scenario:
    """Somebody put IPv6 addresses on the ENI by hand; the cloud takes no more, though the books have room."""
    node = world.node(21)
    error = openapi(
        "InvalidOperation.Ipv6CountExceeded", "The number of IPv6 addresses of the network interface exceeds the limit."
    )

    def build() -> ClusterBuilder:
        cluster = waiting_shop(world, "ipv6-count-exceeded", _dual(world), counts=(9, 2))
        return pool_fails(cluster, node, error, Seen(world.ago(28), world.ago(2), 9))

    truth = Truth(
        category="resource_exhaustion",
        facts=("InvalidOperation.Ipv6CountExceeded", node),
        forbidden=("vSwitch has no", "IpNotEnough", "Forbidden.RAM", "bug", "throttl"),
    )
    return of_the_shop(world, "ipv6-count-exceeded", "Too many of the longer ones", "{pod} has no IP.", build, truth)


def ipv6_is_there(world: World) -> Scenario:
    """The pod has both addresses, is Ready, and nothing in the capture speaks of trouble."""
    shop, pod = asked(world)

    def build() -> ClusterBuilder:
        return serving_shop(world, "ipv6-is-there", _dual(world))

    return Scenario(
        name="ipv6-is-there",
        title="Both families are there",
        symptom=f"Clients reach {shop}/{pod} over IPv4 but not over IPv6. Did Terway forget the address?",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="healthy",
            also=("insufficient_evidence", "not_terway"),
            facts=(pod,),
            forbidden=(*INNOCENT, "not support"),
        ),
    )


def prefixes_not_offered(world: World) -> Scenario:
    """Prefix mode on an instance type that has none."""
    node = world.node(21)
    error = openapi(
        "UnsupportedOperation.InstanceType", "The instance type ecs.g7.2xlarge does not support IPv4 prefixes."
    )

    def build() -> ClusterBuilder:
        terway = Terway(release=world.pick("release", "v1.17.2", "v1.17.5"), prefixes=2)
        cluster = waiting_shop(world, "prefixes-not-offered", terway, enough=True)
        return pool_fails(cluster, node, error, Seen(world.ago(28), world.ago(2), 9), creating=True)

    truth = Truth(
        category="configuration",
        facts=("UnsupportedOperation.InstanceType", node),
        forbidden=(*NO_SHORTAGE, "Forbidden.RAM", "throttl", "bug"),
    )
    return of_the_shop(
        world, "prefixes-not-offered", "A type without prefixes", "{pod} waits on the new pool.", build, truth
    )


def toggled_and_empty(world: World) -> Scenario:
    """Somebody asked for prefixes on a node that cannot change any more; the pods wait because the vSwitch is empty."""
    node, vswitch = world.node(21), world.vswitch("h")

    def build() -> ClusterBuilder:
        cluster = waiting_shop(world, "toggled-and-empty", central(world, "v1.17.2", "v1.17.5"))
        text = "enable_ip_prefix changed in config (want=true), but Node CR value (false) is immutable after creation"
        said = Said("PrefixModeImmutable", text, action="Config")
        for each in (node, world.node(22)):
            cluster.event_reconcile(cluster.ref_node(each), said, Seen(world.ago(50), world.ago(1), 44))
        cluster.eni_conf(enable_ip_prefix=True, ipv4_prefix_count=2)
        return pool_fails(cluster, node, not_enough(vswitch), Seen(world.ago(28), world.ago(2), 9))

    truth = Truth(
        category="resource_exhaustion",
        facts=("InvalidVSwitchId.IpNotEnough", vswitch, node),
        forbidden=("Forbidden.RAM", "bug", "throttl"),
    )
    return of_the_shop(
        world,
        "toggled-and-empty",
        "A switch that does nothing, beside an empty vSwitch",
        "We turned on enable_ip_prefix to save addresses; {pod} still has none.",
        build,
        truth,
    )


def vswitch_pending(world: World) -> Scenario:
    """The vSwitch is being changed by another task; the cloud refuses until it is done."""
    node, vswitch = world.node(21), world.vswitch("h")
    error = openapi("IncorrectVSwitchStatus", "The current status of virtual switch does not support this operation.")

    def build() -> ClusterBuilder:
        cluster = waiting_shop(world, "vswitch-pending", minutes=9, every=3)
        return pool_fails(cluster, node, error, Seen(world.ago(8), world.ago(1), 6), creating=True)

    truth = Truth(
        category="throttling",
        facts=("IncorrectVSwitchStatus", vswitch, node),
        forbidden=(*NO_SHORTAGE, "Forbidden.RAM", "does not exist", "bug"),
    )
    return of_the_shop(world, "vswitch-pending", "A vSwitch that is busy", "{pod} waits for 9 minutes.", build, truth)


def eni_deleted_in_console(world: World) -> Scenario:
    """An ENI the Node CR still counts was deleted in the console; the cloud does not know it any more."""
    node, eni = world.node(21), world.eni(world.node(21), 0)
    error = openapi("InvalidEniId.NotFound", f"The specified EniId {eni} is not found.")

    def build() -> ClusterBuilder:
        cluster = waiting_shop(world, "eni-deleted-in-console", counts=(6, 2))
        return pool_fails(cluster, node, error, Seen(world.ago(28), world.ago(2), 9))

    truth = Truth(
        category="configuration",
        also=("terway_bug", "node_runtime", "throttling"),
        facts=("InvalidEniId.NotFound", eni, node),
        forbidden=(*NO_SHORTAGE, "Forbidden.RAM", "quota"),
    )
    return of_the_shop(
        world,
        "eni-deleted-in-console",
        "An ENI only the books know",
        "{pod} waits; yesterday somebody tidied up ENIs in the console.",
        build,
        truth,
    )


def label_without_config(world: World) -> Scenario:
    """The node pool's own vSwitch never took effect: its ConfigMap does not exist, and the common one is empty."""
    node, vswitch, name = world.node(21), world.vswitch("h"), "eni-config-batch"
    selection = f"[{vswitch} no ip left, no available vSwitch for zone {world.zone('h')}, vswList [{vswitch}]]"

    def build() -> ClusterBuilder:
        cluster = waiting_shop(world, "label-without-config", local(world))
        cluster.nodes[node].labels = {"terway-config": name}
        return create_fails(cluster, node, selection, Seen(world.ago(28), world.ago(2), 9), not_enough(vswitch))

    truth = Truth(
        category="resource_exhaustion",
        also=("configuration",),
        facts=(vswitch, node, name),
        forbidden=("Forbidden.RAM", "bug", "throttl", "other zone"),
    )
    return of_the_shop(
        world,
        "label-without-config",
        "A label to a ConfigMap nobody made",
        "{pod}: vSwitch empty? This pool has a vSwitch of its own with 4000 free addresses.",
        build,
        truth,
    )


def insufficient_but_served(world: World) -> Scenario:
    """The condition still says InsufficientIP from the morning; pods have started since, addresses are free."""
    node = world.node(21)

    def build() -> ClusterBuilder:
        cluster = serving_shop(world, "insufficient-but-served", minutes=6)
        cluster.nodes[node].sufficient_ip = False
        cluster.nodes[node].idle = 6
        return cluster

    return Scenario(
        name="insufficient-but-served",
        title="A condition nobody refreshed",
        symptom=f"{node} shows InsufficientIP. Do we have to add a vSwitch?",
        node=node,
        build=build,
        truth=Truth(category="healthy", facts=(node,), forbidden=("IpNotEnough", "exhausted", "Terway bug", "quota")),
    )


def own_limiter(world: World) -> Scenario:
    """Nobody refuses anything: the daemon's own limiter, set to one call a minute, makes every pod too late."""
    node = world.node(21)

    def build() -> ClusterBuilder:
        terway = local(world, "v1.14.3", "v1.16.6")
        error = "cmdAdd: error alloc ip rpc error: code = DeadlineExceeded desc = context deadline exceeded"
        cluster = waiting_shop(world, "own-limiter", terway, error=error, counts=(9, 3), enough=True)
        cluster.eni_conf(rate_limit={"AssignPrivateIpAddresses": 1})
        seen = Seen(world.ago(28), world.ago(1.5), 14)
        slow = {"api": "AssignPrivateIpAddresses", "took": 118.4}
        line = Line(seen.first, "client rate limit", "I", "ratelimit.go:101", slow)
        return cluster.daemon_says(node, *cluster.repeat(seen, line))

    truth = Truth(
        category="throttling",
        also=("configuration",),
        facts=("client rate limit", "AssignPrivateIpAddresses", node),
        forbidden=(*NO_SHORTAGE, "Forbidden.RAM", "bug"),
    )
    return of_the_shop(world, "own-limiter", "Slowed down by ourselves", "{pod}: deadline exceeded.", build, truth)


def storm_after_shortage(world: World) -> Scenario:
    """The vSwitch was empty yesterday evening and was replaced; what pods wait for now is a flow limit."""
    node, other, old = world.node(21), world.node(22), world.vswitch("h2")
    error = openapi("Throttling.Api", "Request was denied due to api flow control.")

    def build() -> ClusterBuilder:
        cluster = waiting_shop(world, "storm-after-shortage")
        pool_fails(cluster, other, not_enough(old), Seen(world.ago(hours=11), world.ago(hours=10), 14))
        cluster.vswitch("h2")
        for each in (node, other):
            failed = Said("SyncOpenAPIFailed", f"Failed to describe network interfaces: {error}", action="SyncOpenAPI")
            seen = Seen(world.ago(31), world.ago(3), 8)
            cluster.event_controlplane("multi-ip-node", cluster.ref_node_cr(each), failed, seen)
        return pool_fails(cluster, node, error, Seen(world.ago(29), world.ago(1), 12), creating=True)

    truth = Truth(
        category="throttling",
        facts=("Throttling.Api", node),
        forbidden=("IpNotEnough", "exhaust", old, "Forbidden.RAM", "bug"),
    )
    return of_the_shop(
        world,
        "storm-after-shortage",
        "Yesterday's shortage, today's storm",
        "{pod} waits again; yesterday it was the vSwitch.",
        build,
        truth,
    )


def by_the_book_in_limits(world: World) -> Scenario:
    """Lines and events that look bad and are ordinary: a slow limiter, one failed delete, one failed sync."""
    node, gone = world.node(21), world.ids.cloud("eni", "gone")

    def build() -> ClusterBuilder:
        cluster = serving_shop(world, "by-the-book-in-limits", minutes=12)
        cr = cluster.ref_node_cr(node)
        state = openapi("InvalidOperation.InvalidEniState", "The operation is not allowed in the current state.")
        failed = Said("DeleteENIFailed", f"Failed to delete ENI {gone}: {state}", action="DeleteENI")
        done = Said("DeleteENISucceed", f"Successfully deleted ENI {gone}", warning=False, action="DeleteENI")
        cluster.event_controlplane("multi-ip-node", cr, failed, Seen.once(world.ago(41)))
        cluster.event_controlplane("multi-ip-node", cr, done, Seen.once(world.ago(39)))
        text = (
            "Waited for 1.393s due to client-side throttling, not priority and fairness, request: "
            "GET:https://172.21.0.1:443/apis/network.alibabacloud.com/v1beta1/nodes"
        )
        waited = Line(world.ago(33), text, "I", "request.go:752", plain=True)
        limited = Line(world.ago(32), "client rate limit", "I", "ratelimit.go:101", {"api": "Describe", "took": 5.2})
        return cluster.controlplane_says(waited, limited)

    return Scenario(
        name="by-the-book-in-limits",
        title="Ordinary bad words",
        symptom=f"We see DeleteENIFailed and throttling on {node}. Open a ticket?",
        node=node,
        build=build,
        truth=Truth(category="healthy", facts=(node,), forbidden=("exhaust", "quota", "Terway bug", "InvalidEniState")),
    )


INCIDENTS = (
    ipv6_assign_denied,
    ipv6_count_exceeded,
    ipv6_is_there,
    prefixes_not_offered,
    toggled_and_empty,
    vswitch_pending,
    eni_deleted_in_console,
    label_without_config,
    insufficient_but_served,
    own_limiter,
    storm_after_shortage,
    by_the_book_in_limits,
)
