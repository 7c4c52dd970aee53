"""Whether the coverage of an answer says what happened on the wire: no more and no less."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from terway_mcp.cluster.embedded.routes import route
from terway_mcp.cluster.embedded.status import Reply
from tests.faults.proxy import Served

VERSION = "version of the API server"
NOT_ASKED = ("left out", "not asked")
WRONG = "wrong"


def what_of(path: str, query: Mapping[str, str], tool: str) -> str:
    """What an operator calls the read that a request is for."""
    if path == "/version":
        return VERSION
    routed = route(tuple(path.strip("/").split("/")))
    assert not isinstance(routed, Reply)
    target, wants_log = routed
    kind = target.resource.qualified_name
    if wants_log:
        run = " (previous)" if query.get("previous") else ""
        return f"log of {target.namespace}/{target.name}/{query.get('container', '')}{run}"
    if target.name:
        return f"{kind} {target.namespace}/{target.name}" if target.namespace else f"{kind} {target.name}"
    name = query.get("fieldSelector", "").partition("=")[2]
    if kind == "pods" and "terway-controlplane" in query.get("labelSelector", ""):
        return "controlplane pods" if tool == "grep_terway_logs" else "controlplane pods that are not ready"
    if kind == "pods" and target.namespace:
        return f"Terway pods on {name}" if name else "Terway pods that are not ready"
    if kind == "pods":
        return f"pods on node {name}"
    if kind == "events":
        return _events_of(target.namespace, name)
    return f"{kind} in {target.namespace}" if target.namespace else kind


def _events_of(namespace: str | None, name: str) -> str:
    if namespace is None:
        return "recent warning events of all namespaces"
    if namespace == "default":
        return f"events of Node and Terway Node {name}"
    if namespace == "kube-system":
        return f"events of Terway pod {name}"
    return f"events of pod and PodENI {namespace}/{name}"


def happened(served: Iterable[Served], tool: str) -> dict[str, str]:
    """How each read ended on the wire: `read`, `not_found`, or wrong; the last answer to a read decides."""
    found = {}
    for request in served:
        outcome = {0: WRONG, 200: "read", 404: "not_found", 400: "not_found"}[request.status]
        found[what_of(request.path, request.query, tool)] = outcome
    return found


def told(coverage: Iterable[Mapping[str, Any]]) -> dict[str, tuple[str, str]]:
    """Outcome and detail of each read as an answer tells them; what was read stands in one entry."""
    found = {}
    for entry in coverage:
        whats = entry["what"].split("; ") if entry["outcome"] == "read" else [entry["what"]]
        assert " more" not in whats[-1], "every read is named"
        for what in whats:
            assert what not in found, f"{what} is told twice"
            found[what] = (entry["outcome"], entry["detail"])
    return found


def rests_on(what: str) -> str:
    """The read behind an entry: itself, or the events of the pod whose node they told."""
    derived = re.fullmatch(r"node of pod (\S+): \S+, derived from its event \w+", what)
    return f"events of pod and PodENI {derived[1]}" if derived else what


class Wire(NamedTuple):
    """What was served for a call, and for the calls of its investigation before it, whose answers it may share."""

    now: list[Served]
    before: list[Served]


def differences(
    wire: Wire, coverage: Iterable[Mapping[str, Any]], tool: str, reads: frozenset[str], logs: frozenset[str]
) -> list[str]:
    """Each way in which the coverage is not what happened; `reads` and `logs` are what a wrong answer may be called."""
    truth, said = happened(wire.now, tool), told(coverage)
    shared = {what: how for what, how in happened(wire.before, tool).items() if how != WRONG}
    found = [f"{what} was asked for and is not told" for what in truth if what not in said]
    for what, (outcome, detail) in said.items():
        wrong = logs if what.startswith("log of ") else reads
        expected = truth.get(rests_on(what), shared.get(rests_on(what), WRONG))
        if what == VERSION and what not in truth:
            continue  # asked once for a connection
        if expected == WRONG and not (outcome in wrong or detail.startswith(NOT_ASKED)):
            found.append(f"{what} failed and is said to be {outcome} ({detail})")
        if expected not in (WRONG, outcome):
            found.append(f"{what} was {expected} and is said to be {outcome} ({detail})")
    return found
