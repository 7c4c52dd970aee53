"""Captured clusters of any size: one told node with its pods, repeated under other names and addresses."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from terway_mcp.cluster.resources import DAEMONSETS, DEPLOYMENTS
from terway_mcp.cluster.scenarios.builder import ClusterBuilder
from terway_mcp.cluster.scenarios.pods import terminated
from terway_mcp.cluster.scenarios.profile import Terway
from terway_mcp.cluster.scenarios.terway_pods import crash_looping
from terway_mcp.cluster.scenarios.world import World

NAMESPACE = "shop"
SYSTEM = "kube-system"
_DAEMON = "terway-eniip"
_ROOT = "cluster-resources"
_REPEATED = (
    "nodes",
    "custom-resources/nodes.network.alibabacloud.com",
    "custom-resources/noderuntimes.network.alibabacloud.com",
    "leases/kube-node-lease",
    f"pods/{SYSTEM}",
    f"pods/{NAMESPACE}",
)
_FAILED = "Alloc IP failed, errCode: InvalidVSwitchId.IpNotEnough, msg: vsw-bp1abcdefgh, "
_ONE_IN = 10
"""One event of so many is a warning about an address that was not given."""


class BigCluster(msgspec.Struct, frozen=True):
    """A capture on disk, and names in it to ask about: the last node, and what runs there."""

    path: Path
    node: str
    pod: str
    daemon: str

    @property
    def log(self) -> Path:
        """Where the log of Terway's daemon on that node belongs."""
        return self.path / _ROOT / "pods" / "logs" / SYSTEM / self.daemon / "terway.log"


def write(folder: Path, *, nodes: int, events: int = 0, sick: int = 0, plane_down: bool = False) -> BigCluster:
    """Write a cluster of `nodes` nodes; Terway crashes on the first `sick` of them."""
    world = World()
    template = world.node(21)
    well, ill = _told(world, template, crashing=False), _told(world, template, crashing=True)
    patch: dict[str, Any] = {
        "status": {
            "desiredNumberScheduled": nodes,
            "currentNumberScheduled": nodes,
            "numberReady": nodes - sick,
            "numberAvailable": nodes - sick,
        }
    }
    well.change(DAEMONSETS, _DAEMON, patch, SYSTEM)
    if plane_down:
        well.change(DEPLOYMENTS, "terway-controlplane", {"status": {"readyReplicas": 0}}, SYSTEM)
    files, sick_files = well.files(), ill.files()
    for place in _REPEATED:
        name = f"{_ROOT}/{place}.json"
        files[name] = _repeated(files[name], sick_files[name], template, nodes, sick)
    for name, content in files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    named = _Names(template, nodes - 1)
    web = named.applied(world.replica("web"))
    made = BigCluster(folder, named.node, web, named.applied(world.daemon_pod(_DAEMON, template)))
    _write_events(folder, nodes, events, world, template)
    return made


def _told(world: World, node: str, *, crashing: bool) -> ClusterBuilder:
    told = ClusterBuilder(world, "big", Terway()).node(node)
    if crashing:
        died = terminated("Error", 1, world.ago(3), world.ago(2))
        told.terway_containers(node, crash_looping(told.terway_pod(node), "terway", died, 7))
    return told.deployment(NAMESPACE, "web", running={node: 1})


class _Names:
    """What the template node and what runs there are called on the node of this number."""

    def __init__(self, template: str, number: int) -> None:
        region, _, self._old = template.partition(".")
        self._new = f"10.{64 + number // 62_500}.{number // 250 % 250}.{number % 250 + 1}"
        self._suffix = f"{number:05d}".translate(str.maketrans("0123456789", "bcdfghjklm"))
        self.node = f"{region}.{self._new}"

    def applied(self, text: str) -> str:
        """An object's JSON, or a pod's name, for that node."""
        return self.renamed(text) if "{" not in text else text.replace(self._old, self._new)

    def renamed(self, pod: str) -> str:
        """A generated name with another end."""
        return f"{pod.rpartition('-')[0]}-{self._suffix}"


def _repeated(well: bytes, ill: bytes, template: str, count: int, sick: int) -> bytes:
    document = msgspec.json.decode(well)
    items, sick_items = _items(document), _items(msgspec.json.decode(ill))
    once = [item for item in items if not _belongs(item, template)]
    copies = _copies(items, template, range(sick, count))
    sick_copies = _copies(sick_items, template, range(sick))
    every = [msgspec.json.encode(item) for item in once] + [*sick_copies, *copies]
    listed = b"[" + b",\n".join(every) + b"]"
    if isinstance(document, list):
        return listed
    head = msgspec.json.encode({key: value for key, value in document.items() if key != "items"})
    return head[:-1] + b',"items":' + listed + b"}"


def _items(document: Any) -> list[dict[str, Any]]:
    return document if isinstance(document, list) else list(document["items"])


def _belongs(item: dict[str, Any], node: str) -> bool:
    """True for the node itself and what runs on it; the controlplane's pod stays the only one."""
    labels = item["metadata"].get("labels", {})
    return "k8s-app" not in labels and node in msgspec.json.encode(item).decode()


def _copies(items: Iterable[dict[str, Any]], template: str, numbers: range) -> Iterator[bytes]:
    texts = [(item, msgspec.json.encode(item).decode()) for item in items if _belongs(item, template)]
    for number in numbers:
        names = _Names(template, number)
        for item, text in texts:
            name = str(item["metadata"]["name"])
            copied = names.applied(text)
            yield (
                copied.replace(f'"{name}"', f'"{names.renamed(name)}"')
                if "spec" in item and "containers" in item["spec"]
                else copied
            ).encode()


def _write_events(folder: Path, nodes: int, count: int, world: World, template: str) -> None:
    """Events of the pods in turn; the texts differ, as those of real pods do."""
    moment = f"{world.ago(5):%Y-%m-%dT%H:%M:%SZ}"
    web = world.replica("web")
    with (folder / _ROOT / "events" / f"{NAMESPACE}.json").open("wb") as file:
        file.write(b'{"kind":"EventList","apiVersion":"v1","metadata":{},"items":[')
        for number in range(count):
            pod = _Names(template, nodes - 1 - number % nodes).applied(web)
            text = msgspec.json.encode(_event(number, pod, moment))
            file.write((b",\n" if number else b"") + text)
        file.write(b"]}")


def _event(number: int, pod: str, moment: str) -> dict[str, Any]:
    warning = number % _ONE_IN == 0
    reason, message = (
        ("AllocIPFailed", f"{_FAILED}requestID: 5F3B7A10-1111-4222-8333-{number:012X}")
        if warning
        else ("AllocIPSucceed", f"Alloc IP 10.0.{number // 250 % 250}.{number % 250}/32 took 0.{number:06d}s")
    )
    return {
        "metadata": {
            "name": f"{pod}.{number:016x}",
            "namespace": NAMESPACE,
            "uid": f"00000000-0000-4000-8000-{number:012x}",
            "creationTimestamp": moment,
        },
        "involvedObject": {"kind": "Pod", "namespace": NAMESPACE, "name": pod, "apiVersion": "v1"},
        "reason": reason,
        "message": message,
        "type": "Warning" if warning else "Normal",
        "source": {"component": "terway-daemon"},
        "firstTimestamp": moment,
        "lastTimestamp": moment,
        "count": 1 + number % 7,
        "reportingComponent": "terway-daemon",
        "reportingInstance": "",
    }
