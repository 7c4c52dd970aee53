"""What was looked at and how that went: the honest half of every answer."""

from typing import Generic, Literal, TypeVar

import msgspec
import re2

T = TypeVar("T")

Outcome = Literal["read", "forbidden", "not_found", "expired", "truncated", "unavailable", "timed_out"]


class Coverage(msgspec.Struct, frozen=True):
    """One read and its outcome.

    `what` names the read in the operator's words ("configmap kube-system/eni-config"); `detail` says
    why it is not `read`, e.g. the RBAC verb and resource to grant.
    """

    what: str
    outcome: Outcome
    detail: str = ""

    @property
    def is_settled(self) -> bool:
        """True when it is known what is there, if only that nothing is."""
        return self.outcome in ("read", "not_found")


class Grantable(msgspec.Struct, frozen=True):
    """The permission that a forbidden read lacked; `namespace` "" is the whole cluster."""

    verb: str
    resource: str
    namespace: str = ""

    @property
    def words(self) -> str:
        """How the `detail` of a forbidden read says it."""
        scope = f" in namespace {self.namespace}" if self.namespace else ""
        return f"RBAC: grant verb {self.verb} on {self.resource}{scope}"

    @classmethod
    def of(cls, detail: str) -> "Grantable | None":
        """What `words` says; None of any other text."""
        found = _WORDS.fullmatch(detail)
        return cls(found[1], found[2], found[3] or "") if found else None


_WORDS = re2.compile(r"RBAC: grant verb (\w+) on (.+?)(?: in namespace ([^\s]+))?")


class Read(msgspec.Struct, Generic[T], frozen=True):
    """A value read from the cluster together with its coverage; `value` is None unless something was read."""

    value: T | None
    coverage: Coverage
    source: str = ""
    """The request that was made, as `METHOD path?query` without host: what evidence cites."""

    @property
    def outcome(self) -> Outcome:
        """Shorthand for `coverage.outcome`."""
        return self.coverage.outcome
