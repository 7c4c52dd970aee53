"""Calls that Alibaba Cloud refuses: missing RAM actions and missing credentials."""

from datetime import timedelta

from terway_mcp.cluster.scenarios import terway_pods
from terway_mcp.cluster.scenarios.background import ordinary_cluster
from terway_mcp.cluster.scenarios.builder import ClusterBuilder
from terway_mcp.cluster.scenarios.clock import Seen
from terway_mcp.cluster.scenarios.events import Said
from terway_mcp.cluster.scenarios.logs import Line
from terway_mcp.cluster.scenarios.plots import NO_ENI
from terway_mcp.cluster.scenarios.pods import terminated
from terway_mcp.cluster.scenarios.profile import Terway
from terway_mcp.cluster.scenarios.releases import pod_error
from terway_mcp.cluster.scenarios.scenario import Scenario, Truth
from terway_mcp.cluster.scenarios.world import World

from .stage import fresh_and_broken, hang, openapi, trunk_annotations, trunk_node

DENIED = openapi(
    "Forbidden.RAM", "User not authorized to operate on the specified resource, or this API doesn't support RAM."
)


def ram_denied_trunk(world: World) -> Scenario:
    """The controlplane's own credential may not create ENIs; the nodes' role is fine."""
    shop, db = world.namespace("shop"), world.app("db")
    terway = Terway(release=world.pick("release", "v1.16.0", "v1.15.2", "v1.17.1", "v1.17.2"), trunk=True)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "ram-denied-trunk", terway)
        node = trunk_node(cluster, 21)
        cluster.stateful_set(shop, db, wanted=3)
        created = world.ago(23)
        annotations = trunk_annotations(world, world.vswitch("h"))
        for index in range(2):
            name = f"{db}-{index}"
            cluster.pod(
                shop, name, node.name, [cluster.app_container(db, created, up=False)], created, annotations=annotations
            )
            seen, elapsed = Seen(world.ago(22), world.ago(2), 6), "412.7ms"
            error = f"error batch create eni,create eni with openAPI err, {DENIED}"
            text = pod_error(terway.release, "PodCreateFailed", error, elapsed)
            ref = cluster.ref(shop, name)
            cluster.event_controlplane("pod", ref, Said("PodCreateFailed", text, action="CreatePod"), seen)
            failed = Said("CreateENIFailed", f"create eni with openAPI err, {DENIED}", action="CreateENI")
            cluster.event_controlplane("pod", cluster.ref_pod_eni(shop, name, exists=False), failed, seen, related=ref)
            about = {"err": f"create eni with openAPI err, {DENIED}", "eni": "", "pod": f"{shop}/{name}"}
            line = Line(seen.first, "create fail", "E", "pod_controller.go:585", about)
            cluster.controlplane_says(*cluster.repeat(seen, line))
        return hang(cluster, shop, db, every=5)

    return Scenario(
        name="ram-denied-trunk",
        title="The controlplane may not create ENIs",
        symptom=f"{shop}/{db}-0 with its own ENI stays in ContainerCreating, ordinary pods are fine.",
        namespace=shop,
        pod=f"{db}-0",
        build=build,
        truth=Truth(
            category="permission",
            facts=("Forbidden.RAM", f"{db}-0"),
            forbidden=("vSwitch", "quota", "bug", "malformed"),
        ),
    )


def ram_denied_assign(world: World) -> Scenario:
    """Local IPAM: running pods are fine, but the node's role may not assign further addresses."""
    shop, cart, node = world.namespace("shop"), world.app("cart"), world.node(21)
    terway = Terway(
        release=world.pick("release", "v1.12.4", "v1.14.3", "v1.10.3"),
        ipam="local",
        controlplane="absent",
        virtual_type="veth",
        kubernetes="v1.30.7-aliyun.1",
    )

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "ram-denied-assign", terway)
        cluster.node(node, kind="ecs.g7.2xlarge", idle=0, serving=False)
        cluster.deployment(shop, cart, running={node: 6, world.node(22): 2}, creating={node: 3}, since=world.ago(19))
        hang(cluster, shop, cart, NO_ENI, every=1.5)
        seen = Seen(world.ago(18), world.ago(2), 9)
        cluster.event_daemon(cluster.ref_node(node), Said("AllocIPFailed", DENIED), seen)
        eni = cluster.nodes[node].enis[0].id
        called = {
            "err": DENIED,
            "api": "AssignPrivateIpAddresses",
            "NetworkInterfaceId": eni,
            "requestID": "{request_id}",
        }
        cluster.daemon_says(node, *cluster.repeat(seen, Line(seen.first, "failed", "E", "ecs.go:328", called)))
        failed = Line(seen.first, "assign ipv4 failed", "E", "local.go:760", {"err": DENIED, "eni": eni})
        return cluster.daemon_says(node, *cluster.repeat(seen, failed))

    return Scenario(
        name="ram-denied-assign",
        title="The node's role may not assign addresses",
        symptom=f"Old pods of {shop}/{cart} work, new ones do not start.",
        namespace=shop,
        pod=world.replica(cart, 0),
        build=build,
        truth=Truth(
            category="permission",
            facts=("Forbidden.RAM", "AssignPrivateIpAddresses", node),
            forbidden=("IpNotEnough", "quota", "bug", "node is full"),
        ),
    )


def no_credential(world: World) -> Scenario:
    """A self-built cluster on ECS with neither access key nor RAM role."""
    fresh, shop, web = world.node(31), world.namespace("shop"), world.app("web")
    terway = Terway(
        release="v1.5.6", ipam="local", controlplane="absent", virtual_type="veth", kubernetes="v1.22.15", policy=True
    )

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "no-credential", terway)
        cluster.eni_conf(access_key="", access_secret="").config_map("ack-cluster-profile", None)
        fresh_and_broken(cluster, 31, minutes=43)
        pod = cluster.terway_pod(fresh)
        died = terminated("Error", 1, world.ago(2.2), world.ago(2.1))
        cluster.terway_containers(fresh, terway_pods.crash_looping(pod, "terway", died, restarts=12))
        for previous, minutes in ((False, 2.2), (True, 7.4)):
            at = world.ago(minutes)
            config = "got config: &{Version:1 AccessID: AccessSecret: CredentialPath: MaxPoolSize:5 MinPoolSize:0}"
            failure = (
                "error create aliyun client: error get clientset, Aliyun Metadata API Error: Status Code: 404, "
                "url: http://100.100.100.200/latest/meta-data/ram/security-credentials/"
            )
            service = {"subSys": "network-service"}
            cluster.daemon_log(fresh, previous=previous).add(
                Line(at, "start network service with: /etc/eni/eni.json, ENIMultiIP", "I", "daemon.go:1290", service),
                Line(at + timedelta(milliseconds=20), config, "I", "daemon.go:1307", service),
                Line(at + timedelta(milliseconds=900), failure, "E", "main.go:73", service),
            )
        cluster.scheduled("kube-system", pod.name)
        cluster.keeps_crashing("kube-system", pod.name, "terway", Seen(world.ago(41), world.ago(0.5), 170))
        cluster.deployment(shop, web, running={world.node(22): 2}, creating={fresh: 2}, since=world.ago(37))
        for index in range(2):
            cluster.network_not_ready(shop, world.replica(web, index), Seen(world.ago(37), world.ago(0.3), 160))
        return cluster

    return Scenario(
        name="no-credential",
        title="Terway has no credential on the new node",
        symptom="A node joined our self-built cluster and stays NotReady: cni plugin not initialized.",
        namespace=shop,
        pod=world.replica(web, 0),
        node=fresh,
        build=build,
        truth=Truth(
            category="permission",
            also=("configuration",),
            facts=("404", fresh, "error create aliyun client"),
            forbidden=("kernel", "vSwitch", "network failure", "bug"),
        ),
    )
