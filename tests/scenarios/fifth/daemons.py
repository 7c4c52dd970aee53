"""Daemons that run, or ran until a while ago, and what their pods meet."""

from terway_mcp.cluster import resources
from terway_mcp.cluster.scenarios.builder import ClusterBuilder, NodeDetails
from terway_mcp.cluster.scenarios.clock import Seen
from terway_mcp.cluster.scenarios.events import Said
from terway_mcp.cluster.scenarios.logs import Line
from terway_mcp.cluster.scenarios.plots import CNI, REFUSED
from terway_mcp.cluster.scenarios.pods import Container, running, terminated, waiting
from terway_mcp.cluster.scenarios.profile import Json
from terway_mcp.cluster.scenarios.scenario import Scenario, Truth
from terway_mcp.cluster.scenarios.terway_pods import crash_looping
from terway_mcp.cluster.scenarios.world import World

from .stage import (
    NO_SHORTAGE,
    asked,
    central,
    crash_loops,
    daemons_wanted,
    foreign_daemon,
    hang,
    kubelet_says,
    local,
    of_the_cluster,
    of_the_shop,
    ordinary_cluster,
    quiet,
    retried,
    sandbox_fails,
    serving_shop,
    stalled_shop,
    waiting_shop,
)

_NOT_THE_CLOUD = (*NO_SHORTAGE, "Forbidden.RAM", "OpenAPI", "too old")


def upgraded_to_nothing(world: World) -> Scenario:
    """The new release was never pushed to the private registry: the rollout took node 21's daemon away and stopped."""
    name, node = "upgraded-to-nothing", world.node(21)

    def build() -> ClusterBuilder:
        cluster = stalled_shop(world, name, central(world, "v1.16.6", "v1.17.2"), idle=5)
        pod = cluster.terway_pod(node)
        image = "registry.corp.example/acs/terway:v1.17.5"
        pod.created = world.ago(34)
        state = waiting("ImagePullBackOff", f'Back-off pulling image "{image}"')
        blocked = waiting("PodInitializing")
        pod.containers = [
            Container(each.name, image, state if each.init else blocked, init=each.init) for each in pod.containers
        ]
        text = (
            f'Failed to pull image "{image}": rpc error: code = NotFound desc = failed to pull and unpack image '
            f'"{image}": failed to resolve reference "{image}": {image}: not found'
        )
        seen = Seen(world.ago(33), world.ago(2), 8)
        kubelet_says(cluster, ("kube-system", pod.name), "Failed", text, seen)
        return hang(cluster, world.namespace("shop"), world.app("web"), REFUSED, every=2)

    truth = Truth(
        category="component_down",
        also=("configuration", "not_terway", "node_runtime"),
        facts=("registry.corp.example/acs/terway:v1.17.5", node),
        forbidden=_NOT_THE_CLOUD,
    )
    return of_the_shop(world, name, "A rollout without an image", "{pod} is ContainerCreating.", build, truth)


def selects_no_node(world: World) -> Scenario:
    """At night somebody 'stopped' the DaemonSet with a nodeSelector nothing has; no node has a daemon any more."""
    name = "selects-no-node"

    def build() -> ClusterBuilder:
        cluster = waiting_shop(world, name, central(world), error=REFUSED, every=2, counts=(5, 3), enough=True)
        quiet(cluster)
        for node in list(cluster.nodes):
            cluster.without_terway_pod(node)
        daemonset = cluster.terway.daemonset
        patch: Json = {"spec": {"template": {"spec": {"nodeSelector": {"non-existing": "true"}}}}}
        cluster.change(resources.DAEMONSETS, daemonset, patch, "kube-system")
        for key in [each for each in cluster.logs if each[2] == "terway"]:
            del cluster.logs[key]
        return daemons_wanted(cluster, 0, 0)

    truth = Truth(
        category="component_down",
        also=("configuration",),
        facts=("eni.socket", "terway-eniip"),
        forbidden=_NOT_THE_CLOUD,
    )
    return of_the_cluster(name, "A DaemonSet that selects no node", "No new pod starts anywhere.", build, truth)


def token_not_accepted(world: World) -> Scenario:
    """Since the service account key was rotated the API refuses the daemon; it cannot even record an event."""
    name, node = "token-not-accepted", world.node(21)

    def build() -> ClusterBuilder:
        cluster = stalled_shop(world, name, central(world), idle=6)
        error = (
            'plugin type="terway" failed (add): failed to do add; '
            "cmdAdd: error alloc ip rpc error: code = Unknown desc = code: InvalidArgs, msg: Unauthorized"
        )
        sandbox_fails(cluster, error)
        seen = Seen(world.ago(29), world.ago(1), 24)
        failed = {"err": "failed to list *v1beta1.Node: Unauthorized", "logger": "UnhandledError"}
        cluster.daemon_says(
            node, *cluster.repeat(seen, Line(seen.first, "Failed to watch", "E", "reflector.go:205", failed))
        )
        about = {"err": "code: InvalidArgs, msg: Unauthorized", "pod": "/".join(asked(world))}
        return cluster.daemon_says(
            node, *cluster.repeat(seen, Line(seen.first, "alloc ip failed", "E", "daemon.go:139", about))
        )

    truth = Truth(
        category="permission",
        facts=("Unauthorized", node),
        forbidden=(*NO_SHORTAGE, "Forbidden.RAM", "AccessKey", "eni.socket"),
    )
    return of_the_shop(world, name, "A token nobody accepts", "{pod}: msg: Unauthorized.", build, truth)


def store_too_slow(world: World) -> Scenario:
    """etcd times out; the daemon reads the pod through the API before it allocates, so every ADD fails."""
    name = "store-too-slow"
    error = (
        "cmdAdd: error alloc ip rpc error: code = Unknown desc = code: InvalidArgs, msg: etcdserver: request timed out"
    )

    def build() -> ClusterBuilder:
        return waiting_shop(world, name, local(world), error=error, every=2, counts=(6, 3), enough=True)

    truth = Truth(
        category="not_terway",
        also=("throttling", "component_down"),
        facts=("etcdserver: request timed out",),
        forbidden=(*NO_SHORTAGE, "Forbidden.RAM", "OpenAPI", "eni.socket"),
    )
    return of_the_shop(world, name, "A slow store", "{pod}: InvalidArgs. Which argument?", build, truth)


def client_slowed_down(world: World) -> Scenario:
    """kube_client_qps was set to 1: the daemon's own client makes it wait until the plugin's deadline has passed."""
    name, node = "client-slowed-down", world.node(21)

    def build() -> ClusterBuilder:
        error = "cmdAdd: error alloc ip rpc error: code = DeadlineExceeded desc = context deadline exceeded"
        terway = local(world, "v1.16.6", "v1.17.2")
        cluster = waiting_shop(world, name, terway, error=error, counts=(9, 4), enough=True)
        cluster.eni_conf(kube_client_qps=1, kube_client_burst=1)
        shop, pod = asked(world)
        seen = Seen(world.ago(28), world.ago(2), 30)
        about = {
            "delay": "1m51.3s",
            "reason": "client-side throttling, not priority and fairness",
            "verb": "GET",
            "URL": f"https://172.21.0.1:443/api/v1/namespaces/{shop}/pods/{pod}",
        }
        waited = Line(seen.first, "Waited before sending request", "I", "request.go:752", about)
        return cluster.daemon_says(node, *cluster.repeat(seen, waited))

    truth = Truth(
        category="configuration",
        also=("throttling",),
        facts=("client-side throttling", "kube_client_qps"),
        forbidden=(*NO_SHORTAGE, "Forbidden.RAM", "API rate of the account"),
    )
    return of_the_shop(world, name, "A client that slows itself down", "{pod}: deadline exceeded.", build, truth)


def disk_of_the_node_full(world: World) -> Scenario:
    """The node's disk is full: the daemon cannot open its store, pods find no socket behind it."""
    name, node = "disk-of-the-node-full", world.node(21)

    def build() -> ClusterBuilder:
        cluster = stalled_shop(world, name, local(world), idle=5)
        fatal = "error init k8s: error creating storage: open /var/lib/cni/terway/pod.db: no space left on device"
        crash_loops(cluster, node, fatal)
        text = "Attempting to reclaim ephemeral-storage"
        seen = Seen(world.ago(40), world.ago(2), 40)
        cluster.event_kubelet(cluster.ref_kubelet_node(node), Said("EvictionThresholdMet", text), seen, node)
        return hang(cluster, world.namespace("shop"), world.app("web"), REFUSED, every=2)

    truth = Truth(
        category="node_runtime",
        also=("component_down",),
        facts=("no space left on device", node),
        forbidden=(*_NOT_THE_CLOUD, "vSwitch"),
    )
    return of_the_shop(world, name, "No space for a store", "{pod}: connection refused.", build, truth)


def nobody_takes_it_down(world: World) -> Scenario:
    """Pods hang in Terminating because the plugin's DEL finds no daemon; the daemon is killed for its memory."""
    name, node = "nobody-takes-it-down", world.node(21)
    shop, web = world.namespace("shop"), world.app("web")

    def build() -> ClusterBuilder:
        cluster = serving_shop(world, name, central(world), minutes=300)
        cluster.nodes[node].serving = False
        daemon = cluster.terway_pod(node)
        died = terminated("OOMKilled", 137, world.ago(9), world.ago(3))
        cluster.terway_containers(node, crash_looping(daemon, "terway", died, 17))
        cluster.keeps_crashing("kube-system", daemon.name, "terway", Seen(world.ago(55), world.ago(0.5), 120))
        socket = REFUSED.partition("rpc error")[2]
        for index in range(3):
            pod = cluster.pods[shop, world.replica(web, index)]
            pod.deleted = world.ago(24)
            text = (
                f'error killing pod: failed to "KillPodSandbox" for "{pod.uid}" with KillPodSandboxError: "rpc error: '
                'code = Unknown desc = failed to destroy network for sandbox \\"{sandbox}\\": plugin type=\\"terway\\" '
                f'failed (delete): failed to do del; error get ip from terway, pod {pod.key}, rpc error{socket}"'
            )
            kubelet_says(cluster, (shop, pod.name), "FailedKillPod", text, Seen(world.ago(24), world.ago(1), 20))
        return cluster

    return Scenario(
        name=name,
        title="Pods nobody takes down",
        symptom=f"Three pods of {shop}/{web} hang in Terminating.",
        namespace=shop,
        pod=world.replica(web, 0),
        build=build,
        truth=Truth(
            category="node_runtime",
            also=("component_down",),
            facts=("OOMKilled", node),
            forbidden=(*_NOT_THE_CLOUD, "finalizer"),
        ),
    )


def interval_not_set(world: World) -> Scenario:
    """v1.16: idle_ip_reclaim_after without an interval: nil dereference in the node reconciler (fixed in v1.17.1)."""
    name, node = "interval-not-set", world.node(21)
    panic = "panic: runtime error: invalid memory address or nil pointer dereference [recovered]"

    def build() -> ClusterBuilder:
        terway = central(world, "v1.16.6", "v1.16.4")
        cluster = ordinary_cluster(world, name, terway)
        details: NodeDetails = {"sufficient_ip": None, "serving": False}
        cluster.node(node, kind="ecs.g7.2xlarge", age_days=0.03, custom_resource="capabilities", **details)
        cluster.eni_conf(idle_ip_reclaim_after="30m")
        shop, web = world.namespace("shop"), world.app("web")
        cluster.deployment(shop, web, running={world.node(22): 2}, creating={node: 2}, since=world.ago(30))
        seen = Seen(world.ago(40), world.ago(1), 18)
        about: Json = {"controller": "node", "namespace": "", "name": node}
        observed = {"panic": "runtime error: invalid memory address or nil pointer dereference", **about}
        lines = [
            *cluster.repeat(seen, Line(seen.first, "Observed a panic", "E", "signal_unix.go:917", observed)),
            *cluster.repeat(
                seen, Line(seen.first, "Reconciler error", "E", "controller.go:474", {"err": panic, **about})
            ),
        ]
        cluster.daemon_says(node, *lines)
        return hang(cluster, shop, web, every=5)

    truth = Truth(
        category="terway_bug",
        also=("configuration",),
        facts=("nil pointer dereference", node),
        forbidden=(*NO_SHORTAGE, "Forbidden.RAM", "eni.socket"),
    )
    return of_the_shop(world, name, "An interval that is not set", "{pod} waits on the new node.", build, truth)


def helper_missing_on_windows(world: World) -> Scenario:
    """A hardened Windows image lacks host-local.exe, which the plugin delegates to; the address itself was given."""
    name, node = "helper-missing-on-windows", world.node(27)
    shop, web = world.namespace("shop"), world.app("web")
    error = (
        "error allocate assistant ip from delegate ipam host-local: "
        'failed to find plugin "host-local" in path [C:\\opt\\cni\\bin]'
    )

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(world, name, local(world, "v1.12.4", "v1.9.16"))
        cluster.node(world.node(21))
        windows = {
            "kubernetes.io/os": "windows",
            "beta.kubernetes.io/os": "windows",
            "node.kubernetes.io/windows-build": "10.0.20348",
        }
        cluster.node(
            node,
            kind="ecs.g7.xlarge",
            labels=windows,
            serving=False,
            idle=4,
            kernel="10.0.20348.2340",
            os_image="Windows Server 2022 Datacenter",
        )
        cluster.change(resources.NODES, node, {"status": {"nodeInfo": {"operatingSystem": "windows"}}})
        cluster.without_terway_pod(node)
        image = f"registry-vpc.{world.region}.aliyuncs.com/acs/terway-windows:{cluster.terway.release}"
        foreign_daemon(cluster, "terway-eniip-windows", node, Container("terway", image, running(world.ago(days=9))))
        cluster.deployment(shop, web, running={world.node(21): 1}, creating={node: 2}, since=world.ago(26))
        for index in range(2):
            pod = cluster.pods[shop, world.replica(web, index)]
            cluster.scheduled(shop, pod.name)
            seen = retried(world, pod.created, every=1.5)
            text = f"{CNI}{error}"
            kubelet_says(cluster, (shop, pod.name), "FailedCreatePodSandBox", text, seen)
            cluster.event_daemon(cluster.ref(shop, pod.name), Said("AllocIPFailed", error), seen)
        return cluster

    return Scenario(
        name=name,
        title="A helper that is not on the Windows node",
        symptom=f"{shop}/{world.replica(web, 0)} hangs on the Windows node.",
        namespace=shop,
        pod=world.replica(web, 0),
        build=build,
        truth=Truth(
            category="node_runtime",
            also=("datapath", "configuration"),
            facts=('failed to find plugin "host-local"',),
            forbidden=(*_NOT_THE_CLOUD, "not Terway"),
        ),
    )


INCIDENTS = (
    upgraded_to_nothing,
    selects_no_node,
    token_not_accepted,
    store_too_slow,
    client_slowed_down,
    disk_of_the_node_full,
    nobody_takes_it_down,
    interval_not_set,
    helper_missing_on_windows,
)
