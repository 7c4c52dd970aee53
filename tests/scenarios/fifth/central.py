"""The controlplane, its resources and its rights, and what the cloud answers to it."""

from datetime import timedelta

from terway_mcp.cluster import resources
from terway_mcp.cluster.scenarios import config
from terway_mcp.cluster.scenarios.builder import ClusterBuilder
from terway_mcp.cluster.scenarios.clock import Seen
from terway_mcp.cluster.scenarios.events import Said
from terway_mcp.cluster.scenarios.logs import Line
from terway_mcp.cluster.scenarios.pods import terminated
from terway_mcp.cluster.scenarios.scenario import Scenario, Truth
from terway_mcp.cluster.scenarios.world import World

from .stage import (
    DENIED,
    NO_SHORTAGE,
    asked,
    central,
    controlplane_crashes,
    controlplane_since,
    create_fails,
    kubelet_says,
    local,
    of_a_node,
    of_the_cluster,
    of_the_shop,
    openapi,
    policy_crashes,
    pool_fails,
    sandbox_fails,
    stalled_shop,
    waiting_shop,
)

_NO_ANSWER = "{pod} waits for an address."


def releases_not_reported(world: World) -> Scenario:
    """The daemon may not write NodeRuntimes, so addresses of gone pods are never taken back: the node fills."""
    name, node = "releases-not-reported", world.node(21)

    def build() -> ClusterBuilder:
        cluster = waiting_shop(world, name, central(world), counts=(8, 2))
        model, shop = cluster.nodes[node], world.namespace("shop")
        for index in range(37):
            gone = world.replica("promo", index)
            model.assign(world, f"{shop}/{gone}", world.ids.uid("pod", shop, gone))
        text = (
            f'failed to save node runtime status noderuntimes.network.alibabacloud.com "{node}" is forbidden: User '
            '"system:serviceaccount:kube-system:terway" cannot update resource "noderuntimes/status" in API group '
            '"network.alibabacloud.com" at the cluster scope'
        )
        seen = Seen(world.ago(80), world.ago(0.5), 60)
        failed = Line(seen.first, "failed to mark delete", "E", "crdv2.go:209", {"err": text})
        return cluster.daemon_says(node, *cluster.repeat(seen, failed))

    truth = Truth(
        category="permission",
        facts=("noderuntimes", node),
        forbidden=("IpNotEnough", "Forbidden.RAM", "RAM policy", "larger instance type"),
    )
    return of_the_shop(world, name, "Releases nobody hears of", "{pod} waits; the node looks full.", build, truth)


def slot_not_given_back(world: World) -> Scenario:
    """Deleting ENIs is denied: one stays Deleting for good and holds the last slot, the other two are full."""
    name, node = "slot-not-given-back", world.node(21)

    def build() -> ClusterBuilder:
        cluster = waiting_shop(world, name, central(world), counts=(30, 2))
        eni = cluster.nodes[node].attach(world)
        eni.status = "Deleting"
        text = f"Failed to delete ENI {eni.id}: {DENIED}"
        seen = Seen(world.ago(300), world.ago(3), 40)
        said = Said("DeleteENIFailed", text, action="DeleteENI")
        cluster.event_controlplane("multi-ip-node", cluster.ref_node_cr(node), said, seen)
        failed = Line(seen.first, "run gc failed", "E", "pool.go:1877", {"err": DENIED, "name": node, "eni": eni.id})
        return cluster.controlplane_says(*cluster.repeat(Seen(world.ago(80), world.ago(3), 12), failed))

    truth = Truth(
        category="permission",
        facts=("Forbidden.RAM", "DeleteENIFailed", node),
        forbidden=("IpNotEnough", "vSwitch has no", "bug", "throttl"),
    )
    return of_the_shop(world, name, "A slot that is not given back", _NO_ANSWER, build, truth)


def controlplane_too_small(world: World) -> Scenario:
    """The controlplane is killed for its memory before it has listed the cluster; nobody hands out addresses."""
    name = "controlplane-too-small"

    def build() -> ClusterBuilder:
        cluster = waiting_shop(world, name, central(world), counts=(6, 3), enough=True)
        died = terminated("OOMKilled", 137, world.ago(3.4), world.ago(2.9))
        return controlplane_crashes(
            cluster,
            ('I0701 16:31:02.118301       1 main.go:262] "controller started" logger="setup"',),
            died=died,
            restarts=31,
        )

    truth = Truth(
        category="node_runtime",
        also=("component_down",),
        facts=("OOMKilled", "terway-controlplane"),
        forbidden=(*NO_SHORTAGE, "Forbidden.RAM", "eni.socket", "RBAC"),
    )
    return of_the_shop(world, name, "A controlplane that is too small", _NO_ANSWER, build, truth)


def certificate_not_readable(world: World) -> Scenario:
    """A hardened Role lacks secrets: the controlplane panics while it syncs its webhook certificate."""
    name = "certificate-not-readable"
    panic = (
        'panic: secrets "terway-controlplane-webhook-cert" is forbidden: User '
        '"system:serviceaccount:kube-system:terway-controlplane" cannot get resource "secrets" in API group "" '
        'in the namespace "kube-system"'
    )

    def build() -> ClusterBuilder:
        cluster = waiting_shop(world, name, central(world), counts=(6, 3), enough=True)
        return controlplane_crashes(cluster, (panic, "", "goroutine 1 [running]:", "main.main()"))

    truth = Truth(
        category="permission",
        also=("component_down",),
        facts=("terway-controlplane-webhook-cert",),
        forbidden=(*NO_SHORTAGE, "Forbidden.RAM", "RAM", "expired"),
    )
    return of_the_shop(world, name, "A certificate it may not read", _NO_ANSWER, build, truth)


def network_not_named(world: World) -> Scenario:
    """vpcID vanished from ctrl-config.yaml: the validation panics at start (types/controlplane/config_default.go)."""
    name = "network-not-named"
    panic = "panic: Key: 'Config.VPCID' Error:Field validation for 'VPCID' failed on the 'required' tag"

    def build() -> ClusterBuilder:
        cluster = waiting_shop(world, name, central(world), counts=(6, 3), enough=True)
        settings = config.controlplane_config(world, cluster.terway)
        del settings["vpcID"]
        cluster.config_map("terway-controlplane", {"ctrl-config.yaml": config.yaml_of(settings)})
        return controlplane_crashes(cluster, (panic, "", "goroutine 1 [running]:", "main.main()"))

    truth = Truth(
        category="configuration",
        also=("component_down",),
        facts=("Config.VPCID", "terway-controlplane"),
        forbidden=(*NO_SHORTAGE, "Forbidden.RAM", "bug"),
    )
    return of_the_cluster(
        name, "A VPC that is not named", "Pods everywhere wait for an address since 1 a.m.", build, truth
    )


def definitions_of_the_agent(world: World) -> Scenario:
    """cilium-operator never runs, so its CRDs are missing and every agent gives up waiting for them."""
    name, node = "definitions-of-the-agent", world.node(21)
    error = (
        'plugin type="cilium-cni" failed (add): unable to connect to Cilium daemon: failed to create cilium agent '
        'client after 30.000000 seconds timeout: Get "http:///var/run/cilium/cilium.sock/v1/config": dial unix '
        "/var/run/cilium/cilium.sock: connect: no such file or directory"
    )

    def build() -> ClusterBuilder:
        cluster = stalled_shop(world, name, central(world), idle=6)
        waits = (
            'level=info msg="Still waiting for Cilium Operator to register the following CRDs: '
            '[crd:ciliumnodes.cilium.io crd:ciliumendpoints.cilium.io crd:ciliumidentities.cilium.io]" subsys=k8s'
        )
        fatal = (
            'level=fatal msg="Unable to find all Cilium CRDs necessary within 5m0s timeout. Please ensure that Cilium '
            "Operator is running, as it's responsible for registering all the Cilium CRDs. The following CRDs were not "
            'found: [crd:ciliumnodes.cilium.io crd:ciliumendpoints.cilium.io]" error="context deadline exceeded" '
            "subsys=k8s"
        )
        policy_crashes(cluster, node, (waits, waits, fatal))
        return sandbox_fails(cluster, error)

    truth = Truth(
        category="component_down",
        also=("configuration", "datapath"),
        facts=("Cilium Operator", "policy", node),
        forbidden=(*NO_SHORTAGE, "Forbidden.RAM", "eni.socket", "OpenAPI"),
    )
    return of_the_shop(world, name, "Definitions nobody registers", "{pod}: unable to connect to Cilium.", build, truth)


def only_one_log_left(world: World) -> Scenario:
    """Neither events nor Node CRs could be read; the controlplane's log alone holds the refusal."""
    name, node = "only-one-log-left", world.node(21)

    def build() -> ClusterBuilder:
        cluster = waiting_shop(world, name, central(world), counts=(12, 3))
        pool_fails(cluster, node, DENIED, Seen(world.ago(28), world.ago(2), 11), creating=True)
        cluster.forbid(resources.EVENTS)
        return cluster.forbid(resources.NODE_CRS)

    truth = Truth(
        category="permission",
        facts=("Forbidden.RAM", node),
        forbidden=(*NO_SHORTAGE, "throttl", "bug"),
    )
    return of_the_shop(world, name, "One log is all there is", "{pod} hangs; I may not read events.", build, truth)


def clock_is_wrong(world: World) -> Scenario:
    """The node's clock is off by an hour: every signed request is refused as expired."""
    name, node = "clock-is-wrong", world.node(21)
    error = openapi("InvalidTimeStamp.Expired", "Specified time stamp or date value is expired.")

    def build() -> ClusterBuilder:
        cluster = waiting_shop(world, name, local(world), counts=(8, 2), enough=True)
        return create_fails(cluster, node, error, Seen(world.ago(29), world.ago(2), 12), error)

    truth = Truth(
        category="node_runtime",
        also=("permission", "configuration"),
        facts=("InvalidTimeStamp.Expired", node),
        forbidden=(*NO_SHORTAGE, "throttl", "Terway bug"),
    )
    return of_the_shop(world, name, "A clock that is wrong", "{pod}: no eni can handle the allocation.", build, truth)


def resolves_through_itself(world: World) -> Scenario:
    """The node's resolv.conf points at the cluster DNS, whose pods need addresses themselves."""
    name, node = "resolves-through-itself", world.node(21)

    def build() -> ClusterBuilder:
        host = f"ecs-vpc.{world.region}.aliyuncs.com"
        error = (
            f'Post "https://{host}/": dial tcp: lookup {host} on 172.21.0.10:53: '
            f"read udp {world.node_ip(21)}:41020->172.21.0.10:53: i/o timeout"
        )
        cluster = waiting_shop(world, name, local(world), counts=(8, 2), enough=True)
        return create_fails(cluster, node, error, Seen(world.ago(29), world.ago(2), 12), error)

    truth = Truth(
        category="node_runtime",
        also=("configuration", "not_terway"),
        facts=("172.21.0.10:53", node),
        forbidden=(*NO_SHORTAGE, "Forbidden.RAM", "throttl", "Terway bug"),
    )
    return of_the_shop(world, name, "A node that asks its own pods", "{pod} is ContainerCreating.", build, truth)


def resource_group_gone(world: World) -> Scenario:
    """resource_group_id names a group that was deleted; every new ENI is refused for it."""
    name, node = "resource-group-gone", world.node(21)
    error = openapi("InvalidResourceGroup.NotFound", "The ResourceGroup provided does not exist in our records.")

    def build() -> ClusterBuilder:
        cluster = waiting_shop(world, name, central(world), counts=(15, 2))
        cluster.eni_conf(resource_group_id="rg-acfm2zv7eq6wbly")
        return pool_fails(cluster, node, error, Seen(world.ago(28), world.ago(2), 9), creating=True)

    truth = Truth(
        category="configuration",
        facts=("InvalidResourceGroup.NotFound", node),
        forbidden=(*NO_SHORTAGE, "Forbidden.RAM", "quota", "security group"),
    )
    return of_the_shop(world, name, "A resource group that is gone", _NO_ANSWER, build, truth)


def one_interface_allowed(world: World) -> Scenario:
    """max_eni is 1 in eni_conf, left from a test: the one ENI is full although the type takes three."""
    name, node = "one-interface-allowed", world.node(21)

    def build() -> ClusterBuilder:
        cluster = waiting_shop(world, name, local(world), counts=(15, 2), enough=True)
        cluster.nodes[node].annotations = {"k8s.aliyun.com/max-available-ip": "15"}
        cluster.eni_conf(max_eni=1)
        pool = "&{MaxPoolSize:5 MinPoolSize:0 MaxENI:1 Capacity:15 MaxIPPerENI:15}"
        started = cluster.terway_pod(node).created + timedelta(seconds=6)
        return cluster.daemon_says(node, Line(started, "pool config", "I", "builder.go:286", {"pool": pool}))

    truth = Truth(
        category="configuration",
        also=("resource_exhaustion",),
        facts=("max_eni",),
        forbidden=("IpNotEnough", "vSwitch has no", "Forbidden.RAM", "throttl"),
    )
    return of_the_shop(
        world, name, "One interface and no more", "{pod}: no eni can handle the allocation.", build, truth
    )


def throttled_by_describe(world: World) -> Scenario:
    """After an upgrade the controlplane syncs all nodes at once; describes are throttled."""
    name, node = "throttled-by-describe", world.node(21)
    error = openapi("Throttling.User", "Request was denied due to user flow control.")

    def build() -> ClusterBuilder:
        cluster = waiting_shop(world, name, central(world, "v1.17.2", "v1.17.5"), counts=(12, 3), minutes=12, every=4)
        controlplane_since(cluster, 14)
        for host in (21, 22, 23):
            ref = cluster.ref_node_cr(world.node(host))
            text = f"Failed to describe network interfaces: {error}"
            said = Said("SyncOpenAPIFailed", text, action="SyncOpenAPI")
            cluster.event_controlplane("multi-ip-node", ref, said, Seen(world.ago(13), world.ago(1), 12))
        failed = Line(world.ago(13), "syncWithAPI error", "E", "pool.go:387", {"err": error, "name": node})
        return cluster.controlplane_says(*cluster.repeat(Seen(world.ago(13), world.ago(1), 12), failed))

    truth = Truth(
        category="throttling",
        facts=("Throttling.User", "SyncOpenAPIFailed"),
        forbidden=(*NO_SHORTAGE, "Forbidden.RAM", "bug"),
    )
    return of_a_node(
        world, name, "Everything is described at once", "Pods on {node} wait since the upgrade.", build, truth
    )


def refused_since_two(world: World) -> Scenario:
    """v1.4 on Docker: the only trace is the kubelet's event, in the words of dockershim."""
    name, node = "refused-since-two", world.node(21)
    shop, pod = asked(world)

    def build() -> ClusterBuilder:
        terway = local(world, "v1.4.4", "v1.4.1")
        cluster = stalled_shop(world, name, terway, sufficient_ip=None)
        text = (
            "Failed to create pod sandbox: rpc error: code = Unknown desc = failed to set up sandbox container "
            f'"{{sandbox}}" network for pod "{pod}": networkPlugin cni failed to set up pod "{pod}_{shop}" network: '
            "cmdAdd: error alloc ip rpc error: code = Unknown desc = error get allocated eniip ip for: "
            f"&{{K8sPod:true Name:{pod} Namespace:{shop}}}, result: error assign address for eniID: "
            f"{world.eni(node, 0)}, ErrorCode: InvalidVSwitchId.IpNotEnough, "
            f'Message: The specified VSwitch "{world.vswitch("h")}" has not enough IpAddress.'
        )
        cluster.scheduled(shop, pod)
        kubelet_says(cluster, (shop, pod), "FailedCreatePodSandBox", text, Seen(world.ago(28), world.ago(1), 16))
        return cluster

    truth = Truth(
        category="resource_exhaustion",
        facts=("InvalidVSwitchId.IpNotEnough", world.vswitch("h")),
        forbidden=("Forbidden.RAM", "throttl", "Terway bug", "not Terway"),
    )
    return of_the_shop(world, name, "In the words of dockershim", "{pod} fails since two.", build, truth)


INCIDENTS = (
    releases_not_reported,
    slot_not_given_back,
    controlplane_too_small,
    certificate_not_readable,
    network_not_named,
    definitions_of_the_agent,
    only_one_log_left,
    clock_is_wrong,
    resolves_through_itself,
    resource_group_gone,
    one_interface_allowed,
    throttled_by_describe,
    refused_since_two,
)
