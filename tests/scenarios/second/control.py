"""The controlplane: not started, wrongly configured, losing its lease, or in the way of admission."""

from datetime import timedelta

from terway_mcp.cluster.scenarios.builder import ClusterBuilder
from terway_mcp.cluster.scenarios.clock import Seen
from terway_mcp.cluster.scenarios.events import Ref, Said
from terway_mcp.cluster.scenarios.logs import Line
from terway_mcp.cluster.scenarios.plots import DEADLINE
from terway_mcp.cluster.scenarios.pods import terminated
from terway_mcp.cluster.scenarios.profile import Terway
from terway_mcp.cluster.scenarios.scenario import Scenario, Truth
from terway_mcp.cluster.scenarios.terway_pods import crash_looping, replaced, restarted
from terway_mcp.cluster.scenarios.world import World

from .stage import central, controlplane_since, hang, ordinary_cluster, quiet, stuck, trunking

_NOT_CAPACITY = ("exhaust", "IpNotEnough", "Forbidden.RAM", "bug")


def controllers_incomplete(world: World) -> Scenario:
    """`controllers` was written out by hand and forgets the two of centralized IPAM."""
    shop, web, node = world.namespace("shop"), world.app("web"), world.node(31)

    def build() -> ClusterBuilder:
        terway = Terway(
            release=world.pick("release", "v1.17.2", "v1.16.6"), controllers_off=("multi-ip-node", "multi-ip-pod")
        )
        cluster = ordinary_cluster(world, "controllers-incomplete", terway)
        cluster.node(node, age_days=0.03, idle=0, serving=False)
        quiet(controlplane_since(cluster, 48))
        stuck(cluster, (shop, web, node), (0, 3), 33)
        hang(cluster, shop, web, every=6)
        settings = (
            f"regionID: {world.region}\nclusterID: c1\nvpcID: {world.ids.cloud('vpc', 'cluster')}\n"
            "controllers: [pod, pod-eni, pod-networking, eni, node]\ncentralizedIPAM: false\nipamType: crd\n"
            "enableTrunk: false\n"
        )
        return cluster.config_map("terway-controlplane", {"ctrl-config.yaml": settings})

    return Scenario(
        name="controllers-incomplete",
        title="The controllers that hand out addresses are off",
        symptom=f"{shop}/{web}: no pod that was created in the last 45 minutes has an address.",
        namespace=shop,
        pod=world.replica(web, 0),
        build=build,
        truth=Truth(
            category="configuration",
            facts=("controllers", node),
            forbidden=(*_NOT_CAPACITY, "trunk"),
        ),
    )


def other_mode_at_start(world: World) -> Scenario:
    """eni-config was switched to crd after the controlplane had started: it still thinks IPAM is local."""
    shop, cart, node = world.namespace("shop"), world.app("cart"), world.node(31)

    def build() -> ClusterBuilder:
        terway = Terway(
            release=world.pick("release", "v1.17.2", "v1.16.6"), controllers_off=("multi-ip-node", "multi-ip-pod")
        )
        cluster = ordinary_cluster(world, "other-mode-at-start", terway)
        cluster.node(node, age_days=0.025, idle=0, serving=False)
        quiet(controlplane_since(cluster, 58))
        stuck(cluster, (shop, cart, node), (0, 2), 29)
        hang(cluster, shop, cart, every=6)
        settings = (
            f"regionID: {world.region}\nclusterID: c1\nvpcID: {world.ids.cloud('vpc', 'cluster')}\n"
            "controllers: ['*', node]\ncentralizedIPAM: false\nenableTrunk: false\n"
        )
        cluster.config_map("terway-controlplane", {"ctrl-config.yaml": settings})
        at = world.ago(57.88)
        line = Line(at, "daemon is not at crd mode, disable v2 ipam", "I", "main.go:204", {"logger": "setup"})
        return cluster.controlplane_says(line)

    return Scenario(
        name="other-mode-at-start",
        title="A controlplane that still believes in local IPAM",
        symptom=f"We moved to centralized IPAM an hour ago; {shop}/{cart} gets no address.",
        namespace=shop,
        pod=world.replica(cart, 0),
        build=build,
        truth=Truth(
            category="configuration",
            facts=("daemon is not at crd mode", "ipam_type", node),
            forbidden=(*_NOT_CAPACITY, "trunk"),
        ),
    )


def config_is_no_yaml(world: World) -> Scenario:
    """The controlplane panics over its own configuration file."""
    shop, web, node = world.namespace("shop"), world.app("web"), world.node(21)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "config-is-no-yaml", central(world))
        cluster.node(node, kind="ecs.g7.2xlarge", idle=0, serving=False)
        quiet(cluster)
        stuck(cluster, (shop, web, node), (2, 3), 27)
        hang(cluster, shop, web, every=5)
        cluster.events = [each for each in cluster.events if each["reason"] != "SyncOpenAPISuccess"]
        cluster.log("kube-system", cluster.leader, "terway-controlplane").lines.clear()
        complaint = "yaml: line 4: mapping values are not allowed in this context"
        panic = f"panic: error unmarshal /etc/config/ctrl-config.yaml: {complaint}"
        for index in range(2):
            pod = cluster.pods["kube-system", world.replica("terway-controlplane", index)]
            died = terminated("Error", 2, world.ago(2.2), world.ago(2.1))
            pod.containers = replaced(pod.containers, crash_looping(pod, "terway-controlplane", died, restarts=13))
            for previous, at in ((False, world.ago(2.2)), (True, world.ago(7.4))):
                cluster.log("kube-system", pod.name, "terway-controlplane", previous=previous).add(
                    Line(at, panic), Line(at + timedelta(milliseconds=1), "goroutine 1 [running]:")
                )
            cluster.keeps_crashing(
                "kube-system", pod.name, "terway-controlplane", Seen(world.ago(41), world.ago(0.5), 160)
            )
        vpc = world.ids.cloud("vpc", "cluster")
        broken = f"regionID: {world.region}\nclusterID: c1\ncentralizedIPAM: true\nvpcID: vpc: {vpc}\n"
        cluster.config_map("terway-controlplane", {"ctrl-config.yaml": broken})
        return cluster.controlplane_lease_renewed(43 * 60)

    return Scenario(
        name="config-is-no-yaml",
        title="A ctrl-config.yaml that is no YAML",
        symptom=f"Since a change of the add-on's settings {shop}/{web} cannot scale.",
        namespace=shop,
        pod=world.replica(web, 0),
        build=build,
        truth=Truth(
            category="configuration",
            also=("component_down",),
            facts=("ctrl-config.yaml", "terway-controlplane"),
            forbidden=_NOT_CAPACITY,
        ),
    )


def leaders_come_and_go(world: World) -> Scenario:
    """The API server answers so slowly that the leader loses its lease every few minutes and exits."""
    shop, cart, node = world.namespace("shop"), world.app("cart"), world.node(21)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "leaders-come-and-go", central(world))
        cluster.node(node, kind="ecs.g7.2xlarge", idle=0, serving=False)
        quiet(cluster)
        stuck(cluster, (shop, cart, node), (3, 3), 24)
        hang(cluster, shop, cart, every=5)
        lease = Ref(
            "Lease", "terway-controlplane", "kube-system", world.ids.uid("lease", "kube-system", "terway-controlplane"),
            "coordination.k8s.io/v1",
        )  # fmt: skip
        identities = [f"{name}_{world.ids.uid('candidate', name)}" for name in list(cluster.nodes)[:2]]
        for index, moment in enumerate(Seen(world.ago(46), world.ago(1), 24).moments()):
            verb = "became leader" if index % 2 == 0 else "stopped leading"
            said = Said("LeaderElection", f"{identities[index // 2 % 2]} {verb}", warning=False)
            cluster.event_controller("terway-controlplane", lease, said, Seen.once(moment))
        lost = (
            "failed to renew lease kube-system/terway-controlplane: timed out waiting for the condition: "
            'Put "https://172.21.0.1:443/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/'
            'terway-controlplane?timeout=5s": context deadline exceeded'
        )
        for index in range(2):
            pod = cluster.pods["kube-system", world.replica("terway-controlplane", index)]
            died = terminated("Error", 1, world.ago(8 - index), world.ago(4 - 2 * index))
            up = restarted(pod, "terway-controlplane", died, world.ago(3.5 - 2 * index), restarts=12)
            pod.containers = replaced(pod.containers, up)
            at = world.ago(4 - 2 * index)
            cluster.log("kube-system", pod.name, "terway-controlplane", previous=True).add(
                Line(at - timedelta(seconds=20), lost, "E", "leaderelection.go:436", plain=True),
                Line(at, "leader election lost", "E", "main.go:277", {"logger": "setup"}),
            )
            cluster.keeps_crashing(
                "kube-system", pod.name, "terway-controlplane", Seen(world.ago(44), world.ago(2), 30)
            )
        return cluster.controlplane_lease_renewed(22)

    return Scenario(
        name="leaders-come-and-go",
        title="A controlplane that keeps losing its lease",
        symptom=f"Pods of {shop}/{cart} start very late or not at all, everywhere in the cluster.",
        namespace=shop,
        pod=world.replica(cart, 0),
        build=build,
        truth=Truth(
            category="component_down",
            also=("node_runtime",),
            facts=("failed to renew lease", "terway-controlplane"),
            forbidden=_NOT_CAPACITY,
        ),
    )


def certificate_expired(world: World) -> Scenario:
    """The webhook's certificate has expired and somebody made the webhook mandatory."""
    shop, web = world.namespace("shop"), world.app("web")

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "certificate-expired", trunking(world), hosts=(21, 22, 23))
        owner = cluster.replica_set_of(shop, web)
        cluster.deployment(shop, web, running={world.node(22): 1}, since=world.ago(days=4))
        cluster.workloads[shop, web].wanted = 4
        text = (
            'Error creating: Internal error occurred: failed calling webhook "terway.validate.k8s.io": failed to call '
            'webhook: Post "https://terway-controlplane.kube-system.svc:443/validate?timeout=10s": tls: failed to '
            "verify certificate: x509: certificate has expired or is not yet valid"
        )
        ref = Ref("ReplicaSet", owner.name, shop, owner.uid, "apps/v1", "77120")
        cluster.event_controller(
            "replicaset-controller", ref, Said("FailedCreate", text), Seen(world.ago(52), world.ago(2), 21)
        )
        bad = "http: TLS handshake error from 10.0.1.2:41822: remote error: tls: bad certificate"
        line = Line(world.ago(52), bad, "I", "server.go:3640", plain=True)
        return cluster.controlplane_says(*cluster.repeat(Seen(world.ago(52), world.ago(2), 21), line))

    return Scenario(
        name="certificate-expired",
        title="An expired webhook certificate",
        symptom=f"Deployment {shop}/{web} is at 1 of 4 and creates no further pods.",
        namespace=shop,
        workload=f"deployment/{web}",
        build=build,
        truth=Truth(
            category="component_down",
            also=("configuration",),
            facts=("x509", "terway.validate.k8s.io", web),
            forbidden=("exhaust", "IpNotEnough", "Forbidden.RAM"),
        ),
    )


def node_controller_off(world: World) -> Scenario:
    """`-node` in the list of controllers: nobody creates the Node CR of a new node."""
    shop, web, node = world.namespace("shop"), world.app("web"), world.node(31)

    def build() -> ClusterBuilder:
        terway = Terway(release=world.pick("release", "v1.17.2", "v1.16.6"), controllers_off=("node",))
        cluster = ordinary_cluster(world, "node-controller-off", terway)
        cluster.node(node, age_days=0.03, custom_resource="absent", sufficient_ip=None, serving=False)
        stuck(cluster, (shop, web, node), (0, 2), 31)
        hang(cluster, shop, web, every=6)
        about = {"err": f'nodes.network.alibabacloud.com "{node}" not found'}
        line = Line(world.ago(40), "get node failed", "E", "crdv2.go:305", about)
        return cluster.daemon_says(node, *cluster.repeat(Seen(world.ago(40), world.ago(0.5), 60), line))

    return Scenario(
        name="node-controller-off",
        title="A node without a Node CR",
        symptom=f"{shop}/{web} hangs on the node that joined 40 minutes ago.",
        namespace=shop,
        pod=world.replica(web, 0),
        build=build,
        truth=Truth(
            category="configuration",
            also=("component_down",),
            facts=("nodes.network.alibabacloud.com", "not found", node),
            forbidden=(*_NOT_CAPACITY, "trunk", "providerID"),
        ),
    )


def stale_leader(world: World) -> Scenario:
    """The leader hangs: its lease ran out twenty minutes ago, its pod is Running, its log has stopped."""
    shop, cart, node = world.namespace("shop"), world.app("cart"), world.node(21)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "stale-leader", central(world))
        cluster.node(node, kind="ecs.g7.2xlarge", idle=5, serving=False)
        quiet(cluster)
        stuck(cluster, (shop, cart, node), (2, 2), 19)
        hang(cluster, shop, cart, DEADLINE, every=4)
        for index in range(2):
            name = world.replica("terway-controlplane", index)
            cluster.forbid_log("kube-system", name, "terway-controlplane")
        return cluster.controlplane_lease_renewed(21 * 60)

    return Scenario(
        name="stale-leader",
        title="A leader that does not renew its lease",
        symptom=f"{shop}/{cart} gets no address; the node has free ones, all Terway pods are Running.",
        namespace=shop,
        pod=world.replica(cart, 0),
        build=build,
        truth=Truth(
            category="component_down",
            facts=("lease", "terway-controlplane", node),
            forbidden=_NOT_CAPACITY,
        ),
    )
