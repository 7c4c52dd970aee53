"""Streamable HTTP on a loopback address, both protocol eras, stateless (the investigation id carries the state)."""

import ipaddress
from typing import Any

import uvicorn
from mcp.server.mcpserver import MCPServer
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from terway_mcp.cluster.errors import InvalidInput

PATH = "/mcp"


def serve_http(server: MCPServer[Any], host: str, port: int) -> int:
    """Serve until interrupted.

    Raises:
        InvalidInput: `host` is not a loopback address; without authentication nothing else may be listened on.
    """
    require_loopback(host)

    server.custom_route("/healthz", methods=["GET"])(_healthz)
    # SSE, not JSON answers: progress and cancellation travel on the stream of their request.
    app = server.streamable_http_app(streamable_http_path=PATH, stateless_http=True, host=host)
    uvicorn.run(app, host=host, port=port, log_level="warning", http="h11")
    return 0


async def _healthz(_request: Request) -> Response:
    return PlainTextResponse("ok")


def require_loopback(host: str) -> None:
    """Raise InvalidInput unless the host is this machine only."""
    try:
        local = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = False
    if not local:
        raise InvalidInput(f"{host!r} is not a loopback address; this server has no authentication yet")
