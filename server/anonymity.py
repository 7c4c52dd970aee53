"""Pseudonyms on the way out and real names on the way in, when the server was started with --anonymize.

The ledger and the steps of an investigation keep real names; the key and the names stand beside them in the store.
"""

import re
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import cached_property
from typing import Any

import anyio
import msgspec

from terway_mcp.cluster.naming import names_in
from terway_mcp.cluster.recent import Asker
from terway_mcp.knowledge.base import Knowledge
from terway_mcp.knowledge.pseudonyms import Pseudonyms
from terway_mcp.server.completions import KINDS
from terway_mcp.server.store import Store
from terway_mcp.tools.contracts import CONTRACTS

_KEY = "key"
_KEY_BYTES = 32
_MOST_NAMES = 20_000
"""Names kept per investigation; replicas beyond that are still known by the name of their workload."""

_ARGUMENTS = {"namespace": "namespace", "node": "node", "pod": "app", "workload": "app"}
_WORD = re.compile(r"[a-z0-9][a-z0-9-]*")


class Anonymity:
    """The pseudonyms of every investigation of a server."""

    def __init__(self, store: Store, knowledge: Callable[[], Knowledge]) -> None:
        self._store = store
        self._knowledge = knowledge

    async def of(self, investigation: str) -> Pseudonyms:
        """The pseudonyms of one investigation, "" for an answer that belongs to none."""
        if not investigation:
            return Pseudonyms(secrets.token_bytes(_KEY_BYTES), {}, self._vocabulary)
        names = await self._store.names(investigation)
        if _KEY not in names.values():
            await self._store.learn(investigation, {secrets.token_hex(_KEY_BYTES): _KEY})
            names = await self._store.names(investigation)
        key = next(name for name, kind in names.items() if kind == _KEY)
        known = {name: kind for name, kind in names.items() if kind != _KEY}
        return Pseudonyms(bytes.fromhex(key), known, self._vocabulary)

    @asynccontextmanager
    async def listening(self, asker: Asker) -> AsyncIterator[Asker]:
        """The reads of one call, whose names are remembered when it is over, however it ended."""
        names: dict[str, str] = {}

        def hear(body: bytes) -> None:
            for name, kind in names_in(body).items():
                names.setdefault(name, kind)

        try:
            yield msgspec.structs.replace(asker, heard=hear)
        finally:
            # A call that is given up has recorded evidence by then, which later answers show.
            with anyio.CancelScope(shield=True):
                await self.remember(asker.investigation, names)

    async def hear_of(self, investigation: str, context: str, arguments: Mapping[str, Any]) -> None:
        """Take in the names that a call is about."""
        names = {context: "cluster"}
        for argument, kind in _ARGUMENTS.items():
            if isinstance(value := arguments.get(argument), str):
                names.setdefault(value.rpartition("/")[2], kind)
        await self.remember(investigation, names)

    async def report(self, investigation: str, page: str) -> str:
        """The lines of a report with pseudonyms."""
        lines: list[str] = await self.disguised(investigation, page.split("\n"))
        return "\n".join(lines)

    async def real(self, investigation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments of a call with the names that its pseudonyms stand for."""
        found: dict[str, Any] = (await self.of(investigation)).real(dict(arguments))
        return found

    async def disguised(self, investigation: str, data: Any) -> Any:
        """What leaves, with pseudonyms; names that were found on the way are remembered."""
        pseudonyms = await self.of(investigation)
        plain = pseudonyms.data(data)
        await self.remember(investigation, pseudonyms.fresh)
        return plain

    async def remember(self, investigation: str, names: Mapping[str, str]) -> None:
        """Keep names, as many as there is room for."""
        if names and investigation:
            room = _MOST_NAMES - len(await self._store.names(investigation))
            await self._store.learn(investigation, dict(list(names.items())[: max(0, room)]))

    @cached_property
    def _vocabulary(self) -> frozenset[str]:
        return vocabulary(self._knowledge())


def vocabulary(knowledge: Knowledge) -> frozenset[str]:
    """Words of this project's own texts: where a customer uses one as a name, not every such word is meant."""
    texts = [contract.description for contract in CONTRACTS]
    for kind in KINDS:
        for entry in knowledge.entries(kind):
            texts += [entry.title, entry.meaning, entry.fix, entry.verify, entry.id, *entry.next_checks]
    return frozenset(_WORD.findall("\n".join(texts).lower()))
