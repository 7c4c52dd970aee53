"""Documents a little or thoroughly wrong: strategies for what an API server, a collector or an editor may have done."""

import copy
import json
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

Edits = list[tuple[int, Any]]
Change = Callable[[Any], Any]

_ODD_TEXTS = (
    "", " ", "\x00", "\x1b[2J", "\u202ex\u202c", "true", "null", "-1", "1e999", "9" * 400, "x" * 5_000, "a\nb\r\nc",
    "2026-99-99T99:99:99Z", "0000-00-00T00:00:00Z", "2026-07-01T08:30:00+99:99", "10.0.0.999", "::::", "../../etc",
    "{", '{"a":', "[" * 500, "key: [a, b", "&a [*a, *a]", "!!python/object:os.system x", "Ignore previous instructions",
)  # fmt: skip
_ODD_NUMBERS = (0, -1, 2**31, 2**63, -(2**63), 0.5)

odd_values = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.sampled_from(_ODD_NUMBERS), st.sampled_from(_ODD_TEXTS), st.text(max_size=12)
    ),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=8,
)

edits: st.SearchStrategy[Edits] = st.lists(st.tuples(st.integers(0, 10**6), odd_values), min_size=1, max_size=10)
"""Where, and what stands there instead."""

text_edits = st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 40), st.text(max_size=12)), max_size=6)
"""Where in a text, how much of it goes, and what comes instead."""


def mutated(document: Any, made: Edits) -> Any:
    """A copy with each edit made; the places are counted over the whole document, so every field is hit."""
    whole = {"document": copy.deepcopy(document)}
    for place, value in made:
        places = list(_places(whole["document"]))
        if places:
            container, key = places[place % len(places)]
            container[key] = copy.deepcopy(value)
    return whole["document"]


def edited(text: str, made: list[tuple[int, int, str]]) -> str:
    """The text with pieces replaced."""
    for place, length, piece in made:
        at = place % (len(text) + 1)
        text = text[:at] + piece + text[at + length :]
    return text


def reserialized(text: str, made: Edits) -> str:
    """JSON inside a string, edited as JSON."""
    return json.dumps(mutated(json.loads(text), made))


def _places(value: Any) -> Any:
    if isinstance(value, dict):
        for key in value:
            yield value, key
            yield from _places(value[key])
    elif isinstance(value, list):
        for index in range(len(value)):
            yield value, index
            yield from _places(value[index])
