"""What reaches the model stays small: in a large cluster, and in one whose texts were written to fill the context."""

import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from bench.big_cluster import NAMESPACE, BigCluster, write
from terway_mcp.server.agent import Question, connected, investigate
from tests.performance.counted import counted

pytestmark = pytest.mark.anyio

TOKEN = 4
"""Bytes."""

USUAL, MOST, WHOLE_CASE = 2_000 * TOKEN, 6_000 * TOKEN, 8_000 * TOKEN
LETTERS = "abcdefghijklmnopqrstuvwxyz"
DISTINCT = 10_000
MEGABYTE = 1_000_000


async def test_a_whole_case_in_a_large_cluster_stays_within_its_budget(tmp_path: Path) -> None:
    cluster = write(tmp_path / "cluster", nodes=500, events=10_000, sick=3)
    async with connected(["--bundle", str(cluster.path)]) as client:
        case = await investigate(client, Question(NAMESPACE, cluster.pod, "", "", "pods hang"))
    sizes = [(call.tool, call.bytes) for call in case.calls]
    print("bytes:", sizes, "in all", sum(size for _, size in sizes))
    assert len(sizes) <= 6
    assert max(size for _, size in sizes) <= USUAL
    assert sum(size for _, size in sizes) <= WHOLE_CASE


async def test_text_written_to_fill_the_context_does_not(tmp_path: Path) -> None:
    cluster = write(tmp_path / "cluster", nodes=3, events=50)
    _fill(cluster)
    asked: list[tuple[str, dict[str, Any]]] = [
        ("inspect_cluster", {"symptom": "pods hang"}),
        ("inspect_node", {"node": cluster.node}),
        ("inspect_pod", {"namespace": NAMESPACE, "pod": cluster.pod}),
        ("get_events", {"namespace": NAMESPACE, "pod": cluster.pod}),
        ("grep_terway_logs", {"node": cluster.node, "skip_reason": "all of it"}),
        ("grep_terway_logs", {"node": cluster.node, "pattern": ".", "raw": True, "skip_reason": "all of it"}),
        ("correlate", {}),
    ]
    sizes = []
    async with counted(cluster.path, tmp_path) as tools:
        for tool, arguments in asked:
            answer = await tools.call(tool, **arguments)
            assert answer["status"] in ("ok", "partial"), answer.get("message")
            sizes.append((tool, tools.bytes))
    print("bytes:", sizes)
    assert max(size for _, size in sizes) <= MOST


def _fill(cluster: BigCluster) -> None:
    """Ten thousand different messages about the pod and its node, and megabytes wherever text is free."""
    random = Random(7)  # noqa: S311 - the same texts each time
    root = cluster.path / "cluster-resources"
    words = ("".join(random.choices(LETTERS, k=9)) for _ in iter(int, 1))

    def spoken(size: int) -> str:
        text = " ".join(next(words) for _ in range(min(size // 10, 200)))
        return text * (1 + size // max(1, len(text)))

    def events(items: list[dict[str, Any]], name: str) -> None:
        model = items[0]
        for number in range(DISTINCT):
            about = {**model["involvedObject"], "name": name}
            text = spoken(MEGABYTE if number % (DISTINCT // 5) == 0 else 150)
            identity = {**model["metadata"], "name": f"{name}.{number:x}", "uid": str(number)}
            told = {"metadata": identity, "involvedObject": about, "type": "Warning", "message": text}
            items.append({**model, **told, "reason": next(words) if number % 2 else "AllocIPFailed"})

    def noisy(items: list[dict[str, Any]], name: str) -> None:
        item = next(each for each in items if each["metadata"]["name"] == name)
        item["metadata"].setdefault("annotations", {})["k8s.aliyun.com/note"] = spoken(MEGABYTE)
        condition = {"type": "Ready", "status": "False", "reason": spoken(300), "message": spoken(MEGABYTE)}
        item.setdefault("status", {}).setdefault("conditions", []).insert(0, condition)

    _change(root / "events" / f"{NAMESPACE}.json", lambda items: events(items, cluster.pod))
    _change(root / "pods" / f"{NAMESPACE}.json", lambda items: noisy(items, cluster.pod))
    _change(root / "nodes.json", lambda items: noisy(items, cluster.node))
    stamps = (f"2026-07-01T08:30:00.{number:09d}Z" for number in range(DISTINCT))
    lines = [f"{stamp} level=error msg={json.dumps(spoken(150))}" for stamp in stamps]
    cluster.log.parent.mkdir(parents=True, exist_ok=True)
    cluster.log.write_text("\n".join([*lines, f"level=error msg={spoken(MEGABYTE)}"]))


def _change(path: Path, change: Callable[[list[dict[str, Any]]], None]) -> None:
    whole = json.loads(path.read_text())
    change(whole["items"] if isinstance(whole, dict) else whole)
    path.write_text(json.dumps(whole))
