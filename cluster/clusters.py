"""Which cluster a call talks to: contexts of a kubeconfig, or one captured bundle."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from math import inf
from pathlib import Path

import anyio
import anyio.to_thread
import httpx2

from terway_mcp.cluster.connection import Connection
from terway_mcp.cluster.errors import ClusterUnreachable, InvalidInput, ServerBusy
from terway_mcp.cluster.reader import CALL_SECONDS, Reader
from terway_mcp.cluster.recent import Asker
from terway_mcp.cluster.shared_attempt import SharedAttempt

_CALLS_AT_A_TIME = 8
"""Calls that read one cluster side by side. More would not be answered sooner, only later all together: they share one
processor and a few connections, and each has promised its answer within a time that begins with its first read."""

_TURN_SECONDS = 30.0

_ATTEMPT_SECONDS = 120.0
"""How long a credential plugin may take, which perhaps waits for its user to log in, before it is run once more. Calls
wait for it no longer than `CALL_SECONDS` each; what it brings after that serves the next one."""

_Opened = tuple[Connection, str]
"""A connection and the name of its context."""


class Clusters:
    """Opens each context once and keeps its connection.

    Nothing is opened or imported before the first call, so that the server starts without a cluster.
    """

    def __init__(
        self, *, kubeconfig: str | None = None, context: str | None = None, bundle: Path | None = None
    ) -> None:
        self._kubeconfig = kubeconfig
        self._default = context
        self._bundle = bundle
        self._current: str | None = None
        self._open: dict[str | None, _Opened] = {}
        self._attempts: dict[str, SharedAttempt[_Opened]] = {}
        self._turns: dict[str, anyio.Semaphore] = {}

    async def resolve(self, context: str | None = None) -> str:
        """Connect to a context (None: the default one) and return its name.

        Raises:
            ClusterUnreachable: There is no such context or no way to reach it.
            BundleError: The bundle cannot be opened.
            InvalidInput: A context was asked for while a bundle is attached.
        """
        return (await self._connection(context))[1]

    async def reader(self, context: str, *, seconds: float = CALL_SECONDS, asker: Asker | None = None) -> Reader:
        """Start the reads of one tool call against a context that `resolve` returned."""
        connection, _ = await self._connection(context)
        return Reader(connection, seconds=seconds, asker=asker)

    @asynccontextmanager
    async def turn(self, context: str) -> AsyncIterator[None]:
        """Wait until a call may read a context, first come, first served; its time begins afterwards.

        Raises:
            ServerBusy: It would wait too long.
        """
        free = self._turns.setdefault(context, anyio.Semaphore(_CALLS_AT_A_TIME))
        with anyio.move_on_after(_TURN_SECONDS) as waiting:
            await free.acquire()
        if waiting.cancelled_caught:
            raise ServerBusy(f"too many calls wait for {context}; repeat this one in a minute")
        try:
            yield
        finally:
            free.release()

    async def warm_up(self) -> None:
        """Open the default context before it is asked for, and say hello to its API server.

        Where a credential plugin would run, which may ask its user something, only the client is imported.

        Raises:
            ClusterUnreachable: There is nothing to connect with.
            BundleError: The bundle cannot be opened.
        """
        if await self.opens_silently():
            await (await self.reader(await self.resolve())).version()

    async def opens_silently(self, context: str | None = None) -> bool:
        """False for a context that is not open yet and whose credential plugin might ask the user something."""
        wanted = context or self._default or self._current
        if self._bundle or wanted in self._open:
            return True
        from terway_mcp.cluster.credentials import credential_plugin  # noqa: PLC0415 - imports kubernetes

        plugin = await anyio.to_thread.run_sync(credential_plugin, self._kubeconfig, wanted, abandon_on_cancel=True)
        return not plugin

    async def contexts(self) -> list[str]:
        """Names of the contexts that can be asked for."""
        if self._bundle:
            return [_bundle_context(self._bundle)]
        from terway_mcp.cluster.credentials import kubeconfig_contexts  # noqa: PLC0415 - imports kubernetes

        return (await anyio.to_thread.run_sync(kubeconfig_contexts, self._kubeconfig))[0]

    async def aclose(self) -> None:
        """Close every connection."""
        self._attempts.clear()
        opened = list(self._open.values())
        self._open.clear()
        for connection, _ in opened:
            await connection.aclose()

    async def _connection(self, context: str | None) -> _Opened:
        wanted = context or self._default or self._current
        if wanted in self._open:
            return self._open[wanted]
        with anyio.move_on_after(inf if self._bundle else CALL_SECONDS):
            opened = await self._opened(await self._name_of(wanted))
            if wanted is None:
                self._current = opened[1]
            return opened
        raise ClusterUnreachable(f"the credential plugin of context {wanted or 'default'!r} did not answer in time")

    async def _name_of(self, context: str | None) -> str:
        """What a context is opened under, by whichever name it is asked for; "" when there is none."""
        if self._bundle:
            name = _bundle_context(self._bundle)
            if context not in (None, self._default, name):
                raise InvalidInput(f"the server is attached to {name}; context {context!r} is not available")
            return name
        if context:
            return context
        from terway_mcp.cluster.credentials import context_name  # noqa: PLC0415 - imports kubernetes

        return await anyio.to_thread.run_sync(context_name, self._kubeconfig, None, abandon_on_cancel=True)

    async def _opened(self, name: str) -> _Opened:
        """Wait for the one attempt at opening a context; who comes while it lasts neither begins nor ends another."""
        if name in self._open:
            return self._open[name]
        attempt = self._attempts.get(name)
        if attempt is None or not attempt.is_worth_waiting_for(_ATTEMPT_SECONDS):
            attempt = self._attempts[name] = SharedAttempt(partial(self._connect, name))
        opened = await attempt.outcome()
        if self._attempts.get(name) is attempt:
            del self._attempts[name]
        return self._open.setdefault(opened[1], opened)

    def _connect(self, name: str) -> _Opened:
        if self._bundle:
            return _open_bundle(self._bundle), name
        from terway_mcp.cluster.credentials import connect_kubeconfig  # noqa: PLC0415 - imports kubernetes

        return connect_kubeconfig(self._kubeconfig, name or None)


def _bundle_context(path: Path) -> str:
    name = path.name
    for suffix in (".tar.gz", ".tgz"):
        name = name.removesuffix(suffix)
    return f"bundle:{name}"


def _open_bundle(path: Path) -> Connection:
    from terway_mcp.cluster.bundle import Bundle  # noqa: PLC0415 - only for captured clusters
    from terway_mcp.cluster.embedded.api import EmbeddedApi  # noqa: PLC0415
    from terway_mcp.cluster.embedded.transport import EmbeddedTransport  # noqa: PLC0415

    api = EmbeddedApi(Bundle.open(path))
    client = httpx2.AsyncClient(transport=EmbeddedTransport(api), base_url="http://bundle", timeout=None)
    return Connection(client, _anonymous)


async def _anonymous(_renew: bool) -> Mapping[str, str]:
    return {}
