"""Settings that are accepted and mean something else than was hoped, and signs that are no outage."""

from terway_mcp.cluster import resources
from terway_mcp.cluster.scenarios import pod_enis
from terway_mcp.cluster.scenarios.builder import ClusterBuilder
from terway_mcp.cluster.scenarios.clock import Seen
from terway_mcp.cluster.scenarios.events import Said
from terway_mcp.cluster.scenarios.logs import Line
from terway_mcp.cluster.scenarios.pods import terminated
from terway_mcp.cluster.scenarios.profile import Terway
from terway_mcp.cluster.scenarios.scenario import Scenario, Truth
from terway_mcp.cluster.scenarios.terway_pods import crash_looping
from terway_mcp.cluster.scenarios.world import World
from tests.scenarios.incidents.stage import cronjob_pods_keep_coming, not_enough

from .stage import (
    central,
    crash_loops,
    hang,
    local,
    new_node,
    openapi,
    ordinary_cluster,
    pool_fails,
    stuck,
    trunk_cluster,
)

_NOT_CAPACITY = ("exhaust", "IpNotEnough", "Forbidden.RAM", "bug")


def bandwidth_unreadable(world: World) -> Scenario:
    """A bandwidth annotation with a typo: ignored with a warning, the pod runs without a limit."""
    shop, web, node = world.namespace("shop"), world.app("web"), world.node(21)
    pod = world.replica(web, 0)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "bandwidth-unreadable", central(world))
        cluster.node(node)
        cluster.deployment(shop, web, running={node: 2}, since=world.ago(33))
        cluster.pods[shop, pod].annotations = {"kubernetes.io/ingress-bandwidth": "10x"}
        for index in range(2):
            cluster.started(shop, world.replica(web, index))
        said = Said("ParseFailed", "Parse ingress bandwidth 10x failed.")
        return cluster.event_daemon(cluster.ref(shop, pod), said, Seen.once(world.ago(32.9)))

    return Scenario(
        name="bandwidth-unreadable",
        title="A bandwidth nobody can read",
        symptom=f"The bandwidth limit of {shop}/{pod} has no effect.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="configuration",
            facts=("Parse ingress bandwidth 10x failed", pod),
            forbidden=_NOT_CAPACITY,
        ),
    )


def zone_label_missing(world: World) -> Scenario:
    """A self-managed node without its zone label: the node controller cannot describe it."""
    shop, cart, node = world.namespace("shop"), world.app("cart"), world.node(31)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "zone-label-missing", central(world))
        cluster.node(node, age_days=0.03, custom_resource="absent", sufficient_ip=None, serving=False)
        labels = {"topology.kubernetes.io/zone": None}
        cluster.change(resources.NODES, node, {"metadata": {"labels": labels}})
        said = Said("ConfigError", f"can not found zone label from node {node}", action="Config")
        cluster.event_controlplane("node", cluster.ref_node(node), said, Seen(world.ago(42), world.ago(1), 30))
        stuck(cluster, (shop, cart, node), (0, 2), 33)
        return hang(cluster, shop, cart, every=6)

    return Scenario(
        name="zone-label-missing",
        title="A node without a zone",
        symptom=f"{shop}/{cart} hangs on a node that we joined by hand.",
        namespace=shop,
        pod=world.replica(cart, 0),
        build=build,
        truth=Truth(category="configuration", facts=("can not found zone label", node), forbidden=_NOT_CAPACITY),
    )


def no_trunk_in_this_type(world: World) -> Scenario:
    """Trunking is on and the instance type has none: the daemon of the new node exits."""
    node = world.node(31)
    error = openapi("UnsupportedOperation.InstanceType", "The instance type does not support trunk network interfaces.")

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "no-trunk-in-this-type", local(world), hosts=(21, 22, 23))
        cluster.eni_conf(enable_eni_trunking=True)
        new_node(cluster, 31, 32)
        text = f"error create trunk eni, {error}".replace("{request_id}", world.ids.request_id("trunk"))
        return crash_loops(cluster, node, text)

    return Scenario(
        name="no-trunk-in-this-type",
        title="Trunking on a type that has none",
        symptom="A node of a cheaper instance type stays NotReady.",
        node=node,
        build=build,
        truth=Truth(
            category="configuration",
            facts=("UnsupportedOperation.InstanceType", node),
            forbidden=(*_NOT_CAPACITY, "kernel"),
        ),
    )


def too_many_groups(world: World) -> Scenario:
    """Eleven security groups: the daemon cannot reconcile its node and says so (with the wrong limit)."""
    shop, web, node = world.namespace("shop"), world.app("web"), world.node(31)
    groups = [world.security_group(f"g{index}") for index in range(11)]

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "too-many-groups", central(world))
        cluster.eni_conf(security_groups=groups)
        cluster.node(node, age_days=0.035, custom_resource="capabilities", sufficient_ip=None, serving=False)
        text = "security groups should not be more than 5, current 11"
        for index, name in enumerate((node, world.node(22), world.node(23))):
            said = Said("ConfigError", text, action="Config")
            cluster.event_reconcile(cluster.ref_node(name), said, Seen(world.ago(48 - index), world.ago(1 + index), 12))
        stuck(cluster, (shop, web, node), (0, 2), 30)
        return hang(cluster, shop, web, every=6)

    return Scenario(
        name="too-many-groups",
        title="More security groups than an ENI takes",
        symptom=f"{shop}/{web} on the new node: context deadline exceeded. Older nodes are fine.",
        namespace=shop,
        pod=world.replica(web, 0),
        build=build,
        truth=Truth(
            category="configuration",
            facts=("security groups should not be more than", node),
            forbidden=_NOT_CAPACITY,
        ),
    )


def on_the_shared_path(world: World) -> Scenario:
    """A pod that should have an ENI of its own got an address of the pool: its namespace is exempt from the webhook."""
    shop, db, node = world.namespace("shop"), world.app("db"), world.node(21)
    pod = f"{db}-0"

    def build() -> ClusterBuilder:
        cluster = trunk_cluster(world, "on-the-shared-path")
        cluster.has(
            resources.PODNETWORKINGS, pod_enis.pod_networking(world, "pn-db", {world.vswitch("h"): world.zone("h")})
        )
        cluster.namespace(shop, {"k8s.aliyun.com/pod-eni": "false"})
        cluster.stateful_set(shop, db, wanted=1)
        created = world.ago(37)
        labels = {"app": db, "network": "pn-db"}
        cluster.pod(shop, pod, node, [cluster.app_container(db, created)], created, labels=labels)
        return cluster.started(shop, pod)

    return Scenario(
        name="on-the-shared-path",
        title="A pod on the shared path by mistake",
        symptom=f"{shop}/{pod} matches PodNetworking pn-db but has an address of the node's pool, not its own ENI.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="configuration",
            also=("insufficient_evidence",),
            facts=(pod, node),
            forbidden=_NOT_CAPACITY,
        ),
    )


def fell_back_to_veth(world: World) -> Scenario:
    """ipvlan is not available; the pod runs on veth and lost only the acceleration."""
    shop, cart, node = world.namespace("shop"), world.app("cart"), world.node(21)
    pod = world.replica(cart, 0)

    def build() -> ClusterBuilder:
        terway = Terway(
            release=world.pick("release", "v1.9.16", "v1.10.3"),
            ipam="local",
            controlplane="absent",
            virtual_type="ipvlan",
            kubernetes="v1.26.3-aliyun.1",
        )
        cluster = ordinary_cluster(world, "fell-back-to-veth", terway)
        cluster.node(node, kernel="3.10.0-1160.el7.x86_64", os_image="CentOS Linux 7 (Core)")
        cluster.deployment(shop, cart, running={node: 2}, since=world.ago(26))
        for index in range(2):
            name = world.replica(cart, index)
            cluster.started(shop, name)
            said = Said("VirtualModeChanged", "IPVLan seems unavailable, use Veth instead")
            cluster.event_daemon(cluster.ref(shop, name), said, Seen.once(world.ago(25.9)))
        return cluster

    return Scenario(
        name="fell-back-to-veth",
        title="A pod without its acceleration",
        symptom=f"{shop}/{pod} has a VirtualModeChanged warning.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="datapath",
            also=("healthy",),
            facts=("VirtualModeChanged", pod),
            forbidden=_NOT_CAPACITY,
        ),
    )


def pool_drains_vswitch(world: World) -> Scenario:
    """Every node keeps forty idle addresses; the vSwitch is empty while hardly any pod runs."""
    shop, web, node = world.namespace("shop"), world.app("web"), world.node(21)
    vswitch = world.vswitch("h")

    def build() -> ClusterBuilder:
        terway = Terway(release=world.pick("release", "v1.17.2", "v1.16.6"), max_pool=45, min_pool=40)
        cluster = ordinary_cluster(world, "pool-drains-vswitch", terway)
        for name in list(cluster.nodes):
            model = cluster.nodes[name]
            model.idle = 28
            model.attach(world)
        cluster.node(node, kind="ecs.g7.2xlarge", idle=0, sufficient_ip=False)
        stuck(cluster, (shop, web, node), (2, 3), 22)
        hang(cluster, shop, web, every=5)
        return pool_fails(cluster, node, not_enough(vswitch), Seen(world.ago(21), world.ago(2), 6))

    return Scenario(
        name="pool-drains-vswitch",
        title="Idle addresses fill the vSwitch",
        symptom=f"{shop}/{web} gets no address although the cluster runs only a dozen pods.",
        namespace=shop,
        pod=world.replica(web, 0),
        build=build,
        truth=Truth(
            category="resource_exhaustion",
            also=("configuration",),
            facts=("InvalidVSwitchId.IpNotEnough", vswitch, node),
            forbidden=("Forbidden.RAM", "bug", "quota"),
        ),
    )


def felix_without_ip6tables(world: World) -> Scenario:
    """Felix cannot program ip6tables on a kernel without IPv6 and crashes; addresses are fine."""
    node = world.node(21)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "felix-without-ip6tables", local(world))
        cluster.node(node, kernel="5.10.0-noipv6", os_image="Company Linux 2")
        cluster.deployment(world.namespace("shop"), world.app("web"), running={node: 3}, since=world.ago(40))
        pod = cluster.terway_pod(node)
        died = terminated("Error", 1, world.ago(4), world.ago(2.3))
        cluster.terway_containers(node, crash_looping(pod, "policy", died, restarts=15))
        cronjob_pods_keep_coming(cluster, node, 1.0, previous=False)
        failed = 'error=exit status 1 ipVersion=0x6 table="filter"'
        text = f"felix/table.go 997: Failed to program iptables, will retry {failed}"
        for previous, minutes in ((False, 2.4), (True, 7.9)):
            log = cluster.daemon_log(node, "policy", previous=previous)
            log.add(*(Line(world.ago(minutes + index / 20), f"[WARNING][57] {text}") for index in range(12)))
        return cluster.keeps_crashing("kube-system", pod.name, "policy", Seen(world.ago(55), world.ago(0.5), 160))

    return Scenario(
        name="felix-without-ip6tables",
        title="Felix and a kernel without IPv6",
        symptom="The Terway pod of one node is 1/2 Ready and keeps restarting.",
        node=node,
        build=build,
        truth=Truth(
            category="datapath",
            also=("node_runtime", "component_down"),
            facts=("Failed to program iptables", "policy", node),
            forbidden=_NOT_CAPACITY,
        ),
    )


def eni_not_deleted(world: World) -> Scenario:
    """An ENI that should go stays: the cloud says it is busy; no pod is hurt."""
    node = world.node(21)
    eni = world.eni(world.node(21), 1)
    error = openapi(
        "InvalidOperation.InvalidEniState", "The current status of the ENI does not support this operation."
    )

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "eni-not-deleted", central(world))
        cluster.node(node, kind="ecs.g7.xlarge")
        cluster.deployment(world.namespace("shop"), world.app("web"), running={node: 4}, since=world.ago(days=1))
        cluster.nodes[node].attach(world).status = "Deleting"
        said = Said("DeleteENIFailed", f"Failed to delete ENI {eni}: {error}", action="DeleteENI")
        seen = Seen(world.ago(44), world.ago(2), 20)
        cluster.event_controlplane("multi-ip-node", cluster.ref_node_cr(node), said, seen)
        line = Line(seen.first, "run gc failed", "E", "pool.go:1877", {"err": error, "name": node, "eni": eni})
        return cluster.controlplane_says(*cluster.repeat(seen, line))

    return Scenario(
        name="eni-not-deleted",
        title="An ENI that does not go away",
        symptom="A node shows DeleteENIFailed since three quarters of an hour.",
        node=node,
        build=build,
        truth=Truth(
            category="throttling",
            facts=("InvalidOperation.InvalidEniState", eni, node),
            forbidden=("Forbidden.RAM", "exhaust", "IpNotEnough", "quota"),
        ),
    )


def same_token_again(world: World) -> Scenario:
    """IdempotentFailed without end: the same client token with other parameters."""
    shop, cart, node = world.namespace("shop"), world.app("cart"), world.node(21)
    error = openapi(
        "IdempotentFailed", "The request uses the same client token as a previous one, but differs from it."
    )

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "same-token-again", central(world, "v1.16.1", "v1.15.4"))
        cluster.node(node, kind="ecs.g7.xlarge", idle=0, sufficient_ip=False)
        stuck(cluster, (shop, cart, node), (15, 2), 28)
        hang(cluster, shop, cart, every=5)
        return pool_fails(cluster, node, error, Seen(world.ago(27), world.ago(2), 14), creating=True)

    return Scenario(
        name="same-token-again",
        title="A client token used twice",
        symptom=f"{shop}/{cart}: the node asks for an ENI again and again and never gets one.",
        namespace=shop,
        pod=world.replica(cart, 0),
        build=build,
        truth=Truth(
            category="terway_bug",
            also=("throttling",),
            facts=("IdempotentFailed", node),
            forbidden=("IpNotEnough", "Forbidden.RAM", "quota"),
        ),
    )


def group_in_another_vpc(world: World) -> Scenario:
    """Security group and vSwitch belong to different VPCs."""
    shop, web, node = world.namespace("shop"), world.app("web"), world.node(21)
    group = world.security_group()
    error = openapi(
        "InvalidSecurityGroupId.VpcMismatch", f"Security group {group} and the vSwitch are not in the same VPC."
    )

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "group-in-another-vpc", central(world))
        cluster.node(node, kind="ecs.g7.xlarge", idle=0, sufficient_ip=False)
        stuck(cluster, (shop, web, node), (15, 2), 21)
        hang(cluster, shop, web, every=5)
        return pool_fails(cluster, node, error, Seen(world.ago(20), world.ago(2), 7), creating=True)

    return Scenario(
        name="group-in-another-vpc",
        title="A security group of another VPC",
        symptom=f"{shop}/{web}: nodes cannot attach a further ENI since the security groups were reorganised.",
        namespace=shop,
        pod=world.replica(web, 0),
        build=build,
        truth=Truth(
            category="configuration",
            facts=("InvalidSecurityGroupId.VpcMismatch", group, node),
            forbidden=("IpNotEnough", "Forbidden.RAM", "exhaust", "bug"),
        ),
    )
