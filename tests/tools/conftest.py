"""Fixtures of the tests of the tools."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from terway_mcp.cluster.scenarios.builder import ClusterBuilder
from terway_mcp.knowledge.base import Knowledge
from tests.tools.stage import Captured

Capture = Callable[..., Captured]


@pytest.fixture(scope="package")
def knowledge() -> Knowledge:
    return Knowledge.load()


@pytest.fixture(scope="package", autouse=True)
def knowledge_is_read_once(knowledge: Knowledge) -> Iterator[None]:
    """Every test has a server of its own; reading the YAML for each would take most of the time."""
    load = Knowledge.load

    def shared(extra: Sequence[Path] = ()) -> Knowledge:
        return load(extra) if extra else knowledge

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Knowledge, "load", shared)
        yield


@pytest.fixture
def capture(tmp_path: Path) -> Capture:
    """Writes a told cluster to disk; `files` replace or add files of the capture."""

    def write(built: ClusterBuilder, files: Mapping[str, bytes | str | None] | None = None) -> Captured:
        return Captured(built, tmp_path, files)

    return write
