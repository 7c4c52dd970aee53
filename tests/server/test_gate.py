"""Which call may come when: the rules one by one, and what no sequence of calls can break."""

from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given

from terway_mcp.server.gate import _CONDITIONS, check, target_of
from terway_mcp.server.state import Done, State
from terway_mcp.server.steps import BY_ID, STEPS, Condition
from tests.server.calls_made_up import MadeUp, attempts, sequences

POD, NODE = {"namespace": "shop", "pod": "web-0"}, {"node": "n1"}
CLUSTER = Done("inspect_cluster", "cluster")
RUNNING = Done("inspect_pod", "pod/shop/web-0", {"node": "n1", "terway_pod": "terway-x", "terway_running": True})
DOWN = Done("inspect_pod", "pod/shop/web-0", {"node": "n1", "terway_pod": "terway-x", "terway_running": False})


def after(*done: Done) -> State:
    return State("ctx", done=[CLUSTER, *done])


def judged(sufficiency: str, target: str = "pod/shop/web-0") -> Done:
    return Done("get_events", target, {"sufficiency": sufficiency})


def missing(tool: str, arguments: dict[str, Any], state: State) -> str | None:
    refusal = check(tool, arguments, state)
    return refusal.missing if refusal else None


@pytest.mark.parametrize(
    ("tool", "arguments", "target"),
    [
        ("inspect_cluster", {}, "cluster"),
        ("inspect_pod", POD, "pod/shop/web-0"),
        ("get_events", {"namespace": "shop", "workload": "Deployment/web"}, "workload/shop/web"),
        ("grep_terway_logs", NODE, "node/n1"),
        ("grep_terway_logs", {"component": "controlplane"}, "component/controlplane"),
        ("correlate", {}, "investigation"),
    ],
)
def test_a_call_is_about_one_target(tool: str, arguments: dict[str, Any], target: str) -> None:
    assert target_of(tool, arguments) == target


@pytest.mark.parametrize("arguments", [POD, NODE])
def test_events_of_a_pod_or_node_need_it_inspected(arguments: dict[str, Any]) -> None:
    assert missing("get_events", arguments, after()) == "target"


def test_inspecting_another_pod_does_not_count() -> None:
    assert missing("get_events", {**POD, "pod": "web-1"}, after(RUNNING)) == "target"


def test_events_follow_the_inspected_target() -> None:
    assert missing("get_events", POD, after(RUNNING)) is None
    assert missing("get_events", NODE, after(Done("inspect_node", "node/n1"))) is None


def test_events_of_a_workload_need_only_the_cluster() -> None:
    assert missing("get_events", {"namespace": "shop", "workload": "deployment/web"}, after()) is None


def test_while_terway_is_down_on_the_node_the_events_of_the_pod_are_not_next() -> None:
    refusal = check("get_events", POD, after(DOWN))
    assert refusal is not None
    assert refusal.missing == "components"
    assert "Terway is not running" in refusal.message


def test_the_events_of_the_terway_pod_that_an_answer_named_need_no_inspection() -> None:
    assert missing("get_events", {"namespace": "kube-system", "pod": "terway-x"}, after(DOWN)) is None
    assert missing("get_events", {"namespace": "kube-system", "pod": "terway-other"}, after(DOWN)) == "target"


@pytest.mark.parametrize("target", ["pod/kube-system/terway-x", "node/n1"])
def test_once_the_events_of_terway_or_the_node_are_read_the_pods_own_are_admitted(target: str) -> None:
    assert missing("get_events", POD, after(DOWN, judged("insufficient", target))) is None


def test_a_host_network_pod_does_not_wait_for_terway() -> None:
    marks = {**DOWN.marks, "host_network": True}
    assert missing("get_events", POD, after(Done("inspect_pod", "pod/shop/web-0", marks))) is None


def test_logs_need_events() -> None:
    assert missing("grep_terway_logs", NODE, after(RUNNING)) == "events"


@pytest.mark.parametrize("sufficiency", ["insufficient", "absent"])
def test_logs_follow_events_that_do_not_settle_the_case(sufficiency: str) -> None:
    assert missing("grep_terway_logs", NODE, after(RUNNING, judged(sufficiency))) is None


def test_after_sufficient_events_logs_are_read_only_to_confirm_one() -> None:
    state = after(RUNNING, judged("sufficient"))
    assert missing("grep_terway_logs", NODE, state) == "correlate"
    assert missing("grep_terway_logs", {**NODE, "confirm": "E1"}, state) is None


def test_logs_that_unsettle_the_case_open_the_way_to_more_logs() -> None:
    doubted = Done("grep_terway_logs", "node/n1", {"sufficiency": "insufficient"})
    state = after(RUNNING, judged("sufficient"), doubted)
    assert missing("grep_terway_logs", {"component": "controlplane"}, state) is None


def test_a_verdict_needs_events_and_logs_where_events_did_not_suffice() -> None:
    assert missing("correlate", {}, after(RUNNING)) == "events"
    assert missing("correlate", {}, after(RUNNING, judged("absent"))) == "logs"
    assert missing("correlate", {}, after(RUNNING, judged("absent"), Done("grep_terway_logs", "node/n1"))) is None
    assert missing("correlate", {}, after(RUNNING, judged("sufficient"))) is None


def test_a_quiet_cluster_may_be_judged_before_any_target_is_looked_at() -> None:
    quiet = Done("inspect_cluster", "cluster", {"quiet": True})
    assert missing("correlate", {}, State("ctx", done=[quiet])) is None
    assert missing("correlate", {}, State("ctx", done=[quiet, RUNNING])) == "events"
    assert missing("correlate", {}, after()) == "events"


@given(sequences)
def test_no_sequence_of_calls_reads_logs_before_events_without_saying_so(calls: list[MadeUp]) -> None:
    for attempt in attempts(calls):
        tools = [done.tool for done in attempt.state.done]
        if "grep_terway_logs" in tools:
            before = tools[: tools.index("grep_terway_logs")]
            said = any(skip.tool == "grep_terway_logs" for skip in attempt.state.skips)
            assert "get_events" in before or said


@given(sequences)
def test_no_sequence_of_calls_reaches_a_verdict_on_a_target_without_events_or_saying_so(calls: list[MadeUp]) -> None:
    for attempt in attempts(calls):
        tools = [done.tool for done in attempt.state.done]
        if "correlate" in tools:
            before = tools[: tools.index("correlate")]
            assert "get_events" in before or attempt.state.skips or set(before) == {"inspect_cluster"}


@given(sequences)
def test_every_refusal_names_a_step_of_the_graph_and_says_why(calls: list[MadeUp]) -> None:
    for attempt in attempts(calls):
        if attempt.refusal:
            assert attempt.refusal.missing in BY_ID
            assert attempt.refusal.message
            assert attempt.made.tool not in ("inspect_cluster", "inspect_node", "inspect_pod")


def test_logs_of_a_node_that_nothing_led_to_wait_for_its_inspection() -> None:
    so_far = (RUNNING, judged("insufficient"))
    assert missing("grep_terway_logs", {"node": "n1"}, after(*so_far)) is None
    assert missing("grep_terway_logs", {"node": "n2"}, after(*so_far)) == "target"
    assert missing("grep_terway_logs", {"node": "n2"}, after(*so_far, Done("inspect_node", "node/n2"))) is None


def test_events_of_a_workload_that_does_not_exist_are_no_events() -> None:
    gone = Done("get_events", "workload/shop/gone", {"missing": True})
    assert missing("correlate", {}, after(gone)) == "events"


def test_every_condition_of_the_table_has_a_meaning_and_every_meaning_is_used() -> None:
    needs = [need for step in STEPS for need in (*step.needs, *([step.instead] if step.instead else []))]
    named = {condition for need in needs for condition in need.met_by}
    assert named == set(_CONDITIONS) == set(get_args(Condition))


def test_the_gate_has_no_rule_that_the_table_does_not_have(monkeypatch: pytest.MonkeyPatch) -> None:
    free = tuple(msgspec.structs.replace(step, needs=(), instead=None) for step in STEPS)
    monkeypatch.setattr("terway_mcp.server.gate.STEPS", free)
    for step in free:
        for tool in step.tools:
            assert check(tool, POD, State("")) is None
