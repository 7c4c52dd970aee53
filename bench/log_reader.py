"""One read of a log in a process of its own, so that its memory is its own.

python -m bench.log_reader raw|scan URL POD [AUTHORITY.pem]    prints one JSON object
"""

import ssl
import sys
from collections.abc import Mapping
from functools import partial
from time import perf_counter, process_time

import anyio
import httpx2
import msgspec

from bench.big_cluster import SYSTEM
from bench.memory import mebibytes
from terway_mcp.cluster.connection import Connection
from terway_mcp.cluster.coverage import Coverage
from terway_mcp.cluster.reader import LogQuery, Reader
from terway_mcp.knowledge.base import Knowledge
from terway_mcp.tools.log_feed import feed
from terway_mcp.tools.log_filters import telling_filter
from terway_mcp.tools.log_scan import LogScan

_QUERY = LogQuery("terway")


class Reading(msgspec.Struct):
    """What reading cost: time, the processor's time, and the most memory ever held."""

    seconds: float
    processor_seconds: float
    bytes: int
    peak_mib: float = 0
    lines: int = 0
    matched: int = 0
    signatures: int = 0


class _Clock:
    def __init__(self) -> None:
        self._begun = perf_counter(), process_time()

    def read(self) -> tuple[float, float]:
        return perf_counter() - self._begun[0], process_time() - self._begun[1]


async def read_raw(client: httpx2.AsyncClient, pod: str) -> Reading:
    """Receive every block and do nothing with it."""
    clock, received = _Clock(), 0
    path = f"/api/v1/namespaces/{SYSTEM}/pods/{pod}/log"
    async with client.stream("GET", path, params=_QUERY.parameters()) as response:
        response.raise_for_status()
        async for block in response.aiter_raw():
            received += len(block)
    return Reading(*clock.read(), received)


async def scan(client: httpx2.AsyncClient, pod: str) -> Reading:
    """Read the log as the product does."""
    wanted = telling_filter(Knowledge.load(), "log")
    clock, scanned = _Clock(), LogScan(wanted)
    async with Reader(Connection(client, _anonymous)).log(SYSTEM, pod, _QUERY) as blocks:
        if isinstance(blocks, Coverage):
            raise ConnectionError(f"no log: {blocks.detail}")
        if broken := await feed(blocks, scanned, lambda _: None):
            raise RuntimeError(broken)
    scanned.close()
    return Reading(*clock.read(), scanned.bytes, 0, scanned.lines, scanned.matched, len(scanned.groups()))


async def _anonymous(_renew: bool) -> Mapping[str, str]:
    return {}


async def _read(mode: str, url: str, pod: str, authority: str | None = None) -> Reading:
    trusted = ssl.create_default_context(cafile=authority) if authority else False
    make = partial(httpx2.AsyncClient, base_url=url, trust_env=False, verify=trusted)
    # The product limits each wait itself; a plain client does so by httpx2's own limits.
    async with make() if mode == "raw" else make(timeout=None) as client:
        found = await (read_raw if mode == "raw" else scan)(client, pod)
    found.peak_mib = mebibytes("self", "VmHWM")
    return found


if __name__ == "__main__":
    mode, url, pod, *trusted = sys.argv[1:]
    print(msgspec.json.encode(anyio.run(_read, mode, url, pod, trusted[0] if trusted else None)).decode())
