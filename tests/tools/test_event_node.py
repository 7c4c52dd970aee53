"""The node of a pod that may not be read, as far as its events name it."""

import json
from typing import Any

import pytest

from terway_mcp.cluster.resources import PODS
from terway_mcp.cluster.scenarios.builder import ClusterBuilder
from terway_mcp.cluster.scenarios.clock import Seen
from terway_mcp.cluster.scenarios.plots import DEADLINE
from tests.tools.conftest import Capture
from tests.tools.stage import NODE, OTHER, WEB, WORLD, Captured, Step, bare, event, with_web

pytestmark = pytest.mark.anyio

POD: Step = ("inspect_pod", {"namespace": "shop", "pod": WEB})
EVENTS: Step = ("get_events", {"namespace": "shop", "pod": WEB})
LATE, LATER, LATEST = (f"2026-07-01T08:{minute}:00Z" for minute in (10, 20, 30))
ABOUT = {"kind": "Pod", "name": WEB, "namespace": "shop", "apiVersion": "v1"}
READ = f"node of pod shop/{WEB}: {NODE}, derived from its event"


def kubelet(node: str, at: str, **fields: Any) -> dict[str, Any]:
    told = {"source": {"component": "kubelet", "host": node}, "lastTimestamp": at}
    return event("FailedCreatePodSandBox", f"failed on {at}", ABOUT, **{**told, **fields})


def scheduled(message: str, at: str) -> dict[str, Any]:
    told: dict[str, Any] = {"reportingComponent": "default-scheduler", "reportingInstance": "default-scheduler-m1"}
    return event("Scheduled", message, ABOUT, type="Normal", eventTime=at, **told)


def unreadable(capture: Capture, *events: dict[str, Any], built: ClusterBuilder | None = None) -> Captured:
    """A capture whose pods may not be listed, with these events in the pod's namespace."""
    made = (built or bare().node(OTHER).node(NODE)).forbid(PODS)
    return capture(made, {"cluster-resources/events/shop.json": json.dumps({"items": list(events)})})


async def told(staged: Captured) -> str:
    """What coverage says of the node's origin."""
    covered = "; ".join(entry["what"] for entry in (await staged.ask(POD, EVENTS))[-1]["coverage"])
    return next((what for what in covered.split("; ") if what.startswith("node of pod")), "")


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        ([kubelet(NODE, LATE)], "FailedCreatePodSandBox"),
        ([kubelet("", LATE, reportingComponent="kubelet", reportingInstance=NODE)], "FailedCreatePodSandBox"),
        ([scheduled(f"Successfully assigned shop/{WEB} to {NODE}", LATE)], "Scheduled"),
        ([kubelet(OTHER, LATE), scheduled(f"Successfully assigned shop/{WEB} to {NODE}", LATER)], "Scheduled"),
        ([scheduled(f"Successfully assigned shop/{WEB} to {OTHER}", LATE), kubelet(NODE, LATER)],
         "FailedCreatePodSandBox"),
    ],
    ids=["host", "instance", "assignment", "assigned anew", "reported last"],
)  # fmt: skip
async def test_the_latest_event_that_names_a_node_says_where_the_pod_is(
    capture: Capture, found: list[dict[str, Any]], reason: str
) -> None:
    assert await told(unreadable(capture, *found)) == f"{READ} {reason}"


@pytest.mark.parametrize(
    "found",
    [
        scheduled(f"Successfully assigned shop/{WEB} to ../nodes", LATE),
        scheduled(f"Successfully assigned shop/{WEB} to Call_this_tool", LATE),
        event("FailedCreate", "x", ABOUT, reportingComponent="operator", reportingInstance=NODE, eventTime=LATE),
        event("BackOff", f"Successfully assigned shop/{WEB} to {NODE}", ABOUT, eventTime=LATE),
        event("AllocIPFailed", "x", ABOUT, source={"component": "terway-daemon", "host": NODE}, lastTimestamp=LATE),
    ],
    ids=["path", "no name", "another component", "another reason", "not the kubelet"],
)
async def test_what_is_no_node_is_not_taken_for_one(capture: Capture, found: dict[str, Any]) -> None:
    assert await told(unreadable(capture, found)) == ""


async def test_the_node_of_a_pod_that_was_read_is_the_one_in_its_spec(capture: Capture) -> None:
    assert await told(capture(with_web())) == ""
    found = json.dumps({"items": [kubelet(OTHER, LATE)]})
    assert await told(capture(with_web(), {"cluster-resources/events/shop.json": found})) == ""


async def test_the_events_of_that_node_are_read_with_the_pods(capture: Capture) -> None:
    host = {"kind": "Node", "name": NODE, "apiVersion": "v1"}
    full = event("AllocIPFailed", "no eni can handle the allocation", host)
    staged = unreadable(capture, kubelet(NODE, LATE))
    place = staged.path / "cluster-resources/events/default.json"
    place.write_text(json.dumps({"items": [full]}))
    answer = (await staged.ask(POD, EVENTS))[-1]
    assert {row["object"] for row in answer["data"]["groups"]} == {f"Pod shop/{WEB}", f"Node {NODE}"}


async def test_inspecting_that_node_comes_next_and_the_verdict_knows_it(capture: Capture) -> None:
    built = bare().node(NODE, kind="ecs.g7.large", idle=0).deployment("shop", "web", running={NODE: 12})
    built.no_network("shop", WEB, DEADLINE, Seen(WORLD.ago(20), WORLD.ago(1), 9))
    staged = capture(built.forbid(PODS))
    steps: tuple[Step, ...] = (POD, EVENTS)
    answers = await staged.ask(*steps)
    (following, *_) = answers[-1]["next_steps"]
    assert (following["tool"], following["arguments"]["node"]) == ("inspect_node", NODE)
    host: Step = ("inspect_node", {"node": NODE})
    verdict = (await staged.ask(*steps, host, ("correlate", {"skip_reason": "tested alone"})))[-1]["data"]["verdict"]
    assert (verdict["category"], verdict["title"]) == (
        "resource_exhaustion", f"Node {NODE} uses all its ENI and IP slots",
    )  # fmt: skip


async def test_a_pod_that_is_gone_gets_no_node_from_its_events(capture: Capture) -> None:
    found = json.dumps({"items": [kubelet(NODE, LATE)]})
    staged = capture(bare().node(NODE), {"cluster-resources/events/shop.json": found})
    assert await told(staged) == ""
