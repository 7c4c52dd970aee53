"""RFC 3339 times as Kubernetes writes them."""

from datetime import UTC, datetime, timedelta

import re2

from terway_mcp.cluster.errors import InvalidInput

_FRACTION = re2.compile(r"\.(\d{1,6})\d*")
_AGO = re2.compile(r"(\d{1,5})(s|m|h|d)")
_YEARS = range(1970, 2101)
"""What lies beyond is a mistake of whoever wrote it, and could not be reckoned with."""

_UNIT = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def parse(text: str | None) -> datetime | None:
    """Parse an RFC 3339 time with up to nanosecond digits, of the years 1970 to 2100; None for anything else."""
    if not text:
        return None
    try:
        parsed = datetime.fromisoformat(_FRACTION.sub(r".\1", text))
    except ValueError:
        return None
    if parsed.year not in _YEARS:
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def render(time: datetime) -> str:
    """RFC 3339 in UTC, whole seconds."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def age_seconds(text: str | None, now: datetime) -> float | None:
    """Seconds between a time and now; None without a time."""
    parsed = parse(text)
    return (now - parsed).total_seconds() if parsed else None


def moment(text: str, now: datetime, what: str) -> str:
    """Resolve a caller's time: RFC 3339, or an age such as `30m`, `2h`, `1d`.

    Raises:
        InvalidInput: It is neither.
    """
    if ago := _AGO.fullmatch(text.strip()):
        return render(now - timedelta(**{_UNIT[ago.group(2)]: int(ago.group(1))}))
    if parsed := parse(text.strip()):
        return render(parsed)
    raise InvalidInput(f"{what} must be an RFC 3339 time or an age such as 30m, 2h or 1d, not {text[:40]!r}")
