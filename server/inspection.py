"""`terway-mcp inspect`: one report without an investigation to follow, for shells and scripts."""

from typing import Any

import anyio
import msgspec
import yaml
from mcp import Client
from mcp_types import PromptReference

from terway_mcp.server.agent import connected

_NODES = 20


async def inspect(kind: str, names: list[str], options: list[str], *, as_json: bool) -> int:
    """Print the report of the cluster, of one pod (`names`: namespace, name) or of nodes; returns the exit code."""
    async with connected(options) as client:
        reports = await _reports(client, kind, names)
    for report in reports:
        if as_json:
            print(msgspec.json.format(msgspec.json.encode(report), indent=2).decode())  # noqa: T201 - the result
        else:
            several = len(reports) > 1
            text = yaml.safe_dump(report, sort_keys=False, allow_unicode=True, width=120, explicit_start=several)
            print(text)  # noqa: T201
    return 0 if all("error" not in report for report in reports) else 1


def run_inspect(kind: str, names: list[str], options: list[str], *, as_json: bool) -> int:
    """Blocking form of `inspect`."""

    async def work() -> int:
        return await inspect(kind, names, options, as_json=as_json)

    return anyio.run(work)


async def _reports(client: Client, kind: str, names: list[str]) -> list[dict[str, Any]]:
    cluster = await _call(client, "inspect_cluster", {})
    if kind == "cluster" or "error" in cluster["report"]:
        return [cluster["report"]]
    opened = {"investigation": cluster["investigation"]}
    if kind == "pod":
        namespace, pod = names
        found = await _call(client, "inspect_pod", {**opened, "namespace": namespace, "pod": pod})
        return [found["report"]]
    nodes = names or await _some_nodes(client)
    return [(await _call(client, "inspect_node", {**opened, "node": node}))["report"] for node in nodes]


async def _call(client: Client, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    envelope = result.structured_content or {}
    report: dict[str, Any] = envelope.get("data") or {"error": envelope.get("message", "no answer")}
    unread = [entry for entry in envelope.get("coverage", []) if entry["outcome"] not in ("read", "not_found")]
    if unread:
        report["not_read"] = [f"{entry['what']}: {entry['outcome']} {entry['detail']}".strip() for entry in unread]
    return {"report": report, "investigation": (envelope.get("investigation") or {}).get("id", "")}


async def _some_nodes(client: Client) -> list[str]:
    """The first nodes by name, through the server's own completion."""
    offered = await client.complete(PromptReference(name="troubleshoot"), {"name": "node", "value": ""})
    return list(offered.completion.values)[:_NODES]
