"""Pods that were never created, or that no node of this cluster is meant to run."""

from terway_mcp.cluster import resources
from terway_mcp.cluster.scenarios.builder import ClusterBuilder
from terway_mcp.cluster.scenarios.clock import Seen, seconds
from terway_mcp.cluster.scenarios.events import Ref, Said
from terway_mcp.cluster.scenarios.pods import Owner
from terway_mcp.cluster.scenarios.profile import Json
from terway_mcp.cluster.scenarios.scenario import Scenario, Truth
from terway_mcp.cluster.scenarios.world import World

from .stage import (
    INNOCENT,
    NO_SHORTAGE,
    central,
    daemon_set_ref,
    daemons_wanted,
    new_node,
    of_a_node,
    ordinary_cluster,
    refused,
    scheduling_fails,
)


def daemon_not_admitted(world: World) -> Scenario:
    """Gatekeeper forbids hostNetwork everywhere since today; old Terway pods live on, a new node gets none."""
    node = world.node(31)
    name = "daemon-not-admitted"

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, name, central(world), hosts=(21, 22, 23))
        new_node(cluster, 31, 34)
        cluster.without_terway_pod(node)
        daemonset = cluster.terway.daemonset
        text = (
            'Error creating: admission webhook "validation.gatekeeper.sh" denied the request: [psp-host-network-ports] '
            f"The specified hostNetwork and hostPort are not allowed, pod: {daemonset}. "
            'Allowed values: {"hostNetwork": false}'
        )
        refused(cluster, "daemonset", daemon_set_ref(cluster, daemonset), text, Seen(world.ago(34), world.ago(2), 19))
        return daemons_wanted(cluster, 4, 3)

    truth = Truth(
        category="not_terway",
        also=("component_down", "configuration"),
        facts=("validation.gatekeeper.sh", node),
        forbidden=(*NO_SHORTAGE, "Forbidden.RAM", "kernel"),
    )
    return of_a_node(
        world, name, "A daemon that is not admitted", "{node} joined half an hour ago, NotReady.", build, truth, 31
    )


def engine_waits_for_itself(world: World) -> Scenario:
    """Kyverno's pods wait for a network on a node that gets no Terway pod because Kyverno does not answer."""
    shop, web, node = world.namespace("shop"), world.app("web"), world.node(31)
    name = "engine-waits-for-itself"
    call = (
        'Error creating: Internal error occurred: failed calling webhook "mutate.kyverno.svc-fail": failed to call '
        'webhook: Post "https://kyverno-svc.kyverno.svc:443/mutate/fail?timeout=10s": no endpoints available for '
        'service "kyverno-svc"'
    )

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, name, central(world), hosts=(21, 22))
        new_node(cluster, 31, 41, app="kyverno-admission-controller")
        cluster.without_terway_pod(node)
        seen = Seen(world.ago(40), world.ago(1), 24)
        refused(cluster, "daemonset", daemon_set_ref(cluster, cluster.terway.daemonset), call, seen)
        daemons_wanted(cluster, 3, 2)
        cluster.deployment(shop, web, since=world.ago(39))
        cluster.workloads[shop, web].wanted = 3
        owner = cluster.replica_set_of(shop, web)
        ref = Ref("ReplicaSet", owner.name, shop, owner.uid, "apps/v1")
        return refused(cluster, "replicaset", ref, call, Seen(world.ago(39), world.ago(1.5), 23))

    truth = Truth(
        category="not_terway",
        also=("component_down", "configuration"),
        facts=("mutate.kyverno.svc-fail", "no endpoints available"),
        forbidden=(*NO_SHORTAGE, "Forbidden.RAM", "terway.validate.k8s.io"),
    )
    return Scenario(
        name=name,
        title="A policy engine that waits for itself",
        symptom=f"{shop}/{web} has no pods at all since the cluster woke up.",
        namespace=shop,
        workload=f"deployment/{web}",
        build=build,
        truth=truth,
    )


def standard_violated(world: World) -> Scenario:
    """The namespace was put under the restricted standard; the ReplicaSet's pods violate it."""
    shop, web = world.namespace("shop"), world.app("web")
    name = "standard-violated"

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, name, central(world))
        cluster.node(world.node(21))
        cluster.namespace(shop, {"pod-security.kubernetes.io/enforce": "restricted"})
        cluster.deployment(shop, web, since=world.ago(25))
        cluster.workloads[shop, web].wanted = 2
        owner = cluster.replica_set_of(shop, web)
        pod = world.replica(web, 0)
        text = (
            f'Error creating: pods "{pod}" is forbidden: violates PodSecurity "restricted:latest": '
            f'allowPrivilegeEscalation != false (container "{web}" must set '
            "securityContext.allowPrivilegeEscalation=false), runAsNonRoot != true"
        )
        ref = Ref("ReplicaSet", owner.name, shop, owner.uid, "apps/v1")
        return refused(cluster, "replicaset", ref, text, Seen(world.ago(25), world.ago(3), 16))

    return Scenario(
        name=name,
        title="A standard the pods violate",
        symptom=f"{shop}/{web} wants 2 pods, has 0. Is the network plugin blocking it?",
        namespace=shop,
        workload=f"deployment/{web}",
        build=build,
        truth=Truth(
            category="not_terway",
            also=("permission", "configuration"),
            facts=("violates PodSecurity",),
            forbidden=(*INNOCENT, "webhook"),
        ),
    )


def on_a_virtual_node(world: World) -> Scenario:
    """The pod sits on a virtual node; the cloud has no such instance in stock. Terway has no part in it."""
    shop, web, node = world.namespace("shop"), world.app("web"), world.node(41)
    name = "on-a-virtual-node"

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, name, central(world))
        cluster.node(world.node(21))
        details = {"type": "virtual-kubelet", "alibabacloud.com/virtual-node": "true"}
        cluster.node(node, custom_resource="absent", labels=details, sufficient_ip=None, serving=False)
        cluster.without_terway_pod(node)
        cluster.deployment(shop, web, running={world.node(21): 2}, creating={node: 1}, since=world.ago(22))
        pod = world.replica(web, 0)
        cluster.scheduled(shop, pod)
        text = (
            "SDK.ServerError\nErrorCode: NoStock\nRecommend: \n"
            "Message: Create ECI failed because the specified instance is out of stock. "
        )
        seen = Seen(world.ago(21.5), world.ago(1), 14)
        return cluster.event_controller(
            "virtual-kubelet", cluster.ref(shop, pod), Said("ProviderCreateFailed", text), seen
        )

    return Scenario(
        name=name,
        title="A pod on a virtual node",
        symptom=f"{shop}/{world.replica(web, 0)} stays ContainerCreating and has no IP.",
        namespace=shop,
        pod=world.replica(web, 0),
        build=build,
        truth=Truth(
            category="not_terway",
            also=("resource_exhaustion",),
            facts=("NoStock",),
            forbidden=("vSwitch", "no Terway pod", "bug"),
        ),
    )


def volume_in_another_zone(world: World) -> Scenario:
    """The disk is in the one zone whose node is cordoned; the scheduler says so, and no network was ever asked for."""
    shop, db = world.namespace("shop"), world.app("db")
    pod, name = f"{world.app('db')}-0", "volume-in-another-zone"

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, name, central(world))
        cluster.node(world.node(21), taints=[{"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}])
        text = (
            "0/3 nodes are available: 1 node(s) were unschedulable, 2 node(s) had volume node affinity conflict. "
            "preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling."
        )
        cluster.stateful_set(shop, db, wanted=1)
        waiting = [cluster.app_container(db, world.ago(19), up=False)]
        cluster.pod(shop, pod, "", waiting, world.ago(19), unschedulable=text)
        return scheduling_fails(cluster, (shop, pod), text, Seen(world.ago(19), world.ago(2), 5))

    return Scenario(
        name=name,
        title="A disk in another zone",
        symptom=f"{shop}/{pod} is Pending. Out of IP addresses?",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="not_terway", facts=("volume node affinity conflict",), forbidden=(*INNOCENT, "aliyun/eni")
        ),
    )


def held_by_a_gate(world: World) -> Scenario:
    """A queue holds the pod with a scheduling gate; nothing is wrong, and nobody wrote an event."""
    batch, name = world.namespace("batch"), "held-by-a-gate"
    pod = f"train-{world.ids.suffix(5, 'gated')}"
    message = "Scheduling is blocked due to non-empty scheduling gates"

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, name, central(world))
        cluster.node(world.node(21))
        owner = Owner("Job", "train", world.ids.uid("job", batch, "train"), "batch/v1")
        waiting = [cluster.app_container("train", world.ago(50), up=False)]
        cluster.pod(batch, pod, "", waiting, world.ago(50), unschedulable=message, owner=owner)
        condition: Json = {"type": "PodScheduled", "status": "False", "reason": "SchedulingGated", "message": message}
        condition |= {"lastProbeTime": None, "lastTransitionTime": seconds(world.ago(50))}
        patch: Json = {
            "spec": {"schedulingGates": [{"name": "kueue.x-k8s.io/admission"}]},
            "status": {"conditions": [condition]},
        }
        return cluster.change(resources.PODS, pod, patch, batch)

    return Scenario(
        name=name,
        title="A pod behind a gate",
        symptom=f"{batch}/{pod} is Pending for 50 minutes and has no events. Network?",
        namespace=batch,
        pod=pod,
        build=build,
        truth=Truth(category="not_terway", facts=("scheduling gates",), forbidden=INNOCENT),
    )


INCIDENTS = (
    daemon_not_admitted,
    engine_waits_for_itself,
    standard_violated,
    on_a_virtual_node,
    volume_in_another_zone,
    held_by_a_gate,
)
