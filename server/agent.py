"""A scripted agent: walks the SOP through a real MCP client by following the server's `next_steps`.

It knows nothing about Terway. What it shows is that the answers alone lead to the verdict.
"""

import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from typing import Any

import msgspec
from mcp import Client, StdioServerParameters

_MOST_CALLS = 12

Waiting = Callable[[str], AbstractContextManager[Callable[[str], None]]]
"""Surrounds what takes its time: given its name, it yields what hears of its progress."""


class Call(msgspec.Struct, frozen=True):
    """One tool call: its arguments, its envelope, its size in bytes and its duration in milliseconds."""

    tool: str
    arguments: dict[str, Any]
    envelope: dict[str, Any]
    bytes: int
    ms: int

    @property
    def status(self) -> str:
        """Status of the envelope."""
        return str(self.envelope.get("status", "error"))


class Question(msgspec.Struct, frozen=True):
    """What is asked about; everything "" means: find the worst suspect."""

    namespace: str = ""
    pod: str = ""
    workload: str = ""
    node: str = ""
    symptom: str = ""


class Walk(msgspec.Struct):
    """All calls of one investigation, and the report at its end."""

    calls: list[Call] = []
    report: str = ""

    @property
    def correlation(self) -> dict[str, Any] | None:
        """`data` of the last answered `correlate`."""
        for call in reversed(self.calls):
            if call.tool == "correlate" and call.envelope.get("data"):
                return dict(call.envelope["data"])
        return None


@asynccontextmanager
async def connected(options: list[str]) -> AsyncIterator[Client]:
    """Start the server as a subprocess on stdio, as an MCP host does, and connect to it.

    It gets this environment whole: credential plugins and proxies of a kubeconfig may need any of it.
    """
    command = StdioServerParameters(
        command=sys.executable, args=["-m", "terway_mcp.server", *options], env=dict(os.environ)
    )
    async with Client(command) as client:
        yield client


@contextmanager
def unseen(_: str) -> Iterator[Callable[[str], None]]:
    """Nobody watches while a call runs."""
    yield lambda _: None


async def investigate(
    client: Client,
    question: Question,
    *,
    impatient: bool = False,
    watch: Callable[[Call], None] = lambda _: None,
    waiting: Waiting = unseen,
) -> Walk:
    """Walk until the verdict stands or nothing is left to do.

    An impatient agent first asks for the logs, and is told what comes before them. `waiting` surrounds each call,
    named by its tool, and is told what the server says of its progress; `watch` sees the call when it is over.
    """
    walk = Walk()

    async def call(tool: str, arguments: dict[str, Any]) -> Call:
        begun = time.perf_counter()
        with waiting(tool) as tell:

            async def hear(progress: float, total: float | None, message: str | None) -> None:
                tell(message or "")

            result = await client.call_tool(tool, arguments, progress_callback=hear)
        text = result.content[0].text if result.content and result.content[0].type == "text" else ""
        envelope = result.structured_content or {"status": "error", "message": text}
        made = Call(tool, arguments, envelope, len(text.encode()), round((time.perf_counter() - begun) * 1000))
        walk.calls.append(made)
        watch(made)
        return made

    hints = {"symptom": question.symptom, "namespace": question.namespace}
    first = await call("inspect_cluster", {name: value for name, value in hints.items() if value})
    investigation = (first.envelope.get("investigation") or {}).get("id")
    if not investigation or first.status == "unreachable":
        return walk
    if impatient:
        node = question.node or _node_of_worst_suspect(first)
        await call("grep_terway_logs", {"investigation": investigation, "node": node})
    step = asked_about = _first_step(question, first.envelope)
    while step is not None and step["tool"] != "inspect_cluster" and len(walk.calls) < _MOST_CALLS:
        made = await call(step["tool"], {"investigation": investigation, **step["arguments"]})
        if step is asked_about and (made.envelope.get("data") or {}).get("found") is False:
            # The server proposes other suspects now, but a verdict about them would not answer the question.
            break
        if made.tool == "correlate" and made.envelope.get("data"):
            walk.report = await _read_report(client, str(made.envelope["data"].get("report", "")))
            break
        step = next(iter(made.envelope.get("next_steps") or []), None)
    return walk


def _node_of_worst_suspect(first: Call) -> str:
    """A node to ask for; the refusal does not depend on whether it exists."""
    suspects = (first.envelope.get("data") or {}).get("suspects") or []
    return next((suspect["node"] for suspect in suspects if suspect.get("node")), "any-node")


def _first_step(question: Question, envelope: Mapping[str, Any]) -> dict[str, Any] | None:
    """The question's own target, else the server's first proposal."""
    if question.pod:
        return {"tool": "inspect_pod", "arguments": {"namespace": question.namespace, "pod": question.pod}}
    if question.workload:
        if pod := _suspect_pod(question, envelope):
            return {"tool": "inspect_pod", "arguments": {"namespace": question.namespace, "pod": pod}}
        arguments = {"namespace": question.namespace, "workload": question.workload}
        return {"tool": "get_events", "arguments": arguments}
    if question.node:
        return {"tool": "inspect_node", "arguments": {"node": question.node}}
    return next(iter(envelope.get("next_steps") or []), None)


def _suspect_pod(question: Question, envelope: Mapping[str, Any]) -> str:
    """A pod of the workload among the suspects: more telling than the workload's own events."""
    prefix = question.workload.rpartition("/")[2] + "-"
    for suspect in (envelope.get("data") or {}).get("suspects") or []:
        if suspect.get("kind") == "Pod" and suspect.get("namespace") == question.namespace:
            name = str(suspect.get("name", ""))
            if name.startswith(prefix):
                return name
    return ""


async def _read_report(client: Client, uri: str) -> str:
    if not uri:
        return ""
    result = await client.read_resource(uri)
    return "".join(getattr(content, "text", "") for content in result.contents)
