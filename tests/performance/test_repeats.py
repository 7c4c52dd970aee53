"""What one tool has just read, another one of the same investigation does not ask for again."""

from collections import Counter
from pathlib import Path

import pytest

from bench.big_cluster import NAMESPACE, write
from terway_mcp.cluster import recent
from tests.performance.counted import Counted, counted

pytestmark = pytest.mark.anyio


async def whole_case(tools: Counted, node: str, pod: str) -> list[str]:
    """All requests of an investigation of a pod and its node."""
    requests = []
    for tool, arguments in (
        ("inspect_cluster", {}),
        ("inspect_pod", {"namespace": NAMESPACE, "pod": pod}),
        ("inspect_node", {"node": node}),
        ("get_events", {"namespace": NAMESPACE, "pod": pod}),
        ("get_events", {"node": node}),
        ("grep_terway_logs", {"node": node, "skip_reason": "to see what it reads"}),
        ("correlate", {}),
    ):
        await tools.call(tool, **arguments)
        requests += tools.requests
    return requests


async def test_an_investigation_asks_nothing_twice(tmp_path: Path) -> None:
    cluster = write(tmp_path / "cluster", nodes=10, events=100, sick=1)
    async with counted(cluster.path, tmp_path) as tools:
        requests = await whole_case(tools, cluster.node, cluster.pod)
    print(len(requests), "requests")
    assert [request for request, times in Counter(requests).items() if times > 1] == []


async def test_a_repeated_call_reads_anew(tmp_path: Path) -> None:
    cluster = write(tmp_path / "cluster", nodes=2)
    async with counted(cluster.path, tmp_path) as tools:
        await tools.call("inspect_cluster")
        await tools.call("inspect_node", node=cluster.node)
        await tools.call("inspect_pod", namespace=NAMESPACE, pod=cluster.pod)
        first = set(tools.requests)
        await tools.call("inspect_pod", namespace=NAMESPACE, pod=cluster.pod)
    assert first < set(tools.requests), "also what inspect_node had read for the first one"


async def test_what_is_no_longer_fresh_is_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = write(tmp_path / "cluster", nodes=2)
    monkeypatch.setattr(recent, "FRESH_SECONDS", -1.0)
    async with counted(cluster.path, tmp_path) as tools:
        requests = await whole_case(tools, cluster.node, cluster.pod)
    assert max(Counter(requests).values()) > 1


async def test_another_investigation_gets_nothing_of_it(tmp_path: Path) -> None:
    cluster = write(tmp_path / "cluster", nodes=2)
    async with counted(cluster.path, tmp_path) as tools:
        first = set(await whole_case(tools, cluster.node, cluster.pod))
        tools.begin_anew()
        second = set(await whole_case(tools, cluster.node, cluster.pod))
    assert second | {"/version"} == first | {"/version"}


def answers(**sizes: int) -> recent.RecentAnswers:
    kept = recent.RecentAnswers()
    for request, size in sizes.items():
        kept.keep("i", "asker", request, recent.Answer(200, b"x" * size))
    return kept


async def test_memory_is_bounded_over_all_investigations() -> None:
    kept = answers(**{f"r{number}": 200_000 for number in range(40)})
    held = [number for number in range(40) if kept.find("i", "another", f"r{number}")]
    assert held == list(range(20, 40)), "4 MiB of the newest"


@pytest.mark.parametrize(("status", "size"), [(500, 10), (403, 10), (429, 10), (200, 300_000)])
async def test_failures_and_large_answers_are_not_kept(status: int, size: int) -> None:
    kept = answers(request=10)
    kept.keep("i", "asker", "request", recent.Answer(status, b"x" * size))
    assert kept.find("i", "another", "request") is None
