"""Callers and clusters of the load."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.load.fleet import Fleet, fleet
from tests.load.traffic import Investigation
from tests.server.http.callers import clients

CALLERS = 8


class Grounds(NamedTuple):
    """Where the load takes place: clusters, tokens of the callers by name, and the options every server gets."""

    fleet: Fleet
    tokens: dict[str, str]
    options: list[str]
    home: Path

    def investigations(self, count: int, first: int = 0) -> list[Investigation]:
        """Every caller asks about every cluster."""
        names, clusters = list(self.tokens), self.fleet.clusters
        return [
            Investigation(number, names[number // len(clusters) % len(names)], clusters[number % len(clusters)])
            for number in range(first, first + count)
        ]


@pytest.fixture(scope="package")
def grounds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grounds]:
    home = tmp_path_factory.mktemp("load")
    tokens, lines = clients(*(f"caller-{number}" for number in range(CALLERS)))
    (home / "tokens").touch(0o600)
    (home / "tokens").write_text(lines)
    with fleet(home, seeds=(11, 12, 13)) as found:
        options = ["--kubeconfig", str(found.kubeconfig), "--token-file", str(home / "tokens"), "--audit", "none"]
        yield Grounds(found, tokens, [*options, "--rate-limit", "0"], home)
