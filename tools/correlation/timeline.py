"""What happened when, over all objects, and which of it is the causal chain."""

from collections.abc import Iterator, Mapping, Set
from typing import Literal

import msgspec

from terway_mcp.tools.correlation.target import SHARED, Target, evidence_closeness
from terway_mcp.tools.evidence import Evidence, Fact

_TEXT = 160
_OF_A_STEP = 2
"""As much of each step of the chain is told before anything else is, whatever the verdict cites aside."""


class Moment(msgspec.Struct, omit_defaults=True):
    """One line of the timeline.

    `time` is when it was last seen, or when a status began; "" for what was found without a time. `since` is when it
    was first seen, unless that is the same second. `step` numbers the causal chain by objects, 1 for where the cause
    was seen; 0 stands for what is not part of it.
    """

    time: str
    object: str
    text: str
    evidence: str
    since: str = ""
    kind: Literal["event", "log", "status", "config"] = "event"
    step: int = 0


def timeline(
    ledger: list[Evidence], target: Target, cited: Set[str], steps: Mapping[str, int], *, limit: int = 10
) -> list[Moment]:
    """Evidence in order of time; when there is too much, what the verdict cites, the chain and the loudest stay."""
    timed = [e for e in ledger if e.fact.time and evidence_closeness(e, target) >= SHARED]
    told = [*timed, *_untimed(ledger, timed, cited, steps)]
    seen: dict[int, int] = {}
    leading = set()
    for evidence in told:
        if step := steps.get(evidence.id):
            seen[step] = seen.get(step, 0) + 1
            leading |= {evidence.id} if seen[step] <= _OF_A_STEP else set()

    def least_wanted_last(evidence: Evidence) -> tuple[bool, bool, bool, str]:
        one = evidence.id
        return (one not in cited, one not in leading, _is_quiet(evidence.fact), evidence.fact.time)

    kept = sorted(told, key=least_wanted_last)[:limit]
    numbers = {step: number for number, step in enumerate(sorted({steps[e.id] for e in kept if e.id in steps}), 1)}
    return [_moment(e, numbers.get(steps.get(e.id, 0), 0)) for e in sorted(kept, key=lambda e: (e.fact.time, e.id))]


def _is_quiet(fact: Fact) -> bool:
    return fact.data.get("type") == "Normal" or (fact.kind == "log" and fact.data.get("level") not in ("E", "F"))


def _untimed(
    ledger: list[Evidence], timed: list[Evidence], cited: Set[str], steps: Mapping[str, int]
) -> Iterator[Evidence]:
    """Links of the chain without a time: what is cited, and the first of a step that nothing else shows."""
    shown = {steps[e.id] for e in timed if e.id in steps}
    for evidence in ledger:
        step = steps.get(evidence.id)
        if step is None or evidence.fact.time or (evidence.id not in cited and step in shown):
            continue
        shown.add(step)
        yield evidence


def _moment(evidence: Evidence, step: int) -> Moment:
    fact = evidence.fact
    time, since = _second(fact.time), _second(str(fact.data.get("first") or ""))
    kind = "status" if fact.kind == "coverage" else fact.kind
    return Moment(
        time, str(fact.subject), _beside_object(fact)[:_TEXT], evidence.id, since if since < time else "", kind, step
    )


def _second(time: str) -> str:
    return f"{time[:19]}Z" if time else ""


def _beside_object(fact: Fact) -> str:
    """The text without the name of the object, which stands beside it."""
    name, text = str(fact.subject), fact.text
    before, found, after = text.partition(f" on {name}: ")
    if found and len(before) < _TEXT:
        return f"{before}: {after}"
    head, found, rest = text.partition(": ")
    if head == name or head.startswith(f"Terway pod {fact.subject.name} on "):
        return rest
    return text.removeprefix(f"{name} ")
