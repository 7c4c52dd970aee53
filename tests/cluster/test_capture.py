"""Writing a bundle: what it holds, and what it must not fail over."""

import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from bundle_fixtures import RES, named, write
from loopback import Api, Reply, Request, in_turn, json_reply, serving, status_reply

from terway_mcp.cluster.bundle import Bundle
from terway_mcp.cluster.capture import capture
from terway_mcp.cluster.clusters import Clusters
from terway_mcp.cluster.embedded.api import EmbeddedApi
from terway_mcp.cluster.errors import ClusterUnreachable, InvalidInput
from terway_mcp.cluster.resources import CONFIGMAPS, EVENTS, NODES, PODENIS, PODS
from terway_mcp.knowledge.base import Knowledge
from terway_mcp.knowledge.sealing import masked
from terway_mcp.server.anonymous_bundle import AnonymousBundle

pytestmark = pytest.mark.anyio


@pytest.fixture
def source(tmp_path: Path) -> Clusters:
    files = {
        "cluster-info/cluster_version.json": {"gitVersion": "v1.34.1"},
        f"{RES}/pods/kube-system.json": [named("terway-eniip-a", "kube-system")],
        f"{RES}/events/kube-system.json": [named("e1", "kube-system")],
        f"{RES}/events/default.json": [named("e2", "default")],
    }
    return Clusters(bundle=write(tmp_path / "source", files))


async def test_a_namespace_that_is_read_anyway_is_not_written_twice(source: Clusters, tmp_path: Path) -> None:
    output = tmp_path / "out.tar.gz"
    await capture(source, output, ("kube-system", "default", "default"), masked)
    bundle = Bundle.open(output)
    assert len(bundle.items(PODS) or []) == 1
    assert len(bundle.items(EVENTS) or []) == 2


async def test_a_namespace_that_is_none_is_refused_before_anything_is_read(source: Clusters, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="not a valid Kubernetes namespace"):
        await capture(source, tmp_path / "out.tar.gz", ("../../etc",), masked)
    assert not (tmp_path / "out.tar.gz").exists()


# A live cluster that answers only in part.


def pods_of(*items: Any) -> Reply:
    return json_reply({"kind": "PodList", "metadata": {}, "items": [*items]})


def partial(request: Request) -> Reply:
    """Nodes, the pods of one namespace, one ConfigMap and PodENIs are denied; the pods of another are odd."""
    place, name = request.path.rpartition("/")[2], request.query.get("fieldSelector", "").partition("=")[2]
    if place == "version":
        return json_reply({"gitVersion": "v1.34.1"})
    if place in ("nodes", "podenis") or request.path.endswith("shop/pods") or name == "eni-config":
        return status_reply(403, "Forbidden")
    if place == "configmaps":
        return json_reply({"kind": "ConfigMapList", "items": [named(name, "kube-system")]})
    if request.path.endswith("/pods"):
        odd = [None, 7, {"metadata": []}, {"metadata": {"annotations": 5}, "spec": {"template": [], "containers": {}}}]
        return pods_of(*odd, named("terway-0", "kube-system", spec={"containers": [None, {"env": [None, {}]}, 3]}))
    return json_reply({"kind": "List", "metadata": {}, "items": []})


def live(api: Api, folder: Path) -> Clusters:
    """That server as a context of a kubeconfig."""
    config = folder / "kubeconfig"
    entry = {"cluster": {"server": api.url}, "user": {}, "context": {"cluster": "c", "user": "c"}}
    sections = {f"{kind}s": [{"name": "c", kind: value}] for kind, value in entry.items()}
    config.write_text(json.dumps({"apiVersion": "v1", "kind": "Config", "current-context": "c", **sections}))
    return Clusters(kubeconfig=str(config))


@pytest.fixture
async def captured(tmp_path: Path) -> tuple[list[str], Bundle]:
    """What capturing that cluster said, and the bundle."""
    with serving(partial) as api:
        said = await capture(live(api, tmp_path), tmp_path / "out.tar.gz", ("shop",), masked)
    return said, Bundle.open(tmp_path / "out.tar.gz")


async def test_what_could_not_be_read_is_explained_where_bundles_explain_it(captured: tuple[list[str], Bundle]) -> None:
    said, bundle = captured
    assert "nodes: forbidden RBAC: grant verb list on nodes" in said
    assert bundle.capture_error(NODES) == "list: forbidden RBAC: grant verb list on nodes"
    assert bundle.capture_error(PODS, "shop") == "list: forbidden RBAC: grant verb list on pods in namespace shop"
    assert bundle.capture_error(PODS, "kube-system") is not None
    assert "podenis.network.alibabacloud.com in namespace shop" in (bundle.capture_error(PODENIS) or "")
    assert "eni-config: forbidden" in (bundle.capture_error(CONFIGMAPS, "kube-system") or "")


async def test_what_a_bundle_could_not_read_is_unavailable_and_not_absent(captured: tuple[list[str], Bundle]) -> None:
    api = EmbeddedApi(captured[1])
    for path in ("nodes/n1", "namespaces/shop/pods/web-0", "namespaces/kube-system/configmaps/eni-config", "nodes"):
        reply = api.answer("GET", f"/api/v1/{path}")
        assert isinstance(reply.body, bytes)
        assert (reply.status, json.loads(reply.body)["reason"]) == (404, "NotCaptured"), path
    assert api.answer("GET", "/api/v1/namespaces/kube-system/configmaps/kube-proxy").status == 200
    reply = api.answer("GET", "/api/v1/namespaces/kube-system/pods")
    assert "entries are no objects" in reply.warning


async def test_what_is_odd_in_a_list_does_not_lose_the_rest_of_it(captured: tuple[list[str], Bundle]) -> None:
    names = [item["metadata"].get("name") for item in captured[1].items(PODS) or [] if item["metadata"]]
    assert "terway-0" in names


async def test_an_anonymous_bundle_explains_its_gaps_without_a_name(tmp_path: Path) -> None:
    def respond(request: Request) -> Reply:
        return status_reply(403, "Forbidden") if "bigbank" in request.path else partial(request)

    seal = AnonymousBundle(Knowledge.load).sealed
    with serving(respond) as api:
        said = await capture(live(api, tmp_path), tmp_path / "out.tar.gz", ("bigbank",), seal)
    with tarfile.open(tmp_path / "out.tar.gz") as archive:
        contents = {entry.name: archive.extractfile(entry) for entry in archive}
        texts = [f"{name} {file.read().decode()}" for name, file in contents.items() if file]
    assert not any("bigbank" in text for text in [*texts, *map(seal, said)])
    (pods,) = [text for text in texts if "cluster-resources/pods-errors.json" in text]
    assert "grant verb list on pods in namespace" in pods


async def test_a_cluster_whose_version_is_secret_can_be_captured(tmp_path: Path) -> None:
    def respond(request: Request) -> Reply:
        return status_reply(403, "Forbidden") if request.path == "/version" else partial(request)

    with serving(respond) as api:
        said = await capture(live(api, tmp_path), tmp_path / "out.tar.gz", (), masked)
    assert any(line.startswith("version of the API server: forbidden") for line in said)
    assert Bundle.open(tmp_path / "out.tar.gz").items(PODS)


async def test_a_cluster_that_does_not_answer_leaves_no_bundle(tmp_path: Path) -> None:
    with serving(in_turn(Reply(how="reset"))) as api, pytest.raises(ClusterUnreachable):
        await capture(live(api, tmp_path), tmp_path / "out.tar.gz", (), masked)
    assert not (tmp_path / "out.tar.gz").exists()


def crashed(log: Callable[[Request], Reply]) -> Callable[[Request], Reply]:
    """A cluster of one Terway pod, whose container was restarted."""
    state = {"name": "c", "restartCount": 1, "state": {}, "lastState": {}, "ready": False}
    pod = {"metadata": {"name": "terway-0", "namespace": "kube-system"}, "status": {"containerStatuses": [state]}}

    def respond(request: Request) -> Reply:
        if request.path.endswith("/log"):
            return log(request)
        mine = request.query.get("labelSelector", "").startswith("app in")
        return json_reply({"items": [pod] if mine else [], "gitVersion": "v1.36.2"})

    return respond


async def test_each_run_of_a_container_keeps_its_own_reason_for_a_missing_log(tmp_path: Path) -> None:
    def log(request: Request) -> Reply:
        return status_reply(400, "BadRequest", "no previous" if "previous" in request.query else "no log yet")

    with serving(crashed(log)) as api:
        await capture(live(api, tmp_path), tmp_path / "out.tar.gz", (), masked)
    bundle = Bundle.open(tmp_path / "out.tar.gz")
    now, before = (bundle.log_error("kube-system", "terway-0", "c", previous=previous) for previous in (False, True))
    assert (now, before) == ("no log yet", "no previous")


async def test_what_a_log_is_called_does_not_depend_on_who_reads_it(tmp_path: Path) -> None:
    with serving(crashed(lambda _: Reply(200, b"first\n", how="cut"))) as api:
        said = await capture(live(api, tmp_path), tmp_path / "out.tar.gz", (), masked)
    told = [line.partition(": truncated")[0] for line in said if line.startswith("log of")]
    assert told == ["log of kube-system/terway-0/c", "log of kube-system/terway-0/c (previous)"]
