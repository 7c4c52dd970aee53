"""`eni-config`: what the daemon is configured to do, checked key by key (types/daemon/config.go)."""

import difflib
import json
from functools import cache
from typing import Any

import msgspec

from terway_mcp.knowledge.base import Knowledge
from terway_mcp.knowledge.patterns import Pattern
from terway_mcp.knowledge.schema import Section

_MASKED = "******"
_SCALAR = (str, int, float, bool)


class ConfigCheck(msgspec.Struct, omit_defaults=True):
    """One ConfigMap entry read as configuration.

    `values` holds every key that is set, secrets masked; `error` is the parser's message when it is not JSON.
    """

    values: dict[str, Any] = {}
    unknown: list[str] = []
    invalid: list[str] = []
    error: str = ""


def check_json(text: str | None, section: Section, knowledge: Knowledge) -> ConfigCheck:
    """Parse a JSON configuration and check each key against the knowledge of that section."""
    if text is None:
        return ConfigCheck(error="the key is missing")
    try:
        parsed = msgspec.json.decode(text.encode())
    except (msgspec.DecodeError, RecursionError) as error:
        return ConfigCheck(error=f"not valid JSON: {locate(text, error)}")
    if not isinstance(parsed, dict):
        return ConfigCheck(error="not a JSON object")
    return check_keys(parsed, section, knowledge)


def check_keys(parsed: dict[str, Any], section: Section, knowledge: Knowledge) -> ConfigCheck:
    """Check the keys of an already parsed configuration."""
    check = ConfigCheck()
    entries = (entry for entry in knowledge.entries("config_key") if entry.section == section)
    known = [name for entry in entries for name in entry.match.names]
    for key, value in parsed.items():
        entry = knowledge.config_key(section, key)
        if entry is None:
            close = difflib.get_close_matches(key, known, n=1, cutoff=0.8)
            check.unknown.append(f"{key} (did you mean {close[0]}?)" if close else key)
            check.values[key] = value if isinstance(value, _SCALAR) else "..."
            continue
        check.values[key] = _MASKED if entry.secret and value else value
        if entry.valid_pattern and isinstance(value, _SCALAR) and not _is_valid(entry.valid_pattern, value):
            check.invalid.append(f"{key}={value} (valid: {entry.valid})")
    return check


def merge_patch(base: Any, patch: Any) -> Any:
    """RFC 7396: how a node's dynamic ConfigMap is laid over `eni-config` (null deletes, arrays replace)."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(base) if isinstance(base, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged


def locate(text: str, error: Exception) -> str:
    """Where a text stops being JSON, by line and column; a text that is cut short is told by its end.

    msgspec gives the reason, but notices a misspelt word only behind it, so the standard library gives the place.
    """
    reason = str(error).split(" (byte ")[0].removeprefix("JSON is malformed: ")
    try:
        json.loads(text)
    except json.JSONDecodeError as found:
        return f"{reason} at line {found.lineno}, column {found.colno}"
    except RecursionError:
        return "it is nested too deeply"
    return reason


@cache
def _accepted(pattern: str) -> Pattern:
    return Pattern(pattern)


def _is_valid(pattern: str, value: object) -> bool:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return _accepted(pattern).fullmatch(text.encode(errors="replace"))
