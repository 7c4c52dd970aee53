"""What a tool is given: the cluster to read, the knowledge to read it with, and the ledger to write to."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from terway_mcp.cluster.reader import Reader
from terway_mcp.knowledge.base import Knowledge
from terway_mcp.tools.correlation.judgement import Setting
from terway_mcp.tools.evidence import Ledger


@dataclass
class Progress:
    """How far a long call has come; the server shows it to a client that waits longer than two seconds."""

    done: float = 0.0
    message: str = ""


@dataclass(frozen=True)
class Case:
    """One tool call within one investigation.

    `related` is what inspecting the target of this call found before: its node, Terway pod, ENIs.
    `target_read_ago_s` is how long ago the target of the investigation was read; 0 when that is not known.
    """

    reader: Reader
    knowledge: Knowledge
    ledger: Ledger
    setting: Setting
    related: Mapping[str, Any] = field(default_factory=dict)
    progress: Progress = field(default_factory=Progress)
    target_read_ago_s: float = 0.0


class Report(msgspec.Struct, frozen=True):
    """A tool's answer before the server wraps it.

    `marks` is what later steps depend on (a pod's node, whether events sufficed); the server keeps it with the step.
    `message` says why there is no data.
    """

    data: msgspec.Struct | None
    status: Literal["ok", "no_data"] = "ok"
    marks: Mapping[str, Any] = {}
    message: str = ""


Body = Callable[[Case, Any], Awaitable[Report]]
"""A tool: the case and its validated arguments in, a report out."""
