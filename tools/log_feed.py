"""A log's blocks on their way into the scan, which leaves the event loop free for cancellation and for other calls.

Searching in a thread was measured and does not pay: RE2 lets go of Python's lock, but asks for it back after every hit,
and a thread that receives gives it away for microseconds only. On two idle cores both together took longer than one.
"""

from collections.abc import AsyncIterator, Callable

import anyio.lowlevel

from terway_mcp.cluster.errors import ClusterUnreachable
from terway_mcp.tools.log_scan import LogScan

_AT_ONCE = 64 * 1024
"""Bytes searched without a pause: a fifth of a millisecond, and some thirty if every line is short and wanted."""


async def feed(blocks: AsyncIterator[bytes], scan: LogScan, told: Callable[[int], None]) -> str:
    """Scan a log as it arrives; returns why it broke off, or "" at its end.

    `told` hears how many bytes were scanned. A log that broke off, or whose reading is cancelled, stays scanned as far
    as it came.
    """
    try:
        async for block in blocks:
            for start in range(0, len(block), _AT_ONCE):
                scan.feed(block[start : start + _AT_ONCE])
                await anyio.lowlevel.checkpoint()
            told(len(block))
    except ClusterUnreachable as error:
        return f"the log broke off: {error}"
    return ""
