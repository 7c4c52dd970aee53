"""Why a pod gets nowhere although nothing about it fails: no such node, no such device, a kubelet that says no."""

import json
from pathlib import Path
from typing import Any

import pytest

from terway_mcp.cluster.resources import NODE_CRS, NODES, PODS
from terway_mcp.cluster.scenarios.builder import ClusterBuilder
from terway_mcp.cluster.scenarios.pods import Container, waiting
from tests.performance.counted import counted
from tests.tools.conftest import Capture
from tests.tools.stage import NODE, OTHER, WEB, WORLD, Captured, Step, bare, outcomes

pytestmark = pytest.mark.anyio

POD: Step = ("inspect_pod", {"namespace": "shop", "pod": WEB})
HOST: Step = ("inspect_node", {"node": NODE})
ASKED_ALONE = {"skip_reason": "tested alone"}


async def verdict(staged: Captured, *steps: Step) -> dict[str, Any]:
    data: dict[str, Any] = (await staged.ask(*steps, ("correlate", ASKED_ALONE)))[-1]["data"]
    return data


# A node that was removed.


def removed(*, custom_resource: bool = True) -> tuple[ClusterBuilder, dict[str, bytes | str | None]]:
    """A pod, and Terway's Node perhaps, that name a node which is gone."""
    built = bare().node(OTHER).node(NODE).deployment("shop", "web", creating={NODE: 1}).without_terway_pod(NODE)
    gone = [NODES] if custom_resource else [NODES, NODE_CRS]
    files: dict[str, bytes | str | None] = {}
    for resource in gone:
        path = f"cluster-resources/{resource.bundle}.json"
        told = json.loads(built.files()[path])
        items = told["items"] if isinstance(told, dict) else told
        items[:] = [item for item in items if item["metadata"]["name"] != NODE]
        files[path] = json.dumps(told)
    return built, files


async def test_a_pod_on_a_node_that_is_gone_does_not_miss_terway(capture: Capture) -> None:
    answer = await capture(*removed()).inspect_pod()
    assert "terway_known" not in answer["data"]
    assert any("not in the cluster any more" in note for note in answer["data"]["notes"])
    assert len(answer["coverage"]) >= 1


@pytest.mark.parametrize("custom_resource", [True, False])
@pytest.mark.parametrize("steps", [(POD,), (POD, HOST), (HOST,)], ids=["pod", "pod and node", "node"])
async def test_what_a_removed_node_left_behind_is_not_terways(
    capture: Capture, steps: tuple[Step, ...], custom_resource: bool
) -> None:
    data = await verdict(capture(*removed(custom_resource=custom_resource)), *steps)
    assert data["verdict"]["category"] == "not_terway"
    assert data["verdict"]["title"] == f"Node {NODE} is not in the cluster any more"
    assert f"node {NODE} is not in the cluster" in data["cited"][data["verdict"]["evidence"][0]]


async def test_a_pod_that_was_ready_when_its_node_went_is_not_called_healthy(capture: Capture) -> None:
    built, files = removed()
    built.deployment("shop", "web", running={NODE: 1})
    data = await verdict(capture(built, files), POD)
    assert data["verdict"]["title"] == f"Node {NODE} is not in the cluster any more"


async def test_what_still_names_a_removed_node_is_counted(capture: Capture) -> None:
    data = (await capture(*removed()).inspect_node())["data"]
    assert data["found"] is False
    left = "2 pods and Terway's Node and NodeRuntime"
    assert data["states"] == [f"node {NODE} is not in the cluster, but still named by {left}"]


async def test_the_events_of_such_a_pod_come_next_and_not_those_of_a_terway_pod(capture: Capture) -> None:
    answers = await capture(*removed()).ask(POD, HOST)
    assert [(step["tool"], step["arguments"].get("pod")) for step in answers[-1]["next_steps"]] == [("get_events", WEB)]


async def test_a_node_nobody_names_is_only_unknown(capture: Capture) -> None:
    answer = await capture(*removed()).inspect_node("cn-hangzhou.10.9.9.9")
    assert answer["status"] == "no_data"


async def test_where_pods_may_not_be_listed_a_missing_node_is_only_unknown(capture: Capture) -> None:
    built, files = removed(custom_resource=False)
    files["cluster-resources/custom-resources/noderuntimes.network.alibabacloud.com.json"] = "[]"
    answer = await capture(built.forbid(PODS), files).inspect_node()
    assert answer["status"] in ("no_data", "forbidden")
    assert answer["data"]["found"] is False


# A resource that no node has.


def asking(resource: str, **capacity: str) -> ClusterBuilder:
    """An unscheduled pod that asks for an extended resource."""
    offered = {key.replace("_", "/", 1): value for key, value in capacity.items()}
    built = bare().node(NODE).node(OTHER, capacity=offered)
    needs: dict[str, object] = {"limits": {resource: "1"}, "requests": {resource: "1"}}
    app = Container("app", "app:1", waiting("ContainerCreating"), resources=needs)
    return built.pod("shop", WEB, "", [app], WORLD.ago(12), unschedulable=f"2 Insufficient {resource}")


@pytest.mark.parametrize("resource", ["aliyun/erdma", "aliyun/eni", "aliyun/member-eni"])
async def test_a_resource_that_no_node_has_is_not_used_up(capture: Capture, resource: str) -> None:
    data = await verdict(capture(asking(resource)), POD)
    assert data["verdict"]["category"] == "configuration"
    assert data["verdict"]["title"] == f"No node of the cluster offers {resource}"


async def test_one_node_that_has_it_is_enough(capture: Capture) -> None:
    data = await verdict(capture(asking("aliyun/erdma", aliyun_erdma="1")), POD)
    assert data["verdict"]["category"] == "resource_exhaustion"


async def test_a_plugin_that_is_switched_off_is_why_nobody_offers_anything(capture: Capture) -> None:
    data = await verdict(capture(asking("aliyun/eni").eni_conf(disable_device_plugin=True)), POD)
    assert data["findings"][0]["cause"] == "device_plugin_disabled"


async def test_where_nodes_may_not_be_listed_it_stays_open(capture: Capture) -> None:
    staged = capture(asking("aliyun/erdma").forbid(NODES))
    assert "nodes and what they offer" in outcomes(await staged.inspect_pod())
    assert (await verdict(staged, POD))["verdict"]["category"] == "resource_exhaustion"


@pytest.mark.parametrize(
    ("built", "files"), [removed(), (asking("aliyun/erdma"), {})], ids=["removed node", "resource not offered"]
)
async def test_looking_further_costs_no_more_than_six_requests(
    tmp_path: Path, built: ClusterBuilder, files: dict[str, bytes | str | None]
) -> None:
    async with counted(Captured(built, tmp_path, files).path, tmp_path) as tools:
        await tools.call("inspect_cluster")
        await tools.call("inspect_pod", **POD[1])
        asked = [request.partition("?")[0] for request in tools.requests]
    assert any(request.startswith("/api/v1/nodes") for request in asked)
    assert len(asked) <= 6


# A kubelet that turns the pod away.


@pytest.mark.parametrize(
    ("reason", "message", "cause"),
    [
        (
            "OutOfcpu",
            "Pod was rejected: Node didn't have enough resource: cpu, requested: 2000, used: 3000, capacity: 3900",
            "kubelet_rejects_pod",
        ),
        (
            "Evicted",
            "The node was low on resource: memory. Threshold quantity: 100Mi, available: 82Mi.",
            "node_short_of_resources",
        ),
        (
            "UnexpectedAdmissionError",
            "Pod was rejected: Allocate failed due to requested number of devices unavailable for aliyun/eni",
            "device_plugin_resources_insufficient",
        ),
    ],
)
async def test_a_pod_that_failed_as_a_whole_says_why(capture: Capture, reason: str, message: str, cause: str) -> None:
    built = bare().node(NODE).deployment("shop", "web", creating={NODE: 1})
    status = {"phase": "Failed", "reason": reason, "message": message, "containerStatuses": None}
    staged = capture(built.change(PODS, WEB, {"status": status}, "shop"))
    assert (await staged.inspect_pod())["data"]["failure"] == f"{reason}: {message}"
    assert (await verdict(staged, POD))["findings"][0]["cause"] == cause


async def test_a_pod_that_has_not_failed_shows_no_failure(capture: Capture) -> None:
    staged = capture(bare().node(NODE).deployment("shop", "web", creating={NODE: 1}))
    assert "failure" not in (await staged.inspect_pod())["data"]
