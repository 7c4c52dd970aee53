"""Texts nobody has catalogued: codes no release special-cases, foreign wrappers, words that mislead."""

from collections.abc import Callable

from terway_mcp.cluster import resources
from terway_mcp.cluster.scenarios.builder import ClusterBuilder
from terway_mcp.cluster.scenarios.clock import Seen
from terway_mcp.cluster.scenarios.events import Said
from terway_mcp.cluster.scenarios.pods import Container, running
from terway_mcp.cluster.scenarios.profile import Terway
from terway_mcp.cluster.scenarios.scenario import Scenario, Truth
from terway_mcp.cluster.scenarios.system import daemon_set
from terway_mcp.cluster.scenarios.world import World

from .stage import (
    RPC,
    asked,
    central,
    create_fails,
    hang,
    local,
    openapi,
    ordinary_cluster,
    pool_fails,
    stuck,
    waiting_shop,
)


def _asked_about(
    world: World, name: str, title: str, symptom: str, build: Callable[[], ClusterBuilder], truth: Truth
) -> Scenario:
    shop, pod = asked(world)
    text = symptom.format(pod=f"{shop}/{pod}")
    return Scenario(name=name, title=title, symptom=text, namespace=shop, pod=pod, build=build, truth=truth)


def tea_error(world: World) -> Scenario:
    """The newer SDK prints its errors in several lines, with the code on one of its own."""
    node = world.node(21)
    error = (
        "SDKError:\n   StatusCode: 403\n   Code: NoPermission\n   Message: code: 403, The RAM user is not authorized "
        "to perform ecs:AssignPrivateIpAddresses. request id: 3F2A11B0-0C77-5D1E-9E63-77C2B1A0D9E4\n   Data: "
        '{"Code":"NoPermission","HostId":"ecs-vpc.aliyuncs.com","statusCode":403}\n'
    )

    def build() -> ClusterBuilder:
        cluster = waiting_shop(world, "tea-error")
        return pool_fails(cluster, node, error, Seen(world.ago(28), world.ago(2), 7))

    truth = Truth(
        category="permission", facts=("NoPermission", node), forbidden=("IpNotEnough", "exhaust", "bug", "throttl")
    )
    return _asked_about(world, "tea-error", "An error over five lines", "{pod} waits for an IP.", build, truth)


def classic_error(world: World) -> Scenario:
    """The classic SDK's own wording, passed on raw."""
    node = world.node(21)
    error = (
        "SDK.ServerError\nErrorCode: EniLimitExceeded\nRecommend: https://api.aliyun.com/troubleshoot?q=EniLimitExceeded"
        "\nRequestId: 0B3C57D1-4C1E-5A9B-8A60-1D2E3F405162\nMessage: The number of ENIs exceeds the limit of your "
        "account."
    )

    def build() -> ClusterBuilder:
        cluster = waiting_shop(world, "classic-error", local(world))
        return create_fails(cluster, node, error, Seen(world.ago(28), world.ago(2), 7), error)

    truth = Truth(category="quota", facts=("EniLimitExceeded", node), forbidden=("IpNotEnough", "vSwitch", "bug"))
    return _asked_about(world, "classic-error", "The classic SDK speaks", "{pod} has no IP.", build, truth)


def ipv6_not_on(world: World) -> Scenario:
    """Dual stack is asked for in a vSwitch that has no IPv6 block."""
    node = world.node(21)
    error = openapi("InvalidVSwitch.Ipv6NotTurnOn", "The specified VSwitch has not turned on IPv6.")

    def build() -> ClusterBuilder:
        terway = Terway(release=world.pick("release", "v1.17.2", "v1.16.6"), ip_stack="dual")
        cluster = waiting_shop(world, "ipv6-not-on", terway)
        return pool_fails(cluster, node, error, Seen(world.ago(28), world.ago(2), 7), creating=True)

    truth = Truth(
        category="configuration",
        facts=("InvalidVSwitch.Ipv6NotTurnOn", node),
        forbidden=("IpNotEnough", "no free IP", "exhaust", "bug", "throttl", "does not exist"),
    )
    return _asked_about(
        world, "ipv6-not-on", "IPv6 that is not turned on", "{pod} waits since we set ip_stack to dual.", build, truth
    )


def bad_tag(world: World) -> Scenario:
    """The tags in eni_conf are refused: their key begins with a reserved prefix."""
    node = world.node(21)
    error = openapi("InvalidTagKey.Malformed", "The specified Tag.n.Key is not valid: acs:team.")

    def build() -> ClusterBuilder:
        cluster = waiting_shop(world, "bad-tag").eni_conf(eni_tags={"acs:team": "shop"})
        return pool_fails(cluster, node, error, Seen(world.ago(28), world.ago(2), 7), creating=True)

    truth = Truth(
        category="configuration",
        also=("insufficient_evidence",),
        facts=("InvalidTagKey.Malformed", node),
        forbidden=("IpNotEnough", "exhaust", "bug", "throttl", "Forbidden.RAM"),
    )
    return _asked_about(
        world, "bad-tag", "A tag the cloud refuses", "{pod} has no IP, we added cost tags.", build, truth
    )


def message_too_large(world: World) -> Scenario:
    """gRPC says ResourceExhausted about a message, not about addresses; the node has plenty of them."""
    node = world.node(21)
    error = (
        "cmdAdd: error alloc ip rpc error: code = ResourceExhausted desc = grpc: received message larger than max "
        "(4194812 vs. 4194304)"
    )

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "message-too-large", local(world, "v1.16.6", "v1.14.3"))
        cluster.node(node, kind="ecs.g7.2xlarge", idle=5)
        shop, web = world.namespace("shop"), world.app("web")
        stuck(cluster, (shop, web, node), (4, 2), 24)
        return hang(cluster, shop, web, error, every=3)

    truth = Truth(
        category="insufficient_evidence",
        also=("terway_bug", "node_runtime", "component_down"),
        facts=("received message larger than max", node),
        forbidden=("IpNotEnough", "no free IP", "vSwitch", "Forbidden.RAM", "quota"),
    )
    return _asked_about(
        world,
        "message-too-large",
        "A resource that is no address",
        "{pod}: ResourceExhausted, add a vSwitch?",
        build,
        truth,
    )


def stream_reset(world: World) -> Scenario:
    """Something between plugin and daemon speaks another protocol; nothing else is wrong."""
    node = world.node(21)
    error = (
        "cmdAdd: error alloc ip rpc error: code = Internal desc = stream terminated by RST_STREAM with error code: "
        "PROTOCOL_ERROR"
    )

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "stream-reset", local(world))
        cluster.node(node, kind="ecs.g7.2xlarge", idle=5)
        shop, web = world.namespace("shop"), world.app("web")
        stuck(cluster, (shop, web, node), (4, 2), 24)
        return hang(cluster, shop, web, error, every=3)

    truth = Truth(
        category="insufficient_evidence",
        also=("terway_bug", "node_runtime", "component_down"),
        facts=("PROTOCOL_ERROR", node),
        forbidden=("IpNotEnough", "exhaust", "Forbidden.RAM", "OpenAPI"),
    )
    return _asked_about(world, "stream-reset", "A stream that is reset", "{pod} does not start.", build, truth)


def number_without_meaning(world: World) -> Scenario:
    """LingJun answers with a number no document explains."""
    node = world.node(21)
    error = "errCode: 2044, msg: resource state machine rejected transition, requestID: {request_id}"

    def build() -> ClusterBuilder:
        cluster = waiting_shop(world, "number-without-meaning")
        cluster.nodes[node].labels = {"alibabacloud.com/lingjun-worker": "true"}
        return pool_fails(cluster, node, error, Seen(world.ago(28), world.ago(2), 7), creating=True)

    truth = Truth(
        category="insufficient_evidence",
        also=("throttling",),
        facts=("2044", "state machine rejected", node),
        forbidden=("IpNotEnough", "vSwitch has no", "Forbidden.RAM", "quota", "bug"),
    )
    return _asked_about(
        world, "number-without-meaning", "A number nobody explains", "{pod} on a LingJun node waits.", build, truth
    )


def host_network_service(world: World) -> Scenario:
    """A Windows node: the host networking service cannot make the endpoint, after the address was given."""
    node = world.node(21)
    error = (
        "cmdAdd: error setup, failed to create HNS endpoint, hcnCreateEndpoint failed in Win32: Element not found. "
        '(0x490) {"Success":false,"Error":"Element not found. ","ErrorCode":2147943568}'
    )

    def build() -> ClusterBuilder:
        terway = local(world)
        cluster = ordinary_cluster(world, "host-network-service", terway)
        cluster.node(
            node,
            kind="ecs.g7.2xlarge",
            labels={"kubernetes.io/os": "windows", "node.kubernetes.io/windows-build": "10.0.20348"},
            os_image="Windows Server 2022 Datacenter",
            kernel="10.0.20348.2402",
        )
        cluster.without_terway_pod(node)
        name = "terway-eniip-windows"
        pod = cluster.world.daemon_pod(name, node)
        container = Container("terway", terway.image, running(world.ago(days=3)))
        cluster.pod("kube-system", pod, node, [container], world.ago(days=3), host_network=True, labels={"app": name})
        cluster.has(resources.DAEMONSETS, daemon_set(world, name, terway.image, (1, 1)))
        cluster.nodes[node].serving = False
        shop, web = world.namespace("shop"), world.app("web")
        stuck(cluster, (shop, web, node), (2, 2), 24)
        for key in [each for each in cluster.pods if each[0] == shop and not cluster.pods[each].ips]:
            cluster.scheduled(*key)
            ref, seen = cluster.ref(*key), Seen(world.ago(23), world.ago(1), 8)
            from_kubelet = f'plugin type="terway" failed (add): failed to do add; {error}'
            _sandbox(cluster, key, from_kubelet, seen)
            _plugin(cluster, ref.name, error, seen)
        return cluster

    truth = Truth(
        category="datapath",
        also=("insufficient_evidence", "node_runtime"),
        facts=("hcnCreateEndpoint", node),
        forbidden=("IpNotEnough", "exhaust", "Forbidden.RAM", "No Terway pod", "kernel version"),
    )
    return _asked_about(
        world, "host-network-service", "An endpoint on Windows", "{pod} on Windows fails.", build, truth
    )


def _sandbox(cluster: ClusterBuilder, key: tuple[str, str], text: str, seen: Seen) -> None:
    from_runtime = (
        'Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox "'
    )
    said = Said("FailedCreatePodSandBox", f'{from_runtime}{{sandbox}}": {text}')
    cluster.event_kubelet(cluster.ref(*key), said, seen)


def _plugin(cluster: ClusterBuilder, pod: str, text: str, seen: Seen) -> None:
    shop = cluster.world.namespace("shop")
    cluster.event_daemon(cluster.ref(shop, pod), Said("AllocIPFailed", text), seen)


def database_locked(world: World) -> Scenario:
    """The daemon's own store cannot be written: the disk of the node is full."""
    node = world.node(21)
    error = f"{RPC}error put resource into store, write /var/lib/cni/terway/ResRelation.db: no space left on device"

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "database-locked", local(world))
        cluster.node(node, kind="ecs.g7.2xlarge", idle=5)
        shop, web = world.namespace("shop"), world.app("web")
        stuck(cluster, (shop, web, node), (4, 2), 24)
        return hang(cluster, shop, web, error, every=3)

    truth = Truth(
        category="node_runtime",
        facts=("no space left on device", node),
        forbidden=("IpNotEnough", "vSwitch", "Forbidden.RAM", "quota", "bug"),
    )
    return _asked_about(world, "database-locked", "A store on a full disk", "{pod} fails to get an IP.", build, truth)


def stopped_instance(world: World) -> Scenario:
    """ENIs cannot be attached: the instance is being resized and not running, says a code no release knows."""
    node = world.node(21)
    refused = openapi("InvalidOperation.InvalidEcsState", "The operation is not allowed in the current instance state.")

    def build() -> ClusterBuilder:
        cluster = waiting_shop(world, "stopped-instance", central(world, "v1.17.2", "v1.17.5"))
        text = f"ENI {world.eni(node, 1)} attach failed: {refused}"
        said = Said("AttachENIFailed", text, action="AttachENI")
        seen = Seen(world.ago(27), world.ago(2), 6)
        return cluster.event_controlplane("multi-ip-node", cluster.ref_node_cr(node), said, seen)

    truth = Truth(
        category="node_runtime",
        also=("throttling", "insufficient_evidence"),
        facts=("InvalidOperation.InvalidEcsState", node),
        forbidden=("IpNotEnough", "Forbidden.RAM", "bug", "quota"),
    )
    return _asked_about(world, "stopped-instance", "An instance in the wrong state", "{pod} waits.", build, truth)


INCIDENTS = (
    tea_error,
    classic_error,
    ipv6_not_on,
    bad_tag,
    message_too_large,
    stream_reset,
    number_without_meaning,
    host_network_service,
    database_locked,
    stopped_instance,
)
"""All incidents of this module."""
