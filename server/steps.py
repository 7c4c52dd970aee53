"""The SOP as data: the one table that the gate, the prompt, the instructions and the documentation are made from.

What must precede a step stands in its `needs`; `gate.py` gives each `Condition` its meaning and has no rule of its own.
"""

from typing import Literal

import msgspec

StepId = Literal["cluster", "components", "target", "events", "resources", "logs", "correlate"]
Tool = Literal["inspect_cluster", "inspect_node", "inspect_pod", "get_events", "grep_terway_logs", "correlate"]

Condition = Literal[
    "done",
    "done_for_target",
    "same_call",
    "opened",
    "is_workload",
    "is_known_terway_pod",
    "names_no_node",
    "node_is_known",
    "terway_runs",
    "terway_events_read",
    "events_suffice",
    "events_leave_open",
    "confirms_an_event",
    "nothing_is_wrong",
]
"""What a call and an investigation may fulfil; see `gate.py`."""


class Need(msgspec.Struct, frozen=True):
    """A step that must come before a call, unless one of the conditions holds.

    `says` is the refusal: `{target}`, `{node}` and `{sufficiency}` of the call, `{why}` of the step that comes first.
    """

    step: StepId
    met_by: tuple[Condition, ...]
    says: str = ""


class Step(msgspec.Struct, frozen=True):
    """One step: which tools do it, what must be done before, and why it stands where it stands.

    `unless` puts into words what may replace a need; `when` says when the step is needed at all, and `instead` is the
    later step that comes in its place where it is not.
    """

    id: StepId
    title: str
    tools: tuple[Tool, ...]
    needs: tuple[Need, ...]
    why: str
    when: str = ""
    unless: str = ""
    instead: Need | None = None

    @property
    def requires(self) -> tuple[StepId, ...]:
        """The steps that must precede this one."""
        return tuple(dict.fromkeys(need.step for need in self.needs))


STEPS: tuple[Step, ...] = (
    Step(
        "cluster",
        "Cluster configuration",
        ("inspect_cluster",),
        (),
        "Version, IPAM mode and configuration decide what every later finding means.",
    ),
    Step(
        "components",
        "Component health",
        ("inspect_cluster",),
        (Need("cluster", ("same_call",)),),
        "While Terway's own pods are down nothing can get an IP, so allocation must not be blamed.",
    ),
    Step(
        "target",
        "The pod and its node",
        ("inspect_pod", "inspect_node"),
        (Need("components", ("opened",)),),
        "hostNetwork, the ENI mode of the node and the config source decide which path the pod's IP takes.",
        unless="a workload whose pods were never created has no pod to inspect",
    ),
    Step(
        "events",
        "Events first",
        ("get_events",),
        (
            Need(
                "target",
                ("done_for_target", "is_workload", "is_known_terway_pod"),
                "Inspect {target} before its events. {why}",
            ),
            Need(
                "components",
                ("terway_runs", "terway_events_read"),
                "Terway is not running on this pod's node, so the pod's own events cannot name the cause. {why} "
                "Read the events of the Terway pod, or of the node, first.",
            ),
        ),
        "Events name the failing operation and usually the OpenAPI code; they also index the logs by time.",
        unless="if Terway does not run on the pod's node, the events of the Terway pod come first",
    ),
    Step(
        "resources",
        "Custom resources and their states",
        ("inspect_pod", "inspect_node"),
        (Need("components", ("opened",)),),
        "Terway's Node, PodENI and NetworkInterface show exhaustion and stuck states that write no event.",
    ),
    Step(
        "logs",
        "Logs",
        ("grep_terway_logs",),
        (
            Need("events", ("done",), "Events come before logs. {why}"),
            Need(
                "target",
                ("names_no_node", "node_is_known"),
                "Nothing asked about so far leads to node {node}; inspect it before its logs. {why}",
            ),
        ),
        "Logs are large and noisy; they are worth reading only where events do not settle the case.",
        when="the server judged the events insufficient or absent, or one named event is to be confirmed",
        instead=Need(
            "correlate",
            ("events_leave_open", "confirms_an_event"),
            "The events are sufficient, so logs are not the next step. Call correlate, or repeat this call with "
            "confirm set to the evidence id of the event you want to confirm.",
        ),
    ),
    Step(
        "correlate",
        "Correlation",
        ("correlate",),
        (
            Need("events", ("done", "nothing_is_wrong"), "There are no events to correlate yet. {why}"),
            Need(
                "logs",
                ("done", "events_suffice", "nothing_is_wrong"),
                "The events were {sufficiency}, so the logs must be read before a verdict. {why}",
            ),
        ),
        "The verdict must rest on everything that was read, and say what was not.",
        unless="logs are not needed when the events were sufficient",
    ),
)

BY_ID = {step.id: step for step in STEPS}
