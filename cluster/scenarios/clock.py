"""Times as Kubernetes and klog write them, and how long something was seen."""

from datetime import UTC, datetime, timedelta

import msgspec


def seconds(at: datetime) -> str:
    """`metav1.Time`: RFC 3339 in UTC, whole seconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def micros(at: datetime) -> str:
    """`metav1.MicroTime`: RFC 3339 in UTC with six digits."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def unix_nanos(at: datetime) -> int:
    """Nanoseconds since 1970, which client-go puts (in hex) into an event's name."""
    return int(at.timestamp()) * 1_000_000_000 + at.microsecond * 1_000


class Seen(msgspec.Struct, frozen=True):
    """When something was first and last seen, and how often."""

    first: datetime
    last: datetime
    count: int = 1

    @classmethod
    def once(cls, at: datetime) -> "Seen":
        """Seen a single time."""
        return cls(at, at)

    @property
    def interval(self) -> timedelta:
        """Average distance of two occurrences."""
        return (self.last - self.first) / max(self.count - 1, 1)

    def moments(self) -> list[datetime]:
        """The single occurrences, evenly spread."""
        if self.count == 1:
            return [self.first]
        return [self.first + self.interval * i for i in range(self.count - 1)] + [self.last]
