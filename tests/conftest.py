"""Fixtures that every part of the tests may use, and what a run says at its end."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from terway_mcp.cluster.scenarios.catalog import SCENARIOS, bundle_path
from terway_mcp.cluster.scenarios.scenario import Scenario

_TABLES = pytest.StashKey[list[str]]()
_COUNTS = pytest.StashKey[Counter[str]]()
COUNTED = ("secret forms", "ways out", "fuzz cases", "faults", "answers to faults", "investigations", "leaked", "lost")
"""What the tests of trust count, in the order of the last line of a run."""


@pytest.fixture(scope="session")
def show(pytestconfig: pytest.Config) -> Callable[[str], None]:
    """Print a text at the end of the run, captured or not."""
    return pytestconfig.stash.setdefault(_TABLES, []).append


@pytest.fixture(scope="session")
def tally(pytestconfig: pytest.Config) -> Counter[str]:
    """Counts for the last line of the run; the names are those of COUNTED."""
    return pytestconfig.stash.setdefault(_COUNTS, Counter())


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for text in config.stash.get(_TABLES, []):
        terminalreporter.write_line(text)
    counts = config.stash.get(_COUNTS, None)
    if counts is not None:
        assert set(counts) <= set(COUNTED), counts
        told = ", ".join(f"{counts[name]:,} {name}" for name in COUNTED if name in counts)
        terminalreporter.write_line(f"trust: {told}")


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
