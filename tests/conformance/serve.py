"""The server that the official suite talks to: the application's own factory and transport, and the suite's fixtures.

    python -m tests.conformance.serve --bundle PATH --port N

`--sessions` keeps a session per client, which the product does not. `--bare` takes a server and the transport of the
SDK instead of the application's, to tell what fails because of whom.
"""

import argparse
from pathlib import Path
from typing import Any

import uvicorn
from mcp.server.mcpserver import MCPServer
from mcp_types import Completion, EmptyResult, SetLevelRequestParams, SubscribeRequestParams, UnsubscribeRequestParams

from terway_mcp.cluster.clusters import Clusters
from terway_mcp.cluster.loopback import listen_anywhere
from terway_mcp.server.app import create_server
from terway_mcp.server.http.probes import Readiness, healthz
from terway_mcp.server.http.serve import application, configuration
from terway_mcp.server.http.settings import http_settings
from terway_mcp.server.options import parser
from tests.conformance.asking_fixtures import add_questions
from tests.conformance.content_fixtures import add_content

Server = MCPServer[Any]


def bare_server() -> Server:
    """A server of the SDK with nothing of this project."""
    server: Server = MCPServer("bare", version="0")

    @server.completion()  # type: ignore[no-untyped-call, untyped-decorator]
    async def complete(*_asked: object) -> Completion:
        return Completion(values=[])

    return server


def add_fixtures(server: Server) -> None:
    """Add what the suite expects to find, also the requests that clients up to 2025-11-25 may send."""
    add_content(server)
    add_questions(server)

    async def accept(*_asked: object) -> EmptyResult:
        return EmptyResult()

    low = server._lowlevel_server
    if low.get_request_handler("logging/setLevel") is None:
        low.add_request_handler("logging/setLevel", SetLevelRequestParams, accept)
    low.add_request_handler("resources/subscribe", SubscribeRequestParams, accept)
    low.add_request_handler("resources/unsubscribe", UnsubscribeRequestParams, accept)


def main() -> None:
    """Serve until ended."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--bundle", type=Path, required=True)
    arguments.add_argument("--port", required=True)
    arguments.add_argument("--sessions", action="store_true")
    arguments.add_argument("--bare", action="store_true")
    options = arguments.parse_args()
    server = bare_server() if options.bare else create_server(Clusters(bundle=options.bundle))
    add_fixtures(server)
    given = parser().parse_args(["serve", "--transport", "streamable-http", "--port", options.port])
    settings = http_settings(given)
    if options.bare or options.sessions:
        server.custom_route("/healthz", methods=["GET"])(healthz)
        app = server.streamable_http_app(stateless_http=not options.sessions, retry_interval=100)
    else:
        app = application(server, settings, Readiness({}), None)
    with listen_anywhere(settings.host, settings.port) as listener:
        uvicorn.Server(configuration(app, settings)).run(sockets=[listener])


if __name__ == "__main__":
    main()
