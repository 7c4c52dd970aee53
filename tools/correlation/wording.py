"""A cause put into words: this project's own sentences, filled with identifiers that can hold nothing else.

What the cluster wrote is quoted elsewhere, in fields that say so; an event message must not become an instruction.
"""

import re2

from terway_mcp.knowledge.schema import Entry
from terway_mcp.knowledge.titles import UNKNOWN, fill
from terway_mcp.tools.correlation.candidates import Candidate
from terway_mcp.tools.correlation.target import Target

_IDENTIFIER = re2.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/\-]{0,119}")
_NAMED = {
    "code": "code",
    "api": "API",
    "vswitch": "vSwitch",
    "zone": "zone",
    "eni": "ENI",
    "trunk": "trunk ENI",
    "security_group": "security group",
    "instance": "instance",
    "ip": "IP",
    "config": "configuration",
    "request_id": "request",
}


def title(candidate: Candidate, target: Target) -> str:
    """The cause's title with what is known about this case."""
    return fill(candidate.cause.title, identifiers_of(candidate, target))


def name(candidate: Candidate, target: Target) -> str:
    """The title where it only tells causes apart, without a word about what is not known."""
    return " ".join(title(candidate, target).replace(UNKNOWN, "").split())


def filled(template: str, candidate: Candidate, target: Target) -> str:
    """Any other text of the cause, likewise."""
    return fill(template, identifiers_of(candidate, target))


def fix(candidate: Candidate, target: Target) -> str:
    """What to do; where the node has a configuration of its own, which one counts (docs/dynamic-config.md)."""
    text = filled(candidate.cause.fix, candidate, target)
    if not target.config or "eni-config" not in text:
        return text
    return f"{text} Node {target.node} lays ConfigMap {target.config} over eni-config: a key in both counts as there."


def root_cause(candidate: Candidate, target: Target) -> str:
    """What the cause means, the identifiers that were seen, and the evidence to read."""
    known = identifiers_of(candidate, target)
    facts = [f"{words} {known[name]}" for name, words in _NAMED.items() if name in known]
    seen = f" Seen: {', '.join(facts)}." if facts else ""
    return f"{filled(candidate.cause.meaning, candidate, target)}{seen} Read {candidate.strongest.evidence.id} first."


def identifiers_of(candidate: Candidate, target: Target) -> dict[str, str]:
    """Identifiers from the supporting texts, by name; anything that does not look like one is left out."""
    groups = {"node": target.node, "name": candidate.strongest.evidence.fact.subject.name, **candidate.groups()}
    return {name: value for name, value in groups.items() if _IDENTIFIER.fullmatch(value)}


def entry_words(entry: Entry) -> str:
    """An entry's meaning in at most one sentence, for rows of a list."""
    return entry.meaning.split(". ")[0][:200]
