"""Not Terway's: other plugins, other people's nodes, registries, volumes, admission."""

from terway_mcp.cluster import resources
from terway_mcp.cluster.scenarios.builder import ClusterBuilder
from terway_mcp.cluster.scenarios.clock import Seen
from terway_mcp.cluster.scenarios.events import Ref, Said
from terway_mcp.cluster.scenarios.pods import waiting
from terway_mcp.cluster.scenarios.scenario import Scenario, Truth
from terway_mcp.cluster.scenarios.world import World
from tests.scenarios.fourth.stage import (
    asked,
    becomes,
    central,
    crashing_app,
    kubelet_says,
    lone_pod,
    not_enough,
    of_the_shop,
    ordinary_cluster,
    pool_fails,
    sandbox_fails,
    serving_shop,
    stalled_shop,
    waiting_shop,
)

from .stage import CALM, companion, granted_each_time, was_short


def runtime_class_missing(world: World) -> Scenario:
    """The pod asks for a runtime this node's containerd does not have; no plugin is called."""
    shop, pod = asked(world)

    def build() -> ClusterBuilder:
        cluster = stalled_shop(world, "runtime-class-missing", idle=6)
        was_short(cluster, world.node(23), 1.5)
        for index in range(2):
            name = world.replica(world.app("web"), index)
            cluster.change(resources.PODS, name, {"spec": {"runtimeClassName": "gvisor"}}, shop)
        error = 'Unknown desc = failed to get sandbox runtime: no runtime for "runsc" is configured'
        return sandbox_fails(cluster, error, add=False)

    truth = Truth(
        category="not_terway",
        also=("configuration", "node_runtime"),
        facts=('no runtime for "runsc"', pod),
        forbidden=(*CALM, "eni.socket", "vSwitch"),
    )
    return of_the_shop(world, "runtime-class-missing", "A runtime from elsewhere", "{pod} waits.", build, truth)


def calico_left_behind(world: World) -> Scenario:
    """One node still has the configuration of the CNI used before, which sorts ahead of 10-terway.conflist.

    The runtime takes the first file: Terway runs well on the node and is never asked.
    """
    node = world.node(21)
    error = (
        'plugin type="calico" failed (add): error getting ClusterInformation: connection is unauthorized: Unauthorized'
    )

    def build() -> ClusterBuilder:
        return sandbox_fails(stalled_shop(world, "calico-left-behind", idle=6), error)

    truth = Truth(
        category="not_terway",
        also=("configuration", "node_runtime"),
        facts=('plugin type="calico"', node),
        forbidden=(*CALM, "eni.socket", "RAM", "vSwitch"),
    )
    return of_the_shop(
        world, "calico-left-behind", "The plugin before", "{pod}: Unauthorized. Which RAM policy?", build, truth
    )


def mesh_plugin_down(world: World) -> Scenario:
    """Terway gives the address at every attempt; the mesh's plugin behind it cannot reach its own agent."""
    node = world.node(21)
    error = (
        'plugin type="istio-cni" failed (add): unable to push CNI event: failed to send event request: Post '
        '"http://pluginevent.sock/cmdadd": dial unix /var/run/istio-cni/pluginevent.sock: connect: connection refused'
    )

    def build() -> ClusterBuilder:
        cluster = stalled_shop(world, "mesh-plugin-down", idle=6)
        granted_each_time(cluster, Seen(world.ago(29), world.ago(1.2), 18))
        said = "error\tfailed to start ambient server: open /var/run/istio-cni/pluginevent.sock: address already in use"
        companion(cluster, "istio-cni-node", node, "docker.io/istio/install-cni:1.24.2", said)
        return sandbox_fails(cluster, error, reserved=False)

    truth = Truth(
        category="not_terway",
        also=("component_down", "node_runtime"),
        facts=("istio-cni", node),
        forbidden=(*CALM, "eni.socket", "terwayd", "Terway daemon"),
    )
    return of_the_shop(
        world, "mesh-plugin-down", "The plugin behind", "{pod}: connection refused on a socket.", build, truth
    )


def local_dns_address_taken(world: World) -> Scenario:
    """node-local-dns cannot listen where another process does; the application resolves nothing.

    The address itself stands in the logs of others only, which a tool with rights on Terway's logs does not read.
    """
    shop, pod = asked(world)
    node = world.node(21)

    def build() -> ClusterBuilder:
        cluster = serving_shop(world, "local-dns-address-taken", minutes=90)
        said = "[ERROR] Failed to start listening: listen tcp 169.254.20.10:53: bind: address already in use"
        companion(cluster, "node-local-dns", node, "registry-vpc/acs/node-local-dns:v1.22.28", said)
        lookup = "dial tcp: lookup ledger.payments.svc.cluster.local on 169.254.20.10:53: read: connection refused"
        crashing_app(cluster, (shop, pod), f"fatal: cannot reach the ledger: {lookup}")
        return was_short(cluster, node, 3)

    return Scenario(
        name="local-dns-address-taken",
        title="An address somebody else listens on",
        symptom=f"{shop}/{pod} restarts all the time; address already in use was logged. Two pods with one IP?",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="not_terway",
            also=("component_down",),
            facts=("node-local-dns", pod),
            forbidden=(*CALM, "eni.socket", "two pods"),
        ),
    )


def virtual_node_out_of_stock(world: World) -> Scenario:
    """The pod went to a virtual node, where Terway has no part: the elastic container instance is sold out."""
    shop, web = world.namespace("shop"), world.app("web")
    node = f"virtual-kubelet-{world.zone('h')}.{world.node_ip(41)}"
    text = (
        "[OpenAPI] code: NoStock, message: Create ECI failed because the specified instance is out of stock. "
        "It is recommended to use the multi-zone creation function"
    )
    pod = world.replica(web, 0)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "virtual-node-out-of-stock", central(world), hosts=(21, 22, 23))
        taints = [{"key": "virtual-kubelet.io/provider", "value": "alibabacloud", "effect": "NoSchedule"}]
        cluster.node(
            node, labels={"type": "virtual-kubelet"}, taints=taints, custom_resource="absent", sufficient_ip=None
        )
        cluster.without_terway_pod(node)
        cluster.deployment(shop, web, running={world.node(21): 2}, creating={node: 2}, since=world.ago(17))
        for index in range(2):
            key = (shop, world.replica(web, index))
            cluster.scheduled(*key)
            seen = Seen(world.ago(16), world.ago(1), 9)
            cluster.event_controller(
                "virtual-kubelet/pod-controller", cluster.ref(*key), Said("ProviderCreateFailed", text), seen
            )
        return cluster

    return Scenario(
        name="virtual-node-out-of-stock",
        title="An instance that is sold out",
        symptom=f"{shop}/{pod} has no IP and its node has no Terway pod.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="not_terway",
            facts=("NoStock", pod),
            forbidden=("vSwitch", "IpNotEnough", "Forbidden.RAM", "no Terway pod", "bug"),
        ),
    )


def registry_of_another_region(world: World) -> Scenario:
    """The image lives in a VPC registry of another region, whose name does not resolve here."""
    shop, pod = asked(world)
    image = "registry-vpc.cn-zhangjiakou.aliyuncs.com/apps/web:2.4.1"
    text = (
        f'Failed to pull image "{image}": failed to resolve reference "{image}": failed to do request: Head '
        '"https://registry-vpc.cn-zhangjiakou.aliyuncs.com/v2/apps/web/manifests/2.4.1": dial tcp: lookup '
        "registry-vpc.cn-zhangjiakou.aliyuncs.com on 100.100.2.136:53: no such host"
    )

    def build() -> ClusterBuilder:
        cluster = serving_shop(world, "registry-of-another-region", minutes=25)
        was_short(cluster, world.node(21), 2)
        becomes(cluster, (shop, pod), waiting("ImagePullBackOff", f'Back-off pulling image "{image}"'))
        return kubelet_says(cluster, (shop, pod), "Failed", text, Seen(world.ago(24), world.ago(1), 9))

    return Scenario(
        name="registry-of-another-region",
        title="A registry far away",
        symptom=f"{shop}/{pod} does not start, the node's DNS goes through Terway, right?",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="not_terway",
            facts=("no such host", pod),
            forbidden=(*CALM, "eni.socket", "vSwitch"),
        ),
    )


def volume_before_network(world: World) -> Scenario:
    """Volumes are mounted before a sandbox is made: this pod waits for its NAS, whatever its neighbours lack."""
    shop, db = world.namespace("shop"), world.app("db")
    pod = f"{db}-0"
    text = (
        'MountVolume.SetUp failed for volume "nas-data" : rpc error: code = Internal desc = mount failed: exit status '
        "32 Output: mount.nfs: Connection timed out"
    )

    def build() -> ClusterBuilder:
        cluster = waiting_shop(world, "volume-before-network", counts=(12, 2))
        pool_fails(cluster, world.node(21), not_enough(world.vswitch("h")), Seen(world.ago(28), world.ago(2), 7))
        lone_pod(cluster, (shop, db), 26, {})
        cluster.scheduled(shop, pod)
        return kubelet_says(cluster, (shop, pod), "FailedMount", text, Seen(world.ago(25), world.ago(0.6), 14))

    return Scenario(
        name="volume-before-network",
        title="First the volume",
        symptom=f"{shop}/{pod} is ContainerCreating like the others on that node.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="not_terway",
            facts=("mount.nfs", pod),
            forbidden=("IpNotEnough", "exhaust", "Forbidden.RAM", "bug", "eni.socket"),
        ),
    )


def pod_security_denies(world: World) -> Scenario:
    """The namespace enforces a Pod Security level the template violates: no pod is ever created."""
    shop, web = world.namespace("shop"), world.app("web")
    text = (
        f'Error creating: pods "{web}-" is forbidden: violates PodSecurity "restricted:latest": '
        'allowPrivilegeEscalation != false (container "web" must set securityContext.allowPrivilegeEscalation=false)'
    )

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "pod-security-denies", central(world), hosts=(21, 22, 23))
        cluster.namespace(shop, {"pod-security.kubernetes.io/enforce": "restricted"})
        cluster.deployment(shop, web, running={})
        cluster.workloads[shop, web].wanted = 3
        owner = cluster.replica_set_of(shop, web)
        ref = Ref("ReplicaSet", owner.name, shop, owner.uid, "apps/v1")
        seen = Seen(world.ago(21), world.ago(2), 15)
        cluster.event_controller("replicaset-controller", ref, Said("FailedCreate", text), seen)
        return was_short(cluster, world.node(22), 4)

    return Scenario(
        name="pod-security-denies",
        title="Pods that may not be",
        symptom=f"deployment {shop}/{web} has no pods at all. Does Terway's webhook reject them?",
        namespace=shop,
        workload=f"deployment/{web}",
        build=build,
        truth=Truth(
            category="not_terway",
            also=("permission", "configuration"),
            facts=("violates PodSecurity", web),
            forbidden=("IpNotEnough", "exhaust", "Forbidden.RAM", "RAM", "terway.mutating"),
        ),
    )


INCIDENTS = (
    runtime_class_missing,
    calico_left_behind,
    mesh_plugin_down,
    local_dns_address_taken,
    virtual_node_out_of_stock,
    registry_of_another_region,
    volume_before_network,
    pod_security_denies,
)
