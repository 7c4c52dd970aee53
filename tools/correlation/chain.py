"""The causal chain: from the object the root cause was seen on, over what carries the target, to the target itself."""

from terway_mcp.knowledge.base import Knowledge
from terway_mcp.tools.correlation.candidates import Candidate
from terway_mcp.tools.correlation.signals import Signal
from terway_mcp.tools.correlation.target import NEAR, SAME, SHARED, Target
from terway_mcp.tools.evidence import Evidence, Subject

_MADE_FOR_POD = ("PodNetworking", "NetworkInterface", "PodENI")
_LAYERS = ("NodeCR", "NodeRuntime", "Pod", "Node", *_MADE_FOR_POD)
"""What carries a pod, the lowest first; the controlplane and what is configured for all lie below it."""

_OF_NOW = 0.5
"""What was last seen long before all else is no effect of the cause."""


def causal_chain(winner: Candidate, found: list[Signal], knowledge: Knowledge, target: Target) -> dict[str, int]:
    """Number the evidence by its step: 1 where the cause was seen, the highest at the target.

    A step is an object. What follows from the cause belongs to the chain when it is seen near the target and argues
    for no other cause than a consequence of this one.
    """
    causes = {s.evidence.id: s for s in winner.support if s.closeness >= SHARED and not s.over}
    follows = _consequences(winner.cause.id, knowledge)
    effects = {s.evidence.id: s for s in found if _follows(s, follows)}
    origins = {_object(signal.evidence) for signal in causes.values()}
    hit = {_object(signal.evidence) for signal in (causes | effects).values() if _is_hit(signal)}
    links = effects | causes
    if origins <= hit:
        # Seen on the target alone, the cause lies behind nothing that carries it.
        links = {evidence: signal for evidence, signal in links.items() if _object(signal.evidence) in hit}
    objects = {_object(signal.evidence) for signal in links.values()}
    ordered = sorted(objects, key=lambda o: (o in hit, o not in origins, _layer(o, target), str(o)))
    steps = {subject: number for number, subject in enumerate(ordered, 1)}
    return {evidence: steps[_object(signal.evidence)] for evidence, signal in links.items()}


def _consequences(cause_id: str, knowledge: Knowledge) -> set[str]:
    """Causes that this one may have brought about: those it is named to be behind, and all that are mere effects."""
    follows = {entry.id for entry in knowledge.entries("cause") if entry.effect}
    waiting = [cause_id]
    while waiting:
        cause = knowledge.cause(waiting.pop())
        new = set(cause.behind) - follows if cause else set()
        follows |= new
        waiting += new
    return follows - {cause_id}


def _follows(signal: Signal, causes: set[str]) -> bool:
    """True for an effect near the target: of a cause that is a consequence, or a symptom that names none."""
    if signal.over or signal.closeness < NEAR or signal.freshness < _OF_NOW or signal.role in ("recovery", "benign"):
        return False
    if signal.cause:
        return signal.cause in causes
    fact = signal.evidence.fact
    if fact.kind == "log":
        return signal.role == "symptom" and fact.data.get("level") in ("E", "F")
    return signal.role == "symptom" or fact.kind == "status"


def _is_hit(signal: Signal) -> bool:
    return signal.closeness == SAME and signal.evidence.fact.subject.kind not in _MADE_FOR_POD


def _object(evidence: Evidence) -> Subject:
    """The object by its name: not every source knows the uid."""
    subject = evidence.fact.subject
    return Subject(subject.kind_name, subject.name, subject.namespace)


def _layer(subject: Subject, target: Target) -> int:
    if subject.kind == "Pod" and subject.name != target.terway_pod:
        return -1
    return _LAYERS.index(subject.kind) if subject.kind in _LAYERS else -1
