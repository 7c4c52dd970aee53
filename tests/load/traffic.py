"""Many investigations at the same time over raw HTTP, with everything they were told kept for inspection."""

import json
import re
import time
from collections import defaultdict
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any, NamedTuple

import anyio
import httpx2

from tests.load.fleet import WORD, Cluster, Fleet, Target
from tests.server.http.callers import HEADERS

AT_A_TIME = 14
"""A little below what `--concurrency` allows by default: a server counts a request until after its answer was sent."""

_ERA = "2026-07-28"
_META = {"io.modelcontextprotocol/protocolVersion": _ERA, "io.modelcontextprotocol/clientCapabilities": {}}
_ID = re.compile(r"\b[0-9a-hjkmnp-tv-z]{26}\b")
_EVIDENCE = re.compile(r'"(E\d+)"')
_MARK = re.compile(r"mark-\d+-of-the-load")


class Answer(NamedTuple):
    """What came back for one call: the text that a model would see, and how long it took."""

    tool: str
    text: str
    seconds: float

    @property
    def envelope(self) -> dict[str, Any]:
        return dict(json.loads(self.text))

    @property
    def is_fine(self) -> bool:
        """A whole report, or an answer that lacks nothing."""
        if self.tool == "report":
            return self.text.startswith("# ") and "## " in self.text
        return self.envelope["status"] == "ok" and self.envelope["data"] is not None


class Investigation:
    """One caller's question about one pod, step by step; `mark` stands in nobody else's symptom."""

    def __init__(self, number: int, caller: str, cluster: Cluster) -> None:
        self.number = number
        self.caller = caller
        self.cluster = cluster
        self.target: Target = cluster.targets[number % len(cluster.targets)]
        self.mark = f"mark-{number}-of-the-load"
        self.id = ""
        self.answers: list[Answer] = []

    def steps(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Tools with their arguments, in the order of the SOP."""
        pod = {"namespace": self.target.namespace, "pod": self.target.pod}
        yield "inspect_cluster", {"context": self.cluster.context, "symptom": self.mark}
        yield "inspect_pod", {"investigation": self.id, **pod}
        yield "inspect_node", {"investigation": self.id, "node": self.target.node}
        yield "get_events", {"investigation": self.id, **pod}
        yield "correlate", {"investigation": self.id, "skip_reason": "load"}

    @property
    def told(self) -> set[str]:
        """Every evidence id that any answer named."""
        return {found for answer in self.answers for found in _EVIDENCE.findall(answer.text)}

    def strangers(self, fleet: Fleet) -> list[str]:
        """Whatever in the answers belongs to another investigation or to another cluster."""
        foreign, found = fleet.foreign(self.cluster), []
        for answer in self.answers:
            text = answer.text.lower()
            found += [word for word in _ID.findall(text) if word != self.id and word not in self.cluster.marks]
            found += [word for word in _MARK.findall(text) if word != self.mark]
            found += sorted(set(WORD.findall(text)) & foreign)
        return found


class Load:
    """The callers of one server, or of replicas in turn. Each has some requests under way at the same time."""

    def __init__(self, url: str, tokens: dict[str, str], *more: str) -> None:
        self._urls = cycle((url, *more))
        self._tokens = tokens
        self._under_way = {caller: anyio.CapacityLimiter(AT_A_TIME) for caller in tokens}
        connections = AT_A_TIME * len(tokens)
        limits = httpx2.Limits(max_connections=connections, max_keepalive_connections=connections)
        self._http = httpx2.AsyncClient(headers=HEADERS, timeout=60, limits=limits)
        self._number = 0

    async def __aenter__(self) -> "Load":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def walk(self, investigation: Investigation, *, first: int = 0, last: int = 5) -> None:
        """Take some steps, and with the last one also read the report."""
        for step, (tool, _) in enumerate(investigation.steps()):
            if first <= step < last:
                # The id is known only once the first answer is there.
                arguments = list(investigation.steps())[step][1]
                answer = await self.call(investigation.caller, tool, arguments)
                investigation.answers.append(answer)
                investigation.id = investigation.id or answer.envelope["investigation"]["id"]
        if last == 5:
            investigation.answers.append(await self.report(investigation.caller, investigation.id))

    async def call(self, caller: str, tool: str, arguments: dict[str, Any]) -> Answer:
        """One tool call."""
        params = {"name": tool, "arguments": arguments}
        result, seconds = await self._send(caller, "tools/call", tool, params)
        return Answer(tool, result["content"][0]["text"], seconds)

    async def report(self, caller: str, investigation: str) -> Answer:
        """The report; what the server says instead when there is none for this caller."""
        uri = f"terway://investigations/{investigation}/report"
        result, seconds = await self._send(caller, "resources/read", uri, {"uri": uri})
        text = result["contents"][0]["text"] if "contents" in result else result["message"]
        return Answer("report", text, seconds)

    async def _send(self, caller: str, method: str, name: str, params: dict[str, Any]) -> tuple[dict[str, Any], float]:
        self._number += 1
        body = {"jsonrpc": "2.0", "id": self._number, "method": method, "params": {**params, "_meta": _META}}
        headers = {"mcp-protocol-version": _ERA, "mcp-method": method, "mcp-name": name}
        headers["authorization"] = f"Bearer {self._tokens[caller]}"
        async with self._under_way[caller]:
            begun = time.perf_counter()
            response = await self._http.post(next(self._urls), json=body, headers=headers)
            seconds = time.perf_counter() - begun
        message = _message(response)
        assert message["id"] == body["id"], "an answer to another request"
        return message.get("result") or message["error"], seconds


def _message(response: httpx2.Response) -> dict[str, Any]:
    """The JSON-RPC answer, in a body of its own or as the last event of a stream."""
    if response.headers.get("content-type", "").startswith("text/event-stream"):
        data = [line.removeprefix("data: ") for line in response.text.splitlines() if line.startswith("data: {")]
        return dict(json.loads(data[-1]))
    assert response.headers.get("content-type", "").startswith("application/json"), response.text[:200]
    return dict(json.loads(response.text))


def resident(pid: int) -> float:
    """Memory of a process, in MiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"^VmRSS:\s+(\d+) kB", status, flags=re.MULTILINE)
    assert found is not None
    return int(found[1]) / 1024


class Peak:
    """Samples the memory of a process while a block runs."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self.most = resident(pid)

    async def watch(self) -> None:
        """Until cancelled."""
        while True:
            self.most = max(self.most, resident(self._pid))
            await anyio.sleep(0.1)


def table(answers: list[Answer]) -> str:
    """Times of the calls by tool, and of all, in milliseconds."""
    by_tool: dict[str, list[float]] = defaultdict(list)
    for answer in answers:
        by_tool[answer.tool].append(answer.seconds * 1000)
        by_tool["all"].append(answer.seconds * 1000)
    rows = [f"{'tool':<18}{'answers':>8}{'p50 ms':>10}{'p99 ms':>10}{'most ms':>10}"]
    for tool in [*(name for name in by_tool if name != "all"), "all"]:
        times = by_tool[tool]
        figures = (percentile(times, 50), percentile(times, 99), max(times))
        rows.append(f"{tool:<18}{len(times):>8}" + "".join(f"{figure:>10,.0f}" for figure in figures))
    return "\n".join(rows)


def percentile(values: list[float], percent: int) -> float:
    """The nearest-rank percentile."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]
