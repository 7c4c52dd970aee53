"""The second corpus was written by somebody who had not read the rules; the product is held to it all the same."""

from pathlib import Path

import pytest

from terway_mcp.cluster.scenarios.world import World, vary

from .corpus import ask
from .second import SECOND


@pytest.mark.parametrize("name", SECOND)
def test_the_true_cause_is_named_with_its_facts(name: str, tmp_path: Path) -> None:
    ask(SECOND[name](World()), tmp_path).check()


@pytest.mark.parametrize("name", SECOND)
def test_the_verdict_does_not_depend_on_names_times_order_or_release(name: str, tmp_path: Path) -> None:
    ask(SECOND[name](World(vary(2))), tmp_path).check()
