"""What goes wrong on a node: datapath, policy container, CNI chain, container runtime, kubelet, Windows."""

from datetime import timedelta

from terway_mcp.cluster import resources
from terway_mcp.cluster.scenarios.builder import ClusterBuilder
from terway_mcp.cluster.scenarios.clock import Seen, seconds
from terway_mcp.cluster.scenarios.events import Said
from terway_mcp.cluster.scenarios.logs import Line
from terway_mcp.cluster.scenarios.plots import DEADLINE
from terway_mcp.cluster.scenarios.pods import Container, running
from terway_mcp.cluster.scenarios.scenario import Scenario, Truth
from terway_mcp.cluster.scenarios.system import daemon_set
from terway_mcp.cluster.scenarios.world import World

from .stage import (
    INNOCENT,
    NO_SHORTAGE,
    about,
    central,
    crash_loops,
    hang,
    keep_events,
    local,
    of_the_shop,
    policy_crashes,
    sandbox_fails,
    serving_shop,
    stalled_shop,
    waiting_pods,
)

_CILIUM = 'plugin type="cilium-cni" failed (add): '
_NO_AGENT = (
    f"{_CILIUM}unable to connect to Cilium agent: failed to create cilium agent client after 30.000000 seconds "
    'timeout: Get "http://localhost/v1/config": dial unix /var/run/cilium/cilium.sock: connect: no such file or '
    "directory\nIs the agent running?"
)


def bpf_not_mounted(world: World) -> Scenario:
    """The agent in the policy container cannot mount the BPF file system, so chained cilium-cni finds no socket."""
    node = world.node(21)

    def build() -> ClusterBuilder:
        cluster = stalled_shop(world, "bpf-not-mounted", idle=6)
        fatal = (
            'level=fatal msg="Unable to mount BPF filesystem" error="failed to mount filesystem on /sys/fs/bpf: '
            'operation not permitted" subsys=bpf'
        )
        said = (
            'level=info msg="Mounting BPF filesystem at /sys/fs/bpf" subsys=bpf',
            fatal,
        )
        policy_crashes(cluster, node, said)
        return sandbox_fails(cluster, _NO_AGENT)

    truth = Truth(
        category="node_runtime",
        also=("component_down", "datapath"),
        facts=("BPF filesystem", "policy", node),
        forbidden=(*NO_SHORTAGE, "Forbidden.RAM", "eni.socket", "too old"),
    )
    return of_the_shop(
        world, "bpf-not-mounted", "No file system for programs", "{pod} is ContainerCreating.", build, truth
    )


def datapath_not_compiled(world: World) -> Scenario:
    """The agent cannot build its programs on a self-made kernel."""
    node = world.node(21)

    def build() -> ClusterBuilder:
        cluster = stalled_shop(world, "datapath-not-compiled", idle=6, kernel="5.15.0-custom.3")
        fatal = (
            'level=fatal msg="Error while creating daemon" error="error while initializing daemon: failed while '
            "reinitializing datapath: Command execution failed for [/var/lib/cilium/bpf/init.sh]: exit status 1: "
            'Failed to compile XDP program" subsys=daemon'
        )
        said = (
            'level=warning msg="+ clang -O2 -target bpf -c bpf_host.c" subsys=datapath-loader',
            'level=warning msg="libbpf: failed to find valid kernel BTF" subsys=datapath-loader',
            fatal,
        )
        policy_crashes(cluster, node, said)
        return sandbox_fails(cluster, _NO_AGENT)

    truth = Truth(
        category="datapath",
        also=("node_runtime", "component_down"),
        facts=("failed while reinitializing datapath", "policy", node),
        forbidden=(*NO_SHORTAGE, "Forbidden.RAM", "eni.socket", "OpenAPI"),
    )
    return of_the_shop(
        world, "datapath-not-compiled", "A program that does not build", "{pod} waits on the new image.", build, truth
    )


def agent_out_of_memory(world: World) -> Scenario:
    """The policy container is killed for its memory; endpoints are made by nobody."""
    node = world.node(21)
    error = f"{_CILIUM}unable to create endpoint: Cilium API client timeout exceeded"

    def build() -> ClusterBuilder:
        cluster = stalled_shop(world, "agent-out-of-memory", idle=6)
        policy_crashes(cluster, node, ('level=info msg="Restored endpoint" subsys=endpoint',), reason="OOMKilled")
        return sandbox_fails(cluster, error)

    truth = Truth(
        category="node_runtime",
        also=("component_down",),
        facts=("OOMKilled", "policy", node),
        forbidden=(*NO_SHORTAGE, "Forbidden.RAM", "eni.socket", "NetworkPolicy rule"),
    )
    return of_the_shop(
        world, "agent-out-of-memory", "An agent killed for its memory", "{pod}: Cilium API timeout.", build, truth
    )


def no_memory_for_links(world: World) -> Scenario:
    """The address was given; the kernel had no memory for the link."""
    node = world.node(21)
    error = "cmdAdd: setup container, error ip link set eth0 up, cannot allocate memory"

    def build() -> ClusterBuilder:
        cluster = stalled_shop(world, "no-memory-for-links", local(world), idle=6)
        return hang(cluster, world.namespace("shop"), world.app("web"), error, every=2)

    truth = Truth(
        category="datapath",
        also=("node_runtime",),
        facts=("cannot allocate memory", node),
        forbidden=(*NO_SHORTAGE, "Forbidden.RAM", "vSwitch", "OpenAPI"),
    )
    return of_the_shop(
        world, "no-memory-for-links", "No memory for a link", "{pod}: cannot allocate memory.", build, truth
    )


def bandwidth_binary_missing(world: World) -> Scenario:
    """A plugin chained behind Terway is not installed on this node."""
    node = world.node(21)
    error = 'plugin type="bandwidth" failed (add): failed to find plugin "bandwidth" in path [/opt/cni/bin]'

    def build() -> ClusterBuilder:
        cluster = stalled_shop(world, "bandwidth-binary-missing", idle=6)
        return sandbox_fails(cluster, error, reserved=False)

    truth = Truth(
        category="node_runtime",
        also=("configuration", "not_terway"),
        facts=('failed to find plugin "bandwidth"', node),
        forbidden=(*NO_SHORTAGE, "Forbidden.RAM", "OpenAPI"),
    )
    return of_the_shop(world, "bandwidth-binary-missing", "A link missing in the chain", "{pod} waits.", build, truth)


def wrong_architecture(world: World) -> Scenario:
    """An arm64 node whose plugin binary is built for another architecture."""
    node = world.node(21)
    error = 'plugin type="terway" failed (add): fork/exec /opt/cni/bin/terway: exec format error'

    def build() -> ClusterBuilder:
        cluster = stalled_shop(world, "wrong-architecture", idle=6, labels={"kubernetes.io/arch": "arm64"})
        return sandbox_fails(cluster, error)

    truth = Truth(
        category="node_runtime",
        also=("configuration",),
        facts=("exec format error", node),
        forbidden=(*NO_SHORTAGE, "Forbidden.RAM", "OpenAPI", "eni.socket"),
    )
    return of_the_shop(world, "wrong-architecture", "Built for another machine", "{pod} on arm waits.", build, truth)


def plugin_killed(world: World) -> Scenario:
    """The node is out of memory; the kernel kills the plugin before it can say anything."""
    node = world.node(21)
    error = 'plugin type="terway" failed (add): netplugin failed with no error message: signal: killed'

    def build() -> ClusterBuilder:
        cluster = stalled_shop(world, "plugin-killed", idle=6)
        text = "System OOM encountered, victim process: terway, pid: 481233"
        seen = Seen(world.ago(28), world.ago(1.5), 19)
        cluster.event_kubelet(cluster.ref_kubelet_node(node), Said("SystemOOM", text), seen, node)
        return sandbox_fails(cluster, error)

    truth = Truth(
        category="node_runtime",
        also=("not_terway",),
        facts=("signal: killed", "System OOM", node),
        forbidden=(*NO_SHORTAGE, "Forbidden.RAM", "OpenAPI", "eni.socket"),
    )
    return of_the_shop(world, "plugin-killed", "Killed before it spoke", "{pod}: netplugin failed.", build, truth)


def pleg_unhealthy(world: World) -> Scenario:
    """The kubelet cannot list its containers any more; the node is NotReady and the pods wait for the kubelet."""
    node = world.node(21)
    text = "PLEG is not healthy: pleg was last seen active 27m14.1s ago; threshold is 3m0s"

    def build() -> ClusterBuilder:
        taint = {"key": "node.kubernetes.io/not-ready", "effect": "NoExecute"}
        cluster = stalled_shop(
            world, "pleg-unhealthy", minutes=24, ready=False, not_ready_message=text, taints=[taint], idle=6
        )
        said = Said("NodeNotReady", f"Node {node} status is now: NodeNotReady", warning=False)
        cluster.event_kubelet(cluster.ref_kubelet_node(node), said, Seen.once(world.ago(24)), node)
        for pod in waiting_pods(cluster):
            cluster.scheduled(pod.namespace, pod.name)
        return cluster

    truth = Truth(
        category="not_terway",
        also=("node_runtime",),
        facts=("PLEG is not healthy", node),
        forbidden=(*INNOCENT, "cni plugin not initialized", "no free IP"),
    )
    return of_the_shop(world, "pleg-unhealthy", "A kubelet that lost count", "{pod} has no IP.", build, truth)


def name_is_reserved(world: World) -> Scenario:
    """The container runtime still holds the name of an earlier sandbox; the plugin is never called."""
    node = world.node(21)
    error = (
        'Unknown desc = failed to reserve sandbox name "web_shop_0": name "web_shop_0" is reserved for '
        '"1f0c2e5a77d6b1b39c61"'
    )

    def build() -> ClusterBuilder:
        cluster = stalled_shop(world, "name-is-reserved", idle=6)
        return sandbox_fails(cluster, error, add=False, reserved=False)

    truth = Truth(
        category="not_terway",
        also=("node_runtime",),
        facts=("failed to reserve sandbox name", node),
        forbidden=(*INNOCENT, "vSwitch", "pause image"),
    )
    return of_the_shop(
        world, "name-is-reserved", "A name the runtime keeps", "{pod}: FailedCreatePodSandBox.", build, truth
    )


def cgroup_full(world: World) -> Scenario:
    """runc cannot make one more cgroup for the sandbox; the plugin is never called."""
    node = world.node(21)
    error = (
        "Unknown desc = failed to start sandbox container task: failed to create shim task: OCI runtime create failed: "
        "runc create failed: unable to start container process: unable to apply cgroup configuration: mkdir "
        "/sys/fs/cgroup/memory/kubepods.slice: cannot allocate memory"
    )

    def build() -> ClusterBuilder:
        cluster = stalled_shop(world, "cgroup-full", idle=6)
        return sandbox_fails(cluster, error, add=False, reserved=False)

    truth = Truth(
        category="not_terway",
        also=("node_runtime",),
        facts=("unable to apply cgroup configuration", node),
        forbidden=(*INNOCENT, "vSwitch", "eni.socket"),
    )
    return of_the_shop(world, "cgroup-full", "No room for one more cgroup", "{pod} gets no network.", build, truth)


def image_for_another_windows(world: World) -> Scenario:
    """A container built for another Windows release than the host's."""
    node = world.node(21)
    error = (
        "Unknown desc = failed to create containerd task: failed to create shim task: hcs::CreateComputeSystem: The "
        "container operating system does not match the host operating system."
    )

    def build() -> ClusterBuilder:
        terway = local(world)
        name = "terway-eniip-windows"
        cluster = stalled_shop(
            world,
            "image-for-another-windows",
            terway,
            idle=6,
            labels={"kubernetes.io/os": "windows", "node.kubernetes.io/windows-build": "10.0.17763"},
            os_image="Windows Server 2019 Datacenter",
            kernel="10.0.17763.5576",
        )
        cluster.without_terway_pod(node)
        since = world.ago(days=3)
        container = Container("terway", terway.image, running(since))
        pod = world.daemon_pod(name, node)
        cluster.pod("kube-system", pod, node, [container], since, host_network=True, labels={"app": name})
        cluster.has(resources.DAEMONSETS, daemon_set(world, name, terway.image, (1, 1)))
        return sandbox_fails(cluster, error, add=False, reserved=False)

    truth = Truth(
        category="not_terway",
        also=("node_runtime",),
        facts=("does not match the host operating system", node),
        forbidden=(*INNOCENT, "No Terway pod", "kernel version", "vSwitch"),
    )
    return of_the_shop(world, "image-for-another-windows", "Another Windows", "{pod} has no network.", build, truth)


def metadata_lags(world: World) -> Scenario:
    """The cloud gave the addresses, the metadata service of the node never shows them."""
    node = world.node(21)

    def build() -> ClusterBuilder:
        cluster = stalled_shop(world, "metadata-lags", local(world, "v1.14.3", "v1.16.6"), idle=0)
        shop, web = world.namespace("shop"), world.app("web")
        hang(cluster, shop, web, DEADLINE, every=4)
        text = "validateIPInMetadata: timeout, expect [10.7.3.31], missing [10.7.3.31], metadata has [10.7.3.12]"
        seen = Seen(world.ago(27), world.ago(1.5), 9)
        line = Line(seen.first, "assign ipv4 failed", "E", "local.go:760", {"err": text, "eni": world.eni(node, 0)})
        return cluster.daemon_says(node, *cluster.repeat(seen, line))

    truth = Truth(
        category="node_runtime",
        also=("throttling", "datapath"),
        facts=("validateIPInMetadata", node),
        forbidden=(*NO_SHORTAGE, "Forbidden.RAM", "quota"),
    )
    return of_the_shop(world, "metadata-lags", "Metadata that lags behind", "{pod}: deadline exceeded.", build, truth)


def metadata_hardened(world: World) -> Scenario:
    """The new pool's instances answer the metadata service only with a token; this daemon has none."""
    node = world.node(21)
    said = (
        "get from metaserver failed code: 403, url: http://100.100.100.200/latest/meta-data/instance-id, "
        "err: Forbidden - token required"
    )

    def build() -> ClusterBuilder:
        cluster = stalled_shop(world, "metadata-hardened", local(world, "v1.12.4"), idle=0)
        crash_loops(cluster, node, said)
        shop, web = world.namespace("shop"), world.app("web")
        refused = (
            "cmdAdd: error alloc ip rpc error: code = Unavailable desc = connection error: desc = "
            '"transport: Error while dialing: dial unix /var/run/eni/eni.socket: connect: connection refused"'
        )
        return hang(cluster, shop, web, refused, every=2)

    truth = Truth(
        category="configuration",
        also=("permission", "node_runtime"),
        facts=("code: 403", "meta-data", node),
        forbidden=(*NO_SHORTAGE, "vSwitch", "Forbidden.RAM", "OOM"),
    )
    return of_the_shop(
        world, "metadata-hardened", "Metadata behind a token", "{pod}: eni.socket refused.", build, truth
    )


def evicted_daemon(world: World) -> Scenario:
    """The node's disk is full; the kubelet evicts what it can, the daemon among it, so the socket is dead."""
    node = world.node(21)

    def build() -> ClusterBuilder:
        cluster = stalled_shop(world, "evicted-daemon", idle=6)
        reserve = {"key": "node.kubernetes.io/disk-pressure", "effect": "NoSchedule"}
        cluster.nodes[node].taints = [reserve]
        at, beat = seconds(world.ago(33)), seconds(world.ago(0.5))

        def condition(kind: str, status: str, reason: str, text: str) -> dict[str, object]:
            times = {"lastHeartbeatTime": beat, "lastTransitionTime": at}
            return {"type": kind, "status": status, "reason": reason, "message": text, **times}

        conditions = [
            condition("DiskPressure", "True", "KubeletHasDiskPressure", "kubelet has disk pressure"),
            condition("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
        ]
        cluster.change(resources.NODES, node, {"status": {"conditions": conditions}})
        pod, ref = cluster.terway_pod(node), cluster.ref_kubelet_node(node)
        threshold = Said("EvictionThresholdMet", "Attempting to reclaim ephemeral-storage")
        cluster.event_kubelet(ref, threshold, Seen(world.ago(33), world.ago(1), 160), node)
        text = "The node was low on resource: ephemeral-storage. Threshold quantity: 18519117Ki, available: 2210084Ki. "
        at_once = Seen(world.ago(32), world.ago(2), 7)
        cluster.event_kubelet(cluster.ref("kube-system", pod.name), Said("Evicted", text), at_once, node)
        gone = [
            Container(
                each.name,
                each.image,
                {
                    "terminated": {
                        "exitCode": 137,
                        "reason": "Error",
                        "startedAt": seconds(pod.created),
                        "finishedAt": seconds(world.ago(32)),
                    }
                },
                init=each.init,
                ready=False,
            )
            if not each.init
            else each
            for each in pod.containers
        ]
        pod.containers = gone
        evicted = {"phase": "Failed", "reason": "Evicted", "message": f"Pod was rejected: {text}"}
        cluster.change(resources.PODS, pod.name, {"status": evicted}, "kube-system")
        refused = (
            "cmdAdd: error alloc ip rpc error: code = Unavailable desc = connection error: desc = "
            '"transport: Error while dialing: dial unix /var/run/eni/eni.socket: connect: connection refused"'
        )
        return hang(cluster, world.namespace("shop"), world.app("web"), refused, every=2)

    truth = Truth(
        category="node_runtime",
        also=("not_terway",),
        facts=("ephemeral-storage", "Evicted", node),
        forbidden=(*NO_SHORTAGE, "vSwitch", "Forbidden.RAM", "Terway bug"),
    )
    return of_the_shop(world, "evicted-daemon", "Evicted with the others", "{pod}: eni.socket refused.", build, truth)


def half_upgraded(world: World) -> Scenario:
    """The DaemonSet rolled out a new release; this node's daemon is still the old one, its plugin is new."""
    node, old = world.node(21), "v1.9.12"

    def build() -> ClusterBuilder:
        cluster = stalled_shop(world, "half-upgraded", local(world, "v1.16.6", "v1.14.3"), idle=6)
        pod = cluster.terway_pod(node)
        image = cluster.terway.image.rpartition(":")[0] + f":{old}"
        pod.containers = [
            Container(each.name, image, each.state, init=each.init, resources=each.resources) for each in pod.containers
        ]
        pod.labels = {**pod.labels, "controller-revision-hash": "5c8d7f6b4b", "pod-template-generation": "2"}
        patch: dict[str, object] = {
            "spec": {"updateStrategy": {"type": "OnDelete"}},
            "status": {"updatedNumberScheduled": 2},
        }
        cluster.change(resources.DAEMONSETS, cluster.terway.daemonset, patch, "kube-system")
        error = "cmdAdd: alloc ip no valid ip type"
        return hang(cluster, world.namespace("shop"), world.app("web"), error, every=2)

    truth = Truth(
        category="terway_bug",
        also=("configuration", "component_down"),
        facts=("alloc ip no valid ip type", old, node),
        forbidden=(*NO_SHORTAGE, "Forbidden.RAM", "vSwitch"),
    )
    return of_the_shop(
        world, "half-upgraded", "Two releases at once", "{pod} fails on one node since the upgrade.", build, truth
    )


def old_line_of_the_policy(world: World) -> Scenario:
    """The policy container restarted once at boot and complained; everything runs since."""
    node = world.node(21)

    def build() -> ClusterBuilder:
        cluster = serving_shop(world, "old-line-of-the-policy", minutes=18)
        said = Line(
            world.ago(80),
            'level=warning msg="Unable to install direct node route" subsys=linux-datapath error="route to '
            'destination already exists"',
        )
        cluster.daemon_log(node, "policy").add(
            said, Line(said.at + timedelta(seconds=4), 'level=info msg="Daemon initialization completed" subsys=daemon')
        )
        return keep_events(cluster, lambda event: about(event).get("kind") != "PodENI")

    return Scenario(
        name="old-line-of-the-policy",
        title="One warning, then 'completed'",
        symptom=f"The policy container on {node} logs 'Unable to install direct node route'. Is the datapath broken?",
        node=node,
        build=build,
        truth=Truth(category="healthy", facts=(node,), forbidden=(*INNOCENT, "datapath is broken", "no route")),
    )


def chained_by_hand(world: World) -> Scenario:
    """Somebody installed a service mesh's plugin into the chain; its own kubeconfig is refused."""
    node = world.node(21)
    error = (
        'plugin type="istio-cni" failed (add): error getting ZTunnel pod annotations: Unauthorized (token in '
        "/etc/cni/net.d/ZZZ-istio-cni-kubeconfig)"
    )

    def build() -> ClusterBuilder:
        cluster = stalled_shop(world, "chained-by-hand", central(world), idle=6)
        return sandbox_fails(cluster, error)

    truth = Truth(
        category="not_terway",
        facts=("istio-cni", "Unauthorized", node),
        forbidden=(*INNOCENT, "docs/ecs.md", "eni.socket"),
    )
    return of_the_shop(world, "chained-by-hand", "A guest in the chain", "{pod}: CNI says Unauthorized.", build, truth)


INCIDENTS = (
    bpf_not_mounted,
    datapath_not_compiled,
    agent_out_of_memory,
    no_memory_for_links,
    bandwidth_binary_missing,
    wrong_architecture,
    plugin_killed,
    pleg_unhealthy,
    name_is_reserved,
    cgroup_full,
    image_for_another_windows,
    metadata_lags,
    metadata_hardened,
    evicted_daemon,
    half_upgraded,
    old_line_of_the_policy,
    chained_by_hand,
)
