"""What the pods of a node say about it, and what success makes of earlier failures."""

import pytest

from terway_mcp.cluster import resources
from terway_mcp.cluster.scenarios.builder import ClusterBuilder
from terway_mcp.cluster.scenarios.clock import Seen
from terway_mcp.cluster.scenarios.events import Said
from terway_mcp.cluster.scenarios.pods import Container, terminated, waiting
from tests.tools.conftest import Capture
from tests.tools.stage import NODE, SYSTEM, WEB, WORLD, Captured, Step, cluster

pytestmark = pytest.mark.anyio

ASKED = {"namespace": "shop", "pod": WEB}
POD: Step = ("inspect_pod", ASKED)
POD_EVENTS: Step = ("get_events", ASKED)
HOST: Step = ("inspect_node", {"node": NODE})
EVENTS: Step = ("get_events", {"node": NODE})
CONCLUDE: Step = ("correlate", {"skip_reason": "tested alone"})
BROKEN = "cmdAdd: setup container, error ip link set eth0 up, cannot allocate memory"


def hanging(minutes: float) -> ClusterBuilder:
    """A pod that was created so many minutes ago and has no network."""
    return cluster().deployment("shop", "web", creating={NODE: 1}, since=WORLD.ago(minutes))


async def verdict(staged: Captured, *steps: Step) -> dict[str, str]:
    return dict((await staged.ask(*steps, CONCLUDE))[-1]["data"]["verdict"])


async def test_a_ready_node_whose_pod_waits_for_minutes_is_not_healthy(capture: Capture) -> None:
    assert (await verdict(capture(hanging(9)), HOST, EVENTS))["category"] != "healthy"


async def test_a_pod_that_is_only_just_starting_does_not_speak_against_its_node(capture: Capture) -> None:
    assert (await verdict(capture(hanging(1)), HOST, EVENTS))["category"] == "healthy"


async def test_the_events_of_a_node_include_those_of_the_pods_that_wait_on_it(capture: Capture) -> None:
    built = hanging(9)
    built.no_network("shop", WEB, BROKEN, Seen(WORLD.ago(8), WORLD.ago(1), 6))
    found = await verdict(capture(built), HOST, EVENTS)
    assert (found["category"], found["confidence"]) == ("datapath", "likely")


async def test_links_repaired_for_several_pods_are_a_finding_about_their_node(capture: Capture) -> None:
    built = cluster().deployment("shop", "web", running={NODE: 2}, since=WORLD.ago(90))
    for index in range(2):
        said = Said("ConfigCheck", "link eth0 set up")
        built.event_daemon(built.ref("shop", WORLD.replica("web", index)), said, Seen(WORLD.ago(30), WORLD.ago(1), 8))
    assert (await verdict(capture(built), HOST, EVENTS))["title"].startswith("Something outside Terway")


@pytest.mark.parametrize(("reason", "told"), [("ImagePullBackOff", True), ("ContainerCreating", False)])
async def test_only_a_kube_proxy_that_cannot_start_is_told(capture: Capture, reason: str, told: bool) -> None:
    built = cluster()
    proxy = Container("kube-proxy-worker", "acs/kube-proxy:v1.34.1", waiting(reason))
    built.pod(SYSTEM, "kube-proxy-worker-x2x4z", NODE, [proxy], WORLD.ago(30), host_network=True)
    answer = await capture(built).inspect_node()
    assert any("kube-proxy-worker-x2x4z" in state for state in answer["data"]["states"]) is told


@pytest.mark.parametrize("full", [True, False])
async def test_a_slot_whose_eni_is_on_its_way_out_makes_no_node_full(capture: Capture, full: bool) -> None:
    built = cluster()
    model = built.nodes[NODE]
    served = model.kind.pod_ips - (0 if full else model.kind.ipv4_per_adapter)
    built.deployment("shop", "web", running={NODE: served}, since=WORLD.ago(90))
    if not full:
        model.attach(WORLD).status = "Deleting"
    states = (await capture(built).inspect_node())["data"]["states"]
    assert any("pod IPs given out" in state for state in states) is full


async def test_a_pod_that_its_job_ended_is_told_with_the_reason(capture: Capture) -> None:
    built = cluster().deployment("shop", "web", running={NODE: 1}, since=WORLD.ago(90))
    pod = built.pods["shop", WEB]
    pod.containers = [Container("web", "web:1", terminated("Error", 143, WORLD.ago(90), WORLD.ago(9)), ready=False)]
    message = "Pod was active on the node longer than the specified deadline"
    status = {"phase": "Failed", "reason": "DeadlineExceeded", "message": message}
    built.change(resources.PODS, WEB, {"status": status}, "shop")
    found = await verdict(capture(built), POD, POD_EVENTS)
    assert found["title"] == "Kubernetes itself ended the pod"


async def test_what_failed_before_a_pod_got_its_network_does_not_keep_it_from_running(capture: Capture) -> None:
    built = cluster(ipam="local", controlplane="absent").deployment(
        "shop", "web", running={NODE: 1}, since=WORLD.ago(50)
    )
    error = 'errCode: InvalidVSwitchId.IpNotEnough, msg: The specified VSwitch "vsw-1" has not enough IpAddress.'
    built.event_daemon(built.ref_node(NODE), Said("AllocIPFailed", error), Seen(WORLD.ago(48), WORLD.ago(40), 5))
    built.got_address("shop", WEB, Seen.once(WORLD.ago(35)))
    built.pods["shop", WEB].containers = [Container("web", "web:1", waiting("ImagePullBackOff"))]
    built.pods["shop", WEB].ips = (built.nodes[NODE].enis[0].slots[0].ip,)
    found = await verdict(capture(built), POD, HOST, POD_EVENTS)
    assert found["title"] == "The application image cannot be pulled"


@pytest.mark.parametrize("name", ["web/../../nodes", "web,involvedObject.kind=Node", "a b", ""])
async def test_what_is_no_name_is_not_asked_for(capture: Capture, name: str) -> None:
    built = hanging(9)
    built.change(resources.PODS, WEB, {"metadata": {"name": name}}, namespace="shop")
    answers = await capture(built).ask(HOST, EVENTS)
    assert [answer["status"] for answer in answers[-2:]] == ["ok", "no_data"]
    assert "events of pod" not in str(answers[-1]["coverage"])


async def test_a_pod_whose_sandbox_another_plugin_fails_is_a_suspect_too(capture: Capture) -> None:
    built = hanging(9)
    text = (
        'Failed to create pod sandbox: plugin type="flannel" failed (add): open /run/flannel/subnet.env: no such file'
    )
    said = Said("FailedCreatePodSandBox", text)
    built.event_kubelet(built.ref("shop", WEB), said, Seen(WORLD.ago(8), WORLD.ago(1), 6))
    suspects = (await capture(built).inspect_cluster())["data"]["suspects"]
    assert [suspect["name"] for suspect in suspects] == [WEB]
