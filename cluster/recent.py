"""Answers of the last moments, so that the tools of one investigation do not ask an API server the same twice.

Several tools need the same object: a node's Terway pod, `eni-config`, the node's events. Whoever repeats a call wants
to know what is true now, so a tool never gets an answer it has already had.
"""

from collections import OrderedDict
from collections.abc import Callable

import anyio
import msgspec

from terway_mcp.cluster.connection import Answer

FRESH_SECONDS = 30.0
_MOST_BYTES = 4 * 1024 * 1024
"""Of all investigations together; the least recently used answers go first."""

_LARGEST = 256 * 1024
_BESIDE_A_BODY = 1024
"""Bytes that an answer takes besides its body: even empty ones must not be kept without end."""

_KEPT_STATUSES = (200, 404)


class _Kept(msgspec.Struct):
    answer: Answer
    since: float
    seen_by: set[str]


class RecentAnswers:
    """What API servers answered, by investigation and request."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str], _Kept] = OrderedDict()
        self._bytes = 0

    def find(self, investigation: str, asker: str, request: str) -> Answer | None:
        """A fresh answer that this asker has not had yet."""
        found = self._kept.get((investigation, request))
        if found is None or asker in found.seen_by or anyio.current_time() - found.since > FRESH_SECONDS:
            return None
        found.seen_by.add(asker)
        self._kept.move_to_end((investigation, request))
        return found.answer

    def keep(self, investigation: str, asker: str, request: str, answer: Answer) -> None:
        """Remember an answer, unless it is large or a failure that may be over in a moment.

        One that was found here grows no younger by it, and who has had it may not have it again.
        """
        known = self._kept.get((investigation, request))
        if known is not None and known.answer is answer:
            return
        self._drop((investigation, request))
        if answer.status not in _KEPT_STATUSES or len(answer.body) > _LARGEST:
            return
        self._kept[investigation, request] = _Kept(answer, anyio.current_time(), {asker})
        self._bytes += len(answer.body) + _BESIDE_A_BODY
        while self._bytes > _MOST_BYTES:
            self._drop(next(iter(self._kept)))

    def _drop(self, key: tuple[str, str]) -> None:
        if dropped := self._kept.pop(key, None):
            self._bytes -= len(dropped.answer.body) + _BESIDE_A_BODY


class Asker(msgspec.Struct, frozen=True):
    """One tool call's view of them; `heard` is told the body of every answer that it gets."""

    answers: RecentAnswers
    investigation: str
    name: str
    heard: Callable[[bytes], None] = lambda _: None

    def find(self, request: str) -> Answer | None:
        """See `RecentAnswers.find`."""
        found = self.answers.find(self.investigation, self.name, request)
        if found is not None:
            self.heard(found.body)
        return found

    def keep(self, request: str, answer: Answer) -> None:
        """See `RecentAnswers.keep`."""
        self.answers.keep(self.investigation, self.name, request, answer)
