"""The six tools, one after the other, each answer held against what happened on the wire."""

import time
from dataclasses import dataclass
from typing import Any

from terway_mcp.cluster.scenarios.scenario import Scenario
from tests.faults.exactness import Wire, differences
from tests.faults.rig import Rig
from tests.server.talk import Envelope, Talk

TOOLS = ("inspect_cluster", "inspect_node", "inspect_pod", "get_events", "grep_terway_logs", "correlate")
LONGEST_SECONDS = 10.0
SKIP = "looked at with kubectl"


@dataclass(frozen=True)
class Answered:
    """One answer, how long it took, and what is wrong with its coverage."""

    tool: str
    envelope: Envelope
    seconds: float
    differences: list[str]

    @property
    def status(self) -> str:
        return str(self.envelope["status"])

    @property
    def outcomes(self) -> set[str]:
        return {entry["outcome"] for entry in self.envelope["coverage"]}


class Walker:
    """One investigation of one cluster, which may be walked again."""

    def __init__(self, talk: Talk, rig: Rig, scenario: Scenario, node: str) -> None:
        self._talk = talk
        self._rig = rig
        self._scenario = scenario
        self._node = node
        self._known: dict[str, Any] = {}
        self._since = len(rig.proxy.served)

    def begin(self) -> None:
        """From here on a new investigation."""
        self._known = {}
        self._since = len(self._rig.proxy.served)

    async def walk(self, reads: frozenset[str], logs: frozenset[str]) -> list[Answered]:
        """Call every tool."""
        pod = {"namespace": self._scenario.namespace, "pod": self._scenario.pod}
        skip = {"skip_reason": SKIP}
        arguments: dict[str, dict[str, Any]] = {
            "inspect_cluster": {} if self._known else {"context": self._rig.name},
            "inspect_node": {"node": self._node},
            "inspect_pod": pod,
            "get_events": {**pod, **skip},
            "grep_terway_logs": {"node": self._node, **skip},
            "correlate": skip,
        }
        return [await self._call(tool, arguments[tool], reads, logs) for tool in TOOLS]

    async def _call(
        self, tool: str, arguments: dict[str, Any], reads: frozenset[str], logs: frozenset[str]
    ) -> Answered:
        served = self._rig.proxy.served
        before, begun = len(served), time.monotonic()
        envelope = await self._talk.call(tool, **self._known, **arguments)
        seconds = time.monotonic() - begun
        self._known = {"investigation": envelope["investigation"]["id"]}
        wire = Wire(served[before:], served[self._since : before])
        found = differences(wire, envelope["coverage"], tool, reads, logs)
        return Answered(tool, envelope, seconds, found)
