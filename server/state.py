"""What has been done in an investigation, folded from its append-only records."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from terway_mcp.server.steps import STEPS
from terway_mcp.tools.correlation.target import Target


class Done(msgspec.Struct, frozen=True):
    """One call that ran: which tool, about what, and what later steps need to know of its answer.

    `unread` is a call whose every read failed: it need not be repeated, but nobody may say that its step was done.
    `at` is when, in seconds since 1970; 0 when nobody noted it.
    `noted` is the evidence that stands by it, `withdrawn` what an equal call had noted before and is no longer so.
    """

    tool: str
    target: str
    marks: dict[str, Any] = {}
    unread: bool = False
    at: float = 0.0
    noted: list[str] = []
    withdrawn: list[str] = []


class Skip(msgspec.Struct, frozen=True):
    """One call that was let through out of order because the caller gave a reason."""

    tool: str
    missing: str
    reason: str

    @property
    def claim(self) -> str:
        """How answers and the report tell of it: what is missing, before what, and whose word that is."""
        return f"{self.missing} before {self.tool} (the caller says: {self.reason})"


class State(msgspec.Struct):
    """All calls of one investigation, oldest first."""

    context: str
    symptom: str = ""
    done: list[Done] = []
    skips: list[Skip] = []

    def marks(self, tool: str, target: str) -> Mapping[str, Any] | None:
        """Marks of the latest call of a tool about a target; None when there was none."""
        found = _latest(entry for entry in self.done if entry.tool == tool and entry.target == target)
        return found.marks if found else None

    def noted_before(self, tool: str, target: str) -> list[str]:
        """Evidence that the latest call of a tool about a target stands for."""
        found = _latest(entry for entry in self.done if entry.tool == tool and entry.target == target)
        return found.noted if found else []

    @property
    def withdrawn(self) -> set[str]:
        """Evidence that was looked for again and not found, by nobody since."""
        gone: set[str] = set()
        for entry in self.done:
            gone = (gone | set(entry.withdrawn)) - set(entry.noted)
        return gone

    def with_step(self, step: Done) -> "State":
        """This state as it will be once a step under way is done."""
        return State(self.context, self.symptom, [*self.done, step], self.skips)

    def related(self, target: str) -> Mapping[str, Any]:
        """What inspecting a pod or node found about the objects around it."""
        return self.marks("inspect_pod", target) or self.marks("inspect_node", target) or {}

    def terway_is_missing(self, target: str) -> bool:
        """True for a pod whose node should run Terway and does not.

        A virtual node, or one that is labelled so, is not served by Terway at all; only inspecting it tells.
        """
        marks = self.marks("inspect_pod", target) or {}
        node = self.marks("inspect_node", f"node/{marks.get('node')}") or {}
        served = bool(marks.get("node")) and not marks.get("host_network") and node.get("terway_expected") is not False
        return served and marks.get("terway_running") is False

    def latest(self, tool: str) -> Done | None:
        """The latest call of a tool."""
        return _latest(entry for entry in self.done if entry.tool == tool)

    def has(self, tool: str) -> bool:
        """True when the tool has answered at least once about something that exists."""
        return any(entry.tool == tool and not entry.marks.get("missing") for entry in self.done)

    @property
    def cluster(self) -> Mapping[str, Any]:
        """Marks of the latest `inspect_cluster`."""
        latest = self.latest("inspect_cluster")
        return latest.marks if latest else {}

    @property
    def suspects(self) -> list[Mapping[str, Any]]:
        """Objects to begin with, the one that the user chose first."""
        found = self.cluster.get("suspects", [])
        if chosen := self.chosen_suspect:
            return [chosen, *(suspect for suspect in found if suspect != chosen)]
        return list(found)

    @property
    def chosen_suspect(self) -> Mapping[str, Any] | None:
        """What the user said it is about, when asked."""
        latest = self.latest("elicitation")
        return latest.marks["suspect"] if latest else None

    @property
    def terway_pods(self) -> set[str]:
        """Names of Terway pods that answers have named; their events need no inspection first."""
        return {str(entry.marks["terway_pod"]) for entry in self.done if entry.marks.get("terway_pod")}

    @property
    def known_nodes(self) -> set[str]:
        """Nodes that were inspected or that run an inspected pod."""
        inspected = {entry.target.removeprefix("node/") for entry in self.done if entry.tool == "inspect_node"}
        return inspected | {str(entry.marks["node"]) for entry in self.done if entry.marks.get("node")}

    @property
    def sufficiency(self) -> str:
        """How the latest events were judged; "" before any were read."""
        latest = self.latest("get_events")
        return str(latest.marks.get("sufficiency", "")) if latest else ""

    @property
    def has_target(self) -> bool:
        """True when a pod, node or workload has been asked about, whether or not it exists."""
        return any(self.latest(tool) for tool in ("inspect_pod", "inspect_node", "get_events"))

    @property
    def is_settled(self) -> bool:
        """True when the latest events or logs were judged to name the cause."""
        judged = [entry.marks["sufficiency"] for entry in self.done if "sufficiency" in entry.marks]
        return bool(judged) and judged[-1] == "sufficient"

    @property
    def steps_done(self) -> list[str]:
        """Ids of the steps some call has done, in the SOP's order; where nothing could be read, nothing was done."""
        tools = {entry.tool for entry in self.done if not entry.unread}
        return [step.id for step in STEPS if tools & set(step.tools)]

    def focus(self) -> Target:
        """What the investigation is about: the latest pod, else workload, else node, else the cluster."""
        kind, entry = self._focus()
        return Target("cluster") if entry is None or kind == "cluster" else self._target(kind, entry)

    @property
    def focus_read_at(self) -> float:
        """When that was last read, in seconds since 1970; 0 when it is not known."""
        entry = self._focus()[1]
        return entry.at if entry else 0.0

    def _focus(self) -> tuple[str, Done | None]:
        for kind, tool in (("pod", "inspect_pod"), ("workload", "get_events"), ("node", "inspect_node")):
            asked = (entry for entry in self.done if entry.tool == tool and entry.target.startswith(f"{kind}/"))
            if found := _latest(entry for entry in asked if not entry.marks.get("missing")):
                return kind, found
        return "cluster", self.latest("inspect_cluster")

    def _told_by_events(self, target: str) -> str:
        """The node of a pod that may not be read, as far as its events name it."""
        return str((self.marks("get_events", target) or {}).get("node") or "")

    def _target(self, kind: str, entry: Done) -> Target:
        namespace, _, name = entry.target.partition("/")[2].rpartition("/")
        marks = entry.marks
        node = name if kind == "node" else str(marks.get("node") or self._told_by_events(entry.target))
        node_marks = self.marks("inspect_node", f"node/{node}") or {}
        return Target(
            kind,
            name,
            namespace,
            node,
            str(marks.get("terway_pod") or node_marks.get("terway_pod") or ""),
            tuple(marks.get("enis") or ()),
            str(marks.get("podnetworking") or ""),
            bool(marks.get("own_eni") or node_marks.get("exclusive")),
            tuple(marks.get("pods") or ()) if kind == "node" else (),
            config=str(node_marks.get("config") or ""),
        )


def _latest(calls: Iterable[Done]) -> Done | None:
    """The last one that read something, else the last one: what fails now does not undo what was known before."""
    found = list(calls)
    return next((entry for entry in reversed(found) if not entry.unread), found[-1] if found else None)
