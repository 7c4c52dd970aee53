"""Arguments of the six tools; parameters are explained here and nowhere else."""

from functools import partial
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from terway_mcp.cluster.errors import InvalidInput
from terway_mcp.cluster.names import namespace_name, object_name

_Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
_NamespaceName = Annotated[_Text, AfterValidator(namespace_name)]
_PodName = Annotated[_Text, AfterValidator(partial(object_name, what="pod"))]
_NodeName = Annotated[_Text, AfterValidator(partial(object_name, what="node"))]
Investigation = Annotated[_Text, Field(description="id returned by inspect_cluster")]
SkipReason = Annotated[
    _Text | None,
    Field(description="only after a refusal: why the missing step may be skipped (what was done elsewhere)"),
]


class Arguments(BaseModel):
    """Base of all arguments: unknown ones are errors, not ignored.

    Raises:
        InvalidInput: A name is malformed, or a target is missing or named twice.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)


class InspectCluster(Arguments):
    """Arguments of `inspect_cluster`."""

    investigation: Annotated[_Text | None, Field(description="continue this one instead of opening a new one")] = None
    context: Annotated[_Text | None, Field(description="kubeconfig context; default: the current one")] = None
    symptom: Annotated[_Text | None, Field(description="what the user reports, in their words")] = None
    namespace: Annotated[_NamespaceName | None, Field(description="rank suspects of this namespace first")] = None


class InspectNode(Arguments):
    """Arguments of `inspect_node`."""

    investigation: Investigation
    node: Annotated[_NodeName, Field(description="node name")]


class InspectPod(Arguments):
    """Arguments of `inspect_pod`."""

    investigation: Investigation
    namespace: _NamespaceName
    pod: Annotated[_PodName, Field(description="pod name")]


class GetEvents(Arguments):
    """Arguments of `get_events`."""

    investigation: Investigation
    namespace: Annotated[_NamespaceName | None, Field(description="of pod or workload")] = None
    pod: _PodName | None = None
    workload: Annotated[_Text | None, Field(description="kind/name, e.g. deployment/web: pods never created")] = None
    node: _NodeName | None = None
    since: Annotated[_Text | None, Field(description="RFC 3339 or age (30m, 2h); default: all that are stored")] = None
    skip_reason: SkipReason = None

    @model_validator(mode="after")
    def _one_target(self) -> Self:
        if sum(value is not None for value in (self.pod, self.workload, self.node)) != 1:
            raise InvalidInput("give exactly one of pod, workload or node")
        if self.node is None and self.namespace is None:
            raise InvalidInput("namespace is needed with pod or workload")
        return self


class GrepTerwayLogs(Arguments):
    """Arguments of `grep_terway_logs`."""

    investigation: Investigation
    node: Annotated[_NodeName | None, Field(description="Terway daemon logs of this node")] = None
    component: Annotated[Literal["controlplane"] | None, Field(description="instead of node")] = None
    pattern: Annotated[_Text | None, Field(description="RE2; default: warnings, errors, known failures")] = None
    confirm: Annotated[_Text | None, Field(description="evidence id of the event to confirm; sets the window")] = None
    since: Annotated[_Text | None, Field(description="RFC 3339 or age")] = None
    until: Annotated[_Text | None, Field(description="RFC 3339 or age")] = None
    previous: Annotated[bool, Field(description="also the container's run before its last restart")] = False
    container: Annotated[_Text | None, Field(description="e.g. terway, policy, terway-init; default: chosen")] = None
    raw: Annotated[bool, Field(description="add a few whole lines per signature")] = False
    skip_reason: SkipReason = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.node is None) == (self.component is None):
            raise InvalidInput("give exactly one of node or component")
        return self


class Correlate(Arguments):
    """Arguments of `correlate`."""

    investigation: Investigation
    skip_reason: SkipReason = None
