"""Secrets in plain data: every string is redacted, and a value is also judged by the key it stands under."""

from collections.abc import Callable
from typing import Any

from terway_mcp.knowledge.redaction import MASK, redact


def masked(value: Any, text: Callable[[str], str] = redact) -> Any:
    """Return a copy of JSON-like data with its secrets masked.

    `text` is what happens to each string; it must redact.
    """
    if isinstance(value, str):
        return text(value)
    if isinstance(value, dict):
        return {text(str(key)): _under(str(key), item, text) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [masked(item, text) for item in value]
    return value


def _under(key: str, value: Any, text: Callable[[str], str]) -> Any:
    if isinstance(value, str) and value and _names_a_secret(key):
        return MASK
    return masked(value, text)


def _names_a_secret(key: str) -> bool:
    """True when redaction would hide whatever follows `key=`."""
    probe = f"{key}=probe"
    return redact(probe) != probe
