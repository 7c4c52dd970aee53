"""Events as events.k8s.io/v1 shows them: the server stores one object and converts on the way out."""

import msgspec

from terway_mcp.cluster.bundle import KubeObject
from terway_mcp.cluster.resources import EVENTS, Resource

EVENTS_V1: Resource = msgspec.structs.replace(EVENTS, group="events.k8s.io")

_RENAMED = {
    "eventTime": "eventTime",
    "series": "series",
    "reportingComponent": "reportingController",
    "reportingInstance": "reportingInstance",
    "action": "action",
    "reason": "reason",
    "involvedObject": "regarding",
    "related": "related",
    "message": "note",
    "type": "type",
    "source": "deprecatedSource",
    "firstTimestamp": "deprecatedFirstTimestamp",
    "lastTimestamp": "deprecatedLastTimestamp",
    "count": "deprecatedCount",
}


def to_events_v1(event: KubeObject) -> KubeObject:
    """A core/v1 Event under the names of events.k8s.io/v1; fields of neither API are dropped."""
    converted: KubeObject = {"metadata": event.get("metadata", {})}
    return converted | {new: event[old] for old, new in _RENAMED.items() if old in event}
