"""What a signal still has to do with the target: failures nobody repeated, and steps the target has not reached."""

from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec

from terway_mcp.knowledge.base import Knowledge
from terway_mcp.tools.correlation.signals import Signal, born
from terway_mcp.tools.correlation.target import SAME, SHARED, Target
from terway_mcp.tools.evidence import Evidence
from terway_mcp.tools.times import parse

_PER_ATTEMPT = ("resource_exhaustion", "quota", "throttling")
"""What every attempt to get an address reports anew, as it does any code of the OpenAPI: a pod that waits makes Terway
try again within minutes."""

_SILENT = timedelta(hours=2)
_SILENT_BEFORE_POD = timedelta(hours=1)
"""So long without a repetition; a full vSwitch is not even asked again for up to 20 minutes (vSwitchCacheTTL)."""

_SILENT_WITH_ROOM = timedelta(minutes=30)
"""Where addresses are free and nobody waits, a shortage is past once the vSwitch may be asked again."""

_VOLUMES = ("FailedMount", "FailedAttachVolume", "FailedMapVolume")
_SANDBOX = (
    "FailedCreatePodSandBox", "SandboxChanged", "AllocIPFailed", "AllocIPSucceed", "NetworkNotReady", "Pulling",
    "Pulled", "Created", "Started",
)  # fmt: skip
"""Reasons on a pod that show the kubelet got as far as its network."""

_REFUSED, _SERVED = ("FailedCreatePodSandBox", "AllocIPFailed"), ("AllocIPSucceed", "Created", "Started")

_ABOUT_NETWORK = (*_PER_ATTEMPT, "permission", "component_down", "configuration", "datapath", "terway_bug")


def bearing(found: list[Signal], ledger: list[Evidence], knowledge: Knowledge, target: Target) -> list[Signal]:
    """The signals: `silent` where no attempt repeated them, moved away where they do not concern the target now."""
    marked = _fallen_silent(found, _limit(ledger, target), knowledge)
    if waits_for_volumes(ledger, target):
        return _moved_away(marked, lambda signal: _category(signal, knowledge) in _ABOUT_NETWORK)
    if has_its_network(ledger, target) or _nothing_starts(ledger, target):
        return _moved_away(marked, lambda signal: _is_per_attempt(signal, knowledge))
    return marked


def waits_for_volumes(ledger: list[Evidence], target: Target) -> bool:
    """True for a pod whose volumes are not there: the kubelet mounts them before it makes the sandbox.

    kubelet's syncPod waits in WaitForAttachAndMount and only then calls the runtime.
    """
    reasons = {
        str(evidence.fact.data.get("reason", ""))
        for evidence in ledger
        if evidence.fact.kind == "event" and evidence.fact.subject.kind == "Pod" and _is_target(evidence, target)
    }
    waiting = any(e.fact.name == "pod_sandbox_waiting" and _is_target(e, target) for e in ledger)
    return waiting and bool(reasons & {*_VOLUMES}) and not reasons & {*_SANDBOX}


def has_its_network(ledger: list[Evidence], target: Target) -> bool:
    """True for a pod with an address of its own, unless its sandbox is being made anew and that fails.

    What nobody could get since then, or a neighbour cannot get, is not what it lacks.
    """
    pods = [e.fact.data for e in ledger if e.fact.name == "pod" and _is_target(e, target)]
    addressed = any(pod.get("ips") and not pod.get("host_network") for pod in pods)
    return addressed and _latest(ledger, target, _REFUSED) <= _latest(ledger, target, _SERVED)


def _nothing_starts(ledger: list[Evidence], target: Target) -> bool:
    """True on a node that is not Ready for another reason than its CNI: no sandbox is made, no address asked for."""
    return any(e.fact.name == "node_not_ready" and e.fact.subject.name == target.node for e in ledger)


def _latest(ledger: list[Evidence], target: Target, reasons: tuple[str, ...]) -> str:
    """When one of some events was last seen on the target, "" for never."""
    events = (e.fact for e in ledger if e.fact.kind == "event" and _is_target(e, target))
    return max((fact.time for fact in events if fact.data.get("reason") in reasons), default="")


def _is_target(evidence: Evidence, target: Target) -> bool:
    subject = evidence.fact.subject
    return target.kind == "pod" and (subject.namespace, subject.name) == (target.namespace, target.name)


def _moved_away(found: list[Signal], does_not_concern: Callable[[Signal], bool]) -> list[Signal]:
    """What lacks around the pod may lie ahead of it or behind it; it is not what the pod waits for now."""
    return [
        msgspec.structs.replace(signal, closeness=min(signal.closeness, SHARED))
        if signal.closeness < SAME and does_not_concern(signal)
        else signal
        for signal in found
    ]


def _category(signal: Signal, knowledge: Knowledge) -> str:
    cause = knowledge.cause(signal.cause)
    return str(cause.category) if cause is not None else ""


def _is_per_attempt(signal: Signal, knowledge: Knowledge) -> bool:
    return signal.entry.kind == "openapi_code" or _category(signal, knowledge) in _PER_ATTEMPT


def _limit(ledger: list[Evidence], target: Target) -> datetime | None:
    """What no attempt has repeated since this time is over; None without any time to go by."""
    told = [evidence.fact.time for evidence in ledger if evidence.fact.kind in ("event", "log")]
    silent = _SILENT_WITH_ROOM if _has_room(ledger, target) else _SILENT
    limits = [moment - silent for time in told if (moment := parse(time))]
    if created := born(ledger, target):
        limits.append(created - _SILENT_BEFORE_POD)
    return max(limits, default=None)


def _has_room(ledger: list[Evidence], target: Target) -> bool:
    """True for a node with free addresses on which no pod waits for one."""
    here = [evidence.fact for evidence in ledger if evidence.fact.subject.name == target.node]
    lacking = any(fact.name in ("pods_waiting", "sufficient_ip_false") for fact in here)
    free = any(fact.data.get("ips_free") for fact in here if fact.name == "node_accounting")
    return target.kind == "node" and free and not lacking


def _fallen_silent(found: list[Signal], limit: datetime | None, knowledge: Knowledge) -> list[Signal]:
    """Mark failures of attempts that were last seen long ago, or long before the pod was created."""

    def is_silent(signal: Signal) -> bool:
        moment = parse(signal.time)
        told = signal.evidence.fact.kind in ("event", "log")
        past = moment is not None and limit is not None and moment < limit
        return told and past and _is_per_attempt(signal, knowledge)

    return [msgspec.structs.replace(s, over=True, silent=True) if is_silent(s) else s for s in found]
