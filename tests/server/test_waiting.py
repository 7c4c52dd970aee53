"""Calls that take long: the client hears of progress, and a call given up stops its work on the cluster."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from mcp import Client

from tests.server.processes import http_server, stdio
from tests.server.slow_api import NODE, Plot, SlowApi, drip_a_log, kubeconfig, say_nothing, slow_api
from tests.server.talk import Talk, unreachable_within_ten_seconds

pytestmark = pytest.mark.anyio

ENDLESS_LOG = Plot(lambda path: "/log?" in path, drip_a_log)
SILENT = Plot(lambda _path: True, say_nothing)
SILENT_EVENTS = Plot(lambda path: path.startswith("/api/v1/events"), say_nothing)


@asynccontextmanager
async def client_of(api: SlowApi, transport: str, mode: str, home: Path) -> AsyncIterator[Client]:
    """A client of a server process that reads from the slow API."""
    options = ["--kubeconfig", str(kubeconfig(home / "config", api.url))]
    if transport == "stdio":
        async with Client(stdio(*options, home=home), mode=mode) as client:
            yield client
        return
    server = http_server(*options, home=home)
    # The slow API lives in this event loop, which must not stand still while the server process starts.
    url = await asyncio.to_thread(server.__enter__)
    try:
        async with Client(url, mode=mode) as client:
            yield client
    finally:
        await asyncio.to_thread(server.__exit__, None, None, None)


async def give_up(transport: str, mode: str, home: Path, *, can_give_up: bool = True) -> None:
    """Start a call that never ends, hear of its progress, give it up, and see its stream closed."""
    heard = asyncio.Event()
    messages: list[str | None] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        messages.append(message)
        heard.set()

    async with slow_api(ENDLESS_LOG) as api, client_of(api, transport, mode, home) as client:
        talk = await Talk.begin(client)
        investigation = await talk.opened()
        arguments = {"investigation": investigation, "node": NODE, "skip_reason": "events were read with kubectl"}
        async with anyio.create_task_group() as group:
            group.start_soon(lambda: client.call_tool("grep_terway_logs", arguments, progress_callback=hear))
            async with asyncio.timeout(10):
                await heard.wait()
            assert api.begun.is_set()
            assert not api.abandoned.is_set()
            group.cancel_scope.cancel()
        if can_give_up:
            async with asyncio.timeout(1):
                await api.abandoned.wait()
        assert "Terway logs" in (messages[0] or "")
        assert (await talk.call("inspect_node", investigation=investigation, node=NODE))["status"] == "no_data"


async def wait_for_a_list(home: Path) -> None:
    """Ask for something of which one list never arrives."""
    heard: list[float] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        heard.append(progress)

    async with slow_api(SILENT_EVENTS) as api, client_of(api, "stdio", "auto", home) as client:
        talk = await Talk.begin(client)
        begun = time.monotonic()
        result = await client.call_tool("inspect_cluster", {}, progress_callback=hear)
        assert time.monotonic() - begun < 10
        answer = talk.checked("inspect_cluster", result)
        assert answer["status"] == "partial"
        assert "timed_out" in {entry["outcome"] for entry in answer["coverage"]}
        assert api.abandoned.is_set()
    assert len(heard) >= 3
    assert heard == sorted(set(heard)), "progress must grow with every report"


async def wait_for_anything(home: Path) -> None:
    """Ask a server that accepts connections and never answers."""
    async with slow_api(SILENT) as api, client_of(api, "stdio", "auto", home) as client:
        await unreachable_within_ten_seconds(await Talk.begin(client), "no answer within")


@pytest.fixture(scope="module")
async def waits(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, asyncio.Task[None]]]:
    """All that takes seconds, side by side; each test waits for its own."""

    def home() -> Path:
        return tmp_path_factory.mktemp("home")

    # Over HTTP the old era has no way to give up a call: without a session its `notifications/cancelled` finds no
    # request, and a lost connection must not count as giving up. There the call ends at its own deadline.
    begun = {
        "stdio-legacy": give_up("stdio", "legacy", home()),
        "stdio-auto": give_up("stdio", "auto", home()),
        "http-legacy": give_up("http", "legacy", home(), can_give_up=False),
        "http-auto": give_up("http", "auto", home()),
        "list": wait_for_a_list(home()),
        "anything": wait_for_anything(home()),
    }
    tasks = {name: asyncio.create_task(work) for name, work in begun.items()}
    yield tasks
    for task in tasks.values():
        task.cancel()
    await asyncio.gather(*tasks.values(), return_exceptions=True)


@pytest.mark.parametrize("way", ["stdio-legacy", "stdio-auto", "http-auto"])
async def test_a_slow_call_reports_progress_and_giving_it_up_closes_its_stream(
    waits: dict[str, asyncio.Task[None]], way: str
) -> None:
    await waits[way]


async def test_a_slow_call_reports_progress_over_http_in_the_old_era_too(waits: dict[str, asyncio.Task[None]]) -> None:
    await waits["http-legacy"]


async def test_a_list_that_stalls_is_left_out_in_time_and_progress_grows_meanwhile(
    waits: dict[str, asyncio.Task[None]],
) -> None:
    await waits["list"]


async def test_a_server_that_accepts_and_never_answers_is_unreachable_within_ten_seconds(
    waits: dict[str, asyncio.Task[None]],
) -> None:
    await waits["anything"]
