"""The pods of Terway itself: the daemon with its init and policy containers, and the controlplane."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from .accounting import NodeModel
from .pods import Container, Owner, Pod, back_off, running, terminated, waiting
from .profile import Json, Terway
from .world import World

_RESOURCES: Json = {
    "limits": {"cpu": "100m", "memory": "256Mi"},
    "requests": {"cpu": "100m", "memory": "100Mi"},
}


def daemon_pod(world: World, terway: Terway, node: NodeModel) -> Pod:
    """The daemon on a node: up since the node is, never restarted."""
    created = max(node.created + timedelta(seconds=12), world.ago(days=20))
    name = world.daemon_pod(terway.daemonset, node.name)
    uid = world.ids.uid("pod", "kube-system", name)
    return Pod(
        namespace="kube-system",
        name=name,
        uid=uid,
        created=created,
        containers=healthy_containers(terway, created),
        node=node.name,
        host_ip=node.ip,
        ips=(node.ip,),
        host_network=True,
        labels={"app": terway.daemonset, "controller-revision-hash": "77789cd669", "pod-template-generation": "3"},
        owner=Owner("DaemonSet", terway.daemonset, world.ids.uid("daemonset", "kube-system", terway.daemonset)),
        service_account="terway",
        resource_version=str(500_000 + world.ids.number("rv", name) % 90_000),
    )


def healthy_containers(terway: Terway, started: datetime) -> list[Container]:
    """Init done, daemon and policy running."""
    done = terminated("Completed", 0, started, started + timedelta(seconds=3))
    up = running(started + timedelta(seconds=5))
    found = [
        Container("terway-init", terway.image, done, init=True),
        Container("terway", terway.image, up, resources=_RESOURCES),
    ]
    if terway.policy:
        found.append(Container("policy", terway.image, up))
    return found


def replaced(containers: Sequence[Container], *new: Container) -> list[Container]:
    """The same containers, some of them in another state."""
    by_name = {each.name: each for each in new}
    return [by_name.get(each.name, each) for each in containers]


def crash_looping(pod: Pod, name: str, died: Json, restarts: int) -> Container:
    """A container of the daemon pod between two attempts; `died` is how the last one ended."""
    old = next(each for each in pod.containers if each.name == name)
    state = back_off(name, pod.name, pod.namespace, pod.uid)
    return Container(name, old.image, state, died, restarts, init=old.init, ready=False, resources=old.resources)


def restarted(pod: Pod, name: str, died: Json, since: datetime, restarts: int) -> Container:
    """A container of the daemon pod that runs again after it died."""
    old = next(each for each in pod.containers if each.name == name)
    return Container(name, old.image, running(since), died, restarts, resources=old.resources)


def stuck_in_init(pod: Pod, died: Json, restarts: int) -> list[Container]:
    """The init container crash-loops, so nothing behind it ever starts."""
    blocked = waiting("PodInitializing")
    rest = [Container(each.name, each.image, blocked) for each in pod.main_containers]
    return [crash_looping(pod, "terway-init", died, restarts), *rest]


def controlplane_pod(world: World, terway: Terway, node: NodeModel, index: int) -> Pod:
    """A replica of terway-controlplane on a node."""
    name = world.replica("terway-controlplane", index)
    template = world.ids.template_hash("terway-controlplane")
    replica_set = f"terway-controlplane-{template}"
    created = max(node.created + timedelta(minutes=2), world.ago(days=3))
    return Pod(
        namespace="kube-system",
        name=name,
        uid=world.ids.uid("pod", "kube-system", name),
        created=created,
        containers=[
            Container("terway-controlplane", terway.controlplane_image, running(created + timedelta(seconds=4)))
        ],
        node=node.name,
        host_ip=node.ip,
        ips=(node.ip,),
        host_network=True,
        labels={
            "k8s-app": "terway-controlplane",
            "app.kubernetes.io/name": "terway-controlplane",
            "pod-template-hash": template,
        },
        owner=Owner("ReplicaSet", replica_set, world.ids.uid("replicaset", "kube-system", replica_set)),
        service_account="terway-controlplane",
        resource_version=str(500_000 + world.ids.number("rv", name) % 90_000),
    )
