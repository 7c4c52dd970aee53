"""What was seen, and has nothing to do with the target (any more): old shortages, and steps it has not reached."""

from typing import Any

import pytest

from terway_mcp.cluster.scenarios.builder import ClusterBuilder
from terway_mcp.cluster.scenarios.clock import Seen
from terway_mcp.cluster.scenarios.events import Said
from terway_mcp.cluster.scenarios.plots import DEADLINE
from terway_mcp.cluster.scenarios.pods import Container, back_off, terminated
from tests.tools.conftest import Capture
from tests.tools.stage import NODE, WEB, WORLD, Step, bare

pytestmark = pytest.mark.anyio

ALONE = {"skip_reason": "tested alone"}
WAY: tuple[Step, ...] = (
    ("inspect_pod", {"namespace": "shop", "pod": WEB}),
    ("inspect_node", {"node": NODE}),
    ("get_events", {"namespace": "shop", "pod": WEB, **ALONE}),
    ("correlate", ALONE),
)
EMPTY = 'errCode: InvalidVSwitchId.IpNotEnough, msg: The specified VSwitch "vsw-a" has not enough IpAddress.'
MOUNT = 'MountVolume.SetUp failed for volume "nas" : rpc error: code = Internal desc = mount.nfs: Connection timed out'


def waiting(minutes: float, *, idle: int = 0) -> ClusterBuilder:
    """A pod of the shop that has been waiting for so long, and its node."""
    built = bare().node(NODE, idle=idle, serving=False)
    built.deployment("shop", "web", running={NODE: 2}, creating={NODE: 1}, since=WORLD.ago(minutes))
    return built.scheduled("shop", WEB)


def short(built: ClusterBuilder, first: float, last: float) -> ClusterBuilder:
    """The vSwitch of the node had no address between so many minutes ago."""
    said = Said("AllocIPFailed", EMPTY, action="AllocIP")
    seen = Seen(WORLD.ago(first), WORLD.ago(last), 5)
    return built.event_controlplane("multi-ip-node", built.ref_node_cr(NODE), said, seen)


async def conclusion(capture: Capture, built: ClusterBuilder) -> dict[str, Any]:
    found: dict[str, Any] = (await capture(built).ask(*WAY))[-1]["data"]
    return found


@pytest.mark.parametrize(
    ("waits", "last", "is_cause"),
    [(30, 3, True), (30, 80, True), (30, 95, False), (200, 100, True), (300, 130, False)],
)
async def test_a_shortage_that_no_attempt_repeats_is_over(
    capture: Capture, waits: float, last: float, is_cause: bool
) -> None:
    built = short(waiting(waits), last + 30, last)
    built.no_network("shop", WEB, DEADLINE, Seen(WORLD.ago(waits - 1), WORLD.ago(1), 9))
    data = await conclusion(capture, built)
    assert (data["verdict"]["category"] == "resource_exhaustion") is is_cause
    over = [row for row in data.get("ruled_out", []) if "no attempt has repeated it" in row["why"]]
    assert bool(over) is not is_cause


def unmounted() -> ClusterBuilder:
    """A pod whose volume cannot be mounted, on a node whose vSwitch is empty."""
    built = short(waiting(25), 28, 2)
    said = Said("FailedMount", MOUNT)
    return built.event_kubelet(built.ref("shop", WEB), said, Seen(WORLD.ago(24), WORLD.ago(1), 12))


async def test_a_pod_that_waits_for_its_volume_does_not_wait_for_an_address_yet(capture: Capture) -> None:
    assert (await conclusion(capture, unmounted()))["verdict"]["category"] == "not_terway"


async def test_a_pod_that_has_got_as_far_as_its_sandbox_waits_for_the_address(capture: Capture) -> None:
    built = unmounted()
    built.no_network("shop", WEB, DEADLINE, Seen(WORLD.ago(12), WORLD.ago(1), 4))
    assert (await conclusion(capture, built))["verdict"]["category"] == "resource_exhaustion"


@pytest.mark.parametrize(("seconds", "title"), [(20, "The pod has only just been created"), (400, "")])
async def test_of_a_pod_that_is_seconds_old_nothing_is_claimed(capture: Capture, seconds: float, title: str) -> None:
    built = waiting(seconds / 60, idle=4)
    seen = Seen(WORLD.ago(60), WORLD.ago(0.1), 40)
    chore = Said("MissingClusterDNS", "kubelet does not have ClusterDNS IP configured")
    built.event_kubelet(built.ref_kubelet_node(NODE), chore, seen, NODE)
    data = await conclusion(capture, built)
    assert any(found["title"] == title for found in data.get("findings", [])) is bool(title)
    assert (data["verdict"]["category"] == "insufficient_evidence") is bool(title)


async def test_what_a_neighbour_cannot_get_is_not_what_a_pod_with_its_address_lacks(capture: Capture) -> None:
    built = bare().node(NODE, idle=0, serving=False)
    built.deployment("shop", "web", running={NODE: 2}, since=WORLD.ago(40)).started("shop", WEB)
    pod = built.pods["shop", WEB]
    old = pod.containers[0]
    state, died = (
        back_off(old.name, WEB, "shop", pod.uid),
        terminated("Error", 1, WORLD.ago(3), WORLD.ago(2)),
    )
    pod.containers = [Container(old.name, old.image, state, died, 9, ready=False)]
    assert (await conclusion(capture, short(built, 30, 2)))["verdict"]["category"] == "not_terway"


async def test_a_pod_whose_sandbox_is_made_anew_needs_an_address_again(capture: Capture) -> None:
    built = short(bare().node(NODE, idle=0, serving=False), 30, 2)
    built.deployment("shop", "web", running={NODE: 2}, since=WORLD.ago(40)).started("shop", WEB)
    pod = built.pods["shop", WEB]
    pod.containers = [Container(each.name, each.image, each.state, ready=False) for each in pod.containers]
    built.no_network("shop", WEB, DEADLINE, Seen(WORLD.ago(20), WORLD.ago(1), 6))
    assert (await conclusion(capture, built))["verdict"]["category"] == "resource_exhaustion"


async def test_on_a_node_whose_runtime_is_down_nothing_asks_for_an_address(capture: Capture) -> None:
    built = short(waiting(30), 28, 2)
    built.nodes[NODE].ready = False
    built.nodes[
        NODE
    ].not_ready_message = "container runtime is down, PLEG is not healthy: pleg was last seen active 31m"
    assert (await conclusion(capture, built))["verdict"]["category"] == "not_terway"


@pytest.mark.parametrize(("minutes", "told"), [(3, False), (30, True)])
async def test_a_runtime_without_cni_beside_a_ready_terway_is_told_when_it_lasts(
    capture: Capture, minutes: float, told: bool
) -> None:
    unready = "container runtime network not ready: NetworkReady=false ... cni plugin not initialized"
    built = bare().node(NODE, age_days=minutes / 1440, ready=False, not_ready_message=unready)
    report = (await capture(built).inspect_node())["data"]
    assert any("no CNI configuration" in text for text in report.get("contradictions", [])) is told
