"""A captured cluster together with the question asked about it and the right answer."""

from collections.abc import Callable

import msgspec

from .builder import ClusterBuilder


class Truth(msgspec.Struct, frozen=True, kw_only=True):
    """What a good answer says, and what it must not say."""

    category: str
    also: tuple[str, ...] = ()
    """Other categories a careful reader could defend."""
    facts: tuple[str, ...]
    """Strings that must be named in the answer, compared without case."""
    forbidden: tuple[str, ...] = ()
    """Claims that must not be made: strings that title and root cause of the verdict must not contain."""

    def accepts(self, category: str) -> bool:
        """Whether a verdict of that category is right."""
        return category == self.category or category in self.also


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """One captured cluster; `pod` or `workload` (in `namespace`) or `node` is what is asked about."""

    name: str
    title: str
    symptom: str
    build: Callable[[], ClusterBuilder]
    truth: Truth
    namespace: str = ""
    pod: str = ""
    workload: str = ""
    """`deployment/web`, `statefulset/db`: for pods that were never created."""
    node: str = ""
