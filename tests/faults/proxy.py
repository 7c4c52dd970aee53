"""An API server that misbehaves on demand: real TCP and TLS on a loopback port in front of the embedded API."""

import asyncio
import json
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from email.utils import format_datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from terway_mcp.cluster.bundle import Bundle
from terway_mcp.cluster.embedded.api import EmbeddedApi

RESET = struct.pack("ii", 1, 0)
"""SO_LINGER on, for no time: closing the socket resets the connection."""


TLS_HANDSHAKE = b"\x16"


class Captured:
    """A captured cluster, and the time by its clock."""

    def __init__(self, path: Path) -> None:
        bundle = Bundle.open(path)
        self.api = EmbeddedApi(bundle)
        self.date = format_datetime(bundle.captured_at, usegmt=True)


class Whole(NamedTuple):
    """An answer as the embedded API gives it."""

    status: int
    body: bytes
    content_type: str
    date: str


@dataclass
class Exchange:
    """One request, its right answer, and the connection to misbehave on; `attempt` counts equal requests from 1."""

    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    whole: Whole
    attempt: int
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @property
    def is_log(self) -> bool:
        return self.path.endswith("/log")

    async def reply(self, status: int, body: bytes, *, length: int | None = None, **headers: str) -> None:
        """Send an answer; `length` is what it claims to hold."""
        head = {"content_type": "application/json", "content_length": str(len(body) if length is None else length)}
        lines = [f"{name.replace('_', '-')}: {value}" for name, value in {**head, **headers}.items()]
        self.writer.write("\r\n".join([f"HTTP/1.1 {status} Whatever", *lines, "", ""]).encode() + body)
        await self.writer.drain()

    async def right(self, **headers: str) -> None:
        """Send the right answer."""
        whole = self.whole
        usual = {"date": whole.date, "content_type": whole.content_type}
        await self.reply(whole.status, whole.body, **{**usual, **headers})

    async def gone(self) -> None:
        """Wait until the client gives up."""
        try:
            while await self.reader.read(4096):
                continue
        except ConnectionError:
            return

    def reset(self) -> None:
        """Break the connection off, the hard way."""
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.writer.transport.abort()


Play = Callable[[Exchange], Awaitable[bool]]
"""Answers one request; False when the answer was the right one after all."""

Concerns = Callable[[Exchange], bool]


class Plot(NamedTuple):
    """Which requests are answered wrongly, and how."""

    concerns: Concerns
    play: Play


class Served(NamedTuple):
    """One request and how it was answered: rightly with a status, or wrongly (status 0)."""

    path: str
    query: Mapping[str, str]
    status: int


@dataclass
class Proxy:
    """One server; `served` is everything it was asked, `token` what it accepts ("" is anything)."""

    captured: Captured
    token: str = ""
    plot: Plot | None = None
    served: list[Served] = field(default_factory=list)
    port: int = 0
    strangers: int = 0
    """Connections on which no request came: TLS that failed, or plain text on a TLS port."""

    _server: asyncio.Server | None = None
    _open: dict["asyncio.Task[Any] | None", asyncio.StreamWriter] = field(default_factory=dict)
    _seen: dict[tuple[str, str], int] = field(default_factory=dict)

    async def listen(self, tls: ssl.SSLContext | None) -> None:
        """Accept connections, again on the same port if there was one."""
        self._server = await asyncio.start_server(self._converse, "127.0.0.1", self.port, ssl=tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Hang up on everybody and accept nobody."""
        if self._server is not None:
            self._server.close()
            for writer in self._open.values():
                writer.transport.abort()
            await asyncio.gather(*self._open, return_exceptions=True)
            await self._server.wait_closed()
            self._server = None

    def behave(self, plot: Plot | None) -> None:
        """Misbehave from now on, or no longer."""
        self.plot = plot
        self._seen.clear()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        self._open[task] = writer
        try:
            if (first := await reader.readexactly(1)) == TLS_HANDSHAKE:
                writer.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
                return
            while head := first + await reader.readuntil(b"\r\n\r\n"):
                first = b""
                await self._answer(head.decode("latin-1"), reader, writer)
                if writer.transport.is_closing():
                    return
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError, ssl.SSLError):
            self.strangers += 1
        finally:
            del self._open[task]
            writer.close()

    async def _answer(self, head: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first, *lines = head.split("\r\n")
        method, target, _ = first.split(" ")
        assert method == "GET"
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
        path, _, query = target.partition("?")
        attempt = self._seen[path, query] = self._seen.get((path, query), 0) + 1
        exchange = Exchange(path, dict(parse_qsl(query)), headers, self._whole(path, query), attempt, reader, writer)
        place = len(self.served)
        self.served.append(Served(path, exchange.query, 0))
        if not await self._wronged(exchange):
            self.served[place] = Served(path, exchange.query, exchange.whole.status)

    async def _wronged(self, exchange: Exchange) -> bool:
        if self.token and exchange.headers.get("authorization") != f"Bearer {self.token}":
            await exchange.reply(401, json.dumps(failure(401, "Unauthorized")).encode())
            return True
        if self.plot is not None and self.plot.concerns(exchange):
            return await self.plot.play(exchange)
        await exchange.right()
        return False

    def _whole(self, path: str, query: str) -> Whole:
        reply = self.captured.api.answer("GET", path, query)
        body = reply.body if isinstance(reply.body, bytes) else b"".join(reply.body)
        return Whole(reply.status, body, reply.content_type, self.captured.date)


def failure(status: int, reason: str, message: str = "") -> dict[str, Any]:
    """A meta/v1 Status."""
    return {
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": reason, "code": status,
    }  # fmt: skip
