"""Settings that do not fit the node, the instance type, the release or each other."""

from datetime import timedelta

from terway_mcp.cluster import resources
from terway_mcp.cluster.scenarios.background import ordinary_cluster
from terway_mcp.cluster.scenarios.builder import ClusterBuilder
from terway_mcp.cluster.scenarios.clock import Seen
from terway_mcp.cluster.scenarios.events import Said
from terway_mcp.cluster.scenarios.logs import Line
from terway_mcp.cluster.scenarios.pods import terminated
from terway_mcp.cluster.scenarios.profile import Terway
from terway_mcp.cluster.scenarios.scenario import Scenario, Truth
from terway_mcp.cluster.scenarios.terway_pods import stuck_in_init
from terway_mcp.cluster.scenarios.world import World

from .stage import hang, reserve


def exclusive_label_changed(world: World) -> Scenario:
    """Somebody changed the exclusive-ENI label of a node that already had one."""
    node = world.node(21)
    release = world.pick("release", "v1.16.6", "v1.17.2")
    text = "node exclusive mode changed to default, this is not allowd"

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "exclusive-label-changed", Terway(release=release))
        labels = {"k8s.aliyun.com/exclusive-mode-eni-type": "default"}
        cluster.node(
            node, kind="ecs.g7.4xlarge", exclusive=True, labels=labels, custom_resource="capabilities", serving=False
        )
        said = Said("ConfigError", text, action="Config")
        cluster.event_controlplane("node", cluster.ref_node(node), said, Seen(world.ago(34), world.ago(1), 23))
        pod = cluster.terway_pod(node)
        started = world.ago(2)
        died = terminated("Error", 1, started, started + timedelta(seconds=2))
        pod.containers = stuck_in_init(pod, died, restarts=7)
        pod.created = world.ago(14)
        cluster.daemon_log(node, "terway-init").add(
            Line(started, "+ terway-cli node"),
            Line(started + timedelta(seconds=1), "error: failed process input: exclusive eni mode changed"),
        )
        cluster.keeps_crashing("kube-system", pod.name, "terway-init", Seen(world.ago(13), world.ago(0.5), 52))
        return cluster

    return Scenario(
        name="exclusive-label-changed",
        title="The exclusive-ENI label was changed",
        symptom="After relabelling a node its Terway pod does not come back.",
        node=node,
        build=build,
        truth=Truth(
            category="configuration",
            facts=("exclusive mode changed", node),
            forbidden=("IpNotEnough", "quota", "kernel"),
        ),
    )


def prefix_mode_toggled(world: World) -> Scenario:
    """Prefix mode was switched on, but an existing Node CR keeps the mode it was created with."""
    node = world.node(21)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(
            world, "prefix-mode-toggled", Terway(release=world.pick("release", "v1.17.2", "v1.17.4"))
        )
        cluster.node(node)
        cluster.deployment(world.namespace("shop"), world.app("web"), running={node: 4}, since=world.ago(days=1))
        cluster.eni_conf(enable_ip_prefix=True, ipv4_prefix_count=4)
        text = "enable_ip_prefix changed in config (want=true), but Node CR value (false) is immutable after creation"
        for index, name in enumerate(cluster.nodes):
            said = Said("PrefixModeImmutable", text, action="Config")
            cluster.event_reconcile(cluster.ref_node(name), said, Seen(world.ago(44 - index), world.ago(4 - index), 5))
        return cluster

    return Scenario(
        name="prefix-mode-toggled",
        title="Prefix mode switched on for existing nodes",
        symptom="We enabled enable_ip_prefix, but this node still hands out single addresses.",
        node=node,
        build=build,
        truth=Truth(
            category="configuration",
            facts=("PrefixModeImmutable", "enable_ip_prefix", node),
            forbidden=("exhaust", "IpNotEnough", "bug"),
        ),
    )


def uneven_dual_stack(world: World) -> Scenario:
    """Dual stack on an instance type with fewer IPv6 than IPv4 addresses: pods are IPv4 only."""
    node, kind = world.node(21), "ecs.sn1ne.xlarge"

    def build() -> ClusterBuilder:
        terway = Terway(release=world.pick("release", "v1.16.6", "v1.17.2"), ip_stack="dual")
        cluster = ordinary_cluster(world, "uneven-dual-stack", terway)
        cluster.node(node, kind=kind, dual_stack=False)
        cluster.deployment(world.namespace("shop"), world.app("web"), running={node: 3}, since=world.ago(days=1))
        text = "Instance not support k8s dual stack. ipv4 and ipv6 count is not equal."
        said = Said("ConfigError", text, action="Config")
        cluster.event_reconcile(cluster.ref_node_cr(node), said, Seen(world.ago(50), world.ago(6), 4))
        line = Line(world.ago(50), "unsupported dual stack instance", "I", "node_reconcile.go:94", {"node": node})
        return cluster.daemon_says(node, *cluster.repeat(Seen(world.ago(50), world.ago(6), 4), line))

    return Scenario(
        name="uneven-dual-stack",
        title="Dual stack on an instance type that cannot",
        symptom="Pods on this node have no IPv6 address although the cluster is dual stack.",
        node=node,
        build=build,
        truth=Truth(
            category="configuration",
            facts=("dual stack", kind, node),
            forbidden=("exhaust", "crash", "bug"),
        ),
    )


def no_provider_id(world: World) -> Scenario:
    """kubeadm without a cloud controller manager: nodes have no providerID, Terway cannot tell their instance."""
    shop, web, node = world.namespace("shop"), world.app("web"), world.node(31)

    def build() -> ClusterBuilder:
        terway = Terway(release=world.pick("release", "v1.17.2", "v1.16.6"), kubernetes="v1.33.4")
        cluster = ordinary_cluster(world, "no-provider-id", terway)
        cluster.config_map("ack-cluster-profile", None)
        cluster.node(node, age_days=0.03, provider_id="", custom_resource="absent", sufficient_ip=None, serving=False)
        keys = ("node.kubernetes.io/instance-type", "topology.kubernetes.io/zone", "topology.kubernetes.io/region")
        unlabelled: dict[str, None] = dict.fromkeys(keys)
        cluster.change(resources.NODES, node, {"metadata": {"labels": unlabelled}})
        said = Said("ConfigError", "error parse providerID ", action="Config")
        cluster.event_controlplane("node", cluster.ref_node(node), said, Seen(world.ago(42), world.ago(1), 31))
        missing = {"err": f'nodes.network.alibabacloud.com "{node}" not found'}
        line = Line(world.ago(40), "get node failed", "E", "crdv2.go:305", missing)
        cluster.daemon_says(node, *cluster.repeat(Seen(world.ago(40), world.ago(1), 20), line))
        cluster.deployment(shop, web, creating={node: 2}, running={world.node(22): 2}, since=world.ago(30))
        return hang(cluster, shop, web, every=6)

    return Scenario(
        name="no-provider-id",
        title="A node without providerID",
        symptom="Pods on the new node of our kubeadm cluster never get an address.",
        namespace=shop,
        pod=world.replica(web, 0),
        node=node,
        build=build,
        truth=Truth(
            category="configuration",
            facts=("providerID", node),
            forbidden=("IpNotEnough", "exhaust", "Forbidden.RAM", "bug"),
        ),
    )


def daemon_mode_changed(world: World) -> Scenario:
    """The DaemonSet's mode was changed; the daemon refuses pods and logs success while doing so."""
    shop, cart, node = world.namespace("shop"), world.app("cart"), world.node(21)
    rejected = "code: InvalidArgs, msg: Unexpected network type, maybe daemon mode changed"
    error = f"cmdAdd: error alloc ip rpc error: code = Unknown desc = {rejected}"

    def build() -> ClusterBuilder:
        terway = Terway(release=world.pick("release", "v1.16.6", "v1.17.2"), daemon_mode="ENIOnly")
        cluster = ordinary_cluster(world, "daemon-mode-changed", terway)
        cluster.node(node, kind="ecs.g7.2xlarge", serving=False)
        cluster.deployment(shop, cart, running={world.node(22): 2}, creating={node: 3}, since=world.ago(16))
        for index in range(3):
            pod = world.replica(cart, index)
            reserve(cluster, cluster.pods[shop, pod])
            cluster.no_network(shop, pod, error, Seen(world.ago(15.5), world.ago(1), 12))
        failing = cluster.daemon_log(node)
        # The daemon's error is nil on this path: it logs the reply of a success.
        failing.lines = [line for line in failing.lines if line.message != "alloc ip failed"]
        for index in range(3):
            about = {"pod": f"{shop}/{world.replica(cart, index)}", "reply": "IPType:TypeENIMultiIP Success:true"}
            line = Line(world.ago(15.5), "alloc ip", "I", "daemon.go:141", about)
            cluster.daemon_says(node, *cluster.repeat(Seen(world.ago(15.5), world.ago(1), 12), line))
        return cluster

    return Scenario(
        name="daemon-mode-changed",
        title="The daemon's mode was changed",
        symptom=f"Pods of {shop}/{cart} fail; the Terway log says Success:true.",
        namespace=shop,
        pod=world.replica(cart, 0),
        build=build,
        truth=Truth(
            category="configuration",
            facts=("Unexpected network type", "ENIOnly"),
            forbidden=("exhaust", "IpNotEnough", "Forbidden.RAM", "bug"),
        ),
    )


def dynamic_config_missing(world: World) -> Scenario:
    """A node's label names a ConfigMap that does not exist, so its Node CR is never filled in."""
    shop, web, node = world.namespace("shop"), world.app("web"), world.node(31)
    name = f"eni-config-{world.pick('pool', 'gpu', 'spot', 'arm')}"

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(
            world, "dynamic-config-missing", Terway(release=world.pick("release", "v1.17.2", "v1.16.6"))
        )
        cluster.node(
            node,
            age_days=0.04,
            labels={"terway-config": name},
            custom_resource="capabilities",
            sufficient_ip=None,
            serving=False,
        )
        text = f'error get configmap kube-system/{name}, configmaps "{name}" not found'
        said = Said("ConfigError", text, action="Config")
        cluster.event_reconcile(cluster.ref_node(node), said, Seen(world.ago(55), world.ago(1), 60))
        error = {"err": text, "controller": "node", "name": node}
        line = Line(world.ago(55), "Reconciler error", "E", "controller.go:347", error)
        cluster.daemon_says(node, *cluster.repeat(Seen(world.ago(55), world.ago(1), 30), line))
        cluster.deployment(shop, web, creating={node: 2}, running={world.node(23): 2}, since=world.ago(28))
        return hang(cluster, shop, web, every=6)

    return Scenario(
        name="dynamic-config-missing",
        title="A node's own configuration does not exist",
        symptom="Pods on a node of the new pool get no address; other pools are fine.",
        namespace=shop,
        pod=world.replica(web, 0),
        node=node,
        build=build,
        truth=Truth(
            category="configuration",
            facts=(name, "terway-config", node),
            forbidden=("IpNotEnough", "exhaust", "Forbidden.RAM", "bug"),
        ),
    )


def degraded_on_purpose(world: World) -> Scenario:
    """An operator left the controlplane in degradation l0: it assigns nothing, and only its log says so."""
    shop, web, node = world.namespace("shop"), world.app("web"), world.node(21)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(
            world, "degraded-on-purpose", Terway(release=world.pick("release", "v1.17.2", "v1.16.6"))
        )
        cluster.node(node, kind="ecs.g7.2xlarge", idle=0, serving=False)
        settings = (
            f"regionID: {world.region}\ncentralizedIPAM: true\ncontrollers: [pod, pod-eni, pod-networking, eni, node, "
            "multi-ip-node, multi-ip-pod]\nenableTrunk: false\ndegradation: l0\n"
        )
        cluster.config_map("terway-controlplane", {"ctrl-config.yaml": settings})
        cluster.deployment(shop, web, running={node: 4}, creating={node: 3}, since=world.ago(26))
        hang(cluster, shop, web, every=5)
        line = Line(world.ago(45), "degradation to L0, skip addIP", "I", "pool.go:1146", {"name": node})
        return cluster.controlplane_says(*cluster.repeat(Seen(world.ago(45), world.ago(1), 30), line))

    return Scenario(
        name="degraded-on-purpose",
        title="Degradation l0 left switched on",
        symptom=f"Since last night's maintenance new pods of {shop}/{web} get no address.",
        namespace=shop,
        pod=world.replica(web, 0),
        build=build,
        truth=Truth(
            category="configuration",
            facts=("degradation", node),
            forbidden=("IpNotEnough", "exhaust", "Forbidden.RAM", "bug"),
        ),
    )


def webhook_denies(world: World) -> Scenario:
    """A StatefulSet whose pods were never created: Terway's webhook refuses contradicting annotations."""
    shop, db = world.namespace("shop"), world.app("db")
    text = (
        f"create Pod {db}-0 in StatefulSet {db} failed error: "
        'admission webhook "terway.mutating.k8s.io" denied the request: '
        "pod annotations k8s.aliyun.com/pod-networks, k8s.aliyun.com/pod-networks-request, and "
        "k8s.aliyun.com/pod-networking must be mutually exclusive"
    )

    def build() -> ClusterBuilder:
        terway = Terway(release=world.pick("release", "v1.17.2", "v1.16.6"), trunk=True)
        cluster = ordinary_cluster(world, "webhook-denies", terway, hosts=(21, 22, 23))
        annotations = {"k8s.aliyun.com/pod-networking": "pn-db", "k8s.aliyun.com/pod-networks-request": "[]"}
        cluster.stateful_set(shop, db, 3, annotations)
        ref = type(cluster.ref_node(world.node(21)))(
            "StatefulSet", db, shop, world.ids.uid("statefulset", shop, db), "apps/v1", "81223"
        )
        seen = Seen(world.ago(49), world.ago(3), 22)
        cluster.event_controller("statefulset-controller", ref, Said("FailedCreate", text), seen)
        return cluster

    return Scenario(
        name="webhook-denies",
        title="The webhook refuses a StatefulSet's pods",
        symptom=f"StatefulSet {shop}/{db} has no pods at all.",
        namespace=shop,
        workload=f"statefulset/{db}",
        build=build,
        truth=Truth(
            category="configuration",
            facts=("mutually exclusive", db),
            forbidden=("exhaust", "IpNotEnough", "Forbidden.RAM"),
        ),
    )
