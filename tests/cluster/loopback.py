"""A scripted API server on a loopback port, to be asked by the product's own client over real HTTP."""

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

import httpx2

from terway_mcp.cluster.connection import Authorize, Connection

PATIENCE = 10.0
"""Nothing here waits longer for a client; a test that needs it has failed anyway."""


@dataclass(frozen=True)
class Request:
    """What arrived."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    port: int
    """The client's port: equal ports mean one connection."""
    body: bytes = b""

    @property
    def token(self) -> str:
        return self.headers.get("authorization", "")


@dataclass(frozen=True)
class Reply:
    """What goes back.

    `how` other than "whole": `reset` closes without an answer, `hang` answers nothing until the client goes away,
    `cut` promises more bytes than it sends, `stall` sends its body and then nothing, `endless` repeats its body.
    """

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    how: Literal["whole", "reset", "hang", "cut", "stall", "endless"] = "whole"


Respond = Callable[[Request], Reply]


class Api:
    """A running server: what it was asked, and the ends of connections it saw."""

    def __init__(self, respond: Respond) -> None:
        self.respond = respond
        self.requests: list[Request] = []
        self.abandoned = threading.Event()
        """Set when a client closed a connection on which an answer was still due."""
        self.url = ""
        self.port = 0

    def paths(self) -> list[str]:
        return [request.path for request in self.requests]


def json_reply(value: Any, status: int = 200, **headers: str) -> Reply:
    named = {name.replace("_", "-"): each for name, each in headers.items()}
    return Reply(status, json.dumps(value).encode(), {"content-type": "application/json", **named})


def status_reply(code: int, reason: str, message: str = "", **headers: str) -> Reply:
    """A meta/v1 Status, as an API server refuses."""
    body = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message}
    return json_reply({**body, "reason": reason, "code": code}, code, **headers)


def in_turn(*replies: Reply) -> Respond:
    """One reply after the other; the last one for ever."""
    left = list(replies)
    turn = threading.Lock()

    def respond(_request: Request) -> Reply:
        with turn:
            return left.pop(0) if len(left) > 1 else left[0]

    return respond


@contextmanager
def serving(respond: Respond, tls: ssl.SSLContext | None = None) -> Iterator[Api]:
    """Serve until the block ends; its threads are gone afterwards."""
    api = Api(respond)
    server = _Server(("127.0.0.1", 0), _handler(api))
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    api.port = server.server_address[1]
    api.url = f"{'https' if tls else 'http'}://127.0.0.1:{api.port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        thread.join()
        server.hang_up()
        server.server_close()


@contextmanager
def refusing_port() -> Iterator[int]:
    """A loopback port on which nobody listens."""
    with serving(in_turn(Reply())) as api:
        port = api.port
    yield port


def connect(api: Api, authorize: Authorize | None = None, *, concurrency: int = 8) -> Connection:
    """The product's connection to a scripted server."""

    async def anonymous(_renew: bool) -> Mapping[str, str]:
        return {}

    client = httpx2.AsyncClient(base_url=api.url, timeout=httpx2.Timeout(PATIENCE, connect=2.0), trust_env=False)
    return Connection(client, authorize or anonymous, concurrency=concurrency)


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    request_queue_size = 64

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._lines: set[socket.socket] = set()

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        self._lines.add(request)
        super().process_request_thread(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._lines.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """End connections that clients keep open, so that their threads end too."""
        for line in list(self._lines):
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away, or refuses our certificate, is part of the test."""


def _handler(api: Api) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = PATIENCE

        def _answer(self) -> None:
            url = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            query = dict(parse_qsl(url.query, keep_blank_values=True))
            body = self.rfile.read(int(headers.get("content-length", 0)))
            request = Request(self.command, url.path, query, headers, self.client_address[1], body)
            api.requests.append(request)
            _send(self, api.respond(request), api)

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815 - named by the base class
        do_OPTIONS = do_CONNECT = do_TRACE = _answer  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - named by the base class
            """Quiet."""

    return Handler


def _send(handler: BaseHTTPRequestHandler, reply: Reply, api: Api) -> None:
    if reply.how in ("reset", "hang"):
        if reply.how == "hang":
            _wait_for_end(handler, api)
        handler.close_connection = True
        return
    head = {name.lower(): value for name, value in reply.headers.items()}
    handler.send_response_only(reply.status)
    if "date" not in head:
        handler.send_header("date", handler.date_time_string())
    for name, value in head.items():
        handler.send_header(name, value)
    open_ended = reply.how in ("stall", "endless")
    if open_ended:
        handler.send_header("connection", "close")
    elif reply.status != 204:
        handler.send_header("content-length", str(len(reply.body) + (100 if reply.how == "cut" else 0)))
    handler.end_headers()
    try:
        handler.wfile.write(reply.body)
        handler.wfile.flush()
        while reply.how == "endless":
            handler.wfile.write(reply.body)
    except OSError:
        api.abandoned.set()
    if reply.how == "stall":
        _wait_for_end(handler, api)
    if reply.how != "whole":
        handler.close_connection = True


def _wait_for_end(handler: BaseHTTPRequestHandler, api: Api) -> None:
    try:
        if not handler.connection.recv(1):
            api.abandoned.set()
    except OSError:
        api.abandoned.set()
