"""What still holds of a ledger: a later look at an object replaces what earlier ones saw of its passing states."""

from collections.abc import Mapping

from terway_mcp.tools.evidence import Evidence

PASSING: Mapping[str, tuple[str, ...]] = {
    "pod": (
        "pod_healthy",
        "pod_unschedulable",
        "pod_failed",
        "pod_sandbox_waiting",
        "pod_app_crash",
        "pod_oomkilled",
        "pod_image_pull",
        "pod_terminating_stuck",
        "pod_foreign_finalizer",
    ),
    "node": ("node_not_ready", "node_cni_not_ready", "sufficient_ip_false"),
    "workload": ("workload_no_pods",),
}
"""States that the status of an object shows, by the fact that sums this status up and lists in `states` which hold."""

CHANGED = "changed_since"
"""Name of the fact that the target is no longer as it was when it was read."""


def current(ledger: list[Evidence]) -> list[Evidence]:
    """The ledger without states that have passed, and without earlier pods of the same name."""
    newest = _newest_pods(ledger)
    holding = {
        (evidence.fact.name, str(evidence.fact.subject), evidence.fact.subject.uid): evidence.fact.data["states"]
        for evidence in ledger
        if evidence.fact.name in PASSING and "states" in evidence.fact.data
    }
    daemons_ready = all(
        e.fact.data.get("ready", 0) >= e.fact.data.get("desired", 0) for e in ledger if e.fact.name == "daemonset"
    )
    return [
        evidence
        for evidence in ledger
        if not _has_passed(evidence, holding)
        and not _is_of_earlier_pod(evidence, newest)
        and (daemons_ready or evidence.fact.name != "nothing_failing")
    ]


def _has_passed(evidence: Evidence, holding: Mapping[tuple[str, str, str], list[str]]) -> bool:
    fact = evidence.fact
    summary = next((name for name, states in PASSING.items() if fact.name in states), "")
    states = holding.get((summary, str(fact.subject), fact.subject.uid))
    return states is not None and fact.name not in states


def _newest_pods(ledger: list[Evidence]) -> dict[str, str]:
    """Uid of the pod that was created last, by its name."""
    pods = sorted((e.fact for e in ledger if e.fact.name == "pod"), key=lambda fact: str(fact.data.get("created")))
    return {str(fact.subject): fact.subject.uid for fact in pods}


def _is_of_earlier_pod(evidence: Evidence, newest: Mapping[str, str]) -> bool:
    fact = evidence.fact
    uid = newest.get(str(fact.subject))
    is_state = fact.kind == "status" and fact.name != CHANGED
    return is_state and bool(uid) and bool(fact.subject.uid) and fact.subject.uid != uid
