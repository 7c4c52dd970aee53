"""The READY, STATUS and RESTARTS cells of a pod, which kubectl expects from the server."""

from datetime import datetime

import msgspec

from terway_mcp.cluster.bundle import KubeObject
from terway_mcp.cluster.embedded.ages import age
from terway_mcp.cluster.embedded.shape import dig, mapping, number, objects, text


class PodCells(msgspec.Struct, frozen=True):
    """What `kubectl get pods` shows of a pod's containers."""

    ready: str
    status: str
    restarts: str


def pod_cells(pod: KubeObject, now: datetime) -> PodCells:
    """Sum up a pod: containers outrank init containers once these are done, and deletion outranks both."""
    usual = objects(pod, "status", "containerStatuses")
    initial = objects(pod, "status", "initContainerStatuses")
    sidecars = [status for status in initial if text(status, "name") in _sidecar_names(pod)]
    starting = None if _condition(pod, "Initialized") == "True" else _init_reason(pod, initial, sidecars)
    counted = initial if starting else usual + sidecars
    ready = sum(_is_up(status) for status in (sidecars if starting else counted))
    total = len(objects(pod, "spec", "containers")) + len(sidecars)
    reason = starting or _running_reason(pod, usual)
    return PodCells(f"{ready}/{total}", _deletion(pod) or reason, _restarts(counted, now))


def _sidecar_names(pod: KubeObject) -> set[str]:
    containers = objects(pod, "spec", "initContainers")
    return {text(each, "name") for each in containers if text(each, "restartPolicy") == "Always"}


def _condition(pod: KubeObject, kind: str) -> str:
    conditions = objects(pod, "status", "conditions")
    return next((text(each, "status") for each in conditions if text(each, "type") == kind), "")


def _is_up(status: KubeObject) -> bool:
    return dig(status, "ready") is True and isinstance(dig(status, "state", "running"), dict)


def _init_reason(pod: KubeObject, initial: list[KubeObject], sidecars: list[KubeObject]) -> str | None:
    for done, status in enumerate(initial):
        ended = mapping(status, "state", "terminated")
        if ended and not number(ended, "exitCode"):
            continue
        if status in sidecars and dig(status, "started") is True:
            continue
        waiting = text(status, "state", "waiting", "reason")
        if ended:
            return f"Init:{_ended_reason(ended)}"
        if waiting and waiting != "PodInitializing":
            return f"Init:{waiting}"
        return f"Init:{done}/{len(objects(pod, 'spec', 'initContainers'))}"
    return None


def _running_reason(pod: KubeObject, statuses: list[KubeObject]) -> str:
    reason = text(pod, "status", "reason") or _gated(pod) or text(pod, "status", "phase")
    for status in reversed(statuses):
        ended = mapping(status, "state", "terminated")
        reason = text(status, "state", "waiting", "reason") or (_ended_reason(ended) if ended else "") or reason
    if reason == "Completed" and any(_is_up(status) for status in statuses):
        return "Running" if _condition(pod, "Ready") == "True" else "NotReady"
    return reason


def _gated(pod: KubeObject) -> str:
    conditions = objects(pod, "status", "conditions")
    gated = any(
        text(each, "type") == "PodScheduled" and text(each, "reason") == "SchedulingGated" for each in conditions
    )
    return "SchedulingGated" if gated else ""


def _ended_reason(ended: KubeObject) -> str:
    if reason := text(ended, "reason"):
        return reason
    signal = number(ended, "signal")
    return f"Signal:{signal}" if signal else f"ExitCode:{number(ended, 'exitCode')}"


def _deletion(pod: KubeObject) -> str:
    if not text(pod, "metadata", "deletionTimestamp"):
        return ""
    if text(pod, "status", "reason") == "NodeLost":
        return "Unknown"
    return "" if text(pod, "status", "phase") in ("Failed", "Succeeded") else "Terminating"


def _restarts(statuses: list[KubeObject], now: datetime) -> str:
    total = sum(number(status, "restartCount") for status in statuses)
    last = max((text(status, "lastState", "terminated", "finishedAt") for status in statuses), default="")
    return f"{total} ({age(last, now)} ago)" if total and last else str(total)
