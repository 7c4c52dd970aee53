"""Clusters where nothing is wrong any more, and questions whose answer is not the loudest thing around."""

from terway_mcp.cluster import resources
from terway_mcp.cluster.scenarios.builder import ClusterBuilder
from terway_mcp.cluster.scenarios.clock import Seen
from terway_mcp.cluster.scenarios.events import Ref, Said
from terway_mcp.cluster.scenarios.logs import Line
from terway_mcp.cluster.scenarios.plots import DEADLINE, REFUSED
from terway_mcp.cluster.scenarios.pods import terminated, waiting
from terway_mcp.cluster.scenarios.profile import Json, Terway
from terway_mcp.cluster.scenarios.scenario import Scenario, Truth
from terway_mcp.cluster.scenarios.terway_pods import restarted
from terway_mcp.cluster.scenarios.world import World

from .stage import (
    CALM,
    DENIED,
    INNOCENT,
    NO_SHORTAGE,
    RPC,
    asked,
    becomes,
    central,
    create_fails,
    hang,
    kubelet_says,
    late_shop,
    local,
    not_enough,
    of_the_cluster,
    of_the_shop,
    pool_fails,
    serving_shop,
    stalled_shop,
    waiting_shop,
)


def slow_but_served(world: World) -> Scenario:
    """A scale-out met a rate limit for two minutes; every pod got its address in the end, half an hour ago."""
    name, node = "slow-but-served", world.node(21)
    shop, web = world.namespace("shop"), world.app("web")

    def build() -> ClusterBuilder:
        cluster = late_shop(world, name, central(world), created=36, served=32.5)
        for index in range(3):
            pod = world.replica(web, index)
            cluster.no_network(shop, pod, DEADLINE, Seen.once(world.ago(34)))
            busy = f"{RPC}code: PodIsProcessing, msg: Pod {shop}/{pod} request is processing"
            cluster.no_network(shop, pod, busy, Seen.once(world.ago(33.6)))
        seen = Seen(world.ago(35.5), world.ago(33), 4)
        fields: Json = {"api": "AssignPrivateIpAddress", "took": 12.4}
        limited = Line(seen.first, "client rate limit", "I", "ratelimit.go:91", fields)
        return cluster.controlplane_says(*cluster.repeat(seen, limited))

    truth = Truth(category="healthy", facts=(node,), forbidden=CALM)
    return of_the_shop(world, name, "Slow, but served", "{pod} took minutes to start. Still broken?", build, truth)


def leftovers_of_last_week(world: World) -> Scenario:
    """Evicted and completed pods lie around, a daemon was restarted nine days ago; everything that should run does."""
    name, shop = "leftovers-of-last-week", world.namespace("shop")

    def build() -> ClusterBuilder:
        cluster = serving_shop(world, name, central(world), minutes=4000)
        since = world.ago(days=2)
        died = terminated("OOMKilled", 137, world.ago(days=9.1), world.ago(days=9))
        node = world.node(21)
        cluster.terway_containers(node, restarted(cluster.terway_pod(node), "terway", died, world.ago(days=9), 1))
        for index in range(3):
            gone = world.replica("report", index)
            cluster.pod(shop, gone, node, [cluster.app_container("report", since, up=False)], since)
            message = "The node was low on resource: ephemeral-storage. Threshold quantity: 12879472493."
            status: Json = {"phase": "Failed", "reason": "Evicted", "message": message}
            status |= {"containerStatuses": None, "conditions": None}
            cluster.change(resources.PODS, gone, {"status": status}, shop)
        return cluster

    truth = Truth(
        category="healthy", also=("insufficient_evidence",), facts=(), forbidden=(*CALM, "OOM", "DiskPressure")
    )
    return of_the_cluster(name, "Leftovers of last week", "Anything wrong with our network?", build, truth)


def widened_in_time(world: World) -> Scenario:
    """The vSwitch ran empty an hour ago; a second one was added, an ENI came out of it, the pods started."""
    name, node = "widened-in-time", world.node(21)
    shop, web = world.namespace("shop"), world.app("web")

    def build() -> ClusterBuilder:
        cluster = late_shop(world, name, central(world), created=58, served=41)
        pool_fails(cluster, node, not_enough(world.vswitch("h")), Seen(world.ago(57), world.ago(44), 6))
        for index in range(3):
            pod = world.replica(web, index)
            cluster.no_network(shop, pod, DEADLINE, Seen(world.ago(55), world.ago(45), 4))
        cluster.nodes[node].attach(world, cluster.vswitch("h2"))
        eni = world.eni(node, len(cluster.nodes[node].enis) - 1)
        made = Said(
            "CreateENISucceed",
            f"ENI {eni} created (IPv4=5 IPv4Prefix=0), attach in progress",
            warning=False,
            action="CreateENI",
        )
        ready = Said(
            "AttachENISucceed",
            f"ENI {eni} is now ready with 5 IPv4, 0 IPv6, 0 IPv4Prefixes, 0 IPv6Prefixes",
            warning=False,
            action="AttachENI",
        )
        cr = cluster.ref_node_cr(node)
        cluster.event_controlplane("multi-ip-node", cr, made, Seen.once(world.ago(43)))
        return cluster.event_controlplane("multi-ip-node", cr, ready, Seen.once(world.ago(42)))

    truth = Truth(category="healthy", facts=(node,), forbidden=("is broken", "Forbidden.RAM", "bug", "quota"))
    return of_the_shop(world, name, "Widened in time", "{pod}: was the vSwitch fix enough?", build, truth)


def denied_in_a_loud_place(world: World) -> Scenario:
    """Image pulls and disks fail all around, and the daemon died once two days ago: this pod waits for a permission."""
    name, node = "denied-in-a-loud-place", world.node(21)
    other = world.namespace("payments")

    def build() -> ClusterBuilder:
        cluster = waiting_shop(world, name, central(world), counts=(15, 2))
        pool_fails(cluster, node, DENIED, Seen(world.ago(27), world.ago(2), 9), creating=True)
        died = terminated("OOMKilled", 137, world.ago(days=2.1), world.ago(days=2))
        cluster.terway_containers(node, restarted(cluster.terway_pod(node), "terway", died, world.ago(days=2), 1))
        for index in range(4):
            pod = world.replica("import", index)
            container = cluster.app_container("import", world.ago(60), up=False)
            stuck = type(container)(container.name, container.image, waiting("ImagePullBackOff"))
            cluster.pod(other, pod, world.node(22), [stuck], world.ago(60))
            text = f'Failed to pull image "{container.image}": 429 Too Many Requests - Server message: toomanyrequests'
            kubelet_says(cluster, (other, pod), "Failed", text, Seen(world.ago(58), world.ago(1), 40))
        return cluster

    truth = Truth(
        category="permission",
        facts=("Forbidden.RAM", node),
        forbidden=(*NO_SHORTAGE, "OOM", "image", "toomanyrequests", "throttl"),
    )
    return of_the_shop(world, name, "Denied in a loud place", "{pod} is ContainerCreating.", build, truth)


def siblings_apart(world: World) -> Scenario:
    """Two pods of one Deployment wait: one for an address on a full vSwitch, the one asked about for a ConfigMap."""
    name, shop, web = "siblings-apart", world.namespace("shop"), world.app("web")

    def build() -> ClusterBuilder:
        cluster = waiting_shop(world, name, central(world), counts=(12, 1))
        node, owner = world.node(22), cluster.replica_set_of(shop, web)
        pool_fails(cluster, world.node(21), not_enough(world.vswitch("h")), Seen(world.ago(28), world.ago(2), 9))
        pod, since = world.replica(web, 40), world.ago(26)
        cluster.pod(shop, pod, node, [cluster.app_container(web, since, up=False)], since, owner=owner)
        cluster.scheduled(shop, pod)
        text = f'MountVolume.SetUp failed for volume "conf" : configmap "{web}-conf-v3" not found'
        return kubelet_says(cluster, (shop, pod), "FailedMount", text, Seen(world.ago(25.8), world.ago(1), 19))

    pod = world.replica(web, 40)
    return Scenario(
        name=name,
        title="Siblings that wait for different things",
        symptom=f"{shop}/{pod} is ContainerCreating like its sibling on the other node.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="not_terway",
            also=("configuration",),
            facts=(f'configmap "{web}-conf-v3" not found',),
            forbidden=(*NO_SHORTAGE, "vSwitch", "Forbidden.RAM"),
        ),
    )


def got_past_the_network(world: World) -> Scenario:
    """The network failed half an hour ago and then succeeded; what keeps the pod from running now is its image."""
    name = "got-past-the-network"
    shop, pod = asked(world)

    def build() -> ClusterBuilder:
        cluster = late_shop(world, name, local(world), created=38, served=29)
        cluster.no_network(shop, pod, f"{RPC}no eni can handle the allocation", Seen(world.ago(37), world.ago(31), 9))
        create_fails(cluster, world.node(21), not_enough(world.vswitch("h")), Seen(world.ago(37), world.ago(31), 4))
        image = cluster.pods[shop, pod].containers[0].image
        becomes(cluster, (shop, pod), waiting("ImagePullBackOff", f'Back-off pulling image "{image}"'))
        cluster.events = [
            each
            for each in cluster.events
            if each["reason"] not in ("Pulled", "Created", "Started") or _home(each) != pod
        ]
        text = f'Failed to pull image "{image}": failed to resolve reference: unexpected status: 401 Unauthorized'
        return kubelet_says(cluster, (shop, pod), "Failed", text, Seen(world.ago(28), world.ago(1), 12))

    truth = Truth(
        category="not_terway",
        facts=("401 Unauthorized",),
        forbidden=(*INNOCENT, "vSwitch", "no eni can handle"),
    )
    return of_the_shop(world, name, "Past the network", "{pod} is not Running since the vSwitch trouble.", build, truth)


def _home(event: Json) -> object:
    about = event["involvedObject"]
    return about.get("name") if isinstance(about, dict) else None


def four_empty_at_once(world: World) -> Scenario:
    """Four vSwitches are listed, three of this zone and all empty; the fourth is in another zone and never counted."""
    name, node = "four-empty-at-once", world.node(21)

    def build() -> ClusterBuilder:
        cluster = waiting_shop(world, name, central(world), counts=(15, 3))
        listed = [world.vswitch(each) for each in ("h", "h2", "h3")]
        empty = ", ".join(f"{each} no ip left" for each in listed)
        everything = " ".join([*listed, world.vswitch("i")])
        error = f"[{empty}, no available vSwitch for zone {world.zone('h')}, vswList [{everything}]]"
        cluster.eni_conf(vswitches={world.zone("h"): [*listed, world.vswitch("i")]})
        return pool_fails(cluster, node, error, Seen(world.ago(28), world.ago(2), 12))

    truth = Truth(
        category="resource_exhaustion",
        facts=("no ip left", world.vswitch("h2"), node),
        forbidden=("Forbidden.RAM", "wrong zone", "bug", "quota"),
    )
    return of_the_shop(world, name, "Four at once", "{pod} waits; we have four vSwitches!", build, truth)


def rollout_in_progress(world: World) -> Scenario:
    """Terway is being upgraded node by node; one node's pods met a refused socket for a minute, then started."""
    name, node = "rollout-in-progress", world.node(21)
    shop, web = world.namespace("shop"), world.app("web")

    def build() -> ClusterBuilder:
        terway = Terway(release=world.pick("release", "v1.16.6", "v1.17.2"))
        cluster = late_shop(world, name, terway, created=22, served=20)
        image = "registry-cn-hangzhou-vpc.ack.aliyuncs.com/acs/terway:v1.17.5"
        pod = cluster.terway_pod(node)
        pod.created = world.ago(21)
        pod.containers = [
            type(each)(
                each.name,
                image,
                {"running": {"startedAt": pod.created.strftime("%Y-%m-%dT%H:%M:%SZ")}} if not each.init else each.state,
                init=each.init,
            )
            for each in pod.containers
        ]
        for index in range(3):
            cluster.no_network(shop, world.replica(web, index), REFUSED, Seen.once(world.ago(21.2)), reported=False)
        ref = Ref(
            "DaemonSet",
            terway.daemonset,
            "kube-system",
            world.ids.uid("daemonset", "kube-system", terway.daemonset),
            "apps/v1",
        )
        made = Said("SuccessfulCreate", f"Created pod: {pod.name}", warning=False)
        return cluster.event_controller("daemonset-controller", ref, made, Seen.once(world.ago(21)))

    truth = Truth(category="healthy", facts=(node,), forbidden=CALM)
    return of_the_shop(world, name, "A rollout in progress", "{pod} had 'connection refused'. Roll back?", build, truth)


def waits_behind_a_bad_plan(world: World) -> Scenario:
    """max_pool_size is a word, so the daemon on a new node cannot read eni_conf; the cloud has room."""
    name, node = "waits-behind-a-bad-plan", world.node(21)
    error = (
        "error parse terway configmap eni-config, json: cannot unmarshal string into Go struct field "
        "Config.max_pool_size of type int"
    )

    def build() -> ClusterBuilder:
        cluster = stalled_shop(
            world,
            name,
            central(world, "v1.17.2", "v1.17.5"),
            sufficient_ip=None,
            custom_resource="capabilities",
            age_days=0.03,
        )
        cluster.eni_conf(max_pool_size="five")
        for host in (21, 22, 23):
            seen = Seen(world.ago(38 + host - 21), world.ago(1), 11)
            cluster.event_reconcile(
                cluster.ref_node(world.node(host)), Said("ConfigError", error, action="Config"), seen
            )
        return hang(cluster, world.namespace("shop"), world.app("web"), every=5)

    truth = Truth(
        category="configuration",
        facts=("max_pool_size", "eni-config", node),
        forbidden=(*NO_SHORTAGE, "Forbidden.RAM", "bug", "throttl"),
    )
    return of_the_shop(world, name, "A number that is a word", "{pod} waits on the new node.", build, truth)


INCIDENTS = (
    slow_but_served,
    leftovers_of_last_week,
    widened_in_time,
    denied_in_a_loud_place,
    siblings_apart,
    got_past_the_network,
    four_empty_at_once,
    rollout_in_progress,
    waits_behind_a_bad_plan,
)
