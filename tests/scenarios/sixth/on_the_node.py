"""What breaks on one node: its runtime, its files, its kernel's tables."""

from terway_mcp.cluster.scenarios.builder import ClusterBuilder
from terway_mcp.cluster.scenarios.clock import Seen
from terway_mcp.cluster.scenarios.scenario import Scenario, Truth
from terway_mcp.cluster.scenarios.world import World
from tests.scenarios.fourth.stage import (
    NO_SHORTAGE,
    asked,
    becomes,
    kubelet_says,
    of_the_shop,
    ordinary_cluster,
    sandbox_fails,
    serving_shop,
    stalled_shop,
    stuck,
)
from tests.scenarios.incidents.stage import NOT_INITIALIZED
from tests.scenarios.second.stage import central, init_loops, new_node

from .stage import CILIUM, companion, monitor_says, was_short

_TIMED_OUT = (
    'Readiness probe failed: Get "http://{ip}:8080/health": context deadline exceeded (Client.Timeout exceeded)'
)


def inotify_exhausted(world: World) -> Scenario:
    """The runtime restarted and cannot watch /etc/cni/net.d any more: Terway's configuration is there, nobody reads it.

    containerd then says `failed to create cni conf monitor ... too many open files`; kube-proxy on the same node dies
    of the same limit (fs.inotify.max_user_instances), which is what the cluster can show.
    """
    node = world.node(21)
    shop, web = world.namespace("shop"), world.app("web")

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "inotify-exhausted", central(world))
        cluster.node(node, kind="ecs.g7.2xlarge", ready=False, not_ready_message=NOT_INITIALIZED, serving=False)
        stuck(cluster, (shop, web, node), (3, 2), 24)
        for index in range(2):
            cluster.network_not_ready(shop, world.replica(web, index), Seen(world.ago(24), world.ago(0.4), 96))
        said = 'E1 server.go:589] "Error running ProxyServer" err="failed complete: too many open files"'
        companion(cluster, "kube-proxy-worker", node, "registry-vpc/acs/kube-proxy:v1.34.1", said)
        text = ("kernel-monitor", "InotifyLimit", "inotify_init: too many open files")
        return monitor_says(cluster, node, text, Seen(world.ago(26), world.ago(2), 11))

    return Scenario(
        name="inotify-exhausted",
        title="A runtime that cannot watch",
        symptom=f"{node} became NotReady, cni plugin not initialized. Terway runs there, please restart it.",
        node=node,
        build=build,
        truth=Truth(
            category="node_runtime",
            also=("not_terway",),
            facts=("too many open files", node),
            forbidden=(*NO_SHORTAGE, "Forbidden.RAM", "eni_conf", "bug"),
        ),
    )


def namespace_gone(world: World) -> Scenario:
    """Something on the node removes network namespaces while the plugin works; there is nothing to put an ENI into."""
    node = world.node(21)
    path = "/var/run/netns/cni-d24efd99-7c7e-8803-cf77-82ca8ce549fb"
    error = (
        f'plugin type="terway" failed (add): failed to open netns "{path}": failed to Statfs "{path}": no such file '
        "or directory"
    )

    def build() -> ClusterBuilder:
        cluster = stalled_shop(world, "namespace-gone", idle=6)
        was_short(cluster, node)
        return sandbox_fails(cluster, error)

    truth = Truth(
        category="node_runtime",
        also=("datapath", "not_terway"),
        facts=("/var/run/netns", node),
        forbidden=(*NO_SHORTAGE, "Forbidden.RAM", "eni.socket", "bug"),
    )
    return of_the_shop(world, "namespace-gone", "A namespace that vanishes", "{pod}: no such file.", build, truth)


def no_threads_left(world: World) -> Scenario:
    """The node has no process ids left: not even the shim of a sandbox can be forked."""
    node = world.node(21)
    error = (
        "Unknown desc = failed to start sandbox container task: failed to create shim task: fork/exec "
        "/usr/bin/containerd-shim-runc-v2: resource temporarily unavailable"
    )

    def build() -> ClusterBuilder:
        cluster = stalled_shop(world, "no-threads-left", idle=6)
        was_short(cluster, world.node(23), 2)
        return sandbox_fails(cluster, error, add=False)

    truth = Truth(
        category="node_runtime",
        also=("not_terway",),
        facts=("resource temporarily unavailable", node),
        forbidden=(*NO_SHORTAGE, "Forbidden.RAM", "vSwitch", "throttl", "bug"),
    )
    return of_the_shop(world, "no-threads-left", "Nothing left to fork", "{pod}: out of resources?", build, truth)


def shim_closed(world: World) -> Scenario:
    """The shim dies as soon as it is started (a broken runtime binary): no plugin is ever called."""
    node = world.node(21)
    error = "Unknown desc = failed to create containerd task: failed to create shim task: ttrpc: closed: unknown"

    def build() -> ClusterBuilder:
        return sandbox_fails(stalled_shop(world, "shim-closed", idle=6), error, add=False)

    truth = Truth(
        category="node_runtime",
        also=("not_terway",),
        facts=("ttrpc: closed", node),
        forbidden=(*NO_SHORTAGE, "Forbidden.RAM", "eni.socket", "bug"),
    )
    return of_the_shop(world, "shim-closed", "A shim that hangs up", "{pod} has no sandbox.", build, truth)


def root_read_only(world: World) -> Scenario:
    """The new node's disk was remounted read-only; init.sh cannot copy the plugin and stops (errexit)."""
    node = world.node(31)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "root-read-only", central(world), hosts=(21, 22, 23))
        new_node(cluster, 31, 26)
        init_loops(cluster, node, "cp: cannot create regular file '/opt/cni/bin/terway': Read-only file system")
        text = ("kernel-monitor", "FilesystemIsReadOnly", "EXT4-fs (vda3): Remounting filesystem read-only")
        return monitor_says(cluster, node, text, Seen(world.ago(25.5), world.ago(25.5)))

    return Scenario(
        name="root-read-only",
        title="A disk that takes nothing",
        symptom=f"{node} joined and stays NotReady: cni plugin not initialized.",
        node=node,
        build=build,
        truth=Truth(
            category="node_runtime",
            facts=("Read-only file system", "terway-init", node),
            forbidden=(*NO_SHORTAGE, "Forbidden.RAM", "eni_conf", "bug"),
        ),
    )


def interface_by_another_name(world: World) -> Scenario:
    """A self-made image names the first interface ens5; init.sh sets rp_filter of eth0 and stops (errexit)."""
    node = world.node(31)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "interface-by-another-name", central(world), hosts=(21, 22, 23))
        new_node(cluster, 31, 26)
        cluster.nodes[node].os_image = "Ubuntu 22.04.4 LTS"
        cluster.nodes[node].kernel = "5.15.0-113-generic"
        init_loops(
            cluster, node, "sysctl: cannot stat /proc/sys/net/ipv4/conf/eth0/rp_filter: No such file or directory"
        )
        return was_short(cluster, world.node(22))

    return Scenario(
        name="interface-by-another-name",
        title="An interface by another name",
        symptom=f"{node} with our new Ubuntu image stays NotReady.",
        node=node,
        build=build,
        truth=Truth(
            category="node_runtime",
            also=("configuration", "datapath"),
            facts=("eth0/rp_filter", "terway-init", node),
            forbidden=(*NO_SHORTAGE, "Forbidden.RAM", "require >=5.10", "bug"),
        ),
    )


def mounted_noexec(world: World) -> Scenario:
    """/opt is mounted noexec by a hardening script; the runtime may not execute the plugin. No RAM role is involved."""
    node = world.node(21)
    error = 'plugin type="terway" failed (add): fork/exec /opt/cni/bin/terway: permission denied'

    def build() -> ClusterBuilder:
        return sandbox_fails(stalled_shop(world, "mounted-noexec", idle=6), error)

    truth = Truth(
        category="node_runtime",
        also=("configuration",),
        facts=("permission denied", "/opt/cni/bin/terway", node),
        forbidden=(*NO_SHORTAGE, "RAM", "OpenAPI", "policy"),
    )
    return of_the_shop(world, "mounted-noexec", "Not to be executed", "{pod}: permission denied.", build, truth)


def endpoints_rationed(world: World) -> Scenario:
    """The agent on an overloaded node refuses more endpoints at once (its own rate limiter): not the cloud's."""
    node = world.node(21)
    error = f"{CILIUM}unable to create endpoint: [PUT /endpoint/{{id}}][429] putEndpointIdTooManyRequests"

    def build() -> ClusterBuilder:
        return sandbox_fails(stalled_shop(world, "endpoints-rationed", idle=6), error)

    truth = Truth(
        category="node_runtime",
        also=("datapath", "throttling", "component_down"),
        facts=("putEndpointIdTooManyRequests", node),
        forbidden=(*NO_SHORTAGE, "Forbidden.RAM", "OpenAPI", "eni.socket"),
    )
    return of_the_shop(world, "endpoints-rationed", "An agent that counts", "{pod}: 429.", build, truth)


def conntrack_full(world: World) -> Scenario:
    """Connections on one node are dropped because its conntrack table is full; every pod there has its address."""
    shop, pod = asked(world)
    node = world.node(21)

    def build() -> ClusterBuilder:
        cluster = serving_shop(world, "conntrack-full", minutes=300)
        mine = cluster.pods[shop, pod]
        becomes(cluster, (shop, pod), mine.containers[0].state)
        text = _TIMED_OUT.format(ip=mine.ips[0])
        kubelet_says(cluster, (shop, pod), "Unhealthy", text, Seen(world.ago(31), world.ago(0.4), 140))
        said = ("network-custom-plugin-monitor", "ConntrackFull", "Conntrack table usage over 95%")
        return monitor_says(cluster, node, said, Seen(world.ago(33), world.ago(1), 33))

    return Scenario(
        name="conntrack-full",
        title="A table without a free row",
        symptom=f"{shop}/{pod} fails its probes. Terway dropped the route?",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="node_runtime",
            also=("datapath", "not_terway"),
            facts=("Conntrack", node),
            forbidden=(*NO_SHORTAGE, "Forbidden.RAM", "eni.socket", "bug"),
        ),
    )


def neighbours_overflow(world: World) -> Scenario:
    """The kernel's neighbour table is full on a large node: addresses exist, but no MAC can be learnt for them."""
    node = world.node(21)
    shop, web = world.namespace("shop"), world.app("web")

    def build() -> ClusterBuilder:
        cluster = serving_shop(world, "neighbours-overflow", minutes=300)
        for index in range(3):
            key = (shop, world.replica(web, index))
            mine = cluster.pods[key]
            becomes(cluster, key, mine.containers[0].state)
            text = _TIMED_OUT.format(ip=mine.ips[0])
            kubelet_says(cluster, key, "Unhealthy", text, Seen(world.ago(40), world.ago(0.5), 180))
        said = ("kernel-monitor", "NeighbourOverflow", "kernel: neighbour: arp_cache: neighbor table overflow!")
        monitor_says(cluster, node, said, Seen(world.ago(42), world.ago(0.7), 61))
        return was_short(cluster, node, 9)

    return Scenario(
        name="neighbours-overflow",
        title="Too many neighbours",
        symptom=f"All pods on {node} fail their probes.",
        node=node,
        build=build,
        truth=Truth(
            category="datapath",
            also=("node_runtime", "not_terway"),
            facts=("neighbor table overflow", node),
            forbidden=(*NO_SHORTAGE, "Forbidden.RAM", "eni.socket", "bug"),
        ),
    )


INCIDENTS = (
    inotify_exhausted,
    namespace_gone,
    no_threads_left,
    shim_closed,
    root_read_only,
    interface_by_another_name,
    mounted_noexec,
    endpoints_rationed,
    conntrack_full,
    neighbours_overflow,
)
