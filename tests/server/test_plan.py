"""The next calls: always admitted, always leading on, ending in the verdict."""

from typing import Any

import pytest
from hypothesis import given

from terway_mcp.server.gate import check, target_of
from terway_mcp.server.plan import NextStep, allowed_tools, next_steps, start
from terway_mcp.server.state import Done, State
from tests.server.calls_made_up import MadeUp, attempts, sequences

POD = "pod/shop/web-0"
SUSPECT = {"kind": "Pod", "namespace": "shop", "name": "web-0"}
CLUSTER = Done("inspect_cluster", "cluster", {"suspects": [SUSPECT], "controlplane": "running", "ipam_mode": "local"})
INSPECTED = Done("inspect_pod", POD, {"node": "n1", "terway_pod": "terway-x", "terway_running": True})
NODE = Done("inspect_node", "node/n1", {"node": "n1", "terway_pod": "terway-x", "terway_running": True})


def judged(sufficiency: str, target: str = POD) -> Done:
    return Done("get_events", target, {"sufficiency": sufficiency})


def logs(target: str, sufficiency: str = "insufficient") -> Done:
    return Done("grep_terway_logs", target, {"sufficiency": sufficiency})


def proposed(*done: Done) -> list[tuple[str, dict[str, Any]]]:
    return [(step.tool, step.arguments) for step in next_steps("", State("ctx", done=list(done)))]


def first(*done: Done) -> tuple[str, dict[str, Any]]:
    tool, arguments = proposed(*done)[0]
    return tool, {name: value for name, value in arguments.items() if name != "investigation"}


def test_everything_starts_with_the_cluster() -> None:
    assert [(step.tool, step.arguments) for step in start()] == [("inspect_cluster", {})]


def test_an_investigation_whose_cluster_could_not_be_read_begins_with_it_again() -> None:
    assert next_steps("abc", State("ctx"))[0] == NextStep("inspect_cluster", {"investigation": "abc"}, start()[0].why)


def test_the_way_of_a_case_that_events_settle() -> None:
    assert first(CLUSTER) == ("inspect_pod", {"namespace": "shop", "pod": "web-0"})
    assert first(CLUSTER, INSPECTED) == ("inspect_node", {"node": "n1"})
    assert first(CLUSTER, INSPECTED, NODE) == ("get_events", {"namespace": "shop", "pod": "web-0"})
    assert first(CLUSTER, INSPECTED, NODE, judged("sufficient")) == ("correlate", {})
    assert proposed(CLUSTER, INSPECTED, NODE, judged("sufficient"), Done("correlate", "investigation")) == []


def test_the_way_of_a_case_that_needs_logs() -> None:
    so_far = (CLUSTER, INSPECTED, NODE, judged("insufficient"))
    assert first(*so_far) == ("grep_terway_logs", {"node": "n1"})
    assert first(*so_far, logs("node/n1")) == ("grep_terway_logs", {"component": "controlplane"})
    assert first(*so_far, logs("node/n1"), logs("component/controlplane")) == ("correlate", {})


def test_a_node_that_only_events_name_is_inspected_and_its_log_proposed() -> None:
    unread = Done("inspect_pod", POD, {"missing": False}, unread=True)
    found = Done("get_events", POD, {"sufficiency": "insufficient", "node": "n1"})
    assert first(CLUSTER, unread) == ("get_events", {"namespace": "shop", "pod": "web-0"})
    assert first(CLUSTER, unread, found) == ("inspect_node", {"node": "n1"})
    assert first(CLUSTER, unread, found, NODE) == ("grep_terway_logs", {"node": "n1"})


def test_logs_that_settle_the_case_are_the_last_ones_proposed() -> None:
    assert first(CLUSTER, INSPECTED, NODE, judged("absent"), logs("node/n1", "sufficient")) == ("correlate", {})


def test_with_centralized_ipam_the_controlplane_is_asked_before_the_node() -> None:
    central = Done("inspect_cluster", "cluster", {"controlplane": "running", "ipam_mode": "centralized"})
    so_far = (central, INSPECTED, NODE, judged("absent"))
    assert first(*so_far) == ("grep_terway_logs", {"component": "controlplane"})
    assert first(*so_far, logs("component/controlplane")) == ("grep_terway_logs", {"node": "n1"})


def test_logs_of_a_hosted_controlplane_are_never_proposed() -> None:
    hosted = Done("inspect_cluster", "cluster", {"controlplane": "hosted", "ipam_mode": "centralized"})
    assert "component" not in str(proposed(hosted, INSPECTED, NODE, judged("absent")))


def test_while_terway_is_down_its_own_events_come_first() -> None:
    down = Done("inspect_pod", POD, {**INSPECTED.marks, "terway_running": False})
    assert first(CLUSTER, down, NODE) == ("get_events", {"namespace": "kube-system", "pod": "terway-x"})


def test_a_pod_that_does_not_exist_leads_to_the_suspects() -> None:
    gone = Done("inspect_pod", "pod/shop/gone", {"missing": True})
    assert first(CLUSTER, gone) == ("inspect_pod", {"namespace": "shop", "pod": "web-0"})


def test_a_node_that_does_not_exist_leads_to_the_suspects() -> None:
    gone = Done("inspect_node", "node/gone", {"missing": True})
    assert first(CLUSTER, gone) == ("inspect_pod", {"namespace": "shop", "pod": "web-0"})


def test_suspects_of_other_kinds_are_not_proposed_as_pods_or_nodes() -> None:
    suspects = [{"kind": "ConfigMap", "namespace": "kube-system", "name": "eni-config"}]
    assert proposed(Done("inspect_cluster", "cluster", {"suspects": suspects})) == []


@pytest.mark.parametrize("tool", ["inspect_cluster", "inspect_node", "inspect_pod", "get_events"])
def test_inspecting_and_events_are_always_allowed(tool: str) -> None:
    assert tool in allowed_tools(State("ctx", done=[CLUSTER]))


def test_logs_and_verdict_are_listed_as_soon_as_some_call_of_them_would_be_admitted() -> None:
    assert "grep_terway_logs" not in allowed_tools(State("ctx", done=[CLUSTER]))
    assert "correlate" not in allowed_tools(State("ctx", done=[CLUSTER, INSPECTED, judged("absent")]))
    settled = allowed_tools(State("ctx", done=[CLUSTER, INSPECTED, judged("sufficient")]))
    assert {"grep_terway_logs", "correlate"} <= set(settled)


@given(sequences)
def test_every_proposed_call_is_admitted_and_carries_the_investigation(calls: list[MadeUp]) -> None:
    for attempt in attempts(calls):
        assert len(attempt.steps) <= 3
        for step in attempt.steps:
            arguments = dict(step.arguments)
            assert arguments.pop("investigation") == "id"
            assert check(step.tool, arguments, attempt.state) is None, step
            assert step.why


@given(sequences)
def test_a_refused_call_is_not_proposed_again_as_it_was(calls: list[MadeUp]) -> None:
    for attempt in attempts(calls):
        if attempt.refusal and not attempt.made.insists:
            sent = {"investigation": "id", **attempt.made.arguments}
            assert all((step.tool, step.arguments) != (attempt.made.tool, sent) for step in attempt.steps)


@given(sequences)
def test_allowed_tools_agree_with_the_gate(calls: list[MadeUp]) -> None:
    for attempt in attempts(calls):
        allowed = allowed_tools(attempt.state)
        assert ("correlate" in allowed) is (check("correlate", {}, attempt.state) is None)
        confirming = {"component": "controlplane", "confirm": "E1"}
        assert ("grep_terway_logs" in allowed) is (check("grep_terway_logs", confirming, attempt.state) is None)


@given(sequences)
def test_following_the_first_proposal_comes_to_an_end(calls: list[MadeUp]) -> None:
    state = attempts(calls)[-1].state
    for _ in range(12):
        steps = next_steps("id", state)
        if not steps:
            return
        arguments = {name: value for name, value in steps[0].arguments.items() if name != "investigation"}
        done = Done(steps[0].tool, target_of(steps[0].tool, arguments), calm_marks(steps[0].tool, arguments))
        state = State("ctx", "", [*state.done, done], state.skips)
    raise AssertionError(f"still proposing {steps[0]} after twelve calls")


def calm_marks(tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """What a calm answer to a proposed call leaves behind."""
    if tool in ("get_events", "grep_terway_logs"):
        return {"sufficiency": "insufficient"}
    if tool == "inspect_pod":
        return {"node": "n1", "terway_pod": "terway-x", "terway_running": True}
    return arguments if tool == "inspect_node" else {}
