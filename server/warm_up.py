"""What the first tool call would otherwise wait for, done in the background once the handshake has been answered.

A host opens a session long before its user asks something: reading the knowledge, importing the Kubernetes client and
opening a connection fit in between. Whatever fails here is told by the call that needs it.
"""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Generic, TypeVar

import anyio
import anyio.to_thread
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext

from terway_mcp.cluster.clusters import Clusters
from terway_mcp.cluster.errors import TerwayMcpError
from terway_mcp.knowledge.base import Knowledge

logger = logging.getLogger(__name__)

T = TypeVar("T")


class Once(Generic[T]):
    """Makes something when it is first asked for, one time, whichever threads ask."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._made: list[T] = []
        self._lock = threading.Lock()

    def __call__(self) -> T:
        """The one thing; what `make` raises is raised to each who asks."""
        with self._lock:
            if not self._made:
                self._made.append(self._make())
            return self._made[0]


class WarmUp:
    """Middleware of the server that notices the end of the handshake, and the work that begins then."""

    def __init__(self, clusters: Clusters, knowledge: Callable[[], Knowledge]) -> None:
        self._clusters = clusters
        self._knowledge = knowledge
        self._shaken = anyio.Event()

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """Pass every message on.

        The answer to `initialize` has reached the client when it says `notifications/initialized`. Where there is
        no such exchange, the first answered request is the handshake.
        """
        result = await call_next(ctx)
        if ctx.method != "initialize":
            self._shaken.set()
        return result

    @asynccontextmanager
    async def in_background(self) -> AsyncIterator[None]:
        """Warm up while the block runs; when it ends the work is given up, and over.

        A task of its own, not of a task group: what nobody foresaw must not end the server.
        """
        task = asyncio.create_task(self._run())
        task.add_done_callback(_log_failure)
        try:
            yield
        finally:
            task.cancel()
            with anyio.CancelScope(shield=True):
                await asyncio.wait([task])

    async def _run(self) -> None:
        """Wait for the handshake, then warm up; a failure is left to the call that meets it again."""
        await self._shaken.wait()
        try:
            await anyio.to_thread.run_sync(self._knowledge, abandon_on_cancel=True)
            await self._clusters.warm_up()
        except TerwayMcpError:
            return


def _log_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()):
        logger.warning("warming up failed", exc_info=error)
