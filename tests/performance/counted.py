"""A captured cluster behind a loopback API server that keeps a list of what it was asked."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlencode

from mcp import Client

from terway_mcp.cluster.clusters import Clusters
from terway_mcp.server.app import create_server
from tests.cluster.captured import captured
from tests.cluster.loopback import Api, Request, serving
from tests.server.slow_api import kubeconfig
from tests.server.talk import Envelope, Talk


class Counted:
    """Tools over that cluster; `requests` is what the last call asked, `bytes` the size of its answer."""

    def __init__(self, talk: Talk, api: Api) -> None:
        self._talk = talk
        self._api = api
        self._investigation = ""
        self.requests: list[str] = []
        self.bytes = 0

    def begin_anew(self) -> None:
        """The next `inspect_cluster` opens another investigation."""
        self._investigation = ""

    async def call(self, tool: str, **arguments: object) -> Envelope:
        before = len(self._api.requests)
        handle = {"investigation": self._investigation} if self._investigation else {}
        result = await self._talk.client.call_tool(tool, {**handle, **arguments})
        envelope = self._talk.checked(tool, result)
        self._investigation = envelope["investigation"]["id"]
        self.requests = [_line(request) for request in self._api.requests[before:]]
        self.bytes = sum(len(content.text.encode()) for content in result.content if content.type == "text")
        return envelope


def _line(request: Request) -> str:
    return request.path + (f"?{urlencode(request.query)}" if request.query else "")


@asynccontextmanager
async def counted(bundle: Path, folder: Path) -> AsyncIterator[Counted]:
    """Serve a capture and connect the tools to it, before anything else has been asked."""
    with serving(captured(bundle)) as api:
        config = kubeconfig(folder / "kubeconfig", api.url)
        async with Client(create_server(Clusters(kubeconfig=str(config)))) as client:
            yield Counted(await Talk.begin(client), api)
