"""Pods that want an ENI, a member ENI or another device of their own."""

from datetime import timedelta

from terway_mcp.cluster import resources
from terway_mcp.cluster.scenarios import pod_enis
from terway_mcp.cluster.scenarios.builder import ClusterBuilder
from terway_mcp.cluster.scenarios.clock import Seen
from terway_mcp.cluster.scenarios.events import Ref, Said
from terway_mcp.cluster.scenarios.logs import Line
from terway_mcp.cluster.scenarios.pods import waiting
from terway_mcp.cluster.scenarios.releases import pod_error
from terway_mcp.cluster.scenarios.scenario import Scenario, Truth
from terway_mcp.cluster.scenarios.world import World
from tests.scenarios.incidents.stage import trunk_annotations

from .stage import (
    RPC,
    central,
    hang,
    lone_pod,
    openapi,
    ordinary_cluster,
    pod_create_fails,
    trunk_cluster,
    trunking,
)


def trunk_vswitch_empty(world: World) -> Scenario:
    """The annotation is the webhook's and valid; what fails inside 'error parse pod annotation' is the vSwitch."""
    shop, db = world.namespace("shop"), world.app("db")
    pod, vswitch, zone = f"{db}-0", world.vswitch("h3"), world.zone("h")

    def build() -> ClusterBuilder:
        cluster = trunk_cluster(world, "trunk-vswitch-empty")
        cluster.has(resources.PODNETWORKINGS, pod_enis.pod_networking(world, "pn-db", {vswitch: zone}))
        lone_pod(cluster, (shop, db), 22, trunk_annotations(world, vswitch, "pn-db"))
        tail = f"[{vswitch} no ip left, no available vSwitch for zone {zone}, vswList [{vswitch}]]"
        error = f"error parse config, error parse pod annotation, {tail}"
        pod_create_fails(cluster, (shop, pod), error, Seen(world.ago(21.5), world.ago(1), 15))
        return hang(cluster, shop, db, every=5)

    return Scenario(
        name="trunk-vswitch-empty",
        title="'error parse pod annotation' that is about a vSwitch",
        symptom=f"{shop}/{pod}: error parse pod annotation. What is wrong with our annotation?",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="resource_exhaustion",
            facts=("no ip left", vswitch, pod),
            forbidden=("malformed", "invalid JSON", "not valid JSON", "Forbidden.RAM", "bug"),
        ),
    )


def malformed_annotation(world: World) -> Scenario:
    """Here the annotation really is broken; the namespace is exempt from the webhook that would have refused it."""
    shop, db = world.namespace("shop"), world.app("db")
    pod, key = f"{db}-0", "k8s.aliyun.com/pod-networks"

    def build() -> ClusterBuilder:
        cluster = trunk_cluster(world, "malformed-annotation")
        cluster.namespace(shop, {"k8s.aliyun.com/pod-eni": "false"})
        vswitch = world.vswitch("h")
        broken = f'{{"podNetworks":[{{"interface":"eth0","vSwitchOptions":["{vswitch}"],}}]}}'
        lone_pod(cluster, (shop, db), 16, {"k8s.aliyun.com/pod-eni": "true", key: broken})
        # The misspelling is Terway's.
        cause = "invalid character '}' looking for beginning of object key string"
        error = f"error parse config, error parse pod annotation, parse {key} from pod annotataion, {cause}"
        pod_create_fails(cluster, (shop, pod), error, Seen(world.ago(15.5), world.ago(1), 12))
        return hang(cluster, shop, db, every=4)

    return Scenario(
        name="malformed-annotation",
        title="A pod-networks annotation that is no JSON",
        symptom=f"{shop}/{pod} does not get its own ENI.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="configuration",
            facts=(key, "invalid character", pod),
            forbidden=("exhaust", "no ip left", "Forbidden.RAM", "bug"),
        ),
    )


def networking_not_ready(world: World) -> Scenario:
    """A PodNetworking that never synced: its vSwitch does not exist, so the webhook refuses the pods."""
    shop, db = world.namespace("shop"), world.app("db")
    gone = world.vswitch("gone")
    failure = f"error get vSwitch {gone}, not found"

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "networking-not-ready", trunking(world), hosts=(21, 22, 23))
        networking = pod_enis.pod_networking(world, "pn-db", {gone: world.zone("h")}, failure=failure)
        cluster.has(resources.PODNETWORKINGS, networking)
        ref = Ref(
            "PodNetworking", "pn-db", "", world.ids.uid("podnetworking", "pn-db"), "network.alibabacloud.com/v1beta1"
        )
        said = Said("SyncPodNetworkingFailed", f"Sync failed {failure}", action="SyncPodNetworking")
        cluster.event_controlplane("pod-networking", ref, said, Seen(world.ago(55), world.ago(4), 11))
        cluster.stateful_set(shop, db, 2, {"k8s.aliyun.com/pod-networks-request": '[{"network":"pn-db"}]'})
        text = (
            f"create Pod {db}-0 in StatefulSet {db} failed error: "
            'admission webhook "terway.mutating.k8s.io" denied the request: pod networking pn-db is not ready'
        )
        whose = Ref("StatefulSet", db, shop, world.ids.uid("statefulset", shop, db), "apps/v1", "70111")
        return cluster.event_controller(
            "statefulset-controller", whose, Said("FailedCreate", text), Seen(world.ago(50), world.ago(2), 19)
        )

    return Scenario(
        name="networking-not-ready",
        title="A PodNetworking in status Fail",
        symptom=f"StatefulSet {shop}/{db} creates no pods.",
        namespace=shop,
        workload=f"statefulset/{db}",
        build=build,
        truth=Truth(
            category="configuration",
            facts=("pn-db", "not ready", gone),
            forbidden=("exhaust", "IpNotEnough", "Forbidden.RAM", "bug"),
        ),
    )


def _own(cluster: ClusterBuilder, key: tuple[str, str], **details: object) -> pod_enis.OwnEni:
    """The PodENI of a waiting pod; its ENI's name."""
    world, pod = cluster.world, cluster.pods[key]
    settings: dict[str, object] = {
        "pod": pod,
        "eni": world.ids.cloud("eni", pod.key),
        "vswitch": world.vswitch("h"),
        "zone": world.zone("h"),
        "ip": cluster.vswitch("h").take(),
        **details,
    }
    own = pod_enis.OwnEni(**settings)  # type: ignore[arg-type]
    cluster.pod_eni(own)
    return own


def detaching_first(world: World) -> Scenario:
    """'CreateENIFailed' that is about a detach: the old instance is stopping and does not let go of the ENI."""
    shop, db = world.namespace("shop"), world.app("db")
    pod, eni, old = f"{db}-0", world.ids.cloud("eni", f"{world.namespace('shop')}/{world.app('db')}-0"), world.node(22)
    refused = openapi("IncorrectInstanceStatus", "The current status of the resource does not support this operation.")

    def build() -> ClusterBuilder:
        cluster = trunk_cluster(world, "detaching-first")
        lone_pod(cluster, (shop, db), 19, trunk_annotations(world, world.vswitch("h")))
        _own(
            cluster,
            (shop, pod),
            instance=world.instance(old),
            trunk=world.eni(old, 0),
            phase="Detaching",
            fixed=True,
            pod_uid=world.ids.uid("pod", shop, pod, "before"),
        )
        seen, ref, cr = (
            Seen(world.ago(18.5), world.ago(1.5), 12),
            cluster.ref(shop, pod),
            cluster.ref_pod_eni(shop, pod),
        )
        text = pod_error(cluster.terway.release, "CreateENIFailed", "eni cr phase Detaching not match Unbind", "10.02s")
        cluster.event_controlplane("pod-eni", ref, Said("CreateENIFailed", text, action="CreateENI"), seen, cr)
        detach = f"Failed to detach ENI {eni} from instance {world.instance(old)}: {refused}"
        cluster.event_controlplane("eni", ref, Said("DetachENIFailed", detach, action="DetachENI"), seen)
        line = Line(seen.first, "detach failed", "E", "eni_controller.go:261", {"err": refused, "eni": eni})
        cluster.controlplane_says(*cluster.repeat(seen, line))
        return hang(cluster, shop, db, f"{RPC}code: PodENINotReady, msg: PodENI Phase is Detaching", every=2)

    return Scenario(
        name="detaching-first",
        title="A creation error that is none",
        symptom=f"{shop}/{pod} was rescheduled after a node was stopped: CreateENIFailed.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="throttling",
            also=("node_runtime",),
            facts=("Detaching", "IncorrectInstanceStatus", eni),
            forbidden=("quota", "exhaust", "IpNotEnough", "could not be created"),
        ),
    )


def other_trunk(world: World) -> Scenario:
    """The node's trunk ENI was replaced by hand; the PodENI is still bound to the old one."""
    shop, db = world.namespace("shop"), world.app("db")
    pod, node = f"{db}-0", world.node(21)
    old, new = world.ids.cloud("eni", "old trunk"), world.eni(world.node(21), 0)

    def build() -> ClusterBuilder:
        cluster = trunk_cluster(world, "other-trunk")
        lone_pod(cluster, (shop, db), 25, trunk_annotations(world, world.vswitch("h")))
        _own(cluster, (shop, pod), instance=world.instance(node), trunk=old, phase="Bind")
        error = f"{RPC}code: PodENINotReady, msg: PodENI used a different trunk {old}"
        hang(cluster, shop, db, error, every=2)
        about = {"err": "trunk mismatch", "ipam": "remote", "expected": new, "actual": old, "pod": f"{shop}/{pod}"}
        line = Line(world.ago(24), "PodENI used a different trunk", "E", "remote.go:212", about)
        return cluster.daemon_says(node, *cluster.repeat(Seen(world.ago(24), world.ago(1.5), 12), line))

    return Scenario(
        name="other-trunk",
        title="Bound to a trunk that is not there any more",
        symptom=f"{shop}/{pod} restarts on its node and gets no network since an ENI was swapped in the console.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="configuration",
            also=("terway_bug", "component_down"),
            facts=("different trunk", old, pod),
            forbidden=("exhaust", "IpNotEnough", "Forbidden.RAM"),
        ),
    )


def not_fixed_any_more(world: World) -> Scenario:
    """The PodNetworking was changed from fixed to elastic; the PodENI of the earlier pod is still kept."""
    shop, db = world.namespace("shop"), world.app("db")
    pod = f"{db}-0"
    error = "found previous podENI, but pod is not using fixed ip"

    def build() -> ClusterBuilder:
        cluster = trunk_cluster(world, "not-fixed-any-more")
        cluster.has(
            resources.PODNETWORKINGS, pod_enis.pod_networking(world, "pn-db", {world.vswitch("h"): world.zone("h")})
        )
        lone_pod(cluster, (shop, db), 18, trunk_annotations(world, world.vswitch("h"), "pn-db"))
        _own(
            cluster,
            (shop, pod),
            phase="Binding",
            fixed=True,
            instance="",
            pod_uid=world.ids.uid("pod", shop, pod, "before"),
        )
        seen, ref, cr = Seen(world.ago(17.5), world.ago(1), 14), cluster.ref(shop, pod), cluster.ref_pod_eni(shop, pod)
        cluster.event_controlplane("pod-eni", cr, Said("AttachENIFailed", error, action="AttachENI"), seen, ref)
        text = pod_error(cluster.terway.release, "CreateENIFailed", error, "3ms")
        cluster.event_controlplane("pod-eni", ref, Said("CreateENIFailed", text, action="CreateENI"), seen, cr)
        return hang(cluster, shop, db, f"{RPC}code: PodENINotReady, msg: PodENI Phase is Binding", every=2)

    return Scenario(
        name="not-fixed-any-more",
        title="A kept ENI nobody may use",
        symptom=f"We stopped using fixed addresses; now {shop}/{pod} does not start.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="configuration",
            also=("terway_bug",),
            facts=("found previous podENI", pod),
            forbidden=("exhaust", "IpNotEnough", "Forbidden.RAM", "quota"),
        ),
    )


def exclusive_pod_on_trunk_node(world: World) -> Scenario:
    """A pod that asks for a whole ENI sits on a node that shares them."""
    shop, db = world.namespace("shop"), world.app("db")
    pod = f"{db}-0"
    long = "trunk eni is not allowed for eniOnly pod, you must nodeAffinity to a node with trunk eni"

    def build() -> ClusterBuilder:
        cluster = trunk_cluster(world, "exclusive-pod-on-trunk-node")
        lone_pod(cluster, (shop, db), 14, trunk_annotations(world, world.vswitch("h")))
        _own(cluster, (shop, pod), phase="")
        seen, ref, cr = Seen(world.ago(13.5), world.ago(1), 11), cluster.ref(shop, pod), cluster.ref_pod_eni(shop, pod)
        cluster.event_controlplane("pod-eni", ref, Said("AttachENIFailed", long, action="AttachENI"), seen, cr)
        short = "trunk eni is not allowed for eniOnly pod"
        cluster.event_controlplane("pod-eni", cr, Said("AttachENIFailed", short, action="AttachENI"), seen, ref)
        text = pod_error(cluster.terway.release, "CreateENIFailed", short, "2ms")
        cluster.event_controlplane("pod-eni", ref, Said("CreateENIFailed", text, action="CreateENI"), seen, cr)
        return hang(cluster, shop, db, every=4)

    return Scenario(
        name="exclusive-pod-on-trunk-node",
        title="An exclusive ENI on a node that shares",
        symptom=f"{shop}/{pod} hangs in ContainerCreating with AttachENIFailed.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="configuration",
            facts=("trunk eni is not allowed for eniOnly pod", pod),
            forbidden=("exhaust", "IpNotEnough", "Forbidden.RAM", "bug"),
        ),
    )


def resource_not_writable(world: World) -> Scenario:
    """ENIs are created in the cloud, but the controlplane may not write the object that records them."""
    shop, db = world.namespace("shop"), world.app("db")
    pod = f"{db}-0"
    account = "system:serviceaccount:kube-system:terway-controlplane"
    error = (
        "error batch create eni,create eni cr err,rollbackErr <nil> networkinterfaces.network.alibabacloud.com is "
        f'forbidden: User "{account}" cannot create resource "networkinterfaces" in API group '
        '"network.alibabacloud.com" at the cluster scope'
    )

    def build() -> ClusterBuilder:
        cluster = trunk_cluster(world, "resource-not-writable")
        lone_pod(cluster, (shop, db), 20, trunk_annotations(world, world.vswitch("h")))
        pod_create_fails(cluster, (shop, pod), error, Seen(world.ago(19.5), world.ago(1), 13))
        rules: list[dict[str, object]] = [
            {"apiGroups": [""], "resources": ["pods", "nodes", "configmaps"], "verbs": ["get", "list", "watch"]},
            {"apiGroups": ["network.alibabacloud.com"], "resources": ["podenis", "nodes"], "verbs": ["*"]},
            {"apiGroups": ["", "events.k8s.io"], "resources": ["events"], "verbs": ["create", "patch", "update"]},
        ]
        cluster.change(resources.CLUSTERROLES, "terway-controlplane", {"rules": rules})
        return hang(cluster, shop, db, every=4)

    return Scenario(
        name="resource-not-writable",
        title="The controlplane may not write NetworkInterfaces",
        symptom=f"{shop}/{pod} hangs after the upgrade; ENIs pile up in the console.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="permission",
            facts=("networkinterfaces", "terway-controlplane", pod),
            forbidden=("RAM role", "exhaust", "IpNotEnough", "bug"),
        ),
    )


def real_error_on_the_pod(world: World) -> Scenario:
    """The PodENI only says that a phase does not match; the Pod's event of the eni controller has the code."""
    shop, db, node = world.namespace("shop"), world.app("db"), world.node(21)
    pod = f"{db}-0"
    eni = world.ids.cloud("eni", f"{shop}/{pod}")
    error = openapi("EniPerInstanceLimitExceeded", "The maximum number of ENI in a single instance exceeded.")

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "real-error-on-the-pod", central(world, "v1.17.2", "v1.17.1", "v1.17.5"))
        cluster.node(
            node,
            kind="ecs.g7.large",
            exclusive=True,
            custom_resource="capabilities",
            serving=False,
            labels={"k8s.aliyun.com/exclusive-mode-eni-type": "eniOnly"},
            capacity={"aliyun/eni": "2"},
        )
        lone_pod(cluster, (shop, db), 17, {"k8s.aliyun.com/pod-eni": "true"})
        _own(cluster, (shop, pod), phase="Unbind")
        seen, ref, cr = Seen(world.ago(16.5), world.ago(1), 11), cluster.ref(shop, pod), cluster.ref_pod_eni(shop, pod)
        vague = "attach eni failed, eni cr phase Unbind not match Bind"
        cluster.event_controlplane("pod-eni", cr, Said("AttachENIFailed", vague, action="AttachENI"), seen, ref)
        text = pod_error(cluster.terway.release, "CreateENIFailed", vague, "10.1s")
        cluster.event_controlplane("pod-eni", ref, Said("CreateENIFailed", text, action="CreateENI"), seen, cr)
        real = f"Failed to attach ENI {eni} to instance {world.instance(node)}: {error}"
        cluster.event_controlplane("eni", ref, Said("AttachENIFailed", real, action="AttachENI"), seen)
        return hang(cluster, shop, db, f"{RPC}code: PodENINotReady, msg: PodENI Phase is Unbind", every=3)

    return Scenario(
        name="real-error-on-the-pod",
        title="A phase that does not match, and why",
        symptom=f"{shop}/{pod} on an exclusive node: eni cr phase Unbind not match Bind.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="resource_exhaustion",
            also=("quota",),
            facts=("EniPerInstanceLimitExceeded", eni, node),
            forbidden=("IpNotEnough", "Forbidden.RAM", "bug"),
        ),
    )


def _unscheduled(cluster: ClusterBuilder, key: tuple[str, str], resource: str, why: str, minutes: float) -> None:
    """A pod the scheduler has no node for, because of an extended resource."""
    (namespace, app), world = key, cluster.world
    created, name = world.ago(minutes), f"{app}-0"
    cluster.stateful_set(namespace, app, wanted=1)
    plain = cluster.app_container(app, created, up=False)
    needs: dict[str, object] = {"limits": {resource: "1"}, "requests": {resource: "1"}}
    container = type(plain)(app, plain.image, waiting("ContainerCreating"), resources=needs)
    cluster.pod(namespace, name, "", [container], created, unschedulable=why)
    said = Said("FailedScheduling", why, action="Scheduling")
    cluster.event_scheduler(cluster.ref(namespace, name), said, Seen(created, world.ago(1), 7))


def exclusive_slots_used(world: World) -> Scenario:
    """All ENIs of the exclusive nodes are taken: the scheduler waits for one to be free."""
    shop, db = world.namespace("shop"), world.app("db")
    nodes = [world.node(51), world.node(52)]
    text = (
        "0/4 nodes are available: 2 Insufficient aliyun/eni, 2 node(s) didn't match Pod's node affinity/selector. "
        "preemption: 0/4 nodes are available: 2 No preemption victims found, 2 Preemption is not helpful."
    )

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "exclusive-slots-used", trunking(world))
        vswitch = cluster.vswitch("h")
        cart = world.app("cart")
        cluster.deployment(shop, cart, since=world.ago(days=2))
        for node in nodes:
            cluster.node(
                node,
                kind="ecs.g7.large",
                exclusive=True,
                custom_resource="capabilities",
                labels={"k8s.aliyun.com/exclusive-mode-eni-type": "eniOnly"},
                capacity={"aliyun/eni": "2"},
            )
        for index in range(4):
            node, name, since = nodes[index // 2], world.replica(cart, index), world.ago(days=2)
            up = cluster.app_container(cart, since)
            needs: dict[str, object] = {"limits": {"aliyun/eni": "1"}, "requests": {"aliyun/eni": "1"}}
            container = type(up)(up.name, up.image, up.state, resources=needs)
            owner, ip = cluster.replica_set_of(shop, cart), vswitch.take()
            cluster.pod(shop, name, node, [container], since, ips=(ip,), owner=owner)
            own = pod_enis.OwnEni(
                pod=cluster.pods[shop, name],
                eni=world.ids.cloud("eni", name),
                vswitch=vswitch.id,
                zone=vswitch.zone,
                ip=ip,
                instance=world.instance(node),
            )
            cluster.pod_eni(own)
        cluster.workloads[shop, cart].wanted = 4
        _unscheduled(cluster, (shop, db), "aliyun/eni", text, 44)
        return cluster

    return Scenario(
        name="exclusive-slots-used",
        title="No ENI left on the exclusive nodes",
        symptom=f"{shop}/{db}-0 is Pending; its node pool has plenty of CPU.",
        namespace=shop,
        pod=f"{db}-0",
        build=build,
        truth=Truth(
            category="resource_exhaustion",
            facts=("aliyun/eni", f"{db}-0"),
            forbidden=("IpNotEnough", "vSwitch", "Forbidden.RAM", "bug"),
        ),
    )


def erdma_short(world: World) -> Scenario:
    """Pods ask for ERDMA and no node's instance type has it."""
    shop, db = world.namespace("shop"), world.app("db")
    text = "0/3 nodes are available: 3 Insufficient aliyun/erdma. preemption: 0/3 nodes are available."

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "erdma-short", central(world), hosts=(21, 22, 23))
        cluster.eni_conf(enable_erdma=True)
        _unscheduled(cluster, (shop, db), "aliyun/erdma", text, 31)
        return cluster

    return Scenario(
        name="erdma-short",
        title="No node offers ERDMA",
        symptom=f"{shop}/{db}-0 stays Pending although enable_erdma is on.",
        namespace=shop,
        pod=f"{db}-0",
        build=build,
        truth=Truth(
            category="resource_exhaustion",
            also=("configuration",),
            facts=("aliyun/erdma", f"{db}-0"),
            forbidden=("IpNotEnough", "vSwitch", "Forbidden.RAM", "bug"),
        ),
    )


def device_plugin_off(world: World) -> Scenario:
    """`disable_device_plugin` is on, so no node reports member ENIs, although all have their trunk."""
    shop, db = world.namespace("shop"), world.app("db")
    text = "0/3 nodes are available: 3 Insufficient aliyun/member-eni. preemption: 0/3 nodes are available."

    def build() -> ClusterBuilder:
        cluster = trunk_cluster(world, "device-plugin-off")
        cluster.nodes[world.node(21)].capacity.clear()
        cluster.eni_conf(disable_device_plugin=True)
        _unscheduled(cluster, (shop, db), "aliyun/member-eni", text, 27)
        return cluster

    return Scenario(
        name="device-plugin-off",
        title="The device plugin was switched off",
        symptom=f"{shop}/{db}-0 is Pending: Insufficient aliyun/member-eni. The nodes do have trunk ENIs.",
        namespace=shop,
        pod=f"{db}-0",
        build=build,
        truth=Truth(
            category="configuration",
            facts=("disable_device_plugin", "aliyun/member-eni"),
            forbidden=("IpNotEnough", "Forbidden.RAM", "bug", "larger instance"),
        ),
    )


def erdma_driver_missing(world: World) -> Scenario:
    """The ENI is there; the RDMA link of its interface is not, because the driver is missing."""
    shop, cart, node = world.namespace("shop"), world.app("cart"), world.node(21)
    error = "cmdAdd: error get erdma device: cannot found rdma link for eth1"

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "erdma-driver-missing", central(world))
        cluster.eni_conf(enable_erdma=True)
        cluster.node(node, kind="ecs.g7.8xlarge", capacity={"aliyun/erdma": "1"})
        cluster.deployment(shop, cart, creating={node: 2}, since=world.ago(16))
        for index in range(2):
            pod = cluster.pods[shop, world.replica(cart, index)]
            cluster.nodes[node].assign(world, pod.key, pod.uid)
            first = world.ago(15.8) + timedelta(seconds=index)
            cluster.no_network(shop, pod.name, error, Seen(first, world.ago(0.5), 33))
        return cluster

    return Scenario(
        name="erdma-driver-missing",
        title="No RDMA link behind the interface",
        symptom=f"{shop}/{cart} with ERDMA fails on a node with a self-made image.",
        namespace=shop,
        pod=world.replica(cart, 0),
        build=build,
        truth=Truth(
            category="node_runtime",
            also=("configuration",),
            facts=("cannot found rdma link", node),
            forbidden=("exhaust", "IpNotEnough", "Forbidden.RAM"),
        ),
    )
