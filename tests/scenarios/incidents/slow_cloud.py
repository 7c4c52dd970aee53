"""OpenAPI answers late or refuses for a while: throttling."""

from datetime import timedelta

from terway_mcp.cluster.scenarios.background import ordinary_cluster
from terway_mcp.cluster.scenarios.builder import ClusterBuilder
from terway_mcp.cluster.scenarios.clock import Seen
from terway_mcp.cluster.scenarios.events import Said
from terway_mcp.cluster.scenarios.logs import Line
from terway_mcp.cluster.scenarios.plots import CNI, DEADLINE
from terway_mcp.cluster.scenarios.profile import Terway
from terway_mcp.cluster.scenarios.scenario import Scenario, Truth
from terway_mcp.cluster.scenarios.world import World

from .stage import hang, openapi

THROTTLED = openapi("Throttling.User", "Request was denied due to user flow control.")


def throttled_scale_out(world: World) -> Scenario:
    """A large scale-out: OpenAPI refuses calls, pods wait for minutes and most recover."""
    shop, web = world.namespace("shop"), world.app("web")
    hosts = tuple(range(41, 49))
    node = world.node(41)

    def build() -> ClusterBuilder:
        terway = Terway(release=world.pick("release", "v1.17.1", "v1.17.2", "v1.16.6"))
        cluster = ordinary_cluster(world, "throttled-scale-out", terway)
        for host in hosts:
            cluster.node(world.node(host), age_days=17 / 1440, idle=0, serving=host != 41)
        late = {world.node(host): 1 for host in hosts[1:]}
        cluster.deployment(shop, web, creating={node: 2}, running=late, since=world.ago(14))
        hang(cluster, shop, web, every=4)
        for index in range(2, 9):
            cluster.scheduled(shop, world.replica(web, index))
            cluster.got_address(shop, world.replica(web, index), Seen.once(world.ago(13 - index)))
            late_start = cluster.app_container(web, world.ago(12.9 - index))
            cluster.pods[shop, world.replica(web, index)].containers = [late_start]
        for index, host in enumerate(hosts):
            seen = Seen(world.ago(14 - index * 0.3), world.ago(2 if host == 41 else 9 - index * 0.5), 5)
            cr, vswitch = cluster.ref_node_cr(world.node(host)), world.vswitch("h")
            text = f"Failed to create ENI type=Secondary vsw={vswitch}: {THROTTLED}"
            cluster.event_controlplane("multi-ip-node", cr, Said("CreateENIFailed", text, action="CreateENI"), seen)
            cluster.event_controlplane("multi-ip-node", cr, Said("AllocIPFailed", THROTTLED, action="AllocIP"), seen)
        sync = Said("SyncOpenAPIFailed", f"Failed to describe network interfaces: {THROTTLED}", action="SyncOpenAPI")
        cluster.event_controlplane("multi-ip-node", cluster.ref_node_cr(node), sync, Seen.once(world.ago(8)))
        refused = {"err": THROTTLED, "api": "CreateNetworkInterface", "requestID": "{request_id}"}
        cluster.controlplane_says(
            *cluster.repeat(
                Seen(world.ago(14), world.ago(2), 40), Line(world.ago(14), "failed", "E", "ecs.go:63", refused)
            )
        )
        slow = Line(
            world.ago(14), "client rate limit", "I", "ratelimit.go:61", {"api": "CreateNetworkInterface", "took": 12.1}
        )
        return cluster.controlplane_says(*cluster.repeat(Seen(world.ago(14), world.ago(3), 15), slow))

    return Scenario(
        name="throttled-scale-out",
        title="OpenAPI throttles after a scale-out",
        symptom=f"We added 300 nodes; pods of {shop}/{web} take minutes to start and some still hang.",
        namespace=shop,
        pod=world.replica(web, 0),
        build=build,
        truth=Truth(
            category="throttling",
            facts=("Throttling.User", node),
            forbidden=("IpNotEnough", "vSwitch exhausted", "Forbidden.RAM", "bug"),
        ),
    )


def still_processing(world: World) -> Scenario:
    """A rate limit of the cluster's own makes the first request slow; retries meet it and say so."""
    shop, cart, node = world.namespace("shop"), world.app("cart"), world.node(21)
    pod = world.replica(cart, 0)

    def build() -> ClusterBuilder:
        terway = Terway(
            release=world.pick("release", "v1.12.4", "v1.14.3"),
            ipam="local",
            controlplane="absent",
            virtual_type="veth",
        )
        cluster = ordinary_cluster(world, "still-processing", terway)
        cluster.eni_conf(rate_limit={"AssignPrivateIpAddresses": 1})
        cluster.node(node, kind="ecs.g7.2xlarge", idle=0, serving=False)
        cluster.deployment(shop, cart, running={node: 4}, creating={node: 2}, since=world.ago(15))
        cluster.no_network(shop, pod, DEADLINE, Seen(world.ago(13), world.ago(3), 4))
        busy = f"code: PodIsProcessing, msg: Pod {shop}/{pod} request is processing"
        processing = f"cmdAdd: error alloc ip rpc error: code = Unknown desc = {busy}"
        seen, ref = Seen(world.ago(12.5), world.ago(1.5), 9), cluster.ref(shop, pod)
        cluster.event_kubelet(ref, Said("FailedCreatePodSandBox", CNI + processing), seen)
        cluster.event_daemon(ref, Said("AllocIPFailed", processing), seen)
        cluster.no_network(shop, world.replica(cart, 1), DEADLINE, Seen(world.ago(12), world.ago(4), 3))
        for index, moment in enumerate(Seen(world.ago(14), world.ago(2), 13).moments()):
            about = {"api": "AssignPrivateIpAddresses", "took": 55.2 + index}
            cluster.daemon_says(node, Line(moment, "client rate limit", "I", "ratelimit.go:61", about))
            asked = {"eni": world.eni(node, 0), "req": {"cache": False}}
            cluster.daemon_says(node, Line(moment - timedelta(seconds=50), "local request", "I", "local.go:485", asked))
        return cluster

    return Scenario(
        name="still-processing",
        title="'request is processing'",
        symptom=f"Pod {shop}/{pod} fails with 'request is processing'.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="throttling",
            also=("configuration", "insufficient_evidence"),
            facts=("client rate limit", node),
            forbidden=("concurrency bug", "IpNotEnough", "vSwitch exhausted"),
        ),
    )
