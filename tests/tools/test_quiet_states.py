"""What no event and no log tells: states that show only when several reads are held against each other."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from terway_mcp.cluster.resources import DEPLOYMENTS, NODE_CRS, NODERUNTIMES
from terway_mcp.cluster.scenarios.builder import ClusterBuilder
from terway_mcp.cluster.scenarios.clock import seconds
from terway_mcp.cluster.scenarios.pods import Container, running, terminated, waiting
from terway_mcp.cluster.scenarios.terway_pods import restarted
from tests.tools.conftest import Capture
from tests.tools.stage import NODE, SYSTEM, WEB, WORLD, Captured, Step, bare, cluster, with_web

pytestmark = pytest.mark.anyio

POD: Step = ("inspect_pod", {"namespace": "shop", "pod": WEB})
HOST: Step = ("inspect_node", {"node": NODE})
ASKED_ALONE = {"skip_reason": "tested alone"}


async def causes(staged: Captured, *steps: Step) -> dict[str, str]:
    """What correlate finds, with the first evidence each rests on."""
    data = (await staged.ask(*steps, ("correlate", ASKED_ALONE)))[-1]["data"]
    return {found["cause"]: data["cited"].get(found["evidence"][0], "") for found in data.get("findings", [])}


def told(answer: dict[str, Any]) -> list[str]:
    return [*answer["data"]["states"], *answer["data"].get("contradictions", [])]


# The Terway pod.


def daemon_in(state: dict[str, Any], *, ready: bool) -> ClusterBuilder:
    built = cluster()
    old = built.terway_pod(NODE)
    image = next(each.image for each in old.containers if each.name == "terway")
    return built.terway_containers(NODE, Container("terway", image, state, ready=ready))


async def test_a_daemon_that_runs_and_is_not_ready_is_told(capture: Capture) -> None:
    built = daemon_in(running(WORLD.ago(3)), ready=False)
    states = (await capture(built).inspect_node())["data"]["states"]
    assert any("container terway running, 0 restarts, not ready" in state for state in states)


async def test_a_daemon_whose_container_is_being_made_is_told(capture: Capture) -> None:
    built = daemon_in(waiting("ContainerCreating"), ready=False)
    states = (await capture(built).inspect_node())["data"]["states"]
    assert any("container terway waiting: ContainerCreating" in state for state in states)


@pytest.mark.parametrize(("minutes", "recent"), [(10, True), (600, False)])
async def test_only_a_recent_restart_of_the_daemon_is_told(capture: Capture, minutes: int, recent: bool) -> None:
    built = cluster()
    died = terminated("Error", 2, WORLD.ago(minutes + 30), WORLD.ago(minutes))
    built.terway_containers(NODE, restarted(built.terway_pod(NODE), "terway", died, WORLD.ago(minutes), 1))
    states = (await capture(built).inspect_node())["data"]["states"]
    assert any("1 restarts, last Error (exit 2)" in state for state in states) is recent


async def test_a_controlplane_that_only_waits_for_its_image_does_not_crash(capture: Capture) -> None:
    built = cluster()
    pod = next(pod for (_, name), pod in built.pods.items() if name.startswith("terway-controlplane"))
    pod.containers = [Container("terway-controlplane", "x:1", waiting("ImagePullBackOff"), ready=False)]
    staged = capture(built.change(DEPLOYMENTS, "terway-controlplane", {"status": {"readyReplicas": None}}, SYSTEM))
    data = (await staged.ask(("correlate", ASKED_ALONE)))[-1]["data"]
    assert any("ImagePullBackOff" in text for text in data["cited"].values())
    assert data["verdict"]["category"] == "component_down"


# The books.


@pytest.mark.parametrize(("hours", "late"), [(2, True), (0.5, False), (-6, False)])
async def test_a_comparison_with_the_cloud_that_is_overdue_is_told(capture: Capture, hours: float, late: bool) -> None:
    due = seconds(WORLD.now - timedelta(hours=hours))
    patch = {"status": {"nextSyncOpenAPITime": due, "lastSyncOpenAPITime": seconds(WORLD.ago(days=1))}}
    states = (await capture(cluster().change(NODE_CRS, NODE, patch)).inspect_node())["data"]["states"]
    assert any(f"was due at {due}" in state for state in states) is late


def leaking(deleted: datetime | None, *, uid: str = "uid-gone") -> ClusterBuilder:
    """A node whose only addresses belong to a pod that is gone; the daemon may have reported that."""
    built = bare().node(NODE, kind="ecs.g7.large", idle=0)
    node = built.nodes[NODE]
    for index in range(9):
        node.assign(WORLD, f"batch/job-{index}", uid)
    status: dict[str, Any] = {"initial": {"lastUpdateTime": seconds(WORLD.ago(90))}}
    if deleted:
        status["deleted"] = {"lastUpdateTime": seconds(deleted)}
    pods = {"uid-gone": {"podID": "batch/job", "status": status}}
    return built.change(NODERUNTIMES, NODE, {"status": {"pods": pods}})


@pytest.mark.parametrize(
    ("deleted", "uid", "words"),
    [
        (None, "uid-gone", "NodeRuntime does not say that the pods of 9 of them are deleted"),
        (None, "uid-never-seen", "NodeRuntime does not say that the pods of 9 of them are deleted"),
        (WORLD.ago(95), "uid-gone", "NodeRuntime does not say that the pods of 9 of them are deleted"),
        (WORLD.ago(15), "uid-gone", "the daemon has reported that long ago"),
        (None, "", "9 addresses are booked for pods that are gone"),
    ],
)
async def test_who_keeps_an_address_from_coming_back_is_told(
    capture: Capture, deleted: datetime | None, uid: str, words: str
) -> None:
    assert any(words in text for text in told(await capture(leaking(deleted, uid=uid)).inspect_node()))


async def test_what_was_reported_just_now_is_on_its_way(capture: Capture) -> None:
    answer = await capture(leaking(WORLD.ago(2))).inspect_node()
    assert not any("addresses are booked for pods that are gone" in text for text in told(answer))


async def test_addresses_the_daemon_has_reported_are_the_controlplanes_to_take_back(capture: Capture) -> None:
    assert "controlplane_down" in await causes(capture(leaking(WORLD.ago(15))), HOST)
    assert "ip_leak_noderuntime" in await causes(capture(leaking(None)), HOST)


# What the configuration asks of a node.


async def test_trunking_without_a_trunk_is_told_with_what_the_instance_type_can_do(capture: Capture) -> None:
    plain = capture(bare(trunk=True).node(NODE, kind="ecs.sn1ne.xlarge"))
    assert any("no trunk ENI" in text and "no member ENIs" in text for text in told(await plain.inspect_node()))


async def test_a_node_with_its_trunk_misses_none(capture: Capture) -> None:
    built = bare(trunk=True).node(NODE, annotations={"k8s.aliyun.com/trunk-on": WORLD.eni(NODE, 0)})
    assert not any("no trunk ENI" in text for text in told(await capture(built).inspect_node()))


@pytest.mark.parametrize(
    "labels",
    [
        {"k8s.aliyun.com/exclusive-mode-eni-type": "eniOnly"},
        {"alibabacloud.com/lingjun-worker": "true"},
        {"k8s.aliyun.com/ignore-by-terway": "true"},
    ],
    ids=lambda labels: next(iter(labels)),
)
async def test_a_node_that_needs_no_trunk_misses_none(capture: Capture, labels: dict[str, str]) -> None:
    staged = capture(bare(trunk=True).node(NODE, labels=labels))
    assert not any("no trunk ENI" in text for text in told(await staged.inspect_node()))


@pytest.mark.parametrize(
    ("eri", "capacity", "lacks"), [(0, {}, True), (1, {}, False), (0, {"aliyun/erdma": "1"}, False)]
)
async def test_erdma_on_an_instance_type_without_it_is_told(
    capture: Capture, eri: int, capacity: dict[str, str], lacks: bool
) -> None:
    built = bare().eni_conf(enable_erdma=True).node(NODE, capacity=capacity)
    built.change(NODE_CRS, NODE, {"spec": {"nodeCap": {"eriQuantity": eri}}})
    assert any("has no ERDMA" in text for text in told(await capture(built).inspect_node())) is lacks


async def test_a_pod_that_asks_for_erdma_there_is_told_why_it_waits(capture: Capture) -> None:
    built = bare().eni_conf(enable_erdma=True).node(NODE)
    needs: dict[str, object] = {"limits": {"aliyun/erdma": "1"}, "requests": {"aliyun/erdma": "1"}}
    app = Container("app", "app:1", waiting("ContainerCreating"), resources=needs)
    built.pod("shop", WEB, NODE, [app], WORLD.ago(12))
    found = await causes(capture(built), POD, HOST)
    assert "has no ERDMA interface" in found["instance_type_unsupported"]


async def test_a_pod_without_that_request_is_not_affected(capture: Capture) -> None:
    staged = capture(with_web().eni_conf(enable_erdma=True))
    data = (await staged.ask(POD, HOST, ("correlate", ASKED_ALONE)))[-1]["data"]
    assert data["verdict"]["confidence"] in ("possible", "insufficient")


# What the cluster's configuration lacks.


async def test_prefix_mode_without_a_count_is_found_where_the_node_cannot_contradict(capture: Capture) -> None:
    staged = capture(with_web().eni_conf(enable_ip_prefix=True))
    assert "no prefix count is set" in (await causes(staged, POD))["prefix_count_zero"]
    assert "prefix_count_zero" not in await causes(staged, POD, HOST), "this node was made in another mode"


async def test_a_count_of_either_family_is_a_count(capture: Capture) -> None:
    staged = capture(with_web().eni_conf(enable_ip_prefix=True, ipv6_prefix_count=1))
    assert "prefix_count_zero" not in await causes(staged, POD)


def trunk_pod(**terway: Any) -> ClusterBuilder:
    """A pod that was marked for an ENI of its own and has none."""
    asked = {"k8s.aliyun.com/pod-eni": "true"}
    built = bare(trunk=True, **terway).node(NODE, annotations={"k8s.aliyun.com/trunk-on": WORLD.eni(NODE, 0)})
    app = Container("app", "app:1", waiting("ContainerCreating"))
    return built.pod("shop", WEB, NODE, [app], WORLD.ago(12), annotations=asked)


async def test_a_webhook_that_is_not_registered_is_found_where_trunking_is_on(capture: Capture) -> None:
    none = {"cluster-resources/mutating-webhook-configurations.json": '{"items": []}'}
    data = (await capture(trunk_pod(), none).ask(POD, ("correlate", ASKED_ALONE)))[-1]["data"]
    assert any("does not exist although trunking is on" in text for text in data["cited"].values())
    data = (await capture(trunk_pod()).ask(POD, ("correlate", ASKED_ALONE)))[-1]["data"]
    assert not any("trunking is on" in text for text in data["cited"].values())


# A controlplane that cannot be seen.


async def test_where_the_controlplane_is_hosted_and_owes_something_that_is_remarked(capture: Capture) -> None:
    built = with_web(controlplane="hosted").change(NODE_CRS, NODE, {"status": {"networkInterfaces": {}}})
    data = (await capture(built).ask(POD, HOST, ("correlate", ASKED_ALONE)))[-1]["data"]
    (remark,) = [found for found in data["findings"] if found["cause"] == "controlplane_hosted_invisible"]
    assert remark["remark"] is True
    assert data["verdict"]["title"] != remark["title"]


async def test_where_it_owes_nothing_nothing_is_remarked(capture: Capture) -> None:
    built = bare(controlplane="hosted").node(NODE, idle=0)
    built.deployment("shop", "web", running={NODE: 2}, creating={NODE: 1})
    assert "controlplane_hosted_invisible" not in await causes(capture(built), POD, HOST)


async def test_a_pod_that_waits_for_an_eni_nobody_makes_is_told_so(capture: Capture) -> None:
    found = await causes(capture(trunk_pod(ipam="local", controlplane="absent")), POD, HOST)
    assert "terway-controlplane is absent" in found["controlplane_down"]
