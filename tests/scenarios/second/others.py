"""Not Terway's fault, nothing wrong at all, or more than one thing at once."""

from terway_mcp.cluster import resources
from terway_mcp.cluster.scenarios.builder import ClusterBuilder
from terway_mcp.cluster.scenarios.clock import Seen, seconds
from terway_mcp.cluster.scenarios.events import Said
from terway_mcp.cluster.scenarios.pods import back_off, terminated, waiting
from terway_mcp.cluster.scenarios.profile import Json
from terway_mcp.cluster.scenarios.scenario import Scenario, Truth
from terway_mcp.cluster.scenarios.world import World
from tests.scenarios.incidents.stage import not_enough, reserve

from .stage import DENIED, central, crash_loops, hang, openapi, ordinary_cluster, pool_fails, stuck

_NOT_TERWAY = ("exhaust", "IpNotEnough", "Forbidden.RAM", "Terway bug")


def mount_fails(world: World) -> Scenario:
    """A Secret is missing: the pod waits in ContainerCreating before any network is asked for."""
    shop, api, node = world.namespace("shop"), world.app("cart"), world.node(21)
    pod = world.replica(api, 0)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "mount-fails", central(world))
        cluster.node(node, kind="ecs.g7.2xlarge")
        stuck(cluster, (shop, api, node), (2, 1), 25)
        reserve(cluster, cluster.pods[shop, pod])
        cluster.scheduled(shop, pod)
        text = f'MountVolume.SetUp failed for volume "tls" : secret "{api}-tls" not found'
        return cluster.event_kubelet(
            cluster.ref(shop, pod), Said("FailedMount", text), Seen(world.ago(25), world.ago(0.8), 20)
        )

    return Scenario(
        name="mount-fails",
        title="A volume that cannot be mounted",
        symptom=f"{shop}/{pod} is in ContainerCreating for 25 minutes, is it the CNI?",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(category="not_terway", facts=("FailedMount", pod), forbidden=_NOT_TERWAY),
    )


def answers_with_500(world: World) -> Scenario:
    """The readiness probe reaches the pod; the application answers with an error."""
    shop, web, node = world.namespace("shop"), world.app("web"), world.node(21)
    pod = world.replica(web, 0)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "answers-with-500", central(world))
        cluster.node(node)
        cluster.deployment(shop, web, running={node: 1, world.node(22): 1}, since=world.ago(32))
        cluster.started(shop, pod)
        mine = cluster.pods[shop, pod]
        up = mine.containers[0]
        mine.containers = [type(up)(up.name, up.image, up.state, ready=False)]
        text = "Readiness probe failed: HTTP probe failed with statuscode: 500"
        return cluster.event_kubelet(
            cluster.ref(shop, pod), Said("Unhealthy", text), Seen(world.ago(31), world.ago(0.1), 180)
        )

    return Scenario(
        name="answers-with-500",
        title="A probe that is answered with 500",
        symptom=f"{shop}/{pod} does not become Ready; please check the network.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(category="not_terway", facts=("statuscode: 500", pod), forbidden=_NOT_TERWAY),
    )


def no_way_out(world: World) -> Scenario:
    """The address came from a vSwitch that has no SNAT entry: the program cannot reach the internet and exits."""
    shop, api, node = world.namespace("shop"), world.app("cart"), world.node(21)
    pod = world.replica(api, 0)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "no-way-out", central(world))
        cluster.node(node, zone="k", age_days=0.05)
        created = world.ago(28)
        cluster.deployment(shop, api, running={node: 1, world.node(22): 1}, since=created)
        cluster.started(shop, pod)
        mine = cluster.pods[shop, pod]
        up = mine.containers[0]
        message = "license check failed: dial tcp 203.0.113.40:443: i/o timeout"
        died = terminated("Error", 1, world.ago(3.1), world.ago(2.6), message)
        mine.containers = [type(up)(api, up.image, back_off(api, pod, shop, mine.uid), died, 8, ready=False)]
        return cluster.keeps_crashing(shop, pod, api, Seen(world.ago(26), world.ago(0.4), 90))

    return Scenario(
        name="no-way-out",
        title="An address without a way to the internet",
        symptom=f"{shop}/{pod} cannot reach an external API; pods in the old vSwitches can.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(category="not_terway", facts=("AllocIPSucceed", pod), forbidden=(*_NOT_TERWAY, "no address")),
    )


def policy_in_the_way(world: World) -> Scenario:
    """A running, ready pod that a peer cannot reach; everything Terway did succeeded."""
    shop, web, node = world.namespace("shop"), world.app("web"), world.node(21)
    pod = world.replica(web, 0)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "policy-in-the-way", central(world))
        cluster.node(node)
        cluster.deployment(shop, web, running={node: 2}, since=world.ago(36))
        for index in range(2):
            cluster.started(shop, world.replica(web, index))
        return cluster

    return Scenario(
        name="policy-in-the-way",
        title="A pod that is up and cannot be reached",
        symptom=f"{shop}/{pod} is Running and Ready, but pods of another namespace get timeouts from it.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="not_terway",
            also=("healthy", "insufficient_evidence"),
            facts=("AllocIPSucceed", pod),
            forbidden=_NOT_TERWAY,
        ),
    )


def dns_is_slow(world: World) -> Scenario:
    """A complaint about DNS; the pod, its node and coredns are well."""
    payments, api, node = world.namespace("payments"), world.app("api"), world.node(22)
    pod = world.replica(api, 0)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "dns-is-slow", central(world), hosts=(22, 23, 24))
        cluster.pods[payments, pod].created = world.ago(50)
        return cluster.started(payments, pod)

    return Scenario(
        name="dns-is-slow",
        title="A complaint about DNS",
        symptom=f"{payments}/{pod}: name resolution takes five seconds now and then.",
        namespace=payments,
        pod=pod,
        node=node,
        build=build,
        truth=Truth(
            category="healthy",
            also=("not_terway", "insufficient_evidence"),
            facts=(pod, node),
            forbidden=_NOT_TERWAY,
        ),
    )


def disk_full(world: World) -> Scenario:
    """The node is short of disk: pods are evicted, new ones are refused."""
    shop, web, node = world.namespace("shop"), world.app("web"), world.node(21)
    evicted = f"{web}-{world.ids.template_hash(web)}-{world.ids.suffix(5, web, 'evicted')}"
    text = "The node was low on resource: ephemeral-storage. Threshold quantity: 12346078Ki, available: 9913264Ki. "

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "disk-full", central(world))
        cluster.node(node, taints=[{"key": "node.kubernetes.io/disk-pressure", "effect": "NoSchedule"}])
        cluster.deployment(shop, web, running={world.node(22): 2}, since=world.ago(20))
        created = world.ago(hours=5)
        owner = cluster.replica_set_of(shop, web)
        image = cluster.app_image(web)
        ended = terminated("Error", 137, created, world.ago(22))
        container = type(cluster.app_container(web, created))(web, image, ended, ready=False)
        cluster.pod(shop, evicted, node, [container], created, ips=("10.255.255.1",), owner=owner)
        cluster.pods[shop, evicted].ips = ()
        said = Said("Evicted", text)
        cluster.event_kubelet(cluster.ref(shop, evicted), said, Seen.once(world.ago(22)))
        under = Said("EvictionThresholdMet", "Attempting to reclaim ephemeral-storage")
        cluster.event_kubelet(cluster.ref_kubelet_node(node), under, Seen(world.ago(24), world.ago(0.5), 70), node)
        posting = "kubelet is posting ready status"
        conditions: list[Json] = [
            {
                "type": "DiskPressure", "status": "True", "reason": "KubeletHasDiskPressure",
                "message": "kubelet has disk pressure", "lastHeartbeatTime": seconds(world.ago(0.5)),
                "lastTransitionTime": seconds(world.ago(24)),
            },
            {
                "type": "Ready", "status": "True", "reason": "KubeletReady", "message": posting,
                "lastHeartbeatTime": seconds(world.ago(0.5)), "lastTransitionTime": seconds(world.ago(days=40)),
            },
            {
                "type": "SufficientIP", "status": "True", "reason": "SufficientIP", "message": "node has sufficient IP",
                "lastHeartbeatTime": seconds(world.ago(4)), "lastTransitionTime": seconds(world.ago(days=40)),
            },
        ]  # fmt: skip
        cluster.change(resources.NODES, node, {"status": {"conditions": conditions}})
        status: Json = {"phase": "Failed", "reason": "Evicted", "message": text, "conditions": []}
        return cluster.change(resources.PODS, evicted, {"status": status}, shop)

    return Scenario(
        name="disk-full",
        title="A node without disk space",
        symptom=f"A pod of {shop}/{web} disappeared from its node; the node team says networking.",
        namespace=shop,
        pod=evicted,
        node=node,
        build=build,
        truth=Truth(
            category="not_terway",
            also=("node_runtime",),
            facts=("ephemeral-storage", "Evicted", node),
            forbidden=(*_NOT_TERWAY, "SufficientIP=False"),
        ),
    )


def runtime_gone(world: World) -> Scenario:
    """A refused socket that is containerd's, not Terway's."""
    shop, cart, node = world.namespace("shop"), world.app("cart"), world.node(21)
    pod = world.replica(cart, 0)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "runtime-gone", central(world))
        pleg = "PLEG is not healthy: pleg was last seen active 9m12s ago"
        down = f"[container runtime is down, {pleg}]"
        cluster.node(node, kind="ecs.g7.2xlarge", ready=False, not_ready_message=down, serving=False)
        stuck(cluster, (shop, cart, node), (3, 2), 11)
        text = (
            "Failed to create pod sandbox: rpc error: code = Unavailable desc = connection error: desc = "
            '"transport: Error while dialing: dial unix /run/containerd/containerd.sock: connect: connection refused"'
        )
        for index in range(2):
            name = world.replica(cart, index)
            reserve(cluster, cluster.pods[shop, name])
            cluster.scheduled(shop, name)
            cluster.event_kubelet(
                cluster.ref(shop, name), Said("FailedCreatePodSandBox", text), Seen(world.ago(10.8), world.ago(0.4), 50)
            )
        said = Said("NodeNotReady", f"Node {node} status is now: NodeNotReady", warning=False)
        return cluster.event_kubelet(cluster.ref_kubelet_node(node), said, Seen.once(world.ago(9)), node)

    return Scenario(
        name="runtime-gone",
        title="containerd is down",
        symptom=f"{shop}/{pod}: FailedCreatePodSandBox, connection refused. Restart Terway?",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="not_terway",
            also=("node_runtime",),
            facts=("containerd.sock", node),
            forbidden=(*_NOT_TERWAY, "eni.socket", "terwayd is down"),
        ),
    )


def image_beside_a_crash(world: World) -> Scenario:
    """Two unrelated faults: the asked pod lacks its image, on another node Terway itself crashes loudly."""
    shop, cart, node, other = world.namespace("shop"), world.app("cart"), world.node(22), world.node(21)
    pod = world.replica(cart, 0)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "image-beside-a-crash", central(world))
        cluster.node(other, kind="ecs.g7.2xlarge", serving=False)
        cluster.terway_pod(other).created = world.ago(30)
        crash_loops(cluster, other, "failed parse config: unsupported ipStack ipv6 in configMap", restarts=9)
        created = world.ago(23)
        cluster.deployment(shop, cart, running={node: 1, world.node(23): 1}, since=created)
        mine = cluster.pods[shop, pod]
        up = mine.containers[0]
        text = f'Back-off pulling image "{up.image}": ErrImagePull: unauthorized: authentication required'
        mine.containers = [type(up)(cart, up.image, waiting("ImagePullBackOff", text))]
        cluster.scheduled(shop, pod).got_address(shop, pod, Seen.once(created))
        ref = cluster.ref(shop, pod)
        failed = f'Failed to pull image "{up.image}": unauthorized: authentication required'
        cluster.event_kubelet(ref, Said("Failed", failed), Seen(created, world.ago(2), 8))
        return cluster.event_kubelet(
            ref, Said("BackOff", f'Back-off pulling image "{up.image}"'), Seen(created, world.ago(0.2), 92)
        )

    return Scenario(
        name="image-beside-a-crash",
        title="A missing image beside a crashing daemon",
        symptom=f"{shop}/{pod} does not start; I see Terway crash-looping somewhere.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="not_terway",
            facts=("ImagePullBackOff", pod),
            forbidden=(*_NOT_TERWAY, "ipStack", other),
        ),
    )


def two_nodes_of_one_name(world: World) -> Scenario:
    """The core Node complains once about throttling; the Node CR of the same name keeps being denied."""
    shop, web, node = world.namespace("shop"), world.app("web"), world.node(21)
    throttled = openapi("Throttling", "Request was denied due to request throttling.")

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "two-nodes-of-one-name", central(world))
        cluster.node(node, kind="ecs.g7.2xlarge", idle=0, sufficient_ip=False)
        stuck(cluster, (shop, web, node), (15, 3), 32)
        hang(cluster, shop, web, every=6)
        said = Said("ConfigError", throttled, action="Config")
        cluster.event_controlplane("node", cluster.ref_node(node), said, Seen.once(world.ago(54)))
        return pool_fails(cluster, node, DENIED, Seen(world.ago(31), world.ago(3), 8), creating=True)

    return Scenario(
        name="two-nodes-of-one-name",
        title="Two kinds of Node, one name, two errors",
        symptom=f"{shop}/{web} hangs; the node has a ConfigError and an AllocIPFailed.",
        namespace=shop,
        pod=world.replica(web, 0),
        node=node,
        build=build,
        truth=Truth(
            category="permission",
            facts=("Forbidden.RAM", node),
            forbidden=("throttl", "IpNotEnough", "exhaust", "bug"),
        ),
    )


def other_node_is_empty(world: World) -> Scenario:
    """The node that is asked about is healthy; its neighbour's vSwitch is empty."""
    node, sick = world.node(23), world.node(21)

    def build() -> ClusterBuilder:
        shop, web = world.namespace("shop"), world.app("web")
        cluster = ordinary_cluster(world, "other-node-is-empty", central(world))
        cluster.node(sick, kind="ecs.g7.2xlarge", idle=0, sufficient_ip=False)
        stuck(cluster, (shop, web, sick), (3, 3), 29)
        hang(cluster, shop, web, every=5)
        return pool_fails(cluster, sick, not_enough(world.vswitch("h")), Seen(world.ago(28), world.ago(3), 7))

    return Scenario(
        name="other-node-is-empty",
        title="The asked node is not the sick one",
        symptom="Before we drain it: is this node's network in order?",
        node=node,
        build=build,
        truth=Truth(category="healthy", facts=(node,), forbidden=("IpNotEnough", "exhaust", "bug", sick)),
    )


def nothing_collected(world: World) -> Scenario:
    """The pod waits for its network on a node nobody collected: events expired, no Terway log, no CRs."""
    shop, cart, node = world.namespace("shop"), world.app("cart"), world.node(21)
    pod = world.replica(cart, 0)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "nothing-collected", central(world))
        cluster.node(node, kind="ecs.g7.2xlarge", serving=False)
        stuck(cluster, (shop, cart, node), (2, 1), 40)
        for resource in (resources.EVENTS, resources.NODE_CRS, resources.NODERUNTIMES, resources.CONFIGMAPS):
            cluster.omit(resource)
        for name in cluster.nodes:
            cluster.forbid_log("kube-system", cluster.terway_pod(name).name, "terway")
        for index in range(2):
            cluster.forbid_log("kube-system", world.replica("terway-controlplane", index), "terway-controlplane")
        return cluster

    return Scenario(
        name="nothing-collected",
        title="A bundle without events, CRs and logs",
        symptom=f"{shop}/{pod} hangs since 40 minutes, this bundle is all we have.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="insufficient_evidence",
            facts=(pod, node),
            forbidden=("healthy", "IpNotEnough", "exhaust", "bug"),
        ),
    )
