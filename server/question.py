"""The one question this server may put to a user: which of several suspects a symptom is about. Pure.

It is worth asking where the symptom names none of them; its choices are data of the cluster, cleaned and bounded.
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from terway_mcp.cluster.names import is_object_name
from terway_mcp.knowledge.redaction import disarmed
from terway_mcp.server.envelope import Envelope
from terway_mcp.server.state import Done
from terway_mcp.tools.cluster_facts import ClusterReport
from terway_mcp.tools.suspects import Suspect

MESSAGE = (
    "Several objects have recent Terway warnings, and the symptom names none of them. Which one is it about? "
    "The investigation begins there."
)
FIELD = "object"

_NONE = "none of these"
_CHOICES = 5
_LONGEST_CHOICE = 120
_KINDS = {"Pod": "pod", "PodENI": "pod", "Node": "node", "NodeCR": "node"}
"""What can be inspected, and how a target of that kind is called."""

_WORD = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?")
_GENERATED = re.compile(r"[a-z0-9.-]+-[a-z]*[0-9][a-z0-9]*")
"""`web-0` or `web-7d9c5b7c9-x2x4z`: a word that is likely the name of something, though of no suspect."""


class Question(msgspec.Struct, frozen=True):
    """The words that may be chosen, and the investigation that waits for it."""

    investigation: str
    choices: list[str]

    @property
    def schema(self) -> dict[str, Any]:
        """A form of one field with a closed list of values."""
        field = {"type": "string", "title": "Object", "enum": [*self.choices, _NONE]}
        return {"type": "object", "properties": {FIELD: field}, "required": [FIELD]}


def which_suspect(arguments: Mapping[str, Any], envelope: Envelope) -> Question | None:
    """The question that an answer of `inspect_cluster` leaves open, None if it leaves none.

    Replicas of one workload count as one suspect, the worst of them. Only the call that opens an investigation asks.
    """
    report, symptom = envelope.data, arguments.get("symptom")
    if arguments.get("investigation") or envelope.investigation is None:
        return None
    if not isinstance(report, ClusterReport) or not isinstance(symptom, str):
        return None
    words = set(_WORD.findall(symptom.lower()))
    by_workload: dict[tuple[str, str], Suspect] = {}
    for suspect in report.suspects:
        if words & _names(suspect):
            return None
        if suspect.kind in _KINDS and is_object_name(suspect.name):
            by_workload.setdefault((suspect.namespace, _workload(suspect)), suspect)
    if len(by_workload) < 2 or any(_GENERATED.fullmatch(word) for word in words):
        return None
    return Question(envelope.investigation.id, [_words(suspect) for suspect in by_workload.values()][:_CHOICES])


def choice(report: object, chosen: str) -> Done | None:
    """The record that the user chose a suspect of a report; None for other words."""
    suspects = report.suspects if isinstance(report, ClusterReport) else []
    found = next((suspect for suspect in suspects if suspect.kind in _KINDS and _words(suspect) == chosen), None)
    if found is None:
        return None
    place = f"{found.namespace}/{found.name}" if found.namespace else found.name
    suspect = {"kind": found.kind, "namespace": found.namespace, "name": found.name}
    return Done("elicitation", f"{_KINDS[found.kind]}/{place}", {"suspect": suspect})


def _words(suspect: Suspect) -> str:
    return disarmed(suspect.object, _LONGEST_CHOICE)


def _workload(suspect: Suspect) -> str:
    """The name without the part that tells replicas apart."""
    return (suspect.name.rpartition("-")[0] if suspect.namespace else "") or suspect.name


def _names(suspect: Suspect) -> set[str]:
    """What a user may call it: its name, that of its ReplicaSet or StatefulSet, that of its Deployment."""
    workload = _workload(suspect)
    return {suspect.name, workload, workload.rpartition("-")[0] or workload}
