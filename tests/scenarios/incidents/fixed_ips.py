"""Pods that keep their address across restarts, and the ENI that will not come along."""

from terway_mcp.cluster.scenarios import pod_enis
from terway_mcp.cluster.scenarios.background import ordinary_cluster
from terway_mcp.cluster.scenarios.builder import ClusterBuilder
from terway_mcp.cluster.scenarios.clock import Seen
from terway_mcp.cluster.scenarios.events import Said
from terway_mcp.cluster.scenarios.logs import Line
from terway_mcp.cluster.scenarios.profile import Terway
from terway_mcp.cluster.scenarios.releases import pod_error
from terway_mcp.cluster.scenarios.scenario import Scenario, Truth
from terway_mcp.cluster.scenarios.world import World

from .permissions import DENIED
from .stage import hang, trunk_annotations, trunk_node


def detach_denied(world: World) -> Scenario:
    """A StatefulSet's pod moved; its ENI cannot be detached from the old node, because the action is not allowed."""
    shop, db = world.namespace("shop"), world.app("db")
    pod, eni = f"{db}-0", world.ids.cloud("eni", "fixed")
    old_instance = world.instance(world.node(22))

    def build() -> ClusterBuilder:
        terway = Terway(release=world.pick("release", "v1.17.2", "v1.17.5", "v1.17.1"), trunk=True)
        cluster = ordinary_cluster(world, "detach-denied", terway)
        node = trunk_node(cluster, 21)
        created = world.ago(20)
        cluster.stateful_set(shop, db, wanted=1)
        annotations = trunk_annotations(world, world.vswitch("h"))
        cluster.pod(
            shop, pod, node.name, [cluster.app_container(db, created, up=False)], created, annotations=annotations
        )
        cluster.pod_eni(
            pod_enis.OwnEni(
                pod=cluster.pods[shop, pod],
                eni=eni,
                vswitch=world.vswitch("h"),
                zone=world.zone("h"),
                ip=cluster.vswitch("h").take(),
                instance=old_instance,
                trunk=world.eni(world.node(22), 0),
                phase="Detaching",
                message=DENIED.replace("{request_id}", world.ids.request_id("detach")),
                fixed=True,
                pod_uid=world.ids.uid("pod", shop, pod, "before"),
                deleted=world.ago(19.5),
            )
        )
        seen, ref, own = Seen(world.ago(19), world.ago(2), 9), cluster.ref(shop, pod), cluster.ref_pod_eni(shop, pod)
        text = f"Failed to detach ENI {eni} from instance {old_instance}: {DENIED}"
        cluster.event_controlplane("eni", ref, Said("DetachENIFailed", text, action="DetachENI"), seen)
        cluster.event_controlplane("pod-eni", own, Said("DetachENIFailed", DENIED, action="DetachENI"), seen, ref)
        error = pod_error(terway.release, "DeletePodENIFailed", DENIED, "1.204s")
        cluster.event_controlplane("pod-eni", ref, Said("DeletePodENIFailed", error, action="DeletePod"), seen, own)
        line = Line(seen.first, "detach failed", "E", "eni_controller.go:261", {"err": DENIED, "eni": eni})
        cluster.controlplane_says(*cluster.repeat(seen, line))
        waiting = "code: PodENINotReady, msg: DeletionTimestamp is not zero"
        return hang(cluster, shop, db, f"cmdAdd: error alloc ip rpc error: code = Unknown desc = {waiting}", every=3)

    return Scenario(
        name="detach-denied",
        title="An ENI that may not be detached",
        symptom=f"{shop}/{pod} moved to another node and does not come up there.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="permission",
            facts=("Forbidden.RAM", eni, pod),
            forbidden=("IpNotEnough", "exhaust", "quota", "bug"),
        ),
    )
