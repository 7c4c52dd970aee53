"""Which call may come now. Pure: a call and a state in, a refusal or nothing out.

The rules are the needs of the step graph; here stands what their conditions mean. A refusal names the step that comes
first and why; `plan.py` turns it into ready calls.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec

from terway_mcp.server.state import State
from terway_mcp.server.steps import BY_ID, STEPS, Condition, Need, StepId
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


class Asked(NamedTuple):
    """A call that a need is held against."""

    tool: str
    arguments: Mapping[str, Any]
    target: str
    state: State


def check(tool: str, arguments: Mapping[str, Any], state: State) -> Refusal | None:
    """Hold one call against the needs of every step that its tool does."""
    asked = Asked(tool, arguments, target_of(tool, arguments), state)
    for step in STEPS:
        if tool in step.tools:
            for need in (*step.needs, *([step.instead] if step.instead else [])):
                if not any(_CONDITIONS[condition](asked, need.step) for condition in need.met_by):
                    return _refusal(asked, need)
    return None


def _refusal(asked: Asked, need: Need) -> Refusal:
    message = need.says.format(
        target=asked.target.replace("/", " ", 1),
        node=asked.arguments.get("node"),
        sufficiency=asked.state.sufficiency,
        why=BY_ID[need.step].why,
    )
    return Refusal(need.step, message, asked.target)


def _done(asked: Asked, step: StepId) -> bool:
    return any(asked.state.has(tool) for tool in BY_ID[step].tools)


def _done_for_target(asked: Asked, step: StepId) -> bool:
    return any(asked.state.marks(tool, asked.target) is not None for tool in BY_ID[step].tools)


def _is_known_terway_pod(asked: Asked, _step: StepId) -> bool:
    in_system = asked.arguments.get("namespace") == names.SYSTEM_NAMESPACE
    return in_system and asked.arguments.get("pod") in asked.state.terway_pods


def _terway_runs(asked: Asked, _step: StepId) -> bool:
    # Events of Terway's own pod are how one learns why it does not run.
    return _is_known_terway_pod(asked, _step) or not asked.state.terway_is_missing(asked.target)


def _terway_events_read(asked: Asked, _step: StepId) -> bool:
    """True once the events of the Terway pod on the target's node, or of the node itself, have been read."""
    marks = asked.state.marks("inspect_pod", asked.target) or {}
    daemon, node = marks.get("terway_pod"), marks.get("node")
    pod_read = bool(daemon) and asked.state.marks("get_events", f"pod/{names.SYSTEM_NAMESPACE}/{daemon}") is not None
    return pod_read or asked.state.marks("get_events", f"node/{node}") is not None


_CONDITIONS: dict[Condition, Callable[[Asked, StepId], bool]] = {
    "done": _done,
    "done_for_target": _done_for_target,
    "same_call": lambda asked, step: asked.tool in BY_ID[step].tools,
    # Only inspect_cluster opens an investigation, so there is none before the cluster has been looked at.
    "opened": lambda asked, _step: bool(asked.state.context),
    "is_workload": lambda asked, _step: asked.target.startswith("workload/"),
    "is_known_terway_pod": _is_known_terway_pod,
    "names_no_node": lambda asked, _step: not asked.arguments.get("node"),
    "node_is_known": lambda asked, _step: asked.arguments.get("node") in asked.state.known_nodes,
    "terway_runs": _terway_runs,
    "terway_events_read": _terway_events_read,
    "events_suffice": lambda asked, _step: asked.state.sufficiency == "sufficient",
    "events_leave_open": lambda asked, _step: asked.state.sufficiency != "sufficient" or not asked.state.is_settled,
    "confirms_an_event": lambda asked, _step: bool(asked.arguments.get("confirm")),
    "nothing_is_wrong": lambda asked, _step: bool(asked.state.cluster.get("quiet")) and not asked.state.has_target,
}
