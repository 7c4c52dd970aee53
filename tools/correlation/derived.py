"""States that no single object shows: they follow from several facts of the ledger.

Each rests on a piece of evidence that is there, so it can be cited like any other.
"""

from collections.abc import Iterator
from datetime import timedelta

from terway_mcp.tools.correlation.target import NEAR, Target, evidence_closeness
from terway_mcp.tools.evidence import Evidence
from terway_mcp.tools.terway_names import CONTROLPLANE
from terway_mcp.tools.times import parse

_OWED = (
    "node_cr_missing", "node_cr_no_enis", "node_cr_sync_stale", "free_ips_unassigned", "ip_release_pending",
    "podeni_missing", "podeni_phase_initial", "podeni_phase_binding",
)  # fmt: skip
"""States in which the controlplane has yet to act."""

_FIRST_ATTEMPT = timedelta(minutes=2)
"""As long as the plugin waits for the daemon before the first failure is told (plugin/terway/cni.go)."""

_PROBE_TIMEOUT = ("timeout", "deadline exceeded", "timed out")


def derived_states(ledger: list[Evidence], target: Target) -> list[tuple[Evidence, str]]:
    """States as (evidence it rests on, name of the state)."""
    return [
        *_zone_gap(ledger, target),
        *_other_trunk(ledger, target),
        *_zone_bound(ledger, target),
        *_dns_of_the_node(ledger, target),
        *_exclusive_probe(ledger, target),
        *_expired_events(ledger, target),
        *_unmet_demand(ledger, target),
        *_erdma_unsupported(ledger, target),
        *_disagreeing_modes(ledger),
        *_unseen_controlplane(ledger, target),
        *_mixed_versions(ledger, target),
        *_repaired_links(ledger, target),
    ]


def _repaired_links(ledger: list[Evidence], target: Target) -> Iterator[tuple[Evidence, str]]:
    """CNI CHECK repaired the links of several pods of a node: something on the node takes them down."""
    if target.kind != "node":
        return
    repaired = [e for e in ledger if e.fact.kind == "event" and e.fact.data.get("reason") == "ConfigCheck"]
    mine = {e.fact.subject.name: e for e in repaired if evidence_closeness(e, target) >= NEAR}
    for evidence in mine.values() if len(mine) > 1 else ():
        yield evidence, "pod_links_repaired"


def retracted_states(ledger: list[Evidence], target: Target) -> set[str]:
    """Names of states that another fact explains away.

    On an exclusive-ENI node, or with a PodENI that is bound, a pod needs no annotation of the webhook. A node keeps
    the prefix mode and count it was made with, whatever eni_conf says by now.
    """
    retracted = set()
    bound = any(e.fact.data.get("phase") == "Bind" for e in _facts(ledger, "podeni", target.name))
    exclusive = any(e.fact.data.get("eni_mode") == "exclusive" for e in _facts(ledger, "node", target.node))
    if bound or exclusive:
        retracted.add("pod_eni_without_config")
    if _facts(ledger, "node_cni_not_ready", target.node):
        # The kubelet makes no sandbox there, so nobody asks for the addresses that are free.
        retracted.add("free_ips_unassigned")
    if any(e.fact.data.get("prefixes", 0) != 0 for e in _facts(ledger, "node_accounting", target.node)):
        retracted.add("config_prefix_count_zero")
    return retracted


def _zone_gap(ledger: list[Evidence], target: Target) -> Iterator[tuple[Evidence, str]]:
    """A PodNetworking without a vSwitch in the zone of the pod's node."""
    zone = next((str(e.fact.data.get("zone") or "") for e in _facts(ledger, "node", target.node)), "")
    for evidence in _facts(ledger, "podnetworking", target.podnetworking):
        if zone and evidence.fact.data.get("zones") and zone not in evidence.fact.data["zones"]:
            yield evidence, "podnetworking_zone_gap"


def _other_trunk(ledger: list[Evidence], target: Target) -> Iterator[tuple[Evidence, str]]:
    """A PodENI bound to another trunk ENI than its node has now."""
    trunk = next((str(e.fact.data.get("trunk_on") or "") for e in _facts(ledger, "node", target.node)), "")
    for evidence in _facts(ledger, "podeni", target.name):
        used = evidence.fact.data.get("trunk")
        if evidence.fact.data.get("phase") == "Bind" and used and trunk and used != trunk:
            yield evidence, "podeni_other_trunk"


def _dns_of_the_node(ledger: list[Evidence], target: Target) -> Iterator[tuple[Evidence, str]]:
    """The node's DNS cache does not run: that concerns pods with an address, not those that wait for one."""
    addressed = any(e.fact.data.get("ips") for e in _facts(ledger, "pod", target.name))
    if target.kind == "node" or addressed:
        for evidence in _facts(ledger, "node_dns_stopped", target.node):
            yield evidence, "node_dns_not_running"


def _zone_bound(ledger: list[Evidence], target: Target) -> Iterator[tuple[Evidence, str]]:
    """A pod no node's labels suit, whose fixed IP exists in one zone: the webhook made that zone its affinity."""
    unsuited = [e for e in _facts(ledger, "pod_unschedulable", target.name) if "affinity" in e.fact.text]
    for evidence in _facts(ledger, "podeni", target.name) if unsuited else ():
        if evidence.fact.data.get("fixed") and evidence.fact.data.get("zone"):
            yield evidence, "podeni_zone_binds_pod"


def _exclusive_probe(ledger: list[Evidence], target: Target) -> Iterator[tuple[Evidence, str]]:
    """Probes from the host time out although the pod has its own, exclusive ENI and an address."""
    exclusive = any(e.fact.data.get("eni_mode") == "exclusive" for e in _facts(ledger, "node", target.node))
    addressed = any(e.fact.data.get("ips") for e in _facts(ledger, "pod", target.name))
    if not (exclusive and addressed):
        return
    for evidence in ledger:
        fact = evidence.fact
        if fact.kind == "event" and fact.subject.name == target.name and fact.data.get("reason") == "Unhealthy":
            text = str(fact.data.get("message", "")).lower()
            if any(word in text for word in _PROBE_TIMEOUT):
                yield evidence, "exclusive_pod_probe_timeout"


def _expired_events(ledger: list[Evidence], target: Target) -> Iterator[tuple[Evidence, str]]:
    """A pod that waits and of which no warning is left; a pod that has only just been created cannot have any."""
    if target.kind != "pod" or not any(e.fact.kind == "event" for e in ledger):
        return
    if any(
        e.fact.kind == "event" and e.fact.data.get("type") == "Warning" and e.fact.subject.name == target.name
        for e in ledger
    ):
        return
    for evidence in _facts(ledger, "pod", target.name):
        if evidence.fact.data.get("waiting"):
            if _is_young(evidence, ledger):
                yield evidence, "pod_only_just_created"
            else:
                yield evidence, "events_expired"


def _is_young(pod: Evidence, ledger: list[Evidence]) -> bool:
    """True when nothing in the ledger is much later than the pod: its first attempt may still be running."""
    created = parse(str(pod.fact.data.get("created") or ""))
    latest = max((moment for e in ledger if (moment := parse(e.fact.time))), default=None)
    return created is not None and latest is not None and latest - created < _FIRST_ATTEMPT


def _unmet_demand(ledger: list[Evidence], target: Target) -> Iterator[tuple[Evidence, str]]:
    """The controlplane goes on asking for addresses on a node whose ENIs have already grown without need."""
    if not _facts(ledger, "node_cr_eni_growth", target.node):
        return
    for evidence in ledger:
        sample = str(evidence.fact.data.get("sample", ""))
        if evidence.fact.kind == "log" and "addIP demand calculation" in sample and f'"{target.node}"' in sample:
            yield evidence, "node_cr_eni_growth"


def _erdma_unsupported(ledger: list[Evidence], target: Target) -> Iterator[tuple[Evidence, str]]:
    """The pod asks for ERDMA where the instance has none, or the daemon has switched it off."""
    if not any(e.fact.data.get("erdma") for e in _facts(ledger, "pod", target.name)):
        return
    for evidence in _facts(ledger, "node_without_erdma", target.node):
        yield evidence, "erdma_not_supported"
    for evidence in ledger:
        if evidence.fact.kind == "log" and "not support erdma" in str(evidence.fact.data.get("sample", "")):
            yield evidence, "erdma_not_supported"


def _disagreeing_modes(ledger: list[Evidence]) -> Iterator[tuple[Evidence, str]]:
    """The controlplane found the daemon in local mode at its start, though eni_conf says crd now."""
    if not any(e.fact.name == "ipam_mode" and e.fact.data.get("mode") == "centralized" for e in ledger):
        return
    for evidence in ledger:
        if evidence.fact.kind == "log" and "daemon is not at crd mode" in str(evidence.fact.data.get("sample", "")):
            yield evidence, "ipam_mode_mismatch"


def _unseen_controlplane(ledger: list[Evidence], target: Target) -> Iterator[tuple[Evidence, str]]:
    """What the controlplane should have done is not done, and there is none, or none that can be looked into."""
    owed = {e.fact.name for e in ledger if e.fact.name in _OWED and e.fact.subject.name in (target.name, target.node)}
    for evidence in _facts(ledger, "controlplane", CONTROLPLANE) if owed else []:
        presence = evidence.fact.data.get("presence")
        if presence == "hosted":
            yield evidence, "controlplane_hosted"
        if presence == "absent" and target.own_eni:
            yield evidence, "controlplane_not_installed"


def _mixed_versions(ledger: list[Evidence], target: Target) -> Iterator[tuple[Evidence, str]]:
    """The Terway pod of the node runs another image than its DaemonSet asks for."""
    wanted = {str(e.fact.data.get("version") or "") for e in ledger if e.fact.name == "daemonset"} - {""}
    for evidence in _facts(ledger, "terway_pod", target.terway_pod):
        version = evidence.fact.data.get("version")
        if version and wanted and version not in wanted:
            yield evidence, "terway_version_mixed"


def _facts(ledger: list[Evidence], name: str, subject: str) -> list[Evidence]:
    return [e for e in ledger if e.fact.name == name and subject and e.fact.subject.name == subject]
