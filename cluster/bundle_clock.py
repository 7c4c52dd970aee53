"""When a bundle was captured, told by the newest moment its objects speak of."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from terway_mcp.cluster.bundle_files import StoredFile, blocks

# Only moments that have passed when they are written: deletionTimestamp and certificate dates lie ahead. The quotes
# keep out text that merely contains JSON, such as the last-applied annotation, where each quote is escaped.
_MOMENT = re.compile(
    rb'"(?:creationTimestamp|eventTime|firstTimestamp|lastTimestamp|lastObservedTime|renewTime|lastHeartbeatTime'
    rb"|lastTransitionTime|lastUpdateTime|lastProbeTime|startTime|startedAt|finishedAt)\""
    rb'\s*:\s*"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?)Z"'
)
_LONGEST_MATCH = 160


def newest_moment(files: Iterable[StoredFile]) -> datetime | None:
    """The newest time mentioned in these JSON files, rounded up to a whole second; None without any.

    The files are searched as bytes, so a damaged one costs nothing and nothing large is decoded. Rounding up lets
    the HTTP `Date` header, which has seconds only, carry the time without putting an event into the future.
    """
    newest = max((moment for file in files for moment in _moments(file)), default=None)
    return None if newest is None else _parse(newest)


def whole_second(moment: datetime) -> datetime:
    """`moment`, rounded up."""
    return moment.replace(microsecond=0) + timedelta(seconds=1) if moment.microsecond else moment


def _moments(file: StoredFile) -> Iterable[bytes]:
    rest = b""
    for block in blocks(file):
        data = rest + block
        yield max(_MOMENT.findall(data), default=b"")
        rest = data[-_LONGEST_MATCH:]


def _parse(moment: bytes) -> datetime | None:
    try:
        return whole_second(datetime.fromisoformat(moment.decode()).replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        return None
