"""From a told cluster to the files of a support bundle."""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from .. import resources
from ..resources import Resource
from . import config, nodes, pods, releases, system
from .log_noise import Noise
from .logs import Log
from .profile import Json
from .story import LogKey

if TYPE_CHECKING:
    from .builder import ClusterBuilder

_ROOT = "cluster-resources"


def files(cluster: "ClusterBuilder") -> dict[str, bytes]:
    """Every file of the capture by its path."""
    found = {"cluster-info/cluster_version.json": _json(system.version(cluster.terway.kubernetes))}
    objects = _objects(cluster)
    for resource, namespace, name, patch in cluster.changes:
        target = next(each for each in objects[resource] if _name(each) == name and _home(each) == namespace)
        _merge(target, patch)
    for resource in objects:
        if resource.bundle in cluster.forbidden:
            found[f"{_ROOT}/{resource.bundle}-errors.json"] = _json([cluster.forbidden[resource.bundle]])
        elif resource.bundle not in cluster.omitted:
            found |= _resource_files(cluster, resource, objects[resource])
    return found | _log_files(cluster)


def _objects(cluster: "ClusterBuilder") -> dict[Resource, list[Json]]:
    installed = system.crds_of(cluster.terway)
    found: dict[Resource, list[Json]] = {
        each: [] for each in resources.ALL if not each.is_custom or each.plural in installed
    }
    world = cluster.world
    _cluster_wide(cluster, found)
    _terway_resources(cluster, found)
    found[resources.PODS] = [pods.render(pod, world) for pod in cluster.pods.values()]
    found[resources.EVENTS] = world.arranged(sorted(cluster.events, key=_name), "events")
    found[resources.CONFIGMAPS] = _config_maps(cluster)
    _workloads(cluster, found)
    for resource, extra in cluster.objects:
        found.setdefault(resource, []).append(extra)
    return {resource: deepcopy(each) for resource, each in found.items()}


def _cluster_wide(cluster: "ClusterBuilder", found: dict[Resource, list[Json]]) -> None:
    world, terway = cluster.world, cluster.terway
    found[resources.NAMESPACES] = [
        system.namespace(world, name, labels) for name, labels in sorted(cluster.namespaces.items())
    ]
    found[resources.CLUSTERROLES] = [system.cluster_role(world, "terway", new_events=terway.events_rbac)]
    for node in cluster.nodes:
        renewed = world.ago(seconds=2 + world.ids.number("node lease", node) % 8)
        found[resources.LEASES].append(system.lease(world, ("kube-node-lease", node), node, renewed))
    if terway.controlplane == "absent":
        return
    mutating, validating = system.webhooks(world)
    found[resources.MUTATING_WEBHOOKS], found[resources.VALIDATING_WEBHOOKS] = [mutating], [validating]
    found[resources.CRDS] = [system.crd(world, plural) for plural in system.crds_of(terway)]
    found[resources.CLUSTERROLES].append(
        system.cluster_role(world, "terway-controlplane", new_events=terway.events_rbac)
    )
    holder = f"{cluster.leader_host}_{world.ids.uid('lease holder')}"
    renewed = world.ago(seconds=cluster.lease_age)
    found[resources.LEASES].append(system.lease(world, ("kube-system", "terway-controlplane"), holder, renewed))
    labels = {"k8s-app": "terway-controlplane"} if terway.controlplane == "deployed" else {}
    service = system.service(world, ("kube-system", "terway-controlplane"), labels, "172.21.3.17")
    found[resources.SERVICES].append(service)


def _terway_resources(cluster: "ClusterBuilder", found: dict[Resource, list[Json]]) -> None:
    world, terway = cluster.world, cluster.terway
    for node in cluster.nodes.values():
        node.fill_pool()
        found[resources.NODES].append(nodes.core_node(node, world, terway))
        if node.custom_resource == "absent" or resources.NODE_CRS not in found:
            continue
        found[resources.NODE_CRS].append(nodes.node_cr(node, world, terway))
        if node.custom_resource == "full" and node.runtime and resources.NODERUNTIMES in found:
            served = [
                pod for pod in cluster.pods.values() if pod.node == node.name and pod.ips and not pod.host_network
            ]
            found[resources.NODERUNTIMES].append(nodes.node_runtime(node, served, world))


def _config_maps(cluster: "ClusterBuilder") -> list[Json]:
    world, terway = cluster.world, cluster.terway
    by_zone: dict[str, list[str]] = {}
    for vswitch in cluster.vswitches.values():
        by_zone.setdefault(vswitch.zone, []).append(vswitch.id)
    conf = config.eni_conf(world, terway, by_zone)
    _merge(conf, cluster.conf_changes)
    text: Json | str = conf if cluster.conf_text is None else cluster.conf_text
    data: dict[str, dict[str, str] | None] = {
        "eni-config": config.eni_config(text, terway),
        "ack-cluster-profile": config.cluster_profile(world, terway),
        "kube-proxy-worker": config.kube_proxy(),
    }
    if terway.controlplane == "deployed":
        settings = config.controlplane_config(world, terway)
        data["terway-controlplane"] = {"ctrl-config.yaml": config.yaml_of(settings)}
    data |= cluster.replaced_config
    created = world.ago(days=180)
    return [config.config_map(world, name, each, created) for name, each in data.items() if each is not None]


def _workloads(cluster: "ClusterBuilder", found: dict[Resource, list[Json]]) -> None:
    world, terway = cluster.world, cluster.terway
    daemons = [pod for pod in cluster.pods.values() if pod.owner and pod.owner.kind == "DaemonSet"]
    terways = [pod for pod in daemons if pod.labels.get("app") == terway.daemonset]
    counts = (len(terways), sum(_ready(pod) for pod in terways))
    found[resources.DAEMONSETS] = [system.daemon_set(world, terway.daemonset, terway.image, counts, terway)]
    if terway.controlplane == "deployed":
        labels = {"k8s-app": "terway-controlplane", "app.kubernetes.io/name": "terway-controlplane"}
        mine = [pod for pod in cluster.pods.values() if pod.labels.get("k8s-app") == "terway-controlplane"]
        key, counts = ("kube-system", "terway-controlplane"), (len(mine), sum(_ready(pod) for pod in mine))
        found[resources.DEPLOYMENTS].append(system.deployment(world, key, terway.controlplane_image, counts, labels))
    for (home, name), workload in cluster.workloads.items():
        mine = [pod for pod in cluster.pods.values() if pod.namespace == home and pod.labels.get("app") == name]
        counts = (workload.wanted, sum(_ready(pod) for pod in mine))
        if workload.kind == "StatefulSet":
            found[resources.STATEFULSETS].append(system.stateful_set(world, (home, name), counts, workload.annotations))
            continue
        shown = system.deployment(world, (home, name), workload.image, counts, workload.labels)
        found[resources.DEPLOYMENTS].append(shown)
        owner = cluster.replica_set_of(home, name)
        whose = (name, world.ids.uid("deployment", home, name))
        found[resources.REPLICASETS].append(system.replica_set(world, (home, owner.name), whose, counts))


def _ready(pod: pods.Pod) -> bool:
    return all(each.is_ready for each in pod.main_containers)


def _resource_files(cluster: "ClusterBuilder", resource: Resource, objects: list[Json]) -> dict[str, bytes]:
    place = f"{_ROOT}/{resource.bundle}"
    if not resource.namespaced:
        return {f"{place}.json": _listed(resource, objects)}
    homes = sorted({*cluster.namespaces, *(_home(each) for each in objects)})
    return {
        f"{place}/{home}.json": _listed(resource, [each for each in objects if _home(each) == home]) for home in homes
    }


def _listed(resource: Resource, objects: Iterable[Json]) -> bytes:
    """Custom resources are plain arrays, everything else is a Kubernetes list."""
    items = list(objects)
    if resource.is_custom:
        return _json(items)
    head: Json = {"kind": f"{resource.kind}List", "apiVersion": resource.api_version, "metadata": {}}
    return _json({**head, "items": items})


def _log_files(cluster: "ClusterBuilder") -> dict[str, bytes]:
    written: dict[str, bytes] = {}
    for (namespace, pod, container, previous), log in sorted(_noisy(cluster).items()):
        name = f"{container}{'-previous' if previous else ''}.log"
        written[f"{_ROOT}/pods/logs/{namespace}/{pod}/{name}"] = log.render(cluster.world)
    for (namespace, pod, container), text in cluster.unreadable_logs.items():
        folder = f"{_ROOT}/pods/logs/{namespace}/{pod}"
        written.pop(f"{folder}/{container}.log", None)
        written[f"{folder}/{container}-logs-errors.log"] = text.encode()
    return written


def _noisy(cluster: "ClusterBuilder") -> dict[LogKey, Log]:
    """The logs of the story and, where Terway runs, the ordinary chatter around it."""
    world, terway = cluster.world, cluster.terway
    found = {key: Log(log.style) for key, log in cluster.logs.items()}
    for key, log in cluster.logs.items():
        found[key].add(*log.lines)
    serving_nodes = [node.name for node in cluster.nodes.values() if node.serving] or list(cluster.nodes)
    for pod in cluster.pods.values():
        for container in pod.main_containers:
            if (since := _running_since(container)) is None:
                continue
            key = (pod.namespace, pod.name, container.name, False)
            noise, start = Noise(world, terway, pod.name), max(since, world.ago(hours=1.5))
            if container.name == "terway":
                serving = cluster.nodes[pod.node].serving
                lines = noise.daemon_start(pod.node, since) + noise.daemon(pod.node, start, world.now, serving=serving)
            elif pod.name == cluster.leader:
                lines = noise.controlplane_start(since) + noise.controlplane(serving_nodes, start, world.now)
            else:
                continue
            found.setdefault(key, Log(releases.log_format(terway.release))).add(*lines)
    return found


def _running_since(container: pods.Container) -> datetime | None:
    state = container.state.get("running")
    return datetime.fromisoformat(str(state["startedAt"])) if isinstance(state, dict) else None


def _merge(target: Json, patch: Mapping[str, object]) -> None:
    """RFC 7396 in place."""
    for key, value in patch.items():
        if value is None:
            target.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(here := target.get(key), dict):
            _merge(here, value)
        else:
            target[key] = value


def _name(each: Json) -> str:
    metadata = each["metadata"]
    return str(metadata["name"]) if isinstance(metadata, dict) else ""


def _home(each: Json) -> str:
    metadata = each["metadata"]
    return str(metadata.get("namespace", "")) if isinstance(metadata, dict) else ""


def _json(value: object) -> bytes:
    return msgspec.json.encode(value) + b"\n"
