"""Nothing is wrong (any more), or nothing that was collected can tell what is."""

from datetime import timedelta

from terway_mcp.cluster import resources
from terway_mcp.cluster.scenarios.builder import ClusterBuilder
from terway_mcp.cluster.scenarios.clock import Seen
from terway_mcp.cluster.scenarios.events import Said
from terway_mcp.cluster.scenarios.plots import DEADLINE, REFUSED
from terway_mcp.cluster.scenarios.pods import Container, Owner, running, terminated
from terway_mcp.cluster.scenarios.scenario import Scenario, Truth
from terway_mcp.cluster.scenarios.terway_pods import restarted
from terway_mcp.cluster.scenarios.world import World
from tests.scenarios.fourth.stage import (
    asked,
    local,
    of_the_shop,
    ordinary_cluster,
    sandbox_fails,
    serving_shop,
    stalled_shop,
    waiting_pods,
)

from .stage import CALM, was_short


def upgrade_window(world: World) -> Scenario:
    """Terway was upgraded; pods created while a daemon was away failed for a minute and have their addresses now."""
    shop, web = world.namespace("shop"), world.app("web")

    def build() -> ClusterBuilder:
        cluster = serving_shop(world, "upgrade-window", minutes=25)
        for host in (21, 22, 23):
            pod = cluster.terway_pod(world.node(host))
            pod.created = world.ago(26 - (host - 21))
            pod.containers = [
                Container(each.name, each.image, each.state if each.init else running(pod.created), init=each.init)
                for each in pod.containers
            ]
        for index in (1, 2):
            key = (shop, world.replica(web, index))
            cluster.no_network(*key, REFUSED, Seen(world.ago(24.8), world.ago(24.1), 3), reported=False)
            cluster.got_address(*key, Seen.once(world.ago(23.8)))
        return cluster

    return Scenario(
        name="upgrade-window",
        title="An upgrade that is over",
        symptom="We upgraded Terway. Is everything all right?",
        build=build,
        truth=Truth(category="healthy", facts=(), forbidden=(*CALM, "daemon is down", "crash")),
    )


def job_finished(world: World) -> Scenario:
    """The pod did its work and ended; a completed pod has no network any more, which is how it should be."""
    batch, cron = world.namespace("batch"), world.app("cron")
    pod = f"{cron}-{world.ids.suffix(5, 'a finished job')}"

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, "job-finished", local(world), hosts=(21, 22, 23))
        done = terminated("Completed", 0, world.ago(38), world.ago(31))
        container = Container(cron, cluster.app_image(cron), done, ready=True)
        owner = Owner("Job", cron, world.ids.uid("job", cron), "batch/v1")
        cluster.pod(batch, pod, world.node(21), [container], world.ago(38.2), owner=owner)
        cluster.change(resources.PODS, pod, {"status": {"phase": "Succeeded"}}, batch)
        return cluster.started(batch, pod)

    return Scenario(
        name="job-finished",
        title="Work that is done",
        symptom=f"{batch}/{pod} is 0/1 and its IP does not answer any more.",
        namespace=batch,
        pod=pod,
        build=build,
        truth=Truth(
            category="healthy",
            also=("not_terway",),
            facts=(pod,),
            forbidden=(*CALM, "eni.socket", "leak"),
        ),
    )


def rebooted_and_back(world: World) -> Scenario:
    """The node was rebooted for a kernel fix; everything on it failed for two minutes and works since."""
    node = world.node(21)
    shop, web = world.namespace("shop"), world.app("web")

    def build() -> ClusterBuilder:
        cluster = serving_shop(world, "rebooted-and-back", minutes=2000)
        kubelet = cluster.ref_kubelet_node(node)
        boot = f"Node {node} has been rebooted, boot id: {world.ids.uid('boot', node)}"
        cluster.event_kubelet(kubelet, Said("Rebooted", boot), Seen.once(world.ago(41)), node)
        for reason, minutes in (("NodeNotReady", 41), ("NodeReady", 39.5)):
            said = Said(reason, f"Node {node} status is now: {reason}", warning=False)
            cluster.event_kubelet(kubelet, said, Seen.once(world.ago(minutes)), node)
        died = terminated("Error", 255, world.ago(days=5), world.ago(42))
        for name in ("terway", "policy"):
            again = restarted(cluster.terway_pod(node), name, died, world.ago(39.8), 1)
            cluster.terway_containers(node, again)
        for index in range(3):
            key = (shop, world.replica(web, index))
            pod = cluster.pods[key]
            old = pod.containers[0]
            pod.containers = [Container(old.name, old.image, running(world.ago(39)), died, 1)]
            cluster.no_network(*key, REFUSED, Seen(world.ago(40.8), world.ago(40.1), 3), reported=False)
            cluster.got_address(*key, Seen.once(world.ago(39.4)))
        return cluster

    return Scenario(
        name="rebooted-and-back",
        title="Back after a reboot",
        symptom=f"{node} shows FailedCreatePodSandBox and restarts of Terway in the last hour.",
        node=node,
        build=build,
        truth=Truth(category="healthy", facts=(node,), forbidden=(*CALM, "daemon is down", "crash-loop")),
    )


def late_but_there(world: World) -> Scenario:
    """The ENI was attached before the guest saw it: two attempts failed, the third worked.

    The ACK FAQ on `can't found dev by mac` says so: the next attempt finds the interface.
    """
    shop, web = world.namespace("shop"), world.app("web")
    pod = world.replica(web, 1)

    def build() -> ClusterBuilder:
        cluster = serving_shop(world, "late-but-there", minutes=25)
        mac = cluster.nodes[world.node(21)].enis[0].mac
        error = f"error parse config, can't found dev by mac {mac}: not found"
        cluster.no_network(shop, pod, error, Seen(world.ago(24.9), world.ago(24.5), 2))
        cluster.got_address(shop, pod, Seen.once(world.ago(24.2)))
        said = Said("Started", f"Started container {web}", warning=False)
        return cluster.event_kubelet(cluster.ref(shop, pod), said, Seen.once(world.ago(24.1)))

    return Scenario(
        name="late-but-there",
        title="An interface that came late",
        symptom=f"{shop}/{pod} had warnings: can't found dev by mac. What must we repair?",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(category="healthy", facts=(pod,), forbidden=(*CALM, "kernel is too old")),
    )


def address_of_the_old_vswitch(world: World) -> Scenario:
    """The configured vSwitch was changed; a pod on an old node has an address of the old one, by design.

    ACK's "Modify pod vSwitches": existing ENIs keep theirs, only new ENIs use what is configured now.
    """
    shop, pod = asked(world)
    new = world.vswitch("h2")

    def build() -> ClusterBuilder:
        cluster = serving_shop(world, "address-of-the-old-vswitch", minutes=12)
        cluster.vswitch("h2")
        cluster.eni_conf(vswitches={world.zone("h"): [new]})
        return cluster

    return Scenario(
        name="address-of-the-old-vswitch",
        title="An address as before",
        symptom=f"{shop}/{pod} got an IP outside {new}, though eni-config names nothing else.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=Truth(category="healthy", facts=(pod,), forbidden=(*CALM, "configuration is not loaded")),
    )


def sandbox_call_timed_out(world: World) -> Scenario:
    """The kubelet's call ran into its deadline, nothing says in what, and the node's Terway log may not be read."""
    node = world.node(21)

    def build() -> ClusterBuilder:
        cluster = stalled_shop(world, "sandbox-call-timed-out", idle=6)
        cluster.forbid_log("kube-system", cluster.terway_pod(node).name, "terway")
        return sandbox_fails(cluster, "DeadlineExceeded desc = context deadline exceeded", add=False)

    truth = Truth(
        category="insufficient_evidence",
        also=("node_runtime",),
        facts=("context deadline exceeded", node),
        forbidden=("IpNotEnough", "exhausted", "Forbidden.RAM", "quota", "vSwitch has no", "bug"),
    )
    return of_the_shop(world, "sandbox-call-timed-out", "A call nobody answered", "{pod} waits.", build, truth)


def only_just_created(world: World) -> Scenario:
    """The pod is fifteen seconds old; that it has no address yet means nothing, whatever happened this morning."""
    shop, pod = asked(world)

    def build() -> ClusterBuilder:
        cluster = stalled_shop(world, "only-just-created", minutes=0.25, idle=6)
        for each in waiting_pods(cluster):
            cluster.scheduled(each.namespace, each.name)
        return was_short(cluster, world.node(21), 6)

    truth = Truth(
        category="insufficient_evidence",
        also=("healthy",),
        facts=(pod,),
        forbidden=("IpNotEnough", "exhaust", "Forbidden.RAM", "bug", "controlplane is down"),
    )
    return Scenario(
        name="only-just-created",
        title="Too early to say",
        symptom=f"{shop}/{pod} is ContainerCreating.",
        namespace=shop,
        pod=pod,
        build=build,
        truth=truth,
    )


def resets_between_two_pods(world: World) -> Scenario:
    """Connections are reset now and then; nothing that was collected speaks of it, old failures of others do not."""
    shop, web = world.namespace("shop"), world.app("web")

    def build() -> ClusterBuilder:
        cluster = serving_shop(world, "resets-between-two-pods", minutes=3000)
        was_short(cluster, world.node(23), 8)
        created = world.ago(hours=8)
        gone = f"{world.app('cart')}-old"
        container = cluster.app_container(world.app("cart"), created)
        cluster.pod(world.namespace("payments"), gone, world.node(23), [container], created)
        key = (world.namespace("payments"), gone)
        cluster.no_network(*key, DEADLINE, Seen(created + timedelta(minutes=1), created + timedelta(minutes=20), 5))
        cluster.got_address(*key, Seen.once(created + timedelta(minutes=26)))
        return cluster

    return Scenario(
        name="resets-between-two-pods",
        title="Resets now and then",
        symptom=f"Connections to {shop}/{web} are reset sometimes, mostly at night.",
        namespace=shop,
        workload=f"deployment/{web}",
        build=build,
        truth=Truth(
            category="insufficient_evidence",
            also=("healthy",),
            facts=(web,),
            forbidden=("IpNotEnough", "exhaust", "Forbidden.RAM", "bug", "kernel"),
        ),
    )


INCIDENTS = (
    upgrade_window,
    job_finished,
    rebooted_and_back,
    late_but_there,
    address_of_the_old_vswitch,
    sandbox_call_timed_out,
    only_just_created,
    resets_between_two_pods,
)
