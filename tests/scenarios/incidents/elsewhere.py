"""Pods that do not run for reasons Terway has no part in."""

from terway_mcp.cluster.scenarios.background import ordinary_cluster
from terway_mcp.cluster.scenarios.builder import ClusterBuilder
from terway_mcp.cluster.scenarios.clock import Seen
from terway_mcp.cluster.scenarios.events import Said
from terway_mcp.cluster.scenarios.plots import SANDBOX
from terway_mcp.cluster.scenarios.pods import back_off, terminated, waiting
from terway_mcp.cluster.scenarios.profile import Terway
from terway_mcp.cluster.scenarios.scenario import Scenario, Truth
from terway_mcp.cluster.scenarios.world import World

from .stage import reserve

_FORBIDDEN = ("IpNotEnough", "exhaust", "Forbidden.RAM", "Terway bug")


def _terway(world: World) -> Terway:
    return Terway(release=world.pick("release", "v1.17.2", "v1.16.6", "v1.17.5"))


def pause_image(world: World) -> Scenario:
    """The sandbox image cannot be pulled: FailedCreatePodSandBox without any CNI in it."""
    shop, web, node = world.namespace("shop"), world.app("web"), world.node(21)
    image = f"registry-vpc.{world.region}.aliyuncs.com/acs/pause:3.9"

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "pause-image", _terway(world)).node(node)
        cluster.deployment(shop, web, creating={node: 2}, running={world.node(22): 1}, since=world.ago(27))
        text = (
            "Failed to create pod sandbox: rpc error: code = NotFound desc = failed to get sandbox image "
            f'"{image}": failed to pull image "{image}": failed to resolve reference "{image}": not found'
        )
        for index in range(2):
            pod = world.replica(web, index)
            reserve(cluster, cluster.pods[shop, pod])
            cluster.scheduled(shop, pod)
            said = Said("FailedCreatePodSandBox", text)
            cluster.event_kubelet(cluster.ref(shop, pod), said, Seen(world.ago(27), world.ago(0.5), 119))
        return cluster

    return Scenario(
        name="pause-image",
        title="The sandbox image is not found",
        symptom=f"{shop}/{web}: FailedCreatePodSandBox, surely the CNI?",
        namespace=shop,
        pod=world.replica(web, 0),
        build=build,
        truth=Truth(category="not_terway", facts=("pause:3.9", world.replica(web, 0)), forbidden=_FORBIDDEN),
    )


def other_plugin(world: World) -> Scenario:
    """A chained plugin's binary is missing on the node; Terway's part of the chain is fine."""
    shop, web, node = world.namespace("shop"), world.app("web"), world.node(21)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "other-plugin", _terway(world)).node(node)
        cluster.deployment(shop, web, creating={node: 3}, running={world.node(22): 1}, since=world.ago(19))
        error = SANDBOX + 'plugin type="portmap" failed (add): failed to find plugin "portmap" in path [/opt/cni/bin]'
        for index in range(3):
            pod = world.replica(web, index)
            reserve(cluster, cluster.pods[shop, pod])
            cluster.scheduled(shop, pod)
            said = Said("FailedCreatePodSandBox", error)
            cluster.event_kubelet(cluster.ref(shop, pod), said, Seen(world.ago(19), world.ago(0.5), 84))
        return cluster

    return Scenario(
        name="other-plugin",
        title="Another CNI plugin is missing",
        symptom=f"Pods of {shop}/{web} hang in ContainerCreating after the node's packages were updated.",
        namespace=shop,
        pod=world.replica(web, 0),
        build=build,
        truth=Truth(
            category="not_terway",
            also=("node_runtime",),
            facts=("portmap", world.replica(web, 0)),
            forbidden=_FORBIDDEN,
        ),
    )


def app_crashes(world: World) -> Scenario:
    """The pod got its address at once; its program exits with an error."""
    shop, api, node = world.namespace("shop"), world.app("cart"), world.node(21)
    pod = world.replica(api, 0)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "app-crashes", _terway(world)).node(node)
        created = world.ago(33)
        cluster.deployment(shop, api, running={node: 1, world.node(22): 1}, since=created)
        cluster.started(shop, pod)
        mine = cluster.pods[shop, pod]
        up = mine.containers[0]
        died = terminated("Error", 1, world.ago(2.2), world.ago(2.1))
        mine.containers = [type(up)(api, up.image, back_off(api, pod, shop, mine.uid), died, 11, ready=False)]
        return cluster.keeps_crashing(shop, pod, api, Seen(world.ago(32), world.ago(0.3), 140))

    return Scenario(
        name="app-crashes",
        title="The application crashes",
        symptom=f"{shop}/{pod} keeps restarting; the team suspects the network.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(category="not_terway", facts=("CrashLoopBackOff", pod), forbidden=_FORBIDDEN),
    )


def image_not_found(world: World) -> Scenario:
    """The pod has an address and no image."""
    shop, api, node = world.namespace("shop"), world.app("cart"), world.node(21)
    pod = world.replica(api, 0)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "image-not-found", _terway(world)).node(node)
        created = world.ago(29)
        cluster.deployment(shop, api, running={node: 1, world.node(23): 1}, since=created)
        mine = cluster.pods[shop, pod]
        up = mine.containers[0]
        cause = f"ErrImagePull: rpc error: code = NotFound desc = {up.image}: not found"
        text = f'Back-off pulling image "{up.image}": {cause}'
        mine.containers = [type(up)(api, up.image, waiting("ImagePullBackOff", text))]
        cluster.scheduled(shop, pod).got_address(shop, pod, Seen.once(created))
        ref = cluster.ref(shop, pod)
        cluster.event_kubelet(
            ref, Said("Failed", f'Failed to pull image "{up.image}": not found'), Seen(created, world.ago(3), 9)
        )
        return cluster.event_kubelet(
            ref, Said("BackOff", f'Back-off pulling image "{up.image}"'), Seen(created, world.ago(0.2), 121)
        )

    return Scenario(
        name="image-not-found",
        title="The image does not exist",
        symptom=f"{shop}/{pod} does not start.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(category="not_terway", facts=("ImagePullBackOff", pod), forbidden=_FORBIDDEN),
    )


def no_cpu_left(world: World) -> Scenario:
    """The scheduler finds no node with enough CPU: there is nothing Terway could have done yet."""
    shop, api = world.namespace("shop"), world.app("cart")
    pod = world.replica(api, 0)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "no-cpu-left", _terway(world), hosts=(21, 22, 23))
        created = world.ago(25)
        text = "0/3 nodes are available: 3 Insufficient cpu. preemption: 0/3 nodes are available: 3 No victims found."
        container = cluster.app_container(api, created, up=False)
        owner = cluster.replica_set_of(shop, api)
        cluster.deployment(shop, api, since=created)
        cluster.workloads[shop, api].wanted = 1
        cluster.pod(shop, pod, "", [container], created, owner=owner, unschedulable=text)
        said = Said("FailedScheduling", text, action="Scheduling")
        return cluster.event_scheduler(cluster.ref(shop, pod), said, Seen(created, world.ago(1), 8))

    return Scenario(
        name="no-cpu-left",
        title="No CPU left to schedule on",
        symptom=f"{shop}/{pod} is Pending.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(category="not_terway", facts=("Insufficient cpu", pod), forbidden=_FORBIDDEN),
    )
