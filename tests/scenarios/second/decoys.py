"""Failures that use Terway's words: quota, webhook, OOMKilled, Pending; and controllers that are not there."""

from terway_mcp.cluster import resources
from terway_mcp.cluster.scenarios.builder import ClusterBuilder
from terway_mcp.cluster.scenarios.clock import Seen, seconds
from terway_mcp.cluster.scenarios.events import Ref, Said
from terway_mcp.cluster.scenarios.logs import Line
from terway_mcp.cluster.scenarios.pods import back_off, terminated, waiting
from terway_mcp.cluster.scenarios.profile import Json, Terway
from terway_mcp.cluster.scenarios.scenario import Scenario, Truth
from terway_mcp.cluster.scenarios.terway_pods import replaced
from terway_mcp.cluster.scenarios.world import World
from tests.scenarios.incidents.stage import trunk_annotations

from .stage import RPC, central, hang, lone_pod, openapi, ordinary_cluster, pool_fails, quiet, stuck, trunk_cluster

_NOT_TERWAY = ("exhaust", "IpNotEnough", "Forbidden.RAM", "Terway bug")


def application_killed(world: World) -> Scenario:
    """It is the application that is OOMKilled, not the daemon."""
    shop, cart, node = world.namespace("shop"), world.app("cart"), world.node(21)
    pod = world.replica(cart, 0)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "application-killed", central(world))
        cluster.node(node)
        cluster.deployment(shop, cart, running={node: 1, world.node(22): 1}, since=world.ago(46))
        cluster.started(shop, pod)
        mine = cluster.pods[shop, pod]
        up = mine.containers[0]
        died = terminated("OOMKilled", 137, world.ago(6), world.ago(2.2))
        mine.containers = [type(up)(cart, up.image, back_off(cart, pod, shop, mine.uid), died, 9, ready=False)]
        return cluster.keeps_crashing(shop, pod, cart, Seen(world.ago(44), world.ago(0.4), 130))

    return Scenario(
        name="application-killed",
        title="An application out of memory",
        symptom=f"{shop}/{pod} loses its connections every few minutes.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="not_terway",
            facts=("OOMKilled", pod),
            forbidden=(*_NOT_TERWAY, "daemon", "terwayd"),
        ),
    )


def _workload_without_pods(cluster: ClusterBuilder, key: tuple[str, str], text: str) -> ClusterBuilder:
    """A Deployment whose ReplicaSet may not create the missing pods."""
    (namespace, app), world = key, cluster.world
    cluster.deployment(namespace, app, running={world.node(22): 2}, since=world.ago(days=3))
    cluster.workloads[namespace, app].wanted = 5
    owner = cluster.replica_set_of(namespace, app)
    ref = Ref("ReplicaSet", owner.name, namespace, owner.uid, "apps/v1", "55100")
    seen = Seen(world.ago(41), world.ago(2), 18)
    return cluster.event_controller("replicaset-controller", ref, Said("FailedCreate", f"Error creating: {text}"), seen)


def resource_quota(world: World) -> Scenario:
    """The namespace's ResourceQuota is used up; no quota of Alibaba Cloud is involved."""
    shop, web = world.namespace("shop"), world.app("web")
    text = (
        f'pods "{web}-x" is forbidden: exceeded quota: compute, requested: limits.cpu=2, used: limits.cpu=10, '
        "limited: limits.cpu=10"
    )

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "resource-quota", central(world), hosts=(21, 22, 23))
        return _workload_without_pods(cluster, (shop, web), text)

    return Scenario(
        name="resource-quota",
        title="A quota of Kubernetes",
        symptom=f"Deployment {shop}/{web} stays at 2 of 5.",
        namespace=shop,
        workload=f"deployment/{web}",
        build=build,
        truth=Truth(
            category="not_terway",
            facts=("exceeded quota", web),
            forbidden=(*_NOT_TERWAY, "ENI quota", "Quota Center"),
        ),
    )


def other_webhook(world: World) -> Scenario:
    """Another admission webhook refuses the pods."""
    shop, web = world.namespace("shop"), world.app("web")
    text = (
        'admission webhook "validate.kyverno.svc-fail" denied the request: policy Deployment for resource violation: '
        "require-labels: label 'team' is required"
    )

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "other-webhook", central(world), hosts=(21, 22, 23))
        return _workload_without_pods(cluster, (shop, web), text)

    return Scenario(
        name="other-webhook",
        title="A webhook that is not Terway's",
        symptom=f"No new pods of {shop}/{web}: a webhook denies them. Terway has a webhook, hasn't it?",
        namespace=shop,
        workload=f"deployment/{web}",
        build=build,
        truth=Truth(
            category="not_terway",
            facts=("validate.kyverno.svc-fail", web),
            forbidden=(*_NOT_TERWAY, "terway.mutating", "Terway's webhook"),
        ),
    )


def unbound_claim(world: World) -> Scenario:
    """The scheduler waits for a volume."""
    shop, db = world.namespace("shop"), world.app("db")
    text = "0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims. preemption: not eligible."

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "unbound-claim", central(world), hosts=(21, 22, 23))
        created = world.ago(34)
        cluster.stateful_set(shop, db, wanted=1)
        plain = cluster.app_container(db, created, up=False)
        container = type(plain)(db, plain.image, waiting("ContainerCreating"))
        cluster.pod(shop, f"{db}-0", "", [container], created, unschedulable=text)
        said = Said("FailedScheduling", text, action="Scheduling")
        return cluster.event_scheduler(cluster.ref(shop, f"{db}-0"), said, Seen(created, world.ago(1), 8))

    return Scenario(
        name="unbound-claim",
        title="A pod that waits for a volume",
        symptom=f"{shop}/{db}-0 is Pending.",
        namespace=shop,
        pod=f"{db}-0",
        build=build,
        truth=Truth(category="not_terway", facts=("PersistentVolumeClaims", f"{db}-0"), forbidden=_NOT_TERWAY),
    )


def node_lost(world: World) -> Scenario:
    """The kubelet stopped posting: the node is gone, with Terway and everything else on it."""
    shop, web, node = world.namespace("shop"), world.app("web"), world.node(21)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "node-lost", central(world))
        taint: Json = {"key": "node.kubernetes.io/unreachable", "effect": "NoExecute"}
        cluster.node(node, ready=False, serving=False, taints=[taint])
        cluster.deployment(shop, web, running={node: 3, world.node(22): 1}, since=world.ago(days=2))
        gone, text = seconds(world.ago(17)), "Kubelet stopped posting node status."
        conditions: list[Json] = [
            {
                "type": kind, "status": "Unknown", "reason": "NodeStatusUnknown", "message": text,
                "lastHeartbeatTime": seconds(world.ago(18)), "lastTransitionTime": gone,
            }
            for kind in ("MemoryPressure", "DiskPressure", "PIDPressure", "Ready")
        ]  # fmt: skip
        cluster.change(resources.NODES, node, {"status": {"conditions": conditions}})
        said = Said("NodeNotReady", f"Node {node} status is now: NodeNotReady", warning=False)
        return cluster.event_controller("node-controller", cluster.ref_node(node), said, Seen.once(world.ago(17)))

    return Scenario(
        name="node-lost",
        title="A node that does not answer",
        symptom="A node went NotReady a quarter of an hour ago; is it the CNI?",
        node=node,
        build=build,
        truth=Truth(
            category="not_terway",
            also=("node_runtime",),
            facts=("stopped posting", node),
            forbidden=(*_NOT_TERWAY, "cni plugin not initialized"),
        ),
    )


def controlplane_has_no_node(world: World) -> Scenario:
    """Both replicas of the controlplane are Pending: no node has the memory they ask for."""
    shop, web, node = world.namespace("shop"), world.app("web"), world.node(21)
    text = "0/3 nodes are available: 3 Insufficient memory. preemption: 0/3 nodes are available: 3 No victims found."

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "controlplane-has-no-node", central(world))
        cluster.node(node, kind="ecs.g7.2xlarge", idle=3, serving=False)
        quiet(cluster)
        stuck(cluster, (shop, web, node), (2, 3), 32)
        hang(cluster, shop, web, every=5)
        cluster.events = [each for each in cluster.events if each["reason"] != "SyncOpenAPISuccess"]
        cluster.log("kube-system", cluster.leader, "terway-controlplane").lines.clear()
        del cluster.logs["kube-system", cluster.leader, "terway-controlplane", False]
        for index in range(2):
            pod = cluster.pods["kube-system", world.replica("terway-controlplane", index)]
            old = pod.containers[0]
            pod.containers = replaced(pod.containers, type(old)(old.name, old.image, waiting("ContainerCreating")))
            pod.node, pod.host_ip, pod.ips, pod.unschedulable = "", "", (), text
            pod.created = world.ago(49)
            said = Said("FailedScheduling", text, action="Scheduling")
            cluster.event_scheduler(cluster.ref("kube-system", pod.name), said, Seen(pod.created, world.ago(1), 11))
        return cluster.controlplane_lease_renewed(51 * 60)

    return Scenario(
        name="controlplane-has-no-node",
        title="A controlplane that cannot be scheduled",
        symptom=f"{shop}/{web} waits for addresses; it worked until we shrank the cluster.",
        namespace=shop,
        pod=world.replica(web, 0),
        build=build,
        truth=Truth(
            category="component_down",
            facts=("terway-controlplane", "Insufficient memory"),
            forbidden=(*_NOT_TERWAY, "bug"),
        ),
    )


def pod_controller_off(world: World) -> Scenario:
    """`pod` is missing in the list of controllers: no PodENI is ever made for a trunk pod."""
    shop, db = world.namespace("shop"), world.app("db")
    pod = f"{db}-0"

    def build() -> ClusterBuilder:
        release = world.pick("release", "v1.17.2", "v1.16.6")
        cluster = trunk_cluster(
            world, "pod-controller-off", Terway(release=release, trunk=True, controllers_off=("pod",))
        )
        lone_pod(cluster, (shop, db), 23, trunk_annotations(world, world.vswitch("h")))
        return hang(cluster, shop, db, f"{RPC}allocate remote IP timeout: PodENI not found", every=3)

    return Scenario(
        name="pod-controller-off",
        title="Nobody makes PodENIs",
        symptom=f"{shop}/{pod}: allocate remote IP timeout, PodENI not found.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="configuration",
            also=("component_down",),
            facts=("PodENI not found", "controllers", pod),
            forbidden=("exhaust", "IpNotEnough", "Forbidden.RAM"),
        ),
    )


def endpoint_unknown(world: World) -> Scenario:
    """The controlplane cannot resolve the OpenAPI's name; the SDK prints the signed URL."""
    shop, cart, node = world.namespace("shop"), world.app("cart"), world.node(21)
    host = f"ecs-vpc.{world.region}.aliyuncs.com"
    error = (
        f'Post "https://{host}/?AccessKeyId=STS.NotARealKey1&Action=CreateNetworkInterface'
        '&Signature=bm90cmVhbA%3D%3D": '
        f"dial tcp: lookup {host} on 100.100.2.136:53: no such host"
    )

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "endpoint-unknown", central(world))
        cluster.node(node, kind="ecs.g7.xlarge", idle=0, sufficient_ip=False)
        stuck(cluster, (shop, cart, node), (15, 2), 25)
        hang(cluster, shop, cart, every=5)
        return pool_fails(cluster, node, error, Seen(world.ago(24), world.ago(2), 9), creating=True)

    return Scenario(
        name="endpoint-unknown",
        title="The OpenAPI cannot be reached",
        symptom=f"{shop}/{cart} gets no address since the VPC's DNS was changed.",
        namespace=shop,
        pod=world.replica(cart, 0),
        build=build,
        truth=Truth(
            category="node_runtime",
            also=("configuration", "throttling"),
            facts=("no such host", node),
            forbidden=("Signature=", "AccessKeyId=", "IpNotEnough", "exhaust", "bug"),
        ),
    )


def port_taken(world: World) -> Scenario:
    """A hostNetwork pod whose port is in use: Terway gives such pods no address at all."""
    shop, api, node = world.namespace("shop"), world.app("cart"), world.node(21)
    pod = world.replica(api, 0)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "port-taken", central(world))
        cluster.node(node)
        created = world.ago(38)
        cluster.deployment(shop, api, running={world.node(22): 1}, since=created)
        first = f"{api}-{world.ids.template_hash(api)}-{world.ids.suffix(5, api, 'host')}"
        up = cluster.app_container(api, created)
        owner = cluster.replica_set_of(shop, api)
        died = terminated(
            "Error", 1, world.ago(2.1), world.ago(2), "listen tcp 0.0.0.0:8080: bind: address already in use"
        )
        uid = world.ids.uid("pod", shop, first)
        container = type(up)(api, up.image, back_off(api, first, shop, uid), died, 12, ready=False)
        cluster.pod(shop, first, node, [container], created, host_network=True, owner=owner)
        cluster.workloads[shop, api].wanted = 2
        cluster.started(shop, pod)
        return cluster.keeps_crashing(shop, first, api, Seen(world.ago(37), world.ago(0.3), 150))

    return Scenario(
        name="port-taken",
        title="A port that is already in use",
        symptom=f"A pod of {shop}/{api} crashes: address already in use. Did Terway give an address twice?",
        namespace=shop,
        pod=f"{api}-{world.ids.template_hash(api)}-{world.ids.suffix(5, api, 'host')}",
        build=build,
        truth=Truth(
            category="not_terway",
            facts=("CrashLoopBackOff", node),
            forbidden=(*_NOT_TERWAY, "address conflict"),
        ),
    )


def refused_twice(world: World) -> Scenario:
    """Events of a new release are refused by RBAC; the true cause is a denied call, told by the log alone."""
    shop, web, node = world.namespace("shop"), world.app("web"), world.node(21)
    error = openapi("UnauthorizedOperation", "You are not authorized to perform this operation.")

    def build() -> ClusterBuilder:
        terway = Terway(release=world.pick("release", "v1.17.2", "v1.17.5"), events_rbac=False)
        cluster = ordinary_cluster(world, "refused-twice", terway)
        cluster.node(node, kind="ecs.g7.xlarge", idle=0, sufficient_ip=False)
        stuck(cluster, (shop, web, node), (15, 2), 30)
        hang(cluster, shop, web, every=5)
        pool_fails(cluster, node, error, Seen(world.ago(29), world.ago(3), 7), creating=True)
        line = Line(
            world.ago(50), "client rate limit", "I", "ratelimit.go:61", {"api": "DescribeVSwitches", "took": 5.2}
        )
        return cluster.controlplane_says(line)

    return Scenario(
        name="refused-twice",
        title="Refused by the cloud, and the events by Kubernetes",
        symptom=f"{shop}/{web} waits, no event tells why; Terway was upgraded last week.",
        namespace=shop,
        pod=world.replica(web, 0),
        build=build,
        truth=Truth(
            category="permission",
            facts=("UnauthorizedOperation", node),
            forbidden=("events.k8s.io", "throttl", "exhaust", "IpNotEnough", "bug"),
        ),
    )
