"""What `inspect_cluster` makes of its reads: one report, and the facts behind each part of it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
import yaml

from terway_mcp.cluster.coverage import Read
from terway_mcp.cluster.objects import ClusterRole, ConfigMap, Lease, Pod, Version, WebhookConfiguration, Workload
from terway_mcp.knowledge.base import Knowledge
from terway_mcp.tools import terway_names as names
from terway_mcp.tools.components import (
    ControlplaneHealth,
    DaemonHealth,
    controlplane_health,
    daemon_fact,
    daemon_health,
    lease_is_stale,
)
from terway_mcp.tools.containers import trouble_states, waiting_reasons
from terway_mcp.tools.eni_conf import ConfigCheck, check_json, check_keys
from terway_mcp.tools.event_groups import EventGroup
from terway_mcp.tools.evidence import Fact, FactSheet, Subject
from terway_mcp.tools.ipam_mode import ControlplaneConfig, IpamMode, ipam_mode, parse_controlplane
from terway_mcp.tools.suspects import Suspect

_SYSTEM = names.SYSTEM_NAMESPACE
_ADMISSION_API = "admissionregistration.k8s.io/v1"


class ClusterReads(msgspec.Struct, frozen=True):
    """Everything `inspect_cluster` reads; ConfigMaps and ClusterRoles by name."""

    version: Read[Version]
    daemonsets: Read[list[Workload]]
    controlplane: Read[Workload]
    lease: Read[Lease]
    webhook: Read[WebhookConfiguration]
    configmaps: dict[str, Read[ConfigMap]]
    clusterroles: dict[str, Read[ClusterRole]]
    warnings: list[EventGroup] | None
    unhealthy: list[Pod]


class NetworkSettings(msgspec.Struct, omit_defaults=True):
    """Cluster-wide network settings; empty text means the cluster does not say."""

    service_cidr: str = ""
    ip_stack: str = ""
    kube_proxy_mode: str = ""
    cluster_cidr: str = ""
    evidence: str = ""


class UnhealthyPod(msgspec.Struct, omit_defaults=True):
    """A Terway pod that is not ready."""

    pod: str
    node: str
    why: str
    evidence: str = ""


class EniConfReport(ConfigCheck, omit_defaults=True):
    """`eni_conf` with the evidence id of the ConfigMap."""

    evidence: str = ""


class IpamReport(IpamMode, omit_defaults=True):
    """The IPAM mode with its evidence id."""

    evidence: str = ""


class ClusterReport(msgspec.Struct, omit_defaults=True):
    """`data` of `inspect_cluster`."""

    version: str
    kubernetes: str
    ipam: IpamReport
    daemons: list[DaemonHealth]
    controlplane: ControlplaneHealth
    eni_conf: EniConfReport
    cni: ConfigCheck
    controlplane_config: ConfigCheck
    network: NetworkSettings
    other_settings: dict[str, str] = {}
    events_rbac_gap: dict[str, str] = {}
    unhealthy: list[UnhealthyPod] = []
    suspects: list[Suspect] = []
    notes: list[str] = []


def cluster_report(reads: ClusterReads, knowledge: Knowledge, now: datetime) -> tuple[ClusterReport, FactSheet]:
    """Shape the report; each returned fact comes with the place its evidence id goes to."""
    facts = FactSheet()
    daemons = _daemons(reads, facts)
    controlplane = controlplane_health(reads.controlplane, reads.lease, reads.webhook, now)
    _controlplane_facts(controlplane, facts)
    eni_map = reads.configmaps[names.ENI_CONFIG]
    eni_conf, parsed = _eni_conf(eni_map, knowledge, facts)
    plane = parse_controlplane(_entry(reads.configmaps[names.CONTROLPLANE_CONFIG], "ctrl-config.yaml"))
    ipam = _ipam(parsed, plane, controlplane.presence, facts)
    report = ClusterReport(
        version=daemons[0].version if daemons else "",
        kubernetes=reads.version.value.git_version if reads.version.value else "",
        ipam=ipam,
        daemons=daemons,
        controlplane=controlplane,
        eni_conf=eni_conf,
        cni=_cni(eni_map, knowledge, facts),
        controlplane_config=_controlplane_config(plane, knowledge, facts),
        network=_network(reads, parsed),
        other_settings=_other_settings(eni_map),
        events_rbac_gap=_rbac_gap(reads, facts),
        unhealthy=_unhealthy(reads.unhealthy, facts, now),
    )
    _unconfigured_pods(reads.webhook, parsed, controlplane.presence, facts)
    report.notes = _notes(report, reads)
    return report, facts


def is_quiet(report: ClusterReport, *, warnings_read: bool) -> bool:
    """True when components run and no recent warning concerns Terway: nothing is left to look at."""
    daemons_ready = bool(report.daemons) and all(daemon.ready >= daemon.desired for daemon in report.daemons)
    plane = report.controlplane.presence != "down" and not lease_is_stale(report.controlplane)
    return warnings_read and daemons_ready and plane and not report.suspects and not report.unhealthy


def quiet_fact(report: ClusterReport) -> Fact:
    """The evidence that nothing fails."""
    ready = ", ".join(f"{daemon.name} {daemon.ready}/{daemon.desired}" for daemon in report.daemons)
    text = f"components are ready ({ready}) and no recent warning event concerns Terway"
    return Fact("status", "nothing_failing", Subject("Namespace", _SYSTEM), text)


def _daemons(reads: ClusterReads, facts: FactSheet) -> list[DaemonHealth]:
    found = [w for w in reads.daemonsets.value or [] if w.metadata.name in names.DAEMONSETS]
    daemons = [daemon_health(workload) for workload in found]
    for workload, health in zip(found, daemons, strict=True):
        facts.add(daemon_fact(workload, reads.daemonsets.source), health)
    if not daemons and reads.daemonsets.value is not None:
        subject = Subject("Namespace", _SYSTEM)
        facts.add(Fact("status", "terway_not_installed", subject, "no Terway DaemonSet exists in kube-system"))
    return daemons


def _controlplane_facts(health: ControlplaneHealth, facts: FactSheet) -> None:
    subject = Subject("Deployment", names.CONTROLPLANE, _SYSTEM, "apps/v1")
    lease = "" if health.lease_age_s is None else f", lease renewed {health.lease_age_s} s ago"
    ready = f": {health.ready} of {health.replicas} ready" if health.replicas is not None else ""
    text = f"terway-controlplane is {health.presence}{ready}{lease}"
    data = {"presence": health.presence, "lease_age_s": health.lease_age_s}
    facts.add(Fact("status", "controlplane", subject, text, data=data), health)
    if health.presence == "down":
        facts.add(Fact("status", "controlplane_not_ready", subject, text))
    if lease_is_stale(health) and health.presence != "down":
        facts.add(Fact("status", "controlplane_lease_stale", subject, text))


def _unconfigured_pods(
    webhook: Read[WebhookConfiguration], parsed: dict[str, Any] | None, presence: str, facts: FactSheet
) -> None:
    """Member ENIs are for pods that the webhook marks; without trunking nobody misses it."""
    wanted = bool((parsed or {}).get("enable_eni_trunking")) and presence in ("running", "down", "hosted")
    if wanted and webhook.outcome == "not_found":
        subject = Subject("MutatingWebhookConfiguration", names.MUTATING_WEBHOOK, api_version=_ADMISSION_API)
        text = f"MutatingWebhookConfiguration {names.MUTATING_WEBHOOK} does not exist although trunking is on"
        facts.add(Fact("config", "webhook_missing", subject, text, source=webhook.source))


def _eni_conf(
    read: Read[ConfigMap], knowledge: Knowledge, facts: FactSheet
) -> tuple[EniConfReport, dict[str, Any] | None]:
    subject = Subject("ConfigMap", names.ENI_CONFIG, _SYSTEM)
    if read.value is None:
        if read.outcome == "not_found":
            facts.add(_config("eni_config_missing", subject, "ConfigMap eni-config does not exist", read))
        return EniConfReport(error=f"not read: {read.outcome}"), None
    text = read.value.data.get("eni_conf")
    check = msgspec.convert(msgspec.structs.asdict(check_json(text, "eni_conf", knowledge)), EniConfReport)
    if check.error:
        name = "eni_conf_missing" if text is None else "eni_conf_invalid_json"
        facts.add(_config(name, subject, f"eni_conf: {check.error}", read, error=check.error), check)
        return check, None
    if check.values.get("disable_device_plugin") is True:
        words = "eni_conf.disable_device_plugin is true: no node offers aliyun/* resources"
        facts.add(_config("config_device_plugin_disabled", subject, words, read))
    if check.values.get("enable_ip_prefix") is True and not _prefixes_wanted(check.values):
        words = "eni_conf.enable_ip_prefix is true and no prefix count is set: new nodes get no prefix"
        facts.add(_config("config_prefix_count_zero", subject, words, read))
    summary = ", ".join(f"{key}={value}" for key, value in check.values.items())[:400]
    facts.add(_config("eni_conf", subject, f"eni_conf: {summary}", read, **check.values), check)
    for problem in check.invalid:
        facts.add(_config("eni_conf_invalid_value", subject, f"eni_conf has {problem}", read, group=problem))
    for key in check.unknown:
        facts.add(_config("eni_conf_unknown_key", subject, f"eni_conf has the unknown key {key}", read, group=key))
    return check, msgspec.json.decode(text or "{}")


def _prefixes_wanted(eni_conf: Mapping[str, Any]) -> bool:
    return any(eni_conf.get(key) not in (None, 0) for key in ("ipv4_prefix_count", "ipv6_prefix_count"))


def _ipam(
    parsed: dict[str, Any] | None,
    plane: ControlplaneConfig | None,
    presence: str,
    facts: FactSheet,
) -> IpamReport:
    found = msgspec.convert(msgspec.structs.asdict(ipam_mode(parsed, plane, presence)), IpamReport)
    subject = Subject("ConfigMap", names.ENI_CONFIG, _SYSTEM)
    text = f"IPAM is {found.mode}: {'; '.join(found.because + found.contradictions)}"
    facts.add(Fact("config", "ipam_mode", subject, text, data={"mode": found.mode}), found)
    for contradiction in found.contradictions:
        name = "trunk_flag_mismatch" if contradiction.startswith("trunk") else "ipam_mode_mismatch"
        facts.add(Fact("config", name, subject, contradiction, group=contradiction))
    return found


def _cni(read: Read[ConfigMap], knowledge: Knowledge, facts: FactSheet) -> ConfigCheck:
    if read.value is None:
        return ConfigCheck(error=f"not read: {read.outcome}")
    key = next((key for key in ("10-terway.conf", "10-terway.conflist") if key in read.value.data), "10-terway.conf")
    check = check_json(read.value.data.get(key), "cni", knowledge)
    if check.error:
        subject = Subject("ConfigMap", names.ENI_CONFIG, _SYSTEM)
        facts.add(_config("cni_conf_invalid_json", subject, f"{key}: {check.error}", read))
    return check


def _controlplane_config(plane: ControlplaneConfig | None, knowledge: Knowledge, facts: FactSheet) -> ConfigCheck:
    if plane is None:
        return ConfigCheck(error="not visible")
    subject = Subject("ConfigMap", names.CONTROLPLANE_CONFIG, _SYSTEM)
    if plane.error:
        facts.add(Fact("config", "controlplane_config_invalid", subject, plane.error))
        return ConfigCheck(error=plane.error)
    centralized = plane.flag("centralizedIPAM", default=False) or plane.values.get("ipamType") == "crd"
    if centralized and not plane.serves_centralized_ipam:
        words = "ctrl-config.yaml lists controllers without multi-ip-node and multi-ip-pod"
        facts.add(Fact("config", "config_controllers_missing", subject, words))
    if centralized and plane.lacks("node"):
        words = "ctrl-config.yaml lists controllers without node"
        facts.add(Fact("config", "config_node_controller_off", subject, words))
    if unmanned := [name for name in ("pod", "pod-eni") if plane.lacks(name)]:
        words = f"ctrl-config.yaml lists controllers without {' and '.join(unmanned)}"
        facts.add(Fact("config", "config_own_eni_controllers_off", subject, words))
    level = str(plane.values.get("degradation") or "")
    if level:
        text = f"controlplane degradation is {level}: it has stopped adding IPs"
        facts.add(Fact("config", "controlplane_degraded", subject, text, data={"level": level}))
    return check_keys(plane.values, "controlplane", knowledge)


def _network(reads: ClusterReads, parsed: dict[str, Any] | None) -> NetworkSettings:
    profile = reads.configmaps[names.CLUSTER_PROFILE].value
    settings = NetworkSettings()
    if profile:
        settings.service_cidr = profile.data.get("serviceCIDR", "")
        settings.ip_stack = profile.data.get("ipStack", "")
    settings.service_cidr = settings.service_cidr or str((parsed or {}).get("service_cidr", ""))
    settings.ip_stack = settings.ip_stack or str((parsed or {}).get("ip_stack", ""))
    for name in names.KUBE_PROXY_CONFIGS:
        read = reads.configmaps.get(name)
        if read and (text := _entry(read, "config.conf")):
            if proxy := _yaml_mapping(text):
                settings.kube_proxy_mode = str(proxy.get("mode") or "iptables")
                settings.cluster_cidr = str(proxy.get("clusterCIDR") or "")
            break
    return settings


def _other_settings(read: Read[ConfigMap]) -> dict[str, str]:
    keys = ("disable_network_policy", "in_cluster_loadbalance", "felix_relay_service")
    return {key: read.value.data[key] for key in keys if key in read.value.data} if read.value else {}


def _rbac_gap(reads: ClusterReads, facts: FactSheet) -> dict[str, str]:
    """Whether Terway may write events.k8s.io events at all: without that, silence proves nothing."""
    found = {}
    for name, read in sorted(reads.clusterroles.items()):
        if read.value is None:
            found[name] = f"unknown ({read.outcome})"
            continue
        granted = any(_grants_new_events(rule.api_groups, rule.resources, rule.verbs) for rule in read.value.rules)
        found[name] = "granted" if granted else "missing"
        if not granted:
            subject = Subject("ClusterRole", name, api_version="rbac.authorization.k8s.io/v1")
            text = f"ClusterRole {name} may not create events.k8s.io events: its newer events are rejected and lost"
            facts.add(Fact("config", "events_rbac_gap", subject, text, source=read.source))
    return found


def _grants_new_events(groups: list[str], resources: list[str], verbs: list[str]) -> bool:
    return (
        bool({"events.k8s.io", "*"} & set(groups))
        and bool({"events", "*"} & set(resources))
        and bool({"create", "*"} & set(verbs))
    )


def _unhealthy(pods: list[Pod], facts: FactSheet, now: datetime) -> list[UnhealthyPod]:
    listed = []
    for pod in pods:
        states = trouble_states(pod, now)
        why = "; ".join(words for _, _, words in states) or ", ".join(waiting_reasons(pod)) or pod.status.phase
        row = UnhealthyPod(f"{pod.metadata.namespace}/{pod.metadata.name}", pod.spec.node_name, why)
        listed.append(row)
        subject = Subject("Pod", pod.metadata.name, pod.metadata.namespace, uid=pod.metadata.uid)
        for index, (state, container, words) in enumerate(states):
            known = _controlplane_state(state) if pod.metadata.name.startswith(names.CONTROLPLANE) else state
            text = f"Terway pod {row.pod} on {row.node}: {container} {words}"
            fact = Fact("status", known, subject, text, group=container, data={"node": row.node})
            facts.add(fact, row if index == 0 else None)
    return listed


def _controlplane_state(state: str) -> str:
    crashes = state in ("terway_pod_crashloop", "terway_pod_oomkilled", "terway_init_failed")
    return "controlplane_crashloop" if crashes else "controlplane_not_ready"


def _notes(report: ClusterReport, reads: ClusterReads) -> list[str]:
    notes = []
    if report.controlplane.presence == "hosted":
        notes.append("the controlplane is hosted outside the cluster: its pods and logs cannot be seen")
    if reads.configmaps[names.CLUSTER_PROFILE].outcome == "not_found":
        notes.append("no ack-cluster-profile: not an ACK cluster, or an old one")
    if reads.warnings is None:
        notes.append("warning events could not be listed; no suspects from events")
    return notes


def _entry(read: Read[ConfigMap], key: str) -> str | None:
    return read.value.data.get(key) if read.value else None


def _yaml_mapping(text: str) -> dict[str, Any]:
    try:
        loaded = yaml.load(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError:
        return {}
    return loaded if isinstance(loaded, dict) else {}


def _config(name: str, subject: Subject, text: str, read: Read[ConfigMap], *, group: str = "", **data: Any) -> Fact:
    return Fact("config", name, subject, text, source=read.source, group=group, data=data)
