"""Other plugins, the runtime, and the things a pod needs besides a network."""

from terway_mcp.cluster import resources
from terway_mcp.cluster.scenarios.builder import ClusterBuilder
from terway_mcp.cluster.scenarios.clock import Seen
from terway_mcp.cluster.scenarios.events import Said
from terway_mcp.cluster.scenarios.pods import Owner, terminated
from terway_mcp.cluster.scenarios.profile import Json
from terway_mcp.cluster.scenarios.scenario import Scenario, Truth
from terway_mcp.cluster.scenarios.world import World

from .stage import (
    INNOCENT,
    NO_SHORTAGE,
    asked,
    becomes,
    central,
    kubelet_says,
    local,
    of_the_shop,
    ordinary_cluster,
    sandbox_fails,
    serving_shop,
    stalled_shop,
)


def other_network_first(world: World) -> Scenario:
    """A leftover 00-flannel.conflist sorts before Terway's file, so the runtime calls flannel, not Terway."""

    def build() -> ClusterBuilder:
        cluster = stalled_shop(world, "other-network-first", central(world), idle=6)
        error = (
            'plugin type="flannel" failed (add): loadFlannelSubnetEnv failed: '
            "open /run/flannel/subnet.env: no such file or directory"
        )
        return sandbox_fails(cluster, error)

    truth = Truth(
        category="not_terway",
        also=("configuration", "node_runtime"),
        facts=("flannel", "/run/flannel/subnet.env"),
        forbidden=(*NO_SHORTAGE, "Forbidden.RAM", "eni.socket", "Terway bug"),
    )
    return of_the_shop(
        world, "other-network-first", "Another network's file comes first", "{pod}: CNI add fails.", build, truth
    )


def mesh_without_tunnel(world: World) -> Scenario:
    """Terway succeeds each time; the chained mesh plugin behind it has no tunnel, and everything is undone again."""
    shop, pod = asked(world)

    def build() -> ClusterBuilder:
        cluster = stalled_shop(world, "mesh-without-tunnel", central(world), idle=6)
        error = (
            'plugin type="istio-cni" name="istio-cni" failed (add): '
            "unable to push CNI event (status code 500): partial add error: no ztunnel connection"
        )
        sandbox_fails(cluster, error)
        said = Said("AllocIPSucceed", "Alloc IP 10.8.66.31/32 took 31.204ms", warning=False)
        return cluster.event_daemon(cluster.ref(shop, pod), said, Seen(world.ago(28), world.ago(1.4), 17))

    truth = Truth(
        category="not_terway",
        facts=("istio-cni", "no ztunnel connection"),
        forbidden=(*INNOCENT, "eni.socket", "Terway failed"),
    )
    return of_the_shop(world, "mesh-without-tunnel", "The mesh has no tunnel", "{pod} gets no sandbox.", build, truth)


def runtime_class_unknown(world: World) -> Scenario:
    """The pods ask for a sandboxed runtime the node's containerd does not have; no plugin is ever called."""

    def build() -> ClusterBuilder:
        cluster = stalled_shop(world, "runtime-class-unknown", central(world), idle=6)
        error = 'Unknown desc = failed to get sandbox runtime: no runtime for "runv" is configured'
        return sandbox_fails(cluster, error, add=False)

    truth = Truth(
        category="not_terway",
        also=("node_runtime", "configuration"),
        facts=('no runtime for "runv" is configured',),
        forbidden=(*NO_SHORTAGE, "Forbidden.RAM", "eni.socket", "Terway bug"),
    )
    return of_the_shop(
        world, "runtime-class-unknown", "A runtime nobody configured", "{pod}: FailedCreatePodSandBox.", build, truth
    )


def runtime_does_not_answer(world: World) -> Scenario:
    """The deadline is the kubelet's towards its runtime (four minutes); Terway's log shows no request of these pods."""

    def build() -> ClusterBuilder:
        cluster = stalled_shop(world, "runtime-does-not-answer", central(world), idle=6)
        error = "DeadlineExceeded desc = context deadline exceeded"
        return sandbox_fails(cluster, error, add=False, every=5)

    truth = Truth(
        category="node_runtime",
        also=("not_terway", "insufficient_evidence"),
        facts=("context deadline exceeded", "FailedCreatePodSandBox"),
        forbidden=(*NO_SHORTAGE, "Forbidden.RAM", "no free address", "PodENI", "controlplane"),
    )
    return of_the_shop(
        world, "runtime-does-not-answer", "A deadline without a plugin", "{pod}: deadline exceeded.", build, truth
    )


def killed_by_its_deadline(world: World) -> Scenario:
    """DeadlineExceeded is the Job's own activeDeadlineSeconds: the pod had its address all the time."""
    batch, name = world.namespace("batch"), "killed-by-its-deadline"
    pod = f"export-{world.ids.suffix(5, 'deadline')}"

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, name, local(world))
        cluster.node(world.node(21))
        owner = Owner("Job", "export", world.ids.uid("job", batch, "export"), "batch/v1")
        started = world.ago(48)
        cluster.pod(batch, pod, world.node(21), [cluster.app_container("export", started)], started, owner=owner)
        cluster.started(batch, pod)
        ended = terminated("Error", 143, started, world.ago(18))
        becomes(cluster, (batch, pod), ended)
        message = "Pod was active on the node longer than the specified deadline"
        kubelet_says(cluster, (batch, pod), "DeadlineExceeded", message, Seen.once(world.ago(18.5)))
        status: Json = {"phase": "Failed", "reason": "DeadlineExceeded", "message": message}
        return cluster.change(resources.PODS, pod, {"status": status}, batch)

    return Scenario(
        name=name,
        title="A Job's own deadline",
        symptom=f"{batch}/{pod} failed with DeadlineExceeded. Terway timing out again?",
        namespace=batch,
        pod=pod,
        build=build,
        truth=Truth(
            category="not_terway",
            also=("healthy",),
            facts=("longer than the specified deadline",),
            forbidden=(*INNOCENT, "no free address", "controlplane"),
        ),
    )


def driver_not_registered(world: World) -> Scenario:
    """The disk driver has not registered on the young node yet; volumes come before the sandbox."""
    name = "driver-not-registered"

    def build() -> ClusterBuilder:
        cluster = stalled_shop(world, name, central(world), idle=4, minutes=15, age_days=0.02)
        for pod in [each for each in cluster.pods.values() if each.namespace == world.namespace("shop")]:
            if pod.ips:
                continue
            cluster.scheduled(*pod.key.split("/"))
            text = (
                f'MountVolume.MountDevice failed for volume "{world.ids.cloud("d", pod.name)}" : kubernetes.io/csi: '
                "attacher.MountDevice failed to create newCsiDriverClient: driver name diskplugin.csi.alibabacloud.com "
                "not found in the list of registered CSI drivers"
            )
            kubelet_says(cluster, (pod.namespace, pod.name), "FailedMount", text, Seen(world.ago(14), world.ago(1), 9))
        return cluster

    truth = Truth(
        category="not_terway",
        facts=("not found in the list of registered CSI drivers",),
        forbidden=(*INNOCENT, "eni.socket", "no free address"),
    )
    return of_the_shop(world, name, "A driver that is not there yet", "{pod} hangs in ContainerCreating.", build, truth)


def node_shut_down(world: World) -> Scenario:
    """The spot instance was taken back: the kubelet shut its pods down in an orderly way."""
    shop, pod = asked(world)
    name = "node-shut-down"

    def build() -> ClusterBuilder:
        cluster = serving_shop(world, name, central(world), minutes=90)
        becomes(cluster, (shop, pod), terminated("Error", 137, world.ago(90), world.ago(11)))
        message = "Pod was terminated in response to imminent node shutdown."
        status: Json = {"phase": "Failed", "reason": "Terminated", "message": message}
        said = Said("NodeShutdown", "Shutdown manager detected shutdown event", warning=False)
        cluster.event_kubelet(cluster.ref_kubelet_node(world.node(21)), said, Seen.once(world.ago(11)), world.node(21))
        return cluster.change(resources.PODS, pod, {"status": status}, shop)

    return Scenario(
        name=name,
        title="A node on its way down",
        symptom=f"{shop}/{pod} failed on its own this morning.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="not_terway",
            also=("node_runtime",),
            facts=("imminent node shutdown",),
            forbidden=INNOCENT,
        ),
    )


INCIDENTS = (
    other_network_first,
    mesh_without_tunnel,
    runtime_class_unknown,
    runtime_does_not_answer,
    killed_by_its_deadline,
    driver_not_registered,
    node_shut_down,
)
