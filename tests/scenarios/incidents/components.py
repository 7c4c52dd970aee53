"""Terway's own processes that do not run, or not always."""

from datetime import timedelta

from terway_mcp.cluster import resources
from terway_mcp.cluster.scenarios.background import ordinary_cluster
from terway_mcp.cluster.scenarios.builder import ClusterBuilder
from terway_mcp.cluster.scenarios.clock import Seen
from terway_mcp.cluster.scenarios.events import Said
from terway_mcp.cluster.scenarios.logs import Line
from terway_mcp.cluster.scenarios.plots import DEADLINE, REFUSED
from terway_mcp.cluster.scenarios.pods import terminated
from terway_mcp.cluster.scenarios.profile import Terway
from terway_mcp.cluster.scenarios.scenario import Scenario, Truth
from terway_mcp.cluster.scenarios.terway_pods import crash_looping, replaced, restarted, stuck_in_init
from terway_mcp.cluster.scenarios.world import World

from .stage import cronjob_pods_keep_coming, fresh_and_broken, hang, reserve


def killed_now_and_then(world: World) -> Scenario:
    """The daemon on a crowded node is killed for memory again and again; in between it works."""
    shop, web, node = world.namespace("shop"), world.app("web"), world.node(21)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(
            world, "killed-now-and-then", Terway(release=world.pick("release", "v1.17.2", "v1.16.6"))
        )
        cluster.node(node, kind="ecs.g7.8xlarge")
        cluster.deployment(shop, web, running={node: 60}, creating={node: 4}, since=world.ago(40))
        pod = cluster.terway_pod(node)
        died = terminated("OOMKilled", 137, world.ago(13), world.ago(6.1))
        cluster.terway_containers(node, restarted(pod, "terway", died, world.ago(1.5), restarts=14))
        cronjob_pods_keep_coming(cluster, node, 6.1, previous=True)
        cluster.keeps_crashing("kube-system", pod.name, "terway", Seen(world.ago(55), world.ago(1.6), 61))
        for index in range(4):
            name = world.replica(web, index)
            reserve(cluster, cluster.pods[shop, name])
            cluster.no_network(shop, name, REFUSED, Seen(world.ago(39), world.ago(2), 14), reported=False)
            cluster.no_network(shop, name, DEADLINE, Seen(world.ago(35), world.ago(9), 3))
        return cluster

    return Scenario(
        name="killed-now-and-then",
        title="The daemon runs out of memory",
        symptom=f"New pods of {shop}/{web} fail with changing errors on one big node.",
        namespace=shop,
        pod=world.replica(web, 0),
        build=build,
        truth=Truth(
            category="node_runtime",
            also=("component_down",),
            facts=("OOMKilled", node),
            forbidden=("IpNotEnough", "Forbidden.RAM", "throttl", "exhaust"),
        ),
    )


def socket_refused(world: World) -> Scenario:
    """The daemon died of memory and is in back-off; its socket file is left and refuses connections."""
    shop, cart, node = world.namespace("shop"), world.app("cart"), world.node(21)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(
            world, "socket-refused", Terway(release=world.pick("release", "v1.16.6", "v1.17.2", "v1.17.1"))
        )
        cluster.node(node, kind="ecs.g7.4xlarge", serving=False)
        cluster.deployment(shop, cart, running={node: 20}, creating={node: 3}, since=world.ago(18))
        pod = cluster.terway_pod(node)
        died = terminated("OOMKilled", 137, world.ago(5), world.ago(3.2))
        cluster.terway_containers(node, crash_looping(pod, "terway", died, restarts=8))
        cronjob_pods_keep_coming(cluster, node, 3.2, previous=False)
        cronjob_pods_keep_coming(cluster, node, 9.0, previous=True)
        cluster.keeps_crashing("kube-system", pod.name, "terway", Seen(world.ago(29), world.ago(0.4), 88))
        return hang(cluster, shop, cart, REFUSED, every=0.6)

    return Scenario(
        name="socket-refused",
        title="The daemon's socket refuses connections",
        symptom=f"{shop}/{cart} pods: dial unix /var/run/eni/eni.socket: connect: connection refused.",
        namespace=shop,
        pod=world.replica(cart, 0),
        build=build,
        truth=Truth(
            category="node_runtime",
            also=("component_down",),
            facts=("OOMKilled", "connection refused", node),
            forbidden=("IpNotEnough", "Forbidden.RAM", "exhaust"),
        ),
    )


def policy_cannot_mount(world: World) -> Scenario:
    """AppArmor forbids the policy container to remount /proc/sys (Terway #756); addresses still work."""
    node = world.node(21)

    def build() -> ClusterBuilder:
        terway = Terway(release="v1.13.2", ipam="local", controlplane="absent", kubernetes="v1.30.4")
        cluster = ordinary_cluster(world, "policy-cannot-mount", terway)
        cluster.config_map("ack-cluster-profile", None)
        cluster.node(node, kernel="5.4.0-187-generic", os_image="Ubuntu 20.04.6 LTS")
        pod = cluster.terway_pod(node)
        started = world.ago(3)
        died = terminated("Error", 32, started, started + timedelta(seconds=1))
        cluster.terway_containers(node, crash_looping(pod, "policy", died, restarts=21))
        for previous, at in ((False, started), (True, world.ago(8.2))):
            cluster.daemon_log(node, "policy", previous=previous).add(
                Line(at, "Installing eBPF policy support"),
                Line(
                    at + timedelta(milliseconds=300),
                    "mount: /proc/sys: cannot remount none read-write: permission denied.",
                ),
            )
        cluster.keeps_crashing("kube-system", pod.name, "policy", Seen(world.ago(57), world.ago(0.6), 240))
        shop, web = world.namespace("shop"), world.app("web")
        cluster.deployment(shop, web, running={node: 2}, since=world.ago(31))
        for index in range(2):
            cluster.started(shop, world.replica(web, index))
        return cluster

    return Scenario(
        name="policy-cannot-mount",
        title="The policy container may not remount /proc/sys",
        symptom="The Terway pod on an Ubuntu node is 1/2 Ready.",
        node=node,
        build=build,
        truth=Truth(
            category="node_runtime",
            also=("permission", "component_down"),
            facts=("/proc/sys", "policy", node),
            forbidden=("NetworkPolicy rule", "IpNotEnough", "exhaust"),
        ),
    )


def metadata_blocked(world: World) -> Scenario:
    """A chaos experiment drops the node's traffic to the metadata service."""
    shop, cart, node = world.namespace("shop"), world.app("cart"), world.node(21)

    def build() -> ClusterBuilder:
        terway = Terway(
            release="v1.3.0", ipam="local", controlplane="absent", virtual_type="veth", kubernetes="v1.20.11-aliyun.1"
        )
        cluster = ordinary_cluster(world, "metadata-blocked", terway)
        cluster.node(node, kind="ecs.g7.2xlarge", idle=0, sufficient_ip=None, serving=False)
        cluster.deployment(shop, cart, running={node: 3}, creating={node: 2}, since=world.ago(22))
        hang(cluster, shop, cart, every=4)
        url = "http://100.100.100.200/latest/meta-data/network/interfaces/macs/"
        text = f'Get "{url}": dial tcp 100.100.100.200:80: i/o timeout'
        line = Line(world.ago(24), text, "E", "pool.go:598", {"subSys": "pool"})
        return cluster.daemon_says(node, *cluster.repeat(Seen(world.ago(24), world.ago(1), 31), line))

    return Scenario(
        name="metadata-blocked",
        title="The metadata service cannot be reached",
        symptom=f"Since the chaos tests pods of {shop}/{cart} do not start on one node.",
        namespace=shop,
        pod=world.replica(cart, 0),
        build=build,
        truth=Truth(
            category="node_runtime",
            facts=("100.100.100.200", "i/o timeout", node),
            forbidden=("access key", "bug", "exhaust"),
        ),
    )


def controlplane_down(world: World) -> Scenario:
    """Centralized IPAM whose controlplane panics at start: nobody assigns, and nobody reports."""
    shop, web, node = world.namespace("shop"), world.app("web"), world.node(21)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(
            world, "controlplane-down", Terway(release=world.pick("release", "v1.17.2", "v1.16.6"))
        )
        cluster.node(node, kind="ecs.g7.2xlarge", idle=0, serving=False)
        cluster.deployment(shop, web, running={node: 3}, creating={node: 3}, since=world.ago(31))
        hang(cluster, shop, web, every=5)
        # It has been down for longer than the everyday events of a healthy controlplane would reach back.
        cluster.events = [each for each in cluster.events if each["reason"] != "SyncOpenAPISuccess"]
        cluster.log("kube-system", cluster.leader, "terway-controlplane").lines.clear()
        for index in range(2):
            pod = cluster.pods["kube-system", world.replica("terway-controlplane", index)]
            died = terminated("Error", 2, world.ago(3), world.ago(2.9))
            pod.containers = replaced(pod.containers, crash_looping(pod, "terway-controlplane", died, restarts=17))
            for previous, at in ((False, world.ago(3)), (True, world.ago(8.1))):
                invalid = "Key: 'Config.VPCID' Error:Field validation for 'VPCID' failed on the 'required' tag"
                panic = f"panic: error parse /etc/config/ctrl-config.yaml: {invalid}"
                cluster.log("kube-system", pod.name, "terway-controlplane", previous=previous).add(
                    Line(at, panic), Line(at + timedelta(milliseconds=1), "goroutine 1 [running]:")
                )
            seen = Seen(world.ago(48), world.ago(0.8), 170)
            cluster.keeps_crashing("kube-system", pod.name, "terway-controlplane", seen)
        controllers = "controllers: ['*', node, multi-ip-node, multi-ip-pod]"
        broken = f'regionID: {world.region}\ncentralizedIPAM: true\nenableTrunk: false\n{controllers}\nvpcID: ""\n'
        cluster.config_map("terway-controlplane", {"ctrl-config.yaml": broken})
        return cluster.controlplane_lease_renewed(50 * 60)

    return Scenario(
        name="controlplane-down",
        title="The controlplane does not start",
        symptom=f"No new pod gets an address anywhere; {shop}/{web} is one of them.",
        namespace=shop,
        pod=world.replica(web, 0),
        build=build,
        truth=Truth(
            category="component_down",
            also=("configuration",),
            facts=("terway-controlplane", "CrashLoopBackOff"),
            forbidden=("IpNotEnough", "exhaust", "Forbidden.RAM"),
        ),
    )


def no_daemon_on_node(world: World) -> Scenario:
    """The DaemonSet was given a nodeSelector that the new node does not match."""
    shop, web, node = world.namespace("shop"), world.app("web"), world.node(31)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(
            world, "no-daemon-on-node", Terway(release=world.pick("release", "v1.17.2", "v1.16.6")), (21, 22, 23)
        )
        fresh_and_broken(cluster, 31, minutes=37)
        cluster.without_terway_pod(node)
        for host in (21, 22, 23):
            cluster.nodes[world.node(host)].labels["terway"] = "enabled"
        selector: dict[str, object] = {"spec": {"template": {"spec": {"nodeSelector": {"terway": "enabled"}}}}}
        cluster.change(resources.DAEMONSETS, "terway-eniip", selector, "kube-system")
        cluster.deployment(shop, web, running={world.node(21): 2}, creating={node: 2}, since=world.ago(33))
        for index in range(2):
            cluster.network_not_ready(shop, world.replica(web, index), Seen(world.ago(33), world.ago(0.2), 150))
        said = Said("NodeNotReady", f"Node {node} status is now: NodeNotReady", warning=False)
        return cluster.event_kubelet(cluster.ref_kubelet_node(node), said, Seen.once(world.ago(37)), node)

    return Scenario(
        name="no-daemon-on-node",
        title="No Terway pod on the node",
        symptom="A new node stays NotReady, cni plugin not initialized.",
        namespace=shop,
        pod=world.replica(web, 0),
        node=node,
        build=build,
        truth=Truth(
            category="component_down",
            also=("configuration",),
            facts=("cni plugin not initialized", node, "terway-eniip"),
            forbidden=("IpNotEnough", "exhaust", "bug", "kernel"),
        ),
    )


def kernel_too_old(world: World) -> Scenario:
    """A node image with kernel 4.19 under a release that asks for 5.10."""
    node, kernel = world.node(31), "4.19.91-27.7.al7.x86_64"

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(
            world, "kernel-too-old", Terway(release=world.pick("release", "v1.16.6", "v1.17.2", "v1.14.3"))
        )
        fresh_and_broken(cluster, 31, minutes=28)
        cluster.nodes[node].kernel = kernel
        cluster.nodes[node].os_image = "Alibaba Cloud Linux (Aliyun Linux) 2.1903 LTS (Hunting Beagle)"
        pod, started = cluster.terway_pod(node), world.ago(2)
        died = terminated("Error", 1, started, started + timedelta(seconds=1))
        pod.containers = stuck_in_init(pod, died, restarts=9)
        for previous, at in ((False, started), (True, world.ago(7.2))):
            text = "error: failed process input: unsupport kernel version, require >=5.10"
            cluster.daemon_log(node, "terway-init", previous=previous).add(Line(at, "+ terway-cli cni"), Line(at, text))
        cluster.keeps_crashing("kube-system", pod.name, "terway-init", Seen(world.ago(27), world.ago(0.4), 119))
        return cluster

    return Scenario(
        name="kernel-too-old",
        title="The node's kernel is too old",
        symptom="A node from the old image stays NotReady after the upgrade of Terway.",
        node=node,
        build=build,
        truth=Truth(
            category="node_runtime",
            also=("configuration", "component_down"),
            facts=("5.10", kernel, node),
            forbidden=("IpNotEnough", "exhaust", "image pull"),
        ),
    )


def api_server_unreachable(world: World) -> Scenario:
    """The daemon of one node cannot reach the API server through its Service address."""
    shop, cart, node = world.namespace("shop"), world.app("cart"), world.node(21)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(
            world, "api-server-unreachable", Terway(release=world.pick("release", "v1.17.2", "v1.16.6"))
        )
        cluster.node(node, serving=False)
        cluster.deployment(shop, cart, running={node: 3}, creating={node: 2}, since=world.ago(20))
        pod = cluster.terway_pod(node)
        died = terminated("Error", 255, world.ago(2.6), world.ago(2.1))
        cluster.terway_containers(node, crash_looping(pod, "terway", died, restarts=6))
        for previous, at in ((False, world.ago(2.1)), (True, world.ago(6.3))):
            text = (
                f"error init k8s: error retrieving node spec for '{node}': "
                f'Get "https://172.21.0.1:443/api/v1/nodes/{node}": dial tcp 172.21.0.1:443: i/o timeout'
            )
            begin = Line(
                at - timedelta(seconds=30), "start network service", "I", "daemon.go:819", {"logger": "server"}
            )
            cluster.daemon_log(node, previous=previous).add(
                begin, Line(at, text, "F", "main.go:73", plain=True), Line(at, "goroutine 1 [running]:")
            )
        cluster.keeps_crashing("kube-system", pod.name, "terway", Seen(world.ago(22), world.ago(0.3), 75))
        return hang(cluster, shop, cart, REFUSED, every=0.7)

    return Scenario(
        name="api-server-unreachable",
        title="The daemon cannot reach the API server",
        symptom=f"On one node pods of {shop}/{cart} do not start since kube-proxy was restarted there.",
        namespace=shop,
        pod=world.replica(cart, 0),
        build=build,
        truth=Truth(
            category="node_runtime",
            also=("component_down",),
            facts=("172.21.0.1:443", "i/o timeout", node),
            forbidden=("IpNotEnough", "exhaust", "Forbidden.RAM"),
        ),
    )
