"""Faults between a given address and a working pod: locks, netlink, chained plugins, slow attaching."""

from terway_mcp.cluster.scenarios.builder import ClusterBuilder
from terway_mcp.cluster.scenarios.clock import Seen
from terway_mcp.cluster.scenarios.events import Said
from terway_mcp.cluster.scenarios.logs import Line
from terway_mcp.cluster.scenarios.plots import CNI, DEADLINE, SANDBOX
from terway_mcp.cluster.scenarios.profile import Terway
from terway_mcp.cluster.scenarios.scenario import Scenario, Truth
from terway_mcp.cluster.scenarios.world import World
from tests.scenarios.incidents.stage import reserve

from .stage import RPC, central, ordinary_cluster, stuck

_NOT_CAPACITY = ("exhaust", "IpNotEnough", "Forbidden.RAM", "quota")


def _fails_with(cluster: ClusterBuilder, key: tuple[str, str], count: int, error: str, seen: Seen) -> ClusterBuilder:
    """Pods that have their address and fail behind it."""
    for index in range(count):
        pod = cluster.pods[key[0], cluster.world.replica(key[1], index)]
        reserve(cluster, pod)
        cluster.no_network(*key[:1], pod.name, error, seen)
    return cluster


def lock_not_free(world: World) -> Scenario:
    """The node is so busy that one CNI call waits for another until its time is up."""
    shop, web, node = world.namespace("shop"), world.app("web"), world.node(21)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "lock-not-free", central(world))
        cluster.node(node, kind="ecs.g7.2xlarge", serving=False)
        stuck(cluster, (shop, web, node), (9, 6), 12)
        error = "cmdAdd: failed to acquire lock: context deadline exceeded"
        return _fails_with(cluster, (shop, web), 6, error, Seen(world.ago(11.7), world.ago(0.6), 24))

    return Scenario(
        name="lock-not-free",
        title="CNI calls that wait for each other",
        symptom=f"Fifteen pods of {shop}/{web} were started at once on a small node; six hang.",
        namespace=shop,
        pod=world.replica(web, 0),
        build=build,
        truth=Truth(
            category="node_runtime",
            also=("datapath",),
            facts=("failed to acquire lock", node),
            forbidden=_NOT_CAPACITY,
        ),
    )


def file_exists(world: World) -> Scenario:
    """An interface of an earlier, failed attempt still has the name."""
    shop, cart, node = world.namespace("shop"), world.app("cart"), world.node(21)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "file-exists", central(world))
        cluster.node(node, kind="ecs.g7.2xlarge")
        stuck(cluster, (shop, cart, node), (3, 1), 17)
        error = "cmdAdd: setup eni config, error set nic eth1 to container, file exists"
        return _fails_with(cluster, (shop, cart), 1, error, Seen(world.ago(16.8), world.ago(0.5), 40))

    return Scenario(
        name="file-exists",
        title="A name that is already taken",
        symptom=f"One pod of {shop}/{cart} does not come up, its siblings on the same node do.",
        namespace=shop,
        pod=world.replica(cart, 0),
        build=build,
        truth=Truth(category="datapath", facts=("file exists", node), forbidden=_NOT_CAPACITY),
    )


def no_clsact(world: World) -> Scenario:
    """The kernel was built without the qdisc Terway needs."""
    shop, web, node = world.namespace("shop"), world.app("web"), world.node(21)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "no-clsact", central(world))
        cluster.node(
            node, kind="ecs.g7.2xlarge", kernel="5.15.0-custom-minimal", os_image="Company Linux 2", serving=False
        )
        stuck(cluster, (shop, web, node), (0, 3), 22)
        error = "cmdAdd: setup eni config, replace clsact qdisc for dev eth1 error, operation not supported"
        return _fails_with(cluster, (shop, web), 3, error, Seen(world.ago(21.8), world.ago(0.5), 48))

    return Scenario(
        name="no-clsact",
        title="A kernel without clsact",
        symptom=f"No pod starts on the node with our own kernel; {shop}/{web} is one of them.",
        namespace=shop,
        pod=world.replica(web, 0),
        build=build,
        truth=Truth(
            category="datapath",
            also=("node_runtime",),
            facts=("clsact", node),
            forbidden=_NOT_CAPACITY,
        ),
    )


def chained_cilium(world: World) -> Scenario:
    """Terway's part of the chain is done; cilium-cni behind it cannot find the interface of the ENI."""
    shop, web, node = world.namespace("shop"), world.app("web"), world.node(21)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "chained-cilium", central(world, "v1.16.6", "v1.17.1"))
        cluster.node(node, kind="ecs.g7.2xlarge")
        stuck(cluster, (shop, web, node), (2, 2), 26)
        text = (
            SANDBOX + 'plugin type="cilium-cni" failed (add): failed to do add; '
            "unable to determine eni index of veth pair on the host side"
        )
        for index in range(2):
            pod = cluster.pods[shop, world.replica(web, index)]
            reserve(cluster, pod)
            cluster.scheduled(shop, pod.name)
            cluster.event_kubelet(
                cluster.ref(shop, pod.name), Said("FailedCreatePodSandBox", text), Seen(world.ago(25), world.ago(1), 22)
            )
            for moment in Seen(world.ago(25), world.ago(1), 12).moments():
                sandbox = world.ids.hex64("sandbox", pod.key, moment)[:16]
                about = {"pod": pod.key, "containerID": sandbox}
                reply = "IPType:TypeENIMultiIP Success:true IPv4:true"
                cluster.daemon_says(
                    node,
                    Line(moment, "alloc ip req", "I", "daemon.go:109", about),
                    Line(moment, "alloc ip", "I", "daemon.go:141", {**about, "reply": reply}),
                )
        return cluster

    return Scenario(
        name="chained-cilium",
        title="The plugin behind Terway fails",
        symptom=f"{shop}/{web}: FailedCreatePodSandBox from cilium-cni, the Terway log says success.",
        namespace=shop,
        pod=world.replica(web, 0),
        build=build,
        truth=Truth(
            category="terway_bug",
            also=("datapath",),
            facts=("cilium-cni", "unable to determine eni index", node),
            forbidden=_NOT_CAPACITY,
        ),
    )


def processing_behind_an_attach(world: World) -> Scenario:
    """An ENI takes minutes to attach; the kubelet's retries meet the request that still runs."""
    shop, cart, node = world.namespace("shop"), world.app("cart"), world.node(21)
    pod, eni = world.replica(cart, 0), world.eni(world.node(21), 1)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "processing-behind-an-attach", central(world, "v1.17.2", "v1.16.6"))
        cluster.node(node, kind="ecs.g7.xlarge", idle=0, sufficient_ip=False)
        stuck(cluster, (shop, cart, node), (15, 2), 16)
        cluster.nodes[node].attach(world).status = "Attaching"
        cluster.no_network(shop, pod, DEADLINE, Seen(world.ago(13.5), world.ago(2), 4))
        busy = f"{RPC}code: PodIsProcessing, msg: Pod {shop}/{pod} request is processing"
        seen, ref = Seen(world.ago(13), world.ago(0.5), 31), cluster.ref(shop, pod)
        cluster.event_kubelet(ref, Said("FailedCreatePodSandBox", CNI + busy), seen)
        cluster.event_daemon(ref, Said("AllocIPFailed", busy), seen)
        cluster.no_network(shop, world.replica(cart, 1), DEADLINE, Seen(world.ago(13), world.ago(2.5), 4))
        cr, when = cluster.ref_node_cr(node), Seen(world.ago(13.4), world.ago(3), 4)
        text = f"ENI {eni} attach failed: attach timeout after 2m0s"
        cluster.event_controlplane("multi-ip-node", cr, Said("AttachENIFailed", text, action="AttachENI"), when)
        task = {"eni": eni, "node": node, "logger": "eni-task-queue"}
        cluster.controlplane_says(
            *cluster.repeat(when, Line(when.first, "attach task timeout", "E", "eni_task_queue.go:192", task))
        )
        return cluster

    return Scenario(
        name="processing-behind-an-attach",
        title="'request is processing' behind a slow attach",
        symptom=f"{shop}/{pod}: request is processing, thirty times. Is this a locking bug?",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="throttling",
            also=("node_runtime",),
            facts=("attach timeout after 2m0s", eni, node),
            forbidden=("concurrency", "locking bug", "IpNotEnough", "Forbidden.RAM"),
        ),
    )


def no_default_interface(world: World) -> Scenario:
    """A multi-network pod none of whose interfaces is the default one."""
    shop, web, node = world.namespace("shop"), world.app("web"), world.node(21)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(
            world, "no-default-interface", Terway(release=world.pick("release", "v1.17.2", "v1.16.6"), trunk=True)
        )
        cluster.node(node, kind="ecs.g7.2xlarge")
        stuck(cluster, (shop, web, node), (1, 1), 13)
        networks = '{"podNetworks":[{"interface":"eth1"},{"interface":"eth2"}]}'
        pod = world.replica(web, 0)
        cluster.pods[shop, pod].annotations = {"k8s.aliyun.com/pod-networks": networks}
        error = "cmdAdd: error parse config, default interface is not set"
        cluster.no_network(shop, pod, error, Seen(world.ago(12.8), world.ago(0.4), 30))
        return cluster

    return Scenario(
        name="no-default-interface",
        title="Several interfaces and none is the default",
        symptom=f"{shop}/{web} with two networks does not start.",
        namespace=shop,
        pod=world.replica(web, 0),
        build=build,
        truth=Truth(
            category="configuration",
            facts=("default interface is not set", world.replica(web, 0)),
            forbidden=_NOT_CAPACITY,
        ),
    )


def host_route_missing(world: World) -> Scenario:
    """The host has no IPv4 default route, so the plugin cannot tell which address the node has."""
    shop, cart, node = world.namespace("shop"), world.app("cart"), world.node(21)
    error = "cmdAdd: error get node ipv4 address.This may due to 1. no ipv4 address 2. no ipv4 default route"

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "host-route-missing", central(world))
        cluster.node(node, kind="ecs.g7.2xlarge", serving=False)
        stuck(cluster, (shop, cart, node), (5, 2), 19)
        return _fails_with(cluster, (shop, cart), 2, error, Seen(world.ago(18.8), world.ago(0.5), 44))

    return Scenario(
        name="host-route-missing",
        title="A host without a default route",
        symptom=f"{shop}/{cart} does not start on a node whose network scripts were changed.",
        namespace=shop,
        pod=world.replica(cart, 0),
        build=build,
        truth=Truth(
            category="node_runtime",
            also=("datapath",),
            facts=("no ipv4 default route", node),
            forbidden=_NOT_CAPACITY,
        ),
    )
