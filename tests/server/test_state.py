"""What an investigation knows, folded from its records; and ids as models hand them back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terway_mcp.server.investigation import setting
from terway_mcp.server.state import Done, Skip, State
from terway_mcp.server.steps import STEPS
from terway_mcp.tools.correlation.target import Target
from terway_mcp.tools.evidence import normalized
from tests.server.calls_made_up import MadeUp, attempts, sequences

ID = "0123456789abcdefghjkmnpqrs"
POD = "pod/shop/web-0"


def test_the_latest_answer_about_a_target_counts() -> None:
    state = State("ctx", done=[Done("inspect_pod", POD, {"node": "n1"}), Done("inspect_pod", POD, {"node": "n2"})])
    assert state.marks("inspect_pod", POD) == {"node": "n2"}
    assert state.marks("inspect_pod", "pod/shop/web-1") is None
    assert state.marks("get_events", POD) is None


def test_the_cluster_counts_as_two_steps() -> None:
    assert State("ctx", done=[Done("inspect_cluster", "cluster")]).steps_done == ["cluster", "components"]


@given(sequences)
def test_steps_done_stand_in_the_order_of_the_graph(calls: list[MadeUp]) -> None:
    order: list[str] = [step.id for step in STEPS]
    for attempt in attempts(calls):
        assert attempt.state.steps_done == sorted(attempt.state.steps_done, key=order.index)


def test_the_focus_is_the_latest_pod_that_exists() -> None:
    marks = {"node": "n1", "terway_pod": "terway-x", "enis": ["eni-1"], "podnetworking": "pn"}
    state = State(
        "ctx",
        done=[
            Done("inspect_node", "node/n2", {"terway_pod": "terway-y"}),
            Done("inspect_pod", POD, marks),
            Done("inspect_pod", "pod/shop/gone", {"missing": True}),
        ],
    )
    assert state.focus() == Target("pod", "web-0", "shop", "n1", "terway-x", ("eni-1",), "pn")


def test_without_a_pod_the_focus_is_a_workload_then_a_node_then_the_cluster() -> None:
    node = Done("inspect_node", "node/n2", {"terway_pod": "terway-y"})
    events = Done("get_events", "workload/shop/web", {"sufficiency": "absent"})
    assert State("ctx").focus() == Target("cluster")
    assert State("ctx", done=[node]).focus() == Target("node", "n2", "", "n2", "terway-y")
    assert State("ctx", done=[node, events]).focus() == Target("workload", "web", "shop")


def test_terway_pods_are_those_that_answers_named() -> None:
    done = [Done("inspect_pod", POD, {"terway_pod": "terway-x"}), Done("inspect_node", "node/n1", {"terway_pod": ""})]
    assert State("ctx", done=done).terway_pods == {"terway-x"}


def test_a_skipped_step_reaches_the_judgement_with_who_claimed_it() -> None:
    known = setting(State("ctx", skips=[Skip("grep_terway_logs", "events", "I read them with kubectl")]))
    assert known.skipped == ("events before grep_terway_logs (the caller says: I read them with kubectl)",)


def test_a_hosted_controlplane_is_missing_evidence() -> None:
    hosted = State("ctx", done=[Done("inspect_cluster", "cluster", {"controlplane": "hosted", "version": "v1.17.2"})])
    assert setting(hosted).version == "v1.17.2"
    assert "hosted outside" in setting(hosted).missing[0]


@pytest.mark.parametrize(
    "written", [ID, ID.upper(), f'"{ID}"', f"'{ID}'", f"`{ID}`", f"\t {ID}\r\n", f"``'{ID}'``", f"<{ID}>"]
)
def test_an_id_is_recognised_in_quotes_backticks_and_capitals(written: str) -> None:
    assert normalized(written) == ID


@given(st.text(" \t\n\"'`"), st.text(" \t\n\"'`"))
def test_no_quotes_or_spaces_around_an_id_matter(before: str, behind: str) -> None:
    assert normalized(before + ID + behind) == ID


def test_when_the_target_was_last_read_is_known_of_the_one_the_investigation_is_about() -> None:
    cluster, node = Done("inspect_cluster", "cluster", at=1.0), Done("inspect_node", "node/n1", at=4.0)
    pod = Done("inspect_pod", "pod/shop/web-0", at=2.0)
    gone = Done("inspect_pod", "pod/shop/gone", {"missing": True}, at=9.0)
    assert State("ctx").focus_read_at == 0.0
    assert State("ctx", done=[cluster]).focus_read_at == 1.0
    assert State("ctx", done=[cluster, pod, node, gone]).focus_read_at == 2.0
    again = Done("inspect_pod", "pod/shop/web-0", at=7.0)
    assert State("ctx", done=[cluster, pod, node, again]).focus_read_at == 7.0
