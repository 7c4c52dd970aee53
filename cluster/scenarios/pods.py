"""Pods: containers in the states a kubelet reports, and the Pod object around them."""

from datetime import datetime

import msgspec

from .clock import seconds
from .profile import Json
from .world import World


class Container(msgspec.Struct, frozen=True):
    """A container and what became of it."""

    name: str
    image: str
    state: Json
    last: Json = {}
    restarts: int = 0
    init: bool = False
    ready: bool | None = None
    """None: ready exactly when it runs (or, for an init container, when it completed)."""
    resources: Json = {}

    @property
    def is_ready(self) -> bool:
        """What the kubelet shows as `ready`."""
        if self.ready is not None:
            return self.ready
        if self.init:
            ended = self.state.get("terminated")
            return isinstance(ended, dict) and ended.get("exitCode") == 0
        return "running" in self.state


def running(since: datetime) -> Json:
    """The state of a container that runs."""
    return {"running": {"startedAt": seconds(since)}}


def waiting(reason: str, message: str = "") -> Json:
    """The state of a container that does not run (yet)."""
    return {"waiting": {"reason": reason, **({"message": message} if message else {})}}


def terminated(reason: str, exit_code: int, started: datetime, finished: datetime, message: str = "") -> Json:
    """The state of a container that ended."""
    ended: Json = {"exitCode": exit_code, "reason": reason, "startedAt": seconds(started)}
    ended["finishedAt"] = seconds(finished)
    return {"terminated": {**ended, **({"message": message} if message else {})}}


def back_off(name: str, pod: str, namespace: str, uid: str) -> Json:
    """The state of a container between two attempts to start it."""
    text = f"back-off 5m0s restarting failed container={name} pod={pod}_{namespace}({uid})"
    return waiting("CrashLoopBackOff", text)


class Owner(msgspec.Struct, frozen=True):
    """The controller of a pod."""

    kind: str
    name: str
    uid: str
    api_version: str = "apps/v1"


class Pod(msgspec.Struct, kw_only=True):
    """One pod of the capture; phase and conditions follow from its containers."""

    namespace: str
    name: str
    uid: str
    created: datetime
    containers: list[Container]
    node: str = ""
    host_ip: str = ""
    ips: tuple[str, ...] = ()
    host_network: bool = False
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    owner: Owner | None = None
    service_account: str = "default"
    node_selector: dict[str, str] = {}
    unschedulable: str = ""
    """The scheduler's message while there is no node."""
    deleted: datetime | None = None
    resource_version: str = "1"

    @property
    def key(self) -> str:
        """`namespace/name`."""
        return f"{self.namespace}/{self.name}"

    @property
    def init_containers(self) -> list[Container]:
        """Containers that run before the others."""
        return [each for each in self.containers if each.init]

    @property
    def main_containers(self) -> list[Container]:
        """Containers that make up the pod."""
        return [each for each in self.containers if not each.init]


def _condition(kind: str, at: datetime, *, true: bool, reason: str = "", message: str = "") -> Json:
    condition: Json = {"type": kind, "status": "True" if true else "False", "lastProbeTime": None}
    condition["lastTransitionTime"] = seconds(at)
    if reason:
        condition["reason"] = reason
        condition["message"] = message
    return condition


def _conditions(pod: Pod) -> list[Json]:
    if not pod.node:
        reason = "Unschedulable" if pod.unschedulable else "SchedulerError"
        return [_condition("PodScheduled", pod.created, true=False, reason=reason, message=pod.unschedulable)]
    unready = [each.name for each in pod.main_containers if not each.is_ready]
    blocked = [each.name for each in pod.init_containers if not each.is_ready]
    not_ready = {"reason": "ContainersNotReady", "message": f"containers with unready status: [{' '.join(unready)}]"}
    incomplete = {
        "reason": "ContainersNotInitialized",
        "message": f"containers with incomplete status: [{' '.join(blocked)}]",
    }
    return [
        _condition("PodReadyToStartContainers", pod.created, true=bool(pod.ips)),
        _condition("Initialized", pod.created, true=not blocked, **(incomplete if blocked else {})),
        _condition("Ready", pod.created, true=not unready, **(not_ready if unready else {})),
        _condition("ContainersReady", pod.created, true=not unready, **(not_ready if unready else {})),
        _condition("PodScheduled", pod.created, true=True),
    ]


def _phase(pod: Pod) -> str:
    if any(not each.is_ready for each in pod.init_containers):
        return "Pending"
    states = [each.state for each in pod.main_containers]
    if states and all("terminated" in state for state in states):
        return "Succeeded" if all(each.is_ready for each in pod.main_containers) else "Failed"
    never_ran = all("waiting" in each.state and not each.restarts for each in pod.main_containers)
    return "Pending" if never_ran else "Running"


def _status_of(container: Container, world: World, pod: Pod) -> Json:
    status: Json = {
        "name": container.name,
        "state": container.state,
        "lastState": container.last,
        "ready": container.is_ready,
        "restartCount": container.restarts,
        "image": container.image,
        "imageID": "",
    }
    if "waiting" not in container.state or container.restarts:
        status["imageID"] = f"{container.image.rpartition(':')[0]}@sha256:{world.ids.hex64('image', container.image)}"
        status["containerID"] = f"containerd://{world.ids.hex64('container', pod.key, container.name)}"
    if not container.init:
        status["started"] = "running" in container.state
    return status


def _spec_of(container: Container) -> Json:
    return {
        "name": container.name,
        "image": container.image,
        "resources": container.resources,
        "imagePullPolicy": "IfNotPresent",
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
    }


def _metadata(pod: Pod) -> Json:
    metadata: Json = {"name": pod.name, "namespace": pod.namespace, "uid": pod.uid}
    metadata["resourceVersion"] = pod.resource_version
    metadata["creationTimestamp"] = seconds(pod.created)
    if pod.deleted:
        metadata["deletionTimestamp"] = seconds(pod.deleted)
        metadata["deletionGracePeriodSeconds"] = 30
    metadata["labels"] = pod.labels
    if pod.annotations:
        metadata["annotations"] = pod.annotations
    if pod.owner:
        owner: Json = {"apiVersion": pod.owner.api_version, "kind": pod.owner.kind, "name": pod.owner.name}
        metadata["ownerReferences"] = [{**owner, "uid": pod.owner.uid, "controller": True, "blockOwnerDeletion": True}]
    return metadata


def render(pod: Pod, world: World) -> Json:
    """The Pod object as an API server shows it."""
    spec: Json = {
        "containers": [_spec_of(each) for each in pod.main_containers],
        "restartPolicy": "Always",
        "terminationGracePeriodSeconds": 30,
        "dnsPolicy": "ClusterFirst",
        "serviceAccountName": pod.service_account,
        "schedulerName": "default-scheduler",
        "enableServiceLinks": True,
    }
    if pod.init_containers:
        spec["initContainers"] = [_spec_of(each) for each in pod.init_containers]
    if pod.node:
        spec["nodeName"] = pod.node
    if pod.host_network:
        spec["hostNetwork"] = True
    if pod.node_selector:
        spec["nodeSelector"] = pod.node_selector
    status: Json = {"phase": _phase(pod), "conditions": _conditions(pod), "qosClass": "Burstable"}
    if pod.node:
        status |= {"hostIP": pod.host_ip, "hostIPs": [{"ip": pod.host_ip}], "startTime": seconds(pod.created)}
        status["containerStatuses"] = [_status_of(each, world, pod) for each in pod.main_containers]
        if pod.init_containers:
            status["initContainerStatuses"] = [_status_of(each, world, pod) for each in pod.init_containers]
    if pod.ips:
        status |= {"podIP": pod.ips[0], "podIPs": [{"ip": ip} for ip in pod.ips]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": _metadata(pod), "spec": spec, "status": status}
