"""Fixtures that every part of the tests may use."""

from pathlib import Path

import pytest

from terway_mcp.cluster.scenarios.catalog import SCENARIOS, bundle_path
from terway_mcp.cluster.scenarios.scenario import Scenario


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def vswitch_exhausted() -> Scenario:
    """The demo whose events are sufficient: one pod, one node, one decisive event."""
    return SCENARIOS["vswitch-exhausted"]


@pytest.fixture(scope="session")
def bundle() -> Path:
    """The committed archive of that demo."""
    return bundle_path("vswitch-exhausted")
