"""Small captured clusters, asked through the server's own tools."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zlib import crc32

from mcp import Client
from mcp_types import CallToolResult

from terway_mcp.cluster.clusters import Clusters
from terway_mcp.cluster.scenarios.builder import ClusterBuilder
from terway_mcp.cluster.scenarios.profile import Terway
from terway_mcp.cluster.scenarios.world import World
from terway_mcp.server.app import create_server

WORLD = World()
NODE = WORLD.node(21)
OTHER = WORLD.node(22)
WEB = WORLD.replica("web")
SYSTEM = "kube-system"
LOGS = "cluster-resources/pods/logs"
LINE_TIME = "2026-07-01T08:30:00.000000001Z"

Envelope = dict[str, Any]
Step = tuple[str, Mapping[str, Any]]


def cluster(**terway: Any) -> ClusterBuilder:
    """A cluster with one ordinary node."""
    return bare(**terway).node(NODE)


def bare(**terway: Any) -> ClusterBuilder:
    """A cluster without nodes."""
    return ClusterBuilder(World(), "staged", Terway(**terway))


def with_web(**terway: Any) -> ClusterBuilder:
    """A cluster where one pod of `shop/web` hangs in ContainerCreating."""
    return cluster(**terway).deployment("shop", "web", creating={NODE: 1})


def daemon_log(node: str = NODE, container: str = "terway", *, previous: bool = False) -> str:
    """Where a capture keeps the log of a Terway container."""
    pod = WORLD.daemon_pod("terway-eniip", node)
    return f"{LOGS}/{SYSTEM}/{pod}/{container}{'-previous' if previous else ''}.log"


def klog(text: str, level: str = "E", at: str = LINE_TIME, source: str = "daemon.go:139") -> str:
    """One line of a Terway log, with the kubelet's timestamp in front."""
    stamp = f"{at} " if at else ""
    return f"{stamp}{level}0701 16:30:00.000000       1 {source}] {text}"


def event(reason: str, message: str, about: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    """A core/v1 event as it is stored, with just the fields that are given."""
    told = json.dumps([reason, message, dict(about), fields], sort_keys=True)
    name = f"{about['name']}.{crc32(told.encode()):08x}"
    home = about.get("namespace") or "default"
    created = fields.pop("created", "2026-07-01T08:00:00Z")
    return {
        "metadata": {"name": name, "namespace": home, "uid": name, "creationTimestamp": created},
        "involvedObject": dict(about),
        "reason": reason,
        "message": message,
        "type": "Warning",
        **fields,
    }


class Captured:
    """A capture on disk, and the tools over it.

    Each call is an investigation of its own; what must come before a call is done first.
    """

    def __init__(
        self, built: ClusterBuilder, folder: Path, files: Mapping[str, bytes | str | None] | None = None
    ) -> None:
        self.path = folder / "capture"
        contents: dict[str, bytes | str | None] = {**built.files(), **(files or {})}
        for name, content in contents.items():
            if content is None:
                continue
            place = self.path / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content.encode() if isinstance(content, str) else content)

    async def inspect_cluster(self, **arguments: Any) -> Envelope:
        return (await self.ask(("inspect_cluster", arguments)))[0]

    async def inspect_node(self, node: str = NODE) -> Envelope:
        return (await self.ask(("inspect_node", {"node": node})))[-1]

    async def inspect_pod(self, namespace: str = "shop", pod: str = WEB) -> Envelope:
        return (await self.ask(("inspect_pod", {"namespace": namespace, "pod": pod})))[-1]

    async def get_events(self, **arguments: Any) -> Envelope:
        """Events of a target, which is inspected first."""
        wanted: dict[str, Any] = arguments or {"namespace": "shop", "pod": WEB}
        steps: list[Step] = []
        if "pod" in wanted:
            steps.append(("inspect_pod", {"namespace": wanted["namespace"], "pod": wanted["pod"]}))
        if "node" in wanted:
            steps.append(("inspect_node", {"node": wanted["node"]}))
        return (await self.ask(*steps, ("get_events", {**wanted, "skip_reason": "tested alone"})))[-1]

    async def grep_logs(self, **arguments: Any) -> Envelope:
        """Logs of the node (or of what is given), without the events that would come before."""
        source = {} if "component" in arguments else {"node": NODE}
        return (await self.ask(("grep_terway_logs", {**source, **arguments, "skip_reason": "tested alone"})))[-1]

    async def ask(self, *steps: Step) -> list[Envelope]:
        """Answers to some calls of one investigation; `inspect_cluster` comes by itself."""
        async with Client(create_server(Clusters(bundle=self.path))) as client:
            first, rest = (steps[0][1], steps[1:]) if steps and steps[0][0] == "inspect_cluster" else ({}, steps)
            answers = [_envelope(await client.call_tool("inspect_cluster", dict(first)))]
            handle = {"investigation": answers[0]["investigation"]["id"]}
            for tool, arguments in rest:
                answers.append(_envelope(await client.call_tool(tool, {**handle, **arguments})))
        return answers


def _envelope(result: CallToolResult) -> Envelope:
    envelope: Envelope | None = result.structured_content
    assert envelope is not None
    return envelope


def outcomes(envelope: Envelope) -> dict[str, str]:
    """Outcome by name of every read that was not simply read."""
    return {entry["what"]: entry["outcome"] for entry in envelope["coverage"] if entry["outcome"] != "read"}


def read(envelope: Envelope) -> list[str]:
    """Names of everything that was read."""
    return [name for entry in envelope["coverage"] if entry["outcome"] == "read" for name in entry["what"].split("; ")]
