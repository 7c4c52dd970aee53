"""Daemons that cannot start, are not there at all, or are being replaced."""

from terway_mcp.cluster import resources
from terway_mcp.cluster.scenarios import system, terway_pods
from terway_mcp.cluster.scenarios.builder import ClusterBuilder
from terway_mcp.cluster.scenarios.clock import Seen
from terway_mcp.cluster.scenarios.events import Said
from terway_mcp.cluster.scenarios.logs import Line
from terway_mcp.cluster.scenarios.plots import REFUSED
from terway_mcp.cluster.scenarios.pods import Container, terminated, waiting
from terway_mcp.cluster.scenarios.profile import Json
from terway_mcp.cluster.scenarios.scenario import Scenario, Truth
from terway_mcp.cluster.scenarios.world import World
from tests.scenarios.incidents.stage import cronjob_pods_keep_coming, fresh_and_broken, reserve

from .stage import (
    central,
    cni_conf,
    crash_loops,
    daemon_command,
    hang,
    init_loops,
    local,
    new_node,
    openapi,
    ordinary_cluster,
    stuck,
)

_NOT_CAPACITY = ("exhaust", "IpNotEnough", "Forbidden.RAM", "bug")


def image_not_pulled(world: World) -> Scenario:
    """The node cannot pull Terway's image: init never ran, the CNI was never initialised."""
    node = world.node(31)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "image-not-pulled", central(world), hosts=(21, 22, 23))
        new_node(cluster, 31, 28)
        pod, image = cluster.terway_pod(node), cluster.terway.image
        cause = (
            f'failed to pull and unpack image "{image}": failed to resolve reference "{image}": failed to do request: '
            f'Head "https://registry-cn-hangzhou-vpc.ack.aliyuncs.com/v2/acs/terway/manifests/{cluster.terway.release}"'
            ": dial tcp 100.103.9.188:443: i/o timeout"
        )
        state = waiting("ImagePullBackOff", f'Back-off pulling image "{image}": ErrImagePull: {cause}')
        blocked = waiting("PodInitializing")
        rest = [Container(each.name, each.image, blocked) for each in pod.main_containers]
        pod.containers = [Container("terway-init", image, state, init=True), *rest]
        ref = cluster.ref("kube-system", pod.name)
        cluster.scheduled("kube-system", pod.name)
        cluster.event_kubelet(
            ref, Said("Failed", f'Failed to pull image "{image}": {cause}'), Seen(world.ago(27), world.ago(3), 9)
        )
        back = Said("BackOff", f'Back-off pulling image "{image}"')
        return cluster.event_kubelet(ref, back, Seen(world.ago(27), world.ago(0.3), 111))

    return Scenario(
        name="image-not-pulled",
        title="Terway's own image cannot be pulled",
        symptom="A node in a new subnet stays NotReady: cni plugin not initialized.",
        namespace=world.namespace("shop"),
        pod=world.replica(world.app("web"), 0),
        node=node,
        build=build,
        truth=Truth(
            category="component_down",
            also=("node_runtime",),
            facts=("ImagePullBackOff", "terway", node),
            forbidden=(*_NOT_CAPACITY, "kernel"),
        ),
    )


def ipvlan_refused(world: World) -> Scenario:
    """`eniip_virtual_type: ipvlan` on a release that has no ipvlan any more."""
    node = world.node(31)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "ipvlan-refused", central(world, "v1.16.6", "v1.17.2"), hosts=(21, 22, 23))
        cni_conf(
            cluster,
            '{\n  "cniVersion": "0.4.0",\n  "name": "terway",\n  "type": "terway",\n'
            '  "eniip_virtual_type": "IPVlan",\n  "network_policy_provider": "iptables"\n}\n',
        )
        new_node(cluster, 31, 24)
        return init_loops(
            cluster, node, "+ terway-cli cni /tmp/10-terway.conf", "error: failed process input: ipvlan is unsupported"
        )

    return Scenario(
        name="ipvlan-refused",
        title="ipvlan is unsupported",
        symptom="After the upgrade new nodes stay NotReady, Terway's pod shows Init:CrashLoopBackOff.",
        node=node,
        build=build,
        truth=Truth(
            category="configuration",
            facts=("ipvlan is unsupported", "eniip_virtual_type", node),
            forbidden=(*_NOT_CAPACITY, "image pull"),
        ),
    )


def provider_misspelt(world: World) -> Scenario:
    """`network_policy_provider: cilium` is none of the two values there are."""
    node = world.node(31)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "provider-misspelt", central(world), hosts=(21, 22, 23))
        cni_conf(
            cluster,
            '{\n  "cniVersion": "0.4.0",\n  "name": "terway",\n  "type": "terway",\n'
            '  "eniip_virtual_type": "datapathv2",\n  "network_policy_provider": "cilium"\n}\n',
        )
        new_node(cluster, 31, 33)
        return init_loops(cluster, node, "+ terway-cli policy", "error: network_policy_provider type error")

    return Scenario(
        name="provider-misspelt",
        title="A policy provider that does not exist",
        symptom="Since somebody worked on network policies, nodes that join do not become Ready.",
        namespace=world.namespace("shop"),
        pod=world.replica(world.app("web"), 0),
        node=node,
        build=build,
        truth=Truth(
            category="configuration",
            facts=("network_policy_provider", node),
            forbidden=(*_NOT_CAPACITY, "kernel"),
        ),
    )


def gate_misspelt(world: World) -> Scenario:
    """A feature gate with a typo: the daemon exits before it reads anything else; running nodes go one by one."""
    shop, cart, node = world.namespace("shop"), world.app("cart"), world.node(21)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "gate-misspelt", central(world))
        cluster.node(node, kind="ecs.g7.2xlarge", serving=False)
        stuck(cluster, (shop, cart, node), (6, 2), 13)
        daemon_command(
            cluster, "-log-level", "info", "-daemon-mode", "ENIMultiIP", "--feature-gates=AutoDatapathV3=true"
        )
        hang(cluster, shop, cart, REFUSED, every=0.5)
        cluster.terway_pod(node).created = world.ago(15)
        return crash_loops(
            cluster, node, "unable to set feature gates: unrecognized feature gate: AutoDatapathV3", restarts=7
        )

    return Scenario(
        name="gate-misspelt",
        title="A feature gate that does not exist",
        symptom=f"{shop}/{cart}: connection refused on eni.socket on the first node of a rollout.",
        namespace=shop,
        pod=world.replica(cart, 0),
        build=build,
        truth=Truth(
            category="configuration",
            also=("component_down",),
            facts=("feature gate", "AutoDatapathV3", node),
            forbidden=_NOT_CAPACITY,
        ),
    )


def second_daemon(world: World) -> Scenario:
    """An old DaemonSet was left behind; its terwayd holds the lock, the new one cannot start."""
    shop, web, node = world.namespace("shop"), world.app("web"), world.node(21)

    def build() -> ClusterBuilder:
        terway = central(world, "v1.16.6", "v1.17.2")
        cluster = ordinary_cluster(world, "second-daemon", terway)
        cluster.node(node, kind="ecs.g7.2xlarge", serving=False)
        stuck(cluster, (shop, web, node), (5, 2), 18)
        for name in list(cluster.nodes):
            twin = terway_pods.daemon_pod(
                world, type(terway)(release="v1.9.9", daemonset="terway"), cluster.nodes[name]
            )
            cluster.pods["kube-system", twin.name] = twin
        image = "registry-cn-hangzhou-vpc.ack.aliyuncs.com/acs/terway:v1.9.9"
        cluster.has(resources.DAEMONSETS, system.daemon_set(world, "terway", image, (3, 3), terway))
        hang(cluster, shop, web, every=4)
        text = "failed to acquire lock: timed out waiting for file lock /var/run/eni/terwayd.lock"
        cluster.terway_pod(node).created = world.ago(20)
        return crash_loops(cluster, node, text, restarts=8)

    return Scenario(
        name="second-daemon",
        title="Two Terway daemons on one node",
        symptom=f"After the migration to a new chart terway-eniip does not start on a node; {shop}/{web} hangs there.",
        namespace=shop,
        pod=world.replica(web, 0),
        node=node,
        build=build,
        truth=Truth(
            category="configuration",
            also=("component_down",),
            facts=("terwayd.lock", node),
            forbidden=(*_NOT_CAPACITY, "overloaded"),
        ),
    )


def ipv6_alone(world: World) -> Scenario:
    """`ip_stack: ipv6` passes the validator and stops the daemon."""
    node = world.node(31)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "ipv6-alone", local(world, "v1.14.3", "v1.16.6"), hosts=(21, 22, 23))
        cluster.eni_conf(ip_stack="ipv6")
        new_node(cluster, 31, 22)
        return crash_loops(cluster, node, "failed parse config: unsupported ipStack ipv6 in configMap", restarts=8)

    return Scenario(
        name="ipv6-alone",
        title="IPv6 without IPv4",
        symptom="We switched to IPv6 and the first new node does not come up.",
        node=node,
        build=build,
        truth=Truth(
            category="configuration",
            facts=("unsupported ipStack ipv6", node),
            forbidden=(*_NOT_CAPACITY, "kernel"),
        ),
    )


def no_service_cidr(world: World) -> Scenario:
    """A self-built cluster that is not kubeadm's: the daemon cannot find out the Service range."""
    node = world.node(31)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "no-service-cidr", local(world), hosts=(21, 22, 23))
        cluster.eni_conf(service_cidr=None).config_map("ack-cluster-profile", None)
        new_node(cluster, 31, 37)
        cause = 'configmaps "kubeadm-config" not found'
        return crash_loops(cluster, node, f"error init k8s: error retrieving service cidr: {cause}", restarts=11)

    return Scenario(
        name="no-service-cidr",
        title="Nobody told Terway the Service range",
        symptom="Terway crashes on a new node of our k3s cluster.",
        node=node,
        build=build,
        truth=Truth(
            category="configuration",
            facts=("error retrieving service cidr", node),
            forbidden=_NOT_CAPACITY,
        ),
    )


def account_without_rights(world: World) -> Scenario:
    """Terway's ClusterRole lost its rights on nodes: the daemon may not read its own node."""
    shop, cart, node = world.namespace("shop"), world.app("cart"), world.node(21)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "account-without-rights", central(world))
        cluster.node(node, kind="ecs.g7.2xlarge", serving=False)
        stuck(cluster, (shop, cart, node), (4, 2), 15)
        hang(cluster, shop, cart, REFUSED, every=0.6)
        rules: list[Json] = [
            {"apiGroups": [""], "resources": ["pods", "namespaces", "configmaps"], "verbs": ["get", "list", "watch"]},
            {"apiGroups": ["", "events.k8s.io"], "resources": ["events"], "verbs": ["create", "patch", "update"]},
            {"apiGroups": ["network.alibabacloud.com"], "resources": ["*"], "verbs": ["*"]},
        ]
        cluster.change(resources.CLUSTERROLES, "terway", {"rules": rules})
        text = (
            f"error init k8s: error retrieving node spec for '{node}': nodes \"{node}\" is forbidden: "
            'User "system:serviceaccount:kube-system:terway" cannot get resource "nodes" in API group "" '
            "at the cluster scope"
        )
        cluster.terway_pod(node).created = world.ago(17)
        return crash_loops(cluster, node, text, restarts=8)

    return Scenario(
        name="account-without-rights",
        title="Terway may not read nodes",
        symptom=f"After a security review Terway restarts on a node; {shop}/{cart} gets connection refused.",
        namespace=shop,
        pod=world.replica(cart, 0),
        build=build,
        truth=Truth(
            category="permission",
            facts=("cannot get resource", "system:serviceaccount:kube-system:terway", node),
            forbidden=("RAM role", "RAM policy", "exhaust", "IpNotEnough", "bug"),
        ),
    )


def eip_pool_left(world: World) -> Scenario:
    """A setting of an old release that newer ones refuse."""
    node = world.node(31)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "eip-pool-left", local(world, "v1.14.3", "v1.16.6"), hosts=(21, 22, 23))
        cluster.eni_conf(enable_eip_pool="true")
        new_node(cluster, 31, 26)
        return crash_loops(cluster, node, "eip pool is not supported", restarts=8)

    return Scenario(
        name="eip-pool-left",
        title="A setting that was removed",
        symptom="We upgraded Terway; on nodes that restart it crashes.",
        node=node,
        build=build,
        truth=Truth(
            category="configuration",
            facts=("eip pool is not supported", node),
            forbidden=(*_NOT_CAPACITY, "kernel"),
        ),
    )


def node_ignored(world: World) -> Scenario:
    """The node is labelled to be left alone by Terway; pods that need its network were scheduled there."""
    shop, web, node, label = (
        world.namespace("shop"),
        world.app("web"),
        world.node(31),
        "k8s.aliyun.com/ignore-by-terway",
    )

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "node-ignored", central(world), hosts=(21, 22, 23))
        fresh_and_broken(cluster, 31, minutes=51)
        cluster.nodes[node].labels[label] = "true"
        cluster.nodes[node].custom_resource = "absent"
        cluster.without_terway_pod(node)
        stays_away: Json = {"key": label, "operator": "NotIn", "values": ["true"]}
        terms: Json = {"nodeSelectorTerms": [{"matchExpressions": [stays_away]}]}
        affinity: Json = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}
        patch: Json = {"spec": {"template": {"spec": {"affinity": affinity}}}}
        cluster.change(resources.DAEMONSETS, "terway-eniip", patch, "kube-system")
        cluster.deployment(shop, web, running={world.node(22): 2}, creating={node: 2}, since=world.ago(30))
        for index in range(2):
            cluster.network_not_ready(shop, world.replica(web, index), Seen(world.ago(30), world.ago(0.2), 140))
        return cluster

    return Scenario(
        name="node-ignored",
        title="A node Terway was told to ignore",
        symptom=f"{shop}/{web} does not start on a node: cni plugin not initialized, and there is no Terway pod.",
        namespace=shop,
        pod=world.replica(web, 0),
        build=build,
        truth=Truth(
            category="configuration",
            facts=("ignore-by-terway", node),
            forbidden=(*_NOT_CAPACITY, "image pull"),
        ),
    )


def taint_keeps_it_away(world: World) -> Scenario:
    """The DaemonSet was given its own tolerations and no longer tolerates the taint of the GPU pool."""
    shop, cart, node = world.namespace("shop"), world.app("cart"), world.node(31)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "taint-keeps-it-away", central(world), hosts=(21, 22, 23))
        fresh_and_broken(cluster, 31, minutes=44)
        cluster.nodes[node].taints.append({"key": "dedicated", "value": "gpu", "effect": "NoSchedule"})
        cluster.without_terway_pod(node)
        tolerations: list[Json] = [{"key": "node.kubernetes.io/not-ready", "operator": "Exists"}]
        patch: Json = {"spec": {"template": {"spec": {"tolerations": tolerations}}}}
        cluster.change(resources.DAEMONSETS, "terway-eniip", patch, "kube-system")
        cluster.deployment(shop, cart, running={world.node(22): 1}, creating={node: 2}, since=world.ago(40))
        for index in range(2):
            cluster.network_not_ready(shop, world.replica(cart, index), Seen(world.ago(40), world.ago(0.2), 180))
        said = Said("NodeNotReady", f"Node {node} status is now: NodeNotReady", warning=False)
        return cluster.event_kubelet(cluster.ref_kubelet_node(node), said, Seen.once(world.ago(44)), node)

    return Scenario(
        name="taint-keeps-it-away",
        title="A taint the DaemonSet does not tolerate",
        symptom="GPU nodes stay NotReady since the add-on was re-installed: cni plugin not initialized.",
        namespace=shop,
        pod=world.replica(cart, 0),
        node=node,
        build=build,
        truth=Truth(
            category="component_down",
            also=("configuration",),
            facts=("dedicated", "terway-eniip", node),
            forbidden=(*_NOT_CAPACITY, "kernel"),
        ),
    )


def upgrade_passed_by(world: World) -> Scenario:
    """While the DaemonSet was rolled out the socket refused for a minute; the pod runs since."""
    shop, web, node = world.namespace("shop"), world.app("web"), world.node(21)
    pod = world.replica(web, 0)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "upgrade-passed-by", central(world))
        cluster.node(node, kind="ecs.g7.2xlarge")
        daemon = cluster.terway_pod(node)
        daemon.created = world.ago(13)
        daemon.containers = terway_pods.healthy_containers(cluster.terway, world.ago(12.8))
        cluster.scheduled("kube-system", daemon.name)
        cluster.deployment(shop, web, running={node: 2}, since=world.ago(14))
        for index in range(2):
            name = world.replica(web, index)
            seen = Seen(world.ago(13.9), world.ago(12.9), 5)
            cluster.no_network(shop, name, REFUSED, seen, reported=False)
            cluster.got_address(shop, name, Seen.once(world.ago(12.5)))
            cluster.pods[shop, name].containers = [cluster.app_container(web, world.ago(12.4))]
        return cluster

    return Scenario(
        name="upgrade-passed-by",
        title="A minute without a socket",
        symptom=f"{shop}/{pod} shows FailedCreatePodSandBox, connection refused, from the time of the upgrade.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="healthy",
            facts=("AllocIPSucceed", node),
            forbidden=("is down", "bug", "exhaust", "Forbidden.RAM"),
        ),
    )


def cannot_be_deleted(world: World) -> Scenario:
    """The daemon is dead, so pods cannot give their network back: they hang in Terminating."""
    shop, cart, node = world.namespace("shop"), world.app("cart"), world.node(21)
    pod = world.replica(cart, 0)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "cannot-be-deleted", central(world))
        cluster.node(node, kind="ecs.g7.4xlarge", serving=False)
        cluster.deployment(shop, cart, running={node: 8}, since=world.ago(days=1))
        daemon = cluster.terway_pod(node)
        died = terminated("OOMKilled", 137, world.ago(6), world.ago(3.4))
        cluster.terway_containers(node, terway_pods.crash_looping(daemon, "terway", died, restarts=10))
        cronjob_pods_keep_coming(cluster, node, 3.4, previous=False)
        cluster.keeps_crashing("kube-system", daemon.name, "terway", Seen(world.ago(38), world.ago(0.3), 120))
        for index in range(2):
            name = world.replica(cart, index)
            mine = cluster.pods[shop, name]
            mine.deleted = world.ago(22)
            unreachable = REFUSED.partition("error alloc ip ")[2]
            text = (
                'error killing pod: failed to "KillPodSandbox" with KillPodSandboxError: "rpc error: code = Unknown '
                'desc = failed to destroy network for sandbox \\"{sandbox}\\": plugin type=\\"terway\\" failed '
                f'(delete): failed to do del; error get ip from terway, pod {shop}/{name}, {unreachable}"'
            )
            cluster.event_kubelet(
                cluster.ref(shop, name), Said("FailedKillPod", text), Seen(world.ago(22), world.ago(0.5), 90)
            )
        return cluster

    return Scenario(
        name="cannot-be-deleted",
        title="Pods that stay Terminating",
        symptom=f"{shop}/{pod} has been Terminating for twenty minutes.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="node_runtime",
            also=("component_down",),
            facts=("OOMKilled", "FailedKillPod", node),
            forbidden=("exhaust", "IpNotEnough", "Forbidden.RAM", "finalizer"),
        ),
    )


def plugin_binary_gone(world: World) -> Scenario:
    """Somebody cleaned /opt/cni/bin on a running node; the daemon itself is fine."""
    shop, web, node = world.namespace("shop"), world.app("web"), world.node(21)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "plugin-binary-gone", central(world))
        cluster.node(node, kind="ecs.g7.2xlarge", serving=False)
        stuck(cluster, (shop, web, node), (4, 2), 20)
        text = (
            "Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox "
            '"{sandbox}": plugin type="terway" failed (add): failed to find plugin "terway" in path [/opt/cni/bin]'
        )
        for index in range(2):
            pod = cluster.pods[shop, world.replica(web, index)]
            reserve(cluster, pod)
            cluster.scheduled(shop, pod.name)
            said = Said("FailedCreatePodSandBox", text)
            cluster.event_kubelet(cluster.ref(shop, pod.name), said, Seen(world.ago(19.9), world.ago(0.3), 90))
        return cluster

    return Scenario(
        name="plugin-binary-gone",
        title="The CNI binary is missing",
        symptom=f"{shop}/{web} cannot start on a node that was hardened an hour ago.",
        namespace=shop,
        pod=world.replica(web, 0),
        build=build,
        truth=Truth(
            category="node_runtime",
            also=("component_down",),
            facts=("failed to find plugin", "/opt/cni/bin", node),
            forbidden=("exhaust", "IpNotEnough", "Forbidden.RAM", "bug"),
        ),
    )


def bad_duration(world: World) -> Scenario:
    """A duration without a unit: the daemon cannot reconcile its node, and there is no event for that."""
    shop, web, node = world.namespace("shop"), world.app("web"), world.node(31)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "bad-duration", central(world))
        cluster.eni_conf(idle_ip_reclaim_after="30")
        cluster.node(node, age_days=0.04, custom_resource="capabilities", sufficient_ip=None, serving=False)
        stuck(cluster, (shop, web, node), (0, 3), 35)
        hang(cluster, shop, web, every=6)
        text = 'time: missing unit in duration "30"'
        for name, start in ((node, 56), (world.node(22), 70), (world.node(23), 69)):
            about = {"err": text, "controller": "node", "name": name, "reconcileID": world.ids.uid("rec", name)}
            line = Line(world.ago(start), "Reconciler error", "E", "controller.go:347", about)
            cluster.daemon_says(name, *cluster.repeat(Seen(world.ago(start), world.ago(1), 25), line))
        return cluster

    return Scenario(
        name="bad-duration",
        title="A duration without a unit",
        symptom=f"{shop}/{web} gets no address on a new node; there is not a single event about it.",
        namespace=shop,
        pod=world.replica(web, 0),
        build=build,
        truth=Truth(
            category="configuration",
            facts=("missing unit in duration", "idle_ip_reclaim_after", node),
            forbidden=("exhaust", "IpNotEnough", "Forbidden.RAM", "bug"),
        ),
    )


def worst_suspect(world: World) -> Scenario:
    """No target is given: of everything in the cluster one daemon is in trouble."""
    node = world.node(21)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "worst-suspect", central(world), hosts=(22, 23, 24))
        cluster.node(node, kind="ecs.g7.2xlarge", serving=False)
        shop, web = world.namespace("shop"), world.app("web")
        cluster.deployment(shop, web, running={node: 4, world.node(22): 2}, creating={node: 2}, since=world.ago(16))
        hang(cluster, shop, web, REFUSED, every=0.6)
        error = openapi("InvalidAccessKeyId.NotFound", "Specified access key is not found.")
        text = f"error get attached eni, {error}".replace("{request_id}", world.ids.request_id("worst"))
        cluster.terway_pod(node).created = world.ago(18)
        return crash_loops(cluster, node, text, restarts=8)

    return Scenario(
        name="worst-suspect",
        title="A question about nothing in particular",
        symptom="Something with the network is off since noon, please have a look.",
        build=build,
        truth=Truth(
            category="permission",
            also=("configuration",),
            facts=("InvalidAccessKeyId.NotFound", node),
            forbidden=("exhaust", "IpNotEnough", "healthy", "bug"),
        ),
    )
