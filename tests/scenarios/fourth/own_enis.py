"""Pods with an ENI of their own: ERDMA, LingJun, exclusive nodes, trunks, PodNetworkings and the webhooks."""

from typing import Unpack

from terway_mcp.cluster import resources
from terway_mcp.cluster.scenarios import pod_enis
from terway_mcp.cluster.scenarios.builder import ClusterBuilder, NodeDetails
from terway_mcp.cluster.scenarios.clock import Seen, seconds
from terway_mcp.cluster.scenarios.events import Ref, Said
from terway_mcp.cluster.scenarios.logs import Line
from terway_mcp.cluster.scenarios.plots import DEADLINE
from terway_mcp.cluster.scenarios.pods import waiting
from terway_mcp.cluster.scenarios.profile import Terway
from terway_mcp.cluster.scenarios.scenario import Scenario, Truth
from terway_mcp.cluster.scenarios.world import World
from tests.scenarios.incidents.stage import trunk_annotations

from .stage import (
    INNOCENT,
    NO_SHORTAGE,
    RPC,
    central,
    hang,
    kubelet_says,
    lone_pod,
    openapi,
    ordinary_cluster,
    pod_create_fails,
    pool_fails,
    scheduling_fails,
    serving_shop,
    stalled_shop,
    trunk_cluster,
    trunking,
    waiting_shop,
)

_EXCLUSIVE = "k8s.aliyun.com/exclusive-mode-eni-type"
_LINGJUN = {"alibabacloud.com/lingjun-worker": "true"}


def _db(world: World) -> tuple[str, str, str]:
    """Namespace, StatefulSet and first pod."""
    db = world.app("db")
    return world.namespace("shop"), db, f"{db}-0"


def _exclusive_cluster(world: World, name: str, terway: Terway, **details: Unpack[NodeDetails]) -> ClusterBuilder:
    """An ordinary cluster and node 21, where every pod has an ENI to itself."""
    cluster = ordinary_cluster(world, name, terway)
    more: NodeDetails = {"capacity": {"aliyun/eni": "3"}, "serving": False, **details}
    labels = {_EXCLUSIVE: "eniOnly", **more.pop("labels", {})}
    cluster.node(
        world.node(21), kind="ecs.g7.2xlarge", exclusive=True, custom_resource="capabilities", labels=labels, **more
    )
    return cluster


def _own(cluster: ClusterBuilder, key: tuple[str, str], eni: str, **details: object) -> None:
    """The PodENI of a pod that waits for its ENI."""
    world, pod = cluster.world, cluster.pods[key]
    settings: dict[str, object] = {
        "pod": pod,
        "eni": eni,
        "vswitch": world.vswitch("h"),
        "zone": world.zone("h"),
        "ip": cluster.vswitch("h").take(),
        "phase": "",
        **details,
    }
    cluster.pod_eni(pod_enis.OwnEni(**settings))  # type: ignore[arg-type]


def _not_ready(cluster: ClusterBuilder, app: str, phase: str = "") -> ClusterBuilder:
    text = f"{RPC}code: PodENINotReady, msg: PodENI Phase is {phase}"
    return hang(cluster, cluster.world.namespace("shop"), app, text, every=2)


def _eni_says(cluster: ClusterBuilder, key: tuple[str, str], said: Said, seen: Seen) -> None:
    """The NetworkInterface controller reports on the pod."""
    cluster.event_controlplane("eni", cluster.ref(*key), said, seen)


def erdma_on_a_plain_type(world: World) -> Scenario:
    """ERDMA is on in eni_conf, but no node's instance type has any; the device was never offered."""
    shop, db, pod = _db(world)
    node = world.node(22)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "erdma-on-a-plain-type", central(world), hosts=(21, 22, 23))
        cluster.eni_conf(enable_erdma=True)
        for name in cluster.nodes:
            cluster.nodes[name].capacity = {"aliyun/erdma": "0"}
        cluster.stateful_set(shop, db, wanted=1)
        needs: dict[str, object] = {"limits": {"aliyun/erdma": "1"}, "requests": {"aliyun/erdma": "1"}}
        plain = cluster.app_container(db, world.ago(25), up=False)
        container = type(plain)(plain.name, plain.image, waiting("ContainerCreating"), resources=needs)
        text = "0/3 nodes are available: 3 Insufficient aliyun/erdma. preemption: 0/3 nodes are available."
        cluster.pod(shop, pod, "", [container], world.ago(25), unschedulable=text)
        scheduling_fails(cluster, (shop, pod), text, Seen(world.ago(25), world.ago(1), 6))
        return cluster.daemon_says(
            node, Line(world.ago(80), "instance is not support erdma", "I", "daemon.go:858", {"logger": "server"})
        )

    return Scenario(
        name="erdma-on-a-plain-type",
        title="ERDMA without a card",
        symptom=f"{shop}/{pod} is Pending although enable_erdma is true.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="configuration",
            also=("resource_exhaustion",),
            facts=("aliyun/erdma", pod),
            forbidden=("IpNotEnough", "vSwitch", "Forbidden.RAM", "bug"),
        ),
    )


def erdma_queue_pairs(world: World) -> Scenario:
    """The ENI with ERDMA is refused: the instance has no ERI left, says the cloud."""
    node = world.node(21)
    error = openapi(
        "EriPerInstanceLimitExceeded", "The number of elastic RDMA interfaces of the instance exceeds the limit."
    )

    def build() -> ClusterBuilder:
        cluster = waiting_shop(world, "erdma-queue-pairs")
        cluster.eni_conf(enable_erdma=True)
        text = f"Failed to create ENI type=Secondary vsw={world.vswitch('h')}: {error}"
        cr, seen = cluster.ref_node_cr(node), Seen(world.ago(28), world.ago(2), 9)
        cluster.event_controlplane("multi-ip-node", cr, Said("CreateENIFailed", text, action="CreateENI"), seen)
        return pool_fails(cluster, node, error, seen)

    truth = Truth(
        category="resource_exhaustion",
        also=("quota",),
        facts=("EriPerInstanceLimitExceeded", node),
        forbidden=("IpNotEnough", "vSwitch has no", "Forbidden.RAM", "throttl", "bug"),
    )
    shop, pod = world.namespace("shop"), world.replica(world.app("web"), 0)
    return Scenario(
        name="erdma-queue-pairs",
        title="No elastic RDMA interface left",
        symptom=f"{shop}/{pod} waits on the RDMA pool.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=truth,
    )


def lingjun_busy(world: World) -> Scenario:
    """The LingJun backend is still attaching another interface and says so, with a number."""
    shop, db, pod = _db(world)
    node, leni = world.node(21), world.ids.cloud("leni", "lingjun busy")
    error = "errCode: 1017, msg: the resource is being operated by another task, requestID: {request_id}"

    def build() -> ClusterBuilder:
        cluster = _exclusive_cluster(world, "lingjun-busy", central(world, "v1.17.2", "v1.17.5"), labels=_LINGJUN)
        lone_pod(cluster, (shop, db), 6, {"k8s.aliyun.com/pod-eni": "true"})
        _own(cluster, (shop, pod), leni)
        text = f"Failed to attach ENI {leni} to instance {world.instance(node)}: {error}"
        _eni_says(
            cluster, (shop, pod), Said("AttachENIFailed", text, action="AttachENI"), Seen(world.ago(5), world.ago(1), 5)
        )
        return _not_ready(cluster, db)

    return Scenario(
        name="lingjun-busy",
        title="A number that means 'wait'",
        symptom=f"{shop}/{pod} on a LingJun node has no network for six minutes.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="throttling",
            facts=("1017", leni, pod),
            forbidden=(*NO_SHORTAGE, "quota", "Forbidden.RAM", "bug"),
        ),
    )


def lingjun_backend(world: World) -> Scenario:
    """The LingJun backend could not make the interface and gives no reason."""
    shop, db, pod = _db(world)
    leni = world.ids.cloud("leni", "lingjun backend")

    def build() -> ClusterBuilder:
        cluster = _exclusive_cluster(world, "lingjun-backend", central(world, "v1.17.2", "v1.17.5"), labels=_LINGJUN)
        lone_pod(cluster, (shop, db), 22, {"k8s.aliyun.com/pod-eni": "true"})
        seen = Seen(world.ago(21), world.ago(1), 8)
        text = f"ENI {leni} creation failed in backend, rolling back"
        _eni_says(cluster, (shop, pod), Said("CreateENIFailed", text, action="CreateENI"), seen)
        return hang(cluster, shop, db, every=4)

    return Scenario(
        name="lingjun-backend",
        title="A backend that says no and not why",
        symptom=f"{shop}/{pod} on a LingJun node does not start.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="insufficient_evidence",
            also=("throttling", "quota"),
            facts=("creation failed in backend", leni, pod),
            forbidden=("IpNotEnough", "vSwitch has no", "Forbidden.RAM", "Terway bug"),
        ),
    )


def eno_api_changed(world: World) -> Scenario:
    """Somebody changed the ENO API of a LingJun node that had another one."""
    node = world.node(21)
    shop, pod = world.namespace("shop"), world.replica(world.app("web"), 0)
    text = "cannot change ENOApi from ecs to ecs-hdeni"

    def build() -> ClusterBuilder:
        cluster = stalled_shop(
            world,
            "eno-api-changed",
            labels=_LINGJUN,
            annotations={"k8s.aliyun.com/eno-api": "ecs-hdeni"},
            idle=0,
            sufficient_ip=False,
        )
        said, seen = Said("ConfigError", text, action="Config"), Seen(world.ago(34), world.ago(1), 23)
        cluster.event_controlplane("node", cluster.ref_node(node), said, seen)
        return hang(cluster, shop, world.app("web"))

    return Scenario(
        name="eno-api-changed",
        title="Another ENO API",
        symptom=f"{shop}/{pod} gets no address since we relabelled the LingJun pool.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="configuration",
            facts=("cannot change ENOApi", node),
            forbidden=("IpNotEnough", "vSwitch has no", "Forbidden.RAM", "bug", "throttl"),
        ),
    )


def high_density_unsupported(world: World) -> Scenario:
    """A LingJun node is set to high density ENIs, which this controlplane cannot make."""
    node = world.node(21)
    shop, pod = world.namespace("shop"), world.replica(world.app("web"), 0)

    def build() -> ClusterBuilder:
        annotations = {"k8s.aliyun.com/eno-api": "hdeni"}
        cluster = stalled_shop(
            world,
            "high-density-unsupported",
            labels=_LINGJUN,
            annotations=annotations,
            idle=0,
            sufficient_ip=False,
        )
        cluster.change(resources.NODE_CRS, node, {"metadata": {"annotations": annotations}})
        about = {"err": "not support high dense hdeni", "controller": "multi-ip-node", "name": node}
        seen = Seen(world.ago(29), world.ago(1), 15)
        line = Line(seen.first, "Reconciler error", "E", "controller.go:347", about)
        cluster.controlplane_says(*cluster.repeat(seen, line))
        return hang(cluster, shop, world.app("web"))

    return Scenario(
        name="high-density-unsupported",
        title="High density, but not here",
        symptom=f"{shop}/{pod} gets no address on the new LingJun node.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="configuration",
            also=("terway_bug",),
            facts=("not support high dense hdeni", node),
            forbidden=("IpNotEnough", "vSwitch has no", "Forbidden.RAM", "throttl"),
        ),
    )


def exclusive_and_crowded(world: World) -> Scenario:
    """An exclusive node where somebody attached two ENIs by hand; the next one is refused."""
    shop, db, pod = _db(world)
    node, eni = world.node(21), world.ids.cloud("eni", "exclusive and crowded")
    error = openapi("EniPerInstanceLimitExceeded", "The maximum number of eni in one instance has been exceeded.")

    def build() -> ClusterBuilder:
        cluster = _exclusive_cluster(world, "exclusive-and-crowded", central(world, "v1.17.2", "v1.17.5"))
        lone_pod(cluster, (shop, db), 17, {"k8s.aliyun.com/pod-eni": "true"})
        _own(cluster, (shop, pod), eni)
        text = f"Failed to attach ENI {eni} to instance {world.instance(node)}: {error}"
        seen = Seen(world.ago(16), world.ago(1), 11)
        _eni_says(cluster, (shop, pod), Said("AttachENIFailed", text, action="AttachENI"), seen)
        return _not_ready(cluster, db)

    return Scenario(
        name="exclusive-and-crowded",
        title="Guests on an exclusive node",
        symptom=f"{shop}/{pod} waits; the scheduler says the node has room.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="resource_exhaustion",
            facts=("EniPerInstanceLimitExceeded", eni, node),
            forbidden=("IpNotEnough", "vSwitch has no", "Forbidden.RAM", "throttl", "bug"),
        ),
    )


def selector_misses(world: World) -> Scenario:
    """The PodNetworking selects a label the pod does not have; the pod runs, with an address of the common pool."""
    shop, pod = world.namespace("shop"), world.replica(world.app("web"), 0)
    vswitch = world.vswitch("h3")

    def build() -> ClusterBuilder:
        cluster = serving_shop(world, "selector-misses", trunking(world), minutes=14)
        networking = pod_enis.pod_networking(world, "pn-front", {vswitch: world.zone("h")})
        return cluster.has(resources.PODNETWORKINGS, networking)

    return Scenario(
        name="selector-misses",
        title="A selector that selects nobody",
        symptom=f"{shop}/{pod} should use PodNetworking pn-front but has a common address. Webhook down?",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="configuration",
            also=("healthy", "insufficient_evidence"),
            facts=("pn-front", pod),
            forbidden=(*INNOCENT, "webhook is down", "no endpoints"),
        ),
    )


def value_misspelt(world: World) -> Scenario:
    """The annotation's value is no truth value; Terway says so and gives an ordinary address."""
    shop, pod = world.namespace("shop"), world.replica(world.app("web"), 0)

    def build() -> ClusterBuilder:
        cluster = serving_shop(world, "value-misspelt", trunking(world), minutes=14)
        mine = cluster.pods[shop, pod]
        mine.annotations = {"k8s.aliyun.com/pod-eni": "ture"}
        said = Said("ParseFailed", "Parse pod eni ture failed.")
        return cluster.event_daemon(cluster.ref(shop, pod), said, Seen.once(world.ago(13.9)))

    return Scenario(
        name="value-misspelt",
        title="pod-eni: ture",
        symptom=f"{shop}/{pod} is annotated for its own ENI and has none.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="configuration",
            also=("healthy",),
            facts=("Parse pod eni ture failed", pod),
            forbidden=INNOCENT,
        ),
    )


def two_default_routes(world: World) -> Scenario:
    """Two interfaces of one pod both claim the default route; the plugin refuses."""
    shop, db, pod = _db(world)
    error = "cmdAdd: default route is dumplicated"

    def build() -> ClusterBuilder:
        cluster = trunk_cluster(world, "two-default-routes")
        vswitch, group = world.vswitch("h"), world.security_group()
        each = f'"vSwitchOptions":["{vswitch}"],"securityGroupIDs":["{group}"],"defaultRoute":true'
        networks = f'{{"podNetworks":[{{"interface":"eth0",{each}}},{{"interface":"eth1",{each}}}]}}'
        annotations = {"k8s.aliyun.com/pod-eni": "true", "k8s.aliyun.com/pod-networks": networks}
        lone_pod(cluster, (shop, db), 18, annotations)
        trunk = world.eni(world.node(21), 0)
        eni, instance = world.ids.cloud("eni", "two routes"), world.instance(world.node(21))
        _own(cluster, (shop, pod), eni, phase="Bind", trunk=trunk, instance=instance)
        return hang(cluster, shop, db, error, every=2)

    return Scenario(
        name="two-default-routes",
        title="Two ways out, both the only one",
        symptom=f"{shop}/{pod} with two networks does not start.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="configuration",
            facts=("default route is dumplicated", pod),
            forbidden=(*NO_SHORTAGE, "Forbidden.RAM", "kernel"),
        ),
    )


def nobody_lets_go(world: World) -> Scenario:
    """The old PodENI is being deleted and keeps its finalizer: the controller that removes it is not configured."""
    shop, db, pod = _db(world)

    def build() -> ClusterBuilder:
        terway = Terway(
            release=world.pick("release", "v1.17.2", "v1.16.6"), trunk=True, controllers_off=("pod-eni", "eni")
        )
        cluster = trunk_cluster(world, "nobody-lets-go", terway)
        lone_pod(cluster, (shop, db), 46, trunk_annotations(world, world.vswitch("h")))
        _own(
            cluster,
            (shop, pod),
            world.ids.cloud("eni", "kept"),
            phase="Deleting",
            instance=world.instance(world.node(22)),
            pod_uid=world.ids.uid("pod", shop, pod, "before"),
            deleted=world.ago(47),
        )
        error = f"{RPC}code: PodENINotReady, msg: DeletionTimestamp is not zero"
        return hang(cluster, shop, db, error, every=3)

    return Scenario(
        name="nobody-lets-go",
        title="A finalizer nobody removes",
        symptom=f"{shop}/{pod} was restarted and waits for 46 minutes. Is the ENI quota used up?",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="configuration",
            also=("component_down",),
            facts=("DeletionTimestamp is not zero", "pod-eni", pod),
            forbidden=("IpNotEnough", "vSwitch has no", "Forbidden.RAM", "Terway bug", "quota"),
        ),
    )


def networking_gone(world: World) -> Scenario:
    """All events are long gone; the controlplane's log still says that the PodNetworking does not exist."""
    shop, db, pod = _db(world)
    cause = 'podnetworkings.network.alibabacloud.com "pn-old" not found'

    def build() -> ClusterBuilder:
        cluster = trunk_cluster(world, "networking-gone")
        annotations = {"k8s.aliyun.com/pod-eni": "true", "k8s.aliyun.com/pod-networking": "pn-old"}
        lone_pod(cluster, (shop, db), 190, annotations)
        error = f"error parse config, error get podNetworking pn-old, {cause}"
        pod_create_fails(cluster, (shop, pod), error, Seen(world.ago(85), world.ago(2), 18))
        cluster.events.clear()
        return cluster

    return Scenario(
        name="networking-gone",
        title="Only a log remembers",
        symptom=f"{shop}/{pod} is ContainerCreating for three hours and describe shows no events.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="configuration",
            facts=("pn-old", "not found", pod),
            forbidden=(*NO_SHORTAGE, "Forbidden.RAM", "bug"),
        ),
    )


def _refused(cluster: ClusterBuilder, name: str, text: str) -> ClusterBuilder:
    """A Deployment of the shop that gets no further pods; its first ReplicaSet says why."""
    world = cluster.world
    shop, web = world.namespace("shop"), world.app("web")
    owner = cluster.replica_set_of(shop, web)
    cluster.deployment(shop, web, running={world.node(22): 1}, since=world.ago(days=4))
    cluster.workloads[shop, web].wanted = 4
    ref = Ref("ReplicaSet", owner.name, shop, owner.uid, "apps/v1", "77120")
    seen = Seen(world.ago(52), world.ago(2), 21)
    return cluster.event_controller("replicaset-controller", ref, Said("FailedCreate", text.format(name=name)), seen)


def _asks_about_web(world: World, name: str, title: str, symptom: str, text: str, truth: Truth) -> Scenario:
    shop, web = world.namespace("shop"), world.app("web")

    def build() -> ClusterBuilder:
        return _refused(ordinary_cluster(world, name, trunking(world), hosts=(21, 22, 23)), web, text)

    return Scenario(
        name=name,
        title=title,
        symptom=symptom.format(web=f"{shop}/{web}"),
        namespace=shop,
        workload=f"deployment/{web}",
        build=build,
        truth=truth,
    )


def authority_unknown(world: World) -> Scenario:
    """The webhook's certificate was made anew, the configuration still trusts the old authority."""
    text = (
        'Error creating: Internal error occurred: failed calling webhook "terway.validate.k8s.io": failed to call '
        'webhook: Post "https://terway-controlplane.kube-system.svc:443/validate?timeout=10s": tls: failed to verify '
        "certificate: x509: certificate signed by unknown authority"
    )
    truth = Truth(
        category="component_down",
        also=("configuration",),
        facts=("certificate signed by unknown authority", "terway.validate.k8s.io"),
        forbidden=(*NO_SHORTAGE, "expired", "Forbidden.RAM", "denied the request"),
    )
    return _asks_about_web(
        world, "authority-unknown", "A stranger's certificate", "{web} stays at 1 of 4 pods.", text, truth
    )


def fixed_without_name(world: World) -> Scenario:
    """Fixed addresses were asked for a Deployment, whose pods have no fixed names."""
    text = (
        'Error creating: admission webhook "terway.mutating.k8s.io" denied the request: '
        "fixed ip only support for fixed name pod"
    )
    truth = Truth(
        category="configuration",
        facts=("fixed ip only support for fixed name pod",),
        forbidden=(*NO_SHORTAGE, "Forbidden.RAM", "is down", "no endpoints"),
    )
    return _asks_about_web(
        world, "fixed-without-name", "A fixed address for a pod without a name", "{web} makes no pods.", text, truth
    )


def namespace_on_its_way_out(world: World) -> Scenario:
    """The namespace is being deleted; nothing can be made in it any more."""
    shop = world.namespace("shop")
    owner = f"{world.app('web')}-{world.ids.template_hash(world.app('web'))}"
    text = (
        f'Error creating: pods "{owner}-" is forbidden: unable to create new content in namespace {shop} because it is '
        "being terminated"
    )
    truth = Truth(
        category="not_terway",
        facts=("being terminated", shop),
        forbidden=(*INNOCENT, "RBAC", "admission webhook"),
    )
    found = _asks_about_web(
        world,
        "namespace-on-its-way-out",
        "A namespace on its way out",
        "{web} is at 1 of 4: forbidden. RBAC?",
        text,
        truth,
    )
    make = found.build

    def build() -> ClusterBuilder:
        gone = {"metadata": {"deletionTimestamp": seconds(world.ago(58))}, "status": {"phase": "Terminating"}}
        return make().change(resources.NAMESPACES, shop, gone)

    return Scenario(
        name=found.name,
        title=found.title,
        symptom=found.symptom,
        namespace=found.namespace,
        workload=found.workload,
        build=build,
        truth=truth,
    )


def quota_of_interfaces(world: World) -> Scenario:
    """A trunk pod's ENI is refused: the account has its full number in the region."""
    shop, db, pod = _db(world)
    refused = openapi("QuotaExceed.NetworkInterface", "The quota of network interfaces in the region is exceeded.")

    def build() -> ClusterBuilder:
        cluster = trunk_cluster(world, "quota-of-interfaces")
        lone_pod(cluster, (shop, db), 20, trunk_annotations(world, world.vswitch("h")))
        error = f"error batch create eni,create eni with openAPI err, {refused}"
        pod_create_fails(cluster, (shop, pod), error, Seen(world.ago(19), world.ago(1), 12))
        return hang(cluster, shop, db, DEADLINE, every=4)

    return Scenario(
        name="quota-of-interfaces",
        title="The account is full",
        symptom=f"{shop}/{pod} waits for its ENI; the vSwitch has 3000 free addresses.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="quota",
            facts=("QuotaExceed.NetworkInterface", pod),
            forbidden=("IpNotEnough", "vSwitch has no", "Forbidden.RAM", "throttl", "bug"),
        ),
    )


def pulled_and_probed(world: World) -> Scenario:
    """An exclusive pod that got its ENI and runs; its image was slow. The warnings are from before."""
    shop, db, pod = _db(world)
    trunk = world.eni(world.node(21), 0)

    def build() -> ClusterBuilder:
        cluster = trunk_cluster(world, "pulled-and-probed")
        lone_pod(cluster, (shop, db), 14, trunk_annotations(world, world.vswitch("h")))
        mine = cluster.pods[shop, pod]
        mine.containers = [cluster.app_container(db, world.ago(9))]
        ip = cluster.vswitch("h").take()
        mine.ips = (ip,)
        details = {"phase": "Bind", "trunk": trunk, "instance": world.instance(world.node(21)), "ip": ip}
        _own(cluster, (shop, pod), world.ids.cloud("eni", "bound at last"), **details)
        error = f"{RPC}code: PodENINotReady, msg: PodENI Phase is Binding"
        early = Seen(world.ago(13.8), world.ago(13), 3)
        cluster.no_network(shop, pod, error, early)
        kubelet_says(
            cluster, (shop, pod), "Unhealthy", "Startup probe failed: EOF", Seen(world.ago(9), world.ago(8), 5)
        )
        return cluster.got_address(shop, pod, Seen.once(world.ago(12.8)))

    return Scenario(
        name="pulled-and-probed",
        title="It took a while and is done",
        symptom=f"{shop}/{pod}: PodENINotReady in its events. Is the ENI broken?",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(category="healthy", facts=(pod,), forbidden=(*INNOCENT, "quota", "not Bind")),
    )


INCIDENTS = (
    erdma_on_a_plain_type,
    erdma_queue_pairs,
    lingjun_busy,
    lingjun_backend,
    eno_api_changed,
    high_density_unsupported,
    exclusive_and_crowded,
    selector_misses,
    value_misspelt,
    two_default_routes,
    nobody_lets_go,
    networking_gone,
    authority_unknown,
    fixed_without_name,
    namespace_on_its_way_out,
    quota_of_interfaces,
    pulled_and_probed,
)
