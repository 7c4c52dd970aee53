"""Scanning a log as it streams by: bounded memory, one group per kind of line."""

from collections.abc import Callable

import msgspec

from terway_mcp.tools.event_groups import mask
from terway_mcp.tools.log_lines import Record, is_telling, parse_line

_LINE_LIMIT = 8 * 1024
"""A longer line is cut here; the rest of it is skipped, not kept."""

_SAMPLE = 1200
_CONTINUATIONS = 12


class Signature(msgspec.Struct):
    """All records that differ only in ids, numbers and times."""

    level: str
    where: str
    sample: str
    count: int
    first: str
    last: str
    lines: list[str]


class LogScan:
    """Feed blocks of bytes, read groups.

    Args:
        wanted: says of a record's text whether it is wanted, whatever its level; None keeps warnings, errors and
            lines that speak of trouble.
        known: says of an ordinary record's text whether it tells something all the same.
        until: RFC 3339; later records are not counted.
        keep_lines: how many raw lines each group keeps.
        limit: most groups kept; what does not fit is counted in `dropped`.
    """

    def __init__(
        self,
        wanted: Callable[[bytes], bool] | None = None,
        *,
        known: Callable[[bytes], bool] = lambda _: False,
        until: str = "",
        keep_lines: int = 0,
        limit: int = 400,
    ) -> None:
        self._wanted = wanted
        self._known = known
        self._until = until
        self._keep_lines = keep_lines
        self._limit = limit
        self._groups: dict[tuple[str, str], Signature] = {}
        self._tail = b""
        self._skipping = False
        self._open: tuple[Record, list[bytes]] | None = None
        self.bytes = 0
        self.lines = 0
        self.matched = 0
        self.dropped = 0

    def feed(self, block: bytes) -> None:
        """Take the next block in; a line may span blocks."""
        self.bytes += len(block)
        lines = (self._tail + block).split(b"\n")
        self._tail = lines.pop()
        for line in lines:
            self._line(line)
        if len(self._tail) > _LINE_LIMIT:
            self._line(self._tail[:_LINE_LIMIT], ended=False)
            self._tail = b""

    def close(self) -> None:
        """The log has ended: flush what is half read."""
        if self._tail:
            self._line(self._tail)
            self._tail = b""
        self._flush()

    def groups(self) -> list[Signature]:
        """Groups: worst level first, then the most frequent."""
        order = {"F": 0, "E": 1, "": 2, "W": 3, "I": 4}
        return sorted(self._groups.values(), key=lambda group: (order.get(group.level, 4), -group.count))

    def _line(self, line: bytes, *, ended: bool = True) -> None:
        skip, self._skipping = self._skipping, not ended
        if skip:
            return
        self.lines += 1
        record = parse_line(line.rstrip(b"\r")[:_LINE_LIMIT])
        if record is None:
            if self._open and len(self._open[1]) < _CONTINUATIONS:
                self._open[1].append(line.strip())
            return
        self._flush()
        self._open = (record, [])

    def _flush(self) -> None:
        if self._open is None:
            return
        record, continuation = self._open
        self._open = None
        if continuation:
            record.text = b" ".join([record.text, *continuation])
        if self._until and record.time and record.time[:19] > self._until[:19]:
            return
        if not self._is_wanted(record):
            return
        self.matched += 1
        self._group(record)

    def _is_wanted(self, record: Record) -> bool:
        if self._wanted is not None:
            return self._wanted(record.text)
        return is_telling(record) or self._known(record.text)

    def _group(self, record: Record) -> None:
        text = record.text[:_SAMPLE].decode(errors="replace")
        key = (record.level, mask(text)[:300])
        group = self._groups.get(key)
        if group is None:
            if len(self._groups) >= self._limit:
                self.dropped += 1
                return
            group = self._groups[key] = Signature(record.level, record.where, text, 0, record.time, record.time, [])
        group.count += 1
        group.last = max(group.last, record.time)
        group.first = min(group.first or record.time, record.time or group.first)
        if len(group.lines) < self._keep_lines:
            group.lines.append(f"{record.time} {record.level} {record.where} {text}".strip())
