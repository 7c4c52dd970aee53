"""Terway's own containers: what keeps them from starting on a node that joins."""

from terway_mcp.cluster.scenarios.builder import ClusterBuilder
from terway_mcp.cluster.scenarios.clock import Seen
from terway_mcp.cluster.scenarios.events import Said
from terway_mcp.cluster.scenarios.pods import Container, waiting
from terway_mcp.cluster.scenarios.profile import Terway
from terway_mcp.cluster.scenarios.scenario import Scenario, Truth
from terway_mcp.cluster.scenarios.world import World

from .stage import (
    NO_SHORTAGE,
    central,
    foreign_daemon,
    init_loops,
    kubelet_says,
    local,
    new_node,
    of_a_node,
    ordinary_cluster,
)

_NOT_THE_CLOUD = (*NO_SHORTAGE, "Forbidden.RAM", "OpenAPI", "too old")


_JOINED = "{node} joined and stays NotReady."


def _joined(world: World, name: str, terway: Terway, *said: str) -> ClusterBuilder:
    """Node 31 joined; the init container of its Terway pod says something and ends."""
    cluster = ordinary_cluster(world, name, terway, hosts=(21, 22, 23))
    node = new_node(cluster, 31, 27)
    return init_loops(cluster, node, *said)


def plugin_not_copied(world: World) -> Scenario:
    """/opt/cni/bin is on a read-only root of the node's image, so the init container cannot install the plugin."""
    node, name = world.node(31), "plugin-not-copied"
    said = "cp: cannot create regular file '/opt/cni/bin/terway': Read-only file system"

    def build() -> ClusterBuilder:
        return _joined(world, name, central(world), said)

    truth = Truth(
        category="node_runtime",
        also=("component_down", "configuration"),
        facts=("Read-only file system", "terway-init", node),
        forbidden=_NOT_THE_CLOUD,
    )
    return of_a_node(world, name, "A read-only place for plugins", _JOINED, build, truth, 31)


def no_interface_eth0(world: World) -> Scenario:
    """The custom image names its NIC ens5; the init script sets rp_filter of eth0 under errexit (hack/init.sh)."""
    node, name = world.node(31), "no-interface-eth0"
    said = "sysctl: cannot stat /proc/sys/net/ipv4/conf/eth0/rp_filter: No such file or directory"

    def build() -> ClusterBuilder:
        return _joined(world, name, central(world), "Init node capabilities", said)

    truth = Truth(
        category="node_runtime",
        also=("component_down", "configuration", "datapath"),
        facts=("/proc/sys/net/ipv4/conf/eth0/rp_filter", "terway-init", node),
        forbidden=_NOT_THE_CLOUD,
    )
    return of_a_node(world, name, "A NIC of another name", _JOINED, build, truth, 31)


def kernel_locked_down(world: World) -> Scenario:
    """Under Secure Boot bpftool may not probe; terway-cli passes on the exit status (cmd/terway-cli/cni.go)."""
    node, name = world.node(31), "kernel-locked-down"

    def build() -> ClusterBuilder:
        return _joined(world, name, central(world), "error: failed process input: exit status 255")

    truth = Truth(
        category="node_runtime",
        also=("component_down", "datapath"),
        facts=("failed process input: exit status 255", "terway-init", node),
        forbidden=(*_NOT_THE_CLOUD, "JSON"),
    )
    return of_a_node(world, name, "A probe that is not allowed", _JOINED, build, truth, 31)


def programs_not_executable(world: World) -> Scenario:
    """The host's /opt is mounted noexec; with kube-proxy replacement the init container runs a program from there."""
    node, name = world.node(31), "programs-not-executable"
    said = "nsenter: failed to execute /opt/cni/bin/cilium-mount: Permission denied"

    def build() -> ClusterBuilder:
        return _joined(world, name, central(world, "v1.17.2", "v1.16.6"), "net.ipv4.conf.eth0.rp_filter = 0", said)

    truth = Truth(
        category="node_runtime",
        also=("component_down", "datapath", "configuration"),
        facts=("/opt/cni/bin/cilium-mount", "terway-init", node),
        forbidden=(*NO_SHORTAGE, "Forbidden.RAM", "RAM", "RBAC", "too old"),
    )
    return of_a_node(world, name, "Programs that may not run", _JOINED, build, truth, 31)


def proxy_image_missing(world: World) -> Scenario:
    """kube-proxy's image is not in the mirror, so nobody makes the API's Service address work for terway-init."""
    node, name = world.node(31), "proxy-image-missing"

    def build() -> ClusterBuilder:
        call = (
            f'Get "https://172.21.0.1:443/api/v1/nodes/{node}?resourceVersion=0": dial tcp 172.21.0.1:443: i/o timeout'
        )
        cluster = _joined(world, name, central(world), f"task: eniOnlyerror: get node {node} error: {call}")
        image = f"registry-vpc.{world.region}.aliyuncs.com/acs/kube-proxy:v1.34.1"
        state = waiting("ImagePullBackOff", f'Back-off pulling image "{image}"')
        pod = foreign_daemon(cluster, "kube-proxy-worker", node, Container("kube-proxy-worker", image, state))
        text = (
            f'Failed to pull image "{image}": rpc error: code = NotFound desc = failed to pull and unpack image '
            f'"{image}": failed to resolve reference "{image}": {image}: not found'
        )
        seen = Seen(world.ago(26), world.ago(2), 9)
        kubelet_says(cluster, ("kube-system", pod), "Failed", text, seen)
        return kubelet_says(cluster, ("kube-system", pod), "Failed", "Error: ImagePullBackOff", seen)

    truth = Truth(
        category="not_terway",
        also=("node_runtime", "component_down"),
        facts=("172.21.0.1:443", "kube-proxy-worker", node),
        forbidden=(*_NOT_THE_CLOUD, "security group"),
    )
    return of_a_node(world, name, "A proxy without an image", _JOINED, build, truth, 31)


def config_map_deleted(world: World) -> Scenario:
    """Somebody deleted eni-config; running daemons go on, a new Terway pod cannot mount it."""
    node, name = world.node(31), "config-map-deleted"

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, name, central(world), hosts=(21, 22, 23))
        new_node(cluster, 31, 27)
        cluster.config_map("eni-config", None)
        pod = cluster.terway_pod(node)
        blocked = waiting("PodInitializing")
        pod.containers = [Container(each.name, each.image, blocked, init=each.init) for each in pod.containers]
        text = 'MountVolume.SetUp failed for volume "configvolume" : configmap "eni-config" not found'
        cluster.scheduled("kube-system", pod.name)
        return kubelet_says(
            cluster, ("kube-system", pod.name), "FailedMount", text, Seen(world.ago(26), world.ago(1), 20)
        )

    truth = Truth(
        category="configuration",
        also=("component_down",),
        facts=('configmap "eni-config" not found', node),
        forbidden=(*_NOT_THE_CLOUD, "disk"),
    )
    return of_a_node(world, name, "The configuration is gone", _JOINED, build, truth, 31)


def daemon_finds_no_room(world: World) -> Scenario:
    """The self-made manifest has no priority class; the node's memory is taken and the Terway pod stays Pending."""
    node, name = world.node(31), "daemon-finds-no-room"

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, name, local(world), hosts=(21, 22, 23))
        new_node(cluster, 31, 27)
        pod = cluster.terway_pod(node)
        text = (
            "0/4 nodes are available: 1 Insufficient memory, 3 node(s) didn't satisfy plugin(s) [NodeAffinity]. "
            "preemption: 0/4 nodes are available: 1 No preemption victims found for incoming pod, "
            "3 Preemption is not helpful for scheduling."
        )
        pod.node, pod.host_ip, pod.ips, pod.unschedulable = "", "", (), text
        pod.containers = [
            Container(each.name, each.image, waiting("ContainerCreating"), init=each.init) for each in pod.containers
        ]
        said = Said("FailedScheduling", text, action="Scheduling")
        seen = Seen(world.ago(26), world.ago(1), 6)
        return cluster.event_scheduler(cluster.ref("kube-system", pod.name), said, seen)

    truth = Truth(
        category="component_down",
        also=("not_terway", "node_runtime", "resource_exhaustion", "configuration"),
        facts=("Insufficient memory", node),
        forbidden=("vSwitch", "IpNotEnough", "no free IP", "Forbidden.RAM", "OpenAPI", "too old"),
    )
    return of_a_node(world, name, "No room for the daemon", _JOINED, build, truth, 31)


INCIDENTS = (
    plugin_not_copied,
    no_interface_eth0,
    kernel_locked_down,
    programs_not_executable,
    proxy_image_missing,
    config_map_deleted,
    daemon_finds_no_room,
)
