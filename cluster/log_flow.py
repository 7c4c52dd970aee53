"""A log as it arrives, and how long it may be waited for."""

from collections.abc import AsyncIterator
from math import inf

import anyio
import anyio.lowlevel

from terway_mcp.cluster.errors import ClusterUnreachable

_SLOWEST = 64 * 1024
"""Bytes per second: a log that comes slower is waited for, and waiting is limited."""

_GATHERED = 256 * 1024
"""Bytes handed on at once: TLS brings 16 KiB at a time, and a time limit for each costs as much as decrypting it."""

_WAITED = 0.005
"""Seconds: blocks that come later than this after each other are handed on one by one."""


class Patience:
    """How long one call may wait for its API server, all its reads together; begins at once.

    Seconds that were not spent waiting are given back. Of reads side by side each may give back what the others have
    not, so that a log that flows keeps its time beside one that drips, and no second is given back twice.
    """

    def __init__(self, seconds: float) -> None:
        self.deadline = anyio.current_time() + seconds
        self._given_until = 0.0

    @property
    def left(self) -> float:
        """Seconds until there is none left."""
        return max(0.0, self.deadline - anyio.current_time())

    def give_back(self, since: float, most: float) -> None:
        """Give back at most so many of the seconds since then."""
        begun = max(since, self._given_until)
        given = min(anyio.current_time() - begun, most)
        self.deadline += given
        self._given_until = begun + given


async def flowing(blocks: AsyncIterator[bytes], patience: Patience, until: float) -> AsyncIterator[bytes]:
    """Hand the blocks of a log on; the more of them come, the longer they may, but never longer than `until`.

    Everything that arrived is handed on before anything is raised.

    Raises:
        ClusterUnreachable: The log broke off, ceased to flow, or would go on beyond `until`.
    """
    arrived: list[bytes] = []
    is_whole, broken = False, None
    opened = anyio.current_time()
    while not (is_whole or broken):
        begun = anyio.current_time()
        seconds = max(0.0, min(patience.deadline, until) - begun)
        try:
            with anyio.fail_after(seconds):
                is_whole = await _gather(blocks, arrived)
        except TimeoutError:
            late = anyio.current_time() >= until
            why = (
                f"no more of it was read after {until - opened:.0f} s"
                if late
                else f"no more of it came within {seconds:.1f} s"
            )
            broken = ClusterUnreachable(why)
        except ClusterUnreachable as error:
            broken = error
        if arrived:
            gathered = b"".join(arrived)
            arrived.clear()
            patience.give_back(begun, len(gathered) / _SLOWEST)
            handed = anyio.current_time()
            yield gathered
            patience.give_back(handed, inf)
    if broken:
        raise broken


async def _gather(blocks: AsyncIterator[bytes], arrived: list[bytes]) -> bool:
    """Add a block, and those that follow without being waited for; True at the end of the log."""
    # A captured log may come without ever being waited for.
    await anyio.lowlevel.checkpoint_if_cancelled()
    begun, size = anyio.current_time(), 0
    async for block in blocks:
        arrived.append(block)
        size += len(block)
        if size >= _GATHERED or anyio.current_time() - begun > _WAITED:
            return False
    return True
