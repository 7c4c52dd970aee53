"""Texts that name a cause by themselves, from the event or the log line to the verdict."""

from typing import Any

import pytest

from terway_mcp.cluster.scenarios.builder import ClusterBuilder
from terway_mcp.cluster.scenarios.clock import Seen
from terway_mcp.cluster.scenarios.log_noise import Line
from terway_mcp.cluster.scenarios.plots import DEADLINE
from terway_mcp.cluster.scenarios.pods import terminated
from terway_mcp.cluster.scenarios.terway_pods import stuck_in_init
from tests.tools.conftest import Capture
from tests.tools.stage import NODE, WEB, WORLD, Step, bare

pytestmark = pytest.mark.anyio

ALONE = {"skip_reason": "tested alone"}
WAY: tuple[Step, ...] = (
    ("inspect_pod", {"namespace": "shop", "pod": WEB}),
    ("inspect_node", {"node": NODE}),
    ("get_events", {"namespace": "shop", "pod": WEB, **ALONE}),
    ("grep_terway_logs", {"node": NODE, **ALONE}),
    ("grep_terway_logs", {"component": "controlplane", **ALONE}),
    ("correlate", ALONE),
)
LEASES = "https://192.168.0.1:443/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/terway-controlplane"


def waiting_for(text: str) -> ClusterBuilder:
    """One pod of `shop/web` waits, and the kubelet says why, again and again."""
    built = bare().node(NODE, idle=0, serving=False)
    built.deployment("shop", "web", running={NODE: 2}, creating={NODE: 1}, since=WORLD.ago(20))
    return built.no_network("shop", WEB, text, Seen(WORLD.ago(19), WORLD.ago(1), 9))


async def findings(capture: Capture, built: ClusterBuilder) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await capture(built).ask(*WAY))[-1]["data"]["findings"]
    return found


async def test_leases_that_cannot_be_read_are_behind_a_controlplane_that_gave_up(capture: Capture) -> None:
    built = waiting_for(DEADLINE).controlplane_lease_renewed(1_100)
    lease = "kube-system/terway-controlplane"
    late = f'error retrieving resource lock {lease}: Get "{LEASES}?timeout=5s": context deadline exceeded'
    lost = f"failed to renew lease {lease}: timed out waiting for the condition"
    built.controlplane_says(
        Line(WORLD.ago(19), late, "E", "leaderelection.go:332", {}),
        Line(WORLD.ago(18.5), lost, "I", "leaderelection.go:285", {}),
    )
    causes = [found["cause"] for found in await findings(capture, built)]
    assert causes[:2] == ["controlplane_apiserver_silent", "controlplane_down"]


@pytest.mark.parametrize(("module", "named"), [("ip6_tables", True), ("erdma", False), ("sch_htb", False)])
async def test_a_module_that_init_cannot_load_is_named_unless_it_goes_on_without(
    capture: Capture, module: str, named: bool
) -> None:
    built = waiting_for("cmdAdd: dial unix /var/run/eni/eni.socket: connect: connection refused")
    pod = built.terway_pod(NODE)
    pod.containers = stuck_in_init(pod, terminated("Error", 1, WORLD.ago(3), WORLD.ago(2.9)), 7)
    text = f"modprobe: FATAL: Module {module} not found in directory /lib/modules/5.10.134-18.al8.x86_64"
    built.daemon_log(NODE, "terway-init").add(Line(WORLD.ago(2.9), text))
    best = (await findings(capture, built))[0]
    assert (best["cause"] == "kernel_module_missing") is named
    assert (f"Kernel module {module}" in best["title"]) is named


async def test_a_call_that_something_else_refuses_is_not_terways_answer(capture: Capture) -> None:
    built = waiting_for("cmdAdd: error alloc ip rpc error: code = PermissionDenied desc = denied by policy")
    best = (await findings(capture, built))[0]
    assert (best["cause"], best["category"]) == ("daemon_call_refused", "node_runtime")
