"""Writing a bundle: what it holds, and what it must not fail over."""

from pathlib import Path

import pytest
from bundle_fixtures import RES, named, write

from terway_mcp.cluster.bundle import Bundle
from terway_mcp.cluster.capture import capture
from terway_mcp.cluster.clusters import Clusters
from terway_mcp.cluster.errors import InvalidInput
from terway_mcp.cluster.resources import EVENTS, PODS
from terway_mcp.knowledge.sealing import masked

pytestmark = pytest.mark.anyio


@pytest.fixture
def source(tmp_path: Path) -> Clusters:
    files = {
        "cluster-info/cluster_version.json": {"gitVersion": "v1.34.1"},
        f"{RES}/pods/kube-system.json": [named("terway-eniip-a", "kube-system")],
        f"{RES}/events/kube-system.json": [named("e1", "kube-system")],
        f"{RES}/events/default.json": [named("e2", "default")],
    }
    return Clusters(bundle=write(tmp_path / "source", files))


async def test_a_namespace_that_is_read_anyway_is_not_written_twice(source: Clusters, tmp_path: Path) -> None:
    output = tmp_path / "out.tar.gz"
    await capture(source, output, ("kube-system", "default", "default"), masked)
    bundle = Bundle.open(output)
    assert len(bundle.items(PODS) or []) == 1
    assert len(bundle.items(EVENTS) or []) == 2


async def test_a_namespace_that_is_none_is_refused_before_anything_is_read(source: Clusters, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="not a valid Kubernetes namespace"):
        await capture(source, tmp_path / "out.tar.gz", ("../../etc",), masked)
    assert not (tmp_path / "out.tar.gz").exists()
