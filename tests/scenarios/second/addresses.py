"""Addresses that run out, seem to run out, or are counted wrongly."""

from datetime import timedelta

from terway_mcp.cluster import resources
from terway_mcp.cluster.scenarios.accounting import Slot
from terway_mcp.cluster.scenarios.builder import ClusterBuilder
from terway_mcp.cluster.scenarios.clock import Seen, micros, seconds
from terway_mcp.cluster.scenarios.events import Said
from terway_mcp.cluster.scenarios.logs import Line
from terway_mcp.cluster.scenarios.plots import DEADLINE, NO_ENI
from terway_mcp.cluster.scenarios.profile import Terway
from terway_mcp.cluster.scenarios.scenario import Scenario, Truth
from terway_mcp.cluster.scenarios.world import World
from tests.scenarios.incidents.stage import not_enough

from .stage import (
    central,
    create_fails,
    hang,
    local,
    openapi,
    ordinary_cluster,
    pool_fails,
    quiet,
    stuck,
)


def selection_text_only(world: World) -> Scenario:
    """Local IPAM on the create path: the refused vSwitch is blocked and the retry fails without any code."""
    shop, web, node = world.namespace("shop"), world.app("web"), world.node(21)
    vswitch, zone = world.vswitch("h"), world.zone("h")

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "selection-text-only", local(world))
        cluster.node(node, kind="ecs.g7.xlarge", idle=0, serving=False)
        stuck(cluster, (shop, web, node), (15, 3), 24)
        hang(cluster, shop, web, every=4)
        error = f"[{vswitch} no ip left, no available vSwitch for zone {zone}, vswList [{vswitch}]]"
        return create_fails(cluster, node, error, Seen(world.ago(23), world.ago(1), 40))

    return Scenario(
        name="selection-text-only",
        title="No address left, and no error code that says so",
        symptom=f"Three pods of {shop}/{web} wait for their network on one node; the other nodes are fine.",
        namespace=shop,
        pod=world.replica(web, 0),
        build=build,
        truth=Truth(
            category="resource_exhaustion",
            facts=("no ip left", vswitch, node),
            forbidden=("Forbidden.RAM", "bug", "EniPerInstanceLimitExceeded"),
        ),
    )


def create_timed_out(world: World) -> Scenario:
    """Two vSwitches in a row refuse an ENI: all that is left is 'timed out waiting for the condition'."""
    shop, cart, node = world.namespace("shop"), world.app("cart"), world.node(21)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "create-timed-out", local(world))
        cluster.vswitch("h2")
        cluster.node(node, kind="ecs.g7.xlarge", idle=0, serving=False)
        stuck(cluster, (shop, cart, node), (15, 2), 19)
        hang(cluster, shop, cart, every=4)
        seen = Seen(world.ago(18), world.ago(1), 30)
        said = Said("AllocIPFailed", "timed out waiting for the condition")
        cluster.event_daemon(cluster.ref_node(node), said, seen)
        # The collector could not read the log in which the refusals of OpenAPI stand.
        return cluster.forbid_log("kube-system", cluster.terway_pod(node).name, "terway")

    return Scenario(
        name="create-timed-out",
        title="Two vSwitches refuse in a row",
        symptom=f"{shop}/{cart}: context deadline exceeded on one node.",
        namespace=shop,
        pod=world.replica(cart, 0),
        build=build,
        truth=Truth(
            category="resource_exhaustion",
            facts=("timed out waiting for the condition", node),
            forbidden=("Forbidden.RAM", "API server", "bug"),
        ),
    )


def wrong_zone_listed(world: World) -> Scenario:
    """Local IPAM: the vSwitch listed for the node's zone lies in another one."""
    shop, web, node = world.namespace("shop"), world.app("web"), world.node(21)
    vswitch, zone = world.vswitch("j"), world.zone("k")
    error = f"no available vSwitch for zone {zone}, vswList [{vswitch}]"

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "wrong-zone-listed", local(world))
        cluster.node(node, zone="k", idle=0, serving=False)
        cluster.eni_conf(vswitches={zone: [vswitch]})
        stuck(cluster, (shop, web, node), (0, 3), 31)
        hang(cluster, shop, web, every=5)
        return create_fails(cluster, node, error, Seen(world.ago(30), world.ago(1), 25))

    return Scenario(
        name="wrong-zone-listed",
        title="A vSwitch of another zone",
        symptom="We opened a new zone; pods on its first node get no address.",
        namespace=shop,
        pod=world.replica(web, 0),
        build=build,
        truth=Truth(
            category="configuration",
            facts=("no available vSwitch for zone", zone, vswitch),
            forbidden=("no ip left", "exhaust", "IpNotEnough", "bug"),
        ),
    )


def misspelt_key(world: World) -> Scenario:
    """`vswitchs` instead of `vswitches`: an unknown key is ignored without a word."""
    shop, cart, node = world.namespace("shop"), world.app("cart"), world.node(21)
    zone = world.zone("h")

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "misspelt-key", local(world))
        cluster.node(node, zone="h", idle=0, age_days=0.03, serving=False)
        by_zone = {world.zone(letter): [world.vswitch(letter)] for letter in "hi"}
        cluster.eni_conf(vswitches=None, vswitchs=by_zone)
        stuck(cluster, (shop, cart, node), (0, 2), 27)
        hang(cluster, shop, cart, every=5)
        error = f"no available vSwitch for zone {zone}, vswList []"
        return create_fails(cluster, node, error, Seen(world.ago(26), world.ago(1), 30))

    return Scenario(
        name="misspelt-key",
        title="A key nobody reads",
        symptom=f"New nodes cannot start pods of {shop}/{cart}; nothing but eni-config was edited.",
        namespace=shop,
        pod=world.replica(cart, 0),
        build=build,
        truth=Truth(
            category="configuration",
            facts=("no available vSwitch for zone", zone, node),
            forbidden=("exhaust", "IpNotEnough", "Forbidden.RAM", "bug"),
        ),
    )


def vswitch_deleted(world: World) -> Scenario:
    """Local IPAM: the configured vSwitch does not exist any more."""
    shop, web, node = world.namespace("shop"), world.app("web"), world.node(21)
    gone, zone = world.vswitch("h"), world.zone("h")

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "vswitch-deleted", local(world))
        cluster.node(node, idle=0, serving=False)
        stuck(cluster, (shop, web, node), (15, 2), 22)
        hang(cluster, shop, web, every=4)
        reason = f"error get vSwitch {gone}, not found"
        error = f"[{reason}, no available vSwitch for zone {zone}, vswList [{gone}]]"
        seen = Seen(world.ago(21), world.ago(1), 28)
        line = Line(seen.first, "get vSwitch", "E", "vswitch.go:77", {"err": reason, "id": gone})
        cluster.daemon_says(node, *cluster.repeat(seen, line))
        return create_fails(cluster, node, error, seen)

    return Scenario(
        name="vswitch-deleted",
        title="The configured vSwitch was deleted",
        symptom=f"Since a clean-up of the VPC a node cannot grow any more; {shop}/{web} waits.",
        namespace=shop,
        pod=world.replica(web, 0),
        build=build,
        truth=Truth(
            category="configuration",
            facts=("not found", gone, node),
            forbidden=("exhaust", "IpNotEnough", "Forbidden.RAM", "bug"),
        ),
    )


def log_of_an_old_release(world: World) -> Scenario:
    """Before v1.11.1 the Node CR had no events at all: only the controlplane's log knows."""
    shop, web, node = world.namespace("shop"), world.app("web"), world.node(21)
    vswitch = world.vswitch("h")

    def build() -> ClusterBuilder:
        terway = Terway(release=world.pick("release", "v1.10.3", "v1.11.0", "v1.9.9"), kubernetes="v1.26.3-aliyun.1")
        cluster = ordinary_cluster(world, "log-of-an-old-release", terway)
        cluster.node(node, kind="ecs.g7.2xlarge", idle=0, serving=False)
        stuck(cluster, (shop, web, node), (5, 4), 33)
        hang(cluster, shop, web, every=5)
        seen = Seen(world.ago(32), world.ago(2), 11)
        failed = Line(seen.first, "syncPods error", "E", "pool.go:301", {"err": not_enough(vswitch), "name": node})
        return cluster.controlplane_says(*cluster.repeat(seen, failed))

    return Scenario(
        name="log-of-an-old-release",
        title="An old release that reports only in its log",
        symptom=f"{shop}/{web}: some pods have been in ContainerCreating for half an hour.",
        namespace=shop,
        pod=world.replica(web, 0),
        build=build,
        truth=Truth(
            category="resource_exhaustion",
            facts=("InvalidVSwitchId.IpNotEnough", vswitch, node),
            forbidden=("Forbidden.RAM", "bug", "quota"),
        ),
    )


def stale_first_note(world: World) -> Scenario:
    """A series keeps its first note: the event still says Throttling when the vSwitch has long been empty."""
    shop, web, node = world.namespace("shop"), world.app("web"), world.node(21)
    vswitch = world.vswitch("h")
    throttled = openapi("Throttling", "Request was denied due to request throttling.")

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(
            world, "stale-first-note", Terway(release=world.pick("release", "v1.17.2", "v1.17.5"))
        )
        cluster.node(node, kind="ecs.g7.2xlarge", idle=0, sufficient_ip=False)
        stuck(cluster, (shop, web, node), (4, 4), 44)
        hang(cluster, shop, web, every=6)
        early = Seen(world.ago(43), world.ago(42), 2)
        pool_fails(cluster, node, throttled, early)
        last = world.ago(4)
        cluster.events[-1]["series"] = {"count": 17, "lastObservedTime": micros(last)}
        later = Seen(world.ago(40), last, 15)
        failed = Line(later.first, "syncPods error", "E", "pool.go:393", {"err": not_enough(vswitch), "name": node})
        cluster.controlplane_says(*cluster.repeat(later, failed))
        condition = {"message": f"{vswitch} ip is not enough", "observedTime": seconds(last)}
        cluster.nodes[node].enis[0].conditions["InsufficientIP"] = condition
        return cluster

    return Scenario(
        name="stale-first-note",
        title="An event whose text is older than its count",
        symptom=f"Pods of {shop}/{web} hang; the Node CR says Throttling, is OpenAPI still slow?",
        namespace=shop,
        pod=world.replica(web, 0),
        build=build,
        truth=Truth(
            category="resource_exhaustion",
            facts=(vswitch, node),
            forbidden=("throttl", "Forbidden.RAM", "bug"),
        ),
    )


def prefix_fragmented(world: World) -> Scenario:
    """Prefix mode: the vSwitch has addresses, but no sixteen in a row; no event, only the log."""
    shop, web, node = world.namespace("shop"), world.app("web"), world.node(21)
    vswitch = world.vswitch("h")
    error = openapi(
        "InvalidVSwitchId.IpNotEnough", f'The specified VSwitch "{vswitch}" has not enough consecutive IpAddress.'
    )

    def build() -> ClusterBuilder:
        terway = Terway(release=world.pick("release", "v1.17.2", "v1.17.4"), prefixes=3)
        cluster = ordinary_cluster(world, "prefix-fragmented", terway)
        cluster.node(node, kind="ecs.g7.2xlarge", serving=False)
        stuck(cluster, (shop, web, node), (16, 3), 36)
        hang(cluster, shop, web, every=6)
        seen = Seen(world.ago(35), world.ago(3), 9)
        failed = Line(seen.first, "syncPods error", "E", "pool.go:393", {"err": error, "name": node})
        again = {"err": error, "controller": "multi-ip-node", "name": node}
        cluster.controlplane_says(*cluster.repeat(seen, failed))
        reconciler = Line(seen.first + timedelta(milliseconds=2), "Reconciler error", "E", "controller.go:347", again)
        return cluster.controlplane_says(
            *cluster.repeat(Seen(reconciler.at, seen.last + timedelta(milliseconds=2), 9), reconciler)
        )

    return Scenario(
        name="prefix-fragmented",
        title="No prefix fits into the vSwitch",
        symptom=f"{shop}/{web}: the last pods on a prefix node hang although the vSwitch shows free addresses.",
        namespace=shop,
        pod=world.replica(web, 0),
        build=build,
        truth=Truth(
            category="resource_exhaustion",
            facts=("InvalidVSwitchId.IpNotEnough", vswitch, node),
            forbidden=("Forbidden.RAM", "bug", "quota"),
        ),
    )


def prefix_count_zero(world: World) -> Scenario:
    """Prefix mode was switched on without a count: new nodes get no prefix at all, old ones only grumble."""
    shop, web, node = world.namespace("shop"), world.app("web"), world.node(31)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(
            world, "prefix-count-zero", Terway(release=world.pick("release", "v1.17.2", "v1.17.5"))
        )
        cluster.eni_conf(enable_ip_prefix=True, ipv4_prefix_count=0)
        text = "enable_ip_prefix changed in config (want=true), but Node CR value (false) is immutable after creation"
        for index, name in enumerate(list(cluster.nodes)):
            said = Said("PrefixModeImmutable", text, action="Config")
            cluster.event_reconcile(cluster.ref_node(name), said, Seen(world.ago(55 - index), world.ago(5 - index), 6))
        cluster.node(node, kind="ecs.g7.2xlarge", age_days=0.03, prefix_mode=True, serving=False)
        stuck(cluster, (shop, web, node), (0, 4), 26)
        hang(cluster, shop, web, every=5)
        for index in range(4):
            pod = f"{shop}/{world.replica(web, index)}"
            fields = {"err": f"no available IPAM for pod {pod}", "logger": "local-delegate", "podID": pod}
            message = "failed to allocate local IP immediately, waiting for Node CR update"
            line = Line(world.ago(25), message, "E", "local_delegate.go:123", fields)
            cluster.daemon_says(node, *cluster.repeat(Seen(world.ago(25), world.ago(3), 5), line))
        return cluster

    return Scenario(
        name="prefix-count-zero",
        title="Prefix mode without prefixes",
        symptom=f"Pods of {shop}/{web} never get an address on the node we added today.",
        namespace=shop,
        pod=world.replica(web, 0),
        build=build,
        truth=Truth(
            category="configuration",
            facts=("ipv4_prefix_count", node),
            forbidden=("IpNotEnough", "Forbidden.RAM", "bug", "vSwitch exhausted"),
        ),
    )


def count_exceeded_and_resynced(world: World) -> Scenario:
    """Terway's view of an ENI was stale for a moment; the resync repaired it and the pod has long been running."""
    shop, cart, node = world.namespace("shop"), world.app("cart"), world.node(21)
    pod = world.replica(cart, 0)
    error = openapi("InvalidOperation.Ipv4CountExceeded", "The maximum number of private ip addresses is exceeded.")

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "count-exceeded-and-resynced", central(world))
        cluster.node(node, kind="ecs.g7.2xlarge")
        cluster.deployment(shop, cart, running={node: 2}, since=world.ago(38))
        for index in range(2):
            name = world.replica(cart, index)
            cluster.no_network(shop, name, DEADLINE, Seen(world.ago(36), world.ago(33), 2))
            cluster.got_address(shop, name, Seen.once(world.ago(30)))
            cluster.pods[shop, name].containers = [cluster.app_container(cart, world.ago(29.9))]
        pool_fails(cluster, node, error, Seen(world.ago(37), world.ago(34), 3))
        synced = Said(
            "SyncOpenAPISuccess", "Successfully synced 2 ENIs from OpenAPI", warning=False, action="SyncOpenAPI"
        )
        return cluster.event_controlplane("multi-ip-node", cluster.ref_node_cr(node), synced, Seen.once(world.ago(31)))

    return Scenario(
        name="count-exceeded-and-resynced",
        title="A count that was wrong for a moment",
        symptom=f"There is an Ipv4CountExceeded on the node of {shop}/{pod}; do we have to act?",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="healthy", facts=("AllocIPSucceed", node), forbidden=("bug", "Forbidden.RAM", "IpNotEnough")
        ),
    )


def full_locally_beside_conflicts(world: World) -> Scenario:
    """Local IPAM on a small node: every slot is used. The conflicts in the log were retried and are over."""
    shop, web, node = world.namespace("shop"), world.app("web"), world.node(21)
    conflict = openapi("Operation.Conflict", "Request was denied due to conflict with a previous request.")

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "full-locally-beside-conflicts", local(world))
        cluster.node(node, kind="ecs.g7.large", idle=0, serving=False)
        stuck(cluster, (shop, web, node), (12, 2), 41)
        for index in range(2, 14):
            cluster.started(shop, world.replica(web, index))
        hang(cluster, shop, web, NO_ENI, every=1)
        called = {"err": conflict, "api": "AssignPrivateIpAddresses", "NetworkInterfaceId": world.eni(node, 0)}
        seen = Seen(world.ago(41), world.ago(40), 3)
        return cluster.daemon_says(node, *cluster.repeat(seen, Line(seen.first, "failed", "E", "ecs.go:328", called)))

    return Scenario(
        name="full-locally-beside-conflicts",
        title="A full node beside conflicts that are over",
        symptom=f"Two pods of {shop}/{web} fail with 'no eni can handle the allocation'; the log shows conflicts.",
        namespace=shop,
        pod=world.replica(web, 0),
        build=build,
        truth=Truth(
            category="resource_exhaustion",
            facts=("no eni can handle the allocation", node),
            forbidden=("Operation.Conflict", "IpNotEnough", "bug"),
        ),
    )


def leaked(world: World) -> Scenario:
    """The NodeRuntime is missing, so addresses of pods that are long gone are never given back."""
    shop, web, node = world.namespace("shop"), world.app("web"), world.node(21)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "leaked", central(world))
        cluster.node(node, kind="ecs.g7.large", idle=0, sufficient_ip=False, runtime=False)
        stuck(cluster, (shop, web, node), (3, 3), 29)
        model = cluster.nodes[node]
        for index in range(9):
            gone = f"{world.namespace('batch')}/nightly-{index}-{world.ids.suffix(5, 'gone', index)}"
            model.assign(world, gone, world.ids.uid("gone", index))
        hang(cluster, shop, web, every=5)
        line = Line(
            world.ago(80),
            "daemon support node runtime, but not found, try next time",
            "I",
            "pool.go:785",
            {"name": node},
        )
        cluster.controlplane_says(*cluster.repeat(Seen(world.ago(80), world.ago(1), 60), line))
        return cluster

    return Scenario(
        name="leaked",
        title="Addresses that never come back",
        symptom=f"{shop}/{web} hangs on a node that runs only a handful of pods.",
        namespace=shop,
        pod=world.replica(web, 0),
        build=build,
        truth=Truth(
            category="terway_bug",
            also=("resource_exhaustion", "component_down", "node_runtime"),
            facts=("node runtime", node),
            forbidden=("IpNotEnough", "Forbidden.RAM", "every slot holds a running pod"),
        ),
    )


def orphans_fill_the_eni(world: World) -> Scenario:
    """Addresses that somebody added to the ENI by hand leave no room for Terway's own."""
    shop, cart, node = world.namespace("shop"), world.app("cart"), world.node(21)
    error = openapi("InvalidOperation.Ipv4CountExceeded", "The maximum number of private ip addresses is exceeded.")

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "orphans-fill-the-eni", local(world))
        cluster.node(node, kind="ecs.g7.large", idle=0, serving=False)
        stuck(cluster, (shop, cart, node), (7, 2), 34)
        hang(cluster, shop, cart, NO_ENI, every=1.5)
        for index in range(5):
            ip = cluster.vswitch("h").take()
            seen = Seen(world.ago(52 - index), world.ago(2), 25)
            said = Said("ResourceInvalid", f"orphan ip found on ecs metadata, ip: {ip}")
            cluster.event_daemon(cluster.ref_node(node), said, seen)
            line = Line(seen.first, "orphan ip found on ecs metadata", "I", "local.go:1159", {"ip": ip})
            cluster.daemon_says(node, *cluster.repeat(seen, line))
        seen = Seen(world.ago(33), world.ago(2), 8)
        cluster.event_daemon(cluster.ref_node(node), Said("AllocIPFailed", error), seen)
        failed = {"err": error, "eni": world.eni(node, 1)}
        return cluster.daemon_says(
            node, *cluster.repeat(seen, Line(seen.first, "assign ipv4 failed", "E", "local.go:760", failed))
        )

    return Scenario(
        name="orphans-fill-the-eni",
        title="Foreign addresses on Terway's ENI",
        symptom=f"A node with seven pods cannot start two more of {shop}/{cart}.",
        namespace=shop,
        pod=world.replica(cart, 0),
        build=build,
        truth=Truth(
            category="configuration",
            also=("resource_exhaustion",),
            facts=("orphan ip found on ecs metadata", "Ipv4CountExceeded", node),
            forbidden=("IpNotEnough", "Forbidden.RAM"),
        ),
    )


def filtered_enis(world: World) -> Scenario:
    """A tag filter hides the node's older ENIs from Terway; the instance still counts them."""
    shop, web, node = world.namespace("shop"), world.app("web"), world.node(21)
    error = openapi("EniPerInstanceLimitExceeded", "The maximum number of ENI in a single instance exceeded.")

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "filtered-enis", central(world, "v1.16.3", "v1.17.2", "v1.16.6"))
        cluster.node(node, kind="ecs.g7.xlarge", idle=0, sufficient_ip=False)
        cluster.eni_conf(eni_tag_filter={"team": "shop"})
        stuck(cluster, (shop, web, node), (15, 4), 27)
        hang(cluster, shop, web, every=5)
        synced = Said(
            "SyncOpenAPISuccess", "Successfully synced 1 ENIs from OpenAPI", warning=False, action="SyncOpenAPI"
        )
        cluster.event_controlplane(
            "multi-ip-node", cluster.ref_node_cr(node), synced, Seen(world.ago(25), world.ago(3), 6)
        )
        return pool_fails(cluster, node, error, Seen(world.ago(26), world.ago(4), 7), creating=True)

    return Scenario(
        name="filtered-enis",
        title="ENIs that Terway does not want to see",
        symptom=f"{shop}/{web}: the Node CR knows one ENI, the console shows three, and pods hang.",
        namespace=shop,
        pod=world.replica(web, 0),
        build=build,
        truth=Truth(
            category="resource_exhaustion",
            also=("configuration", "quota"),
            facts=("EniPerInstanceLimitExceeded", node),
            forbidden=("IpNotEnough", "Forbidden.RAM", "bug"),
        ),
    )


def hosted_and_full(world: World) -> Scenario:
    """A hosted controlplane, no event of it anywhere: that the node is full follows from counting only."""
    shop, web, node = world.namespace("shop"), world.app("web"), world.node(21)

    def build() -> ClusterBuilder:
        terway = Terway(release=world.pick("release", "v1.17.2", "v1.16.6"), controlplane="hosted")
        cluster = ordinary_cluster(world, "hosted-and-full", terway)
        cluster.node(node, kind="ecs.c7.large", idle=0, sufficient_ip=False)
        stuck(cluster, (shop, web, node), (12, 2), 58)
        hang(cluster, shop, web, every=7)
        cluster.events = [each for each in cluster.events if each["reason"] != "SyncOpenAPISuccess"]
        return cluster

    return Scenario(
        name="hosted-and-full",
        title="A managed cluster and a full node",
        symptom=f"{shop}/{web} hangs; kubectl shows no controlplane and no event on the node.",
        namespace=shop,
        pod=world.replica(web, 0),
        build=build,
        truth=Truth(
            category="resource_exhaustion",
            facts=("SufficientIP", node, "ecs.c7.large"),
            forbidden=("controlplane is missing", "controlplane is down", "IpNotEnough", "bug"),
        ),
    )


def hosted_and_silent(world: World) -> Scenario:
    """A hosted controlplane that stopped renewing its lease hours ago: addresses lie ready, nobody hands them out."""
    shop, cart, node = world.namespace("shop"), world.app("cart"), world.node(21)

    def build() -> ClusterBuilder:
        terway = Terway(release=world.pick("release", "v1.17.2", "v1.16.6"), controlplane="hosted")
        cluster = ordinary_cluster(world, "hosted-and-silent", terway)
        cluster.node(node, kind="ecs.g7.2xlarge", idle=6, serving=False)
        stuck(cluster, (shop, cart, node), (3, 3), 64)
        hang(cluster, shop, cart, every=8)
        cluster.events = [each for each in cluster.events if each["reason"] != "SyncOpenAPISuccess"]
        quiet(cluster)
        return cluster.controlplane_lease_renewed(118 * 60)

    return Scenario(
        name="hosted-and-silent",
        title="A hosted controlplane that fell silent",
        symptom=f"No new pod gets an address since two hours; {shop}/{cart} is one of many.",
        namespace=shop,
        pod=world.replica(cart, 0),
        build=build,
        truth=Truth(
            category="component_down",
            facts=("lease", "terway-controlplane", node),
            forbidden=("exhaust", "IpNotEnough", "Forbidden.RAM", "node is full"),
        ),
    )


def everything_expired(world: World) -> Scenario:
    """Stuck since last night: every event has expired, the numbers are still there."""
    shop, web, node = world.namespace("shop"), world.app("web"), world.node(21)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "everything-expired", central(world))
        cluster.node(node, kind="ecs.g7.large", idle=0, sufficient_ip=False)
        stuck(cluster, (shop, web, node), (12, 3), 9 * 60)
        for index in range(3):
            name = f"{shop}/{world.replica(web, index)}"
            about = {"pod": name, "containerID": world.ids.hex64("late", index)[:16]}
            line = Line(
                world.ago(80), "context cancelled, allocation failed", "I", "crdv2.go:275", {"ipam": "crd"} | about
            )
            cluster.daemon_says(node, *cluster.repeat(Seen(world.ago(80), world.ago(3), 12), line))
        cluster.events = []
        return cluster

    return Scenario(
        name="everything-expired",
        title="A full node and no events at all",
        symptom=f"{shop}/{web} is in ContainerCreating since last night. kubectl get events prints nothing.",
        namespace=shop,
        pod=world.replica(web, 0),
        build=build,
        truth=Truth(
            category="resource_exhaustion",
            facts=("SufficientIP", node),
            forbidden=("IpNotEnough", "healthy", "bug", "Forbidden.RAM"),
        ),
    )


def events_and_pods_only(world: World) -> Scenario:
    """A restricted collector: pods and events could be read, nothing else, and that is enough."""
    shop, web, node = world.namespace("shop"), world.app("web"), world.node(21)
    vswitch = world.vswitch("h")

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "events-and-pods-only", Terway(release="v1.17.2"))
        cluster.node(node, kind="ecs.g7.2xlarge", idle=0, sufficient_ip=False)
        stuck(cluster, (shop, web, node), (3, 3), 25)
        hang(cluster, shop, web, every=5)
        pool_fails(cluster, node, not_enough(vswitch), Seen(world.ago(24), world.ago(3), 6), creating=True)
        for resource in resources.ALL:
            if resource not in (resources.PODS, resources.EVENTS):
                cluster.forbid(resource)
        for name in cluster.nodes:
            for container in ("terway", "policy"):
                cluster.forbid_log("kube-system", cluster.terway_pod(name).name, container)
        for index in range(2):
            cluster.forbid_log("kube-system", world.replica("terway-controlplane", index), "terway-controlplane")
        return cluster

    return Scenario(
        name="events-and-pods-only",
        title="Only pods and events may be read",
        symptom=f"{shop}/{web} hangs; my account may list pods and events.",
        namespace=shop,
        pod=world.replica(web, 0),
        build=build,
        truth=Truth(
            category="resource_exhaustion",
            facts=("InvalidVSwitchId.IpNotEnough", vswitch, "forbidden"),
            forbidden=("Forbidden.RAM", "RBAC is the cause", "bug"),
        ),
    )


def drained_in_an_old_release(world: World) -> Scenario:
    """Legacy release v1.5: old log format, old reason, the OpenAPI text inside."""
    shop, cart, node = world.namespace("shop"), world.app("cart"), world.node(21)
    vswitch = world.vswitch("h")

    def build() -> ClusterBuilder:
        terway = Terway(
            release=world.pick("release", "v1.5.4", "v1.5.1"),
            ipam="local",
            controlplane="absent",
            virtual_type="ipvlan",
            kubernetes="v1.22.15-aliyun.1",
            max_pool=25,
            min_pool=20,
        )
        cluster = ordinary_cluster(world, "drained-in-an-old-release", terway)
        cluster.node(node, kind="ecs.g7.2xlarge", idle=0, sufficient_ip=None, serving=False)
        stuck(cluster, (shop, cart, node), (6, 3), 21)
        none = (
            "cmdAdd: error alloc ip rpc error: code = Unknown desc = error get allocated eniip: no available resource"
        )
        hang(cluster, shop, cart, none, every=1.5)
        seen = Seen(world.ago(20), world.ago(2), 9)
        cluster.event_daemon(cluster.ref_node(node), Said("AllocResourceFailed", not_enough(vswitch)), seen)
        text = f"assign private ip address failed: {not_enough(vswitch)}"
        for moment in seen.moments():
            request = world.ids.request_id("assign", moment)
            cluster.daemon_says(
                node,
                Line(moment, text.replace("{request_id}", request), "E", "eni-multi-ip.go:412", {"subSys": "factory"}),
            )
        return cluster

    return Scenario(
        name="drained-in-an-old-release",
        title="Release v1.5 on an empty vSwitch",
        symptom=f"{shop}/{cart}: 'no available resource' on an old cluster.",
        namespace=shop,
        pod=world.replica(cart, 0),
        build=build,
        truth=Truth(
            category="resource_exhaustion",
            also=("configuration",),
            facts=("InvalidVSwitchId.IpNotEnough", vswitch, node),
            forbidden=("Forbidden.RAM", "bug", "quota"),
        ),
    )


def invalid_addresses(world: World) -> Scenario:
    """Addresses were taken from the ENI in the console; a running pod still sits on one of them."""
    shop, api, node = world.namespace("shop"), world.app("cart"), world.node(21)
    pod = world.replica(api, 0)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "invalid-addresses", central(world, "v1.17.2", "v1.16.6"))
        cluster.node(node, kind="ecs.g7.2xlarge")
        cluster.deployment(shop, api, running={node: 2}, since=world.ago(hours=20))
        mine = cluster.pods[shop, pod]
        for eni in cluster.nodes[node].enis:
            for slot in eni.slots:
                if slot.pod == mine.key:
                    slot.status = "Invalid"
            eni.slots.append(Slot(eni.vswitch.take()))
        seen = Seen(world.ago(39), world.ago(3), 4)
        line = Line(
            seen.first,
            "ip not in remote,but in use mark as invalid",
            "I",
            "eni.go:302",
            {"name": node, "eni": world.eni(node, 0), "ip": mine.ips[0]},
        )
        cluster.controlplane_says(*cluster.repeat(seen, line))
        probe = f'Readiness probe failed: Get "http://{mine.ips[0]}:8080/ready": dial tcp: i/o timeout'
        up = mine.containers[0]
        mine.containers = [type(up)(up.name, up.image, up.state, ready=False)]
        return cluster.event_kubelet(
            cluster.ref(shop, pod), Said("Unhealthy", probe), Seen(world.ago(38), world.ago(0.3), 115)
        )

    return Scenario(
        name="invalid-addresses",
        title="A running pod on an address that is gone",
        symptom=f"{shop}/{pod} was fine for hours and fails its readiness probe now.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(
            category="configuration",
            also=("datapath",),
            facts=("mark as invalid", node, pod),
            forbidden=("IpNotEnough", "exhaust", "bug"),
        ),
    )
