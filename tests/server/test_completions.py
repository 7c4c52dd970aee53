"""Completion of arguments, as a host asks for it with every key: right, bounded, in time, and easy on the cluster."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp_types import Completion, PromptReference, ResourceTemplateReference

from terway_mcp.cluster.clusters import Clusters
from terway_mcp.cluster.scenarios.scenario import Scenario
from terway_mcp.knowledge.base import Knowledge
from terway_mcp.server.app import create_server
from terway_mcp.server.completions import KINDS
from tests.cluster.loopback import Api, Reply, Request, json_reply, serving, status_reply
from tests.server.slow_api import kubeconfig
from tests.server.talk import Talk

pytestmark = pytest.mark.anyio

PROMPT = PromptReference(name="troubleshoot")
ENTRY = ResourceTemplateReference(uri="terway://knowledge/{kind}/{entry}")
DEADLINE_SECONDS = 3.0

knowledge = Knowledge.load()


async def offered(client: Client, ref: Any, name: str, value: str = "", **chosen: str) -> Completion:
    """What is offered for an argument."""
    result = await client.complete(ref, {"name": name, "value": value}, chosen or None)
    assert len(result.completion.values) <= 100
    assert all(each.startswith(value) for each in result.completion.values)
    return result.completion


async def completed(client: Client, ref: Any, name: str, value: str = "", **chosen: str) -> list[str]:
    """Only the values."""
    return (await offered(client, ref, name, value, **chosen)).values


async def test_namespaces_nodes_and_contexts_of_the_cluster_are_offered(talk: Talk) -> None:
    assert "shop" in await completed(talk.client, PROMPT, "namespace")
    assert await completed(talk.client, PROMPT, "namespace", "kube-s") == ["kube-system"]
    assert await completed(talk.client, PROMPT, "node") == [f"cn-hangzhou.10.0.1.{number}" for number in (21, 22, 23)]
    assert await completed(talk.client, PROMPT, "context") == ["bundle:vswitch-exhausted"]


async def test_pods_are_offered_once_their_namespace_is_chosen(talk: Talk, vswitch_exhausted: Scenario) -> None:
    assert vswitch_exhausted.pod in await completed(talk.client, PROMPT, "pod", "web-", namespace="shop")
    assert await completed(talk.client, PROMPT, "pod", namespace="no-such-namespace") == []
    assert await completed(talk.client, PROMPT, "pod", namespace="Not A Name") == []
    assert await completed(talk.client, PROMPT, "pod") == []


async def test_kinds_and_entries_of_the_knowledge_are_offered(talk: Talk) -> None:
    assert await completed(talk.client, ENTRY, "kind") == sorted(KINDS)
    assert "access_key_invalid" in await completed(talk.client, ENTRY, "entry", kind="cause")
    assert await completed(talk.client, ENTRY, "entry", "vswitch_ip", kind="cause") == ["vswitch_ip_exhausted"]
    assert await completed(talk.client, ENTRY, "entry") == []
    assert await completed(talk.client, ENTRY, "entry", kind="nonsense") == []


async def test_more_than_a_hundred_values_are_cut_and_counted(talk: Talk) -> None:
    many = max(KINDS, key=lambda kind: len(knowledge.entries(kind)))
    assert len(knowledge.entries(many)) > 100
    result = await talk.client.complete(ENTRY, {"name": "entry", "value": ""}, {"kind": many})
    assert len(result.completion.values) == 100
    assert result.completion.total == len(knowledge.entries(many))
    assert result.completion.has_more is True


async def test_an_argument_that_nothing_is_known_of_has_no_values(talk: Talk) -> None:
    assert await completed(talk.client, PROMPT, "symptom") == []


@pytest.mark.parametrize("name", ["namespace", "node", "pod", "context"])
async def test_without_a_cluster_nothing_is_offered_and_nothing_fails(name: str, tmp_path: Path) -> None:
    async with Client(create_server(Clusters(kubeconfig=str(tmp_path / "none")))) as client:
        assert await completed(client, PROMPT, name, namespace="shop") == []
        assert len(await completed(client, ENTRY, "kind")) == len(KINDS)


def listed(names: list[str]) -> Callable[[Request], Reply]:
    """An API server with these objects in every collection, page by page."""

    def respond(request: Request) -> Reply:
        if request.path == "/version":
            return json_reply({"gitVersion": "v1.34.1"})
        start, limit = int(request.query.get("continue", 0)), int(request.query["limit"])
        items = [{"metadata": {"name": name}} for name in sorted(names)[start : start + limit]]
        token = str(start + limit) if start + limit < len(names) else ""
        return json_reply({"kind": "List", "metadata": {"continue": token}, "items": items})

    return respond


@contextmanager
def server_on(respond: Callable[[Request], Reply], folder: Path) -> Iterator[tuple[Client, Api]]:
    with serving(respond) as api:
        config = kubeconfig(folder / "config", api.url)
        yield Client(create_server(Clusters(kubeconfig=str(config)))), api


def lists(api: Api) -> list[str]:
    return [path for path in api.paths() if path != "/version"]


async def test_a_list_is_read_no_further_than_what_can_be_shown_unless_its_end_is_needed(tmp_path: Path) -> None:
    names = [f"web-{number:04}" for number in range(1990)] + ["zebra"]
    with server_on(listed(names), tmp_path) as (connecting, api):
        async with connecting as client:
            some = await offered(client, PROMPT, "pod", namespace="shop")
            assert (some.values, some.total, some.has_more) == (sorted(names)[:100], None, True)
            assert len(lists(api)) == 1
            last = await offered(client, PROMPT, "pod", "z", namespace="shop")
            assert (last.values, last.total, last.has_more) == (["zebra"], 1, False)
            assert len(lists(api)) == 1 + 4
            assert {*lists(api)} == {"/api/v1/namespaces/shop/pods"}


@pytest.mark.parametrize(("count", "has_more"), [(100, False), (101, True), (499, True)])
async def test_how_many_there_are_is_told_exactly_where_it_is_known(count: int, has_more: bool, tmp_path: Path) -> None:
    names = [f"node-{number:03}" for number in range(count)]
    with server_on(listed([*names, "other"]), tmp_path) as (connecting, _api):
        async with connecting as client:
            found = await offered(client, PROMPT, "node", "node-")
            assert (found.values, found.total, found.has_more) == (names[:100], count, has_more)


async def test_typing_on_asks_the_cluster_once(tmp_path: Path) -> None:
    with server_on(listed(["shop", "shopping", "kube-system"]), tmp_path) as (connecting, api):
        async with connecting as client:
            for typed, found in (("", 3), ("s", 2), ("shop", 2), ("shopp", 1), ("shoppx", 0)):
                assert len(await completed(client, PROMPT, "namespace", typed)) == found
            assert len(lists(api)) == 1


async def test_the_chosen_context_is_the_one_that_is_asked(tmp_path: Path) -> None:
    with serving(listed(["here"])) as api, serving(listed(["there"])) as other:
        config = kubeconfig(tmp_path / "config", api.url)
        text = config.read_text()
        added = text.replace(
            '"contexts": [', '"contexts": [{"name": "far", "context": {"cluster": "far", "user": "slow"}}, '
        ).replace('"clusters": [', f'"clusters": [{{"name": "far", "cluster": {{"server": "{other.url}"}}}}, ')
        config.write_text(added)
        async with Client(create_server(Clusters(kubeconfig=str(config)))) as client:
            assert await completed(client, PROMPT, "context") == ["far", "slow"]
            assert await completed(client, PROMPT, "namespace", context="far") == ["there"]
            assert await completed(client, PROMPT, "namespace") == ["here"]
            assert await completed(client, PROMPT, "namespace", context="nowhere") == []


async def test_a_cluster_that_does_not_answer_costs_one_deadline_and_is_then_left_alone(tmp_path: Path) -> None:
    with server_on(lambda _request: Reply(how="hang"), tmp_path) as (connecting, api):
        async with connecting as client:
            begun = time.monotonic()
            silent = await offered(client, PROMPT, "pod", namespace="shop")
            first = time.monotonic() - begun
            asked = len(lists(api))
            again = await offered(client, PROMPT, "namespace")
            second = time.monotonic() - begun - first
            assert [silent.values, silent.total, again.values] == [[], None, []]
            assert len(lists(api)) == asked == 1
            print(f"first {first:.2f} s, then {second * 1000:.0f} ms")
            assert first < DEADLINE_SECONDS + 0.5
            assert second < 0.5


async def test_what_may_not_be_listed_is_unknown_and_not_nothing(tmp_path: Path) -> None:
    with server_on(lambda _request: status_reply(403, "Forbidden"), tmp_path) as (connecting, api):
        async with connecting as client:
            for _ in range(2):
                found = await offered(client, PROMPT, "node")
                assert (found.values, found.total, found.has_more) == ([], None, None)
            assert len(lists(api)) == 1


async def test_a_name_that_no_object_can_have_is_not_offered(tmp_path: Path) -> None:
    with server_on(listed(["fine", "\x1b[31mred", "two\nlines", "x" * 300, ""]), tmp_path) as (connecting, _api):
        async with connecting as client:
            assert await completed(client, PROMPT, "namespace") == ["fine"]


async def test_no_credential_plugin_runs_for_a_completion(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    with serving(listed(["shop"])) as api:
        config = kubeconfig(tmp_path / "config", api.url)
        plugin = f"""{{"exec": {{"apiVersion": "client.authentication.k8s.io/v1", "command": "touch",
            "args": ["{ran}"], "interactiveMode": "IfAvailable"}}}}"""
        config.write_text(config.read_text().replace('"user": {}', f'"user": {plugin}'))
        async with Client(create_server(Clusters(kubeconfig=str(config)))) as client:
            assert await completed(client, PROMPT, "namespace") == []
        assert api.paths() == []
    assert not ran.exists()
