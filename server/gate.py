"""Which call may come now. Pure: a call and a state in, a refusal or nothing out.

A refusal names the step that comes first and why (from the step graph); `plan.py` turns it into ready calls.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from terway_mcp.server.state import State
from terway_mcp.server.steps import BY_ID, StepId
from terway_mcp.tools import terway_names as names


class Refusal(msgspec.Struct, frozen=True):
    """Why a call must wait: the missing step and a sentence; `about` is what that step is missing for."""

    missing: StepId
    message: str
    about: str = ""


def target_of(tool: str, arguments: Mapping[str, Any]) -> str:
    """What a call is about: `pod/ns/name`, `node/name`, `workload/ns/name`, `component/x` or `cluster`."""
    if arguments.get("pod"):
        return f"pod/{arguments.get('namespace')}/{arguments['pod']}"
    if arguments.get("workload"):
        return f"workload/{arguments.get('namespace')}/{str(arguments['workload']).rpartition('/')[2]}"
    if arguments.get("node"):
        return f"node/{arguments['node']}"
    if arguments.get("component"):
        return f"component/{arguments['component']}"
    return "cluster" if tool == "inspect_cluster" else "investigation"


def check(tool: str, arguments: Mapping[str, Any], state: State) -> Refusal | None:
    """Apply the rules of the step graph to one call."""
    if tool == "get_events":
        return _events(arguments, state)
    if tool == "grep_terway_logs":
        return _logs(arguments, state)
    if tool == "correlate":
        return _correlate(state)
    return None


def _events(arguments: Mapping[str, Any], state: State) -> Refusal | None:
    target = target_of("get_events", arguments)
    if target.startswith("workload/"):
        return None
    if target.startswith("node/"):
        return None if state.marks("inspect_node", target) is not None else _missing_target(target)
    if arguments.get("namespace") == names.SYSTEM_NAMESPACE and arguments.get("pod") in state.terway_pods:
        return None
    marks = state.marks("inspect_pod", target)
    if marks is None:
        return _missing_target(target)
    if state.terway_is_missing(target):
        if _terway_events_read(state, marks):
            return None
        message = (
            "Terway is not running on this pod's node, so the pod's own events cannot name the cause. "
            f"{BY_ID['components'].why} Read the events of the Terway pod, or of the node, first."
        )
        return Refusal("components", message, target)
    return None


def _terway_events_read(state: State, marks: Mapping[str, Any]) -> bool:
    """True once the events of the node's Terway pod, or of the node itself, have been read."""
    daemon, node = marks.get("terway_pod"), marks.get("node")
    pod_read = bool(daemon) and state.marks("get_events", f"pod/{names.SYSTEM_NAMESPACE}/{daemon}") is not None
    return pod_read or state.marks("get_events", f"node/{node}") is not None


def _missing_target(target: str) -> Refusal:
    return Refusal("target", f"Inspect {target.replace('/', ' ', 1)} before its events. {BY_ID['target'].why}", target)


def _logs(arguments: Mapping[str, Any], state: State) -> Refusal | None:
    if not state.has("get_events"):
        return Refusal("events", f"Events come before logs. {BY_ID['events'].why}", target_of("get_events", arguments))
    node = arguments.get("node")
    if node and node not in state.known_nodes:
        message = f"Nothing asked about so far leads to node {node}; inspect it before its logs. {BY_ID['target'].why}"
        return Refusal("target", message, f"node/{node}")
    if state.sufficiency == "sufficient" and state.is_settled and not arguments.get("confirm"):
        message = (
            "The events are sufficient, so logs are not the next step. Call correlate, or repeat this call with "
            "confirm set to the evidence id of the event you want to confirm."
        )
        return Refusal("correlate", message)
    return None


def _correlate(state: State) -> Refusal | None:
    if state.cluster.get("quiet") and not state.has_target:
        return None
    if not state.has("get_events"):
        return Refusal("events", f"There are no events to correlate yet. {BY_ID['events'].why}")
    if state.sufficiency != "sufficient" and not state.has("grep_terway_logs"):
        message = f"The events were {state.sufficiency}, so the logs must be read before a verdict. {BY_ID['logs'].why}"
        return Refusal("logs", message)
    return None
