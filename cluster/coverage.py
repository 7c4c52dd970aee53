"""What was looked at and how that went: the honest half of every answer."""

from typing import Generic, Literal, TypeVar

import msgspec

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
