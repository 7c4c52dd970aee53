"""Writes docs/tools.md: every tool's arguments and the shape of its answer, from the types themselves."""

import inspect
import types
from collections.abc import Iterator
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

from terway_mcp.server.envelope import Envelope
from terway_mcp.server.schema import input_schema
from terway_mcp.tools.contracts import CONTRACTS, Contract

_HEAD = """# Tools

Six tools, all read-only. Call `inspect_cluster` first: it opens the investigation whose id all others take. Written by
`./scripts/docs` from the types in `tools/` and server/envelope.py.

Each answer, a refusal included, is one envelope. Fields that are empty may be left out.
"""


def page() -> str:
    """The whole page."""
    parts = [_HEAD, "## The envelope\n", *_outline(Envelope, set())]
    for contract in CONTRACTS:
        parts += [f"\n## {contract.name}\n", f"{contract.description}\n", _arguments(contract), ""]
        parts += _outline(contract.report, {Envelope})
    return "\n".join(parts) + "\n"


def _arguments(contract: Contract) -> str:
    schema = input_schema(contract.arguments)
    rows = ["| Argument | Type | |", "|---|---|---|"]
    for name, part in schema["properties"].items():
        needed = "required; " if name in schema.get("required", ()) else ""
        options = part.get("enum") or ([part["const"]] if "const" in part else [])
        kind = " \\| ".join(f"`{option}`" for option in options) or part.get("type", "")
        rows.append(f"| `{name}` | {kind} | {needed}{part.get('description', '')} |".replace("  |", " |"))
    return "\n".join(rows)


def _outline(kind: type[msgspec.Struct], told: set[type]) -> list[str]:
    """A table of a struct's fields, then one of each struct that appears in them for the first time."""
    told.add(kind)
    hints = get_type_hints(kind)
    rows = [f"{_sentence(kind)}\n", "| Field | Type |", "|---|---|"]
    names = {field.name: field.encode_name for field in msgspec.structs.fields(kind)}
    rows += [f"| `{names[name]}` | {_words(hint)} |" for name, hint in hints.items() if name in names]
    for inner in dict.fromkeys(found for hint in hints.values() for found in _structs(hint)):
        if inner not in told:
            rows += [f"\n**{inner.__name__}**: ", *_outline(inner, told)]
    return _joined(rows)


def _joined(rows: list[str]) -> list[str]:
    """The name of an inner struct begins its sentence."""
    text = "\n".join(rows).replace(": \n", ": ")
    return [text]


def _sentence(kind: type[msgspec.Struct]) -> str:
    return " ".join((inspect.getdoc(kind) or "").split("\n\n")[0].split())


def _structs(hint: Any) -> Iterator[type[msgspec.Struct]]:
    is_class = isinstance(hint, type) and get_origin(hint) is None
    if is_class and issubclass(hint, msgspec.Struct) and hint is not msgspec.Struct:
        yield hint
    for argument in get_args(hint):
        yield from _structs(argument)


def _words(hint: Any) -> str:
    """A type as a reader who does not write Python says it."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (list, tuple):
        return f"list of {_words(arguments[0])}"
    if origin is dict:
        return f"map of {_words(arguments[1])}"
    if origin is Literal:
        return " \\| ".join(f"`{argument}`" for argument in arguments)
    if origin in (Union, types.UnionType):
        return " or ".join(_words(argument) for argument in arguments)
    plain = {str: "text", int: "number", float: "number", bool: "true or false", type(None): "null", Any: "anything"}
    if hint in plain:
        return plain[hint]
    return "the tool's report" if hint is msgspec.Struct else getattr(hint, "__name__", str(hint))
