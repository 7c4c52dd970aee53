"""What Alibaba Cloud refuses: keys, roles, quotas, money, security groups."""

from terway_mcp.cluster import resources
from terway_mcp.cluster.scenarios.accounting import Eni
from terway_mcp.cluster.scenarios.builder import ClusterBuilder
from terway_mcp.cluster.scenarios.clock import Seen, seconds
from terway_mcp.cluster.scenarios.events import Said
from terway_mcp.cluster.scenarios.logs import Line
from terway_mcp.cluster.scenarios.plots import NO_ENI
from terway_mcp.cluster.scenarios.profile import Json, Terway
from terway_mcp.cluster.scenarios.scenario import Scenario, Truth
from terway_mcp.cluster.scenarios.world import World

from .stage import (
    DENIED,
    central,
    crash_loops,
    create_fails,
    hang,
    local,
    new_node,
    openapi,
    ordinary_cluster,
    pool_fails,
    stuck,
)


def key_wrong(world: World) -> Scenario:
    """The access key in eni_conf does not exist: the daemon of a new node cannot even list the node's ENIs."""
    node = world.node(31)
    error = openapi("InvalidAccessKeyId.NotFound", "Specified access key is not found.")

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "key-wrong", local(world), hosts=(21, 22, 23))
        new_node(cluster, 31, 34)
        text = f"error get attached eni, {error}".replace("{request_id}", world.ids.request_id("key"))
        return crash_loops(cluster, node, text)

    return Scenario(
        name="key-wrong",
        title="An access key that does not exist",
        symptom="The node we added after rotating keys stays NotReady: cni plugin not initialized.",
        namespace=world.namespace("shop"),
        pod=world.replica(world.app("web"), 0),
        node=node,
        build=build,
        truth=Truth(
            category="permission",
            also=("configuration",),
            facts=("InvalidAccessKeyId.NotFound", node),
            forbidden=("exhaust", "kernel", "image pull", "bug"),
        ),
    )


def key_inactive(world: World) -> Scenario:
    """The controlplane's access key was disabled."""
    shop, web, node = world.namespace("shop"), world.app("web"), world.node(21)
    error = openapi("InvalidAccessKeyId.Inactive", "Specified access key is disabled.")

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "key-inactive", central(world))
        cluster.node(node, kind="ecs.g7.2xlarge", idle=0, sufficient_ip=False)
        stuck(cluster, (shop, web, node), (15, 3), 28)
        hang(cluster, shop, web, every=5)
        return pool_fails(cluster, node, error, Seen(world.ago(27), world.ago(3), 8), creating=True)

    return Scenario(
        name="key-inactive",
        title="A disabled access key",
        symptom=f"New pods of {shop}/{web} get no address any more; running ones are fine.",
        namespace=shop,
        pod=world.replica(web, 0),
        build=build,
        truth=Truth(
            category="permission",
            facts=("InvalidAccessKeyId.Inactive", node),
            forbidden=("exhaust", "quota", "vSwitch is empty", "bug"),
        ),
    )


def token_expired(world: World) -> Scenario:
    """The STS token is not renewed; the controlplane cannot read the ENIs of any node."""
    shop, cart, node = world.namespace("shop"), world.app("cart"), world.node(21)
    error = openapi("InvalidSecurityToken.Expired", "Specified SecurityToken is expired.")

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "token-expired", central(world))
        cluster.node(node, kind="ecs.g7.2xlarge", idle=0, sufficient_ip=False)
        stuck(cluster, (shop, cart, node), (15, 2), 31)
        hang(cluster, shop, cart, every=5)
        text = f"Failed to describe network interfaces: {error}"
        seen = Seen(world.ago(40), world.ago(3), 7)
        said = Said("SyncOpenAPIFailed", text, action="SyncOpenAPI")
        cluster.event_controlplane("multi-ip-node", cluster.ref_node_cr(node), said, seen)
        line = Line(seen.first, "syncWithAPI error", "E", "pool.go:387", {"err": error, "name": node})
        cluster.controlplane_says(*cluster.repeat(seen, line))
        return pool_fails(cluster, node, error, Seen(world.ago(30), world.ago(2.5), 6))

    return Scenario(
        name="token-expired",
        title="An STS token that has expired",
        symptom=f"Scaling {shop}/{cart} does not work since this morning.",
        namespace=shop,
        pod=world.replica(cart, 0),
        build=build,
        truth=Truth(
            category="permission",
            facts=("InvalidSecurityToken.Expired", node),
            forbidden=("exhaust", "throttl", "bug"),
        ),
    )


def arrears(world: World) -> Scenario:
    """The account owes money: nothing may be created any more."""
    shop, web, node = world.namespace("shop"), world.app("web"), world.node(21)
    error = openapi("Account.Arrearage", "Your account has an outstanding payment.")

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "arrears", local(world))
        cluster.node(node, kind="ecs.g7.xlarge", idle=0, serving=False)
        stuck(cluster, (shop, web, node), (15, 3), 17)
        hang(cluster, shop, web, every=4)
        return create_fails(cluster, node, error, Seen(world.ago(16), world.ago(1.5), 9), answer=error)

    return Scenario(
        name="arrears",
        title="An account in arrears",
        symptom=f"{shop}/{web}: three pods without address, since the first of the month.",
        namespace=shop,
        pod=world.replica(web, 0),
        build=build,
        truth=Truth(
            category="permission",
            also=("quota",),
            facts=("Account.Arrearage", node),
            forbidden=("exhaust", "IpNotEnough", "bug"),
        ),
    )


def describe_denied(world: World) -> Scenario:
    """The role may create ENIs but not look at vSwitches; the selection text hides the refusal."""
    shop, web, node = world.namespace("shop"), world.app("web"), world.node(21)
    vswitch, zone = world.vswitch("h"), world.zone("h")
    reason = f"error get vSwitch {vswitch}, {DENIED}"

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "describe-denied", local(world))
        cluster.node(node, kind="ecs.g7.xlarge", idle=0, serving=False)
        stuck(cluster, (shop, web, node), (15, 2), 26)
        hang(cluster, shop, web, every=5)
        seen = Seen(world.ago(25), world.ago(2), 12)
        line = Line(seen.first, "DescribeVSwitches failed", "E", "vpc.go:48", {"err": DENIED, "id": vswitch})
        cluster.daemon_says(node, *cluster.repeat(seen, line))
        error = f"[{reason}, no available vSwitch for zone {zone}, vswList [{vswitch}]]"
        return create_fails(cluster, node, error, seen)

    return Scenario(
        name="describe-denied",
        title="vSwitches may not be described",
        symptom=f"{shop}/{web} hangs: no available vSwitch for zone, although the vSwitch has hundreds of addresses.",
        namespace=shop,
        pod=world.replica(web, 0),
        build=build,
        truth=Truth(
            category="permission",
            facts=("Forbidden.RAM", vswitch, node),
            forbidden=("exhaust", "IpNotEnough", "other zone", "bug"),
        ),
    )


def instance_types_denied(world: World) -> Scenario:
    """The daemon cannot learn the limits of its instance type and exits."""
    node = world.node(31)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "instance-types-denied", local(world), hosts=(21, 22, 23))
        new_node(cluster, 31, 29)
        text = f"upable get instance limit, {DENIED}".replace("{request_id}", world.ids.request_id("types"))
        called = Line(
            world.ago(7.3), "describe instance types failed", "E", "ecs.go:517", {"err": text.partition(", ")[2]}
        )
        return crash_loops(cluster, node, text, before=(called,))

    return Scenario(
        name="instance-types-denied",
        title="Instance types may not be described",
        symptom="terway on a new node is in CrashLoopBackOff.",
        node=node,
        build=build,
        truth=Truth(
            category="permission",
            facts=("Forbidden.RAM", "get instance limit", node),
            forbidden=("exhaust", "kernel", "bug"),
        ),
    )


def primary_eni_missing(world: World) -> Scenario:
    """`region_id` names another region: the node's own primary ENI is not found there."""
    node = world.node(31)

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "primary-eni-missing", local(world), hosts=(21, 22, 23))
        other = next(each for each in ("cn-beijing", "cn-shenzhen") if each != world.region)
        cluster.eni_conf(region_id=other)
        new_node(cluster, 31, 41)
        return crash_loops(cluster, node, "no primary eni found", restarts=12)

    return Scenario(
        name="primary-eni-missing",
        title="No primary ENI where Terway looks for it",
        symptom="A freshly added node never becomes Ready and its Terway pod restarts all the time.",
        node=node,
        build=build,
        truth=Truth(
            category="configuration",
            also=("permission",),
            facts=("no primary eni found", node),
            forbidden=("exhaust", "IpNotEnough", "bug", "kernel"),
        ),
    )


def group_missing_locally(world: World) -> Scenario:
    """Local IPAM: the security group of eni_conf was deleted; existing ENIs keep it, new ones cannot be made."""
    shop, cart, node = world.namespace("shop"), world.app("cart"), world.node(21)
    group = world.security_group()
    error = openapi("InvalidSecurityGroupId.NotFound", f"The specified SecurityGroupId {group} does not exist.")

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "group-missing-locally", local(world))
        cluster.node(node, kind="ecs.g7.xlarge", idle=0, serving=False)
        stuck(cluster, (shop, cart, node), (15, 2), 23)
        hang(cluster, shop, cart, every=5)
        return create_fails(cluster, node, error, Seen(world.ago(22), world.ago(2), 10), answer=error)

    return Scenario(
        name="group-missing-locally",
        title="The security group of the ENIs is gone",
        symptom=f"The sixteenth pod on a node never starts; {shop}/{cart} waits there.",
        namespace=shop,
        pod=world.replica(cart, 0),
        build=build,
        truth=Truth(
            category="configuration",
            facts=("InvalidSecurityGroupId.NotFound", group, node),
            forbidden=("exhaust", "IpNotEnough", "Forbidden.RAM", "bug"),
        ),
    )


def group_full(world: World) -> Scenario:
    """The security group holds as many private addresses as it may."""
    shop, web, node = world.namespace("shop"), world.app("web"), world.node(21)
    group = world.security_group()
    error = openapi(
        "SecurityGroupInstanceLimitExceed",
        f"The maximum number of instances in the security group {group} is exceeded.",
    )

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "group-full", central(world))
        cluster.node(node, kind="ecs.g7.2xlarge", idle=0, sufficient_ip=False)
        stuck(cluster, (shop, web, node), (6, 4), 30)
        hang(cluster, shop, web, every=5)
        return pool_fails(cluster, node, error, Seen(world.ago(29), world.ago(3), 8))

    return Scenario(
        name="group-full",
        title="A security group at its limit",
        symptom=f"Half of {shop}/{web} gets no address although the vSwitch is almost empty.",
        namespace=shop,
        pod=world.replica(web, 0),
        build=build,
        truth=Truth(
            category="quota",
            facts=("SecurityGroupInstanceLimitExceed", node),
            forbidden=("IpNotEnough", "Forbidden.RAM", "bug", "does not exist"),
        ),
    )


def region_out_of_enis(world: World) -> Scenario:
    """The region's ENI quota is used up; a workload is asked about, not a pod."""
    shop, web = world.namespace("shop"), world.app("web")
    nodes = [world.node(41), world.node(42)]
    error = openapi("EniLimitExceeded", "The quota of elastic network interfaces in this region is exceeded.")

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "region-out-of-enis", central(world))
        for node in nodes:
            cluster.node(node, kind="ecs.g7.xlarge", idle=0, sufficient_ip=False)
        cluster.deployment(
            shop, web, running=dict.fromkeys(nodes, 15), creating=dict.fromkeys(nodes, 3), since=world.ago(37)
        )
        hang(cluster, shop, web, every=6)
        for index, node in enumerate(nodes):
            seen = Seen(world.ago(36 - index), world.ago(3 + index), 8)
            pool_fails(cluster, node, error, seen, creating=True)
        return cluster

    return Scenario(
        name="region-out-of-enis",
        title="The region's quota of ENIs",
        symptom=f"Deployment {shop}/{web} is at 30 of 36 replicas and gets no further.",
        namespace=shop,
        workload=f"deployment/{web}",
        build=build,
        truth=Truth(
            category="quota",
            also=("resource_exhaustion",),
            facts=("EniLimitExceeded", web),
            forbidden=("IpNotEnough", "Forbidden.RAM", "bug"),
        ),
    )


def warm_up_stuck(world: World) -> Scenario:
    """A node is being warmed up and cannot: nothing waits yet, but the pool stays half empty."""
    node = world.node(21)
    error = openapi("QuotaExceed.PrivateIp", "The number of private ip addresses exceeds the quota.")

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "warm-up-stuck", central(world, "v1.17.2", "v1.16.6", "v1.17.5"))
        cluster.eni_conf(ip_warm_up_size=20)
        cluster.node(node, kind="ecs.g7.2xlarge", age_days=0.035, idle=4)
        cluster.deployment(world.namespace("shop"), world.app("web"), running={node: 2}, since=world.ago(30))
        seen = Seen(world.ago(46), world.ago(2), 12)
        eni: Eni = cluster.nodes[node].enis[0]
        message = error.replace("{request_id}", world.ids.request_id("warm"))[:256]
        eni.conditions["OperationErr"] = {"message": message, "observedTime": seconds(seen.last)}
        pool_fails(cluster, node, error, seen)
        demand: Json = {"name": node, "podDemand": 0, "totalIdleIPs": 4, "warmUpDemand": 14, "allocationDemand": 14}
        line = Line(seen.first, "addIP demand calculation", "I", "pool.go:1211", demand)
        cluster.controlplane_says(*cluster.repeat(seen, line))
        status: Json = {"warmUpTarget": 20, "warmUpAllocatedCount": 6, "warmUpCompleted": False}
        patch: Json = {"spec": {"pool": {"warmUpSize": 20}}, "status": status}
        return cluster.change(resources.NODE_CRS, node, patch)

    return Scenario(
        name="warm-up-stuck",
        title="A warm-up that does not finish",
        symptom="The new node has been warming up its addresses for three quarters of an hour.",
        node=node,
        build=build,
        truth=Truth(
            category="quota",
            also=("resource_exhaustion",),
            facts=("QuotaExceed.PrivateIp", node),
            forbidden=("Forbidden.RAM", "IpNotEnough", "bug", "healthy"),
        ),
    )


def lingjun_quota(world: World) -> Scenario:
    """A LingJun node: EFLO answers with a bare number."""
    shop, web, node = world.namespace("shop"), world.app("web"), world.node(21)
    error = "errCode: 1013, msg: leni private ip quota exceeded, requestID: {request_id}"

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "lingjun-quota", central(world, "v1.17.2", "v1.17.5"))
        cluster.node(
            node,
            kind="ecs.g7.8xlarge",
            idle=0,
            sufficient_ip=False,
            labels={"alibabacloud.com/lingjun-worker": "true"},
            annotations={"k8s.aliyun.com/eno-api": "ecs"},
        )
        stuck(cluster, (shop, web, node), (20, 3), 24)
        hang(cluster, shop, web, every=5)
        return pool_fails(cluster, node, error, Seen(world.ago(23), world.ago(2), 7))

    return Scenario(
        name="lingjun-quota",
        title="EFLO says 1013",
        symptom=f"{shop}/{web} on a LingJun node: the last pods hang.",
        namespace=shop,
        pod=world.replica(web, 0),
        build=build,
        truth=Truth(
            category="quota",
            also=("resource_exhaustion",),
            facts=("1013", node),
            forbidden=("IpNotEnough", "Forbidden.RAM", "bug"),
        ),
    )


def attach_denied_locally(world: World) -> Scenario:
    """Local IPAM: an ENI is created, may not be attached, and is rolled back, again and again."""
    shop, cart, node = world.namespace("shop"), world.app("cart"), world.node(21)
    denied = openapi("NoPermission", "You are not authorized to operate this resource.")

    def build() -> ClusterBuilder:
        terway = Terway(release="v1.14.3", ipam="local", controlplane="deployed", virtual_type="veth")
        cluster = ordinary_cluster(world, "attach-denied-locally", terway)
        cluster.node(node, kind="ecs.g7.xlarge", idle=0, serving=False)
        stuck(cluster, (shop, cart, node), (15, 2), 20)
        hang(cluster, shop, cart, NO_ENI, every=2)
        for index, moment in enumerate(Seen(world.ago(19), world.ago(2), 6).moments()):
            eni, request = world.ids.cloud("eni", "rolled back", index), world.ids.request_id("attach", index)
            error = denied.replace("{request_id}", request)
            cluster.daemon_says(
                node,
                Line(moment, "eni created", "I", "ecs.go:71", {"eni": eni}),
                Line(moment, "attach eni failed", "E", "ecs.go:173", {"err": error, "eni": eni}),
                Line(moment, "mark eni as deleting", "I", "local.go:709", {"eni": eni}),
                Line(moment, "create eni failed", "E", "local.go:700", {"err": error}),
            )
        said = Said("AllocIPFailed", denied)
        return cluster.event_daemon(cluster.ref_node(node), said, Seen(world.ago(19), world.ago(2), 6))

    return Scenario(
        name="attach-denied-locally",
        title="ENIs that may be created but not attached",
        symptom=f"ENIs appear and vanish in the console; {shop}/{cart} gets none of them.",
        namespace=shop,
        pod=world.replica(cart, 0),
        build=build,
        truth=Truth(
            category="permission",
            facts=("NoPermission", node),
            forbidden=("exhaust", "IpNotEnough", "bug", "node is full"),
        ),
    )
