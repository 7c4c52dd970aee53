"""A large log, read over HTTP from another process: memory, throughput beside a plain read, and giving up."""

from collections.abc import AsyncIterator

import anyio
import anyio.lowlevel
import pytest

from bench import big_cluster, big_log
from bench.big_cluster import BigCluster
from bench.identity import issue
from bench.log_reader import Reading
from bench.logs import read
from bench.serving import served
from terway_mcp.cluster.errors import ClusterUnreachable
from terway_mcp.knowledge.base import Knowledge
from terway_mcp.tools.log_feed import feed
from terway_mcp.tools.log_filters import telling_filter
from terway_mcp.tools.log_scan import LogScan

BYTES = 110_000_000
MOST_MEMORY = 130
LEAST_SHARE = 0.4
"""Of a plain read's throughput, by the processor's time, which other work on the machine lengthens least."""

BLOCK = 64 * 1024


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[BigCluster, int]:
    cluster = big_cluster.write(tmp_path_factory.mktemp("cluster"), nodes=1)
    return cluster, big_log.write(cluster.log, BYTES)


@pytest.fixture(scope="module")
def readings(told: tuple[BigCluster, int]) -> dict[str, list[Reading]]:
    """Each kind of read twice, in turns, over TLS as from a real API server."""
    cluster, _ = told
    identity = issue(cluster.path)
    with served(cluster.path, identity) as api:
        found = [(mode, read(mode, api.url, cluster.daemon, identity)) for _ in range(2) for mode in ("raw", "scan")]
    return {mode: [reading for kind, reading in found if kind == mode] for mode in ("raw", "scan")}


def test_every_record_of_trouble_is_found(told: tuple[BigCluster, int], readings: dict[str, list[Reading]]) -> None:
    assert all(reading.bytes >= BYTES for reading in readings["scan"])
    assert [reading.matched for reading in readings["scan"]] == [told[1]] * 2
    assert [reading.signatures for reading in readings["scan"]] == [1, 1]


def test_memory_stays_small(readings: dict[str, list[Reading]]) -> None:
    assert max(reading.peak_mib for reading in readings["scan"]) <= MOST_MEMORY


def test_scanning_keeps_up_with_reading(readings: dict[str, list[Reading]]) -> None:
    raw, scan = (min(reading.processor_seconds for reading in readings[mode]) for mode in ("raw", "scan"))
    assert raw / scan >= LEAST_SHARE


# How blocks get there.


class Source:
    """Blocks of a log without end; counts what was taken of it."""

    def __init__(self, block: bytes) -> None:
        self._block = block
        self.given = 0

    async def blocks(self) -> AsyncIterator[bytes]:
        while True:
            await anyio.lowlevel.checkpoint()
            self.given += 1
            yield self._block


@pytest.mark.anyio
async def test_a_cancelled_scan_stops_within_the_blocks_it_holds() -> None:
    source, scan, arrived = Source(b"x" * (BLOCK - 1) + b"\n"), LogScan(telling_filter(Knowledge.load(), "log")), 0

    def give_up(size: int) -> None:
        nonlocal arrived
        arrived += size
        if arrived >= 40 * BLOCK:
            scope.cancel()

    with anyio.CancelScope() as scope:
        await feed(source.blocks(), scan, give_up)
    assert scope.cancelled_caught
    assert source.given <= 42
    assert scan.bytes <= source.given * BLOCK


@pytest.mark.anyio
async def test_what_arrived_before_a_log_broke_off_is_scanned() -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"level=error msg=one\n"
        yield b"level=error msg=two\n"
        raise ClusterUnreachable("gone")

    scan, sizes = LogScan(telling_filter(Knowledge.load(), "log")), list[int]()
    assert await feed(broken(), scan, sizes.append) == "the log broke off: gone"
    scan.close()
    assert (scan.matched, sizes) == (2, [20, 20])


@pytest.mark.anyio
async def test_other_calls_go_on_while_a_log_is_scanned_that_came_at_once() -> None:
    async def one() -> AsyncIterator[bytes]:
        yield (b"x" * (BLOCK - 1) + b"\n") * 40

    turns = 0

    async def work() -> None:
        nonlocal turns
        while True:
            await anyio.lowlevel.checkpoint()
            turns += 1

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(work)
        assert not await feed(one(), LogScan(telling_filter(Knowledge.load(), "log")), lambda _: None)
        tasks.cancel_scope.cancel()
    assert turns >= 39, "one between any two blocks"
