"""The table of reads: every Kubernetes resource this project may ask for, and where a bundle keeps it.

Paths, RBAC and the embedded API are derived from this table; nothing reads a resource that is not in it.
The bundle layout is Troubleshoot's (`cluster-resources/...`), see docs of `support-bundle collect`.
"""

import msgspec

TERWAY_GROUP = "network.alibabacloud.com"


class Resource(msgspec.Struct, frozen=True):
    """One Kubernetes resource type.

    `bundle` is its place under `cluster-resources/`: a file stem for cluster-scoped resources, a folder of
    `<namespace>.json` files for namespaced ones.
    """

    kind: str
    plural: str
    version: str = "v1"
    group: str = ""
    namespaced: bool = True
    bundle: str = ""
    short_names: tuple[str, ...] = ()

    @property
    def api_version(self) -> str:
        """`v1`, `apps/v1`, ... as objects carry it."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def qualified_name(self) -> str:
        """`pods` or `nodes.network.alibabacloud.com`: what an API server's messages call it."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def is_custom(self) -> bool:
        """True for Terway's own resources, which a bundle keeps under `custom-resources/`."""
        return self.group == TERWAY_GROUP


def _terway(kind: str, plural: str, *, namespaced: bool = False) -> Resource:
    return Resource(
        kind, plural, "v1beta1", TERWAY_GROUP, namespaced, bundle=f"custom-resources/{plural}.{TERWAY_GROUP}"
    )


PODS = Resource("Pod", "pods", bundle="pods", short_names=("po",))
NODES = Resource("Node", "nodes", namespaced=False, bundle="nodes", short_names=("no",))
NAMESPACES = Resource("Namespace", "namespaces", namespaced=False, bundle="namespaces", short_names=("ns",))
EVENTS = Resource("Event", "events", bundle="events", short_names=("ev",))
CONFIGMAPS = Resource("ConfigMap", "configmaps", bundle="configmaps", short_names=("cm",))
SERVICES = Resource("Service", "services", bundle="services", short_names=("svc",))
DAEMONSETS = Resource("DaemonSet", "daemonsets", group="apps", bundle="daemonsets", short_names=("ds",))
DEPLOYMENTS = Resource("Deployment", "deployments", group="apps", bundle="deployments", short_names=("deploy",))
REPLICASETS = Resource("ReplicaSet", "replicasets", group="apps", bundle="replicasets", short_names=("rs",))
STATEFULSETS = Resource("StatefulSet", "statefulsets", group="apps", bundle="statefulsets", short_names=("sts",))
JOBS = Resource("Job", "jobs", group="batch", bundle="jobs")
LEASES = Resource("Lease", "leases", group="coordination.k8s.io", bundle="leases")
CRDS = Resource(
    "CustomResourceDefinition",
    "customresourcedefinitions",
    group="apiextensions.k8s.io",
    namespaced=False,
    bundle="custom-resource-definitions",
    short_names=("crd", "crds"),
)
MUTATING_WEBHOOKS = Resource(
    "MutatingWebhookConfiguration",
    "mutatingwebhookconfigurations",
    group="admissionregistration.k8s.io",
    namespaced=False,
    bundle="mutating-webhook-configurations",
)
VALIDATING_WEBHOOKS = Resource(
    "ValidatingWebhookConfiguration",
    "validatingwebhookconfigurations",
    group="admissionregistration.k8s.io",
    namespaced=False,
    bundle="validating-webhook-configurations",
)
CLUSTERROLES = Resource(
    "ClusterRole", "clusterroles", group="rbac.authorization.k8s.io", namespaced=False, bundle="clusterroles"
)

NODE_CRS = _terway("Node", "nodes")
NODERUNTIMES = _terway("NodeRuntime", "noderuntimes")
NETWORKINTERFACES = _terway("NetworkInterface", "networkinterfaces")
PODNETWORKINGS = _terway("PodNetworking", "podnetworkings")
PODENIS = _terway("PodENI", "podenis", namespaced=True)

ALL: tuple[Resource, ...] = (
    PODS,
    NODES,
    NAMESPACES,
    EVENTS,
    CONFIGMAPS,
    SERVICES,
    DAEMONSETS,
    DEPLOYMENTS,
    REPLICASETS,
    STATEFULSETS,
    JOBS,
    LEASES,
    CRDS,
    MUTATING_WEBHOOKS,
    VALIDATING_WEBHOOKS,
    CLUSTERROLES,
    NODE_CRS,
    NODERUNTIMES,
    NETWORKINTERFACES,
    PODNETWORKINGS,
    PODENIS,
)
