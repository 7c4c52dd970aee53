"""Streamable HTTP on a loopback address, both protocol eras, stateless (the investigation id carries the state)."""

from typing import Any

import uvicorn
from mcp.server.mcpserver import MCPServer
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from terway_mcp.cluster.loopback import listen

_PATH = "/mcp"


def serve_http(server: MCPServer[Any], host: str, port: int) -> int:
    """Serve until interrupted.

    Raises:
        InvalidInput: `host` is not a loopback address, or the port cannot be had.
    """
    server.custom_route("/healthz", methods=["GET"])(_healthz)
    # SSE, not JSON answers: progress and cancellation travel on the stream of their request.
    app = server.streamable_http_app(streamable_http_path=_PATH, stateless_http=True, host=host)
    with listen(host, port, "this server has no authentication yet") as listener:
        uvicorn.Server(uvicorn.Config(app, log_level="warning", http="h11")).run(sockets=[listener])
    return 0


async def _healthz(_request: Request) -> Response:
    return PlainTextResponse("ok")
