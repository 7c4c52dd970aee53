"""What the page is given in these tests: answers of `correlate`, real ones and made-up ones."""

import functools
from typing import Any

import anyio
from mcp import Client

from terway_mcp.cluster.clusters import Clusters
from terway_mcp.cluster.scenarios.catalog import SCENARIOS, bundle_path
from terway_mcp.server.agent import Question, investigate
from terway_mcp.server.app import create_server

Told = dict[str, Any]
VERDICT = {"category": "quota", "confidence": "likely", "title": "Too many ENIs", "root_cause": "None is left. `E1`"}


@functools.cache
def told_of(name: str) -> Told:
    """The answer about a demo, with the calls that led to it."""
    scenario = SCENARIOS[name]
    question = Question(scenario.namespace, scenario.pod, scenario.workload, scenario.node, scenario.symptom)

    async def walk() -> Told:
        async with Client(create_server(Clusters(bundle=bundle_path(name)))) as client:
            walked = await investigate(client, question)
        # What a call took differs from run to run; nobody is to see that in a picture.
        calls = [{"tool": call.tool, "status": call.status, "bytes": call.bytes, "ms": 40} for call in walked.calls]
        return {**walked.calls[-1].envelope, "symptom": question.symptom, "calls": calls}

    return anyio.run(walk)


def made_up(moments: list[Told], **data: Any) -> Told:
    """An answer with a timeline of one's own."""
    return {"status": "ok", "checked": [], "data": {"verdict": VERDICT, "timeline": moments, **data}}


def moment(evidence: str, at: str, about: str = "Pod shop/web-0", text: str = "Failed x2: it did", **more: Any) -> Told:
    time = {"time": f"2026-07-01T{at}Z"} if at else {"time": ""}
    return {**time, "object": about, "text": text, "evidence": evidence, **more}


def crowded(rows: int) -> Told:
    """More than any answer holds: many objects with long names and long texts, half of them in the chain."""
    return made_up(
        [
            moment(
                f"E{number}",
                f"08:{number % 60:02}:30",
                f"Pod shop/{'a-rather-long-name-' * 3}{number // 3}",
                f"Reason{number} x{number}: " + "what the kubelet had to say about it, at length " * 4,
                since=f"2026-07-01T07:{number % 60:02}:00Z",
                kind=("event", "log", "status")[number % 3],
                step=number // 3 + 1 if number < rows / 2 else 0,
            )
            for number in range(rows)
        ]
    )
