import pytest

from terway_mcp.knowledge.base import Knowledge


@pytest.fixture(scope="session")
def knowledge() -> Knowledge:
    return Knowledge.load()
