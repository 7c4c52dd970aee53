"""Clusters as people really run them: old releases, chained plugins, other controllers, errors of other components."""

from datetime import timedelta

from terway_mcp.cluster.scenarios.builder import ClusterBuilder
from terway_mcp.cluster.scenarios.clock import Seen
from terway_mcp.cluster.scenarios.events import Ref, Said
from terway_mcp.cluster.scenarios.logs import Line
from terway_mcp.cluster.scenarios.plots import REFUSED
from terway_mcp.cluster.scenarios.pods import Container, Owner, terminated, waiting
from terway_mcp.cluster.scenarios.profile import Terway
from terway_mcp.cluster.scenarios.scenario import Scenario, Truth
from terway_mcp.cluster.scenarios.terway_pods import crash_looping, replaced
from terway_mcp.cluster.scenarios.world import World
from tests.scenarios.incidents.stage import reserve, trunk_annotations

from .stage import (
    INNOCENT,
    RPC,
    asked,
    central,
    crash_loops,
    create_fails,
    hang,
    keep_events,
    kubelet_says,
    local,
    new_node,
    openapi,
    ordinary_cluster,
    pod_create_fails,
    serving_shop,
    trunk_cluster,
    waiting_shop,
)


def felix_may_not_list(world: World) -> Scenario:
    """The policy container dies because the account may not list services; addresses are given all the same."""
    node = world.node(21)

    def build() -> ClusterBuilder:
        cluster = serving_shop(world, "felix-may-not-list", local(world, "v1.5.6", "v1.8.3"))
        pod = cluster.terway_pod(node)
        died = terminated("Error", 2, world.ago(4), world.ago(3))
        cluster.terway_containers(node, crash_looping(pod, "policy", died, 31))
        text = (
            "[INFO][86264] felix/watchercache.go 194: Failed to perform list of current data during resync "
            'ListRoot="/calico/resources/v3/projectcalico.org/kubernetesservice" error=connection is unauthorized: '
            'services is forbidden: User "system:serviceaccount:kube-system:terway" cannot list resource "services" in '
            'API group "" at the cluster scope'
        )
        for previous, base in ((False, 4.0), (True, 10.0)):
            lines = [Line(world.ago(base) + timedelta(seconds=index), text) for index in range(20)]
            cluster.daemon_log(node, "policy", previous=previous).add(*lines)
        seen = Seen(world.ago(hours=3), world.ago(0.5), 400)
        return cluster.keeps_crashing("kube-system", pod.name, "policy", seen)

    return Scenario(
        name="felix-may-not-list",
        title="Felix may not list services",
        symptom="NetworkPolicies are not applied on this node, the Terway pod is 1/2.",
        node=node,
        build=build,
        truth=Truth(
            category="permission",
            also=("component_down", "configuration"),
            facts=("cannot list resource", "policy", node),
            forbidden=("IpNotEnough", "exhaust", "Forbidden.RAM", "RAM policy"),
        ),
    )


def renamed(world: World) -> Scenario:
    """The host was renamed; the daemon still looks for the node under its former name."""
    shop, pod = asked(world)
    node = world.node(21)
    fatal = "error init k8s: error retrieving node spec for 'worker-old-07': nodes \"worker-old-07\" not found"

    def build() -> ClusterBuilder:
        cluster = waiting_shop(world, "renamed", local(world), error=REFUSED, counts=(0, 2), minutes=25, enough=None)
        return crash_loops(cluster, node, fatal, restarts=8)

    return Scenario(
        name="renamed",
        title="A node under a new name",
        symptom=f"{shop}/{pod}: eni.socket connection refused, since the host was rebuilt.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="configuration",
            also=("node_runtime", "component_down"),
            facts=("worker-old-07", node),
            forbidden=("IpNotEnough", "exhaust", "Forbidden", "bug"),
        ),
    )


def key_switched_off(world: World) -> Scenario:
    """Nobody names a pod: several nodes fail to create ENIs with a key that was switched off."""

    def build() -> ClusterBuilder:
        cluster = waiting_shop(world, "key-switched-off", local(world))
        error = openapi("InvalidAccessKeyId.Inactive", "Specified access key is disabled.")
        for host in (21, 22, 23):
            create_fails(cluster, world.node(host), error, Seen(world.ago(28), world.ago(1 + host % 3), 6), error)
        return cluster

    return Scenario(
        name="key-switched-off",
        title="A key that was switched off",
        symptom="New pods in several namespaces hang since this morning.",
        build=build,
        truth=Truth(
            category="permission",
            facts=("InvalidAccessKeyId.Inactive",),
            forbidden=("IpNotEnough", "exhaust", "bug", "throttl"),
        ),
    )


def words_of_2020(world: World) -> Scenario:
    """A daemon of 2020: logrus lines with the old API error, no events about nodes at all."""
    shop, pod = asked(world)
    node, vswitch = world.node(21), world.vswitch("h")

    def build() -> ClusterBuilder:
        terway = Terway(
            release="v1.2.1", ipam="local", controlplane="absent", virtual_type="veth", kubernetes="v1.16.9-aliyun.1"
        )
        error = f"{RPC}error get allocated eniip for pod, no available resource"
        cluster = waiting_shop(world, "words-of-2020", terway, error=error, enough=None)
        for moment in Seen(world.ago(28), world.ago(2), 8).moments():
            api = (
                f"Aliyun API Error: RequestId: {world.ids.request_id(moment)} Status Code: 403 Code: "
                f'InvalidVSwitchId.IpNotEnough Message: The specified VSwitch \\"{vswitch}\\" has not enough IpAddress.'
            )
            said = f'level=warning msg="Assign private ip address failed: {api}, retrying"'
            cluster.daemon_says(node, Line(moment, f'time="{moment:%Y-%m-%dT%H:%M:%SZ}" {said}'))
        return cluster

    return Scenario(
        name="words-of-2020",
        title="A log of 2020",
        symptom=f"{shop}/{pod}: no available resource, very old cluster.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="resource_exhaustion",
            facts=("InvalidVSwitchId.IpNotEnough", node),
            forbidden=("Forbidden.RAM", "permission", "bug"),
        ),
    )


def portmap_behind(world: World) -> Scenario:
    """Terway did its part; portmap, chained behind it, cannot write its rules."""
    shop, pod = asked(world)
    node, web = world.node(21), world.app("web")
    text = (
        "Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox "
        '"{sandbox}": plugin type="portmap" failed (add): unable to setup DNAT: running [/usr/sbin/iptables -t nat -C '
        "CNI-DN-0f -p tcp --dport 8080 -j DNAT --wait]: exit status 4: iptables: Resource temporarily unavailable."
    )

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "portmap-behind", central(world))
        cluster.node(node, kind="ecs.g7.2xlarge")
        since = world.ago(19)
        cluster.deployment(shop, web, running={node: 2}, creating={node: 1}, since=since)
        reserve(cluster, cluster.pods[shop, pod])
        cluster.scheduled(shop, pod)
        return kubelet_says(cluster, (shop, pod), "FailedCreatePodSandBox", text, Seen(since, world.ago(0.6), 14))

    return Scenario(
        name="portmap-behind",
        title="The plugin behind Terway",
        symptom=f"{shop}/{pod} with a hostPort fails with a CNI error.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="not_terway",
            also=("node_runtime", "datapath"),
            facts=("portmap", pod),
            forbidden=(*INNOCENT, "controlplane assigns"),
        ),
    )


def clone_set(world: World) -> Scenario:
    """A CloneSet's trunk pod on a node in a zone for which its PodNetworking has no vSwitch."""
    shop, app = world.namespace("shop"), world.app("db")
    pod, node = f"{app}-x7kqp", world.node(21)
    other = world.vswitch("j")
    error = (
        "error parse config, error parse pod annotation, "
        f"no available vSwitch for zone {world.zone('h')}, vswList [{other}]"
    )

    def build() -> ClusterBuilder:
        cluster = trunk_cluster(world, "clone-set")
        owner = Owner("CloneSet", app, world.ids.uid("cloneset", app), "apps.kruise.io/v1alpha1")
        container = Container(app, cluster.app_image(app), waiting("ContainerCreating"))
        annotations = trunk_annotations(world, other, "pn-db")
        cluster.pod(shop, pod, node, [container], world.ago(21), owner=owner, annotations=annotations)
        pod_create_fails(cluster, (shop, pod), error, Seen(world.ago(20), world.ago(2), 9))
        return hang(cluster, shop, app, every=4)

    return Scenario(
        name="clone-set",
        title="A CloneSet in the wrong zone",
        symptom=f"{shop}/{pod}: error parse pod annotation. Our annotation is valid JSON!",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="configuration",
            facts=("no available vSwitch for zone", pod),
            forbidden=("malformed", "invalid JSON", "no free IP", "Forbidden.RAM", "bug"),
        ),
    )


def no_json_at_all(world: World) -> Scenario:
    """Docker days: the kubelet could not read what the plugin answered, and nothing says why."""
    shop, pod = asked(world)
    node, web = world.node(21), world.app("web")
    text = (
        "(combined from similar events): Failed to create pod sandbox: rpc error: code = Unknown desc = failed to set "
        f'up sandbox container "{{sandbox}}" network for pod "{pod}": networkPlugin cni failed to set up pod '
        f'"{pod}_{shop}" network: unexpected end of JSON input'
    )

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "no-json-at-all", local(world, "v1.0.9"))
        cluster.node(node, kind="ecs.g7.2xlarge", idle=3)
        since = world.ago(23)
        cluster.deployment(shop, web, running={node: 2}, creating={node: 1}, since=since)
        cluster.scheduled(shop, pod)
        return kubelet_says(cluster, (shop, pod), "FailedCreatePodSandBox", text, Seen(since, world.ago(0.6), 5))

    return Scenario(
        name="no-json-at-all",
        title="A plugin that answers nothing",
        symptom=f"{shop}/{pod}: unexpected end of JSON input, is eni-config broken?",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="insufficient_evidence",
            also=("terway_bug", "node_runtime", "component_down"),
            facts=("unexpected end of JSON input", pod),
            forbidden=("eni_conf", "eni-config", "IpNotEnough", "exhaust", "Forbidden.RAM"),
        ),
    )


def webhook_unanswered(world: World) -> Scenario:
    """The upgraded controlplane cannot pull its image; its validating webhook stops a Deployment."""
    shop, web = world.namespace("shop"), world.app("web")
    text = (
        'Internal error occurred: failed calling webhook "terway.validate.k8s.io": failed to call webhook: Post '
        '"https://terway-controlplane.kube-system.svc:443/validate?timeout=10s": no endpoints available for service '
        '"terway-controlplane"'
    )

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "webhook-unanswered", central(world), hosts=(21, 22, 23))
        cluster.deployment(shop, web, running={world.node(22): 2}, since=world.ago(days=3))
        cluster.workloads[shop, web].wanted = 4
        for index in range(2):
            pod = cluster.pods["kube-system", world.replica("terway-controlplane", index)]
            old, pod.created = pod.containers[0], world.ago(31)
            back = f'Back-off pulling image "{old.image}"'
            stopped = Container(old.name, old.image, waiting("ImagePullBackOff", back))
            pod.containers = replaced(pod.containers, stopped)
            ref = cluster.ref("kube-system", pod.name)
            cluster.event_kubelet(ref, Said("BackOff", back), Seen(world.ago(30), world.ago(0.5), 120))
        for key in [each for each in cluster.logs if each[1] == cluster.leader]:
            del cluster.logs[key]
        keep_events(cluster, lambda event: event["reason"] != "SyncOpenAPISuccess")
        cluster.controlplane_lease_renewed(32 * 60)
        owner = cluster.replica_set_of(shop, web)
        ref = Ref("ReplicaSet", owner.name, shop, owner.uid, "apps/v1", "55100")
        seen = Seen(world.ago(27), world.ago(1), 15)
        return cluster.event_controller(
            "replicaset-controller", ref, Said("FailedCreate", f"Error creating: {text}"), seen
        )

    return Scenario(
        name="webhook-unanswered",
        title="A webhook nobody answers",
        symptom=f"Deployment {shop}/{web} cannot be scaled.",
        namespace=shop,
        workload=f"deployment/{web}",
        build=build,
        truth=Truth(
            category="component_down",
            also=("configuration",),
            facts=("terway.validate.k8s.io", "terway-controlplane"),
            forbidden=("exhaust", "IpNotEnough", "denied", "Forbidden.RAM"),
        ),
    )


def old_kernel_joined(world: World) -> Scenario:
    """Nobody names anything: among many unrelated warnings, one node whose init container refuses the kernel."""

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "old-kernel-joined", central(world))
        node = new_node(cluster, 21, 35)
        cluster.nodes[node].kernel = "4.19.91-26.al7.x86_64"
        said = "error: failed process input: unsupport kernel version, require >=5.10"
        pod = cluster.terway_pod(node)
        died = terminated("Error", 1, world.ago(2), world.ago(1.9))
        blocked = waiting("PodInitializing")
        rest = [Container(each.name, each.image, blocked) for each in pod.main_containers]
        pod.containers = [crash_looping(pod, "terway-init", died, 10), *rest]
        cluster.daemon_log(node, "terway-init").add(Line(world.ago(1.95), said))
        cluster.daemon_log(node, "terway-init", previous=True).add(Line(world.ago(7), said))
        seen = Seen(world.ago(33), world.ago(0.4), 90)
        cluster.scheduled("kube-system", pod.name).keeps_crashing("kube-system", pod.name, "terway-init", seen)
        first = next(key for key in cluster.pods if key[0] == world.namespace("payments"))
        text = "Readiness probe failed: HTTP probe failed with statuscode: 500"
        kubelet_says(cluster, first, "Unhealthy", text, Seen(world.ago(200), world.ago(160), 3))
        hint = "Memory cgroup out of memory: Killed process 8112 (java)"
        other = world.node(22)
        oom = Seen(world.ago(180), world.ago(170), 2)
        return cluster.event_kubelet(cluster.ref_kubelet_node(other), Said("OOMKilling", hint), oom, other)

    return Scenario(
        name="old-kernel-joined",
        title="A node with an old kernel among other noise",
        symptom="Something is wrong with the network of the new node pool.",
        build=build,
        truth=Truth(
            category="configuration",
            also=("datapath", "node_runtime", "component_down"),
            facts=("unsupport kernel version", world.node(21)),
            forbidden=("exhaust", "IpNotEnough", "Forbidden.RAM", "OOM"),
        ),
    )


def disks_per_instance(world: World) -> Scenario:
    """An OpenAPI code that is a limit, but of disks: the CSI driver's, not Terway's."""
    shop, pod = asked(world)
    node, web = world.node(21), world.app("web")
    text = (
        'AttachVolume.Attach failed for volume "d-bp1a9" : rpc error: code = Internal desc = SDK.ServerError '
        "ErrorCode: InstanceDiskLimitExceeded Recommend: RequestId: 7C1E0A55-33B7-5D0C-9F5A-0B1C2D3E4F50 "
        "Message: The amount of the disk on instance in question reach its limits."
    )

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "disks-per-instance", central(world))
        cluster.node(node, kind="ecs.g7.2xlarge", idle=3)
        since = world.ago(24)
        cluster.deployment(shop, web, running={node: 3}, creating={node: 1}, since=since)
        reserve(cluster, cluster.pods[shop, pod])
        cluster.scheduled(shop, pod)
        seen = Seen(since, world.ago(1), 13)
        return cluster.event_controller(
            "attachdetach-controller", cluster.ref(shop, pod), Said("FailedAttachVolume", text), seen
        )

    return Scenario(
        name="disks-per-instance",
        title="A limit of disks",
        symptom=f"{shop}/{pod} in ContainerCreating with an ECS limit error, ENI limit?",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="not_terway",
            facts=("InstanceDiskLimitExceeded", pod),
            forbidden=(*INNOCENT, "ENI limit", "ENI quota"),
        ),
    )


def balancer_throttled(world: World) -> Scenario:
    """The cloud controller manager is throttled at a load balancer; every pod is up."""
    shop, _ = asked(world)
    web = world.app("web")
    text = (
        "Error syncing load balancer: ErrorCode: Throttling.User, Message: Request was denied due to user flow "
        "control., RequestId: 11C9F1B0-7D6F-5B2A-A4C8-CC11DD22EE33"
    )

    def build() -> ClusterBuilder:
        cluster = serving_shop(world, "balancer-throttled")
        ref = Ref("Service", web, shop, world.ids.uid("service", shop, web), "v1", "72111")
        seen = Seen(world.ago(35), world.ago(2), 17)
        return cluster.event_controller("service-controller", ref, Said("SyncLoadBalancerFailed", text), seen)

    return Scenario(
        name="balancer-throttled",
        title="Throttled at the load balancer",
        symptom=f"{shop}/{web} is not reachable from outside; we see Throttling.User.",
        namespace=shop,
        workload=f"deployment/{web}",
        build=build,
        truth=Truth(
            category="not_terway",
            also=("healthy", "insufficient_evidence"),
            facts=(web,),
            forbidden=("exhaust", "IpNotEnough", "Forbidden.RAM", "bug", "CreateNetworkInterface"),
        ),
    )


INCIDENTS = (
    felix_may_not_list,
    renamed,
    key_switched_off,
    words_of_2020,
    portmap_behind,
    clone_set,
    no_json_at_all,
    webhook_unanswered,
    old_kernel_joined,
    disks_per_instance,
    balancer_throttled,
)
"""All incidents of this module."""
