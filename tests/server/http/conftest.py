"""One server with two clients for the tests that only talk to it."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.server.http.callers import clients
from tests.server.processes import Served, served


class Shared(NamedTuple):
    """A server that authenticates, and a token for each of its clients."""

    server: Served
    alice: str
    bob: str
    token_file: Path
    audit: Path


@pytest.fixture(scope="package")
def shared(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    home = tmp_path_factory.mktemp("shared")
    tokens, lines = clients("alice", "bob")
    file, audit = home / "tokens", home / "audit.jsonl"
    file.touch(0o600)
    file.write_text(lines)
    options = ["--bundle", str(bundle), "--token-file", str(file), "--audit", str(audit), "--allowed-host", "mcp.test"]
    with served(*options, home=home) as server:
        yield Shared(server, tokens["alice"], tokens["bob"], file, audit)
