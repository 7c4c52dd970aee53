"""The next calls, ready to send. Pure: made from the state and the step graph, in this server's own words."""

from collections.abc import Mapping
from typing import Any

import msgspec

from terway_mcp.cluster.names import is_namespace_name, is_object_name
from terway_mcp.server.gate import Refusal, check, target_of
from terway_mcp.server.state import State
from terway_mcp.server.steps import BY_ID
from terway_mcp.tools import terway_names as names


class NextStep(msgspec.Struct, frozen=True):
    """One call that would be admitted now."""

    tool: str
    arguments: dict[str, Any]
    why: str


def next_steps(investigation: str, state: State, refusal: Refusal | None = None) -> list[NextStep]:
    """What to call next, the best first; at most three."""
    if refusal is not None and (steps := _after_refusal(refusal, state)):
        return _addressed(steps, investigation)
    for propose in (_cluster, _inspect, _events, _logs, _correlate):
        if steps := propose(state):
            return _addressed(steps, investigation)
    return []


def allowed_tools(state: State) -> list[str]:
    """Tools of which some call would be admitted now."""
    allowed = ["inspect_cluster", "inspect_node", "inspect_pod", "get_events"]
    if check("grep_terway_logs", {}, state) is None or state.sufficiency == "sufficient":
        allowed.append("grep_terway_logs")
    if check("correlate", {}, state) is None:
        allowed.append("correlate")
    return allowed


def start() -> list[NextStep]:
    """The only first step."""
    return [NextStep("inspect_cluster", {}, BY_ID["cluster"].why)]


def _after_refusal(refusal: Refusal, state: State) -> list[NextStep]:
    kind, _, rest = refusal.about.partition("/")
    namespace, _, name = rest.rpartition("/")
    if refusal.missing == "target" and kind == "pod":
        return [NextStep("inspect_pod", {"namespace": namespace, "pod": name}, BY_ID["target"].why)]
    if refusal.missing == "target" and kind == "node":
        return [NextStep("inspect_node", {"node": name}, BY_ID["target"].why)]
    if refusal.missing == "components":
        return _component_events(state.marks("inspect_pod", refusal.about) or {}, state)
    if refusal.missing == "events" and kind == "node" and state.marks("inspect_node", refusal.about) is None:
        return [NextStep("inspect_node", {"node": name}, BY_ID["target"].why)]
    return []


def _cluster(state: State) -> list[NextStep]:
    """An investigation in which nothing could be read yet begins with the cluster."""
    return start() if all(entry.unread for entry in state.done) else []


def _inspect(state: State) -> list[NextStep]:
    pod = state.latest("inspect_pod")
    if pod is None or pod.marks.get("missing"):
        if state.focus().kind != "cluster" or state.has("get_events"):
            return []
        return [step for suspect in state.suspects if (step := _inspect_suspect(suspect, state.chosen_suspect))]
    node = pod.marks.get("node") or state.focus().node
    if node and not pod.marks.get("healthy") and state.marks("inspect_node", f"node/{node}") is None:
        return [NextStep("inspect_node", {"node": node}, BY_ID["resources"].why)]
    return []


def _inspect_suspect(suspect: Mapping[str, Any], chosen: Mapping[str, Any] | None) -> NextStep | None:
    why = "the user says that it is about this one" if suspect == chosen else "it has recent Terway warnings"
    if suspect.get("kind") in ("Pod", "PodENI"):
        return NextStep("inspect_pod", {"namespace": suspect["namespace"], "pod": suspect["name"]}, why)
    if suspect.get("kind") in ("Node", "NodeCR"):
        return NextStep("inspect_node", {"node": suspect["name"]}, why)
    return None


def _events(state: State) -> list[NextStep]:
    target = state.focus()
    if target.kind == "pod":
        key = f"pod/{target.namespace}/{target.name}"
        if state.marks("get_events", key) is not None:
            return []
        arguments: dict[str, Any] = {"namespace": target.namespace, "pod": target.name}
        if refusal := check("get_events", arguments, state):
            return _after_refusal(refusal, state)
        if state.has("get_events") and state.terway_is_missing(key):
            return []
        return [NextStep("get_events", arguments, BY_ID["events"].why)]
    if target.kind == "node" and state.marks("get_events", f"node/{target.name}") is None:
        return [NextStep("get_events", {"node": target.name}, BY_ID["events"].why)]
    return []


def _component_events(marks: Mapping[str, Any], state: State) -> list[NextStep]:
    why = BY_ID["components"].why
    node, steps = marks.get("node"), []
    if daemon := marks.get("terway_pod"):
        steps.append(NextStep("get_events", {"namespace": names.SYSTEM_NAMESPACE, "pod": daemon}, why))
    if node and state.marks("inspect_node", f"node/{node}") is None:
        steps.append(NextStep("inspect_node", {"node": node}, why))
    elif node:
        steps.append(NextStep("get_events", {"node": node}, why))
    return steps


def _logs(state: State) -> list[NextStep]:
    """Logs of the component that works on the target first: the controlplane where it allocates and Terway runs."""
    if not state.sufficiency or state.is_settled or state.has("correlate"):
        return []
    target = state.focus()
    candidates: list[dict[str, Any]] = [{"node": target.node}] if target.node else []
    if state.cluster.get("controlplane") in ("running", "down"):
        allocates = target.own_eni or state.cluster.get("ipam_mode") == "centralized"
        runs = not target.node or _terway_runs(state, target.node)
        candidates.insert(0 if allocates and runs else len(candidates), {"component": "controlplane"})
    read = {entry.target for entry in state.done if entry.tool == "grep_terway_logs"}
    why = BY_ID["logs"].why
    return [
        NextStep("grep_terway_logs", arguments, why)
        for arguments in candidates
        if target_of("grep_terway_logs", arguments) not in read
    ]


def _terway_runs(state: State, node: str) -> bool:
    return (state.marks("inspect_node", f"node/{node}") or {}).get("terway_running") is not False


def _correlate(state: State) -> list[NextStep]:
    if check("correlate", {}, state) is not None or state.has("correlate"):
        return []
    return [NextStep("correlate", {}, BY_ID["correlate"].why)]


def _addressed(steps: list[NextStep], investigation: str) -> list[NextStep]:
    """What the cluster calls something is proposed only if it is a name: anything else could be an instruction."""
    sendable = [step for step in steps if all(map(_is_sendable, step.arguments.items()))]
    return [NextStep(step.tool, {"investigation": investigation, **step.arguments}, step.why) for step in sendable[:3]]


def _is_sendable(argument: tuple[str, Any]) -> bool:
    name, value = argument
    return is_namespace_name(value) if name == "namespace" else name == "component" or is_object_name(value)
