"""How the product's HTTP client reaches an ASGI app in its own process.

`httpx2.ASGITransport` collects a whole answer before it returns it. Here the app runs in a task of its own and each
block waits until the client takes it, so that a log of any size is read in flat memory, and closing the answer
(or cancelling its reader) stops the app.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any

import anyio
import httpx2
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[Message, Receive, Send], Awaitable[None]]

_CLEANUP_SECONDS = 1.0


class EmbeddedTransport(httpx2.AsyncBaseTransport):
    """An httpx2 transport over any ASGI app; needs asyncio, like the server around it."""

    def __init__(self, app: AsgiApp) -> None:
        self._app = app
        self._answers: set[_Answer] = set()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Return once the app has sent status and headers; an exception before that is the caller's."""
        answer = _Answer(self._app, request, self._answers.discard)
        self._answers.add(answer)
        try:
            start = await answer.start()
        except BaseException:
            await answer.aclose()
            raise
        return httpx2.Response(start["status"], headers=start.get("headers", []), stream=answer)

    async def aclose(self) -> None:
        """Stop the app for answers nobody closed."""
        for answer in list(self._answers):
            await answer.aclose()


class _Answer(httpx2.AsyncByteStream):
    """One request under way: the app in a task, its messages in a stream without buffer."""

    def __init__(self, app: AsgiApp, request: httpx2.Request, on_close: Callable[["_Answer"], None]) -> None:
        send, self._messages = _rendezvous()
        self._on_close = on_close
        self._with_body = request.method != "HEAD"
        self._task = asyncio.get_running_loop().create_task(_run(app, _scope(request), send))
        # Not in the task itself: one that is cancelled before its first step runs no code of its own.
        self._task.add_done_callback(lambda _: send.close())

    async def start(self) -> Message:
        """Status and headers.

        Raises:
            httpx2.RemoteProtocolError: The app ended without an answer.
        """
        try:
            return await self._messages.receive()
        except anyio.EndOfStream:
            await self._task
            raise httpx2.RemoteProtocolError("the app ended without an answer") from None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for message in self._messages:
            if self._with_body and (block := message.get("body")):
                yield block
        await self._task

    async def aclose(self) -> None:
        """Stop the app, unless it has ended, and wait a moment for it to clean up, even when cancelled."""
        self._on_close(self)
        self._messages.close()
        self._task.cancel()
        with anyio.move_on_after(_CLEANUP_SECONDS, shield=True):
            await asyncio.wait([self._task])
        if self._task.done() and not self._task.cancelled():
            # Asked for, so that asyncio does not report an error nobody is interested in any more.
            self._task.exception()


def _rendezvous() -> tuple[MemoryObjectSendStream[Message], MemoryObjectReceiveStream[Message]]:
    return anyio.create_memory_object_stream[Message](0)


async def _run(app: AsgiApp, scope: Message, messages: MemoryObjectSendStream[Message]) -> None:
    asked = False

    async def receive() -> Message:
        nonlocal asked
        if asked:
            await anyio.sleep_forever()
        asked = True
        return {"type": "http.request", "body": b"", "more_body": False}

    await app(scope, receive, messages.send)


def _scope(request: httpx2.Request) -> Message:
    path, _, query = request.url.raw_path.partition(b"?")
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": request.url.scheme,
        "path": request.url.path,
        "raw_path": path,
        "query_string": query,
        "root_path": "",
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "client": None,
        "server": (request.url.host, request.url.port),
    }
