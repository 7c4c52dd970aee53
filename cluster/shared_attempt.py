"""One attempt at something slow, shared by all who wait for it."""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

from terway_mcp.cluster.errors import TerwayMcpError

T = TypeVar("T")


class SharedAttempt(Generic[T]):
    """Blocking work in a thread of its own, begun at once. Whoever waits may leave; the work goes on for the others.

    The thread keeps no process from ending, whatever it waits for. Waiting needs asyncio, like the server around it.
    """

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._begun = time.monotonic()
        self._outcome: Future[T] = Future()
        # From now on a caller that is cancelled does not cancel it.
        self._outcome.set_running_or_notify_cancel()
        threading.Thread(target=self._run, name="shared attempt", daemon=True).start()

    async def outcome(self) -> T:
        """What the work returns, or raises, to each who waits."""
        return await asyncio.wrap_future(self._outcome)

    def is_worth_waiting_for(self, patience: float) -> bool:
        """False once the work has failed, or has taken longer than so many seconds."""
        if self._outcome.done():
            return self._outcome.exception() is None
        return time.monotonic() - self._begun < patience

    def _run(self) -> None:
        try:
            self._outcome.set_result(self._work())
        except TerwayMcpError as error:
            self._outcome.set_exception(error)
        except BaseException as error:
            self._outcome.set_exception(error)
            raise
