"""Servers and clients of the server's tests."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from mcp import Client

from terway_mcp.cluster.clusters import Clusters
from terway_mcp.server.app import create_server
from tests.server.processes import http_server
from tests.server.talk import Talk


@pytest.fixture(scope="session")
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home directory without a kubeconfig."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="session")
def http_url(bundle: Path, empty_home: Path) -> Iterator[str]:
    """One HTTP server on the demo bundle for all tests: investigations keep their states apart."""
    with http_server("--bundle", str(bundle), home=empty_home) as url:
        yield url


@pytest.fixture(scope="module")
async def talk(bundle: Path) -> AsyncIterator[Talk]:
    """The SDK's client on a server of the demo bundle in this process."""
    async with Client(create_server(Clusters(bundle=bundle))) as client:
        yield await Talk.begin(client)
