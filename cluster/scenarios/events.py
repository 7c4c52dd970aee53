"""Events as core/v1 shows them, in the dialect of each reporter.

The kubelet, the other controllers and Terway's daemon use the legacy recorder (first and last timestamp, count). The
scheduler and, since v1.17.2, Terway's controllers use events.k8s.io/v1: `eventTime`, `action`, perhaps a `series`,
and null where the legacy fields would be.
"""

from datetime import datetime, timedelta

import msgspec

from . import releases
from .clock import Seen, micros, seconds, unix_nanos
from .profile import Json
from .world import World

_AGGREGATE_AFTER = 10  # similar events within ten minutes, then client-go folds them into one


class Ref(msgspec.Struct, frozen=True):
    """The object an event is about."""

    kind: str
    name: str
    namespace: str = ""
    uid: str = ""
    api_version: str = "v1"
    resource_version: str = ""

    @property
    def home(self) -> str:
        """The namespace its events live in."""
        return self.namespace or "default"

    def render(self) -> Json:
        """As `involvedObject`, without the fields that are empty."""
        shown: Json = {"kind": self.kind, "namespace": self.namespace, "name": self.name, "uid": self.uid}
        shown |= {"apiVersion": self.api_version, "resourceVersion": self.resource_version}
        return {key: value for key, value in shown.items() if value}

    def bare(self) -> "Ref":
        """As Terway's daemon makes it by hand: no apiVersion, no resourceVersion."""
        return msgspec.structs.replace(self, api_version="", resource_version="")


class Said(msgspec.Struct, frozen=True):
    """What an event says."""

    reason: str
    message: str
    warning: bool = True
    action: str = ""

    @property
    def type(self) -> str:
        """`Warning` or `Normal`."""
        return "Warning" if self.warning else "Normal"


def _head(world: World, ref: Ref, said: Said, seen: Seen, label: str) -> Json:
    key = (ref.kind, ref.api_version, ref.name, said.reason, said.message, seen.first, label)
    nanos = unix_nanos(seen.first) + world.ids.number("event", *key) % 1_000_000_000
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {
            "name": f"{ref.name}.{nanos:016x}",
            "namespace": ref.home,
            "uid": world.ids.uid("event", *key),
            "resourceVersion": str(1_000_000 + int((seen.last - world.ago(days=1)).total_seconds())),
            "creationTimestamp": seconds(seen.first),
        },
        "involvedObject": ref.render(),
        "reason": said.reason,
        "message": said.message,
        "type": said.type,
    }


def legacy(world: World, ref: Ref, said: Said, seen: Seen, source: tuple[str, str]) -> Json:
    """A core/v1 event; `source` is component and host."""
    component, host = source
    return {
        **_head(world, ref, said, seen, component),
        "source": {"component": component, **({"host": host} if host else {})},
        "firstTimestamp": seconds(seen.first),
        "lastTimestamp": seconds(seen.last),
        "count": seen.count,
        "eventTime": None,
        "reportingComponent": component,
        "reportingInstance": host,
    }


def modern(world: World, ref: Ref, said: Said, seen: Seen, reporter: tuple[str, str]) -> Json:
    """An events.k8s.io/v1 event seen through core/v1; `reporter` is controller and instance."""
    controller, instance = reporter
    first = seen.first + timedelta(microseconds=world.ids.number("micros", ref.name, said.message) % 1_000_000)
    event: Json = {
        **_head(world, ref, said, seen, controller),
        "source": {},
        "firstTimestamp": None,
        "lastTimestamp": None,
        "eventTime": micros(first),
        "action": said.action,
        "reportingComponent": controller,
        "reportingInstance": instance,
    }
    if seen.count > 1:
        last = seen.last + timedelta(microseconds=world.ids.number("series", ref.name, said.message) % 1_000_000)
        event["series"] = {"count": seen.count, "lastObservedTime": micros(last)}
    return event


def with_related(event: Json, related: Ref) -> Json:
    """The same event naming a second object."""
    return {**event, "related": related.render()}


def kubelet(world: World, ref: Ref, said: Said, seen: Seen, node: str) -> Json:
    """An event of a kubelet."""
    return legacy(world, ref, said, seen, ("kubelet", node))


def daemon(world: World, ref: Ref, said: Said, seen: Seen) -> Json:
    """An event of Terway's daemon about a Pod or a core Node."""
    return legacy(world, ref.bare(), said, seen, ("terway-daemon", ""))


def scheduler(world: World, ref: Ref, said: Said, seen: Seen) -> Json:
    """An event of the default scheduler."""
    return modern(world, ref, said, seen, ("default-scheduler", "default-scheduler-master-0"))


def controller(world: World, ref: Ref, said: Said, seen: Seen, component: str) -> Json:
    """An event of a controller that still uses the legacy recorder: replicaset-controller, node-controller, ..."""
    return legacy(world, ref, said, seen, (component, ""))


def terway_controller(world: World, ref: Ref, said: Said, seen: Seen, source: tuple[str, str, str]) -> Json:
    """An event of a Terway controller; `source` is release, controller name and the host it runs on.

    The reason is today's; the capture shows what the release calls it.
    """
    release, name, host = source
    reporter = releases.reporter_in(release, name)
    if releases.uses_new_event_api(release):
        return modern(world, ref, said, seen, (reporter, f"{reporter}-{host}"))
    return legacy(world, ref, said, seen, (reporter, ""))


def spread(world: World, message: str, seen: Seen, key: str) -> list[tuple[str, Seen]]:
    """A message that differs every time (`{sandbox}`, `{request_id}`) as the single events it leaves behind.

    Messages that are equal are counted in one event. Different ones stand alone, until there are so many within
    ten minutes that client-go combines the rest.
    """

    def written(moment: datetime) -> str:
        ids = world.ids
        return message.replace("{sandbox}", ids.hex64("sandbox", key, moment)).replace(
            "{request_id}", ids.request_id(key, moment)
        )

    if message == written(seen.first):
        return [(message, seen)]
    moments = seen.moments()
    single = moments if seen.interval > timedelta(minutes=1) else moments[:_AGGREGATE_AFTER]
    rest = moments[len(single) :]
    found = [(written(moment), Seen.once(moment)) for moment in single]
    if rest:
        found.append((f"(combined from similar events): {written(rest[0])}", Seen(rest[0], rest[-1], len(rest))))
    return found
