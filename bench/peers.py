"""The same questions put to another MCP server over the same cluster, where that server is installed."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from shutil import which
from statistics import median
from time import perf_counter
from typing import Any

import anyio
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from bench import big_cluster
from bench.big_cluster import NAMESPACE, SYSTEM, BigCluster
from bench.result import Result, Row
from bench.serving import served
from bench.tool_calls import costs_of

PEER = "kubernetes-mcp-server"
ABSENT = f"{PEER} is not installed (npm install -g {PEER}) and was left out"
_GROUP = "network.alibabacloud.com/v1beta1"

Question = Sequence[tuple[str, Mapping[str, str]]]


def measure(nodes: int, repeats: int) -> Result:
    """What each answer takes and holds; the peer needs several calls where a tool of the product needs one."""
    result = Result("peers", f"The same questions to {PEER}", "", "ms", ["peer ms", "tool ms"])
    program = which(PEER)
    if program is None:
        result.notes.append(ABSENT)
        return result
    with tempfile.TemporaryDirectory() as folder:
        cluster = big_cluster.write(Path(folder) / "cluster", nodes=nodes, events=nodes)
        with served(cluster.path) as api:
            own = anyio.run(costs_of, cluster, api, Path(folder), repeats)
            peer = anyio.run(_ask, program, api.kubeconfig(Path(folder)), _questions(cluster), repeats)
    for tool, (calls, milliseconds, kilobytes) in peer.items():
        values = {"peer calls": calls, "peer ms": milliseconds, "peer answer KB": kilobytes}
        values |= {"tool ms": own[tool].ms, "answer KB": own[tool].answer_kb}
        result.rows.append(Row(tool, {**values, "times as small": kilobytes / own[tool].answer_kb}, len(result.rows)))
    result.notes.append(
        f"{nodes:,} nodes and as many events. The peer hands objects on as they are, and leaves it to the reader what "
        "they mean."
    )
    return result


def _questions(cluster: BigCluster) -> Mapping[str, Question]:
    """The objects each tool of the product reads, as far as the peer can be asked for them."""

    def get(api_version: str, kind: str, name: str, **more: str) -> tuple[str, Mapping[str, str]]:
        return "resources_get", {"apiVersion": api_version, "kind": kind, "name": name, **more}

    daemons = {"namespace": SYSTEM, "fieldSelector": f"spec.nodeName={cluster.node}"}
    return {
        "inspect_node": [
            get("v1", "Node", cluster.node),
            get(_GROUP, "Node", cluster.node),
            ("pods_list_in_namespace", daemons),
            get("v1", "ConfigMap", "eni-config", namespace=SYSTEM),
        ],
        "inspect_pod": [
            ("pods_get", {"namespace": NAMESPACE, "name": cluster.pod}),
            get("v1", "Namespace", NAMESPACE),
            get(_GROUP, "PodENI", cluster.pod, namespace=NAMESPACE),
            ("resources_list", {"apiVersion": _GROUP, "kind": "PodNetworking"}),
        ],
        "get_events": [("events_list", {"namespace": NAMESPACE}), ("events_list", {"namespace": "default"})],
    }


async def _ask(
    program: str, kubeconfig: Path, questions: Mapping[str, Question], repeats: int
) -> dict[str, tuple[int, float, float]]:
    """Calls, median milliseconds and kilobytes of answers for each question."""
    found = {}
    server = StdioServerParameters(command=program, args=["--kubeconfig", str(kubeconfig), "--read-only"])
    async with Client(stdio_client(server)) as client:
        await client.list_tools()
        for tool, question in questions.items():
            sizes, taken = [], []
            for _ in range(repeats + 1):
                begun = perf_counter()
                answers = [await client.call_tool(name, dict(arguments)) for name, arguments in question]
                taken.append((perf_counter() - begun) * 1000)
                sizes.append(sum(len(text) for answer in answers for text in _texts(answer)))
            found[tool] = (len(question), median(taken[1:]), median(sizes) / 1000)
    return found


def _texts(answer: Any) -> list[str]:
    return [content.text for content in answer.content if content.type == "text"]
