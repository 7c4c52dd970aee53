"""Several things at once: distractors, recovered faults, healthy pods in sick clusters, and too little evidence."""

from terway_mcp.cluster import resources
from terway_mcp.cluster.scenarios import terway_pods
from terway_mcp.cluster.scenarios.background import ordinary_cluster
from terway_mcp.cluster.scenarios.builder import ClusterBuilder
from terway_mcp.cluster.scenarios.clock import Seen
from terway_mcp.cluster.scenarios.events import Said
from terway_mcp.cluster.scenarios.plots import DEADLINE, REFUSED
from terway_mcp.cluster.scenarios.pods import terminated
from terway_mcp.cluster.scenarios.profile import Terway
from terway_mcp.cluster.scenarios.releases import pod_error
from terway_mcp.cluster.scenarios.scenario import Scenario, Truth
from terway_mcp.cluster.scenarios.world import World

from .permissions import DENIED
from .stage import cronjob_pods_keep_coming, hang, openapi, trunk_annotations, trunk_node
from .vswitches import exhaust


def two_faults_on_one_node(world: World) -> Scenario:
    """Ordinary pods starve on an empty vSwitch; the trunk pod beside them names a vSwitch that was deleted."""
    shop, web, db = world.namespace("shop"), world.app("web"), world.app("db")
    node, gone = world.node(21), world.vswitch("x")
    error = openapi("InvalidVSwitchId.NotFound", f"The specified VSwitchId {gone} does not exist.")

    def build() -> ClusterBuilder:
        terway = Terway(release=world.pick("release", "v1.17.2", "v1.16.6"), trunk=True)
        cluster = ordinary_cluster(world, "two-faults-on-one-node", terway)
        trunk_node(cluster, 21).serving = False
        cluster.nodes[node].idle, cluster.nodes[node].sufficient_ip = 0, False
        cluster.deployment(shop, web, running={node: 4}, creating={node: 3}, since=world.ago(30))
        hang(cluster, shop, web, every=6)
        exhaust(cluster, node, world.vswitch("h"), Seen(world.ago(29), world.ago(4), 6))
        created, pod = world.ago(18), f"{db}-0"
        cluster.stateful_set(shop, db, wanted=1)
        annotations = trunk_annotations(world, gone)
        cluster.pod(shop, pod, node, [cluster.app_container(db, created, up=False)], created, annotations=annotations)
        text = pod_error(
            terway.release, "PodCreateFailed", f"error batch create eni,create eni with openAPI err, {error}", "311ms"
        )
        said = Said("PodCreateFailed", text, action="CreatePod")
        cluster.event_controlplane("pod", cluster.ref(shop, pod), said, Seen(world.ago(17.5), world.ago(2), 8))
        return hang(cluster, shop, db, every=5)

    return Scenario(
        name="two-faults-on-one-node",
        title="Two faults on one node",
        symptom=f"{shop}/{db}-0 hangs; other pods on its node hang too.",
        namespace=shop,
        pod=f"{db}-0",
        build=build,
        truth=Truth(
            category="configuration",
            facts=("InvalidVSwitchId.NotFound", f"{db}-0"),
            forbidden=("Forbidden.RAM", "bug", "quota"),
        ),
    )


def fault_on_another_node(world: World) -> Scenario:
    """The asked pod's node lost its daemon to the OOM killer; a loud RAM denial belongs to another node."""
    shop, cart = world.namespace("shop"), world.app("cart")
    node, other = world.node(21), world.node(23)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(
            world, "fault-on-another-node", Terway(release=world.pick("release", "v1.17.2", "v1.17.1"))
        )
        cluster.node(node, kind="ecs.g7.4xlarge", serving=False)
        cluster.deployment(shop, cart, running={node: 10}, creating={node: 2}, since=world.ago(17))
        pod = cluster.terway_pod(node)
        died = terminated("OOMKilled", 137, world.ago(4), world.ago(2.7))
        cluster.terway_containers(node, terway_pods.crash_looping(pod, "terway", died, restarts=7))
        cronjob_pods_keep_coming(cluster, node, 2.7, previous=False)
        cluster.keeps_crashing("kube-system", pod.name, "terway", Seen(world.ago(25), world.ago(0.2), 77))
        hang(cluster, shop, cart, REFUSED, every=0.8)
        text = f"Failed to create ENI type=Secondary vsw={world.vswitch('i')}: {DENIED}"
        seen, cr = Seen(world.ago(45), world.ago(3), 16), cluster.ref_node_cr(other)
        cluster.event_controlplane("multi-ip-node", cr, Said("CreateENIFailed", text, action="CreateENI"), seen)
        return cluster.event_controlplane("multi-ip-node", cr, Said("AllocIPFailed", DENIED, action="AllocIP"), seen)

    return Scenario(
        name="fault-on-another-node",
        title="The loud fault is on another node",
        symptom=f"{shop}/{cart} does not start on one node.",
        namespace=shop,
        pod=world.replica(cart, 0),
        build=build,
        truth=Truth(
            category="node_runtime",
            also=("component_down",),
            facts=("OOMKilled", node),
            forbidden=("Forbidden.RAM", "permission", other),
        ),
    )


def recovered(world: World) -> Scenario:
    """The vSwitch was short for a while; addresses were freed and the pod has long been running."""
    shop, web, node = world.namespace("shop"), world.app("web"), world.node(21)
    pod = world.replica(web, 0)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "recovered", Terway(release=world.pick("release", "v1.17.2", "v1.16.6")))
        cluster.node(node, kind="ecs.g7.2xlarge")
        cluster.deployment(shop, web, running={node: 3}, since=world.ago(52))
        for index in range(3):
            name = world.replica(web, index)
            cluster.no_network(shop, name, DEADLINE, Seen(world.ago(50), world.ago(36), 4))
            cluster.got_address(shop, name, Seen.once(world.ago(31)))
            cluster.pods[shop, name].containers = [cluster.app_container(web, world.ago(30.9))]
            started = Said("Started", f"Started container {web}", warning=False)
            cluster.event_kubelet(cluster.ref(shop, name), started, Seen.once(world.ago(30.9)))
        exhaust(cluster, node, world.vswitch("h"), Seen(world.ago(50), world.ago(35), 5))
        # A later round without an error resets the condition.
        for eni in cluster.nodes[node].enis:
            eni.conditions.clear()
        return cluster

    return Scenario(
        name="recovered",
        title="A fault that is over",
        symptom=f"{shop}/{pod} had FailedCreatePodSandBox; is it still broken?",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(category="healthy", facts=("AllocIPSucceed", node), forbidden=("bug", "Forbidden.RAM", "quota")),
    )


def healthy_pod_in_a_sick_cluster(world: World) -> Scenario:
    """Another node starves; the pod that is asked about has no fault at all."""
    shop, web, cart = world.namespace("shop"), world.app("web"), world.app("cart")
    sick, node = world.node(21), world.node(22)
    pod = world.replica(cart, 0)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(
            world, "healthy-pod-in-a-sick-cluster", Terway(release=world.pick("release", "v1.17.2", "v1.16.6"))
        )
        cluster.node(sick, kind="ecs.g7.2xlarge", idle=0, sufficient_ip=False)
        cluster.deployment(shop, web, running={sick: 3}, creating={sick: 4}, since=world.ago(35))
        hang(cluster, shop, web, every=6)
        exhaust(cluster, sick, world.vswitch("h"), Seen(world.ago(34), world.ago(3), 8))
        cluster.deployment(shop, cart, running={node: 2}, since=world.ago(44))
        for index in range(2):
            cluster.started(shop, world.replica(cart, index))
        return cluster

    return Scenario(
        name="healthy-pod-in-a-sick-cluster",
        title="A healthy pod in a sick cluster",
        symptom=f"Is {shop}/{pod} affected by what happens in this cluster?",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(category="healthy", facts=(pod, node), forbidden=("IpNotEnough", "bug", "Forbidden.RAM")),
    )


def forbidden_reads(world: World) -> Scenario:
    """The collector could read pods and nodes only: the pod waits, and nothing says why."""
    shop, web, node = world.namespace("shop"), world.app("web"), world.node(21)
    pod = world.replica(web, 0)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(
            world, "forbidden-reads", Terway(release=world.pick("release", "v1.17.2", "v1.16.6"))
        )
        cluster.node(node, kind="ecs.g7.2xlarge")
        cluster.deployment(shop, web, running={node: 2}, creating={node: 1}, since=world.ago(13))
        for resource in (
            resources.EVENTS,
            resources.NODE_CRS,
            resources.NODERUNTIMES,
            resources.PODENIS,
            resources.CONFIGMAPS,
        ):
            cluster.forbid(resource)
        for other in cluster.nodes:
            cluster.forbid_log("kube-system", cluster.terway_pod(other).name, "terway")
        for index in range(2):
            cluster.forbid_log("kube-system", world.replica("terway-controlplane", index), "terway-controlplane")
        return cluster

    return Scenario(
        name="forbidden-reads",
        title="Too little may be read",
        symptom=f"{shop}/{pod} stays in ContainerCreating; I only have a restricted account.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="insufficient_evidence",
            facts=("forbidden", pod),
            forbidden=("healthy", "IpNotEnough", "bug", "exhaust"),
        ),
    )
