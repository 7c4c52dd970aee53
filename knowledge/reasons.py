"""Which entry speaks for an event: the same reason means different things by object, reporter and related object."""

from collections.abc import Iterable

from terway_mcp.knowledge.schema import Entry

_Score = tuple[int, int, int, int]


class ReasonIndex:
    """Event reasons, current and former names, by the object they are about."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._by_name: dict[str, list[Entry]] = {}
        for entry in entries:
            for name in {*entry.match.names, *(alias.name for alias in entry.match.aliases)}:
                self._by_name.setdefault(name.casefold(), []).append(entry)

    def find(self, reason: str, object_kind: str, reporter: str, related_kind: str) -> Entry | None:
        """Return the entry that fits best; the first declared wins a tie. None for an unknown reason."""
        candidates = self._by_name.get(reason.strip().casefold(), ())
        return max(candidates, key=lambda entry: _score(entry, object_kind, reporter, related_kind), default=None)


def _score(entry: Entry, object_kind: str, reporter: str, related_kind: str) -> _Score:
    """Object before reporter before related object; an unknown value neither supports nor contradicts."""
    match = entry.match
    return (
        _fit(object_kind in match.object_kinds, match.object_kinds, object_kind),
        _reporter_fit(match.reporters, reporter),
        _fit(related_kind in match.related_kinds, match.related_kinds, related_kind),
        entry.priority,
    )


def _fit(holds: bool, wanted: tuple[str, ...], value: str) -> int:
    if not wanted or not value:
        return 0
    return 1 if holds else -1


def _reporter_fit(wanted: tuple[str, ...], reporter: str) -> int:
    # The longest prefix decides: `terway-controlplane/pod` also begins `terway-controlplane/pod-eni`.
    longest = max((len(prefix) for prefix in wanted if reporter.startswith(prefix)), default=0)
    return longest or _fit(False, wanted, reporter)
