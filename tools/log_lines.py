"""Log records of Terway's components: klog textlogger, older logrus forms, and plain lines of init scripts.

A record may continue on header-less lines (`key=<` ... ` >`, goroutine dumps); those belong to the record before.
"""

import re
from datetime import UTC, datetime

import msgspec
import re2

# Not RE2: these look at the few bytes before a record, which is over before RE2's wrapper has begun.
_STAMP = re.compile(rb"^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})) ")
_KLOG = re.compile(rb"^([IWEF])\d{4} \d{2}:\d{2}:\d{2}\.\d+\s+(?:\d+ )?([\w.\-]+:\d+)\] ?")
_LOGRUS = re.compile(rb"^(?:time=\"[^\"]*\" )?level=(\w+) ?")
_CONTINUING = (b"", b"\t", b" ", b">", b"\n", b"\r")
_LEVELS = {b"info": "I", b"debug": "I", b"warning": "W", b"warn": "W", b"error": "E", b"fatal": "F", b"panic": "F"}
TROUBLE = (
    r"\b(?:error|errcode|fail(?:ed|ure)?|fatal|panic|denied|forbidden|refused|timed? ?out|unsupport\w*|invalid|unable"
    r"|inhibit|exhausted|not found|no ip left|rejected|mismatch|rate limit|too many|degradation|exceeded)"
)
"""Words that make a line worth reading at any level."""

WORSE_THAN_INFO = r"^(?:\d{4}-\d\d-\d\dT[0-9:.+Z-]{9,24} )?(?:[WEF]\d{4} |(?:time=\S+ )?level=(?:w|e|f|p))"
"""The beginning of a line of level W, E or F, in a multi-line pattern."""

_TROUBLE = re2.compile(rb"(?i)" + TROUBLE.encode())


class Record(msgspec.Struct):
    """One log record; `level` is I, W, E, F or "" for a line without a header, `time` RFC 3339 or ""."""

    time: str
    level: str
    where: str
    text: bytes


def parse_line(line: bytes) -> Record | None:
    """Read one line; None for a continuation (a tab, a closing bracket of a block, or nothing)."""
    time = ""
    if stamp := _STAMP.match(line):
        time, line = _utc(stamp.group(1).decode()), line[stamp.end() :]
    if header := _KLOG.match(line):
        return Record(time, header.group(1).decode(), header.group(2).decode(), line[header.end() :])
    if header := _LOGRUS.match(line):
        return Record(time, _LEVELS.get(header.group(1).lower(), ""), "", line[header.end() :])
    return None if is_continuation(line) else Record(time, "", "", line)


def is_continuation(line: bytes) -> bool:
    """True for a line that belongs to the record before it; its first bytes suffice.

    A kubelet puts its time stamp before every line, so it stands before a continuation, too.
    """
    return without_stamp(line)[:1] in _CONTINUING


def without_stamp(line: bytes) -> bytes:
    """The line without the kubelet's time in front."""
    stamp = _STAMP.match(line)
    return line[stamp.end() :] if stamp else line


def _utc(stamp: str) -> str:
    """The same moment ending in Z: a kubelet writes log times on the clock of its node."""
    if stamp.endswith("Z"):
        return stamp
    try:
        moment = datetime.fromisoformat(stamp[:19] + stamp[-6:]).astimezone(UTC)
    except (ValueError, OverflowError):
        return stamp
    return f"{moment:%Y-%m-%dT%H:%M:%S}{stamp[19:-6]}Z"


def is_telling(record: Record) -> bool:
    """True for warnings and worse, and for lines that speak of trouble at any level."""
    return record.level in ("W", "E", "F") or _TROUBLE.search(record.text) is not None
