"""A log's blocks on their way into the scan: receiving goes on while a worker thread searches.

RE2 searches without Python's lock, so the two share little of their time, and the event loop stays free for
cancellation and for other calls. What lies between them is bounded.
"""

from collections.abc import AsyncIterator, Callable

import anyio
import anyio.to_thread

from terway_mcp.cluster.errors import ClusterUnreachable
from terway_mcp.tools.log_scan import LogScan

_SEARCHED_AT_ONCE = 256 * 1024
"""Handing over to the thread costs as much as searching some ten kilobytes, and a TLS record holds at most 16."""

_GATHERING_SECONDS = 0.005
"""What has arrived waits this long for more. A log that comes slowly is searched as it comes."""

_MOST_WAITING = 512 * 1024
"""What is searched at once cannot be cancelled: this much and one block take a few milliseconds, and less than a tenth
of a second if every line of it is wanted."""


async def feed(blocks: AsyncIterator[bytes], scan: LogScan, told: Callable[[int], None]) -> str:
    """Scan a log as it arrives; returns why it broke off, or "" at its end.

    `told` hears how many bytes have arrived. A log that broke off, or whose reading is cancelled, stays scanned as far
    as the search has come.
    """
    arrived = _Arrived()
    broken = ""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_search, arrived, scan)
        try:
            async for block in blocks:
                if block:
                    await arrived.put(block)
                told(len(block))
        except ClusterUnreachable as error:
            broken = f"the log broke off: {error}"
        arrived.end()
    return broken


class _Arrived:
    """What was received and is not yet searched. One task puts, another takes."""

    def __init__(self) -> None:
        self._blocks: list[bytes] = []
        self._size = 0
        self._ended = False
        self._some, self._enough, self._room = anyio.Event(), anyio.Event(), anyio.Event()

    async def put(self, block: bytes) -> None:
        """Add a block, and wait while too much lies here."""
        self._blocks.append(block)
        self._size += len(block)
        self._some.set()
        if self._size >= _SEARCHED_AT_ONCE:
            self._enough.set()
        if self._size >= _MOST_WAITING:
            self._room = anyio.Event()
            await self._room.wait()

    def end(self) -> None:
        """No block will follow."""
        self._ended = True
        self._some.set()
        self._enough.set()

    async def take(self) -> bytes:
        """All there is once it is worth a search; nothing means the end."""
        await self._some.wait()
        with anyio.move_on_after(_GATHERING_SECONDS):
            await self._enough.wait()
        taken = b"".join(self._blocks)
        self._blocks, self._size = [], 0
        if not self._ended:
            self._some, self._enough = anyio.Event(), anyio.Event()
        self._room.set()
        return taken


async def _search(arrived: _Arrived, scan: LogScan) -> None:
    while blocks := await arrived.take():
        await anyio.to_thread.run_sync(scan.feed, blocks)
