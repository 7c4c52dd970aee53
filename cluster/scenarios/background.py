"""The ordinary cluster every story plays in: several healthy nodes, DNS, a few applications, everyday events."""

from .builder import ClusterBuilder
from .clock import Seen
from .events import Said
from .profile import Terway
from .world import World


def ordinary_cluster(world: World, name: str, terway: Terway, hosts: tuple[int, ...] = (22, 23)) -> ClusterBuilder:
    """Healthy nodes in zones h and i with coredns, metrics-server and two applications on them."""
    cluster = ClusterBuilder(world, name, terway)
    for index, host in enumerate(hosts):
        cluster.node(world.node(host), zone="hi"[index % 2])
    first, last = world.node(hosts[0]), world.node(hosts[-1])
    dns = world.ago(days=20)
    cluster.deployment("kube-system", "coredns", running={first: 1, last: 1}, since=dns)
    cluster.deployment("kube-system", "metrics-server", running={last: 1}, since=dns)
    payments, api = world.namespace("payments"), world.app("api")
    cluster.deployment(payments, api, running={first: 2, last: 2}, since=world.ago(days=3))
    return everyday_events(cluster)


def everyday_events(cluster: ClusterBuilder) -> ClusterBuilder:
    """What is seen in any cluster: cron jobs, DNS warnings, resyncs, an image garbage collection."""
    world, batch, cron = cluster.world, cluster.world.namespace("batch"), cluster.world.app("cron")
    for index, node in enumerate(list(cluster.nodes)):
        created = world.ago(minutes=9 + 7 * index)
        pod = f"{cron}-{29_700_000 + index}-{world.ids.suffix(5, 'cron', node)}"
        cluster.pod(batch, pod, node, [cluster.app_container(cron, created)], created)
        cluster.started(batch, pod)
        missing = (
            "kubelet does not have ClusterDNS IP configured and cannot create Pod using "
            '"ClusterFirst" policy. Falling back to "Default" policy.'
        )
        seen = Seen(world.ago(hours=6), world.ago(minutes=4 + index), 31)
        cluster.event_kubelet(cluster.ref_kubelet_node(node), Said("MissingClusterDNS", missing), seen, node)
        if cluster.terway.hands_out and cluster.terway.controlplane != "absent":
            synced = Said(
                "SyncOpenAPISuccess", "Successfully synced 1 ENIs from OpenAPI", warning=False, action="SyncOpenAPI"
            )
            cluster.event_controlplane(
                "multi-ip-node", cluster.ref_node_cr(node), synced, Seen.once(world.ago(25 + 11 * index))
            )
    return cluster
