"""Whether the target works, by its own status, and whether anything speaks against that."""

from terway_mcp.tools.correlation.candidates import Candidate
from terway_mcp.tools.correlation.target import SAME, Target
from terway_mcp.tools.evidence import Evidence


def terway_is_down(ledger: list[Evidence], target: Target) -> bool:
    """True when Terway's daemon is known not to run on the target's node."""
    running: bool | None = None
    for evidence in ledger:
        fact = evidence.fact
        if fact.name == "terway_pod_missing" and fact.subject.name == target.node:
            return True
        if fact.name == "terway_pod" and fact.subject.name == target.terway_pod:
            running = bool(fact.data.get("running"))
    return running is False


def target_is_healthy(ledger: list[Evidence], target: Target) -> bool:
    """True when the target's own status says it works; of what stood on a removed node nobody updates the status."""
    if target.node and any(e.fact.name == "node_removed" and e.fact.subject.name == target.node for e in ledger):
        return False
    for evidence in ledger:
        fact = evidence.fact
        if fact.name == "nothing_failing" and target.kind == "cluster":
            return True
        if fact.name == "workload" and target.kind == "workload" and fact.subject.name == target.name:
            return bool(fact.data.get("ready"))
        if fact.name == "pod_healthy" and target.kind == "pod" and fact.subject.name == target.name:
            return True
        if fact.name == "node" and target.kind == "node" and fact.subject.name == target.name:
            return "Ready=True" in fact.text and not terway_is_down(ledger, target) and not _pods_wait(ledger, target)
    return False


def _pods_wait(ledger: list[Evidence], target: Target) -> bool:
    """True when pods of a node have no network: whatever its conditions say, it does not serve them."""
    return any(e.fact.name == "pods_waiting" and e.fact.subject.name == target.name for e in ledger)


def contradicts_health(supported: list[Candidate], ledger: list[Evidence], target: Target) -> bool:
    """Whether a cause concerns a target that looks healthy.

    A Ready pod works, unless the trouble is about its very address; a Ready node may still fail its next pod.
    """
    supported = [candidate for candidate in supported if not candidate.cause.remark]
    if any(_lasts_on_target(candidate) for candidate in supported):
        return True
    if target.kind != "pod":
        return any(candidate.is_near and candidate.role in ("decisive", "strong") for candidate in supported)
    addresses = {
        str(ip) for evidence in ledger if evidence.fact.name == "pod" for ip in evidence.fact.data.get("ips", [])
    }
    return any(
        addresses & {signal.groups.get("ip"), *signal.evidence.fact.data.get("ips", [])}
        for candidate in supported
        for signal in candidate.support
        if signal.evidence.fact.name != "pod"
    )


def _lasts_on_target(candidate: Candidate) -> bool:
    """True for what a Ready pod may suffer from all the same, such as an ignored annotation."""
    return any(signal.entry.lasting and signal.closeness >= SAME for signal in candidate.support)
