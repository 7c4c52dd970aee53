"""Each tool against generated clusters: latency, API requests, bytes from the API and in the answer."""

import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import anyio
import msgspec
from mcp import Client

from bench import big_cluster
from bench.big_cluster import NAMESPACE, BigCluster
from bench.result import Result, Row
from bench.serving import Served, served
from terway_mcp.server.agent import connected

TOOLS = ("inspect_cluster", "inspect_node", "inspect_pod", "get_events")


class Cost(msgspec.Struct, frozen=True):
    """One tool's medians; a first call, which may still have something to load, stands apart."""

    first_ms: float
    ms: float
    requests: float
    read_kb: float
    answer_kb: float


def by_nodes(sizes: Sequence[int], repeats: int) -> Result:
    """The same questions to clusters of different sizes."""
    result = Result("clusters", "Latency of a call by size of the cluster", "nodes", "ms", [f"{t} ms" for t in TOOLS])
    for nodes in sizes:
        result.rows.append(_row(f"{nodes:,} nodes", nodes, repeats, nodes=nodes, events=nodes, sick=1))
    _compare(result)
    return result


def by_events(sizes: Sequence[int], repeats: int) -> Result:
    """The same questions beside more and more events of other pods."""
    drawn = ["inspect_cluster ms", "get_events ms"]
    result = Result("events", "Latency of a call by events in the cluster", "events", "ms", drawn)
    for events in sizes:
        result.rows.append(_row(f"{events:,} events", events, repeats, nodes=200, events=events))
    return result


def _row(case: str, x: float, repeats: int, *, nodes: int, events: int, sick: int = 0) -> Row:
    with tempfile.TemporaryDirectory() as folder:
        cluster = big_cluster.write(Path(folder) / "cluster", nodes=nodes, events=events, sick=sick)
        with served(cluster.path) as api:
            costs = anyio.run(costs_of, cluster, api, Path(folder), repeats)
    values: dict[str, float] = {}
    for tool, cost in costs.items():
        values |= {f"{tool} ms": cost.ms, f"{tool} requests": cost.requests, f"{tool} read KB": cost.read_kb}
        values[f"{tool} answer KB"] = cost.answer_kb
    values["first call ms"] = costs["inspect_cluster"].first_ms
    return Row(case, values, x)


def _compare(result: Result) -> None:
    """The largest cluster against the smallest, where a tool's cost must not depend on the size."""
    small, large = result.rows[0], result.rows[-1]
    for tool in ("inspect_node", "inspect_pod"):
        ratio = large.values[f"{tool} ms"] / small.values[f"{tool} ms"]
        result.notes.append(f"{tool}: {ratio:.2f} times as long with {large.case} as with {small.case}")


async def costs_of(cluster: BigCluster, api: Served, folder: Path, repeats: int) -> dict[str, Cost]:
    """Ask a server of the product over stdio, in an investigation of its own each time."""
    calls: dict[str, dict[str, Any]] = {
        "inspect_cluster": {},
        "inspect_node": {"node": cluster.node},
        "inspect_pod": {"namespace": NAMESPACE, "pod": cluster.pod},
        "get_events": {"namespace": NAMESPACE, "pod": cluster.pod},
    }
    taken: dict[str, list[float]] = {tool: [] for tool in calls}
    spent: dict[str, list[tuple[int, int, int]]] = {tool: [] for tool in calls}
    async with _product(api, folder) as client:
        for _ in range(repeats + 1):
            handle: dict[str, str] = {}
            for tool, arguments in calls.items():
                before = api.counts()
                begun = perf_counter()
                answer = await client.call_tool(tool, {**handle, **arguments})
                taken[tool].append((perf_counter() - begun) * 1000)
                after = api.counts()
                size = sum(len(content.text) for content in answer.content if content.type == "text")
                spent[tool].append((after.requests - before.requests, after.bytes - before.bytes, size))
                handle = {"investigation": (answer.structured_content or {})["investigation"]["id"]}
    return {
        tool: Cost(
            taken[tool][0],
            median(taken[tool][1:]),
            median(each[0] for each in spent[tool]),
            median(each[1] for each in spent[tool]) / 1000,
            median(each[2] for each in spent[tool]) / 1000,
        )
        for tool in calls
    }


@asynccontextmanager
async def _product(api: Served, folder: Path) -> AsyncIterator[Client]:
    async with connected(["--kubeconfig", str(api.kubeconfig(folder))]) as client:
        await client.list_tools()
        # A user takes longer to ask than the server to warm up; its greeting tells that it has.
        while not api.counts().requests:
            await client.list_tools()
        yield client
