"""Callers of an HTTP server: raw requests, and the SDK's client with a bearer token."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from terway_mcp.server.http.token_file import new_token
from tests.server.talk import Talk

LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
HEADERS = {"accept": "application/json, text/event-stream", "content-type": "application/json"}


def post(url: str, token: str = "", *, body: Any = LIST, **headers: str) -> httpx2.Response:
    """One request to the endpoint."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    bearer = {"authorization": f"Bearer {token}"} if token else {}
    return httpx2.post(url, json=body, headers={**HEADERS, **bearer, **given}, timeout=10)


@asynccontextmanager
async def calling(url: str, token: str = "", mode: Any = "auto") -> AsyncIterator[Talk]:
    """The SDK's client; `mode` chooses the era of the protocol."""
    headers = {"authorization": f"Bearer {token}"} if token else {}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=30) as http,
        Client(streamable_http_client(url, http_client=http), mode=mode) as client,
    ):
        yield await Talk.begin(client)


def clients(*names: str) -> tuple[dict[str, str], str]:
    """A token for each name, and the text of a token file that knows them all."""
    made = {name: new_token(name) for name in names}
    return {name: token for name, (token, _) in made.items()}, "".join(f"{line}\n" for _, line in made.values())
