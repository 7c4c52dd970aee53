"""Ages as kubectl prints them, counted from the time of the capture."""

from datetime import UTC, datetime

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "y": 365 * 86400}
_SCALE = (
    (2 * _UNITS["m"], "s", ""),
    (10 * _UNITS["m"], "m", "s"),
    (3 * _UNITS["h"], "m", ""),
    (8 * _UNITS["h"], "h", "m"),
    (2 * _UNITS["d"], "h", ""),
    (8 * _UNITS["d"], "d", "h"),
    (2 * _UNITS["y"], "d", ""),
    (8 * _UNITS["y"], "y", "d"),
)
"""Below which length a duration is shown in which unit, and which smaller one beside it."""


def age(moment: object, now: datetime) -> str:
    """How long ago an RFC 3339 `moment` was, e.g. `5m12s`, `3h`, `12d`; `<unknown>` when it is none."""
    try:
        then = datetime.fromisoformat(moment) if isinstance(moment, str) else None
        if then is None:
            return "<unknown>"
        return duration(int((now - then.replace(tzinfo=then.tzinfo or UTC)).total_seconds()))
    except (ValueError, OverflowError):
        return "<unknown>"


def duration(seconds: int) -> str:
    """A duration in the one or two units kubectl chooses for its length."""
    if seconds < 0:
        return "0s" if seconds == -1 else "<invalid>"
    for limit, large, small in _SCALE:
        if seconds < limit:
            return _in_units(seconds, large, small)
    return _in_units(seconds, "y", "")


def _in_units(seconds: int, large: str, small: str) -> str:
    rest = seconds % _UNITS[large] // _UNITS[small] if small else 0
    return f"{seconds // _UNITS[large]}{large}" + (f"{rest}{small}" if rest else "")
