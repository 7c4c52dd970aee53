"""Servers for the programs of others."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conformance.programs import ROOT
from tests.server.processes import await_health, clean_environment, ended_afterwards, free_port, http_server


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home directory with nothing in it."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def product_url(bundle: Path, home: Path) -> Iterator[str]:
    """The server as users start it, on the demo bundle."""
    with http_server("--bundle", str(bundle), home=home) as url:
        yield url


@contextmanager
def fixture_server(bundle: Path, home: Path, *options: str) -> Iterator[str]:
    """A server with the fixtures of the official suite (see serve.py); yields its URL."""
    port = free_port()
    command = [sys.executable, "-m", "tests.conformance.serve", "--bundle", str(bundle), "--port", str(port), *options]
    log = home / f"stderr-{port}.txt"
    with log.open("w") as stderr:
        process = subprocess.Popen(command, env=clean_environment(home), cwd=ROOT, text=True, stderr=stderr)
    with ended_afterwards(process):
        await_health(process, f"http://127.0.0.1:{port}/healthz", log, trust=False)
        yield f"http://127.0.0.1:{port}/mcp"
