"""Alarms without a fire: everything works, or something that is not Terway does not."""

from datetime import timedelta

from terway_mcp.cluster import resources
from terway_mcp.cluster.scenarios.builder import ClusterBuilder
from terway_mcp.cluster.scenarios.clock import Seen, seconds
from terway_mcp.cluster.scenarios.events import Said
from terway_mcp.cluster.scenarios.logs import Line
from terway_mcp.cluster.scenarios.pods import Container, running, terminated, waiting
from terway_mcp.cluster.scenarios.profile import Json, Terway
from terway_mcp.cluster.scenarios.scenario import Scenario, Truth
from terway_mcp.cluster.scenarios.terway_pods import restarted
from terway_mcp.cluster.scenarios.world import World
from tests.scenarios.incidents.stage import reserve

from .stage import (
    INNOCENT,
    asked,
    becomes,
    central,
    kubelet_says,
    not_enough,
    openapi,
    ordinary_cluster,
    pool_fails,
    serving_shop,
)


def startup_lines(world: World) -> Scenario:
    """The daemon was upgraded and complained for a few seconds; pods have come and gone since."""
    node = world.node(21)

    def build() -> ClusterBuilder:
        cluster = serving_shop(world, "startup-lines", minutes=15)
        pod, since = cluster.terway_pod(node), world.ago(26)
        pod.created = since
        pod.containers = [
            each if each.init else Container(each.name, each.image, running(since), resources=each.resources)
            for each in pod.containers
        ]
        server = {"logger": "server"}
        meta = {"err": "get from metaserver failed code: 500, url: http://100.100.100.200/latest/meta-data/mac"}
        missing = {"err": f'nodes.network.alibabacloud.com "{node}" not found'}
        lines = [
            Line(since, "instance is not support trunk", "I", "daemon.go:858", server),
            Line(since, "instance is not support erdma", "I", "daemon.go:871", server),
            Line(since, "no trunk eni found, fallback to non-trunk mode", "I", "builder.go:310", server),
            Line(since, "get node failed", "E", "crdv2.go:305", missing),
            Line(since, "failed to sync eni", "E", "local.go:365", meta),
        ]
        moved = [
            Line(line.at + timedelta(seconds=3 + index), line.message, line.level, line.source, line.fields)
            for index, line in enumerate(lines)
        ]
        return cluster.daemon_says(node, *moved)

    return Scenario(
        name="startup-lines",
        title="Lines a daemon writes when it starts",
        symptom="After last night's Terway upgrade the log of this node shows errors (get node failed). Roll back?",
        node=node,
        build=build,
        truth=Truth(category="healthy", facts=(node,), forbidden=(*INNOCENT, "not initialized", "metaserver")),
    )


def restarts_long_ago(world: World) -> Scenario:
    """The daemon was OOMKilled twice, eleven days ago; nothing since."""
    shop, pod = asked(world)
    node = world.node(21)

    def build() -> ClusterBuilder:
        cluster = serving_shop(world, "restarts-long-ago")
        died = terminated("OOMKilled", 137, world.ago(days=14), world.ago(days=11))
        again = restarted(cluster.terway_pod(node), "terway", died, world.ago(days=11), 2)
        return cluster.terway_containers(node, again)

    return Scenario(
        name="restarts-long-ago",
        title="A daemon that died long ago",
        symptom=f"terway on the node of {shop}/{pod} has 2 restarts; is the network broken?",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(category="healthy", facts=(pod,), forbidden=(*INNOCENT, "OOM")),
    )


def conflicts_only(world: World) -> Scenario:
    """Two optimistic-lock conflicts under ConfigError, and everything works."""
    node = world.node(21)

    def build() -> ClusterBuilder:
        cluster = serving_shop(world, "conflicts-only")
        text = (
            f'Operation cannot be fulfilled on nodes.network.alibabacloud.com "{node}": the object has been modified; '
            "please apply your changes to the latest version and try again"
        )
        said = Said("ConfigError", text, action="Config")
        return cluster.event_controlplane("node", cluster.ref_node(node), said, Seen(world.ago(44), world.ago(31), 2))

    return Scenario(
        name="conflicts-only",
        title="A ConfigError that is none",
        symptom="Our alerting fired on ConfigError for this node.",
        node=node,
        build=build,
        truth=Truth(category="healthy", facts=(node,), forbidden=(*INNOCENT, "misconfig", "invalid config")),
    )


def rejected_and_fine(world: World) -> Scenario:
    """The chart's ClusterRole cannot write new events, but there is nothing to tell either."""
    shop, _ = asked(world)
    web = world.app("web")

    def build() -> ClusterBuilder:
        terway = Terway(release=world.pick("release", "v1.17.2", "v1.17.5"), events_rbac=False)
        return serving_shop(world, "rejected-and-fine", terway)

    return Scenario(
        name="rejected-and-fine",
        title="Events that are refused and not missed",
        symptom=f"Controlplane log: Server rejected event. Is {shop}/{web} affected?",
        namespace=shop,
        workload=f"deployment/{web}",
        build=build,
        truth=Truth(category="healthy", facts=(web,), forbidden=("exhaust", "IpNotEnough", "Forbidden.RAM", "bug")),
    )


def other_eni_is_full(world: World) -> Scenario:
    """One ENI's vSwitch is empty; the node's second ENI has plenty, and pods get their addresses."""
    shop, pod = asked(world)
    node = world.node(21)

    def build() -> ClusterBuilder:
        cluster = serving_shop(world, "other-eni-is-full", minutes=7)
        model = cluster.nodes[node]
        full = f"{model.vswitch.id} ip is not enough"
        condition: Json = {"message": full, "observedTime": seconds(world.ago(48))}
        model.enis[0].conditions["InsufficientIP"] = condition
        model.attach(world, cluster.vswitch("h2"))
        text = not_enough(model.vswitch.id)
        pool_fails(cluster, node, text, Seen(world.ago(52), world.ago(48), 2))
        return cluster.started(shop, world.replica(world.app("web"), 1))

    return Scenario(
        name="other-eni-is-full",
        title="An empty vSwitch nobody needs any more",
        symptom=f"{shop}/{pod}: the Node CR shows InsufficientIP. Do we have to act now?",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(category="healthy", facts=(pod,), forbidden=("Forbidden.RAM", "bug", "throttl")),
    )


def cordoned(world: World) -> Scenario:
    """All nodes of the pool are cordoned for maintenance; the pod waits for the scheduler."""
    shop, pod = asked(world)
    web = world.app("web")
    text = (
        "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable. "
        "preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling."
    )

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "cordoned", central(world), hosts=(21, 22, 23))
        created = world.ago(36)
        for host in (21, 22):
            name = world.node(host)
            taint: Json = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}
            cluster.change(resources.NODES, name, {"spec": {"unschedulable": True, "taints": [taint]}})
            said = Said("NodeNotSchedulable", f"Node {name} status is now: NodeNotSchedulable", warning=False)
            cluster.event_kubelet(cluster.ref_kubelet_node(name), said, Seen.once(world.ago(41)), name)
        cluster.deployment(shop, web, running={world.node(23): 1}, since=created)
        name = world.replica(web, 0)
        cluster.pods.pop((shop, name))
        model = cluster.nodes[world.node(23)]
        for slot in (each for eni in model.enis for each in eni.slots if each.pod == f"{shop}/{name}"):
            slot.pod = slot.pod_uid = ""
        container = Container(web, cluster.app_image(web), waiting("ContainerCreating"))
        owner = cluster.replica_set_of(shop, web)
        cluster.pod(shop, name, "", [container], created, unschedulable=text, owner=owner)
        said = Said("FailedScheduling", text, action="Scheduling")
        return cluster.event_scheduler(cluster.ref(shop, name), said, Seen(created, world.ago(1), 9))

    return Scenario(
        name="cordoned",
        title="Nodes under maintenance",
        symptom=f"{shop}/{pod} gets no IP since we started the node maintenance.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(category="not_terway", facts=("unschedulable", pod), forbidden=INNOCENT),
    )


def answers_503(world: World) -> Scenario:
    """The readiness probe reaches the pod, which answers 503; an old ENI was deleted late on the same node."""
    shop, pod = asked(world)
    node = world.node(21)

    def build() -> ClusterBuilder:
        cluster = serving_shop(world, "answers-503")
        becomes(cluster, (shop, pod), running(world.ago(39)))
        text = "Readiness probe failed: HTTP probe failed with statuscode: 503"
        kubelet_says(cluster, (shop, pod), "Unhealthy", text, Seen(world.ago(38), world.ago(0.4), 221))
        gone = openapi("InvalidOperation.InvalidEniState", "The specified ENI status does not support this operation.")
        said = Said("DeleteENIFailed", f"Failed to delete ENI {world.eni(node, 2)}: {gone}", action="DeleteENI")
        return cluster.event_controlplane("multi-ip-node", cluster.ref_node_cr(node), said, Seen.once(world.ago(55)))

    return Scenario(
        name="answers-503",
        title="A program that is not ready",
        symptom=f"{shop}/{pod} is never Ready, we suspect the ENI that could not be deleted.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(category="not_terway", facts=("503", pod), forbidden=(*INNOCENT, "InvalidEniState")),
    )


def joined_and_settled(world: World) -> Scenario:
    """A node the autoscaler added: for a minute its network was not ready, as on every new node."""
    shop, pod = asked(world)
    node, web = world.node(21), world.app("web")

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "joined-and-settled", central(world))
        cluster.node(node, kind="ecs.g7.2xlarge", age_days=22 / 1440)
        cluster.deployment(shop, web, running={node: 4, world.node(22): 2}, since=world.ago(21.5))
        for index in range(2):
            name = world.replica(web, index)
            cluster.network_not_ready(shop, name, Seen(world.ago(21.4), world.ago(20.7), 4))
            cluster.started(shop, name)
        text = f"Pod triggered scale-up: [{{asg-{world.ids.number('asg') % 900000} 2->3 (max: 10)}}]"
        said = Said("TriggeredScaleUp", text, warning=False)
        return cluster.event_controller("cluster-autoscaler", cluster.ref(shop, pod), said, Seen.once(world.ago(23)))

    return Scenario(
        name="joined-and-settled",
        title="The first minute of a node",
        symptom=f"{shop}/{pod}: cni plugin not initialized!",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(category="healthy", facts=(pod,), forbidden=(*INNOCENT, "daemon is down", "never initiali")),
    )


def sold_out(world: World) -> Scenario:
    """Pods on a virtual node are elastic container instances: Terway has no part in them."""
    shop, pod = asked(world)
    node, web = world.node(31), world.app("web")
    text = (
        "Failed to create pod: create eci failed because request id: 1AC5-77, error code: NoStock, error message: "
        "Create ECI failed because the specified instance is out of stock."
    )

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "sold-out", central(world), hosts=(21, 22))
        labels = {"type": "virtual-kubelet", "kubernetes.io/role": "agent"}
        taint: Json = {"key": "virtual-kubelet.io/provider", "value": "alibabacloud", "effect": "NoSchedule"}
        cluster.node(node, labels=labels, taints=[taint], custom_resource="absent", sufficient_ip=None, serving=False)
        cluster.without_terway_pod(node)
        since = world.ago(25)
        cluster.deployment(shop, web, running={world.node(22): 2}, creating={node: 2}, since=since)
        for index in range(2):
            name = world.replica(web, index)
            cluster.scheduled(shop, name)
            said = Said("ProviderCreateFailed", text)
            cluster.event_controller("EciService", cluster.ref(shop, name), said, Seen(since, world.ago(0.8), 14))
        return cluster

    return Scenario(
        name="sold-out",
        title="A virtual node without stock",
        symptom=f"{shop}/{pod} stays in ContainerCreating and there is no Terway pod on its node!",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="not_terway",
            facts=("NoStock", pod),
            forbidden=(*INNOCENT, "component is down", "not initialized"),
        ),
    )


def multus_unauthorized(world: World) -> Scenario:
    """Multus wraps Terway here, and its own account is not let in."""
    shop, pod = asked(world)
    node, web = world.node(21), world.app("web")
    text = (
        "Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox "
        '"{sandbox}": plugin type="multus" name="multus-cni-network" failed (add): Multus: '
        f"[{shop}/{pod}]: error getting pod: Unauthorized"
    )

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "multus-unauthorized", central(world))
        cluster.node(node, kind="ecs.g7.2xlarge")
        since = world.ago(27)
        cluster.deployment(shop, web, running={node: 2}, creating={node: 1}, since=since)
        reserve(cluster, cluster.pods[shop, pod])
        cluster.scheduled(shop, pod)
        return kubelet_says(cluster, (shop, pod), "FailedCreatePodSandBox", text, Seen(since, world.ago(1), 25))

    return Scenario(
        name="multus-unauthorized",
        title="A plugin in front of Terway is not let in",
        symptom=f"{shop}/{pod} has no network since the service account tokens were rotated.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="not_terway",
            also=("permission",),
            facts=("Multus", "Unauthorized", pod),
            forbidden=("exhaust", "IpNotEnough", "Forbidden.RAM", "Terway bug", "RAM policy"),
        ),
    )


def reclaimed(world: World) -> Scenario:
    """A spot instance was taken back; what ran on it is Terminating until the node object is removed."""
    shop, pod = asked(world)
    node = world.node(21)

    def build() -> ClusterBuilder:
        cluster = serving_shop(world, "reclaimed", minutes=300)
        model = cluster.nodes[node]
        model.ready, model.serving = False, False
        gone = seconds(world.ago(9))
        condition: Json = {
            "type": "Ready", "status": "Unknown", "reason": "NodeStatusUnknown",
            "message": "Kubelet stopped posting node status.",
            "lastHeartbeatTime": seconds(world.ago(10)), "lastTransitionTime": gone,
        }  # fmt: skip
        taint: Json = {"key": "node.kubernetes.io/unreachable", "effect": "NoExecute"}
        cluster.change(resources.NODES, node, {"status": {"conditions": [condition]}, "spec": {"taints": [taint]}})
        cluster.pods[shop, pod].deleted = world.ago(4)
        ref = cluster.ref_node(node)
        notice = Said("InstanceToBeReleased", f"Spot instance {model.instance} is going to be reclaimed in 5 minutes")
        cluster.event_controller("ack-spot-notifier", ref, notice, Seen.once(world.ago(15)))
        said = Said("NodeNotReady", f"Node {node} status is now: NodeNotReady", warning=False)
        cluster.event_controller("node-controller", ref, said, Seen.once(world.ago(9)))
        evicted = Said("TaintManagerEviction", f"Marking for deletion Pod {shop}/{pod}", warning=False)
        return cluster.event_controller(
            "taint-eviction-controller", cluster.ref(shop, pod), evicted, Seen.once(world.ago(4))
        )

    return Scenario(
        name="reclaimed",
        title="A spot instance taken back",
        symptom=f"{shop}/{pod} is stuck in Terminating and not reachable.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="not_terway",
            also=("node_runtime",),
            facts=(node, pod),
            forbidden=(*INNOCENT, "leak"),
        ),
    )


def init_waits_for_db(world: World) -> Scenario:
    """The pod has its address; an init container of the application waits for a database that does not exist."""
    shop = world.namespace("shop")
    app, node = world.app("web"), world.node(21)
    pod = f"{app}-migrate-{world.ids.suffix(5, app, 'job')}"

    def build() -> ClusterBuilder:
        cluster = serving_shop(world, "init-waits-for-db")
        created = world.ago(48)
        image = cluster.app_image(app)
        containers = [
            Container("wait-for-db", "busybox:1.36", running(created), init=True, ready=False),
            Container(app, image, waiting("PodInitializing")),
        ]
        cluster.pod(shop, pod, node, containers, created, labels={"job-name": "migrate"})
        cluster.scheduled(shop, pod).got_address(shop, pod, Seen.once(created + timedelta(seconds=2)))
        for index in range(40):
            at = created + timedelta(minutes=index)
            cluster.log(shop, pod, "wait-for-db").add(Line(at, "nslookup: can't resolve 'orders-db': Name not known"))
        return cluster

    return Scenario(
        name="init-waits-for-db",
        title="A pod that waits for its database",
        symptom=f"{shop}/{pod} hangs in Init:0/1, its network does not come up.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="not_terway",
            also=("insufficient_evidence", "healthy"),
            facts=(pod,),
            forbidden=(*INNOCENT, "terway-init"),
        ),
    )


def disk_held_elsewhere(world: World) -> Scenario:
    """The volume is attached to another node; the vSwitch shortage of the same node ended long before."""
    shop, pod = asked(world)
    node, web = world.node(21), world.app("web")
    text = (
        'Multi-Attach error for volume "d-bp14k" Volume is already exclusively attached to one node and can\'t be '
        "attached to another"
    )

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "disk-held-elsewhere", central(world))
        cluster.node(node, kind="ecs.g7.2xlarge", idle=4)
        since = world.ago(18)
        cluster.deployment(shop, web, running={node: 3}, creating={node: 1}, since=since)
        reserve(cluster, cluster.pods[shop, pod])
        cluster.scheduled(shop, pod)
        ref = cluster.ref(shop, pod)
        cluster.event_controller("attachdetach-controller", ref, Said("FailedAttachVolume", text), Seen.once(since))
        late = (
            "Unable to attach or mount volumes: unmounted volumes=[data], unattached volumes=[data]: timed out waiting "
            "for the condition"
        )
        kubelet_says(cluster, (shop, pod), "FailedMount", late, Seen(world.ago(16), world.ago(1.5), 7))
        return pool_fails(cluster, node, not_enough(world.vswitch("h")), Seen(world.ago(58), world.ago(53), 3))

    return Scenario(
        name="disk-held-elsewhere",
        title="A disk that is attached elsewhere",
        symptom=f"{shop}/{pod} stuck in ContainerCreating; there was an IpNotEnough on the node an hour ago.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(category="not_terway", facts=("Multi-Attach", pod), forbidden=INNOCENT),
    )


def nothing_in_particular(world: World) -> Scenario:
    """Somebody asks about the whole cluster, and it is in order."""

    def build() -> ClusterBuilder:
        cluster = serving_shop(world, "nothing-in-particular")
        for host in (21, 22):
            node = world.node(host)
            text = "failed to garbage collect required amount of images. Attempted to free 2147483648 bytes"
            said = Said("ImageGCFailed", text)
            seen = Seen(world.ago(hours=5), world.ago(17 + host), 6)
            cluster.event_kubelet(cluster.ref_kubelet_node(node), said, seen, node)
        return cluster

    return Scenario(
        name="nothing-in-particular",
        title="A cluster in order",
        symptom="Weekly check: is anything wrong with Terway in this cluster?",
        build=build,
        truth=Truth(category="healthy", also=("insufficient_evidence",), facts=("terway",), forbidden=INNOCENT),
    )
