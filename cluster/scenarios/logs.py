"""Container logs as Terway's releases write them."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone

import msgspec

from .profile import Json
from .releases import LogFormat
from .world import World


class Line(msgspec.Struct, frozen=True):
    """One record of a log.

    `fields` are the structured values; strings are quoted, everything else is printed as JSON. A `plain` record is
    klog without structure (fatal exits); one without `source` is bare text, as shell scripts and panics write it.
    """

    at: datetime
    message: str
    level: str = "I"
    source: str = ""
    fields: Mapping[str, object] = {}
    plain: bool = False

    def text(self, style: LogFormat, zone: timedelta, pid: int = 1) -> str:
        """The record in the style of a release, its header on the clock of the container."""
        if not self.source:
            return self.message
        local = self.at.astimezone(timezone(zone))
        stamp = f"{self.level}{local:%m%d %H:%M:%S.%f}"
        if style == "logrus":
            pairs = " ".join(f"{key}={value}" for key, value in self.fields.items())
            return f"{stamp} {self.source}] {pairs}{' ' if pairs else ''}{self.message}"
        header = f"{stamp} {pid:7d} {self.source}]"
        if self.plain:
            return f"{header} {self.message}"
        if style == "klogr":
            keys = {"err": "error"}
            pairs = "".join(f' "{keys.get(key, key)}"={_value(value)}' for key, value in self.fields.items())
            return f'{header}  "msg"={_quoted(self.message)}{pairs}'
        pairs = "".join(f" {key}={_value(value)}" for key, value in _error_first(self.fields).items())
        return f"{header} {_quoted(self.message)}{pairs}"


def _error_first(fields: Mapping[str, object]) -> Json:
    return {key: fields[key] for key in sorted(fields, key=lambda key: {"err": 0, "logger": 1}.get(key, 2))}


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _value(value: object) -> str:
    if not isinstance(value, str):
        return msgspec.json.encode(value).decode()
    if "\n" not in value:
        return _quoted(value)
    body = "".join(f"\n\t{line}" for line in value.split("\n"))
    return f"<{body}\n >"


class Log:
    """The log of one container: records in any order, written in the order of their times."""

    def __init__(self, style: LogFormat = "textlogger") -> None:
        self.style: LogFormat = style
        self.lines: list[Line] = []

    def add(self, *lines: Line) -> None:
        """More records."""
        self.lines.extend(lines)

    def render(self, world: World) -> bytes:
        """The file of the capture."""
        variation = world.variation
        prefix = _prefix if variation.log_prefix else _no_prefix
        written: list[str] = []
        for line in sorted(self.lines, key=lambda line: line.at):
            text = line.text(self.style, variation.log_zone)
            written.extend(f"{prefix(line.at)}{part}\n" for part in text.split("\n"))
        return "".join(written).encode()


def _prefix(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}{at.microsecond % 1000:03d}Z "


def _no_prefix(_at: datetime) -> str:
    return ""
