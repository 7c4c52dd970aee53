"""A cluster to tamper with, and a server that reads from it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from mcp import Client

from terway_mcp.cluster.clusters import Clusters
from terway_mcp.server.app import create_server
from tests.faults.proxy import Captured
from tests.faults.rig import Rig, close_all, kubeconfig
from tests.server.talk import Talk


@pytest.fixture(scope="module")
async def rig(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    rig = Rig("cluster", tmp_path_factory.mktemp("rig") / "cluster", Captured(bundle))
    await rig.open()
    yield rig
    await close_all([rig])


@pytest.fixture(scope="module")
async def talk(rig: Rig) -> AsyncIterator[Talk]:
    """The SDK's client on a server of that cluster."""
    config = kubeconfig(rig.folder / "kubeconfig", [rig])
    async with Client(create_server(Clusters(kubeconfig=str(config)))) as client:
        yield await Talk.begin(client)
