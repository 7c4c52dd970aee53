"""A log's blocks on their way into the scan: receiving goes on while a worker thread searches.

RE2 searches without Python's lock, so the two share little of their time, and the event loop stays free for
cancellation and for other calls. What lies between them is bounded.
"""

from collections.abc import AsyncIterator, Callable

import anyio
import anyio.to_thread
from anyio.streams.memory import MemoryObjectReceiveStream

from terway_mcp.cluster.errors import ClusterUnreachable
from terway_mcp.tools.log_scan import LogScan

_WAITING_BLOCKS = 8
"""An HTTP client hands out blocks of at most 64 KiB. What is searched at once cannot be cancelled: this much takes a
few milliseconds, and less than a tenth of a second if every line of it is wanted."""


async def feed(blocks: AsyncIterator[bytes], scan: LogScan, told: Callable[[int], None]) -> str:
    """Scan a log as it arrives; returns why it broke off, or "" at its end.

    `told` hears how many bytes have arrived. A log that broke off, or whose reading is cancelled, stays scanned as far
    as the search has come.
    """
    send, receive = anyio.create_memory_object_stream[bytes](_WAITING_BLOCKS)
    broken = ""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_search, receive, scan)
        async with send:
            try:
                async for block in blocks:
                    await send.send(block)
                    told(len(block))
            except ClusterUnreachable as error:
                broken = f"the log broke off: {error}"
    return broken


async def _search(blocks: MemoryObjectReceiveStream[bytes], scan: LogScan) -> None:
    """Hand all that has arrived to a thread at once: a hop costs as much as searching some kilobytes."""
    async with blocks:
        async for block in blocks:
            waiting = [block]
            while (count := blocks.statistics().current_buffer_used) and len(waiting) <= _WAITING_BLOCKS:
                waiting += [blocks.receive_nowait() for _ in range(count)]
            await anyio.to_thread.run_sync(scan.feed, b"".join(waiting))
