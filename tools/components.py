"""Health of Terway's own components, from DaemonSet, Deployment and Lease status."""

from datetime import datetime
from itertools import pairwise

import msgspec

from terway_mcp.cluster.coverage import Read
from terway_mcp.cluster.objects import Lease, Pod, WebhookConfiguration, Workload
from terway_mcp.knowledge.redaction import redact
from terway_mcp.tools import terway_names as names
from terway_mcp.tools.evidence import Fact, Subject
from terway_mcp.tools.times import age_seconds

_LEASE_DEAD_SECONDS = 60.0
"""Leader election renews every few seconds; a lease older than this has no living holder."""


class DaemonHealth(msgspec.Struct, omit_defaults=True):
    """One Terway DaemonSet: nodes that should run it, nodes where it is ready."""

    name: str
    desired: int
    ready: int
    image: str = ""
    version: str = ""
    mode: str = ""
    evidence: str = ""


class ControlplaneHealth(msgspec.Struct, omit_defaults=True):
    """terway-controlplane.

    `presence` is running, down (a Deployment without ready replicas), hosted (run outside the cluster, as on ACK
    managed clusters: webhook or lease but no Deployment), absent or unknown.
    """

    presence: str
    replicas: int | None = None
    ready: int | None = None
    version: str = ""
    holder: str = ""
    lease_age_s: int | None = None
    webhook_failure_policy: str = ""
    evidence: str = ""


def component_of(pod: Pod) -> str:
    """Which workload of Terway a pod belongs to, by its labels; "" for a pod of somebody else."""
    labels = pod.metadata.labels
    if pod.metadata.namespace != names.SYSTEM_NAMESPACE:
        return ""
    if names.CONTROLPLANE in (labels.get("k8s-app"), labels.get("app.kubernetes.io/name")):
        return names.CONTROLPLANE
    return labels["app"] if labels.get("app") in names.DAEMONSETS else ""


def image_version(image: str) -> str:
    """The tag of an image reference, without digest; "" when there is none."""
    return redact(image).partition("@")[0].rpartition("/")[2].partition(":")[2]


def desired_and_ready(workload: Workload) -> tuple[int, int]:
    """How many pods a workload should have, and how many are ready."""
    status, replicas = workload.status, workload.spec.replicas
    if status.desired_number_scheduled:
        return status.desired_number_scheduled, status.number_ready
    return 1 if replicas is None else replicas, status.ready_replicas


def daemon_health(workload: Workload) -> DaemonHealth:
    """Summarise one Terway DaemonSet."""
    containers = workload.spec.template.spec.containers
    main = next((c for c in containers if c.name == names.DAEMON_CONTAINER), containers[0] if containers else None)
    image = main.image if main else ""
    return DaemonHealth(
        workload.metadata.name,
        workload.status.desired_number_scheduled,
        workload.status.number_ready,
        image,
        image_version(image),
        _daemon_mode(main.command + main.args if main else []),
    )


def daemon_fact(workload: Workload, source: str) -> Fact:
    """The evidence of one Terway DaemonSet."""
    health = daemon_health(workload)
    return Fact(
        "status",
        "daemonset",
        Subject("DaemonSet", health.name, names.SYSTEM_NAMESPACE, "apps/v1"),
        f"DaemonSet {health.name}: {health.ready} of {health.desired} ready, image {health.image}",
        source=source,
        data={"version": health.version, "ready": health.ready, "desired": health.desired, "mode": health.mode},
    )


def workload_facts(workload: Workload, subject: Subject, source: str) -> list[Fact]:
    """The evidence of a workload's own status; the first fact sums it up."""
    wanted, ready = desired_and_ready(workload)
    text = f"{subject.kind} {subject.namespace}/{subject.name}: {ready} of {wanted} ready"
    has_none = bool(wanted) and not workload.status.replicas and not workload.status.current_number_scheduled
    data = {"ready": 0 < wanted <= ready, "states": ["workload_no_pods"] if has_none else []}
    facts = [Fact("status", "workload", subject, text, source=source, data=data)]
    if has_none:
        facts.append(Fact("status", "workload_no_pods", subject, f"{text}; not one pod exists", source=source))
    return facts


def controlplane_health(
    deployment: Read[Workload], lease: Read[Lease], webhook: Read[WebhookConfiguration], now: datetime
) -> ControlplaneHealth:
    """Tell running, down, hosted and absent apart."""
    found = deployment.value
    health = ControlplaneHealth(_presence(deployment, lease, webhook))
    if found:
        health.replicas = 1 if found.spec.replicas is None else found.spec.replicas
        health.ready = found.status.ready_replicas
        containers = found.spec.template.spec.containers
        health.version = image_version(containers[0].image) if containers else ""
    if lease.value:
        health.holder = lease.value.spec.holder_identity
        age = age_seconds(lease.value.spec.renew_time, now)
        health.lease_age_s = None if age is None else max(0, round(age))
    if webhook.value and webhook.value.webhooks:
        health.webhook_failure_policy = webhook.value.webhooks[0].failure_policy
    return health


def lease_is_stale(health: ControlplaneHealth) -> bool:
    """True when a lease exists and nobody has renewed it for a minute."""
    return health.lease_age_s is not None and health.lease_age_s > _LEASE_DEAD_SECONDS


def _presence(deployment: Read[Workload], lease: Read[Lease], webhook: Read[WebhookConfiguration]) -> str:
    if deployment.value:
        wanted = deployment.value.spec.replicas
        return "running" if deployment.value.status.ready_replicas or wanted == 0 else "down"
    if deployment.outcome != "not_found":
        return "unknown"
    if lease.value or webhook.value:
        return "hosted"
    return "absent" if lease.outcome == webhook.outcome == "not_found" else "unknown"


def _daemon_mode(command: list[str]) -> str:
    """`-daemon-mode=ENIMultiIP` or `-daemon-mode ENIMultiIP`, also inside a shell line."""
    words = " ".join(command).replace("=", " ").split()
    for flag, value in pairwise(words):
        if flag.lstrip("-") == "daemon-mode":
            return value.strip("\"'")
    return ""
