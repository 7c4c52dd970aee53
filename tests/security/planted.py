"""A captured cluster in memory, with a text planted into everything a tool reads."""

import copy
import json
import tarfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx2

from terway_mcp.cluster.bundle import Bundle
from terway_mcp.cluster.clusters import Clusters
from terway_mcp.cluster.connection import Connection
from terway_mcp.cluster.embedded.api import EmbeddedApi
from terway_mcp.cluster.embedded.transport import EmbeddedTransport
from terway_mcp.cluster.errors import InvalidInput

Json = dict[str, Any]
Documents = dict[str, Any]
"""Content of each file of a bundle by its path in it: JSON values, and logs as text."""

RES = "cluster-resources"
SYSTEM = "kube-system"


class StoredText:
    """A file of a bundle that is nowhere on a disk."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.size = len(content)

    def read_at(self, offset: int, length: int) -> bytes:
        return self._content[offset : offset + length]


class InMemory(Clusters):
    """`Clusters` whose contexts are sets of documents, made when they are first asked for."""

    def __init__(self, contexts: Mapping[str, Callable[[], Documents]], default: str = "") -> None:
        super().__init__(context=default or next(iter(contexts)))
        self._contexts = contexts

    def made(self, context: str) -> Callable[[], Documents]:
        """What makes the documents of a context."""
        return self._contexts[context]

    def turn_to(self, context: str) -> None:
        """Make another context the default one."""
        self._default = context

    async def contexts(self) -> list[str]:
        return list(self._contexts)

    def _connect(self, name: str) -> tuple[Connection, str]:
        if name not in self._contexts:
            raise InvalidInput(f"there is no context {name!r}")
        api = EmbeddedApi(opened(self._contexts[name]()))
        client = httpx2.AsyncClient(transport=EmbeddedTransport(api), base_url="http://memory", timeout=None)
        return Connection(client, _anonymous), name


async def _anonymous(_renew: bool) -> Mapping[str, str]:
    return {}


def opened(documents: Documents) -> Bundle:
    files = {
        name: StoredText(content if isinstance(content, bytes) else as_bytes(content))
        for name, content in documents.items()
    }
    return Bundle(files, 0.0)


def as_bytes(content: Any) -> bytes:
    return (content if isinstance(content, str) else json.dumps(content)).encode("utf-8", "replace")


def documents(archive: Path) -> Documents:
    """What a bundle holds, by its path below the bundle's own folder."""
    found: Documents = {}
    with tarfile.open(archive) as tar:
        for member in tar.getmembers():
            file = tar.extractfile(member)
            if file is not None:
                name, content = member.name.partition("/")[2], file.read()
                found[name] = json.loads(content) if name.endswith(".json") else content.decode()
    return found


def written(documents: Documents, folder: Path) -> Path:
    """The same as a bundle directory."""
    for name, content in documents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(as_bytes(content))
    return folder


def items(documents: Documents, place: str) -> list[Json]:
    """The objects of one file; an empty list is made where there is none."""
    whole = documents.setdefault(f"{RES}/{place}.json", [])
    found: list[Json] = whole["items"] if isinstance(whole, dict) else whole
    return found


def only(found: Documents, names: set[str], namespaces: set[str]) -> Documents:
    """The documents without other pods, nodes and events, and with short logs."""
    kept: Documents = {}
    for name, content in found.items():
        kind, _, place = name.removeprefix(f"{RES}/").removesuffix(".json").partition("/")
        if isinstance(content, str):
            if any(log in name for log in (*names, "controlplane")):
                kept[name] = "\n".join(content.splitlines()[-20:])
        elif place.partition("/")[0] in namespaces | {""} or kind in ("custom-resources", "cluster-info"):
            kept[name] = content
            if kind in ("pods", "nodes") or "/nodes." in name or "/noderuntimes." in name:
                _keep(content, lambda thing: thing["metadata"]["name"] in names or _is_plane(thing))
            if kind == "events":
                _keep(content, lambda thing: thing["involvedObject"]["name"] in names)
    return kept


def _keep(content: Any, wanted: Callable[[Json], bool]) -> None:
    objects = content["items"] if isinstance(content, dict) else content
    objects[:] = filter(wanted, objects)


def _is_plane(thing: Json) -> bool:
    return str(thing["metadata"]["name"]).startswith("terway-controlplane")


def planted(base: Documents, text: str, *, pod: str, node: str, daemon: str) -> Documents:
    """A copy of the documents with `text` in every place a tool reads that is not a name.

    The trouble itself stays what it was: the text stands beside what was there.
    """
    found = copy.deepcopy(base)
    for kind in ("pods", "events", "deployments", "replicasets"):
        for name in [name for name in found if name.startswith(f"{RES}/{kind}/") and name.endswith(".json")]:
            _in_each(found[name]["items"], text)
    for event in _events(found):
        event["message"] = f"{text} {event.get('message', '')}"
        event["reportingComponent"] = f"{event.get('reportingComponent') or 'x'} {text}"[:400]
    _in_pods(found, text, pod)
    _in_nodes(found, text, node)
    _in_configuration(found, text)
    _in_custom_resources(found, text, pod, node)
    _in_components(found, text)
    _in_logs(found, text, daemon)
    found[f"{RES}/statefulsets-errors.json"] = [text]
    found["cluster-info/cluster_version.json"]["info"] = {
        **found["cluster-info/cluster_version.json"].get("info", {}),
        "gitCommit": text,
    }
    return found


def _events(found: Documents) -> Iterator[Json]:
    for name in found:
        if name.startswith(f"{RES}/events/"):
            yield from found[name]["items"]


def _in_each(objects: list[Json], text: str) -> None:
    for thing in objects:
        thing["metadata"].setdefault("annotations", {})["example.com/note"] = text


def _in_pods(found: Documents, text: str, pod: str) -> None:
    for thing in items(found, "pods/shop") + items(found, f"pods/{SYSTEM}"):
        for container in thing["spec"]["containers"]:
            container["env"] = [{"name": "SETTINGS", "value": text}, {"name": "DB_PASSWORD", "value": text}]
            container["args"] = ["--settings", text]
        thing["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"] = json.dumps({"x": text})
    target = next(thing for thing in items(found, "pods/shop") if thing["metadata"]["name"] == pod)
    target["metadata"]["annotations"]["k8s.aliyun.com/pod-networks"] = text
    target["metadata"]["annotations"]["k8s.aliyun.com/pod-eni"] = text
    target["metadata"]["ownerReferences"][0]["name"] = text
    status = target["status"]
    status["containerStatuses"][0]["state"] = {"waiting": {"reason": "ContainerCreating", "message": text}}
    status["containerStatuses"][0]["lastState"] = {"terminated": {"reason": text, "exitCode": 1, "message": text}}
    status["conditions"] = [{"type": "PodScheduled", "status": "False", "reason": text, "message": text}]


def _in_nodes(found: Documents, text: str, node: str) -> None:
    for thing in items(found, "nodes"):
        thing["metadata"]["annotations"]["k8s.aliyun.com/trunk-on"] = text
        thing["spec"]["taints"] = [{"key": "x", "value": text, "effect": "NoSchedule"}]
        thing["status"]["nodeInfo"]["kernelVersion"] = f"6.6.1 {text}"
        if thing["metadata"]["name"] == node:
            for condition in thing["status"]["conditions"]:
                if condition["type"] == "Ready":
                    condition |= {"status": "False", "reason": text, "message": text}
            thing["status"]["conditions"].append(
                {"type": "SufficientIP", "status": "False", "reason": text, "message": text}
            )


def _in_configuration(found: Documents, text: str) -> None:
    for thing in items(found, f"configmaps/{SYSTEM}"):
        data = thing["data"]
        if "eni_conf" in data:
            conf = json.loads(data["eni_conf"])
            conf |= {"note": text, "eni_tag_filter": {"tag": text}, "ip_stack": text}
            data |= {"eni_conf": json.dumps(conf), "in_cluster_loadbalance": text, "felix_relay_service": text}
        if "ctrl-config.yaml" in data:
            data["ctrl-config.yaml"] += f"note: {json.dumps(text)}\nipStack: {json.dumps(text)}\n"
        if "config.conf" in data:
            data["config.conf"] += f"note: {json.dumps(text)}\n"
        data["serviceCIDR"] = text
        data["note"] = text


def _in_custom_resources(found: Documents, text: str, pod: str, node: str) -> None:
    group = "network.alibabacloud.com"
    for thing in items(found, f"custom-resources/nodes.{group}"):
        for eni in thing["status"]["networkInterfaces"].values():
            eni["conditions"] = {
                "InsufficientIP": {"observedTime": "2026-07-01T08:30:00Z", "message": text},
                "OperationErr": {"observedTime": "2026-07-01T08:30:00Z", "message": text},
            }
        if thing["metadata"]["name"] == node:
            thing["metadata"].setdefault("annotations", {})["k8s.aliyun.com/eno-api"] = text
            thing["spec"]["datapath"] = {"type": text}
    api = {"apiVersion": f"{group}/v1beta1"}
    items(found, f"custom-resources/podenis.{group}/shop").append(
        {
            **api,
            "kind": "PodENI",
            "metadata": {"name": pod, "namespace": "shop", "annotations": {"note": text}},
            "spec": {"allocations": [{"eni": {"id": "eni-bp1abc"}}]},
            "status": {"phase": "Initial", "msg": text},
        }
    )
    items(found, f"custom-resources/podnetworkings.{group}").append(
        {**api, "kind": "PodNetworking", "metadata": {"name": "fixed"}, "status": {"status": "Fail", "message": text}}
    )


def _in_components(found: Documents, text: str) -> None:
    for thing in items(found, f"leases/{SYSTEM}"):
        thing["spec"]["holderIdentity"] += f"_{text}"
    for place in ("mutating-webhook-configurations", "validating-webhook-configurations"):
        for thing in items(found, place):
            thing["webhooks"][0]["failurePolicy"] = text
            thing["webhooks"][0]["clientConfig"]["url"] = text
    for thing in items(found, f"daemonsets/{SYSTEM}") + items(found, f"deployments/{SYSTEM}"):
        template = thing["spec"]["template"]["spec"]["containers"][0]
        template["image"] = f"registry.example.com/acs/terway:{text}"
        template["args"] = ["-daemon-mode", text]


def _in_logs(found: Documents, text: str, daemon: str) -> None:
    name = f"{RES}/pods/logs/{SYSTEM}/{daemon}/terway.log"
    stamp = "2026-07-01T08:30:0"
    first = f'{stamp}0Z E0701 08:30:00.000000       1 x.go:1] "failed to allocate" err={json.dumps(text)}'
    whole = [f"{stamp}1Z E0701 08:30:01.000000       1 x.go:2] failed, read: {text.splitlines()[0]}"]
    whole += [f"{stamp}1Z {line}" for line in text.splitlines()[1:]]
    found[name] = "\n".join([first, *whole, found[name]])
