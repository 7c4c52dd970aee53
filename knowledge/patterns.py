"""RE2 as this project uses it: case-insensitive, `.` crosses newlines, bytes in and str out, linear in the text."""

from collections.abc import Iterable, Sequence
from typing import Any

import re2

GROUPS = frozenset(
    {
        *("code", "request_id", "grpc_code", "api", "name", "config", "node"),
        *("vswitch", "zone", "eni", "trunk", "security_group", "instance", "ip"),
    }
)
"""The named groups a pattern may have."""

_SET_MEMORY = 128 << 20
"""A ceiling for the combined automaton, not an allocation: above it RE2 would report "no match" for everything."""


def re2_options(*, memory: int | None = None) -> Any:
    """Return this project's RE2 options; `memory` is for a set, which needs no captures but a larger automaton."""
    options = re2.Options()
    options.case_sensitive = False
    options.dot_nl = True
    options.log_errors = False
    if memory is not None:
        options.max_mem = memory
        options.never_capture = True
    return options


def to_bytes(text: str | bytes) -> bytes:
    """UTF-8 for RE2; a lone surrogate (hostile JSON) becomes `?` instead of an error."""
    return text if isinstance(text, bytes) else text.encode("utf-8", "replace")


def to_text(value: bytes) -> str:
    """Return the str for what RE2 matched; broken UTF-8 becomes U+FFFD."""
    return value.decode("utf-8", "replace")


class Pattern:
    """One compiled RE2 pattern.

    Raises:
        ValueError: the pattern is not RE2, or has a named group that is not in `GROUPS`.
    """

    def __init__(self, pattern: str) -> None:
        try:
            self._compiled: Any = re2.compile(pattern.encode(), re2_options())
        except re2.error as error:
            detail = error.args[0] if error.args else ""
            raise ValueError(f"not RE2: {to_text(detail) if isinstance(detail, bytes) else detail}") from None
        unknown = {to_text(name) for name in self._compiled.groupindex} - GROUPS
        if unknown:
            raise ValueError(f"unknown named group {', '.join(sorted(unknown))}")

    def search(self, text: bytes) -> dict[str, str] | None:
        """Return the non-empty named groups of the first match anywhere, or None."""
        found = self._compiled.search(text)
        if found is None:
            return None
        return {to_text(name): to_text(value) for name, value in found.groupdict().items() if value}

    def fullmatch(self, text: bytes) -> bool:
        """Say whether the whole text matches."""
        return self._compiled.fullmatch(text) is not None


class PatternSet:
    """Many patterns in one pass: which of them match at all, before any is asked where."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self._patterns = patterns
        self._compiled: dict[int, Pattern] = {}
        self._set = re2.Set.SearchSet(re2_options(memory=_SET_MEMORY))
        for pattern in patterns:
            self._set.Add(pattern)
        self._set.Compile()

    def search(self, text: bytes) -> Iterable[tuple[int, dict[str, str]]]:
        """Yield (index of the pattern, its named groups) for every pattern that matches somewhere in `text`."""
        if not self._patterns:
            return
        for index in self._set.Match(text) or ():
            pattern = self._compiled.get(index)
            if pattern is None:
                pattern = self._compiled[index] = Pattern(self._patterns[index])
            groups = pattern.search(text)
            if groups is not None:
                yield index, groups
