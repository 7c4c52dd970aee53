"""Second helping: traps in which the loud text belongs to another object, time or component."""

from datetime import timedelta

from terway_mcp.cluster.scenarios.builder import ClusterBuilder
from terway_mcp.cluster.scenarios.clock import Seen, seconds
from terway_mcp.cluster.scenarios.events import Ref, Said
from terway_mcp.cluster.scenarios.logs import Line
from terway_mcp.cluster.scenarios.pods import Container, running, terminated, waiting
from terway_mcp.cluster.scenarios.profile import Json, Terway
from terway_mcp.cluster.scenarios.scenario import Scenario, Truth
from terway_mcp.cluster.scenarios.world import World
from tests.scenarios.incidents.stage import reserve

from .stage import (
    DENIED,
    INNOCENT,
    RPC,
    about,
    asked,
    central,
    create_fails,
    hang,
    keep_events,
    kubelet_says,
    local,
    no_terway_logs,
    not_enough,
    openapi,
    ordinary_cluster,
    pool_fails,
    serving_shop,
    stuck,
    waiting_shop,
)


def quoted_in_a_log(world: World) -> Scenario:
    """The asked pod is a tool that prints cloud errors of its own; its network is fine, its probe is not."""
    shop, pod = asked(world)

    def build() -> ClusterBuilder:
        cluster = serving_shop(world, "quoted-in-a-log")
        mine = cluster.pods[shop, pod]
        old = mine.containers[0]
        mine.containers = [Container(old.name, old.image, running(world.ago(39)), ready=False)]
        text = "Readiness probe failed: error: errCode: Forbidden.RAM, msg: cannot list OSS buckets, requestID: 77"
        return kubelet_says(cluster, (shop, pod), "Unhealthy", text, Seen(world.ago(38), world.ago(0.5), 230))

    return Scenario(
        name="quoted-in-a-log",
        title="A code in the answer of a probe",
        symptom=f"{shop}/{pod} is not Ready: Forbidden.RAM.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="not_terway",
            facts=("Readiness probe failed", pod),
            forbidden=("IpNotEnough", "exhaust", "bug", "CreateNetworkInterface", "docs/ecs.md"),
        ),
    )


def namesake(world: World) -> Scenario:
    """A pod of the same name in another namespace has the trouble; the asked one runs."""
    shop, other = world.namespace("shop"), world.namespace("payments")
    app, node = world.app("db"), world.node(21)
    pod = f"{app}-0"

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "namesake", central(world))
        cluster.node(node, kind="ecs.g7.2xlarge", idle=0, sufficient_ip=False)
        since = world.ago(31)
        for home, host in ((shop, 22), (other, 21)):
            cluster.stateful_set(home, app, wanted=1)
            container = cluster.app_container(app, since, up=home == shop)
            cluster.pod(home, pod, world.node(host), [container], since)
        cluster.started(shop, pod)
        hang(cluster, other, app, every=4)
        return pool_fails(cluster, node, not_enough(world.vswitch("h")), Seen(world.ago(30), world.ago(2), 8))

    return Scenario(
        name="namesake",
        title="Two pods of one name",
        symptom=f"Somebody says {pod} has no IP. Ours is {shop}/{pod}.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(category="healthy", facts=(pod,), forbidden=("IpNotEnough", "exhaust", "bug", node)),
    )


def successor_in_place(world: World) -> Scenario:
    """The StatefulSet's pod failed, was deleted and came back under its name with another uid; now it runs."""
    shop, app, node = world.namespace("shop"), world.app("db"), world.node(21)
    pod = f"{app}-0"

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "successor-in-place", local(world))
        cluster.node(node, kind="ecs.g7.2xlarge")
        cluster.stateful_set(shop, app, wanted=1)
        since = world.ago(12)
        cluster.pod(shop, pod, node, [cluster.app_container(app, since)], since)
        former = Ref("Pod", pod, shop, world.ids.uid("pod", shop, f"{pod} before"), "v1", "611")
        error = f"{RPC}no eni can handle the allocation"
        text = (
            "Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox "
            f'"{{sandbox}}": plugin type="terway" failed (add): failed to do add; {error}'
        )
        seen = Seen(world.ago(40), world.ago(14), 9)
        cluster.event_daemon(former, Said("AllocIPFailed", error), seen)
        cluster.event_kubelet(former, Said("FailedCreatePodSandBox", text), seen, node)
        cluster.started(shop, pod)
        return cluster

    return Scenario(
        name="successor-in-place",
        title="The events of the one before",
        symptom=f"{shop}/{pod}: FailedCreatePodSandBox x9. What is the cause?",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(category="healthy", facts=(pod,), forbidden=(*INNOCENT, "no eni can handle")),
    )


def conflicting_clock(world: World) -> Scenario:
    """Signatures are refused because the node's clock is off, says the message; keys are correct."""
    node = world.node(21)
    shop, pod = asked(world)
    error = openapi(
        "IllegalTimestamp",
        "The input parameter Timestamp that is mandatory for processing this request is not supplied.",
    )

    def build() -> ClusterBuilder:
        cluster = waiting_shop(world, "conflicting-clock", local(world))
        return create_fails(cluster, node, error, Seen(world.ago(28), world.ago(2), 8), error)

    return Scenario(
        name="conflicting-clock",
        title="A clock that is off",
        symptom=f"{shop}/{pod}: no eni can handle the allocation, only on this node.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="node_runtime",
            also=("permission", "insufficient_evidence", "configuration"),
            facts=("IllegalTimestamp", node),
            forbidden=("IpNotEnough", "exhaust", "bug", "throttl"),
        ),
    )


def group_joined_too_often(world: World) -> Scenario:
    """A limit whose code no release knows: too many groups on one ENI."""
    node = world.node(21)
    shop, pod = asked(world)
    error = openapi(
        "InvalidSecurityGroupId.LimitExceeded",
        "The maximum number of security groups per ENI is exceeded.",
    )

    def build() -> ClusterBuilder:
        cluster = waiting_shop(world, "group-joined-too-often")
        return pool_fails(cluster, node, error, Seen(world.ago(28), world.ago(2), 8), creating=True)

    return Scenario(
        name="group-joined-too-often",
        title="Too many groups on an ENI",
        symptom=f"{shop}/{pod} gets no IP since security groups were added.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="quota",
            also=("configuration",),
            facts=("InvalidSecurityGroupId.LimitExceeded", node),
            forbidden=("IpNotEnough", "does not exist", "bug", "throttl", "Forbidden.RAM"),
        ),
    )


def scaled_to_zero(world: World) -> Scenario:
    """The Deployment wants no pods; there is nothing to give addresses to."""
    shop, web = world.namespace("shop"), world.app("cart")

    def build() -> ClusterBuilder:
        cluster = serving_shop(world, "scaled-to-zero")
        cluster.deployment(shop, web, since=world.ago(days=2))
        owner = cluster.replica_set_of(shop, web)
        ref = Ref("Deployment", web, shop, world.ids.uid("deployment", shop, web), "apps/v1", "4711")
        text = f"Scaled down replica set {owner.name} to 0 from 3"
        said = Said("ScalingReplicaSet", text, warning=False)
        return cluster.event_controller("deployment-controller", ref, said, Seen.once(world.ago(42)))

    return Scenario(
        name="scaled-to-zero",
        title="A Deployment that wants nothing",
        symptom=f"{shop}/{web} has no pods, is the CNI refusing them?",
        namespace=shop,
        workload=f"deployment/{web}",
        build=build,
        truth=Truth(
            category="not_terway",
            also=("healthy", "insufficient_evidence"),
            facts=(web,),
            forbidden=INNOCENT,
        ),
    )


def image_of_the_pod(world: World) -> Scenario:
    """The pod has its address; after one slow start its image cannot be pulled because the registry is throttling."""
    shop, pod = asked(world)
    text = (
        'Failed to pull image "registry-vpc/apps/web:2.4.1": rpc error: code = Unknown desc = failed to pull and '
        "unpack image: httpReadSeeker: failed open: unexpected status code 429 Too Many Requests"
    )

    def build() -> ClusterBuilder:
        cluster = serving_shop(world, "image-of-the-pod", minutes=25)
        mine = cluster.pods[shop, pod]
        old = mine.containers[0]
        mine.containers = [Container(old.name, old.image, waiting("ErrImagePull", text))]
        deadline = "cmdAdd: error alloc ip rpc error: code = DeadlineExceeded desc = context deadline exceeded"
        cluster.event_daemon(cluster.ref(shop, pod), Said("AllocIPFailed", deadline), Seen.once(world.ago(24.9)))
        cluster.got_address(shop, pod, Seen.once(world.ago(22.5)))
        return kubelet_says(cluster, (shop, pod), "Failed", text, Seen(world.ago(22), world.ago(1), 7))

    return Scenario(
        name="image-of-the-pod",
        title="One slow start, then no image",
        symptom=f"{shop}/{pod}: context deadline exceeded in the events, pod does not run.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(category="not_terway", facts=("429 Too Many Requests", pod), forbidden=INNOCENT),
    )


def draining_for_release(world: World) -> Scenario:
    """A scale-in: the autoscaler's taint keeps new pods away, old ENIs are being deleted; all is as it should be."""
    node = world.node(21)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "draining-for-release", central(world))
        taint: Json = {"key": "ToBeDeletedByClusterAutoscaler", "value": "1782895000", "effect": "NoSchedule"}
        cluster.node(node, kind="ecs.g7.2xlarge", taints=[taint])
        model = cluster.nodes[node]
        gone = model.attach(world)
        gone.status = "Deleting"
        text = f"Successfully deleted ENI {world.eni(node, 2)}"
        said = Said("DeleteENISucceed", text, warning=False, action="DeleteENI")
        cluster.event_controlplane("multi-ip-node", cluster.ref_node_cr(node), said, Seen.once(world.ago(3)))
        ref = cluster.ref_node(node)
        scale = Said("ScaleDown", "marked the node as toBeDeleted/unschedulable", warning=False)
        return cluster.event_controller("cluster-autoscaler", ref, scale, Seen.once(world.ago(5)))

    return Scenario(
        name="draining-for-release",
        title="A node on its way out",
        symptom="ENIs disappear from this node and nothing starts there any more!",
        node=node,
        build=build,
        truth=Truth(
            category="healthy", also=("not_terway",), facts=(node,), forbidden=(*INNOCENT, "DeleteENIFailed", "leak")
        ),
    )


def condition_is_all(world: World) -> Scenario:
    """Events expired and logs unreadable: the ENI's own condition keeps the denied call."""
    shop, pod = asked(world)
    node = world.node(21)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "condition-is-all", central(world, "v1.16.6", "v1.17.5"))
        cluster.node(node, kind="ecs.g7.2xlarge", idle=0, sufficient_ip=False, serving=False)
        stuck(cluster, (shop, world.app("web"), node), (8, 2), 150)
        error = DENIED.replace("{request_id}", world.ids.request_id("condition"))
        condition: Json = {"message": error, "observedTime": seconds(world.ago(3))}
        cluster.nodes[node].enis[0].conditions["OperationErr"] = condition
        no_terway_logs(cluster)
        return keep_events(cluster, lambda event: about(event).get("name") not in (pod, node))

    return Scenario(
        name="condition-is-all",
        title="A condition that remembers",
        symptom=f"{shop}/{pod} hangs for hours, there are no events any more.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="permission", facts=("Forbidden.RAM", node), forbidden=("IpNotEnough", "exhaust", "bug", "throttl")
        ),
    )


def panic_of_another(world: World) -> Scenario:
    """The application's log shows a panic and a refused connection of its own; it restarts, its network is fine."""
    shop, pod = asked(world)

    def build() -> ClusterBuilder:
        cluster = serving_shop(world, "panic-of-another")
        mine = cluster.pods[shop, pod]
        old = mine.containers[0]
        last = terminated("Error", 2, world.ago(7), world.ago(6))
        state = waiting("CrashLoopBackOff", f"back-off 5m0s restarting failed container={old.name} pod={pod}_{shop}")
        mine.containers = [Container(old.name, old.image, state, last, 8, ready=False)]
        log = cluster.log(shop, pod, old.name, previous=True)
        for index, text in enumerate(
            (
                "starting storefront",
                "dial tcp 172.21.9.4:6379: connect: connection refused",
                "panic: runtime error: invalid memory address or nil pointer dereference",
            )
        ):
            log.add(Line(world.ago(6.5) + timedelta(seconds=index), text))
        return cluster.keeps_crashing(shop, pod, old.name, Seen(world.ago(38), world.ago(0.3), 140))

    return Scenario(
        name="panic-of-another",
        title="A panic of the application",
        symptom=f"{shop}/{pod} crashes with connection refused. Is terwayd down?",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="not_terway", facts=("CrashLoopBackOff", pod), forbidden=(*INNOCENT, "eni.socket", "daemon")
        ),
    )


def two_wrappers(world: World) -> Scenario:
    """The code stands three wrappers deep in the pod's event; an older release passes the text through."""
    shop, pod = asked(world)
    deep = (
        f"{RPC}error get allocated eniip for pod, [error assign address for eniID: eni-1, errCode: "
        "InvalidVSwitchId.NotFound, msg: The specified VSwitch does not exist., requestID: "
        "5B2C77A0-91D2-5E0B-8C11-7A6F00C1D2E3: Assign private ip address failed, context deadline exceeded]"
    )

    def build() -> ClusterBuilder:
        terway = Terway(
            release="v1.5.6", ipam="local", controlplane="absent", virtual_type="veth", kubernetes="v1.20.11-aliyun.1"
        )
        return waiting_shop(world, "two-wrappers", terway, error=deep, enough=None)

    return Scenario(
        name="two-wrappers",
        title="A code three wrappers deep",
        symptom=f"{shop}/{pod}: context deadline exceeded.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="configuration",
            facts=("InvalidVSwitchId.NotFound", pod),
            forbidden=("IpNotEnough", "exhaust", "bug", "throttl"),
        ),
    )


def sidecar_without_route(world: World) -> Scenario:
    """The mesh's own CNI plugin fails in the chain behind Terway while Terway reports success each time."""
    shop, pod = asked(world)
    node, web = world.node(21), world.app("web")
    text = (
        "Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox "
        '"{sandbox}": plugin type="istio-cni" name="istio-cni" failed (add): unable to push CNI event, error: Post '
        '"http://pluginsocket/cmdadd": dial unix /var/run/istio-cni/pluginevent.sock: connect: connection refused'
    )

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "sidecar-without-route", central(world))
        cluster.node(node, kind="ecs.g7.2xlarge")
        since = world.ago(19)
        cluster.deployment(shop, web, running={node: 2}, creating={node: 1}, since=since)
        reserve(cluster, cluster.pods[shop, pod])
        cluster.scheduled(shop, pod)
        done = Said("AllocIPSucceed", "Alloc IP 10.0.64.16/32 took 0.210000s", warning=False)
        cluster.event_daemon(cluster.ref(shop, pod), done, Seen(since, world.ago(0.7), 14))
        return kubelet_says(cluster, (shop, pod), "FailedCreatePodSandBox", text, Seen(since, world.ago(0.6), 14))

    return Scenario(
        name="sidecar-without-route",
        title="A socket that is not Terway's",
        symptom=f"{shop}/{pod}: connection refused on a unix socket, so terwayd is down?",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="not_terway", facts=("istio-cni", pod), forbidden=(*INNOCENT, "eni.socket", "daemon", "assigns no")
        ),
    )


INCIDENTS = (
    quoted_in_a_log,
    namesake,
    successor_in_place,
    conflicting_clock,
    group_joined_too_often,
    scaled_to_zero,
    image_of_the_pod,
    draining_for_release,
    condition_is_all,
    panic_of_another,
    two_wrappers,
    sidecar_without_route,
)
"""All incidents of this module."""
