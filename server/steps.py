"""The SOP as data: the one table that the gate, the prompt, the instructions and the documentation are made from."""

from typing import Literal

import msgspec

StepId = Literal["cluster", "components", "target", "events", "resources", "logs", "correlate"]
Tool = Literal["inspect_cluster", "inspect_node", "inspect_pod", "get_events", "grep_terway_logs", "correlate"]


class Step(msgspec.Struct, frozen=True):
    """One step: which tools do it, what must be done before, and why it stands where it stands.

    `unless` names what may replace the precondition; `when` says when the step is needed at all.
    """

    id: StepId
    title: str
    tools: tuple[Tool, ...]
    requires: tuple[StepId, ...]
    why: str
    when: str = ""
    unless: str = ""


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
        ("cluster",),
        "While Terway's own pods are down nothing can get an IP, so allocation must not be blamed.",
    ),
    Step(
        "target",
        "The pod and its node",
        ("inspect_pod", "inspect_node"),
        ("components",),
        "hostNetwork, the ENI mode of the node and the config source decide which path the pod's IP takes.",
        unless="a workload whose pods were never created has no pod to inspect",
    ),
    Step(
        "events",
        "Events first",
        ("get_events",),
        ("target",),
        "Events name the failing operation and usually the OpenAPI code; they also index the logs by time.",
        unless="if Terway does not run on the pod's node, the events of the Terway pod come first",
    ),
    Step(
        "resources",
        "Custom resources and their states",
        ("inspect_pod", "inspect_node"),
        ("components",),
        "Terway's Node, PodENI and NetworkInterface show exhaustion and stuck states that write no event.",
    ),
    Step(
        "logs",
        "Logs",
        ("grep_terway_logs",),
        ("events",),
        "Logs are large and noisy; they are worth reading only where events do not settle the case.",
        when="the server judged the events insufficient or absent, or one named event is to be confirmed",
    ),
    Step(
        "correlate",
        "Correlation",
        ("correlate",),
        ("events", "logs"),
        "The verdict must rest on everything that was read, and say what was not.",
        unless="logs are not needed when the events were sufficient",
    ),
)

BY_ID = {step.id: step for step in STEPS}
