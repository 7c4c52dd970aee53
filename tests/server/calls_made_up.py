"""Made-up calls and what their answers might leave behind, for properties of gate, plan and state."""

from typing import Any, NamedTuple

from hypothesis import strategies as st

from terway_mcp.server.gate import Refusal, check, target_of
from terway_mcp.server.plan import NextStep, next_steps
from terway_mcp.server.state import Done, Skip, State

NODES, PODS, DAEMONS = ("n1", "n2"), ("a", "b"), ("terway-x", "terway-y")


class MadeUp(NamedTuple):
    """A call, the marks its answer would leave, and whether the caller insists with a reason when refused."""

    tool: str
    arguments: dict[str, Any]
    marks: dict[str, Any]
    insists: bool


class Attempt(NamedTuple):
    """What came of a call."""

    made: MadeUp
    refusal: Refusal | None
    steps: list[NextStep]
    """What the refusal, or else the answer, proposes."""
    state: State


_node, _pod, _daemon = st.sampled_from(NODES), st.sampled_from(PODS), st.sampled_from(DAEMONS)
_suspect = st.one_of(
    st.builds(lambda name: {"kind": "Pod", "namespace": "shop", "name": name}, _pod),
    st.builds(lambda name: {"kind": "Node", "namespace": "", "name": name}, _node),
    st.just({"kind": "NodeRuntime", "namespace": "", "name": "n1"}),
)
_cluster_marks = st.fixed_dictionaries(
    {
        "suspects": st.lists(_suspect, max_size=3),
        "controlplane": st.sampled_from(["running", "down", "hosted", "absent"]),
        "ipam_mode": st.sampled_from(["local", "centralized", "unknown"]),
        "quiet": st.booleans(),
    }
)
_found_node = st.fixed_dictionaries(
    {"node": _node, "terway_pod": st.one_of(_daemon, st.just("")), "terway_running": st.booleans()}
)
_found_pod = st.fixed_dictionaries(
    {
        "node": st.one_of(_node, st.just("")),
        "host_network": st.booleans(),
        "terway_pod": st.one_of(_daemon, st.just("")),
        "terway_running": st.booleans(),
        "healthy": st.booleans(),
    }
)
_missing = st.just({"missing": True})
_judged = st.builds(lambda word: {"sufficiency": word}, st.sampled_from(["sufficient", "insufficient", "absent"]))

_of_a_pod = st.builds(lambda pod: {"namespace": "shop", "pod": pod}, _pod)
_of_a_daemon = st.builds(lambda pod: {"namespace": "kube-system", "pod": pod}, _daemon)
_of_a_node = st.builds(lambda node: {"node": node}, _node)
_of_a_workload = st.just({"namespace": "shop", "workload": "deployment/web"})
_of_the_plane = st.just({"component": "controlplane"})
_confirmed = st.builds(lambda node: {"node": node, "confirm": "E1"}, _node)


def _calls(
    tool: str, arguments: st.SearchStrategy[dict[str, Any]], marks: st.SearchStrategy[dict[str, Any]]
) -> st.SearchStrategy[MadeUp]:
    return st.builds(MadeUp, st.just(tool), arguments, marks, st.booleans())


made_up_calls = st.one_of(
    _calls("inspect_cluster", st.just({}), _cluster_marks),
    _calls("inspect_node", _of_a_node, _found_node | _missing),
    _calls("inspect_pod", _of_a_pod | _of_a_daemon, _found_pod | _missing),
    _calls("get_events", _of_a_pod | _of_a_daemon | _of_a_node | _of_a_workload, _judged),
    _calls("grep_terway_logs", _of_a_node | _of_the_plane | _confirmed, _judged),
    _calls("correlate", st.just({}), st.just({})),
)

sequences = st.builds(
    lambda opening, calls: [MadeUp("inspect_cluster", {}, opening, False), *calls],
    _cluster_marks,
    st.lists(made_up_calls, max_size=14),
)


def attempts(calls: list[MadeUp]) -> list[Attempt]:
    """Send each call as the server would judge it."""
    state, made = State("ctx"), []
    for call in calls:
        refusal = check(call.tool, call.arguments, state)
        admitted = refusal is None or call.insists
        if refusal and admitted:
            state = State("ctx", "", state.done, [*state.skips, Skip(call.tool, refusal.missing, "done by hand")])
        if admitted:
            state = state.with_step(Done(call.tool, target_of(call.tool, call.arguments), call.marks))
        steps = next_steps("id", state, None if admitted else refusal)
        made.append(Attempt(call, refusal, steps, state))
    return made
