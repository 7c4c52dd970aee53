"""Reads knowledge files: YAML to validated entries, with errors that name file, entry and field."""

from collections.abc import Iterable, Iterator, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from terway_mcp.cluster.errors import KnowledgeError
from terway_mcp.knowledge.patterns import Pattern
from terway_mcp.knowledge.schema import Entry, Kind, KnowledgeFile

Entries = dict[tuple[Kind, str], Entry]

_NEEDS_NAMES = frozenset({"event_reason", "config_key", "label", "state"})
_NEEDS_PATTERN = frozenset({"message", "log"})


def load_entries(extra: Sequence[Path] = ()) -> Entries:
    """Return the entries shipped with the package, then those of the user's files in the order given.

    A user's entry replaces the shipped entry (or an earlier user file's) of the same kind and id.

    Raises:
        KnowledgeError: a file cannot be read or breaks the schema; the text names file, entry and field.
    """
    entries: Entries = {}
    for name, text in _shipped():
        for key, entry in _parse(name, text).items():
            if key in entries:
                raise KnowledgeError(f"{name}: entry {entry.id}: another shipped file has a {entry.kind} with this id")
            entries[key] = entry
    own: Entries = {}
    for path in extra:
        parsed = _parse(str(path), _read(path))
        for entry in parsed.values():
            _check_patterns(str(path), entry)
        own |= parsed
        entries |= parsed
    _check_causes(entries, own)
    return {key: _with_category(entry, entries) for key, entry in entries.items()}


def _shipped() -> Iterator[tuple[str, str]]:
    files = (file for file in resources.files(__package__ or "").iterdir() if file.name.endswith(".yaml"))
    for file in sorted(files, key=lambda file: file.name):
        yield file.name, file.read_text("utf-8")


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise KnowledgeError(f"{path}: cannot be read: {error}") from error


def _parse(name: str, text: str) -> Entries:
    try:
        data = yaml.load(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        raise KnowledgeError(f"{name}: not YAML: {error}") from error
    try:
        file = KnowledgeFile.model_validate(data)
    except ValidationError as error:
        raise KnowledgeError(f"{name}: {_first_error(error, data)}") from error
    entries: Entries = {}
    for entry in file.entries:
        if (entry.kind, entry.id) in entries:
            raise KnowledgeError(f"{name}: entry {entry.id}: a second {entry.kind} with this id")
        _check_fields(name, entry)
        entries[entry.kind, entry.id] = entry
    return entries


def _first_error(error: ValidationError, data: Any) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    where = list(first["loc"])
    if len(where) > 1 and where[0] == "entries" and isinstance(where[1], int):
        raw = data["entries"][where[1]]
        label = raw.get("id") if isinstance(raw, dict) else None
        where = [f"entry {label or f'#{where[1] + 1}'}", *where[2:]]
    return f"{': '.join(str(part) for part in where) or 'file'}: {first['msg']}"


def _check_fields(name: str, entry: Entry) -> None:
    missing = ""
    if entry.kind in _NEEDS_NAMES and not entry.match.names:
        missing = "match.names"
    elif entry.kind in _NEEDS_PATTERN and not entry.match.pattern:
        missing = "match.pattern"
    elif entry.kind == "openapi_code" and not (entry.match.names or entry.match.pattern):
        missing = "match.names or match.pattern"
    elif entry.kind == "config_key" and entry.section is None:
        missing = "section"
    elif entry.kind == "cause" and not (entry.title and entry.category):
        missing = "title and category"
    if missing:
        raise KnowledgeError(f"{name}: entry {entry.id}: a {entry.kind} needs {missing}")


def _check_patterns(name: str, entry: Entry) -> None:
    # Shipped patterns are compiled by the tests; compiling them all at every start would cost more than the YAML.
    for field, pattern in (("match.pattern", entry.match.pattern), ("valid_pattern", entry.valid_pattern)):
        if pattern is not None:
            try:
                Pattern(pattern)
            except ValueError as error:
                raise KnowledgeError(f"{name}: entry {entry.id}: {field}: {error}") from error


def _check_causes(entries: Entries, own: Iterable[tuple[Kind, str]]) -> None:
    owned = set(own)
    for key, entry in entries.items():
        if entry.cause is not None and ("cause", entry.cause) not in entries:
            origin = "user file" if key in owned else "shipped file"
            raise KnowledgeError(f"{origin}: entry {entry.id}: cause: no entry of kind cause has id {entry.cause!r}")


def _with_category(entry: Entry, entries: Entries) -> Entry:
    if entry.category is not None or entry.cause is None:
        return entry
    return entry.model_copy(update={"category": entries["cause", entry.cause].category})
