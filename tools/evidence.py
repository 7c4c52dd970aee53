"""Facts as a tool finds them, and evidence as the ledger keeps them.

A fact names one thing about one object. Its identity (`key`) does not depend on counts or times, so reading the
same fact twice finds the same evidence id.
"""

from hashlib import blake2b
from typing import Any, Literal, Protocol

import msgspec

from terway_mcp.cluster.coverage import Coverage

EvidenceKind = Literal["config", "status", "event", "log", "coverage"]


class Subject(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """The object a fact is about."""

    kind: str
    name: str
    namespace: str = ""
    api_version: str = "v1"
    uid: str = ""

    def __str__(self) -> str:
        where = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"{self.kind_name} {where}"

    @property
    def kind_name(self) -> str:
        """The kind as knowledge names it: Terway's own Node is `NodeCR`, the core one `Node`."""
        return "NodeCR" if self.kind == "Node" and "/" in self.api_version else self.kind


class Fact(msgspec.Struct, frozen=True, omit_defaults=True):
    """One observation.

    `name` says what was observed: a state of `knowledge/states.yaml`, `event`, `log` or a configuration topic;
    `data` holds what the correlation reads; `group` separates several facts of the same name on one object.
    """

    kind: EvidenceKind
    name: str
    subject: Subject
    text: str
    time: str = ""
    source: str = ""
    group: str = ""
    data: dict[str, Any] = {}

    @property
    def key(self) -> str:
        """Identity of the observation within an investigation."""
        subject = self.subject
        parts = (self.kind, self.name, subject.kind_name, subject.namespace, subject.name, subject.uid, self.group)
        return blake2b("\0".join(parts).encode(), digest_size=12).hexdigest()


class Evidence(msgspec.Struct, frozen=True, omit_defaults=True):
    """A fact in the ledger, under the id that answers and verdicts cite."""

    id: str
    fact: Fact


class Noted(msgspec.Struct, frozen=True):
    """What the ledger says to a fact: its id, and whether it stood there already just so."""

    id: str
    unchanged: bool


def normalized(investigation: str) -> str:
    """An id as a model may hand it back: in quotes, backticks, spaces or capitals."""
    return investigation.strip(" \t\r\n\"'`<>").casefold()


def coverage_fact(read: Coverage) -> Fact:
    """How a read went; the ledger keeps of each read the latest."""
    text = f"{read.what}: {read.outcome}" + (f" ({read.detail})" if read.detail else "")
    return Fact("coverage", "read", Subject("Read", read.what), text, data=msgspec.structs.asdict(read))


def coverage_of(fact: Fact) -> Coverage | None:
    """The read that `coverage_fact` noted; None of any other fact."""
    return msgspec.convert(fact.data, Coverage) if fact.kind == "coverage" else None


class FactSheet:
    """Facts of one answer, each with the part of the answer that will cite it."""

    def __init__(self) -> None:
        self.facts: list[Fact] = []
        self._cited_by: list[tuple[msgspec.Struct, str] | None] = []

    def add(self, fact: Fact, cited_by: msgspec.Struct | None = None, field: str = "evidence") -> None:
        """Add a fact; its evidence id goes into `field` of the part, if there is one."""
        self.facts.append(fact)
        self._cited_by.append((cited_by, field) if cited_by is not None else None)

    async def record(self, ledger: "Ledger") -> None:
        """Write all facts to the ledger and their ids into the answer."""
        noted = await ledger.record(self.facts)
        for entry, part in zip(noted, self._cited_by, strict=True):
            if part is not None:
                setattr(part[0], part[1], entry.id)


class Ledger(Protocol):
    """The append-only evidence of one investigation."""

    async def record(self, facts: list[Fact]) -> list[Noted]:
        """Add facts and return their ids in the same order."""
        ...

    async def evidence(self) -> list[Evidence]:
        """Everything recorded so far; of a fact recorded twice, the latest."""
        ...
