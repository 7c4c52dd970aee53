"""A captured cluster whose API server grants only what a test says."""

from collections.abc import Callable, Mapping
from pathlib import Path

import httpx2

from terway_mcp.cluster.bundle import Bundle
from terway_mcp.cluster.clusters import Clusters
from terway_mcp.cluster.connection import Connection
from terway_mcp.cluster.embedded.api import EmbeddedApi
from terway_mcp.cluster.embedded.transport import EmbeddedTransport
from terway_mcp.cluster.resources import Resource

Allowed = Callable[[str, Resource, str | None, str | None], bool]


class RestrictedClusters(Clusters):
    """`Clusters` over one bundle; `refused` lists what was asked for in vain."""

    def __init__(self, bundle: Path, allowed: Allowed) -> None:
        super().__init__(bundle=bundle)
        self._path = bundle
        self._allowed = allowed
        self.refused: list[tuple[str, str, str | None, str | None]] = []

    def _connect(self, _name: str) -> tuple[Connection, str]:
        api = EmbeddedApi(Bundle.open(self._path), deny=self._denies)
        client = httpx2.AsyncClient(transport=EmbeddedTransport(api), base_url="http://restricted", timeout=None)
        return Connection(client, _anonymous), "restricted"

    def _denies(self, verb: str, resource: Resource, namespace: str | None, name: str | None) -> bool:
        if self._allowed(verb, resource, namespace, name):
            return False
        self.refused.append((verb, resource.qualified_name, namespace, name))
        return True


async def _anonymous(_renew: bool) -> Mapping[str, str]:
    return {}
