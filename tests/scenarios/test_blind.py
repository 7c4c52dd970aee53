"""Corpora written by people who had not read the rules, the later ones from what real issues look like.

The product is held to all of them, once as written and once in another world (names, ids, times, order, release).
"""

from pathlib import Path

import pytest

from terway_mcp.cluster.scenarios.world import World, vary

from .corpus import ask
from .fifth import FIFTH
from .fourth import FOURTH
from .second import SECOND
from .sixth import SIXTH
from .third import THIRD

BLIND = {**SECOND, **THIRD, **FOURTH, **FIFTH, **SIXTH}


@pytest.mark.parametrize("name", BLIND)
def test_the_true_cause_is_named_with_its_facts(name: str, tmp_path: Path) -> None:
    ask(BLIND[name](World()), tmp_path).check()


@pytest.mark.parametrize("name", BLIND)
def test_the_verdict_does_not_depend_on_names_times_order_or_release(name: str, tmp_path: Path) -> None:
    ask(BLIND[name](World(vary(2))), tmp_path).check()
