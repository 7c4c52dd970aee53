"""What happens behind the address: NICs, agents, proxies, tables, and pods with an ENI of their own."""

from terway_mcp.cluster import resources
from terway_mcp.cluster.scenarios import pod_enis
from terway_mcp.cluster.scenarios.builder import ClusterBuilder
from terway_mcp.cluster.scenarios.clock import Seen
from terway_mcp.cluster.scenarios.events import Said
from terway_mcp.cluster.scenarios.profile import Terway
from terway_mcp.cluster.scenarios.scenario import Scenario, Truth
from terway_mcp.cluster.scenarios.world import World

from .stage import (
    INNOCENT,
    NO_SHORTAGE,
    asked,
    central,
    crashing,
    crashing_app,
    foreign_daemon,
    hang,
    local,
    lone_pod,
    of_a_node,
    of_the_shop,
    ordinary_cluster,
    pod_create_fails,
    sandbox_fails,
    scheduling_fails,
    serving_shop,
    stalled_shop,
    trunk_cluster,
)


def too_many_endpoints_at_once(world: World) -> Scenario:
    """A burst of pods on one node: the agent answers 429 to the chained plugin; Terway gave every address."""
    name = "too-many-endpoints-at-once"

    def build() -> ClusterBuilder:
        cluster = stalled_shop(world, name, central(world), idle=6)
        error = (
            'plugin type="cilium-cni" failed (add): unable to create endpoint: '
            "[PUT /endpoint/{id}][429] putEndpointIdTooManyRequests"
        )
        return sandbox_fails(cluster, error)

    truth = Truth(
        category="datapath",
        also=("throttling", "component_down", "node_runtime"),
        facts=("putEndpointIdTooManyRequests", "cilium-cni"),
        forbidden=(*NO_SHORTAGE, "Forbidden.RAM", "eni.socket", "OpenAPI"),
    )
    return of_the_shop(world, name, "Too many endpoints at once", "{pod} since the scale-out.", build, truth)


def binary_of_another_release(world: World) -> Scenario:
    """The node's image brings its own, older plugin binary, which does not understand what the daemon answers."""
    name = "binary-of-another-release"

    def build() -> ClusterBuilder:
        cluster = stalled_shop(world, name, local(world, "v1.16.6", "v1.15.3"), idle=6)
        shop, web = world.namespace("shop"), world.app("web")
        return hang(cluster, shop, web, "cmdAdd: alloc ip no valid ip type", every=1.5)

    truth = Truth(
        category="terway_bug",
        also=("configuration", "component_down"),
        facts=("alloc ip no valid ip type",),
        forbidden=(*NO_SHORTAGE, "Forbidden.RAM", "eni.socket", "OpenAPI"),
    )
    return of_the_shop(world, name, "A binary of another release", "{pod}: no valid ip type.", build, truth)


def node_without_ipv6(world: World) -> Scenario:
    """Dual stack is on and the ENIs have both families, but the host itself has no IPv6 default route."""
    name, node = "node-without-ipv6", world.node(21)
    error = "error get node ipv6 address.This may due to 1. no ipv6 address 2. no ipv6 default route"

    def build() -> ClusterBuilder:
        terway = Terway(release=world.pick("release", "v1.17.2", "v1.16.6"), ip_stack="dual")
        cluster = stalled_shop(world, name, terway, idle=6)
        for pod in [each for each in cluster.pods.values() if each.namespace == world.namespace("shop")]:
            if not pod.ips:
                cluster.nodes[node].assign(world, pod.key, pod.uid)
        return hang(cluster, world.namespace("shop"), world.app("web"), error, every=1.5)

    truth = Truth(
        category="node_runtime",
        also=("configuration", "datapath"),
        facts=("no ipv6 default route", node),
        forbidden=(*NO_SHORTAGE, "Forbidden.RAM", "OpenAPI", "not support"),
    )
    return of_the_shop(world, name, "A node of one family", "{pod}: error get node ipv6 address.", build, truth)


def function_not_there(world: World) -> Scenario:
    """LingJun: the PodENI is bound to virtual function 3, which the node's driver does not show."""
    name, node = "function-not-there", world.node(21)
    shop, db = world.namespace("shop"), world.app("db")
    error = "error parse config, failed to get BDF by VFID 3: not found specified vfID 3"

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, name, central(world, "v1.17.2", "v1.17.5"))
        labels = {"alibabacloud.com/lingjun-worker": "true", "k8s.aliyun.com/exclusive-mode-eni-type": "eniOnly"}
        cluster.node(
            node, kind="ecs.g7.4xlarge", exclusive=True, custom_resource="capabilities", labels=labels, serving=False
        )
        pod = lone_pod(cluster, (shop, db), 23, {})
        own = pod_enis.OwnEni(
            pod=cluster.pods[shop, pod],
            eni=world.ids.cloud("leni", "db"),
            vswitch=world.vswitch("h"),
            zone=world.zone("h"),
            ip=cluster.vswitch("h").take(),
            instance=world.instance(node),
        )
        cluster.pod_eni(own)
        return hang(cluster, shop, db, error, every=2)

    return Scenario(
        name=name,
        title="A virtual function that is not there",
        symptom=f"{shop}/{db}-0 is ContainerCreating on the GPU node.",
        namespace=shop,
        pod=f"{db}-0",
        build=build,
        truth=Truth(
            category="node_runtime",
            also=("datapath",),
            facts=("not found specified vfID 3", node),
            forbidden=(*NO_SHORTAGE, "Forbidden.RAM", "PodENI is missing", "trunk"),
        ),
    )


def zone_not_listed_on_lingjun(world: World) -> Scenario:
    """On LingJun nodes there is no fallback: a zone that eni_conf lacks stops the reconciler."""
    name, node = "zone-not-listed-on-lingjun", world.node(21)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, name, central(world, "v1.17.2", "v1.16.6"))
        labels = {"alibabacloud.com/lingjun-worker": "true", "k8s.aliyun.com/exclusive-mode-eni-type": "eniOnly"}
        cluster.node(
            node,
            zone="k",
            kind="ecs.g7.4xlarge",
            exclusive=True,
            custom_resource="capabilities",
            labels=labels,
            serving=False,
            sufficient_ip=None,
            age_days=0.05,
        )
        cluster.eni_conf(vswitches={world.zone("h"): [world.vswitch("h")], world.zone("i"): [world.vswitch("i")]})
        text = f"failed to get vsw for zone {world.zone('k')}"
        seen = Seen(world.ago(60), world.ago(2), 13)
        cluster.event_reconcile(cluster.ref_node(node), Said("ConfigError", text, action="Config"), seen)
        shop, web = world.namespace("shop"), world.app("web")
        cluster.deployment(shop, web, running={world.node(22): 1}, creating={node: 2}, since=world.ago(45))
        return hang(cluster, shop, web, every=5)

    truth = Truth(
        category="configuration",
        facts=("failed to get vsw for zone", world.zone("k"), node),
        forbidden=(*NO_SHORTAGE, "Forbidden.RAM", "throttl", "bug"),
    )
    return of_a_node(world, name, "A zone that is not listed", "{node} joined, pods there have no IP.", build, truth)


def pinned_to_its_old_zone(world: World) -> Scenario:
    """The fixed address keeps the pod in its old zone (by affinity); the only node there is cordoned."""
    name = "pinned-to-its-old-zone"
    shop, db = world.namespace("shop"), world.app("db")
    text = (
        "0/3 nodes are available: 1 node(s) were unschedulable, 2 node(s) didn't match Pod's node affinity/selector. "
        "preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling."
    )

    def build() -> ClusterBuilder:
        cluster = trunk_cluster(world, name)
        taint = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}
        cluster.nodes[world.node(21)].taints = [taint]
        cluster.change(resources.NODES, world.node(21), {"spec": {"unschedulable": True}})
        cluster.stateful_set(shop, db, wanted=1)
        annotations = {"k8s.aliyun.com/pod-eni": "true", "k8s.aliyun.com/pod-networking": "pn-db"}
        waits = [cluster.app_container(db, world.ago(17), up=False)]
        cluster.pod(shop, f"{db}-0", "", waits, world.ago(17), unschedulable=text, annotations=annotations)
        cluster.has(
            resources.PODNETWORKINGS, pod_enis.pod_networking(world, "pn-db", {world.vswitch("h"): world.zone("h")})
        )
        cluster.pod_eni(
            pod_enis.OwnEni(
                pod=cluster.pods[shop, f"{db}-0"],
                eni=world.ids.cloud("eni", "db"),
                vswitch=world.vswitch("h"),
                zone=world.zone("h"),
                ip=cluster.vswitch("h").take(),
                phase="Unbind",
                fixed=True,
                pod_uid=world.ids.uid("pod", shop, db, "before"),
            )
        )
        return scheduling_fails(cluster, (shop, f"{db}-0"), text, Seen(world.ago(17), world.ago(2), 4))

    return Scenario(
        name=name,
        title="Pinned to its old zone",
        symptom=f"{shop}/{db}-0 is Pending since the node was cordoned for maintenance.",
        namespace=shop,
        pod=f"{db}-0",
        build=build,
        truth=Truth(
            category="not_terway",
            also=("configuration",),
            facts=("didn't match Pod's node affinity/selector",),
            forbidden=(*INNOCENT, "member-eni", "detach"),
        ),
    )


def annotation_from_a_policy(world: World) -> Scenario:
    """Kyverno adds pod-eni after Terway's webhook has run; nobody fills in the networks (pod_controller_default.go)."""
    name = "annotation-from-a-policy"
    shop, db = world.namespace("shop"), world.app("db")

    def build() -> ClusterBuilder:
        cluster = trunk_cluster(world, name)
        annotations = {
            "k8s.aliyun.com/pod-eni": "true",
            "policies.kyverno.io/last-applied-patches": (
                "add-eni.network-defaults.kyverno.io: added /metadata/annotations/k8s.aliyun.com~1pod-eni\n"
            ),
        }
        pod = lone_pod(cluster, (shop, db), 26, annotations)
        error = "error parse config, podNetworking is empty"
        pod_create_fails(cluster, (shop, pod), error, Seen(world.ago(25.5), world.ago(1), 14))
        return hang(cluster, shop, db, every=5)

    return Scenario(
        name=name,
        title="An annotation from a policy",
        symptom=f"{shop}/{db}-0 waits; nobody of us wrote any Terway annotation.",
        namespace=shop,
        pod=f"{db}-0",
        build=build,
        truth=Truth(
            category="configuration",
            also=("component_down",),
            facts=("podNetworking is empty", "k8s.aliyun.com/pod-eni"),
            forbidden=(*NO_SHORTAGE, "Forbidden.RAM", "malformed", "bug"),
        ),
    )


def proxy_without_modules(world: World) -> Scenario:
    """kube-proxy cannot use IPVS on the node's kernel: pods have addresses, Services do not work from there."""
    name, node = "proxy-without-modules", world.node(21)

    def build() -> ClusterBuilder:
        cluster = serving_shop(world, name, central(world), minutes=70)
        image = f"registry-vpc.{world.region}.aliyuncs.com/acs/kube-proxy:v1.34.1"
        said = (
            'E0701 08:10:11.201 1 server.go:1021] "Error running ProxyServer" '
            "err=\"can't use the IPVS proxier: IPVS proxier will not be used because the following required kernel "
            'modules are not loaded: [ip_vs ip_vs_rr]"'
        )
        pod = world.daemon_pod("kube-proxy-worker", node)
        container = crashing(cluster, (pod, "kube-proxy-worker"), image, (said,))
        foreign_daemon(cluster, "kube-proxy-worker", node, container)
        cluster.keeps_crashing("kube-system", pod, "kube-proxy-worker", Seen(world.ago(60), world.ago(0.5), 130))
        line = 'panic: Get "https://172.21.0.1:443/api/v1/namespaces/config": dial tcp 172.21.0.1:443: i/o timeout'
        return crashing_app(cluster, asked(world), line)

    truth = Truth(
        category="not_terway",
        also=("node_runtime",),
        facts=("kube-proxy-worker",),
        forbidden=(*INNOCENT, "eni.socket", "security group"),
    )
    return of_the_shop(world, name, "A proxy without its modules", "{pod} restarts; Services time out.", build, truth)


def table_is_full(world: World) -> Scenario:
    """The node's connection table is full: addresses are there, new connections are dropped."""
    name, node = "table-is-full", world.node(21)

    def build() -> ClusterBuilder:
        cluster = serving_shop(world, name, central(world), minutes=200)
        said = Said("ConntrackFull", "Conntrack table full: nf_conntrack: table full, dropping packet")
        seen = Seen(world.ago(26), world.ago(1), 31)
        return cluster.event_controller("conntrack-monitor", cluster.ref_kubelet_node(node), said, seen)

    truth = Truth(
        category="node_runtime",
        also=("not_terway", "datapath"),
        facts=("nf_conntrack: table full", node),
        forbidden=(*INNOCENT, "eni.socket"),
    )
    return of_a_node(world, name, "A table that is full", "Connections of pods on {node} hang at random.", build, truth)


def no_route_for_the_node(world: World) -> Scenario:
    """The cloud controller manages routes although Terway needs none: new nodes keep the network-unavailable taint."""
    name, node = "no-route-for-the-node", world.node(21)
    shop = world.namespace("shop")
    text = (
        "0/3 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/network-unavailable: }, "
        "2 Insufficient cpu. preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling."
    )

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, name, central(world))
        taint = {"key": "node.kubernetes.io/network-unavailable", "effect": "NoSchedule"}
        cluster.node(node, taints=[taint], age_days=0.04)
        said = Said("CreateRouteFailed", f"Could not create route for node {node}: vpc route entry quota exceeded")
        seen = Seen(world.ago(50), world.ago(2), 22)
        cluster.event_controller("route-controller", cluster.ref_kubelet_node(node), said, seen)
        web = world.app("web")
        cluster.deployment(shop, web, running={world.node(22): 1}, since=world.ago(45))
        waits = [cluster.app_container(web, world.ago(40), up=False)]
        owner = cluster.replica_set_of(shop, web)
        name_of = world.replica(web, 7)
        cluster.pod(shop, name_of, "", waits, world.ago(40), unschedulable=text, owner=owner)
        return scheduling_fails(cluster, (shop, name_of), text, Seen(world.ago(40), world.ago(2), 9))

    pending = world.replica(world.app("web"), 7)
    return Scenario(
        name=name,
        title="A route nobody needs",
        symptom=f"{shop}/{pending} is Pending, the new node has 'network-unavailable'. Terway not ready there?",
        namespace=shop,
        pod=pending,
        build=build,
        truth=Truth(
            category="not_terway",
            also=("configuration", "quota"),
            facts=("node.kubernetes.io/network-unavailable",),
            forbidden=("IpNotEnough", "Forbidden.RAM", "Terway bug", "throttl", "eni.socket"),
        ),
    )


def touched_by_somebody_else(world: World) -> Scenario:
    """CNI CHECK keeps finding NICs down and sets them up again: something takes them down."""
    name, node = "touched-by-somebody-else", world.node(21)

    def build() -> ClusterBuilder:
        cluster = serving_shop(world, name, local(world, "v1.14.3", "v1.12.4"), minutes=400)
        for index in range(3):
            pod = world.replica(world.app("web"), index)
            said = Said("ConfigCheck", f"parent link id {3 + index} set to up")
            cluster.event_daemon(cluster.ref(world.namespace("shop"), pod), said, Seen(world.ago(40), world.ago(1), 9))
        return cluster

    truth = Truth(
        category="node_runtime",
        also=("datapath", "not_terway"),
        facts=("ConfigCheck", node),
        forbidden=(*INNOCENT, "eni.socket"),
    )
    return of_a_node(
        world, name, "Touched by somebody else", "Pods on {node} lose the network for seconds.", build, truth
    )


INCIDENTS = (
    too_many_endpoints_at_once,
    binary_of_another_release,
    node_without_ipv6,
    function_not_there,
    zone_not_listed_on_lingjun,
    pinned_to_its_old_zone,
    annotation_from_a_policy,
    proxy_without_modules,
    table_is_full,
    no_route_for_the_node,
    touched_by_somebody_else,
)
