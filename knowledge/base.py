"""`Knowledge`: every Terway fact this project knows, indexed by what a cluster shows. Pure: no network, no MCP."""

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

import msgspec

from terway_mcp.knowledge.identifiers import Identifiers, identifiers
from terway_mcp.knowledge.loading import load_entries
from terway_mcp.knowledge.patterns import Pattern, PatternSet, to_bytes
from terway_mcp.knowledge.reasons import ReasonIndex
from terway_mcp.knowledge.schema import Entry, Kind, Role, Section, Source

_ROLE_RANK: dict[Role, int] = {"decisive": 0, "strong": 1, "pointing": 2, "recovery": 3, "benign": 4, "symptom": 5}


class TextMatch(msgspec.Struct, frozen=True):
    """An entry that matched a text, and what its named groups (or, for a code, the text's identifiers) hold."""

    entry: Entry
    groups: dict[str, str]


class Knowledge:
    """The entries by kind, by name and by text. Build it with `load`; it never changes afterwards."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._by_kind: dict[Kind, dict[str, Entry]] = {}
        for entry in entries:
            self._by_kind.setdefault(entry.kind, {})[entry.id] = entry
        self._reasons = ReasonIndex(self.entries("event_reason"))
        self._codes = {name.casefold(): entry for entry in self.entries("openapi_code") for name in _names(entry)}
        self._families: tuple[tuple[Pattern, Entry], ...] | None = None
        self._labels = {name: entry for entry in self.entries("label") for name in _names(entry)}
        self._states = {name: entry for entry in self.entries("state") for name in _names(entry)}
        self._config = {(entry.section, name): entry for entry in self.entries("config_key") for name in _names(entry)}
        self._texts: dict[Source, tuple[tuple[Entry, ...], PatternSet]] = {}

    @classmethod
    def load(cls, extra: Sequence[Path] = ()) -> "Knowledge":
        """Read the shipped files and the user's `extra` files; a user's entry replaces a shipped one of its (kind, id).

        Raises:
            KnowledgeError: a file cannot be read, is not YAML or breaks the schema, has a pattern that is not RE2,
                an unknown cause or a duplicate id; the text names file, entry and field.
        """
        return cls(load_entries(extra).values())

    def entries(self, kind: Kind) -> tuple[Entry, ...]:
        """Every entry of one kind, in file order."""
        return tuple(self._by_kind.get(kind, {}).values())

    def get(self, kind: Kind, entry_id: str) -> Entry | None:
        """Return the entry with this kind and id."""
        return self._by_kind.get(kind, {}).get(entry_id)

    def cause(self, cause_id: str) -> Entry | None:
        """Return the root cause with this id."""
        return self.get("cause", cause_id)

    def event_reason(
        self, reason: str, *, object_kind: str, reporter: str = "", related_kind: str = ""
    ) -> Entry | None:
        """Return what an event's reason means on this kind of object, old names included.

        `object_kind` is Pod, Node (core), NodeCR, PodENI, NetworkInterface, PodNetworking, Lease, ...; `reporter` the
        reporting component as the event has it. The entry that most of these facts satisfy wins; when none fits the
        object, one that knows the reason is better than nothing. None when nobody knows the reason.
        """
        return self._reasons.find(reason, object_kind, reporter, related_kind)

    def canonical_reason(self, reason: str, object_kind: str) -> str:
        """Return the reason's newest name on this kind of object; the reason itself when it is unknown."""
        entry = self.event_reason(reason, object_kind=object_kind)
        return reason if entry is None else entry.match.names[0]

    def openapi_code(self, code: str) -> Entry | None:
        """Return the entry of an Alibaba Cloud error code, in any case and with or without the `Err` of Go constants.

        An exact code wins over a family (`Throttling.*`). None for a code nobody knows.
        """
        name = code.strip().casefold()
        entry = self._codes.get(name) or self._codes.get(name.removeprefix("err"))
        if entry is not None:
            return entry
        if self._families is None:
            families = (entry for entry in self.entries("openapi_code") if entry.match.pattern)
            ordered = sorted(families, key=lambda entry: -entry.priority)
            self._families = tuple((Pattern(entry.match.pattern or ""), entry) for entry in ordered)
        return next((entry for pattern, entry in self._families if pattern.fullmatch(to_bytes(name))), None)

    def match_text(self, text: str | bytes, source: Source, *, object_kind: str = "") -> tuple[TextMatch, ...]:
        """Return every entry that speaks about a text found in `source`, the one to believe first.

        Entries for particular objects are left out when `object_kind` is given and is another. The order is
        priority, then role (decisive before symptom), then file order; what a matching entry supersedes is left
        out. An OpenAPI code in the text counts like a pattern. One pass over the text finds the candidates, so
        this suits thousands of short texts; bytes need not be valid UTF-8.
        """
        raw = to_bytes(text)
        entries, patterns = self._texts.get(source) or self._index(source)
        found = [
            TextMatch(entries[index], groups)
            for index, groups in patterns.search(raw)
            if not object_kind or object_kind in (entries[index].match.object_kinds or (object_kind,))
        ]
        found += self._code_matches(raw)
        silent = {entry_id for match in found for entry_id in match.entry.supersedes}
        found = [match for match in found if match.entry.id not in silent]
        found.sort(key=lambda match: (-match.entry.priority, _ROLE_RANK[match.entry.role]))
        return tuple(found)

    def text_patterns(self, source: Source, *, without: Collection[Role]) -> list[str]:
        """Return the RE2 patterns of the entries that may speak about `source`, those of some roles left out."""
        entries, _ = self._texts.get(source) or self._index(source)
        return [entry.match.pattern for entry in entries if entry.match.pattern and entry.role not in without]

    def config_key(self, section: Section, key: str) -> Entry | None:
        """Return what a configuration key means; None for a key Terway does not know."""
        return self._config.get((section, key))

    def label(self, key: str) -> Entry | None:
        """Return what a label, an annotation or an extended resource means to Terway."""
        return self._labels.get(key)

    def state(self, name: str) -> Entry | None:
        """Return what a symbolic object state (`node_full`, `podeni_phase_unbound`, ...) means."""
        return self._states.get(name)

    def _index(self, source: Source) -> tuple[tuple[Entry, ...], PatternSet]:
        entries = tuple(
            entry
            for kind in ("message", "log")
            for entry in self.entries(kind)
            if not entry.match.sources or source in entry.match.sources
        )
        index = entries, PatternSet([entry.match.pattern or "" for entry in entries])
        self._texts[source] = index
        return index

    def _code_matches(self, raw: bytes) -> list[TextMatch]:
        # Every spelling of a code's introduction ends in these three letters, so most texts skip the scan.
        if b"ode" not in raw and b"SDK." not in raw:
            return []
        ids = identifiers(raw)
        known = ((code, self.openapi_code(code)) for code in ids.openapi_codes)
        return [TextMatch(entry, _code_groups(code, ids)) for code, entry in known if entry is not None]


def _names(entry: Entry) -> tuple[str, ...]:
    return *entry.match.names, *(alias.name for alias in entry.match.aliases)


def _code_groups(code: str, ids: Identifiers) -> dict[str, str]:
    groups = {
        "request_id": ids.request_ids,
        "vswitch": ids.vswitches,
        "zone": ids.zones,
        "eni": ids.enis,
        "security_group": ids.security_groups,
        "instance": ids.instances,
    }
    return {"code": code} | {name: values[0] for name, values in groups.items() if values}
