"""Which log records are wanted: the telling ones by default, or the ones a caller's pattern matches."""

from typing import Any

import re2

from terway_mcp.cluster.errors import InvalidInput
from terway_mcp.knowledge.base import Knowledge
from terway_mcp.knowledge.schema import Role, Source
from terway_mcp.tools.log_lines import TROUBLE, WORSE_THAN_INFO, Record, is_telling
from terway_mcp.tools.log_scan import Filter

QUIET: tuple[Role, ...] = ("benign", "recovery")
"""Roles of entries that make a line no more interesting."""

_MEMORY = 256 << 20
"""A ceiling for the automaton, not an allocation; it grows only as far as the log's texts lead it."""

_ANCHORS = ("^", "$", "\\A", "\\z")


def telling_filter(knowledge: Knowledge, source: Source) -> Filter:
    """Warnings and worse, lines that speak of trouble, and lines of any level that knowledge counts as trouble."""

    def accepts(record: Record) -> bool:
        if is_telling(record):
            return True
        return any(match.entry.role not in QUIET for match in knowledge.match_text(record.text, source))

    if source == "init_log":
        # A few lines, of which the last says why the container ended: each is looked at.
        return Filter(_multi_line("^."), accepts)
    patterns = [f"(?:{pattern})" for pattern in knowledge.text_patterns(source, without=QUIET)]
    return Filter(_multi_line("|".join([WORSE_THAN_INFO, TROUBLE, *patterns])), accepts)


def pattern_filter(pattern: str) -> Filter:
    """Records whose text matches a caller's RE2, in any case.

    An anchor means the record's own beginning or end, which a whole block does not have. At the ends of the pattern it
    is left out of the coarse search; anywhere else every line has to be looked at.

    Raises:
        InvalidInput: The pattern is not RE2.
    """
    try:
        compiled = re2.compile(pattern.encode(), _options())
    except re2.error as error:
        detail = error.args[0] if error.args else error
        words = detail.decode(errors="replace") if isinstance(detail, bytes) else str(detail)
        # RE2 repeats a part of the pattern behind the reason; it may be any part, so nothing could be masked in it.
        raise InvalidInput(f"pattern is not valid RE2: {words.partition(': ')[0]}") from error
    return Filter(_multi_line(_unanchored(pattern)), lambda record: compiled.search(record.text) is not None)


def _unanchored(pattern: str) -> str:
    """A pattern that hits wherever the anchored one may."""
    if not any(anchor in pattern for anchor in _ANCHORS):
        return pattern
    bare = pattern.removeprefix("^")
    bare = bare[:-1] if bare.endswith("$") and not bare.endswith("\\$") else bare
    simple = not any(anchor in bare for anchor in _ANCHORS) and "|" not in bare
    return bare if simple else "^."


def _multi_line(pattern: str) -> Any:
    return re2.compile(b"(?m)" + pattern.encode(), _options())


def _options() -> Any:
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    options.max_mem = _MEMORY
    return options
