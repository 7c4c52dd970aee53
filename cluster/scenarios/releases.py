"""What a Terway release changes in a capture: reason names, reporters, the event API, the log format."""

from typing import Literal

import msgspec

LogFormat = Literal["textlogger", "klogr", "logrus"]


def parse(release: str) -> tuple[int, ...]:
    """`v1.17.2` as a tuple that compares."""
    return tuple(int(part) for part in release.removeprefix("v").split("."))


def at_least(release: str, oldest: str) -> bool:
    """True when `release` is `oldest` or newer."""
    return parse(release) >= parse(oldest)


def uses_new_event_api(release: str) -> bool:
    """Since v1.17.2 the controlplane and the CRD-mode daemon report through events.k8s.io/v1."""
    return at_least(release, "v1.17.2")


def log_format(release: str) -> LogFormat:
    """How the daemon writes a log record."""
    if at_least(release, "v1.12.1"):
        return "textlogger"
    return "klogr" if at_least(release, "v1.6.0") else "logrus"


class Alias(msgspec.Struct, frozen=True):
    """`old` is what the releases `since`..`until` call the reason that today is `reason` on `kind`."""

    reason: str
    kind: str
    old: str
    since: str
    until: str = "v1.17.1"


ALIASES: tuple[Alias, ...] = (
    Alias("PodCreateFailed", "Pod", "CniPodCreateError", "v1.3.0"),
    Alias("PodDeleteFailed", "Pod", "CniPodDeleteError", "v1.3.0"),
    Alias("CreateENIFailed", "Pod", "CniCreateENIError", "v1.3.0"),
    Alias("DeletePodENIFailed", "Pod", "CniPodENIDeleteErr", "v1.3.0"),
    Alias("AttachENISucceed", "NodeCR", "ENIAttachSuccess", "v1.16.5"),
    Alias("AttachENIFailed", "NodeCR", "ENIAttachFailed", "v1.16.5"),
    Alias("CreateENISucceed", "NodeCR", "ENICreated", "v1.16.1", "v1.16.4"),
    Alias("CreateENIFailed", "NodeCR", "ENICreateFailed", "v1.16.1", "v1.16.4"),
    Alias("DeleteENISucceed", "NodeCR", "ENIDeleted", "v1.16.1", "v1.16.4"),
    Alias("DeleteENIFailed", "NodeCR", "ENIDeleteFailed", "v1.16.1", "v1.16.4"),
)
"""Today's reasons that older releases spelled differently."""

_FIRST_RELEASE: dict[tuple[str, str], str] = {
    ("CreateENISucceed", "NodeCR"): "v1.16.1",
    ("CreateENIFailed", "NodeCR"): "v1.16.1",
    ("DeleteENISucceed", "NodeCR"): "v1.16.1",
    ("DeleteENIFailed", "NodeCR"): "v1.16.1",
    ("AttachENISucceed", "NodeCR"): "v1.16.5",
    ("AttachENIFailed", "NodeCR"): "v1.16.5",
    ("SyncOpenAPISuccess", "NodeCR"): "v1.16.1",
    ("SyncOpenAPIFailed", "NodeCR"): "v1.16.1",
    ("PrefixModeImmutable", "Node"): "v1.17.1",
}

_MESSAGE_PREFIXES: dict[str, tuple[str, str]] = {
    "PodCreateFailed": ("PodCreateError", "Pod create error"),
    "PodDeleteFailed": ("CniPodDeleteError", "Pod delete error"),
    "CreateENIFailed": ("CniCreateENIError", "ENI creation error"),
    "DeletePodENIFailed": ("CniPodENIDeleteErr", "PodENI delete error"),
}

_OLD_REPORTERS = {
    "pod": "TerwayPodController",
    "pod-eni": "TerwayPodENIController",
    "pod-networking": "PodNetworking",
    "node": "node",
    "multi-ip-node": "multi-ip-node",
    "eni": "TerwayENetworkInterfaceontroller",
}


def reason_in(release: str, reason: str, kind: str) -> str | None:
    """What `release` calls today's `reason` on an object of `kind`; None if it does not report it at all."""
    for alias in ALIASES:
        if (alias.reason, alias.kind) == (reason, kind) and parse(alias.since) <= parse(release) <= parse(alias.until):
            return alias.old
    first = _FIRST_RELEASE.get((reason, kind))
    return reason if first is None or at_least(release, first) else None


def reporter_in(release: str, controller: str) -> str:
    """The component name under which a controller of the controlplane reports."""
    return f"terway-controlplane/{controller}" if at_least(release, "v1.17.0") else _OLD_REPORTERS[controller]


def pod_error(release: str, reason: str, error: str, elapsed: str) -> str:
    """The message of a controlplane error event on a Pod, worded as `release` words it."""
    old, new = _MESSAGE_PREFIXES[reason]
    return f"{new if uses_new_event_api(release) else old}: {error}, elapsedTime: {elapsed}"
