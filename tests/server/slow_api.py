"""A Kubernetes API server that can be slow, silent or endless: raw asyncio on a loopback port.

It answers as a calm and nearly empty cluster does, except where its `Plot` says otherwise, and notices when the
client gives up on such an answer.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

NODE, DAEMON = "node-1", "terway-eniip-abcde"


_CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"


def _chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


class Exchange:
    """One request, and the connection to answer it on."""

    def __init__(self, path: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.path = path
        self._reader = reader
        self._writer = writer

    async def reply(self, body: Any, status: str = "200 OK") -> None:
        """A whole JSON answer."""
        data = json.dumps(body).encode()
        self._writer.write(
            f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n".encode()
            + data
        )
        await self._writer.drain()

    async def drip(self, line: bytes, seconds: float) -> None:
        """A chunked answer that never ends: one line each so often, until the client is gone."""
        self._writer.write(_CHUNKED)
        while not await self.gone_within(seconds):
            self._writer.write(_chunk(line))

    async def stall(self, line: bytes) -> None:
        """A chunked answer of one line at once, and then nothing, until the client is gone."""
        self._writer.write(_CHUNKED + _chunk(line))
        await self.gone_within(None)

    async def gone_within(self, seconds: float | None) -> bool:
        """True when the client closes or resets the connection within the time."""
        try:
            async with asyncio.timeout(seconds):
                return await self._reader.read(1) == b""
        except ConnectionError:
            return True
        except TimeoutError:
            return False


class SlowApi:
    """A running API; `begun` is set when its plot has begun, `abandoned` when the client gave up on that answer."""

    def __init__(self, plot: "Plot") -> None:
        self._plot = plot
        self.url = ""
        self.begun = asyncio.Event()
        self.abandoned = asyncio.Event()
        self._open: set[asyncio.StreamWriter] = set()

    def hang_up(self) -> None:
        """Close every connection; exchanges under way notice."""
        for writer in self._open:
            writer.close()

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        self._open.add(writer)
        try:
            while request := await reader.readuntil(b"\r\n\r\n"):
                await self._answer(Exchange(request.split()[1].decode(), reader, writer))
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            self._open.discard(writer)
            writer.close()

    async def _answer(self, exchange: Exchange) -> None:
        if not self._plot.concerns(exchange.path):
            await exchange.reply(*ordinary(exchange.path))
            return
        self.begun.set()
        await self._plot.play(exchange)
        self.abandoned.set()


class Plot(NamedTuple):
    """Which requests are not answered as they should be, and how."""

    concerns: Callable[[str], bool]
    play: Callable[[Exchange], Awaitable[None]]


async def say_nothing(exchange: Exchange) -> None:
    """Leave the client waiting until it gives up."""
    await exchange.gone_within(None)


async def drip_a_log(exchange: Exchange) -> None:
    """Send a telling log line every tenth of a second, for ever."""
    await exchange.drip(b'2026-07-01T08:30:00Z level=error msg="alloc ip failed"\n', 0.1)


def ordinary(path: str) -> tuple[dict[str, Any], str]:
    """Body and status of a calm, nearly empty cluster: one Terway pod on one node."""
    place = path.partition("?")[0]
    if place == "/version":
        return {"gitVersion": "v1.34.1"}, "200 OK"
    if place == "/api/v1/namespaces/kube-system/pods":
        return {"kind": "PodList", "metadata": {}, "items": [_DAEMON_POD]}, "200 OK"
    if place.endswith(("/events", "/pods", "/daemonsets", "/namespaces", "/nodes")):
        return {"kind": "List", "metadata": {}, "items": []}, "200 OK"
    return {"kind": "Status", "status": "Failure", "reason": "NotFound", "message": "not found", "code": 404}, (
        "404 Not Found"
    )


_DAEMON_POD = {
    "metadata": {"name": DAEMON, "namespace": "kube-system", "labels": {"app": "terway-eniip"}, "uid": "u1"},
    "spec": {"nodeName": NODE, "containers": [{"name": "terway"}]},
    "status": {
        "phase": "Running",
        "containerStatuses": [{"name": "terway", "ready": True, "restartCount": 0, "state": {"running": {}}}],
    },
}


@asynccontextmanager
async def slow_api(plot: Plot) -> AsyncIterator[SlowApi]:
    """Serve on a free loopback port until the block ends."""
    api = SlowApi(plot)
    server = await asyncio.start_server(api.converse, "127.0.0.1", 0)
    api.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield api
    finally:
        server.close()
        api.hang_up()
        await server.wait_closed()


def kubeconfig(path: Path, url: str) -> Path:
    """A kubeconfig whose only context points at `url`."""
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "slow", "cluster": {"server": url}}],
        "users": [{"name": "slow", "user": {}}],
        "contexts": [{"name": "slow", "context": {"cluster": "slow", "user": "slow"}}],
        "current-context": "slow",
    }
    path.write_text(json.dumps(config))
    return path
