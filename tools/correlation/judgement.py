"""The shape of a conclusion: verdict, findings, what was ruled out and what is missing."""

from typing import Literal

import msgspec

from terway_mcp.knowledge.schema import Category
from terway_mcp.tools.correlation.target import Target

Confidence = Literal["confirmed", "likely", "possible", "insufficient"]


class Finding(msgspec.Struct, omit_defaults=True):
    """One cause that is supported: what, why, how to fix it and how to see that it is fixed.

    A remark hides failures (events that cannot be written) but is none itself.
    """

    cause: str
    category: Category
    confidence: Confidence
    title: str
    meaning: str = ""
    evidence: list[str] = []
    against: list[str] = []
    fix: str = ""
    verify: str = ""
    remark: bool = False


class Verdict(msgspec.Struct, omit_defaults=True):
    """The answer (design: `verdict`); `evidence` holds ids of the ledger only."""

    category: Category
    confidence: Confidence
    title: str
    root_cause: str
    affected: list[str] = []
    evidence: list[str] = []


class RuledOut(msgspec.Struct, omit_defaults=True):
    """A cause that was considered and why it does not win."""

    title: str
    why: str
    evidence: list[str] = []


class Judgement(msgspec.Struct):
    """Everything the correlation concludes; `steps` numbers the evidence of the causal chain, 1 for the cause."""

    verdict: Verdict
    findings: list[Finding]
    ruled_out: list[RuledOut]
    missing_evidence: list[str]
    unexplained: list[str]
    steps: dict[str, int] = {}


class Setting(msgspec.Struct, frozen=True):
    """What the investigation knows besides evidence: how it was conducted.

    `skipped` are steps and the caller's reasons, `missing` sources that cannot be read at all, both in words; a
    skipped step lowers the confidence by one level.
    """

    target: Target
    version: str = ""
    skipped: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
