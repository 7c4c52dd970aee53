"""The state of a Pod's containers, in one line each, and what it means when the Pod is Terway's."""

from datetime import datetime

import msgspec

from terway_mcp.cluster.objects import ContainerStatus, Pod, Terminated
from terway_mcp.tools.times import age_seconds

IMAGE_WAITS = ("ImagePullBackOff", "ErrImagePull", "InvalidImageName", "ErrImageNeverPull")

_RECENT_SECONDS = 1800.0
"""A restart longer ago than this explains no request that fails now."""


class ContainerReport(msgspec.Struct, omit_defaults=True):
    """One container: `state` reads `running`, `waiting: CrashLoopBackOff` or `terminated: OOMKilled (exit 137)`."""

    name: str
    state: str
    ready: bool = False
    restarts: int = 0
    init: bool = False
    last_termination: str = ""
    message: str = ""


def container_reports(pod: Pod) -> list[ContainerReport]:
    """Every container of the pod, init containers first."""
    initial = [_report(status, init=True) for status in pod.status.init_container_statuses]
    return initial + [_report(status, init=False) for status in pod.status.container_statuses]


def is_ready(pod: Pod) -> bool:
    """True when the Ready condition is True."""
    return any(condition.type == "Ready" and condition.status == "True" for condition in pod.status.conditions)


def main_container_runs(pod: Pod, name: str) -> bool:
    """True when the named container is running now (a pod with a crashing side container still serves)."""
    return any(status.name == name and status.state.running is not None for status in pod.status.container_statuses)


def waiting_reasons(pod: Pod) -> list[str]:
    """Why containers wait, e.g. ["ContainerCreating"]; each reason once."""
    statuses = pod.status.init_container_statuses + pod.status.container_statuses
    reasons = [status.state.waiting.reason for status in statuses if status.state.waiting]
    return list(dict.fromkeys(reason for reason in reasons if reason))


def trouble_states(pod: Pod, now: datetime) -> list[tuple[str, str, str]]:
    """States of a Terway pod that knowledge knows, as (state, container, words).

    An init container that fails is told apart from the daemon itself, because its log is another one. What only is
    not ready, or was not a short while ago, is told where nothing says more.
    """
    found: list[tuple[str, str, str]] = []
    if not pod.spec.node_name or (pod.status.phase == "Pending" and not _statuses(pod)):
        found.append(("terway_pod_pending", "", _why_pending(pod)))
    failing = [status for status in pod.status.init_container_statuses if _init_fails(status)]
    found += [("terway_init_failed", status.name, _words(status)) for status in failing]
    unpulled = [status for status in pod.status.init_container_statuses if _is_unpulled(status)]
    found += [("terway_pod_image_pull", status.name, _words(status)) for status in unpulled]
    is_up = not found and pod.status.phase not in ("Succeeded", "Failed")
    for status in pod.status.container_statuses:
        found += _daemon_states(status) or (_interrupted(status, now) if is_up else [])
    return found


def _why_pending(pod: Pod) -> str:
    for condition in pod.status.conditions:
        if condition.type == "PodScheduled" and condition.status != "True":
            return f"{condition.reason}: {condition.message}"
    return f"phase {pod.status.phase or 'unknown'}"


_DAEMON = ("terway_pod_oomkilled", "terway_pod_crashloop", "terway_pod_image_pull")
_POLICY = ("policy_container_oomkilled", "policy_container_crashloop", "policy_container_image_pull")


def _daemon_states(status: ContainerStatus) -> list[tuple[str, str, str]]:
    waiting = status.state.waiting.reason if status.state.waiting else ""
    ended = status.state.terminated or status.last_state.terminated
    killed, crashes, unpulled = _POLICY if status.name == "policy" else _DAEMON
    found = []
    if ended is not None and ended.reason == "OOMKilled":
        found.append((killed, status.name, _words(status)))
    if _is_crash(waiting) or (ended is not None and status.restart_count >= 3 and not status.ready):
        found.append((crashes, status.name, _words(status)))
    if _is_unpulled(status):
        found.append((unpulled, status.name, _words(status)))
    return found


def _interrupted(status: ContainerStatus, now: datetime) -> list[tuple[str, str, str]]:
    """Without its policy container Terway goes on giving addresses, so that one is left out."""
    if status.name == "policy":
        return []
    if not status.ready:
        return [("terway_pod_not_ready", status.name, f"{_words(status)}, not ready")]
    last = status.last_state.terminated
    age = age_seconds(last.finished_at, now) if last else None
    if age is None or age > _RECENT_SECONDS:
        return []
    return [("terway_pod_restarts", status.name, _words(status))]


def _report(status: ContainerStatus, *, init: bool) -> ContainerReport:
    last = status.last_state.terminated
    message = status.state.waiting.message if status.state.waiting else ""
    return ContainerReport(
        status.name,
        _state(status),
        status.ready,
        status.restart_count,
        init,
        _termination(last) if last else "",
        message or (last.message if last else ""),
    )


def _state(status: ContainerStatus) -> str:
    if status.state.running:
        return "running"
    if status.state.waiting:
        return f"waiting: {status.state.waiting.reason or 'unknown'}"
    if status.state.terminated:
        return f"terminated: {_termination(status.state.terminated)}"
    return "unknown"


def _termination(ended: Terminated) -> str:
    when = f" at {ended.finished_at}" if ended.finished_at else ""
    return f"{ended.reason or 'Terminated'} (exit {ended.exit_code}){when}"


def _words(status: ContainerStatus) -> str:
    last = status.last_state.terminated
    tail = f", last {_termination(last)}" if last else ""
    return f"{_state(status)}, {status.restart_count} restarts{tail}"


def _statuses(pod: Pod) -> list[ContainerStatus]:
    return pod.status.init_container_statuses + pod.status.container_statuses


def _is_unpulled(status: ContainerStatus) -> bool:
    return status.state.waiting is not None and status.state.waiting.reason in IMAGE_WAITS


def _init_fails(status: ContainerStatus) -> bool:
    waiting, ended = status.state.waiting, status.state.terminated
    return (waiting is not None and _is_crash(waiting.reason)) or (ended is not None and ended.exit_code != 0)


def _is_crash(reason: str) -> bool:
    return reason in ("CrashLoopBackOff", "RunContainerError", "CreateContainerError", "CreateContainerConfigError")
