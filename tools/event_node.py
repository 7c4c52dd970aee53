"""The node of a pod that may not be read, from its events: the scheduler names it, and the kubelet reports from it."""

from collections.abc import Iterable

import msgspec
import re2

from terway_mcp.cluster.names import is_object_name
from terway_mcp.tools.correlation.judgement import Setting
from terway_mcp.tools.event_groups import EventGroup

_ASSIGNED = re2.compile(r"(?i)successfully assigned \S+ to (\S+)")


class Told(msgspec.Struct, frozen=True):
    """A node and the reason of the latest event that names it."""

    node: str
    reason: str


def node_told(groups: Iterable[EventGroup]) -> Told | None:
    """Where the newest pod that these events are about runs; None when none of them says so.

    A pod of the same name may have been elsewhere before, so the latest event decides.
    """
    about_pods = [group for group in groups if group.subject.kind_name == "Pod"]
    for group in sorted(about_pods, key=lambda group: group.last, reverse=True):
        node = _named_by(group)
        if node and is_object_name(node):
            return Told(node, group.reason)
    return None


def on_node(setting: Setting, namespace: str, name: str, node: str) -> Setting:
    """The setting with what is known of the target's node by now, if the target is this pod."""
    target = setting.target
    if target.node or (target.kind, target.namespace, target.name) != ("pod", namespace, name):
        return setting
    return msgspec.structs.replace(setting, target=msgspec.structs.replace(target, node=node))


def _named_by(group: EventGroup) -> str:
    if group.reporter == "kubelet":
        return group.host
    assigned = _ASSIGNED.match(group.message) if group.reason == "Scheduled" else None
    return str(assigned[1]).rstrip(".") if assigned else ""
