"""Incidents written after the others had been looked at: neighbours of earlier faults, with something changed."""

from terway_mcp.cluster import resources
from terway_mcp.cluster.scenarios import pod_enis
from terway_mcp.cluster.scenarios.builder import ClusterBuilder
from terway_mcp.cluster.scenarios.clock import Seen
from terway_mcp.cluster.scenarios.events import Said
from terway_mcp.cluster.scenarios.logs import Line
from terway_mcp.cluster.scenarios.plots import NO_ENI, REFUSED
from terway_mcp.cluster.scenarios.pods import back_off, terminated
from terway_mcp.cluster.scenarios.profile import Json
from terway_mcp.cluster.scenarios.scenario import Scenario, Truth
from terway_mcp.cluster.scenarios.terway_pods import crash_looping, restarted
from terway_mcp.cluster.scenarios.world import World
from tests.scenarios.incidents.stage import not_enough, trunk_annotations

from .stage import (
    DENIED,
    RPC,
    central,
    create_fails,
    hang,
    local,
    lone_pod,
    openapi,
    ordinary_cluster,
    pod_create_fails,
    pool_fails,
    stuck,
    trunk_cluster,
)


def erdma_asked_of_local_ipam(world: World) -> Scenario:
    """Local IPAM, ERDMA wanted and not to be had: here the start-up line does explain the failure."""
    shop, db, node = world.namespace("shop"), world.app("db"), world.node(21)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "erdma-asked-of-local-ipam", local(world, "v1.14.3", "v1.16.6"))
        cluster.eni_conf(enable_erdma=True)
        cluster.node(node, kind="ecs.g7.2xlarge", idle=0)
        created = world.ago(24)
        cluster.stateful_set(shop, db, wanted=1)
        plain = cluster.app_container(db, created, up=False)
        needs: Json = {"limits": {"aliyun/erdma": "1"}, "requests": {"aliyun/erdma": "1"}}
        container = type(plain)(db, plain.image, plain.state, resources=needs)
        cluster.pod(shop, f"{db}-0", node, [container], created)
        return hang(cluster, shop, db, NO_ENI, every=1)

    return Scenario(
        name="erdma-asked-of-local-ipam",
        title="ERDMA on an instance that has none",
        symptom=f"{shop}/{db}-0 asks for aliyun/erdma: no eni can handle the allocation.",
        namespace=shop,
        pod=f"{db}-0",
        build=build,
        truth=Truth(
            category="configuration",
            also=("resource_exhaustion",),
            facts=("erdma", node),
            forbidden=("trunk", "IpNotEnough", "Forbidden.RAM", "bug"),
        ),
    )


def throttled_after_a_denial(world: World) -> Scenario:
    """The reverse of two Nodes of one name: a denial that was repaired half an hour ago, throttling that goes on."""
    shop, web, node = world.namespace("shop"), world.app("web"), world.node(21)
    throttled = openapi("Throttling.User", "Request was denied due to user flow control.")

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "throttled-after-a-denial", central(world, "v1.17.1", "v1.16.6"))
        cluster.node(node, kind="ecs.g7.2xlarge", idle=0, sufficient_ip=False)
        stuck(cluster, (shop, web, node), (15, 3), 19)
        hang(cluster, shop, web, every=4)
        pool_fails(cluster, node, DENIED, Seen(world.ago(58), world.ago(52), 3), creating=True)
        return pool_fails(cluster, node, throttled, Seen(world.ago(18), world.ago(1.5), 14), creating=True)

    return Scenario(
        name="throttled-after-a-denial",
        title="An old denial and throttling that goes on",
        symptom=f"We repaired the RAM role an hour ago, yet {shop}/{web} still gets no address.",
        namespace=shop,
        pod=world.replica(web, 0),
        build=build,
        truth=Truth(
            category="throttling",
            facts=("Throttling.User", node),
            forbidden=("Forbidden.RAM", "IpNotEnough", "exhaust", "bug"),
        ),
    )


def terminating_for_its_program(world: World) -> Scenario:
    """A pod that stays Terminating because a finalizer holds it; Terway released its network at once."""
    shop, cart, node = world.namespace("shop"), world.app("cart"), world.node(21)
    pod = world.replica(cart, 0)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "terminating-for-its-program", central(world))
        cluster.node(node, kind="ecs.g7.2xlarge")
        cluster.deployment(shop, cart, running={node: 3}, since=world.ago(days=1))
        mine = cluster.pods[shop, pod]
        mine.deleted = world.ago(26)
        up = mine.containers[0]
        done = terminated("Completed", 0, world.ago(days=1), world.ago(25.8))
        mine.containers = [type(up)(up.name, up.image, done, ready=False)]
        held: Json = {"metadata": {"finalizers": ["batch.example.com/audit"]}}
        cluster.change(resources.PODS, pod, held, shop)
        killing = Said("Killing", f"Stopping container {cart}", warning=False)
        return cluster.event_kubelet(cluster.ref(shop, pod), killing, Seen.once(world.ago(26)))

    return Scenario(
        name="terminating-for-its-program",
        title="A finalizer that is not Terway's",
        symptom=f"{shop}/{pod} is Terminating since 26 minutes; does Terway not let go of it?",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="not_terway",
            also=("insufficient_evidence",),
            facts=("batch.example.com/audit", pod),
            forbidden=("IpNotEnough", "exhaust", "is down", "bug"),
        ),
    )


def lingjun_not_exclusive(world: World) -> Scenario:
    """LingJun without an exclusive mode: the node controller refuses the combination."""
    shop, web, node = world.namespace("shop"), world.app("web"), world.node(31)
    text = "exclusive ENI mode must be enabled for EFLO nodes"

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "lingjun-not-exclusive", central(world, "v1.17.2", "v1.16.6"))
        labels = {"alibabacloud.com/lingjun-worker": "true"}
        cluster.node(node, age_days=0.04, labels=labels, custom_resource="absent", sufficient_ip=None, serving=False)
        said = Said("ConfigError", text, action="Config")
        cluster.event_controlplane("node", cluster.ref_node(node), said, Seen(world.ago(55), world.ago(1), 40))
        stuck(cluster, (shop, web, node), (0, 2), 28)
        return hang(cluster, shop, web, every=5)

    return Scenario(
        name="lingjun-not-exclusive",
        title="A LingJun node that shares its ENIs",
        symptom=f"{shop}/{web} hangs on our first LingJun node.",
        namespace=shop,
        pod=world.replica(web, 0),
        build=build,
        truth=Truth(
            category="configuration",
            facts=("exclusive ENI mode must be enabled", node),
            forbidden=("IpNotEnough", "exhaust", "Forbidden.RAM", "bug"),
        ),
    )


def old_oom_new_shortage(world: World) -> Scenario:
    """terwayd was OOMKilled hours ago and has been fine since; the pod waits because the vSwitch is empty."""
    shop, web, node = world.namespace("shop"), world.app("web"), world.node(21)
    vswitch = world.vswitch("h")

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "old-oom-new-shortage", central(world))
        cluster.node(node, kind="ecs.g7.2xlarge", idle=0, sufficient_ip=False)
        died = terminated("OOMKilled", 137, world.ago(hours=40), world.ago(hours=9))
        up = restarted(cluster.terway_pod(node), "terway", died, world.ago(hours=8.9), restarts=1)
        cluster.terway_containers(node, up)
        stuck(cluster, (shop, web, node), (5, 3), 23)
        hang(cluster, shop, web, every=5)
        return pool_fails(cluster, node, not_enough(vswitch), Seen(world.ago(22), world.ago(2), 7), creating=True)

    return Scenario(
        name="old-oom-new-shortage",
        title="A restart of last night and a shortage of now",
        symptom=f"{shop}/{web} hangs; the Terway pod there has a restart with OOMKilled.",
        namespace=shop,
        pod=world.replica(web, 0),
        node=node,
        build=build,
        truth=Truth(
            category="resource_exhaustion",
            facts=("InvalidVSwitchId.IpNotEnough", vswitch, node),
            forbidden=("OOMKilled", "out of memory", "Forbidden.RAM", "bug"),
        ),
    )


def policy_beside_a_quota(world: World) -> Scenario:
    """The policy container crashes, which gives no pod less of an address; the local quota does."""
    shop, cart, node = world.namespace("shop"), world.app("cart"), world.node(21)
    error = openapi("QuotaExceeded.PrivateIpAddress", "The quota of private ip addresses in the VPC is exceeded.")

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "policy-beside-a-quota", local(world))
        cluster.node(node, kind="ecs.g7.2xlarge", idle=0, serving=False)
        stuck(cluster, (shop, cart, node), (5, 2), 20)
        hang(cluster, shop, cart, NO_ENI, every=2)
        pod = cluster.terway_pod(node)
        died = terminated("Error", 1, world.ago(6), world.ago(2.3))
        cluster.terway_containers(node, crash_looping(pod, "policy", died, restarts=33))
        cluster.keeps_crashing("kube-system", pod.name, "policy", Seen(world.ago(58), world.ago(0.5), 210))
        seen = Seen(world.ago(19), world.ago(2), 6)
        cluster.event_daemon(cluster.ref_node(node), Said("AllocIPFailed", error), seen)
        about = {"err": error, "eni": world.eni(node, 0)}
        line = Line(seen.first, "assign ipv4 failed", "E", "local.go:760", about)
        return cluster.daemon_says(node, *cluster.repeat(seen, line))

    return Scenario(
        name="policy-beside-a-quota",
        title="Two faults on one daemon pod, one of which matters",
        symptom=f"{shop}/{cart}: no eni can handle the allocation. The Terway pod is 1/2 Ready.",
        namespace=shop,
        pod=world.replica(cart, 0),
        build=build,
        truth=Truth(
            category="quota",
            also=("resource_exhaustion",),
            facts=("QuotaExceeded.PrivateIpAddress", node),
            forbidden=("policy container", "Forbidden.RAM", "bug"),
        ),
    )


def no_group_to_fall_back_to(world: World) -> Scenario:
    """A trunk pod that names only a vSwitch, while eni_conf has no security group to fall back to."""
    shop, db = world.namespace("shop"), world.app("db")
    pod = f"{db}-0"

    def build() -> ClusterBuilder:
        cluster = trunk_cluster(world, "no-group-to-fall-back-to")
        cluster.eni_conf(security_groups=None)
        lone_pod(cluster, (shop, db), 15, {"k8s.aliyun.com/pod-eni": "true", "k8s.aliyun.com/pod-networking": "pn-db"})
        cluster.has(
            resources.PODNETWORKINGS, pod_enis.pod_networking(world, "pn-db", {world.vswitch("h"): world.zone("h")})
        )
        error = "error parse config, error parse pod annotation, vSwitchOptions or securityGroupIDs is missing"
        pod_create_fails(cluster, (shop, pod), error, Seen(world.ago(14.5), world.ago(1), 11))
        return hang(cluster, shop, db, every=4)

    return Scenario(
        name="no-group-to-fall-back-to",
        title="No security group for a trunk pod",
        symptom=f"{shop}/{pod} does not get its ENI.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="configuration",
            facts=("securityGroupIDs is missing", pod),
            forbidden=("IpNotEnough", "exhaust", "Forbidden.RAM", "bug", "JSON"),
        ),
    )


def socket_not_free(world: World) -> Scenario:
    """The daemon cannot listen: the host directory became read-only."""
    shop, web, node = world.namespace("shop"), world.app("web"), world.node(21)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "socket-not-free", central(world))
        cluster.node(node, kind="ecs.g7.2xlarge", serving=False)
        stuck(cluster, (shop, web, node), (4, 2), 12)
        hang(cluster, shop, web, REFUSED, every=0.5)
        pod = cluster.terway_pod(node)
        pod.created = world.ago(14)
        died = terminated("Error", 255, world.ago(2.5), world.ago(2.2))
        cluster.terway_containers(node, crash_looping(pod, "terway", died, restarts=7))
        for previous, minutes in ((False, 2.2), (True, 6.4)):
            text = "error listen at /var/run/eni/eni.socket: bind: read-only file system"
            fatal = Line(world.ago(minutes), text, "F", "main.go:73", plain=True)
            cluster.daemon_log(node, previous=previous).add(fatal)
        return cluster.keeps_crashing("kube-system", pod.name, "terway", Seen(world.ago(13), world.ago(0.3), 60))

    return Scenario(
        name="socket-not-free",
        title="A host directory that became read-only",
        symptom=f"{shop}/{web}: connection refused on eni.socket.",
        namespace=shop,
        pod=world.replica(web, 0),
        build=build,
        truth=Truth(
            category="node_runtime",
            also=("component_down",),
            facts=("read-only file system", node),
            forbidden=("IpNotEnough", "exhaust", "Forbidden.RAM", "OOM"),
        ),
    )


def empty_and_elsewhere(world: World) -> Scenario:
    """Two vSwitches: one is empty, the other belongs to another zone. What is missing is an address, not a zone."""
    shop, cart, node = world.namespace("shop"), world.app("cart"), world.node(21)
    mine, other, zone = world.vswitch("h"), world.vswitch("j"), world.zone("h")

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "empty-and-elsewhere", local(world))
        cluster.node(node, kind="ecs.g7.xlarge", idle=0, serving=False)
        stuck(cluster, (shop, cart, node), (15, 2), 21)
        hang(cluster, shop, cart, every=4)
        error = f"[{mine} no ip left, no available vSwitch for zone {zone}, vswList [{mine} {other}]]"
        return create_fails(cluster, node, error, Seen(world.ago(20), world.ago(1), 26))

    return Scenario(
        name="empty-and-elsewhere",
        title="One vSwitch is empty, the other elsewhere",
        symptom=f"{shop}/{cart}: no available vSwitch for zone. We have two vSwitches!",
        namespace=shop,
        pod=world.replica(cart, 0),
        build=build,
        truth=Truth(
            category="resource_exhaustion",
            facts=("no ip left", mine, node),
            forbidden=("No configured vSwitch lies in zone", "Forbidden.RAM", "bug"),
        ),
    )


def conflict_and_nothing_else(world: World) -> Scenario:
    """A ConfigError about optimistic locking on a node whose pods are all well."""
    node = world.node(22)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "conflict-and-nothing-else", central(world), hosts=(21, 22, 23))
        text = (
            f'Operation cannot be fulfilled on nodes.network.alibabacloud.com "{node}": the object has been modified; '
            "please apply your changes to the latest version and try again"
        )
        said = Said("ConfigError", text, action="Config")
        return cluster.event_controlplane("node", cluster.ref_node(node), said, Seen(world.ago(30), world.ago(12), 2))

    return Scenario(
        name="conflict-and-nothing-else",
        title="A ConfigError that means nothing",
        symptom="There is a ConfigError on a node. What is misconfigured?",
        node=node,
        build=build,
        truth=Truth(category="healthy", facts=(node,), forbidden=("misconfig", "IpNotEnough", "bug", "exhaust")),
    )


def old_pod_old_eni(world: World) -> Scenario:
    """An old pod of the name is still being taken down: the controlplane may not delete its ENI."""
    shop, db = world.namespace("shop"), world.app("db")
    pod, denied = f"{db}-0", openapi("Forbidden.SubUser", "The sub user has no permission to delete this ENI.")

    def build() -> ClusterBuilder:
        cluster = trunk_cluster(world, "old-pod-old-eni")
        lone_pod(cluster, (shop, db), 18, trunk_annotations(world, world.vswitch("h")))
        own = pod_enis.OwnEni(
            pod=cluster.pods[shop, pod],
            eni=world.ids.cloud("eni", "old pod"),
            vswitch=world.vswitch("h"),
            zone=world.zone("h"),
            ip=cluster.vswitch("h").take(),
            phase="Deleting",
            pod_uid=world.ids.uid("pod", shop, pod, "before"),
            deleted=world.ago(19),
        )
        cluster.pod_eni(own)
        seen, ref, cr = Seen(world.ago(17.5), world.ago(1.5), 9), cluster.ref(shop, pod), cluster.ref_pod_eni(shop, pod)
        cluster.event_controlplane("pod-eni", cr, Said("DetachENIFailed", denied, action="DetachENI"), seen, ref)
        line = Line(seen.first, "delete eni failed", "E", "ecs.go:236", {"err": denied, "eni": own.eni})
        cluster.controlplane_says(*cluster.repeat(seen, line))
        return hang(cluster, shop, db, f"{RPC}code: PodENINotReady, msg: DeletionTimestamp is not zero", every=3)

    return Scenario(
        name="old-pod-old-eni",
        title="The ENI of the pod before",
        symptom=f"{shop}/{pod} was re-created and waits.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="permission",
            facts=("Forbidden.SubUser", pod),
            forbidden=("IpNotEnough", "exhaust", "quota", "bug"),
        ),
    )


def wrong_probe_port(world: World) -> Scenario:
    """The application's own liveness probe is refused; nothing listens on the port it was given."""
    shop, cart, node = world.namespace("shop"), world.app("cart"), world.node(21)
    pod = world.replica(cart, 0)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "wrong-probe-port", central(world))
        cluster.node(node)
        cluster.deployment(shop, cart, running={node: 1, world.node(22): 1}, since=world.ago(29))
        cluster.started(shop, pod)
        mine = cluster.pods[shop, pod]
        up = mine.containers[0]
        died = terminated("Error", 143, world.ago(4), world.ago(1.5))
        mine.containers = [type(up)(cart, up.image, back_off(cart, pod, shop, mine.uid), died, 7, ready=False)]
        port = f"{mine.ips[0]}:8081"
        text = f'Liveness probe failed: Get "http://{port}/healthz": dial tcp {port}: connect: connection refused'
        ref = cluster.ref(shop, pod)
        cluster.event_kubelet(ref, Said("Unhealthy", text), Seen(world.ago(28), world.ago(1.5), 66))
        killing = Said("Killing", f"Container {cart} failed liveness probe, will be restarted", warning=False)
        cluster.event_kubelet(ref, killing, Seen(world.ago(27), world.ago(1.5), 7))
        return cluster.keeps_crashing(shop, pod, cart, Seen(world.ago(20), world.ago(0.4), 40))

    return Scenario(
        name="wrong-probe-port",
        title="A probe on a port nobody listens on",
        symptom=f"{shop}/{pod} restarts every few minutes: connection refused.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="not_terway",
            facts=("Liveness probe failed", pod),
            forbidden=("eni.socket", "terwayd", "exhaust", "IpNotEnough", "Terway bug"),
        ),
    )
