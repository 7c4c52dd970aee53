"""Centralized IPAM, and the vSwitch of one zone has no address left: 12 of 20 replicas wait for their network."""

from .background import ordinary_cluster
from .builder import ClusterBuilder
from .clock import Seen
from .events import Said
from .logs import Line
from .plots import DEADLINE
from .profile import Terway
from .scenario import Scenario, Truth
from .world import World


def vswitch_exhausted(world: World) -> Scenario:
    """The vSwitch a node's ENI lives in is empty; the controlplane says so, the pods only see a deadline."""
    shop, web, node = world.namespace("shop"), world.app("web"), world.node(21)
    vswitch = world.vswitch("h")

    def build() -> ClusterBuilder:
        release = world.pick("release", "v1.17.2", "v1.17.4", "v1.17.1", "v1.16.6")
        cluster = ordinary_cluster(world, "vswitch-exhausted", Terway(release=release))
        cluster.node(node, zone="h", kind="ecs.g7.2xlarge", idle=0, sufficient_ip=False)
        cluster.deployment(
            shop,
            web,
            creating={node: 12},
            running={node: 2, world.node(22): 3, world.node(23): 3},
            since=world.ago(34.5),
        )

        def exhausted(request_id: str) -> str:
            said = f'The specified VSwitch "{vswitch}" has not enough IpAddress.'
            return f"errCode: InvalidVSwitchId.IpNotEnough, msg: {said}, requestID: {request_id}"

        eni = cluster.nodes[node].enis[0]
        observed = world.ago(3.8).strftime("%Y-%m-%dT%H:%M:%SZ")
        eni.conditions["InsufficientIP"] = {"message": f"{vswitch} ip is not enough", "observedTime": observed}
        for index in range(12):
            seen = Seen(world.ago(32.4 - index * 0.2), world.ago(2.3 + index * 0.1), 3)
            cluster.no_network(shop, world.replica(web, index), DEADLINE, seen)
        for index in range(12, 20):
            cluster.started(shop, world.replica(web, index))
        seen = Seen(world.ago(33.8), world.ago(3.8), 9)
        said = Said("AllocIPFailed", exhausted("{request_id}"), action="AllocIP")
        cluster.event_controlplane("multi-ip-node", cluster.ref_node_cr(node), said, seen)
        failed = Line(
            seen.first, "syncPods error", "E", "pool.go:393", {"err": exhausted("{request_id}"), "name": node}
        )
        demand = Line(
            seen.first,
            "addIP demand calculation",
            "I",
            "pool.go:1211",
            {"name": node, "podDemand": 12, "allocationDemand": 12},
        )
        return cluster.controlplane_says(*cluster.repeat(seen, failed), *cluster.repeat(seen, demand))

    return Scenario(
        name="vswitch-exhausted",
        title="A vSwitch without free addresses",
        symptom=f"12 of 20 replicas of {shop}/{web} stay in ContainerCreating on one node.",
        namespace=shop,
        pod=world.replica(web, 0),
        build=build,
        truth=Truth(
            category="resource_exhaustion",
            facts=("InvalidVSwitchId.IpNotEnough", vswitch, node),
            forbidden=("quota", "Forbidden.RAM", "EniPerInstanceLimitExceeded", "bug"),
        ),
    )
