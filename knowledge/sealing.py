"""Secrets in plain data: every string is redacted, and a value is also judged by what it stands under or behind."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from terway_mcp.knowledge.redaction import MASK, redact

Text = Callable[[str], str]

_NAMES = ("name", "key")
_LONGEST_NAME = 200


def masked(value: Any, text: Text = redact) -> Any:
    """Return a copy of JSON-like data with its secrets masked.

    `text` is what happens to each string; it must redact. Masked whole: what stands under a secret key, the `value`
    of an entry whose `name` is one, and what follows a flag like `--access-key-secret` in a list.
    """
    if isinstance(value, str):
        return text(value)
    if isinstance(value, dict):
        named = any(_names_a_secret(value.get(name)) for name in _NAMES)
        return {text(str(key)): _under(key, item, text, named=named) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return _elements(value, text)
    return value


def _under(key: object, value: Any, text: Text, *, named: bool) -> Any:
    is_secret = (named and key == "value") or _names_a_secret(key)
    return _hidden(value, text) if is_secret else masked(value, text)


def _elements(value: Sequence[Any], text: Text) -> list[Any]:
    before = ("", *value)
    return [
        _hidden(item, text) if _is_secret_flag(previous) and not _is_flag(item) else masked(item, text)
        for previous, item in zip(before, value, strict=False)
    ]


def _hidden(value: Any, text: Text) -> Any:
    """Mask a scalar and the scalars of a list; that one is empty, or no more than a switch, is a finding."""
    if isinstance(value, list | tuple):
        return [_hidden(item, text) for item in value]
    if isinstance(value, dict) or value is None or isinstance(value, bool) or value == "":
        return masked(value, text)
    return MASK


def _is_flag(item: object) -> bool:
    return isinstance(item, str) and item.startswith("-")


def _is_secret_flag(item: object) -> bool:
    return _is_flag(item) and "=" not in str(item) and _names_a_secret(item)


def _names_a_secret(key: object) -> bool:
    return isinstance(key, str) and len(key) <= _LONGEST_NAME and _hides_what_follows(key)


@lru_cache(maxsize=4096)
def _hides_what_follows(key: str) -> bool:
    """True when redaction would hide what stands under this key."""
    probe = f'"{key}":"probe"'
    return redact(probe).endswith(f'"{MASK}"') or MASK in redact(f"{key}=probe")
