"""Faults below the addresses: network interfaces, routes and the accounting itself."""

from terway_mcp.cluster.scenarios.accounting import Slot
from terway_mcp.cluster.scenarios.background import ordinary_cluster
from terway_mcp.cluster.scenarios.builder import ClusterBuilder
from terway_mcp.cluster.scenarios.clock import Seen
from terway_mcp.cluster.scenarios.events import Said
from terway_mcp.cluster.scenarios.logs import Line
from terway_mcp.cluster.scenarios.profile import Terway
from terway_mcp.cluster.scenarios.scenario import Scenario, Truth
from terway_mcp.cluster.scenarios.world import World

from .stage import reserve


def interface_never_appeared(world: World) -> Scenario:
    """The ENI is attached in the cloud but its interface is not in the guest."""
    shop, cart, node = world.namespace("shop"), world.app("cart"), world.node(21)
    mac = world.ids.mac(node, 0)
    error = f"cmdAdd: error parse config, can't found dev by mac {mac}: not found"

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(
            world, "interface-never-appeared", Terway(release=world.pick("release", "v1.17.2", "v1.16.6", "v1.15.4"))
        )
        cluster.node(node, kind="ecs.g7.xlarge")
        cluster.deployment(shop, cart, creating={node: 3}, running={world.node(22): 2}, since=world.ago(21))
        for index in range(3):
            pod = cluster.pods[shop, world.replica(cart, index)]
            reserve(cluster, pod)
            cluster.no_network(shop, pod.name, error, Seen(world.ago(20.8), world.ago(1), 17))
        return cluster

    return Scenario(
        name="interface-never-appeared",
        title="An attached ENI without an interface",
        symptom=f"Pods of {shop}/{cart} stay in ContainerCreating on a node that just got a new ENI.",
        namespace=shop,
        pod=world.replica(cart, 0),
        build=build,
        truth=Truth(
            category="datapath",
            also=("node_runtime",),
            facts=("can't found dev by mac", mac, node),
            forbidden=("IpNotEnough", "exhaust", "Forbidden.RAM", "quota"),
        ),
    )


def address_taken_away(world: World) -> Scenario:
    """Somebody removed a running pod's address from the ENI in the console."""
    shop, api, node = world.namespace("shop"), world.app("cart"), world.node(21)
    pod = world.replica(api, 0)

    def build() -> ClusterBuilder:
        terway = Terway(
            release=world.pick("release", "v1.12.4", "v1.14.3"),
            ipam="local",
            controlplane="absent",
            virtual_type="veth",
        )
        cluster = ordinary_cluster(world, "address-taken-away", terway)
        cluster.node(node)
        cluster.deployment(shop, api, running={node: 2}, since=world.ago(hours=30))
        ip = cluster.pods[shop, pod].ips[0]
        said = Said("ResourceInvalid", f"Mark as invalid, ip: {ip}")
        cluster.event_daemon(cluster.ref_node(node), said, Seen(world.ago(38), world.ago(4), 18))
        line = Line(world.ago(38), "remote ip gone, mark as invalid", "I", "local.go:1119", {"ip": ip})
        cluster.daemon_says(node, *cluster.repeat(Seen(world.ago(38), world.ago(4), 18), line))
        probe = f'Liveness probe failed: Get "http://{ip}:8080/livez": dial tcp {ip}:8080: connect: no route to host'
        return cluster.event_kubelet(
            cluster.ref(shop, pod), Said("Unhealthy", probe), Seen(world.ago(37), world.ago(0.5), 108)
        )

    return Scenario(
        name="address-taken-away",
        title="A pod's address was removed outside Terway",
        symptom=f"{shop}/{pod} runs but nobody can reach it since about forty minutes.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="configuration",
            also=("datapath",),
            facts=("ResourceInvalid", "Mark as invalid", node),
            forbidden=("exhaust", "IpNotEnough", "bug"),
        ),
    )


def enis_without_end(world: World) -> Scenario:
    """A node was re-added under its old name; stale pods make the controller create ENI after ENI (Terway #1030)."""
    shop, web, node = world.namespace("shop"), world.app("web"), world.node(21)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(
            world, "enis-without-end", Terway(release=world.pick("release", "v1.17.2", "v1.17.4"))
        )
        cluster.node(node, kind="ecs.g7.4xlarge", age_days=0.05, idle=0, serving=False)
        model = cluster.nodes[node]
        for _ in range(model.kind.secondary_enis):
            eni = model.attach(world)
            eni.slots += [Slot(eni.vswitch.take()) for _ in range(8)]
        created = world.ago(days=3)
        owner = cluster.replica_set_of(shop, web)
        # Their addresses are those of the node before it was deleted and added again.
        for index in range(9):
            container = cluster.app_container(web, created)
            stale = (f"10.199.7.{40 + index}",)
            cluster.pod(shop, world.replica(web, index), node, [container], created, ips=stale, owner=owner)
        cluster.deployment(shop, web, creating={}, running={}, since=created)
        cluster.workloads[shop, web].wanted = 9
        cr = cluster.ref_node_cr(node)
        for index, eni in enumerate(model.enis):
            at = Seen.once(world.ago(50 - index * 6))
            created_text = f"ENI {eni.id} created (IPv4=9 IPv4Prefix=0), attach in progress"
            ready = f"ENI {eni.id} is now ready with 9 IPv4, 0 IPv6, 0 IPv4Prefixes, 0 IPv6Prefixes"
            cluster.event_controlplane(
                "multi-ip-node", cr, Said("CreateENISucceed", created_text, warning=False, action="CreateENI"), at
            )
            cluster.event_controlplane(
                "multi-ip-node", cr, Said("AttachENISucceed", ready, warning=False, action="AttachENI"), at
            )
            submitted = {"eni": eni.id, "name": node}
            cluster.controlplane_says(
                Line(at.first, "ENI created, submitting async attach task", "I", "pool.go:2129", submitted)
            )
        for index, moment in enumerate(Seen(world.ago(51), world.ago(1), 45).moments()):
            # The stale pods count as demand in every round, whatever lies idle by then.
            demand = {
                "podDemand": 9,
                "stalePods": 0,
                "totalIdleIPs": min(9 * (1 + index // 6), 63),
                "allocationDemand": 9,
            }
            line = Line(moment, "addIP demand calculation", "I", "pool.go:1211", {"name": node, **demand})
            cluster.controlplane_says(line)
        fresh = world.app("cart")
        cluster.deployment(shop, fresh, running={node: 1}, since=world.ago(9))
        return cluster.started(shop, world.replica(fresh, 0))

    return Scenario(
        name="enis-without-end",
        title="ENIs are created without end after a node came back",
        symptom="After a node was removed and added again it attached all ENIs it can and the vSwitch drains.",
        node=node,
        build=build,
        truth=Truth(
            category="terway_bug",
            also=("resource_exhaustion", "insufficient_evidence"),
            facts=(node, "v1.17", "podDemand"),
            forbidden=("Forbidden.RAM", "max_pool_size"),
        ),
    )
