"""Small captured clusters, built by the tests that read them."""

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import httpx2

from terway_mcp.cluster.bundle import Bundle
from terway_mcp.cluster.embedded.api import Deny, EmbeddedApi
from terway_mcp.cluster.embedded.transport import EmbeddedTransport

RES = "cluster-resources"
CAPTURED = "2026-11-22T22:53:14Z"


def write(root: Path, files: dict[str, Any]) -> Path:
    """Lay out files under `root`: text and bytes as they are, anything else as JSON."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(content))
    return root


def encoded(content: Any) -> bytes:
    if isinstance(content, bytes):
        return content
    return (content if isinstance(content, str) else json.dumps(content)).encode()


def archive(path: Path, files: dict[str, Any], extra: list[tarfile.TarInfo] | None = None) -> Path:
    """Pack files (and bare entries such as links) into a .tar.gz."""
    with tarfile.open(path, "w:gz") as tar:
        for name, content in files.items():
            data = encoded(content)
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(data), 1_700_000_000
            tar.addfile(info, io.BytesIO(data))
        for info in extra or []:
            tar.addfile(info)
    return path


def named(name: str, namespace: str = "", **fields: Any) -> dict[str, Any]:
    """An object with a name, and `labels=` in its metadata."""
    labels = fields.pop("labels", None)
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {}) | ({"labels": labels} if labels else {})
    return {"metadata": metadata, **fields}


def pod(
    name: str, namespace: str, *, node: str = "n1", state: dict[str, Any] | None = None, **status: Any
) -> dict[str, Any]:
    """A pod with one container `c`."""
    container = {"name": "c", "state": state or {"running": {}}, "lastState": {}, "ready": True, "restartCount": 0}
    return named(
        name,
        namespace,
        spec={"containers": [{"name": "c"}], **({"nodeName": node} if node else {})},
        status={"phase": "Running", "containerStatuses": [container], **status},
    )


def crd(name: str) -> dict[str, Any]:
    return named(name)


def client_of(bundle: Bundle, deny: Deny | None = None) -> httpx2.AsyncClient:
    """The product's way to a bundle."""
    return httpx2.AsyncClient(transport=EmbeddedTransport(EmbeddedApi(bundle, deny=deny)), base_url="http://bundle")


def get(
    bundle: Bundle, path: str, *, deny: Deny | None = None, accept: str = "", method: str = "GET"
) -> tuple[int, Any]:
    """One answer without HTTP: status and decoded body."""
    path, _, query = path.partition("?")
    reply = EmbeddedApi(bundle, deny=deny).answer(method, path, query, accept)
    body = reply.body if isinstance(reply.body, bytes) else b"".join(reply.body)
    return reply.status, json.loads(body) if reply.content_type == "application/json" and body else body.decode()
