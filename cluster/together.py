"""Independent reads side by side.

async with Together() as reads:
    pod = reads.start(reader.get(PODS, Pod, name, namespace))
    node = reads.start(reader.get(NODES, Node, host))
use(pod.value, node.value)
"""

from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Generic, TypeVar

import anyio
from anyio.abc import TaskGroup

T = TypeVar("T")


class Pending(Generic[T]):
    """A read that has been started; `value` exists once its `Together` block has ended."""

    value: T

    async def fulfil(self, work: Coroutine[Any, Any, T]) -> None:
        """Wait for the work and keep its result."""
        self.value = await work


class Together:
    """Starts reads at once and waits for all of them at the end of its block."""

    _group: TaskGroup

    async def __aenter__(self) -> "Together":
        self._group = anyio.create_task_group()
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return await self._group.__aexit__(kind, error, trace)

    def start(self, work: Coroutine[Any, Any, T]) -> Pending[T]:
        """Start one read."""
        pending: Pending[T] = Pending()
        self._group.start_soon(pending.fulfil, work)
        return pending
