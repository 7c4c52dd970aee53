"""What somebody configured, and what other people's components keep Terway from doing."""

from terway_mcp.cluster import resources
from terway_mcp.cluster.scenarios import pod_enis
from terway_mcp.cluster.scenarios.builder import ClusterBuilder
from terway_mcp.cluster.scenarios.clock import Seen
from terway_mcp.cluster.scenarios.events import Said
from terway_mcp.cluster.scenarios.logs import Line
from terway_mcp.cluster.scenarios.plots import DEADLINE
from terway_mcp.cluster.scenarios.pods import Container, back_off, terminated
from terway_mcp.cluster.scenarios.scenario import Scenario, Truth
from terway_mcp.cluster.scenarios.world import World
from tests.scenarios.fourth.stage import (
    NO_SHORTAGE,
    crashing_app,
    hang,
    of_the_shop,
    ordinary_cluster,
    policy_crashes,
    sandbox_fails,
    scheduling_fails,
    stalled_shop,
    stuck,
    trunking,
    waiting_shop,
)
from tests.scenarios.incidents.stage import fresh_and_broken, trunk_annotations
from tests.scenarios.second.stage import central, cni_conf, quiet

from .stage import NO_AGENT, monitor_says, was_short


def host_stack_cidr_without_mask(world: World) -> Scenario:
    """node-local-dns was given as an address where a CIDR belongs (plugin/terway/cni.go parses it with ParseCIDR)."""
    node, address = world.node(21), "169.254.20.10"
    error = f"error parse config, host_stack_cidrs({address}) is invaild: invalid CIDR address: {address}"
    conf = f'{{"cniVersion": "0.4.0", "name": "terway", "type": "terway", "host_stack_cidrs": ["{address}"]}}\n'

    def build() -> ClusterBuilder:
        cluster = stalled_shop(world, "host-stack-cidr-without-mask", idle=6)
        cni_conf(cluster, conf)
        was_short(cluster, node, 6)
        return hang(cluster, world.namespace("shop"), world.app("web"), error, every=1.5)

    truth = Truth(
        category="configuration",
        facts=("host_stack_cidrs", address, node),
        forbidden=(*NO_SHORTAGE, "Forbidden.RAM", "kernel", "vSwitch"),
    )
    symptom = "{pod} does not start since node-local-dns was rolled out."
    return of_the_shop(world, "host-stack-cidr-without-mask", "An address for a network", symptom, build, truth)


def newer_than_the_plugin(world: World) -> Scenario:
    """Somebody raised cniVersion to one the installed plugin does not speak; libcni refuses before Terway runs."""
    node = world.node(21)
    error = (
        'plugin type="terway" failed (add): incompatible CNI versions; config is "1.1.0", plugin supports ["0.3.0" '
        '"0.3.1" "0.4.0" "1.0.0"]'
    )

    def build() -> ClusterBuilder:
        cluster = stalled_shop(world, "newer-than-the-plugin", idle=6)
        cni_conf(cluster, '{"cniVersion": "1.1.0", "name": "terway", "type": "terway"}\n')
        return sandbox_fails(cluster, error)

    truth = Truth(
        category="configuration",
        also=("node_runtime",),
        facts=("incompatible CNI versions", "1.1.0", node),
        forbidden=(*NO_SHORTAGE, "Forbidden.RAM", "eni.socket", "bug"),
    )
    return of_the_shop(world, "newer-than-the-plugin", "A version ahead", "{pod} waits for ever.", build, truth)


def fixed_ip_held_by_its_zone(world: World) -> Scenario:
    """A pod with a fixed IP must go where its vSwitch is, and no node is left in that zone.

    webhook/mutating.go adds the zone of the earlier PodENI to the pod's affinity, so the scheduler finds nothing.
    """
    shop, db = world.namespace("shop"), world.app("db")
    pod = f"{db}-0"
    text = (
        "0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector. preemption: 0/3 nodes are "
        "available: 3 Preemption is not helpful for scheduling."
    )

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "fixed-ip-held-by-its-zone", trunking(world), hosts=(22,))
        for host in (21, 24):
            cluster.node(world.node(host), kind="ecs.g7.2xlarge")
        cluster.stateful_set(shop, db, wanted=1)
        container = cluster.app_container(db, world.ago(18), up=False)
        annotations = trunk_annotations(world, world.vswitch("i"), "databases")
        cluster.pod(shop, pod, "", [container], world.ago(18), annotations=annotations, unschedulable=text)
        own = pod_enis.OwnEni(
            pod=cluster.pods[shop, pod],
            eni=world.eni(pod, 0),
            vswitch=world.vswitch("i"),
            zone=world.zone("i"),
            ip=cluster.vswitch("i").take(),
            phase="Unbind",
            fixed=True,
            pod_uid=world.ids.uid("an earlier", pod),
        )
        cluster.pod_eni(own)
        wanted = {"key": "topology.kubernetes.io/zone", "operator": "In", "values": [world.zone("i")]}
        required = {"nodeSelectorTerms": [{"matchExpressions": [wanted]}]}
        affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}
        cluster.change(resources.PODS, pod, {"spec": {"affinity": affinity}}, shop)
        networking = pod_enis.pod_networking(world, "databases", {world.vswitch("i"): world.zone("i")})
        cluster.has(resources.PODNETWORKINGS, networking)
        return scheduling_fails(cluster, (shop, pod), text, Seen(world.ago(18), world.ago(2), 5))

    return Scenario(
        name="fixed-ip-held-by-its-zone",
        title="An address that cannot move",
        symptom=f"{shop}/{pod} is Pending since we gave up a zone; PodENI stays. Is the controlplane leaking?",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="configuration",
            also=("not_terway",),
            facts=("node affinity", world.zone("i"), pod),
            forbidden=("exhaust", "IpNotEnough", "Forbidden.RAM", "leak", "bug"),
        ),
    )


def cilium_definitions_missing(world: World) -> Scenario:
    """The agent in the policy container waits for its CRDs, which somebody deleted, and gives up.

    Cilium's own text; with Terway it is terway-controlplane that installs these definitions (pkg/apis/crds).
    """
    node = world.node(21)

    def build() -> ClusterBuilder:
        cluster = stalled_shop(world, "cilium-definitions-missing", idle=6)
        missing = "Still waiting for Cilium Operator to register the following CRDs: [crd:ciliumidentities.cilium.io]"
        fatal = (
            "Unable to find all Cilium CRDs necessary within 5m0s timeout. Please ensure that Cilium Operator is "
            "running, as it is responsible for registering all the Cilium CRDs."
        )
        said = (
            'level=info msg="Waiting until all Cilium CRDs are available" subsys=k8s',
            f'level=error msg="{missing}" subsys=k8s',
            f'level=fatal msg="{fatal}" subsys=k8s',
        )
        policy_crashes(cluster, node, said)
        return sandbox_fails(cluster, NO_AGENT)

    truth = Truth(
        category="configuration",
        also=("component_down", "node_runtime", "datapath"),
        facts=("Cilium CRDs", "policy", node),
        forbidden=(*NO_SHORTAGE, "Forbidden.RAM", "eni.socket", "kernel"),
    )
    return of_the_shop(
        world, "cilium-definitions-missing", "Definitions nobody kept", "{pod}: cilium.sock.", build, truth
    )


def cloud_controller_never_came(world: World) -> Scenario:
    """The new node has no providerID because the cloud-controller-manager cannot start; Terway only says so."""
    node = world.node(31)
    said = 'error running controllers: unable to load cloud config: configmaps "cloud-config" not found'

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "cloud-controller-never-came", central(world), hosts=(21, 22, 23))
        fresh_and_broken(cluster, 31, 26)
        model = cluster.nodes[node]
        model.provider_id, model.custom_resource = "", "absent"
        model.taints.append(
            {"key": "node.cloudprovider.kubernetes.io/uninitialized", "value": "true", "effect": "NoSchedule"}
        )
        manager = "cloud-controller-manager"
        cluster.deployment("kube-system", manager, running={world.node(22): 1}, since=world.ago(days=2))
        crashing_app(cluster, ("kube-system", world.replica(manager, 0)), said)
        text = Said("ConfigError", "error parse providerID ", action="Config")
        cluster.event_controlplane("node", cluster.ref_node(node), text, Seen(world.ago(25), world.ago(1), 14))
        down = Said("NodeNotReady", f"Node {node} status is now: NodeNotReady", warning=False)
        return cluster.event_kubelet(cluster.ref_kubelet_node(node), down, Seen.once(world.ago(26)), node)

    return Scenario(
        name="cloud-controller-never-came",
        title="A node nobody introduced",
        symptom=f"New node {node} is NotReady: cni plugin not initialized. Terway does not come up there.",
        node=node,
        build=build,
        truth=Truth(
            category="component_down",
            also=("configuration", "not_terway"),
            facts=("cloud-controller-manager", "providerID", node),
            forbidden=("exhaust", "IpNotEnough", "Forbidden.RAM", "bug", "kernel"),
        ),
    )


def controlplane_out_of_memory(world: World) -> Scenario:
    """Both replicas of the controlplane are killed for their memory again and again; nobody assigns addresses."""
    node = world.node(21)

    def build() -> ClusterBuilder:
        cluster = waiting_shop(world, "controlplane-out-of-memory", counts=(6, 3), enough=True)
        for index in range(2):
            name = world.replica("terway-controlplane", index)
            pod = cluster.pods["kube-system", name]
            old = pod.containers[0]
            died = terminated("OOMKilled", 137, world.ago(3.5), world.ago(2.8 - index))
            state = back_off(old.name, name, "kube-system", pod.uid)
            pod.containers = [Container(old.name, old.image, state, died, 21, ready=False)]
            cluster.keeps_crashing("kube-system", name, old.name, Seen(world.ago(80), world.ago(0.5), 160))
            line = Line(world.ago(3), "starting workers", "I", "controller.go:246", {"controller": "pod-eni"})
            cluster.log("kube-system", name, old.name, previous=True).add(line)
        cluster.controlplane_lease_renewed(170)
        return quiet(cluster)

    truth = Truth(
        category="component_down",
        also=("node_runtime",),
        facts=("OOMKilled", "terway-controlplane", node),
        forbidden=(*NO_SHORTAGE, "Forbidden.RAM", "vSwitch", "eni.socket"),
    )
    return of_the_shop(
        world, "controlplane-out-of-memory", "A controlplane that is too big", "{pod} gets no IP.", build, truth
    )


def etcd_is_slow(world: World) -> Scenario:
    """Everything waits because etcd does not answer in time; Terway's controllers cannot write what they decided.

    No category of the product is the API server's own; what lies below Terway is mostly told as the node's runtime.
    """
    shop, web, cart = world.namespace("shop"), world.app("web"), world.app("cart")
    error = "etcdserver: request timed out"

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "etcd-is-slow", central(world), hosts=(21, 22, 23))
        stuck(cluster, (shop, web, world.node(21)), (2, 2), 14)
        stuck(cluster, (world.namespace("payments"), cart, world.node(22)), (1, 2), 13)
        for namespace, app in ((shop, web), (world.namespace("payments"), cart)):
            hang(cluster, namespace, app, DEADLINE, every=2.5)
        for host in (21, 22):
            about = {"err": error, "controller": "multi-ip-node", "name": world.node(host)}
            failed = Line(world.ago(13), "Reconciler error", "E", "controller.go:347", about)
            cluster.controlplane_says(*cluster.repeat(Seen(world.ago(13), world.ago(0.5), 22), failed))
        leader = Line(world.ago(12), "error retrieving resource lock", "E", "leaderelection.go:429", {"err": error})
        cluster.controlplane_says(*cluster.repeat(Seen(world.ago(12), world.ago(1), 9), leader))
        monitor_says(
            cluster,
            world.node(23),
            ("kernel-monitor", "TaskHung", "task dockerd:7021 blocked"),
            Seen.once(world.ago(700)),
        )
        return quiet(cluster)

    return Scenario(
        name="etcd-is-slow",
        title="A store that does not answer",
        symptom="Nothing starts anywhere in the cluster since a quarter of an hour.",
        build=build,
        truth=Truth(
            category="not_terway",
            also=("component_down", "node_runtime"),
            facts=(error,),
            forbidden=("exhaust", "IpNotEnough", "Forbidden.RAM", "throttl", "bug", "hung"),
        ),
    )


INCIDENTS = (
    host_stack_cidr_without_mask,
    newer_than_the_plugin,
    fixed_ip_held_by_its_zone,
    cilium_definitions_missing,
    cloud_controller_never_came,
    controlplane_out_of_memory,
    etcd_is_slow,
)
