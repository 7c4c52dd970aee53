"""The in-process transport: streaming, back-pressure and clean ends."""

import gc
from collections.abc import Iterator
from pathlib import Path

import anyio
import httpx2
import pytest
from bundle_fixtures import RES, client_of, named, write

from terway_mcp.cluster.bundle import Bundle
from terway_mcp.cluster.embedded.transport import EmbeddedTransport, Message, Receive, Send

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """Tasks that were destroyed while pending surface here, as warnings that are errors."""
    yield
    gc.collect()


class Counting:
    """An app that sends numbered blocks for ever and notes how far it came."""

    def __init__(self) -> None:
        self.sent = 0
        self.stopped = anyio.Event()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        try:
            await send({"type": "http.response.start", "status": 200, "headers": [(b"x-path", scope["raw_path"])]})
            while True:
                await send({"type": "http.response.body", "body": b"block ", "more_body": True})
                self.sent += 1
        finally:
            self.stopped.set()


def client_for(app: Counting) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=EmbeddedTransport(app), base_url="http://bundle")


async def test_headers_arrive_before_the_body_is_made() -> None:
    app = Counting()
    async with client_for(app) as client, client.stream("GET", "/a%2Fb") as answer:
        assert answer.status_code == 200
        assert answer.headers["x-path"] == "/a%2Fb"
        await anyio.wait_all_tasks_blocked()
        assert app.sent == 0


async def test_the_app_waits_for_its_reader() -> None:
    app = Counting()
    async with client_for(app) as client, client.stream("GET", "/") as answer:
        blocks = answer.aiter_raw()
        for expected in (1, 2, 3):
            await anext(blocks)
            await anyio.wait_all_tasks_blocked()
            assert app.sent <= expected


async def test_closing_an_answer_early_stops_the_app() -> None:
    app = Counting()
    async with client_for(app) as client:
        async with client.stream("GET", "/") as answer:
            await anext(answer.aiter_raw())
        assert app.stopped.is_set()


async def test_cancelling_the_reader_stops_the_app() -> None:
    app = Counting()
    async with client_for(app) as client:
        with anyio.CancelScope() as scope:
            async with client.stream("GET", "/") as answer:
                async for _ in answer.aiter_raw():
                    scope.cancel()
        assert scope.cancelled_caught
        assert app.stopped.is_set()


async def test_cancelling_before_the_headers_stops_the_app() -> None:
    stopped = anyio.Event()

    async def silent(scope: Message, receive: Receive, send: Send) -> None:
        try:
            await anyio.sleep_forever()
        finally:
            stopped.set()

    client = httpx2.AsyncClient(transport=EmbeddedTransport(silent))
    async with client, anyio.create_task_group() as tasks:
        tasks.start_soon(client.get, "http://bundle/")
        await anyio.wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()
    assert stopped.is_set()


async def test_a_request_cancelled_at_once_leaves_nothing_open() -> None:
    app = Counting()
    async with client_for(app) as client:
        with anyio.CancelScope() as scope:
            scope.cancel()
            await client.get("/")
    assert app.sent == 0


async def test_a_deadline_around_the_request_need_not_outlive_the_answer() -> None:
    app = Counting()
    async with client_for(app) as client:
        with anyio.fail_after(5):
            answer = await client.send(client.build_request("GET", "/"), stream=True)
        assert await anext(answer.aiter_raw()) == b"block "
        await answer.aclose()
    assert app.stopped.is_set()


async def test_closing_the_client_stops_answers_nobody_closed() -> None:
    app = Counting()
    async with client_for(app) as client:
        await client.send(client.build_request("GET", "/"), stream=True)
    assert app.stopped.is_set()


async def test_what_an_app_raises_reaches_the_caller() -> None:
    async def failing(scope: Message, receive: Receive, send: Send) -> None:
        if scope["path"] == "/late":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"some", "more_body": True})
        raise LookupError("boom")

    async with httpx2.AsyncClient(transport=EmbeddedTransport(failing), base_url="http://bundle") as client:
        for path in ("/early", "/late"):
            with pytest.raises(LookupError, match="boom"):
                await client.get(path)


async def test_an_app_that_says_nothing_is_a_protocol_error() -> None:
    async def mute(scope: Message, receive: Receive, send: Send) -> None:
        assert (await receive())["type"] == "http.request"

    async with httpx2.AsyncClient(transport=EmbeddedTransport(mute)) as client:
        with pytest.raises(httpx2.RemoteProtocolError, match="without an answer"):
            await client.get("http://bundle/")


async def test_answers_are_read_side_by_side(tmp_path: Path) -> None:
    files = {f"{RES}/nodes.json": [named("n1")], f"{RES}/pods/shop.json": [named("web", "shop")]}
    async with client_of(Bundle.open(write(tmp_path, files))) as client:
        paths = ["/api/v1/nodes", "/api/v1/pods"]
        async with client.stream("GET", paths[0]) as one, client.stream("GET", paths[1]) as two:
            bodies = [await two.aread(), await one.aread()]
    assert b"PodList" in bodies[0]
    assert b"NodeList" in bodies[1]


async def test_a_head_request_has_headers_and_no_body(tmp_path: Path) -> None:
    async with client_of(Bundle.open(write(tmp_path, {f"{RES}/nodes.json": []}))) as client:
        answer = await client.head("/api/v1/nodes")
    assert (answer.status_code, answer.content) == (200, b"")
