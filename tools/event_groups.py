"""Events of both APIs, brought to one shape and grouped: filter, group, sort, cut, in this order.

core/v1 lists hold the events of both recorders. A classic event counts in `count`/`lastTimestamp`; an
events.k8s.io event leaves those null and counts in `series`/`eventTime` (client-go tools/record, tools/events).
"""

import re

import msgspec

from terway_mcp.cluster.objects import Event
from terway_mcp.tools.evidence import Subject

_COMBINED = "(combined from similar events): "

_MASKS = tuple(
    (re.compile(pattern, re.ASCII), mask)
    for pattern, mask in (
        (r"[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}", "<id>"),
        (r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}[0-9.]*(?:Z|[+-]\d{2}:?\d{2}| [+-]\d{4} [A-Z]+)?", "<time>"),
        (r"\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b", "<mac>"),
        (r"\b[0-9a-f]{12,64}\b", "<hex>"),
        (r"\b(?:eni|i|vsw|sg|vpc|eip)-[0-9a-z]{6,}\b", "<id>"),
        (r"\b\d{1,3}(?:\.\d{1,3}){3}(?:/\d{1,2})?\b", "<ip>"),
        (r"\d+(?:\.\d+)?", "#"),
    )
)


# Not RE2: every log record of interest is masked, RE2's replacement is written in Python, and none of these patterns
# can look back further than one word.


def mask(text: str) -> str:
    """Replace what differs between repeats of one message: ids, hex strings, addresses, numbers and times."""
    for pattern, replacement in _MASKS:
        text = pattern.sub(replacement, text)
    return text


def effective_time(event: Event) -> str:
    """Latest time the event speaks of, RFC 3339; "" if it has none.

    The maximum, not the first that is set: a series is written back late, so its time may be older than others.
    """
    times = (
        event.series.last_observed_time if event.series else None,
        event.last_timestamp,
        event.event_time,
        event.first_timestamp,
        event.metadata.creation_timestamp,
    )
    return max((time for time in times if time), default="", key=_second_first)


def first_time(event: Event) -> str:
    """Time of the first occurrence, RFC 3339."""
    return event.first_timestamp or event.event_time or event.metadata.creation_timestamp or ""


def effective_count(event: Event) -> int:
    """How often it happened, as far as the recorder has written it back."""
    if event.series and event.series.count:
        return event.series.count
    return event.count or 1


def reporter(event: Event) -> str:
    """The component that reported it, from whichever field the recorder filled."""
    return event.reporting_component or event.source.component


def _host(event: Event) -> str:
    """A kubelet writes its node's name into either field; another component's instance is no node."""
    is_kubelet = reporter(event) == "kubelet"
    return event.source.host or (event.reporting_instance if is_kubelet else "")


def subject_of(event: Event) -> Subject:
    """The involved object; an empty apiVersion is a core object (Terway's daemon leaves it empty)."""
    about = event.involved_object
    return Subject(about.kind, about.name, about.namespace, about.api_version or "v1", about.uid)


class EventGroup(msgspec.Struct):
    """All events of one object, reason and masked message; `host` is the node a kubelet reported from.

    The message of a series is its first one: the recorder folds later, different texts into the count.
    """

    subject: Subject
    reason: str
    type: str
    reporter: str
    related_kind: str
    message: str
    masked: str
    first: str
    last: str
    count: int
    host: str = ""
    is_series: bool = False

    @property
    def is_warning(self) -> bool:
        """True for a Warning."""
        return self.type == "Warning"


class EventGroups:
    """Groups events as they arrive; memory is bounded by the number of distinct groups kept."""

    def __init__(self, *, since: str = "", limit: int = 2000) -> None:
        self._since = since
        self._limit = limit
        self.clear()

    def clear(self) -> None:
        """Forget everything: the list began anew."""
        self._groups: dict[tuple[str, ...], EventGroup] = {}
        self.seen = 0
        self.dropped = 0
        self.oldest = ""

    def add(self, event: Event) -> None:
        """Take one event in, unless it is older than `since`."""
        last = effective_time(event)
        self.seen += 1
        if last and (not self.oldest or _second_first(last) < _second_first(self.oldest)):
            self.oldest = last
        if self._since and last and _second_first(last) < _second_first(self._since):
            self.dropped += 1
            return
        message = event.message.removeprefix(_COMBINED)
        masked = mask(message)
        subject = subject_of(event)
        key = (subject.kind_name, subject.namespace, subject.name, subject.uid, event.type, event.reason, masked)
        group = self._groups.get(key)
        if group is not None:
            _merge(group, event, message, last)
        elif len(self._groups) < self._limit:
            related = event.related.kind if event.related else ""
            self._groups[key] = EventGroup(
                subject,
                event.reason,
                event.type,
                reporter(event),
                related,
                message,
                masked,
                first_time(event),
                last,
                effective_count(event),
                _host(event),
                event.series is not None,
            )
        else:
            self.dropped += 1

    def absorb(self, other: "EventGroups") -> None:
        """Take in what another list was grouped to; two lists hold events of different objects."""
        room = self._limit - len(self._groups)
        self._groups |= dict(list(other._groups.items())[:room])
        self.seen += other.seen
        self.dropped += other.dropped + max(0, len(other._groups) - room)
        self.oldest = min((time for time in (self.oldest, other.oldest) if time), default="", key=_second_first)

    def newest_first(self) -> list[EventGroup]:
        """All groups, the most recent first."""
        return sorted(self._groups.values(), key=lambda group: _second_first(group.last), reverse=True)


def _merge(group: EventGroup, event: Event, message: str, last: str) -> None:
    group.count += effective_count(event)
    first = first_time(event)
    if first and (not group.first or _second_first(first) < _second_first(group.first)):
        group.first = first
    if _second_first(last) >= _second_first(group.last):
        group.last, group.message = last, message


def _second_first(time: str) -> tuple[str, str]:
    """Sort key of RFC 3339 text in UTC: `...:10Z` must not sort after `...:10.5Z`."""
    return time[:19], time[19:].rstrip("Z")
