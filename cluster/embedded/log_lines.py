"""From a stored container log to what `pods/<name>/log` answers, block by block in flat memory.

A stored line may begin with the kubelet's timestamp (RFC 3339 with exactly nine digits of a second, then a space)
when the collector was told to ask for it. Other times at the start of a line are the application's own.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import partial

import msgspec

from terway_mcp.cluster.bundle_files import BLOCK, StoredFile, blocks

_STAMP = rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}(?:Z|[+-]\d\d:\d\d) "
_LINE_STAMP = re.compile(_STAMP)
_ALL_STAMPS = re.compile(rb"(?m)^" + _STAMP)
_LINE = re.compile(rb"[^\n]*\n|[^\n]+")


class LogView(msgspec.Struct, frozen=True):
    """Which part of a log is wanted, in the order a kubelet applies it: tail, then time, then bytes."""

    tail: int | None = None
    since: datetime | None = None
    limit: int | None = None
    timestamps: bool = False


def render(file: StoredFile, view: LogView) -> Iterator[bytes]:
    """The wanted part of a log as a client sees it; a line without timestamp is never dropped by `since`."""
    start = 0 if view.tail is None else tail_start(file, view.tail)
    shaped: Iterable[bytes] = blocks(file, start)
    if view.since or not view.timestamps:
        shaped = _by_lines(shaped, view)
    return (block for block in _limited(shaped, view.limit) if block)


def tail_start(file: StoredFile, lines: int) -> int:
    """The offset where the last `lines` lines begin, found backwards from the end."""
    if not lines:
        return file.size
    end = file.size
    # The newline that ends the last line separates nothing.
    wanted = lines + (file.read_at(max(0, end - 1), 1) == b"\n")
    while end > 0:
        start = max(0, end - BLOCK)
        block = file.read_at(start, end - start)
        inside = block.count(b"\n")
        if inside >= wanted:
            return start + _nth_from_end(block, wanted) + 1
        wanted -= inside
        end = start
    return 0


def _nth_from_end(block: bytes, count: int) -> int:
    position = len(block)
    for _ in range(count):
        position = block.rindex(b"\n", 0, position)
    return position


def _by_lines(stored: Iterable[bytes], view: LogView) -> Iterator[bytes]:
    """Drop old lines and strip timestamps; a line longer than a block is handed on in pieces."""
    rest, inside, kept = b"", False, True
    for block in stored:
        data = rest + block
        cut = data.rfind(b"\n") + 1 or (len(data) if len(data) >= BLOCK else 0)
        rest = data[cut:]
        if inside and cut:
            head, newline, data = data[:cut].partition(b"\n")
            yield head + newline if kept else b""
            inside = not newline
            cut = len(data)
        if cut:
            yield from _shaped(data[:cut], view)
            inside = data[cut - 1 : cut] != b"\n"
            kept = not inside or _is_recent(_last_line(data[:cut]), view.since)
    yield from _shaped(rest, view) if not inside else iter([rest if kept else b""])


def _last_line(data: bytes) -> bytes:
    return data[data.rfind(b"\n") + 1 :]


def _shaped(lines: bytes, view: LogView) -> Iterator[bytes]:
    if view.since:
        lines = b"".join(filter(partial(_is_recent, since=view.since), _LINE.findall(lines)))
    yield lines if view.timestamps else _ALL_STAMPS.sub(b"", lines)


def _is_recent(line: bytes, since: datetime | None) -> bool:
    stamp = _LINE_STAMP.match(line) if since else None
    if not stamp or not since:
        return True
    try:
        return datetime.fromisoformat(stamp.group().rstrip().decode()) >= since
    except ValueError:
        return True


def _limited(shaped: Iterable[bytes], limit: int | None) -> Iterator[bytes]:
    if limit is None:
        yield from shaped
        return
    for block in shaped:
        yield block[:limit]
        limit -= len(block)
        if limit <= 0:
            return
