"""What no rule knows is never passed over: a target that looks healthy is then not called healthy for certain."""

from collections.abc import Callable
from pathlib import Path

import msgspec

from terway_mcp.cluster.resources import CONFIGMAPS, EVENTS
from terway_mcp.cluster.scenarios.background import ordinary_cluster
from terway_mcp.cluster.scenarios.builder import ClusterBuilder
from terway_mcp.cluster.scenarios.clock import Seen
from terway_mcp.cluster.scenarios.events import Said
from terway_mcp.cluster.scenarios.healthy import healthy
from terway_mcp.cluster.scenarios.logs import Line
from terway_mcp.cluster.scenarios.profile import Terway
from terway_mcp.cluster.scenarios.world import World

from .corpus import Outcome, ask

WORLD = World()
NODE, OTHER = WORLD.node(21), WORLD.node(22)


def asked(folder: Path, change: Callable[[ClusterBuilder], object]) -> Outcome:
    """The healthy scenario with something added, asked about its node."""
    scenario = healthy(WORLD)

    def build() -> ClusterBuilder:
        cluster = scenario.build()
        change(cluster)
        return cluster

    return ask(msgspec.structs.replace(scenario, build=build, namespace="", pod="", node=NODE), folder)


def monitor_says(cluster: ClusterBuilder) -> None:
    said = Said("FluxReversed", "the flux of eth0 runs backwards")
    seen = Seen(WORLD.ago(26), WORLD.ago(1), 31)
    cluster.event_controller("flux-monitor", cluster.ref_kubelet_node(NODE), said, seen)


def test_without_such_a_warning_health_is_certain_and_needs_no_logs(tmp_path: Path) -> None:
    outcome = asked(tmp_path, lambda _: None)
    assert (outcome.category, outcome.verdict["confidence"]) == ("healthy", "confirmed")
    assert "grep_terway_logs" not in [call.tool for call in outcome.walk.calls]


def test_an_unknown_warning_is_shown_looked_into_and_makes_health_less_certain(tmp_path: Path) -> None:
    outcome = asked(tmp_path, monitor_says)
    found = outcome.walk.correlation or {}
    assert (outcome.category, outcome.verdict["confidence"]) == ("healthy", "likely")
    assert any("the flux of eth0 runs backwards" in line for line in found["unexplained"])
    assert "unexplained" in str(outcome.verdict["root_cause"])
    assert "grep_terway_logs" in [call.tool for call in outcome.walk.calls]


def test_lines_of_the_controlplane_about_another_node_are_no_trouble_of_this_one(tmp_path: Path) -> None:
    def change(cluster: ClusterBuilder) -> None:
        monitor_says(cluster)
        note = "errCode: InvalidVSwitchId.IpNotEnough, msg: no address"
        fields = {"object": f"/{OTHER}", "kind": "Node", "reason": "AllocIPFailed", "note": note}
        cluster.controlplane_says(Line(WORLD.ago(3), "Event occurred", "I", "recorder.go:104", fields))

    outcome = asked(tmp_path, change)
    assert outcome.category == "healthy"
    logs = next(call.envelope["data"] for call in outcome.walk.calls if call.tool == "grep_terway_logs")
    assert "IpNotEnough" in msgspec.json.encode(logs).decode(), "it was read"


def test_health_is_not_certain_where_events_may_not_be_read(tmp_path: Path) -> None:
    outcome = asked(tmp_path, lambda cluster: cluster.forbid(EVENTS))
    assert (outcome.category, outcome.verdict["confidence"]) == ("healthy", "likely")
    assert any("events" in line for line in (outcome.walk.correlation or {})["missing_evidence"])
    assert "grep_terway_logs" in [call.tool for call in outcome.walk.calls], "silence was asked of something else"


def never_started(folder: Path, change: Callable[[ClusterBuilder], object]) -> Outcome:
    """A pod that does not start for a reason nobody has heard of, in a cluster where all else is well."""
    shop, cart = WORLD.namespace("shop"), WORLD.app("cart")

    def build() -> ClusterBuilder:
        cluster = ordinary_cluster(WORLD, "unknown", Terway(ipam="local"), hosts=(21, 22))
        cluster.deployment(shop, cart, creating={NODE: 1}, since=WORLD.ago(30))
        seen = Seen(WORLD.ago(29), WORLD.ago(1), 40)
        said = Said("FluxDry", "the flux ran dry")
        cluster.event_kubelet(cluster.ref(shop, WORLD.replica(cart, 0)), said, seen, NODE)
        change(cluster)
        return cluster

    pod = WORLD.replica(cart, 0)
    return ask(msgspec.structs.replace(healthy(WORLD), build=build, namespace=shop, pod=pod), folder)


def test_an_unknown_failure_of_which_all_was_read_is_called_unknown(tmp_path: Path) -> None:
    outcome = never_started(tmp_path, lambda _: None)
    assert outcome.category == "insufficient_evidence"
    assert outcome.verdict["title"] == "No rule knows this failure"
    assert any("the flux ran dry" in line for line in (outcome.walk.correlation or {})["unexplained"])


def test_where_something_could_not_be_read_that_is_to_be_collected_first(tmp_path: Path) -> None:
    outcome = never_started(tmp_path, lambda cluster: cluster.forbid(CONFIGMAPS))
    assert outcome.category == "insufficient_evidence"
    assert "Collect what is listed as missing" in str(outcome.verdict["root_cause"])
    assert (outcome.walk.correlation or {})["missing_evidence"]
