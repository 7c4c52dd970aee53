"""Writing a bundle from a live cluster: what the tools read and nothing else, masked before it touches the disk.

The layout is that of a Troubleshoot support bundle, see `bundle.py`. Secrets are never read.
"""

import io
import tarfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import anyio.to_thread
import msgspec

from terway_mcp.cluster.clusters import Clusters
from terway_mcp.cluster.coverage import Coverage
from terway_mcp.cluster.decode import decode_plain
from terway_mcp.cluster.errors import ClusterUnreachable
from terway_mcp.cluster.grants import CONFIGMAP_NAMES
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
from terway_mcp.cluster.whole_file import whole_file

_SECONDS = 600.0
_LOGGED_PODS = 60
_LOG_LINES = 50_000
_LOG_BYTES = 64 << 20
_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_SYSTEM = "kube-system"
_BY_NAME = (
    (CONFIGMAPS, CONFIGMAP_NAMES),
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
        OutputError: The file cannot be written.
    """
    reads = _reads([namespace_name(namespace) for namespace in namespaces])
    try:
        reader = await clusters.reader(await clusters.resolve(), seconds=_SECONDS)
        documents = await _gathered(reader, reads)
    finally:
        await clusters.aclose()
    await anyio.to_thread.run_sync(lambda: _write(output, seal(documents), reader.now))
    failed = [read for read in reader.coverage if not read.is_settled]
    return [f"{read.what}: {read.outcome} {read.detail}".strip() for read in failed]


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
    version, documents = await reader.version(), Documents()
    if version.outcome in ("unavailable", "timed_out"):
        raise ClusterUnreachable(version.coverage.detail or "the API server did not answer")
    if version.value is not None:
        documents["cluster-info/cluster_version.json"] = msgspec.to_builtins(version.value)
    for resource, namespace, name in reads:
        await _collect(reader, documents, resource, namespace, name)
    await _logs(reader, documents)
    return documents


async def _collect(reader: Reader, documents: Documents, resource: Resource, namespace: str | None, name: str) -> None:
    """Add one collection; several names of one resource end up in one list."""
    items: list[Any] = []
    coverage = await reader.each_page(
        resource,
        lambda page: items.extend(_slim(item) for item in _objects(resource, page)),
        items.clear,
        namespace=namespace,
        query=Query(fields=f"metadata.name={name}" if name else ""),
    )
    if not coverage.is_settled:
        _explain(documents, resource, namespace, f"{name or 'list'}: {coverage.outcome} {coverage.detail}".strip())
    if coverage.outcome not in ("read", "truncated"):
        return
    path = f"cluster-resources/{resource.bundle}" + (f"/{namespace}.json" if namespace else ".json")
    documents.setdefault(path, []).extend(items)


def _explain(documents: Documents, resource: Resource, namespace: str | None, why: str) -> None:
    """Say why something is missing, where Troubleshoot's collectors say it and `Bundle` looks for it."""
    place = "custom-resources/custom-resources" if resource.is_custom else resource.bundle
    path, key = f"cluster-resources/{place}-errors.json", resource.qualified_name if resource.is_custom else namespace
    if key is None:
        documents.setdefault(path, []).append(why)
        return
    said = f"{namespace}: {why}" if resource.is_custom and namespace else why
    texts = documents.setdefault(path, {})
    texts[key] = f"{texts[key]}; {said}" if key in texts else said


def _objects(resource: Resource, page: list[msgspec.Raw]) -> Iterator[dict[str, Any]]:
    """The objects of a page that belong into a bundle; what is no object is left out."""
    for item in page:
        if _belongs(resource, item):
            with suppress(msgspec.DecodeError):
                yield decode_plain(item)


def _belongs(resource: Resource, item: msgspec.Raw) -> bool:
    """Other projects' CRDs are large and say nothing about Terway."""
    return resource is not CRDS or f".{TERWAY_GROUP}".encode() in bytes(item)


def _slim(item: dict[str, Any]) -> dict[str, Any]:
    """Leave out what no reader of a bundle needs: field ownership, the applied copy, values of the environment.

    An environment may hold a password under any name, and the applied copy holds the environment once more.
    """
    metadata = _mapping(item, "metadata")
    metadata.pop("managedFields", None)
    _mapping(metadata, "annotations").pop(_APPLIED, None)
    spec = _mapping(item, "spec")
    for pod in (spec, _mapping(_mapping(spec, "template"), "spec")):
        for kind in ("containers", "initContainers", "ephemeralContainers"):
            for container in _mappings(pod, kind):
                for variable in _mappings(container, "env"):
                    variable.pop("value", None)
    return item


def _mapping(owner: dict[str, Any], field: str) -> dict[str, Any]:
    """A field that holds an object; of any other kind it holds nothing."""
    found = owner.get(field)
    return found if isinstance(found, dict) else {}


def _mappings(owner: dict[str, Any], field: str) -> list[dict[str, Any]]:
    """The objects of a field that holds a list of them."""
    found = owner.get(field)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


async def _logs(reader: Reader, documents: Documents) -> None:
    """Logs of Terway's own pods, the ones in trouble first, as many as fit."""
    selector = "app in (terway-eniip,terway-eni,terway,terway-eniip-windows)"
    daemons = await reader.collect(PODS, Pod, _SYSTEM, Query(labels=selector), "Terway pods")
    plane = await reader.collect(PODS, Pod, _SYSTEM, Query(labels="k8s-app=terway-controlplane"), "controlplane pods")
    pods = (plane.value or []) + sorted(daemons.value or [], key=_is_calm)
    for pod in pods[:_LOGGED_PODS]:
        for status in pod.status.init_container_statuses + pod.status.container_statuses:
            now = LogQuery(status.name, tail_lines=_LOG_LINES, limit_bytes=_LOG_BYTES)
            for query in (now, msgspec.structs.replace(now, previous=True)) if status.restart_count else (now,):
                await _log(reader, documents, pod, query)
    if len(pods) > _LOGGED_PODS:
        reader.cover("logs of Terway pods", "truncated", f"{_LOGGED_PODS} of {len(pods)} pods")


async def _log(reader: Reader, documents: Documents, pod: Pod, query: LogQuery) -> None:
    meta, suffix = pod.metadata, "-previous" if query.previous else ""
    folder = f"cluster-resources/pods/logs/{meta.namespace}/{meta.name}"
    what, raw = query.what(meta.namespace, meta.name), bytearray()
    try:
        async with reader.log(meta.namespace, meta.name, query) as blocks:
            if isinstance(blocks, Coverage):
                documents[f"{folder}/{query.container}{suffix}-logs-errors.log"] = blocks.detail
                return
            async for block in blocks:
                raw += block
                if len(raw) > _LOG_BYTES:
                    # The API server was asked for no more; one that goes on must not fill the memory.
                    reader.cover(what, "truncated", f"stopped after {_LOG_BYTES >> 20} MiB")
                    break
    except ClusterUnreachable as error:
        # What came before the break is worth keeping; the rest of the cluster is worth asking for.
        reader.cover(what, "truncated", str(error))
    # As one text: a key may stand on one line and its value on the next.
    documents[f"{folder}/{query.container}{suffix}.log"] = raw.decode(errors="replace")


def _is_calm(pod: Pod) -> bool:
    return all(status.ready and not status.restart_count for status in pod.status.container_statuses)


def _as_file(path: str, content: Any) -> bytes:
    if isinstance(content, str):
        return content.encode(errors="replace")
    is_core = isinstance(content, list) and "/custom-resources/" not in path and not path.endswith("-errors.json")
    return msgspec.json.encode({"kind": "List", "apiVersion": "v1", "items": content} if is_core else content)


def _write(output: Path, documents: Documents, taken: datetime) -> None:
    top = output.name.removesuffix(".tar.gz")
    with whole_file(output) as file, tarfile.open(fileobj=file, mode="w:gz") as archive:
        for name, document in sorted(documents.items()):
            content = _as_file(name, document)
            entry = tarfile.TarInfo(f"{top}/{name}")
            entry.size, entry.mode, entry.mtime = len(content), 0o600, int(taken.timestamp())
            archive.addfile(entry, io.BytesIO(content))
