"""Writing a bundle from a live cluster: what the tools read and nothing else, masked before it touches the disk.

The layout is that of a Troubleshoot support bundle, see `bundle.py`. Secrets are never read.
"""

import io
import tarfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import anyio.to_thread
import msgspec

from terway_mcp.cluster.clusters import Clusters
from terway_mcp.cluster.coverage import Coverage
from terway_mcp.cluster.errors import BundleError, ClusterUnreachable
from terway_mcp.cluster.names import namespace_name
from terway_mcp.cluster.objects import Pod
from terway_mcp.cluster.reader import LogQuery, Query, Reader
from terway_mcp.cluster.resources import (
    CLUSTERROLES,
    CONFIGMAPS,
    CRDS,
    DAEMONSETS,
    DEPLOYMENTS,
    EVENTS,
    JOBS,
    LEASES,
    MUTATING_WEBHOOKS,
    NAMESPACES,
    NETWORKINTERFACES,
    NODE_CRS,
    NODERUNTIMES,
    NODES,
    PODENIS,
    PODNETWORKINGS,
    PODS,
    REPLICASETS,
    SERVICES,
    STATEFULSETS,
    TERWAY_GROUP,
    VALIDATING_WEBHOOKS,
    Resource,
)

_SECONDS = 600.0
_LOGGED_PODS = 60
_LOG_LINES = 50_000
_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_SYSTEM = "kube-system"
_BY_NAME = (
    (CONFIGMAPS, ("eni-config", "terway-controlplane", "ack-cluster-profile", "kube-proxy-worker", "kube-proxy")),
    (LEASES, ("terway-controlplane",)),
)
_CLUSTERROLES = ("terway", "terway-controlplane")
_WHOLE = (
    NODES,
    NAMESPACES,
    CRDS,
    MUTATING_WEBHOOKS,
    VALIDATING_WEBHOOKS,
    NODE_CRS,
    NODERUNTIMES,
    NETWORKINTERFACES,
    PODNETWORKINGS,
)
_IN_SYSTEM = (PODS, EVENTS, DAEMONSETS, DEPLOYMENTS, SERVICES)
_IN_NAMESPACE = (PODS, EVENTS, DEPLOYMENTS, REPLICASETS, STATEFULSETS, DAEMONSETS, JOBS, PODENIS)

Documents = dict[str, Any]
"""Content of the files by their path in the bundle: objects as plain data, logs as text."""

Seal = Callable[[Documents], Documents]
"""Masks the secrets in what was read; it sees everything at once."""


async def capture(clusters: Clusters, output: Path, namespaces: tuple[str, ...], seal: Seal) -> list[str]:
    """Write a bundle; returns a line per read that failed.

    Raises:
        InvalidInput: A namespace is malformed.
        ClusterUnreachable: Nothing could be read.
        BundleError: The file cannot be written.
    """
    reads = _reads([namespace_name(namespace) for namespace in namespaces])
    try:
        reader = await clusters.reader(await clusters.resolve(), seconds=_SECONDS)
        documents = await _gathered(reader, reads)
    finally:
        await clusters.aclose()
    await anyio.to_thread.run_sync(lambda: _write(output, seal(documents), reader.now))
    return [f"{entry.what}: {entry.outcome} {entry.detail}".strip() for entry in reader.coverage if _failed(entry)]


def _reads(namespaces: list[str]) -> list[tuple[Resource, str | None, str]]:
    """Every list to ask for as resource, namespace and name ("" for all), each once however often it is wanted."""
    wanted: list[tuple[Resource, str | None, str]] = [(resource, None, "") for resource in _WHOLE]
    wanted += [(CLUSTERROLES, None, name) for name in _CLUSTERROLES]
    wanted += [(resource, _SYSTEM, name) for resource, names in _BY_NAME for name in names]
    wanted += [(resource, _SYSTEM, "") for resource in _IN_SYSTEM]
    wanted.append((EVENTS, "default", ""))
    wanted += [(resource, namespace, "") for namespace in namespaces for resource in _IN_NAMESPACE]
    return list(dict.fromkeys(wanted))


async def _gathered(reader: Reader, reads: list[tuple[Resource, str | None, str]]) -> Documents:
    version = await reader.version()
    if version.value is None:
        raise ClusterUnreachable(version.coverage.detail or "the API server did not answer")
    documents: Documents = {"cluster-info/cluster_version.json": msgspec.to_builtins(version.value)}
    for resource, namespace, name in reads:
        await _collect(reader, documents, resource, namespace, name)
    await _logs(reader, documents)
    return documents


async def _collect(reader: Reader, documents: Documents, resource: Resource, namespace: str | None, name: str) -> None:
    """Add one collection; several names of one resource end up in one list."""
    items: list[Any] = []
    coverage = await reader.each_page(
        resource,
        lambda page: items.extend(_slim(msgspec.json.decode(item)) for item in page if _belongs(resource, item)),
        items.clear,
        namespace=namespace,
        query=Query(fields=f"metadata.name={name}" if name else ""),
    )
    if coverage.outcome not in ("read", "truncated"):
        return
    path = f"cluster-resources/{resource.bundle}" + (f"/{namespace}.json" if namespace else ".json")
    documents.setdefault(path, []).extend(items)


def _belongs(resource: Resource, item: msgspec.Raw) -> bool:
    """Other projects' CRDs are large and say nothing about Terway."""
    return resource is not CRDS or f".{TERWAY_GROUP}".encode() in bytes(item)


def _slim(item: Any) -> Any:
    """Leave out what no reader of a bundle needs: field ownership, the applied copy, values of the environment.

    An environment may hold a password under any name, and the applied copy holds the environment once more.
    """
    metadata = item.get("metadata") or {}
    metadata.pop("managedFields", None)
    (metadata.get("annotations") or {}).pop(_APPLIED, None)
    spec = item.get("spec") or {}
    for pod in (spec, (spec.get("template") or {}).get("spec") or {}):
        for kind in ("containers", "initContainers", "ephemeralContainers"):
            for container in pod.get(kind) or []:
                for variable in container.get("env") or []:
                    variable.pop("value", None)
    return item


async def _logs(reader: Reader, documents: Documents) -> None:
    """Logs of Terway's own pods, the ones in trouble first, as many as fit."""
    selector = "app in (terway-eniip,terway-eni,terway,terway-eniip-windows)"
    daemons = await reader.collect(PODS, Pod, _SYSTEM, Query(labels=selector), "Terway pods")
    plane = await reader.collect(PODS, Pod, _SYSTEM, Query(labels="k8s-app=terway-controlplane"), "controlplane pods")
    pods = (plane.value or []) + sorted(daemons.value or [], key=_is_calm)
    for pod in pods[:_LOGGED_PODS]:
        for status in pod.status.init_container_statuses + pod.status.container_statuses:
            await _log(reader, documents, pod, LogQuery(status.name, tail_lines=_LOG_LINES))
            if status.restart_count:
                await _log(reader, documents, pod, LogQuery(status.name, previous=True, tail_lines=_LOG_LINES))
    if len(pods) > _LOGGED_PODS:
        reader.cover("logs of Terway pods", "truncated", f"{_LOGGED_PODS} of {len(pods)} pods")


async def _log(reader: Reader, documents: Documents, pod: Pod, query: LogQuery) -> None:
    meta, suffix = pod.metadata, "-previous" if query.previous else ""
    folder = f"cluster-resources/pods/logs/{meta.namespace}/{meta.name}"
    raw = b""
    try:
        async with reader.log(meta.namespace, meta.name, query) as blocks:
            if isinstance(blocks, Coverage):
                documents[f"{folder}/{query.container}-logs-errors.log"] = blocks.detail
                return
            async for block in blocks:
                raw += block
    except ClusterUnreachable as error:
        # What came before the break is worth keeping; the rest of the cluster is worth asking for.
        reader.cover(f"log of {meta.namespace}/{meta.name}/{query.container}", "truncated", str(error))
    # As one text: a key may stand on one line and its value on the next.
    documents[f"{folder}/{query.container}{suffix}.log"] = raw.decode(errors="replace")


def _is_calm(pod: Pod) -> bool:
    return all(status.ready and not status.restart_count for status in pod.status.container_statuses)


def _failed(entry: Coverage) -> bool:
    return entry.outcome not in ("read", "not_found")


def _as_file(path: str, content: Any) -> bytes:
    if isinstance(content, str):
        return content.encode(errors="replace")
    is_core = isinstance(content, list) and "/custom-resources/" not in path
    return msgspec.json.encode({"kind": "List", "apiVersion": "v1", "items": content} if is_core else content)


def _write(output: Path, documents: Documents, taken: datetime) -> None:
    top = output.name.removesuffix(".tar.gz")
    try:
        with tarfile.open(output, "w:gz") as archive:
            for name, document in sorted(documents.items()):
                content = _as_file(name, document)
                entry = tarfile.TarInfo(f"{top}/{name}")
                entry.size, entry.mode, entry.mtime = len(content), 0o600, int(taken.timestamp())
                archive.addfile(entry, io.BytesIO(content))
    except OSError as error:
        raise BundleError(f"cannot write {output}: {error.strerror or error}") from error
