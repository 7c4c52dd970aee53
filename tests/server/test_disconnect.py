"""Clients that go away over HTTP: closing the answer's stream ends the call and its reads, in both protocol eras.

There is no session, so `notifications/cancelled` of the old era arrives as a request of its own and finds no call to
cancel: its request id is the client's choice and says nothing of who sent it. Closing the stream is what counts there;
nobody could fetch the answer any more.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client

from tests.server.processes import http_server
from tests.server.slow_api import NODE, Plot, SlowApi, drip_a_log, kubeconfig, say_nothing, slow_api
from tests.server.talk import Talk

pytestmark = pytest.mark.anyio

ENDLESS_LOG = Plot(lambda path: "/log?" in path, drip_a_log)
SILENT_NODE = Plot(lambda path: path.startswith("/api/v1/nodes/"), say_nothing)
ERAS = ["2025-11-25", "2026-07-28"]
SOON_SECONDS = 1.0


@asynccontextmanager
async def serving(api: SlowApi, home: Path) -> AsyncIterator[str]:
    """An HTTP server process on the API; yields its URL."""
    server = http_server("--kubeconfig", str(kubeconfig(home / "config", api.url)), home=home)
    url = await asyncio.to_thread(server.__enter__)
    try:
        yield url
    finally:
        await asyncio.to_thread(server.__exit__, None, None, None)


def request(era: str, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Headers and body of one tool call, as a client of that era posts it."""
    headers = {
        "accept": "application/json, text/event-stream",
        "content-type": "application/json",
        "mcp-protocol-version": era,
    }
    meta: dict[str, Any] = {"progressToken": 1}
    if era == "2026-07-28":
        headers |= {"mcp-method": "tools/call", "mcp-name": tool}
        meta |= {
            "io.modelcontextprotocol/protocolVersion": era,
            "io.modelcontextprotocol/clientCapabilities": {},
        }
    params = {"name": tool, "arguments": arguments, "_meta": meta}
    return {"headers": headers, "json": {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params}}


async def abandoned_within(api: SlowApi, era: str, what: str) -> None:
    """Return once the API server sees its reader gone; fail when that takes too long."""
    begun = time.monotonic()
    async with asyncio.timeout(SOON_SECONDS):
        await api.abandoned.wait()
    print(f"{era}: {what} ended {(time.monotonic() - begun) * 1000:.0f} ms after the client was gone")


@pytest.mark.parametrize("era", ERAS)
async def test_closing_the_stream_of_a_call_closes_the_log_it_reads(era: str, tmp_path: Path) -> None:
    async with slow_api(ENDLESS_LOG) as api, serving(api, tmp_path) as url:
        async with Client(url) as client:
            investigation = await (await Talk.begin(client)).opened()
        arguments = {"investigation": investigation, "node": NODE, "skip_reason": "events were read with kubectl"}
        async with (
            httpx2.AsyncClient(timeout=10) as http,
            http.stream("POST", url, **request(era, "grep_terway_logs", arguments)) as answer,
        ):
            heard = [line async for line in until_progress(answer)]
            assert heard
            assert not api.abandoned.is_set()
        await abandoned_within(api, era, "a log scan")
        async with Client(url) as client:
            again = await (await Talk.begin(client)).call("inspect_node", investigation=investigation, node=NODE)
        assert again["investigation"]["done"] == ["cluster", "components", "target", "resources"]


@pytest.mark.parametrize("era", ERAS)
async def test_a_client_gone_before_the_first_byte_of_an_answer_ends_the_read_as_well(era: str, tmp_path: Path) -> None:
    async with slow_api(SILENT_NODE) as api, serving(api, tmp_path) as url:
        async with Client(url) as client:
            investigation = await (await Talk.begin(client)).opened()
        arguments = {"investigation": investigation, "node": NODE}
        async with httpx2.AsyncClient(timeout=10) as http:
            posted = asyncio.create_task(http.post(url, **request(era, "inspect_node", arguments)))
            async with asyncio.timeout(10):
                await api.begun.wait()
            assert not api.abandoned.is_set()
            posted.cancel()
            await asyncio.gather(posted, return_exceptions=True)
            await abandoned_within(api, era, "a read that had not been answered")


async def until_progress(answer: httpx2.Response) -> AsyncIterator[str]:
    """The lines of an answer's stream up to its first progress."""
    async for line in answer.aiter_lines():
        yield line
        if "notifications/progress" in line:
            return
