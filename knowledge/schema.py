"""The one schema of `knowledge/*.yaml`, for the files shipped here and for a user's own (`--knowledge FILE`).

A file is a list of entries. Every entry says what it matches and what that means; an entry that points at a
root cause names it in `cause`, and the causes themselves are entries of kind `cause`. So a fact is written
once: where a text appears, what it means there, and which root cause it argues for and how strongly.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Category = Literal[
    "configuration",
    "resource_exhaustion",
    "quota",
    "permission",
    "throttling",
    "component_down",
    "datapath",
    "node_runtime",
    "terway_bug",
    "not_terway",
    "healthy",
    "insufficient_evidence",
]

Role = Literal["decisive", "strong", "pointing", "symptom", "recovery", "benign"]
"""How much an entry says about a root cause when it matches.

decisive  names the root cause itself (an OpenAPI code, a vSwitch text, a parse error)
strong    names it unless something more specific contradicts (a condition, a crash reason)
pointing  narrows it down (PodENI not ready, SufficientIP=False)
symptom   follows from another cause (context deadline exceeded, PodIsProcessing); never a cause by itself
recovery  says an earlier failure is over (AllocIPSucceed, CreateENISucceed); with a cause, only that one is
benign    normal operation; must not be read as a failure
"""

Kind = Literal["event_reason", "openapi_code", "message", "log", "config_key", "label", "state", "cause"]

Section = Literal["eni_conf", "cni", "controlplane", "configmap", "feature_gate"]
"""Where a configuration key lives.

eni_conf      JSON under `eni_conf` in ConfigMap kube-system/eni-config (and in a node's dynamic ConfigMap)
cni           JSON under `10-terway.conf` in the same ConfigMap
controlplane  YAML under `ctrl-config.yaml` in ConfigMap terway-controlplane, or under `ctrl-secret.yaml` in its Secret
configmap     a key of a ConfigMap itself
feature_gate  a gate of the daemon's `--feature-gates`
"""

Source = Literal["event", "log", "condition", "init_log", "policy_log", "controlplane_log", "status"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Alias(_Strict):
    """Another name for the same reason or code, and the releases that use it."""

    name: str
    releases: str = ""


class Match(_Strict):
    """What an entry applies to; every field that is set must hold.

    `pattern` is RE2, ignores case, lets `.` cross newlines, and may have the named groups code, request_id,
    vswitch, zone, eni, security_group, instance, ip, node, grpc_code, trunk, name, api, config; what they capture
    is reported with the match.
    """

    names: tuple[str, ...] = Field(
        default=(), description="exact names: event reason, OpenAPI code, config key, label key"
    )
    aliases: tuple[Alias, ...] = ()
    pattern: str | None = None
    object_kinds: tuple[str, ...] = Field(default=(), description="Pod, Node, NodeCR, PodENI, NetworkInterface, ...")
    reporters: tuple[str, ...] = Field(default=(), description="prefixes of the reporting component, old and new names")
    related_kinds: tuple[str, ...] = ()
    sources: tuple[Source, ...] = Field(default=(), description="where the text may appear; empty: anywhere")


class Entry(_Strict):
    """One Terway fact.

    An entry that names a `cause` and no category has the category of that cause.
    `priority` orders entries that match the same text: the higher one speaks, the others are kept as context.
    """

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9_.-]*$")
    kind: Kind
    section: Section | None = Field(default=None, description="config keys: where the key lives")
    match: Match = Match()
    title: str = ""
    category: Category | None = None
    role: Role = "pointing"
    cause: str | None = Field(default=None, description="id of the entry of kind `cause` this one argues for")
    priority: int = Field(default=0, ge=-100, le=100)
    supersedes: tuple[str, ...] = Field(default=(), description="text entries that are silent where this matches")
    meaning: str
    likely_causes: tuple[str, ...] = ()
    next_checks: tuple[str, ...] = ()
    fix: str = ""
    verify: str = ""
    releases: str = Field(default="", description="Terway releases it applies to, e.g. '>=v1.17.2'")
    default: str = Field(default="", description="config keys: the default value")
    valid: str = Field(default="", description="config keys: the valid values, in words")
    valid_pattern: str | None = Field(default=None, description="config keys: RE2 a scalar value must match in full")
    secret: bool = False
    lasting: bool = Field(default=False, description="no later success undoes it; a Ready pod may have it")
    path: Literal["own_eni"] | None = Field(
        default=None, description="causes: only pods that get an ENI of their own (trunk, exclusive) can have it"
    )
    behind: tuple[str, ...] = Field(default=(), description="causes: other causes that are its consequence")
    remark: bool = Field(default=False, description="causes: hides failures but makes none; never a verdict")
    effect: bool = Field(default=False, description="causes: something else lies behind it, which logs may name")
    harmless: bool = Field(default=False, description="causes: pods go on with it; what stops one comes first")
    source: str = Field(default="", description="Terway source path, issue or document the fact comes from")


class KnowledgeFile(_Strict):
    """One YAML file: a sentence about what it holds, and its entries."""

    about: str
    entries: tuple[Entry, ...]
