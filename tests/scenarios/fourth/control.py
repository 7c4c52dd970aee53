"""The controlplane, its rights and credentials, and what is blamed on Terway but belongs to others."""

from terway_mcp.cluster import resources
from terway_mcp.cluster.scenarios.builder import ClusterBuilder
from terway_mcp.cluster.scenarios.clock import Seen, micros, seconds
from terway_mcp.cluster.scenarios.events import Said
from terway_mcp.cluster.scenarios.logs import Line
from terway_mcp.cluster.scenarios.pods import waiting
from terway_mcp.cluster.scenarios.profile import Terway
from terway_mcp.cluster.scenarios.scenario import Scenario, Truth
from terway_mcp.cluster.scenarios.world import World

from .stage import (
    INNOCENT,
    NO_SHORTAGE,
    asked,
    becomes,
    central,
    crashing_app,
    create_fails,
    hang,
    kubelet_says,
    local,
    not_enough,
    of_the_shop,
    openapi,
    ordinary_cluster,
    pool_fails,
    scheduling_fails,
    serving_shop,
    stuck,
    waiting_shop,
)


def lease_forbidden(world: World) -> Scenario:
    """Somebody tightened the ClusterRole; the controlplane may not read its lease and leads nothing."""
    text = (
        "error retrieving resource lock kube-system/terway-controlplane: leases.coordination.k8s.io "
        '"terway-controlplane" is forbidden: User "system:serviceaccount:kube-system:terway-controlplane" cannot get '
        'resource "leases" in API group "coordination.k8s.io" in the namespace "kube-system"'
    )

    def build() -> ClusterBuilder:
        cluster = waiting_shop(world, "lease-forbidden", minutes=34)
        cluster.controlplane_lease_renewed(60 * 41)
        seen = Seen(world.ago(41), world.ago(0.1), 60)
        lines = cluster.repeat(seen, Line(seen.first, text, "E", "leaderelection.go:448", plain=True))
        return cluster.controlplane_says(*[Line(each.at, text, "E", each.source, plain=True) for each in lines])

    truth = Truth(
        category="permission",
        also=("component_down",),
        facts=("leases", "is forbidden", "terway-controlplane"),
        forbidden=("IpNotEnough", "no free IP", "vSwitch", "Forbidden.RAM", "throttl", "bug"),
    )
    return of_the_shop(world, "lease-forbidden", "A lease nobody may read", "{pod} waits for an IP.", build, truth)


def role_deleted(world: World) -> Scenario:
    """The RAM role the credentials come from was deleted."""
    node = world.node(21)
    error = openapi("EntityNotExist.Role", "The role not exists: acs:ram::1234567890:role/aliyuncsmanagednetworkrole.")

    def build() -> ClusterBuilder:
        cluster = waiting_shop(world, "role-deleted")
        return pool_fails(cluster, node, error, Seen(world.ago(28), world.ago(2), 9))

    truth = Truth(
        category="permission",
        facts=("EntityNotExist.Role", node),
        forbidden=(*NO_SHORTAGE, "throttl", "bug", "vSwitch does not exist"),
    )
    return of_the_shop(world, "role-deleted", "A role that is gone", "{pod} waits since RAM was tidied.", build, truth)


def sts_refused(world: World) -> Scenario:
    """The instance may not assume its role; STS says so with a code of its own."""
    node = world.node(21)
    error = openapi(
        "NoPermission.AssumeRole", "You are not authorized to do this action. You should be authorized by RAM."
    )

    def build() -> ClusterBuilder:
        cluster = waiting_shop(world, "sts-refused", local(world))
        return create_fails(cluster, node, error, Seen(world.ago(28), world.ago(2), 9), error)

    truth = Truth(
        category="permission",
        facts=("NoPermission.AssumeRole", node),
        forbidden=(*NO_SHORTAGE, "throttl", "bug", "quota"),
    )
    return of_the_shop(world, "sts-refused", "A role that may not be taken", "{pod} has no IP.", build, truth)


def proxy_refuses(world: World) -> Scenario:
    """The controlplane calls the cloud through a proxy that is not there."""
    node = world.node(21)
    url = f"https://ecs-vpc.{world.region}.aliyuncs.com/"
    error = f'Post "{url}": proxyconnect tcp: dial tcp 10.0.0.9:3128: connect: connection refused'

    def build() -> ClusterBuilder:
        cluster = waiting_shop(world, "proxy-refuses")
        return pool_fails(cluster, node, error, Seen(world.ago(28), world.ago(1.5), 10))

    truth = Truth(
        category="node_runtime",
        also=("configuration", "component_down", "not_terway"),
        facts=("proxyconnect", "10.0.0.9:3128", node),
        forbidden=(*NO_SHORTAGE, "Forbidden.RAM", "throttl", "eni.socket", "bug"),
    )
    return of_the_shop(world, "proxy-refuses", "A proxy nobody runs", "{pod}: connection refused?", build, truth)


def hosted_and_idle(world: World) -> Scenario:
    """Addresses are free in the Node CR, nobody assigns them, and the controlplane is out of sight."""
    node = world.node(21)

    def build() -> ClusterBuilder:
        terway = Terway(release=world.pick("release", "v1.17.2", "v1.16.6"), controlplane="hosted")
        cluster = waiting_shop(world, "hosted-and-idle", terway, counts=(4, 2), enough=True)
        cluster.nodes[node].idle = 6
        return cluster

    truth = Truth(
        category="insufficient_evidence",
        also=("component_down", "terway_bug"),
        facts=(node, "context deadline exceeded"),
        forbidden=("IpNotEnough", "exhausted", "Forbidden.RAM", "vSwitch has no", "quota"),
    )
    return of_the_shop(
        world, "hosted-and-idle", "Free addresses nobody hands out", "{pod} has no IP. vSwitch full?", build, truth
    )


def dns_runs_in_circles(world: World) -> Scenario:
    """CoreDNS found a loop and ends; applications with good addresses resolve nothing."""
    shop, pod = asked(world)
    loop = (
        '[FATAL] plugin/loop: Loop (127.0.0.1:36567 -> :53) detected for zone ".", see https://coredns.io/plugins/loop'
    )

    def build() -> ClusterBuilder:
        cluster = serving_shop(world, "dns-runs-in-circles", minutes=30)
        for index in range(2):
            crashing_app(cluster, ("kube-system", world.replica("coredns", index)), loop)
        mine = cluster.pods[shop, pod]
        becomes(cluster, (shop, pod), mine.containers[0].state)
        text = "Readiness probe failed: lookup ledger.payments.svc.cluster.local on 172.21.0.10:53: connection refused"
        return kubelet_says(cluster, (shop, pod), "Unhealthy", text, Seen(world.ago(29), world.ago(0.5), 170))

    return Scenario(
        name="dns-runs-in-circles",
        title="DNS in circles",
        symptom=f"{shop}/{pod} cannot connect to anything. The CNI lost its routes.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="not_terway",
            facts=("coredns", pod),
            forbidden=(*INNOCENT, "route is missing", "eni.socket"),
        ),
    )


def too_many_pods(world: World) -> Scenario:
    """Every node is at its kubelet's pod limit; addresses are free."""
    shop, web = world.namespace("shop"), world.app("web")
    pod = world.replica(web, 0)
    text = (
        "0/3 nodes are available: 3 Too many pods. preemption: 0/3 nodes are available: 3 No preemption victims found."
    )

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "too-many-pods", central(world), hosts=(21, 22, 23))
        for name in cluster.nodes:
            cluster.nodes[name].capacity = {"pods": "8"}
            cluster.nodes[name].idle = 5
        cluster.deployment(shop, web, running={world.node(21): 3}, since=world.ago(days=2))
        container = cluster.app_container(web, world.ago(22), up=False)
        late = world.replica(web, 7)
        owner = cluster.replica_set_of(shop, web)
        cluster.pod(shop, late, "", [container], world.ago(22), unschedulable=text, owner=owner)
        cluster.workloads[shop, web].wanted = 4
        return scheduling_fails(cluster, (shop, late), text, Seen(world.ago(22), world.ago(1), 5))

    late = world.replica(web, 7)
    assert pod != late
    return Scenario(
        name="too-many-pods",
        title="A kubelet's own limit",
        symptom=f"{shop}/{late} is Pending. Terway is out of IPs, isn't it?",
        namespace=shop,
        pod=late,
        build=build,
        truth=Truth(
            category="not_terway",
            also=("configuration",),
            facts=("Too many pods", late),
            forbidden=("exhaust", "IpNotEnough", "Forbidden.RAM", "bug", "vSwitch"),
        ),
    )


def secret_missing(world: World) -> Scenario:
    """The pod has its address; its container wants a Secret that does not exist."""
    shop, pod = asked(world)
    text = 'secret "db-password" not found'

    def build() -> ClusterBuilder:
        cluster = serving_shop(world, "secret-missing", minutes=20)
        vswitch = world.vswitch("h")
        pool_fails(cluster, world.node(23), not_enough(vswitch), Seen(world.ago(hours=9), world.ago(hours=8.5), 4))
        becomes(cluster, (shop, pod), waiting("CreateContainerConfigError", text))
        return kubelet_says(cluster, (shop, pod), "Failed", f"Error: {text}", Seen(world.ago(19), world.ago(0.3), 88))

    return Scenario(
        name="secret-missing",
        title="A Secret, not an address",
        symptom=f"{shop}/{pod} hangs, the vSwitch is full again, please add one.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="not_terway",
            facts=("db-password", pod),
            forbidden=(*INNOCENT, "vSwitch has no", "add a vSwitch"),
        ),
    )


def service_without_backends(world: World) -> Scenario:
    """The Service selects a label no pod has; both ends have their addresses."""
    shop, pod = asked(world)

    def build() -> ClusterBuilder:
        cluster = serving_shop(world, "service-without-backends", minutes=33)
        mine = cluster.pods[shop, pod]
        becomes(cluster, (shop, pod), mine.containers[0].state)
        answer = "Get http://cart.shop.svc/health: dial tcp 172.21.9.14:80: connect: connection refused"
        text = f"Readiness probe failed: {answer}"
        return kubelet_says(cluster, (shop, pod), "Unhealthy", text, Seen(world.ago(32), world.ago(0.4), 190))

    return Scenario(
        name="service-without-backends",
        title="A Service that selects nobody",
        symptom=f"{shop}/{pod}: connection refused to a ClusterIP. NetworkPolicy? Terway?",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="not_terway",
            also=("insufficient_evidence",),
            facts=("connection refused", pod),
            forbidden=(*INNOCENT, "eni.socket", "daemon is down"),
        ),
    )


def two_and_one_old(world: World) -> Scenario:
    """A Forbidden.RAM of this morning was repaired; pods wait now because the vSwitch ran out meanwhile."""
    node, vswitch = world.node(21), world.vswitch("h")
    denied = openapi("Forbidden.RAM", "User not authorized to operate on the specified resource.")

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "two-and-one-old", local(world, "v1.16.6", "v1.14.3"))
        cluster.node(node, kind="ecs.g7.2xlarge", idle=0, sufficient_ip=False)
        shop, web = world.namespace("shop"), world.app("web")
        stuck(cluster, (shop, web, node), (15, 2), 30)
        create_fails(cluster, node, denied, Seen(world.ago(hours=6), world.ago(hours=5), 11), denied)
        text = not_enough(vswitch)
        create_fails(cluster, node, text, Seen(world.ago(28), world.ago(2), 9), text)
        error = "cmdAdd: error alloc ip rpc error: code = Unknown desc = no eni can handle the allocation"
        return hang(cluster, shop, web, error, every=5)

    truth = Truth(
        category="resource_exhaustion",
        facts=("InvalidVSwitchId.IpNotEnough", vswitch, node),
        forbidden=("Forbidden.RAM", "not authorized", "bug", "throttl"),
    )
    return of_the_shop(
        world,
        "two-and-one-old",
        "One solved, one new",
        "{pod} waits; the RAM policy from this morning is wrong again?",
        build,
        truth,
    )


def webhook_of_a_mesh(world: World) -> Scenario:
    """A sidecar's init container may not change iptables; the pod's own network is complete."""
    shop, pod = asked(world)
    said = "iptables-restore: unable to initialize table 'nat': Permission denied (you must be root)"

    def build() -> ClusterBuilder:
        cluster = serving_shop(world, "webhook-of-a-mesh", minutes=30)
        return crashing_app(cluster, (shop, pod), said)

    return Scenario(
        name="webhook-of-a-mesh",
        title="A sidecar without rights",
        symptom=f"{shop}/{pod} crashes: iptables. Does Terway's policy container break it?",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="not_terway",
            facts=(pod,),
            forbidden=(*INNOCENT, "felix", "policy container"),
        ),
    )


def late_leader(world: World) -> Scenario:
    """The leader changed three times in the night, and everybody has been served since."""
    node = world.node(21)

    def build() -> ClusterBuilder:
        cluster = serving_shop(world, "late-leader", minutes=9)
        text = "failed to renew lease kube-system/terway-controlplane: context deadline exceeded"
        line = Line(world.ago(hours=1.2), text, "I", "leaderelection.go:297", plain=True)
        cluster.controlplane_says(line)
        conflict = (
            f'Operation cannot be fulfilled on nodes.network.alibabacloud.com "{node}": the object has been modified; '
            "please apply your changes to the latest version and try again"
        )
        said = Said("ConfigError", conflict, action="Config")
        return cluster.event_controlplane("node", cluster.ref_node(node), said, Seen(world.ago(50), world.ago(44), 2))

    return Scenario(
        name="late-leader",
        title="A restless night",
        symptom=f"ConfigError on {node} and 'failed to renew lease' in the log. Is the controlplane down?",
        node=node,
        build=build,
        truth=Truth(category="healthy", facts=(node,), forbidden=(*INNOCENT, "controlplane is down", "misconfig")),
    )


def node_removed_underneath(world: World) -> Scenario:
    """The instance was released in the console; the Node object is left, nobody reports for it any more."""
    node = world.node(21)
    shop, web = world.namespace("shop"), world.app("web")

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "node-removed-underneath", central(world))
        text = "Kubelet stopped posting node status."
        taints: list[dict[str, object]] = [
            {"key": "node.kubernetes.io/unreachable", "effect": "NoExecute", "timeAdded": seconds(world.ago(38))}
        ]
        cluster.node(
            node, kind="ecs.g7.2xlarge", ready=False, not_ready_message=text, taints=taints, idle=2, serving=False
        )
        unknown = {
            "type": "Ready",
            "status": "Unknown",
            "reason": "NodeStatusUnknown",
            "message": text,
            "lastHeartbeatTime": seconds(world.ago(40)),
            "lastTransitionTime": seconds(world.ago(38)),
        }
        cluster.change(resources.NODES, node, {"status": {"conditions": [unknown]}})
        silent = {"spec": {"renewTime": micros(world.ago(39))}}
        cluster.change(resources.LEASES, node, silent, "kube-node-lease")
        for container in ("terway", "policy"):
            cluster.forbid_log("kube-system", cluster.terway_pod(node).name, container)
        cluster.deployment(shop, web, running={node: 3}, since=world.ago(days=2))
        for index in range(3):
            cluster.pods[shop, world.replica(web, index)].deleted = world.ago(33)
        error = openapi(
            "InvalidInstanceId.NotFound", f"The specified InstanceId {world.instance(node)} does not exist."
        )
        failed = Said("SyncOpenAPIFailed", f"Failed to describe network interfaces: {error}", action="SyncOpenAPI")
        cluster.event_controlplane("multi-ip-node", cluster.ref_node_cr(node), failed, Seen.once(world.ago(20)))
        said = Said("NodeNotReady", f"Node {node} status is now: NodeNotReady", warning=False)
        cluster.event_controller("node-controller", cluster.ref_node(node), said, Seen.once(world.ago(38)))
        return cluster

    return Scenario(
        name="node-removed-underneath",
        title="A node without a machine",
        symptom=f"Pods on {node} hang in Terminating. Does Terway not release their addresses?",
        node=node,
        build=build,
        truth=Truth(
            category="not_terway",
            also=("configuration", "node_runtime"),
            facts=(node, "Kubelet stopped posting node status"),
            forbidden=("exhaust", "IpNotEnough", "Forbidden.RAM", "Terway bug", "throttl"),
        ),
    )


INCIDENTS = (
    lease_forbidden,
    role_deleted,
    sts_refused,
    proxy_refuses,
    hosted_and_idle,
    dns_runs_in_circles,
    too_many_pods,
    secret_missing,
    service_without_backends,
    two_and_one_old,
    webhook_of_a_mesh,
    late_leader,
    node_removed_underneath,
)
