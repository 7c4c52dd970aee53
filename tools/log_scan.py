"""Scanning a log as it streams by: bounded memory, one group per kind of line.

One coarse RE2 pattern runs over whole blocks and finds where a wanted record may be; only there are lines cut out,
joined with their continuations and looked at closely. Lines that say nothing cost no Python.
"""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from terway_mcp.knowledge.private_keys import PrivateKeys
from terway_mcp.tools.event_groups import mask
from terway_mcp.tools.log_lines import Record, is_continuation, parse_line, without_stamp

_LINE_LIMIT = 8 * 1024
"""A longer line is cut here; the rest of it is passed over, not kept."""

_SAMPLE = 1200
_CONTINUATIONS = 12
_CONTEXT = 32 * 1024
"""Most bytes kept back at the end of a block, so that a record with its continuations is seen whole."""


class Filter(msgspec.Struct, frozen=True):
    """Which records are wanted.

    `coarse` is a compiled bytes pattern that hits every line that may be wanted (and others); `accepts` decides.
    """

    coarse: Any
    accepts: Callable[[Record], bool]


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
        wanted: which records to group.
        until: RFC 3339; later records are not counted.
        keep_lines: how many raw lines each group keeps.
        keep_last: count the last record in whatever it says; the filter's coarse pattern must hit every line then.
        limit: most groups kept; what does not fit is counted in `dropped`.
    """

    def __init__(
        self, wanted: Filter, *, until: str = "", keep_lines: int = 0, keep_last: bool = False, limit: int = 400
    ) -> None:
        self._wanted = wanted
        self._until = until
        self._keep_lines = keep_lines
        self._keep_last = keep_last
        self._last: Record | None = None
        self._limit = limit
        self._groups: dict[tuple[str, str], Signature] = {}
        self._kept = b""
        self._inside_long_line = False
        self._private_keys = PrivateKeys()
        self.bytes = 0
        self.lines = 0
        self.matched = 0
        self.dropped = 0

    def feed(self, block: bytes) -> None:
        """Take the next block in; a line or a record may span blocks."""
        self.bytes += len(block)
        buffer = self._kept + self._after_long_line(block)
        ended = buffer.rfind(b"\n") + 1
        if len(buffer) - ended > _CONTEXT:
            buffer, ended = buffer[: ended + _LINE_LIMIT] + b"\n", ended + _LINE_LIMIT + 1
            self._inside_long_line = True
        keep = self._context_start(buffer, ended)
        self._scan(buffer, keep)
        self._kept = buffer[keep:]

    def close(self) -> None:
        """The log has ended: look at what was kept back."""
        if self._kept and not self._kept.endswith(b"\n"):
            self._kept += b"\n"
        self._scan(self._kept, len(self._kept))
        self._kept = b""
        if self._keep_last and self._last is not None:
            self._take(self._last)

    def groups(self) -> list[Signature]:
        """Groups: worst level first, then the most frequent."""
        order = {"F": 0, "E": 1, "": 2, "W": 3, "I": 4}
        return sorted(self._groups.values(), key=lambda group: (order.get(group.level, 4), -group.count))

    def _after_long_line(self, block: bytes) -> bytes:
        """Pass over the rest of a line that was cut."""
        if not self._inside_long_line:
            return block
        end = block.find(b"\n") + 1
        if not end:
            return b""
        self._inside_long_line = False
        return block[end:]

    def _context_start(self, buffer: bytes, ended: int) -> int:
        """Where the last record of the complete lines begins: it may go on in the next block."""
        start = ended
        for _ in range(_CONTINUATIONS + 1):
            before = buffer.rfind(b"\n", 0, max(0, start - 1)) + 1
            if start == 0 or ended - before > _CONTEXT:
                break
            start = before
            if not is_continuation(buffer[start : start + 64]):
                break
        return start

    def _scan(self, buffer: bytes, end: int) -> None:
        self.lines += buffer.count(b"\n", 0, end)
        buffer = self._private_keys.blanked(buffer[:end])
        for start, stop in self._records(buffer, end):
            lines = buffer[start:stop].split(b"\n")
            record = parse_line(lines[0].rstrip(b"\r")[:_LINE_LIMIT])
            if record is None:
                continue
            continued = [without_stamp(line).strip() for line in lines[1 : _CONTINUATIONS + 1]]
            record.text = b" ".join([record.text, *filter(None, continued)])
            if self._until and record.time and record.time[:19] > self._until[:19]:
                continue
            self._last = None if self._wanted.accepts(record) else record
            if self._last is None:
                self._take(record)

    def _records(self, buffer: bytes, end: int) -> Iterator[tuple[int, int]]:
        """Bounds of each record with a coarse hit: from its header line to the end of its continuations."""
        position = 0
        while position < end:
            hit = self._wanted.coarse.search(buffer, position, end)
            if hit is None:
                return
            start = self._header_of(buffer, buffer.rfind(b"\n", 0, hit.start()) + 1, position)
            stop = self._end_of(buffer, hit.start(), end)
            yield start, stop
            position = stop + 1

    def _header_of(self, buffer: bytes, line: int, floor: int) -> int:
        for _ in range(_CONTINUATIONS):
            if line <= floor or not is_continuation(buffer[line : line + 64]):
                break
            line = max(floor, buffer.rfind(b"\n", floor, line - 1) + 1)
        return line

    def _end_of(self, buffer: bytes, inside: int, end: int) -> int:
        stop = buffer.find(b"\n", inside, end)
        for _ in range(_CONTINUATIONS):
            if stop < 0 or stop + 1 >= end or not is_continuation(buffer[stop + 1 : stop + 65]):
                break
            stop = buffer.find(b"\n", stop + 1, end)
        return end if stop < 0 else stop

    def _take(self, record: Record) -> None:
        self.matched += 1
        self._group(record)

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
