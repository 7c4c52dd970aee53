"""What a call costs the API server and the model: requests and bytes, whatever the size and state of the cluster."""

from pathlib import Path

import pytest

from bench.big_cluster import NAMESPACE, BigCluster, write
from tests.performance.counted import Counted, counted

pytestmark = pytest.mark.anyio

MOST = {"inspect_cluster": 12, "inspect_node": 8, "inspect_pod": 6, "get_events": 4}
MOST_BYTES = 6 * 1024 * 4
"""Six thousand tokens of four bytes, at most."""

STATES: dict[str, dict[str, int | bool]] = {
    "healthy": {},
    "a daemon crashes": {"sick": 1},
    "every daemon crashes": {"sick": 10},
    "no controlplane runs": {"plane_down": True},
    "nothing runs and everything warns": {"sick": 10, "plane_down": True, "events": 4_000},
}
VERSION = "/version"


async def costs(cluster: BigCluster, folder: Path) -> dict[str, tuple[int, int]]:
    """Requests and bytes of each tool, each of them told in the answers' own terms."""
    found = {}
    async with counted(cluster.path, folder) as tools:
        calls: dict[str, dict[str, object]] = {
            "inspect_cluster": {},
            "inspect_node": {"node": cluster.node},
            "inspect_pod": {"namespace": NAMESPACE, "pod": cluster.pod},
            "get_events": {"namespace": NAMESPACE, "pod": cluster.pod, "skip_reason": "tested alone"},
        }
        for tool, arguments in calls.items():
            answer = await tools.call(tool, **arguments)
            assert answer["status"] in ("ok", "partial", "no_data"), answer.get("message")
            assert len(set(tools.requests)) == len(tools.requests), "nothing is asked twice in one call"
            found[tool] = (len(asked(tools)), tools.bytes)
    return found


def asked(tools: Counted) -> list[str]:
    """The warm-up may ask for the version, or the call itself does."""
    return [request for request in tools.requests if request != VERSION]


@pytest.mark.parametrize("state", STATES)
async def test_no_tool_asks_more_than_its_budget(state: str, tmp_path: Path) -> None:
    cluster = write(tmp_path / "cluster", nodes=10, **STATES[state])
    for tool, (requests, size) in (await costs(cluster, tmp_path)).items():
        assert requests <= MOST[tool], tool
        assert size <= MOST_BYTES, tool


@pytest.mark.parametrize("state", ["healthy", "a daemon crashes"])
async def test_the_size_of_the_cluster_changes_no_number_of_requests(state: str, tmp_path: Path) -> None:
    small = await costs(write(tmp_path / "small", nodes=10, events=100, **STATES[state]), tmp_path)
    large = await costs(write(tmp_path / "large", nodes=500, events=5_000, **STATES[state]), tmp_path)
    assert {tool: requests for tool, (requests, _) in large.items()} == {
        tool: requests for tool, (requests, _) in small.items()
    }
    assert sum(size for _, size in large.values()) <= 1.5 * sum(size for _, size in small.values())


async def test_in_a_very_large_cluster_only_pods_that_have_not_started_are_listed(tmp_path: Path) -> None:
    cluster = write(tmp_path / "cluster", nodes=1_200, sick=3)
    async with counted(cluster.path, tmp_path) as tools:
        answer = await tools.call("inspect_cluster")
        assert len(asked(tools)) <= MOST["inspect_cluster"]
        (pods,) = [request for request in tools.requests if "/pods?" in request]
    assert "status.phase%21%3DRunning" in pods
    assert answer["data"]["daemons"][0]["desired"] - answer["data"]["daemons"][0]["ready"] == 3


async def test_what_does_not_fit_the_budget_is_named(tmp_path: Path) -> None:
    cluster = write(tmp_path / "cluster", nodes=10, sick=3, plane_down=True, events=60_000)
    async with counted(cluster.path, tmp_path) as tools:
        answer = await tools.call("inspect_cluster")
        assert len(asked(tools)) <= MOST["inspect_cluster"]
    left_out = [entry["what"] for entry in answer["coverage"] if "left out" in entry.get("detail", "")]
    assert any("terway-controlplane" in what for what in left_out)
    assert answer["data"]["events_rbac_gap"]["terway-controlplane"].startswith("unknown")
    assert len(answer["data"]["unhealthy"]) >= 3
