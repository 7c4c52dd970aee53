"""Pods that ask for an ENI of their own, and why they do not get it."""

from terway_mcp.cluster import resources
from terway_mcp.cluster.scenarios import pod_enis
from terway_mcp.cluster.scenarios.background import ordinary_cluster
from terway_mcp.cluster.scenarios.builder import ClusterBuilder
from terway_mcp.cluster.scenarios.clock import Seen
from terway_mcp.cluster.scenarios.events import Said
from terway_mcp.cluster.scenarios.logs import Line
from terway_mcp.cluster.scenarios.pods import running, terminated
from terway_mcp.cluster.scenarios.profile import Terway
from terway_mcp.cluster.scenarios.releases import pod_error
from terway_mcp.cluster.scenarios.scenario import Scenario, Truth
from terway_mcp.cluster.scenarios.terway_pods import replaced, restarted
from terway_mcp.cluster.scenarios.world import World

from .stage import hang, openapi, trunk_annotations, trunk_node


def _waiting_pod(cluster: ClusterBuilder, key: tuple[str, str], minutes: float, annotations: dict[str, str]) -> None:
    """A pod of a Deployment on the trunk node 21."""
    (namespace, app), world = key, cluster.world
    created = world.ago(minutes)
    node = world.node(21)
    cluster.deployment(namespace, app, creating={node: 1}, running={world.node(22): 1}, since=created)
    cluster.pods[namespace, world.replica(app, 0)].annotations = annotations


def _pod_error(cluster: ClusterBuilder, key: tuple[str, str], error: str, seen: Seen) -> None:
    """The pod controller cannot create what the pod needs."""
    text = pod_error(cluster.terway.release, "PodCreateFailed", error, "3.214ms")
    said = Said("PodCreateFailed", text, action="CreatePod")
    cluster.event_controlplane("pod", cluster.ref(*key), said, seen)
    about = {"err": error, "controller": "pod", "namespace": key[0], "name": key[1]}
    line = Line(seen.first, "Reconciler error", "E", "controller.go:347", about)
    cluster.controlplane_says(*cluster.repeat(seen, line))


def networking_without_zone(world: World) -> Scenario:
    """A PodNetworking that has no vSwitch in the zone the pod was pinned to."""
    shop, api = world.namespace("shop"), world.app("cart")
    pod, vswitch, zone = world.replica(api, 0), world.vswitch("j"), world.zone("h")

    def build() -> ClusterBuilder:
        terway = Terway(release=world.pick("release", "v1.17.2", "v1.16.6"), trunk=True)
        cluster = ordinary_cluster(world, "networking-without-zone", terway)
        trunk_node(cluster, 21)
        cluster.has(resources.PODNETWORKINGS, pod_enis.pod_networking(world, "pn-x", {vswitch: world.zone("j")}))
        _waiting_pod(cluster, (shop, api), 21, trunk_annotations(world, vswitch, "pn-x"))
        error = (
            f"error parse config, error parse pod annotation, no available vSwitch for zone {zone}, vswList [{vswitch}]"
        )
        _pod_error(cluster, (shop, pod), error, Seen(world.ago(20.8), world.ago(2), 11))
        return hang(cluster, shop, api, every=5)

    return Scenario(
        name="networking-without-zone",
        title="PodNetworking without a vSwitch in the node's zone",
        symptom=f"Pod {shop}/{pod}, pinned to a node, stays in ContainerCreating.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="configuration",
            facts=("no available vSwitch for zone", zone, vswitch),
            forbidden=("malformed", "no ip left", "exhaust", "bug"),
        ),
    )


def trunk_flags_disagree(world: World) -> Scenario:
    """The controlplane has trunking on by default, the daemon's configuration has it off."""
    shop, cart = world.namespace("shop"), world.app("cart")
    pod, node = world.replica(cart, 0), world.node(21)

    def build() -> ClusterBuilder:
        terway = Terway(release=world.pick("release", "v1.16.6", "v1.17.1"))
        cluster = ordinary_cluster(world, "trunk-flags-disagree", terway)
        cluster.node(node, kind="ecs.g7.2xlarge", capacity={"aliyun/member-eni": "0"})
        cluster.eni_conf(enable_eni_trunking=False)
        controllers = "controllers: [pod, pod-eni, pod-networking, eni, node, multi-ip-node, multi-ip-pod]"
        settings = f"regionID: {world.region}\n{controllers}\ncentralizedIPAM: true\n"
        cluster.config_map("terway-controlplane", {"ctrl-config.yaml": settings})
        _waiting_pod(cluster, (shop, cart), 24, trunk_annotations(world, world.vswitch("h")))
        waiting = cluster.pods[shop, pod]
        eni = world.ids.cloud("eni", pod)
        ip = cluster.vswitch("h").take()
        cluster.pod_eni(
            pod_enis.OwnEni(pod=waiting, eni=eni, vswitch=world.vswitch("h"), zone=world.zone("h"), ip=ip, phase="")
        )
        seen, ref, cr = Seen(world.ago(23), world.ago(2), 12), cluster.ref(shop, pod), cluster.ref_pod_eni(shop, pod)
        error = "trunk eni id not found, this may due to terway agent is not started"
        created = Said("CreateENISucceed", f"create enis {eni}", warning=False, action="CreateENI")
        cluster.event_controlplane(
            "pod", cluster.ref_pod_eni(shop, pod, exists=False), created, Seen.once(world.ago(23.5)), ref
        )
        cluster.event_controlplane("pod-eni", cr, Said("AttachENIFailed", error, action="AttachENI"), seen, ref)
        text = pod_error(terway.release, "CreateENIFailed", error, "5.102ms")
        cluster.event_controlplane("pod-eni", ref, Said("CreateENIFailed", text, action="CreateENI"), seen, cr)
        return hang(cluster, shop, cart, every=5)

    return Scenario(
        name="trunk-flags-disagree",
        title="Trunking on in the controlplane, off in the daemon",
        symptom=f"Pod {shop}/{pod} wants its own ENI and hangs: trunk eni id not found.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="configuration",
            facts=("trunk eni id not found", "enable_eni_trunking", node),
            forbidden=("crash", "IpNotEnough", "bug"),
        ),
    )


def webhook_was_down(world: World) -> Scenario:
    """The controlplane was down while the pod was created, so the webhook never filled in its networks."""
    shop, db = world.namespace("shop"), world.app("db")
    pod = world.replica(db, 0)

    def build() -> ClusterBuilder:
        terway = Terway(release=world.pick("release", "v1.17.2", "v1.17.3", "v1.16.6"), trunk=True)
        cluster = ordinary_cluster(world, "webhook-was-down", terway)
        trunk_node(cluster, 21)
        for index in range(2):
            mine = cluster.pods["kube-system", world.replica("terway-controlplane", index)]
            died = terminated("Error", 2, world.ago(days=1), world.ago(24))
            mine.containers = replaced(mine.containers, restarted(mine, "terway-controlplane", died, world.ago(12), 4))
        panic = "panic: open /var/run/webhook-cert/tls.crt: no such file or directory"
        cluster.log("kube-system", cluster.leader, "terway-controlplane", previous=True).add(
            Line(world.ago(25), "using config", "I", "main.go:108", {"logger": "setup"}), Line(world.ago(24), panic)
        )
        _waiting_pod(cluster, (shop, db), 17, {"k8s.aliyun.com/pod-eni": "true"})
        _pod_error(
            cluster, (shop, pod), "error parse config, podNetworking is empty", Seen(world.ago(11), world.ago(1), 9)
        )
        return hang(cluster, shop, db, every=4)

    return Scenario(
        name="webhook-was-down",
        title="A pod that the webhook never saw",
        symptom=f"{shop}/{pod} asks for its own ENI and gets nothing.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="component_down",
            also=("configuration",),
            facts=("podNetworking is empty", "webhook", pod),
            forbidden=("PodNetworking resource is empty", "exhaust", "bug"),
        ),
    )


def namespace_opted_out(world: World) -> Scenario:
    """The namespace is labelled out of the webhook, so a pod that asks for an ENI by hand is never completed."""
    shop, db = world.namespace("shop"), world.app("db")
    pod, label = world.replica(db, 0), "k8s.aliyun.com/pod-eni"

    def build() -> ClusterBuilder:
        terway = Terway(release=world.pick("release", "v1.17.2", "v1.17.5", "v1.17.1"), trunk=True)
        cluster = ordinary_cluster(world, "namespace-opted-out", terway)
        trunk_node(cluster, 21)
        cluster.namespace(shop, {label: "false"})
        _waiting_pod(cluster, (shop, db), 26, {label: "true"})
        _pod_error(
            cluster, (shop, pod), "error parse config, podNetworking is empty", Seen(world.ago(25), world.ago(1), 14)
        )
        return hang(cluster, shop, db, every=5)

    return Scenario(
        name="namespace-opted-out",
        title="A namespace the webhook passes by",
        symptom=f"{shop}/{pod} has the pod-eni annotation and hangs; the same manifest works in another namespace.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="configuration",
            also=("component_down",),
            facts=("podNetworking is empty", label, pod),
            forbidden=("exhaust", "Forbidden.RAM", "bug"),
        ),
    )


def wrong_security_group(world: World) -> Scenario:
    """A PodNetworking names a security group that was deleted."""
    shop, cart = world.namespace("shop"), world.app("cart")
    pod, group = world.replica(cart, 0), world.security_group()
    error = openapi("InvalidSecurityGroupId.NotFound", f"The specified SecurityGroupId {group} does not exist.")

    def build() -> ClusterBuilder:
        terway = Terway(release=world.pick("release", "v1.17.2", "v1.17.5", "v1.16.6"), trunk=True)
        cluster = ordinary_cluster(world, "wrong-security-group", terway)
        trunk_node(cluster, 21)
        cluster.has(
            resources.PODNETWORKINGS, pod_enis.pod_networking(world, "pn-db", {world.vswitch("h"): world.zone("h")})
        )
        _waiting_pod(cluster, (shop, cart), 18, trunk_annotations(world, world.vswitch("h"), "pn-db"))
        seen, ref = Seen(world.ago(17), world.ago(2), 8), cluster.ref(shop, pod)
        _pod_error(cluster, (shop, pod), f"error batch create eni,create eni with openAPI err, {error}", seen)
        failed = Said("CreateENIFailed", f"create eni with openAPI err, {error}", action="CreateENI")
        cluster.event_controlplane("pod", cluster.ref_pod_eni(shop, pod, exists=False), failed, seen, related=ref)
        return hang(cluster, shop, cart, every=4)

    return Scenario(
        name="wrong-security-group",
        title="A security group that does not exist",
        symptom=f"{shop}/{pod} hangs since the network team cleaned up security groups.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="configuration",
            facts=("InvalidSecurityGroupId.NotFound", group, pod),
            forbidden=("Forbidden.RAM", "exhaust", "bug"),
        ),
    )


def bonded_host_route(world: World) -> Scenario:
    """A bonded node answers probes of exclusive-ENI pods from the wrong address (Terway #1046)."""
    shop, api, node = world.namespace("shop"), world.app("cart"), world.node(21)
    pod = world.replica(api, 1)

    def build() -> ClusterBuilder:
        terway = Terway(release=world.pick("release", "v1.17.3", "v1.17.4"))
        cluster = ordinary_cluster(world, "bonded-host-route", terway)
        labels = {"k8s.aliyun.com/exclusive-mode-eni-type": "eniOnly", "node.example.com/nic": "bond0"}
        cluster.node(node, kind="ecs.g7.8xlarge", exclusive=True, labels=labels, custom_resource="capabilities")
        created, address = world.ago(22), cluster.vswitch("h").take()
        up = cluster.app_container(api, world.ago(21))
        ill = type(up)(api, up.image, running(world.ago(21)), ready=False)
        annotations = {"k8s.aliyun.com/pod-eni": "true"}
        cluster.deployment(shop, api, running={world.node(22): 1}, since=created)
        cluster.workloads[shop, api].wanted = 2
        owner = cluster.replica_set_of(shop, api)
        cluster.pod(shop, pod, node, [ill], created, ips=(address,), annotations=annotations, owner=owner)
        mine = cluster.pods[shop, pod]
        cluster.pod_eni(
            pod_enis.OwnEni(
                pod=mine,
                eni=world.ids.cloud("eni", pod),
                vswitch=world.vswitch("h"),
                zone=world.zone("h"),
                ip=address,
                instance=world.instance(node),
            )
        )
        cluster.started(shop, pod)
        late = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
        probe = f'Readiness probe failed: Get "http://{address}:8080/healthz": {late}'
        return cluster.event_kubelet(
            cluster.ref(shop, pod), Said("Unhealthy", probe), Seen(world.ago(21), world.ago(0.2), 126)
        )

    return Scenario(
        name="bonded-host-route",
        title="Probes to exclusive-ENI pods time out on bonded nodes",
        symptom=f"{shop}/{pod} has an address but its readiness probe times out; only on nodes with bond0.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="datapath",
            also=("terway_bug", "insufficient_evidence"),
            facts=("Unhealthy", "AllocIPSucceed", node),
            forbidden=("IpNotEnough", "exhaust", "Forbidden.RAM"),
        ),
    )
