"""What a signal still has to do with the target: failures nobody repeated, and steps the target has not reached."""

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

_VOLUMES = ("FailedMount", "FailedAttachVolume", "FailedMapVolume")
_SANDBOX = (
    "FailedCreatePodSandBox", "SandboxChanged", "AllocIPFailed", "AllocIPSucceed", "NetworkNotReady", "Pulling",
    "Pulled", "Created", "Started",
)  # fmt: skip
"""Reasons on a pod that show the kubelet got as far as its network."""

_ABOUT_NETWORK = (*_PER_ATTEMPT, "permission", "component_down", "configuration", "datapath", "terway_bug")


def bearing(found: list[Signal], ledger: list[Evidence], knowledge: Knowledge, target: Target) -> list[Signal]:
    """The signals, those marked `silent` that no attempt repeated, those moved away that the target has not met yet."""
    marked = _fallen_silent(found, _limit(ledger, target), knowledge)
    return _not_yet_met(marked, knowledge) if waits_for_volumes(ledger, target) else marked


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


def _is_target(evidence: Evidence, target: Target) -> bool:
    subject = evidence.fact.subject
    return target.kind == "pod" and (subject.namespace, subject.name) == (target.namespace, target.name)


def _not_yet_met(found: list[Signal], knowledge: Knowledge) -> list[Signal]:
    """What lacks around the pod may lie ahead of it; it is not what the pod waits for now."""

    def is_ahead(signal: Signal) -> bool:
        cause = knowledge.cause(signal.cause)
        return cause is not None and signal.closeness < SAME and cause.category in _ABOUT_NETWORK

    return [
        msgspec.structs.replace(signal, closeness=min(signal.closeness, SHARED)) if is_ahead(signal) else signal
        for signal in found
    ]


def _limit(ledger: list[Evidence], target: Target) -> datetime | None:
    """What no attempt has repeated since this time is over; None without any time to go by."""
    told = [evidence.fact.time for evidence in ledger if evidence.fact.kind in ("event", "log")]
    limits = [moment - _SILENT for time in told if (moment := parse(time))]
    if created := born(ledger, target):
        limits.append(created - _SILENT_BEFORE_POD)
    return max(limits, default=None)


def _fallen_silent(found: list[Signal], limit: datetime | None, knowledge: Knowledge) -> list[Signal]:
    """Mark failures of attempts that were last seen long ago, or long before the pod was created."""

    def is_silent(signal: Signal) -> bool:
        cause, moment = knowledge.cause(signal.cause), parse(signal.time)
        told = signal.evidence.fact.kind in ("event", "log")
        per_attempt = signal.entry.kind == "openapi_code" or (cause is not None and cause.category in _PER_ATTEMPT)
        return told and per_attempt and moment is not None and limit is not None and moment < limit

    return [msgspec.structs.replace(s, over=True, silent=True) if is_silent(s) else s for s in found]
