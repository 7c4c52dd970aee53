"""Names of namespaces, nodes and workloads in what an API server answers: where objects say what they are called."""

from typing import Any

import msgspec

_KINDS = {"Namespace": "namespace", "Node": "node", "NodeRuntime": "node"}
_NAMELESS = frozenset(
    {"Event", "ConfigMap", "ClusterRole", "CustomResourceDefinition", "Lease", "NetworkInterface"}
    | {"MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"}
)
"""Kinds whose names are fixed by Terway, or say nothing that another object does not say."""

_FIELDS = {
    **dict.fromkeys(("nodeName", "nominatedNodeName", "hostname", "host"), "node"),
    **dict.fromkeys(("app", "k8s-app", "app.kubernetes.io/name", "app.kubernetes.io/instance"), "app"),
    "namespace": "namespace",
}
_LONGEST = 253


def names_in(body: bytes) -> dict[str, str]:
    """Names with their kinds (namespace, node, app) in order of appearance; nothing when it is not JSON."""
    try:
        answer = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return {}
    found: dict[str, str] = {}
    if isinstance(answer, dict):
        collect_names(answer, found)
    return found


def collect_names(thing: dict[str, Any], found: dict[str, str], kind: str = "") -> None:
    """Add the names in one object, or in a list of them, to `found`; `kind` where the object does not say it."""
    kind = str(thing.get("kind") or kind)
    if isinstance(thing.get("items"), list):
        for item in thing["items"]:
            if isinstance(item, dict):
                collect_names(item, found, kind.removesuffix("List"))
        return
    _add(found, _KINDS.get(kind, "app"), _named(thing.get("metadata")) if kind not in _NAMELESS else "")
    waiting: list[Any] = [thing]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            _fields(value, found)
            waiting += value.values()


def _fields(value: dict[str, Any], found: dict[str, str]) -> None:
    for field, kind in _FIELDS.items():
        _add(found, kind, value.get(field))
    if isinstance(value.get("kind"), str) and value["kind"] not in _NAMELESS:
        _add(found, _KINDS.get(value["kind"], "app"), value.get("name"))
    if isinstance(identity := value.get("holderIdentity"), str):
        _add(found, "node" if "." in identity else "app", identity.partition("_")[0])
    if isinstance(pod := value.get("podID"), str) and "/" in pod:
        namespace, _, name = pod.partition("/")
        _add(found, "namespace", namespace)
        _add(found, "app", name)


def _named(metadata: Any) -> Any:
    return metadata.get("name") if isinstance(metadata, dict) else ""


def _add(found: dict[str, str], kind: str, name: Any) -> None:
    if isinstance(name, str) and 0 < len(name) <= _LONGEST:
        found.setdefault(name, kind)
