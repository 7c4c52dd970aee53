"""Calls that take long: the client hears of progress, and a call given up stops its work on the cluster."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import anyio
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPDeprecationWarning
from mcp_types import LoggingLevel, LoggingMessageNotificationParams

from tests.server.processes import http_server, stdio
from tests.server.slow_api import NODE, Plot, SlowApi, drip_a_log, kubeconfig, say_nothing, slow_api
from tests.server.talk import Talk, unreachable_within_ten_seconds

pytestmark = pytest.mark.anyio

ENDLESS_LOG = Plot(lambda path: "/log?" in path, drip_a_log)
SILENT = Plot(lambda _path: True, say_nothing)
SILENT_EVENTS = Plot(lambda path: path.startswith("/api/v1/events"), say_nothing)


@asynccontextmanager
async def client_of(api: SlowApi, transport: str, mode: str, home: Path, **wishes: Any) -> AsyncIterator[Client]:
    """A client of a server process that reads from the slow API."""
    options = ["--kubeconfig", str(kubeconfig(home / "config", api.url))]
    if transport == "stdio":
        async with Client(stdio(*options, home=home), mode=mode, **wishes) as client:
            yield client
        return
    server = http_server(*options, home=home)
    # The slow API lives in this event loop, which must not stand still while the server process starts.
    url = await asyncio.to_thread(server.__enter__)
    try:
        async with Client(url, mode=mode, **wishes) as client:
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
        assert (await talk.call("inspect_node", investigation=investigation, node=NODE))["status"] == "ok"


class Heard:
    """All that a client hears of a call beside its answer."""

    def __init__(self) -> None:
        self.progress: list[tuple[float, float | None, str | None]] = []
        self.logged: list[LoggingMessageNotificationParams] = []

    async def hear(self, progress: float, total: float | None, message: str | None) -> None:
        self.progress.append((progress, total, message))

    async def log(self, params: LoggingMessageNotificationParams) -> None:
        self.logged.append(params)


async def wait_for_a_list(transport: str, mode: str, home: Path, level: str | None) -> Heard:
    """Ask for something of which one list never arrives; log messages of a level are wanted, or none."""
    heard = Heard()
    wishes = {"logging_callback": heard.log, "log_level": level} if mode == "auto" else {"logging_callback": heard.log}
    async with slow_api(SILENT_EVENTS) as api, client_of(api, transport, mode, home, **wishes) as client:
        if mode == "legacy" and level:
            with pytest.warns(MCPDeprecationWarning):
                await client.set_logging_level(cast("LoggingLevel", level))
        talk = await Talk.begin(client)
        begun = time.monotonic()
        result = await client.call_tool("inspect_cluster", {}, progress_callback=heard.hear)
        assert time.monotonic() - begun < 10
        answer = talk.checked("inspect_cluster", result)
        assert answer["status"] == "partial"
        assert "timed_out" in {entry["outcome"] for entry in answer["coverage"]}
        assert api.abandoned.is_set()
        await client.call_tool("inspect_node", {"investigation": "none"}, progress_callback=heard.hear)
    numbers = [progress for progress, _, _ in heard.progress]
    assert len(numbers) >= 3
    assert numbers == sorted(set(numbers)), "progress must grow with every report"
    *before, (last, total, message) = heard.progress
    assert {known for _, known, _ in before} == {None}
    assert (last, message) == (total, "finished")
    return heard


async def wait_for_anything(home: Path) -> None:
    """Ask a server that accepts connections and never answers."""
    async with slow_api(SILENT) as api, client_of(api, "stdio", "auto", home) as client:
        await unreachable_within_ten_seconds(await Talk.begin(client), "no answer within")


@pytest.fixture(scope="module")
async def waits(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, asyncio.Task[Any]]]:
    """All that takes seconds, side by side; each test waits for its own."""

    def home() -> Path:
        return tmp_path_factory.mktemp("home")

    # Over HTTP the old era's `notifications/cancelled` finds no request, because there is no session. The SDK's client
    # sends that and keeps its stream open, so the call ends at its own deadline; see test_disconnect.py for the rest.
    begun = {
        "stdio-legacy": give_up("stdio", "legacy", home()),
        "stdio-auto": give_up("stdio", "auto", home()),
        "http-legacy": give_up("http", "legacy", home(), can_give_up=False),
        "http-auto": give_up("http", "auto", home()),
        "list-stdio-auto": wait_for_a_list("stdio", "auto", home(), "debug"),
        "list-stdio-legacy": wait_for_a_list("stdio", "legacy", home(), "info"),
        "list-http-auto": wait_for_a_list("http", "auto", home(), "info"),
        "list-http-legacy": wait_for_a_list("http", "legacy", home(), "info"),
        "list-stdio-quiet": wait_for_a_list("stdio", "legacy", home(), None),
        "list-http-quiet": wait_for_a_list("http", "auto", home(), "warning"),
        "anything": wait_for_anything(home()),
    }
    tasks = {name: asyncio.create_task(work) for name, work in begun.items()}
    yield tasks
    for task in tasks.values():
        task.cancel()
    await asyncio.gather(*tasks.values(), return_exceptions=True)


@pytest.mark.parametrize("way", ["stdio-legacy", "stdio-auto", "http-auto"])
async def test_a_slow_call_reports_progress_and_giving_it_up_closes_its_stream(
    waits: dict[str, asyncio.Task[Any]], way: str
) -> None:
    await waits[way]


async def test_a_slow_call_reports_progress_over_http_in_the_old_era_too(waits: dict[str, asyncio.Task[Any]]) -> None:
    await waits["http-legacy"]


@pytest.mark.parametrize("way", ["stdio-auto", "stdio-legacy", "http-auto"])
async def test_a_list_that_stalls_is_left_out_in_time_and_who_asked_for_log_messages_hears_the_end(
    waits: dict[str, asyncio.Task[Any]], way: str
) -> None:
    heard: Heard = await waits[f"list-{way}"]
    (message,) = heard.logged
    assert (message.level, message.logger) == ("info", "terway-mcp")
    assert message.data == {"tool": "inspect_cluster", "status": "partial", "finished": True}


@pytest.mark.parametrize("way", ["stdio-quiet", "http-quiet", "http-legacy"])
async def test_who_did_not_ask_for_messages_of_that_level_or_cannot_hears_of_progress_only(
    waits: dict[str, asyncio.Task[Any]], way: str
) -> None:
    heard: Heard = await waits[f"list-{way}"]
    assert heard.logged == []


async def test_a_server_that_accepts_and_never_answers_is_unreachable_within_ten_seconds(
    waits: dict[str, asyncio.Task[Any]],
) -> None:
    await waits["anything"]
