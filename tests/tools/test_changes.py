"""A target that has changed since it was read: one more look before the verdict, which never waits for it in vain."""

import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from mcp import Client
from mcp_types import TextResourceContents

from terway_mcp.cluster import recent
from terway_mcp.cluster.bundle import Bundle
from terway_mcp.cluster.clusters import Clusters
from terway_mcp.cluster.embedded.api import EmbeddedApi
from terway_mcp.cluster.scenarios.catalog import SCENARIOS, bundle_path
from terway_mcp.server.app import create_server
from terway_mcp.tools import changes
from tests.cluster.loopback import Api, Reply, Request, json_reply, serving, status_reply
from tests.server.slow_api import kubeconfig
from tests.server.talk import Envelope, Talk

pytestmark = pytest.mark.anyio

POD = {"namespace": "shop", "pod": SCENARIOS["vswitch-exhausted"].pod}
POD_PATH = f"/api/v1/namespaces/shop/pods/{POD['pod']}"
NODE = SCENARIOS["cni-not-initialized"].node or "cn-hangzhou.10.0.1.22"
NODE_PATH = f"/api/v1/nodes/{NODE}"
LEASE = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/terway-controlplane"
DAEMONS = "/apis/apps/v1/namespaces/kube-system/daemonsets"

Now = Callable[[dict[str, Any]], Reply]


class Case:
    """An investigation of a cluster in which single objects can be made to change."""

    def __init__(self, talk: Talk, api: Api, now: dict[str, Now]) -> None:
        self._talk = talk
        self.api = api
        self.now = now
        self._handle: dict[str, str] = {}

    async def call(self, tool: str, **arguments: str) -> Envelope:
        answer = await self._talk.call(tool, **self._handle, **arguments)
        self._handle = {"investigation": answer["investigation"]["id"]}
        return answer

    async def verdict(self, **arguments: str) -> tuple[Envelope, list[str]]:
        """The answer of `correlate`, and what it asked the API server."""
        before = len(self.api.requests)
        answer = await self.call("correlate", **arguments)
        return answer, [request.path for request in self.api.requests[before:]]

    async def report(self, answer: Envelope) -> str:
        (page,) = (await self._talk.client.read_resource(answer["data"]["report"])).contents
        assert isinstance(page, TextResourceContents)
        return page.text


def renewed(lease: dict[str, Any]) -> Reply:
    """The controlplane's leader has been seen this very moment."""
    return json_reply({**lease, "spec": {**lease["spec"], "renewTime": datetime.now(UTC).isoformat()}})


@asynccontextmanager
async def case_of(scenario: str, folder: Path) -> AsyncIterator[Case]:
    embedded = EmbeddedApi(Bundle.open(bundle_path(scenario)))
    now: dict[str, Now] = {LEASE: renewed}

    def respond(request: Request) -> Reply:
        found = embedded.answer("GET", quote(request.path), urlencode(request.query), request.headers.get("accept", ""))
        body = found.body if isinstance(found.body, bytes) else b"".join(found.body)
        if request.path in now:
            return now[request.path](json.loads(body))
        return Reply(found.status, body, {"content-type": found.content_type})

    with serving(respond) as api:
        config = kubeconfig(folder / "kubeconfig", api.url)
        async with Client(create_server(Clusters(kubeconfig=str(config)))) as client:
            yield Case(await Talk.begin(client), api, now)


async def of_a_pod(case: Case) -> None:
    """Everything that comes before the verdict on the pod that hangs."""
    await case.call("inspect_cluster")
    await case.call("inspect_pod", **POD)
    await case.call("get_events", **POD)


@pytest.fixture
def long_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was read was read a while ago."""
    monkeypatch.setattr(changes, "STALE_SECONDS", 1e-6)
    monkeypatch.setattr(recent, "FRESH_SECONDS", -1.0)


def runs(pod: dict[str, Any]) -> Reply:
    """The pod runs and is ready."""
    ready = [{"name": "web", "ready": True, "restartCount": 0, "state": {"running": {}}}]
    status = {
        "phase": "Running",
        "podIP": "10.0.64.9",
        "podIPs": [{"ip": "10.0.64.9"}],
        "containerStatuses": ready,
        "conditions": [{"type": "Ready", "status": "True"}],
    }
    return json_reply({**pod, "status": status})


def gone(_object: dict[str, Any]) -> Reply:
    return status_reply(404, "NotFound", "not found")


async def test_a_pod_that_has_healed_is_said_to_have_healed(long_ago: None, tmp_path: Path) -> None:
    async with case_of("vswitch-exhausted", tmp_path) as case:
        await of_a_pod(case)
        case.now[POD_PATH] = runs
        answer, asked = await case.verdict()
        page = await case.report(answer)
    data = answer["data"]
    (change,) = data["changed_since"]
    assert asked == [POD_PATH]
    assert "ContainerCreating" in change["was"]
    assert "Running (Ready)" in change["now"]
    assert data["verdict"]["category"] == "healthy"
    assert "works now; it did not when it was read before" in data["verdict"]["root_cause"]
    assert "no longer keeps back" in data["ruled_out"][0]["why"]
    assert "vSwitch" in data["ruled_out"][0]["title"]
    assert change["evidence"] in [moment["evidence"] for moment in data["timeline"]]
    assert "## Changed since it was read" in page
    assert data["verdict"]["root_cause"] in page


async def test_a_pod_that_is_as_it_was_changes_nothing_of_the_verdict(long_ago: None, tmp_path: Path) -> None:
    async with case_of("vswitch-exhausted", tmp_path) as case:
        await of_a_pod(case)
        answer, asked = await case.verdict()
    assert asked == [POD_PATH]
    assert answer["status"] == "ok"
    assert answer["data"]["verdict"]["category"] == "resource_exhaustion"
    assert "changed_since" not in answer["data"]


async def test_what_was_read_a_moment_ago_is_not_read_again(tmp_path: Path) -> None:
    async with case_of("vswitch-exhausted", tmp_path) as case:
        await of_a_pod(case)
        case.now[POD_PATH] = runs
        answer, asked = await case.verdict()
    assert asked == []
    assert answer["data"]["verdict"]["category"] == "resource_exhaustion"


def test_an_answer_that_another_tool_had_is_too_old_by_then() -> None:
    assert changes.STALE_SECONDS > recent.FRESH_SECONDS


async def test_a_pod_that_is_gone_or_another_one_is_said_to_be(long_ago: None, tmp_path: Path) -> None:
    async with case_of("vswitch-exhausted", tmp_path) as case:
        await of_a_pod(case)
        case.now[POD_PATH] = gone
        answer, _ = await case.verdict()
        assert answer["status"] == "ok"
        assert answer["data"]["changed_since"][0]["now"] == "it no longer exists"
        assert answer["data"]["verdict"]["category"] == "resource_exhaustion"

        def reborn(pod: dict[str, Any]) -> Reply:
            meta = {**pod["metadata"], "uid": "another", "creationTimestamp": "2099-01-01T00:00:00Z"}
            return runs({**pod, "metadata": meta})

        case.now[POD_PATH] = reborn
        answer, _ = await case.verdict()
    first, second = answer["data"]["changed_since"]
    assert first["now"] == "it no longer exists"
    assert second["now"].endswith("(another one of this name)")
    assert answer["data"]["verdict"]["category"] == "healthy"


async def test_a_pod_that_fails_by_now_is_not_called_healthy(long_ago: None, tmp_path: Path) -> None:
    async with case_of("vswitch-exhausted", tmp_path) as case:
        case.now[POD_PATH] = runs
        await of_a_pod(case)
        assert (await case.verdict())[0]["data"]["verdict"]["category"] == "healthy"
        del case.now[POD_PATH]
        answer, _ = await case.verdict()
        assert answer["data"]["verdict"]["category"] == "resource_exhaustion"
        assert "ContainerCreating" in answer["data"]["changed_since"][0]["now"]


async def test_a_repeated_inspection_replaces_what_an_earlier_one_saw(tmp_path: Path) -> None:
    async with case_of("vswitch-exhausted", tmp_path) as case:
        case.now[POD_PATH] = runs
        await of_a_pod(case)
        del case.now[POD_PATH]
        await case.call("inspect_pod", **POD)
        answer, asked = await case.verdict()
    assert asked == []
    assert answer["data"]["verdict"]["category"] == "resource_exhaustion"


@pytest.mark.parametrize("how", ["reset", "hang", "forbidden"])
async def test_a_look_that_fails_is_told_and_takes_nothing_from_the_verdict(
    how: Any, long_ago: None, tmp_path: Path
) -> None:
    async with case_of("vswitch-exhausted", tmp_path) as case:
        await of_a_pod(case)
        refused = status_reply(403, "Forbidden", "forbidden")
        case.now[POD_PATH] = lambda _pod: refused if how == "forbidden" else Reply(how=how)
        begun = time.monotonic()
        answer, _ = await case.verdict()
        assert time.monotonic() - begun < 4
    assert answer["status"] == "partial"
    (failed,) = [entry for entry in answer["coverage"] if entry["outcome"] != "read"]
    assert POD["pod"] in failed["what"]
    assert answer["data"]["verdict"]["category"] == "resource_exhaustion"
    assert "changed_since" not in answer["data"]


async def test_a_node_that_has_become_ready_is_said_to_have(long_ago: None, tmp_path: Path) -> None:
    def ready(node: dict[str, Any]) -> Reply:
        conditions = [{**each, "status": "True"} for each in node["status"]["conditions"] if each["type"] == "Ready"]
        return json_reply({**node, "status": {**node["status"], "conditions": conditions}})

    async with case_of("cni-not-initialized", tmp_path) as case:
        await case.call("inspect_cluster")
        await case.call("inspect_node", node=NODE)
        await case.call("get_events", node=NODE)
        before, _ = await case.verdict()
        case.now[NODE_PATH] = ready
        after, asked = await case.verdict()
    assert asked == [NODE_PATH]
    assert "changed_since" not in before["data"]
    (change,) = after["data"]["changed_since"]
    assert change["was"].endswith("Ready=False")
    assert change["now"].endswith("Ready=True")


async def test_a_cluster_whose_terway_has_ceased_to_be_ready_is_not_called_quiet(
    long_ago: None, tmp_path: Path
) -> None:
    def broken(daemons: dict[str, Any]) -> Reply:
        return json_reply({**daemons, "status": {**daemons["status"], "numberReady": 0}})

    async with case_of("healthy", tmp_path) as case:
        await case.call("inspect_cluster")
        assert (await case.verdict())[0]["data"]["verdict"]["category"] == "healthy"
        case.now[f"{DAEMONS}/terway-eniip"] = broken
        answer, asked = await case.verdict()
    assert asked == [f"{DAEMONS}/terway-eniip"]
    assert answer["data"]["verdict"]["category"] != "healthy"
    assert ": 0 of " in answer["data"]["changed_since"][0]["now"]


async def test_a_workload_is_looked_at_once_more_too(long_ago: None, tmp_path: Path) -> None:
    path = "/apis/apps/v1/namespaces/shop/deployments/web"

    def ready(workload: dict[str, Any]) -> Reply:
        wanted = workload["spec"]["replicas"]
        return json_reply({**workload, "status": {"replicas": wanted, "readyReplicas": wanted}})

    async with case_of("vswitch-exhausted", tmp_path) as case:
        await case.call("inspect_cluster")
        await case.call("get_events", namespace="shop", workload="deployment/web")
        case.now[path] = ready
        answer, asked = await case.verdict(skip_reason="its logs were read with kubectl")
    assert asked == [path]
    assert answer["data"]["verdict"]["category"] == "healthy"
    assert "20 of 20 ready" in answer["data"]["changed_since"][0]["now"]
