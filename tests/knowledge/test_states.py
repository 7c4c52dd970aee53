"""A state is worth an entry only where some code can raise it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from terway_mcp import tools
from terway_mcp.knowledge.base import Knowledge

TOOLS = Path(tools.__path__[0])


def code() -> dict[Path, ast.Module]:
    return {path.relative_to(TOOLS): ast.parse(path.read_text("utf-8")) for path in TOOLS.rglob("*.py")}


def raised(path: Path, tree: ast.AST) -> Iterator[str]:
    """Texts that name what was found; those of a comparison do not, nor do docstrings, which are sentences.

    The correlation raises what follows from several facts by yielding it; whatever else it names it only reads.
    """
    if "correlation" in path.parts:
        yield from (text for found in ast.walk(tree) if isinstance(found, ast.Yield) for text in texts(found))
    else:
        yield from texts(tree)


def texts(tree: ast.AST) -> Iterator[str]:
    if isinstance(tree, ast.Constant) and isinstance(tree.value, str):
        yield tree.value
    for child in ast.iter_child_nodes(tree):
        if not isinstance(child, ast.Compare):
            yield from texts(child)


def test_every_state_is_raised_by_some_code(knowledge: Knowledge) -> None:
    found = {text for path, tree in code().items() for text in raised(path, tree)}
    states = {name for entry in knowledge.entries("state") for name in entry.match.names}
    assert states - found == set()


@pytest.mark.parametrize(
    ("path", "text", "names"),
    [
        ("node_facts.py", 'facts.add(Fact("status", "node_full", subject, text))', True),
        ("node_facts.py", '"""Whether a node is node_full."""', False),
        ("node_facts.py", 'if state == "node_full": pass', False),
        ("correlation/derived.py", 'def gap():\n    yield evidence, "node_full"', True),
        ("correlation/current.py", 'PASSING = {"node": ("node_full",)}', False),
    ],
)
def test_a_state_that_is_only_read_counts_as_raised_by_nobody(path: str, text: str, names: bool) -> None:
    assert ("node_full" in set(raised(Path(path), ast.parse(text)))) is names
