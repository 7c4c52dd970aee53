"""Which cluster a call talks to: contexts of a kubeconfig, or one captured bundle."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest
import yaml
from bundle_fixtures import RES, archive, named, write
from loopback import Api, Reply, in_turn, json_reply, serving

from terway_mcp.cluster import clusters as clusters_module
from terway_mcp.cluster import connection as connection_module
from terway_mcp.cluster.clusters import Clusters
from terway_mcp.cluster.errors import BundleError, ClusterUnreachable, InvalidInput, ServerBusy
from terway_mcp.cluster.objects import Namespace, Node
from terway_mcp.cluster.resources import NAMESPACES, NODES

pytestmark = pytest.mark.anyio

FILES = {f"{RES}/namespaces.json": [named("shop"), named("kube-system")]}


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pause between two attempts, without the pause."""
    monkeypatch.setattr(connection_module, "_backoff", lambda _attempt: 0.01)


@pytest.fixture
def api() -> Iterator[Api]:
    with serving(in_turn(json_reply({"items": [named("shop")]}))) as api:
        yield api


def kubeconfig(path: Path, current: str = "one", **contexts: str) -> str:
    """A kubeconfig with a context per server."""
    document: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": current,
        "clusters": [{"name": name, "cluster": {"server": url}} for name, url in contexts.items()],
        "users": [{"name": name, "user": {"token": f"token-of-{name}"}} for name in contexts],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}} for name in contexts],
    }
    path.write_text(yaml.safe_dump(document))
    return str(path)


@pytest.mark.parametrize("name", ["case-7", "case.7.tar.gz", "case.tgz"])
async def test_a_bundle_is_a_context_named_after_its_file(tmp_path: Path, name: str) -> None:
    path = archive(tmp_path / name, FILES) if "gz" in name else write(tmp_path / name, FILES)
    clusters = Clusters(bundle=path)
    wanted = f"bundle:{name.removesuffix('.tar.gz').removesuffix('.tgz')}"
    assert await clusters.resolve() == wanted
    assert await clusters.resolve(wanted) == wanted
    assert await clusters.contexts() == [wanted]
    reader = await clusters.reader(wanted)
    read = await reader.collect(NAMESPACES, Namespace)
    assert [found.metadata.name for found in read.value or []] == ["kube-system", "shop"]
    await clusters.aclose()


async def test_another_context_than_the_bundles_is_refused_by_name(tmp_path: Path) -> None:
    clusters = Clusters(bundle=write(tmp_path / "case", FILES))
    with pytest.raises(InvalidInput, match="attached to bundle:case; context 'production' is not available"):
        await clusters.resolve("production")
    assert await clusters.resolve() == "bundle:case"
    await clusters.aclose()


async def test_a_context_given_at_start_does_not_get_into_the_bundles_way(tmp_path: Path) -> None:
    clusters = Clusters(bundle=write(tmp_path / "case", FILES), context="from-the-command-line")
    assert await clusters.resolve() == "bundle:case"
    await clusters.aclose()


@pytest.mark.parametrize("name", ["missing", "empty"])
async def test_a_bundle_that_is_none_is_a_bundle_error(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    clusters = Clusters(bundle=tmp_path / name)
    for _ in range(2):
        with pytest.raises(BundleError, match=name):
            await clusters.resolve()
    await clusters.aclose()


async def test_a_bundle_that_appears_later_is_opened_then(tmp_path: Path) -> None:
    clusters = Clusters(bundle=tmp_path / "case")
    with pytest.raises(BundleError):
        await clusters.resolve()
    write(tmp_path / "case", FILES)
    assert await clusters.resolve() == "bundle:case"
    await clusters.aclose()


async def test_the_current_context_is_the_default(tmp_path: Path, api: Api) -> None:
    clusters = Clusters(kubeconfig=kubeconfig(tmp_path / "config", "two", one=api.url, two=api.url))
    assert await clusters.resolve() == "two"
    assert await clusters.contexts() == ["one", "two"]
    reader = await clusters.reader("two")
    await reader.collect(NAMESPACES, Namespace)
    await clusters.aclose()
    assert [request.token for request in api.requests] == ["Bearer token-of-two"]


async def test_the_context_of_the_command_line_comes_before_the_current_one(tmp_path: Path, api: Api) -> None:
    clusters = Clusters(kubeconfig=kubeconfig(tmp_path / "config", "two", one=api.url, two=api.url), context="one")
    assert await clusters.resolve() == "one"
    assert await clusters.resolve("two") == "two"
    await clusters.aclose()


async def test_each_context_is_opened_once_and_keeps_its_connection(
    tmp_path: Path, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    connect = clusters_module.Clusters._connect

    def counting(self: Clusters, name: str) -> Any:
        opened.append(name)
        return connect(self, name)

    monkeypatch.setattr(clusters_module.Clusters, "_connect", counting)
    clusters = Clusters(kubeconfig=kubeconfig(tmp_path / "config", one=api.url, two=api.url))
    async with anyio.create_task_group() as tasks:
        for name in (None, "one", "two", "two", None, "one"):
            tasks.start_soon(clusters.resolve, name)
    for name in ("one", "two", "one", "two"):
        reader = await clusters.reader(name)
        await reader.collect(NAMESPACES, Namespace)
    await clusters.aclose()
    assert sorted(opened) == ["one", "two"]
    assert len({request.port for request in api.requests}) == 2


class Plugin:
    """A credential plugin that waits until it may answer, in a kubeconfig whose context `slow` needs it."""

    def __init__(self, folder: Path, url: str, grants: str = "t") -> None:
        self.started, self.released = folder / "started", folder / "released"
        code = (
            "import json, os, sys, time\n"
            f"open({str(self.started)!r}, 'a').write('x')\n"
            f"while not os.path.exists({str(self.released)!r}): time.sleep(0.02)\n"
            f"token = {grants!r}\n"
            "if not token: sys.exit('no login')\n"
            "print(json.dumps({'apiVersion': 'client.authentication.k8s.io/v1', 'kind': 'ExecCredential',"
            " 'status': {'token': token}}))"
        )
        plugin = {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": sys.executable,
            "args": ["-c", code],
            "interactiveMode": "Never",
        }
        document = {
            "current-context": "slow",
            "clusters": [{"name": "c", "cluster": {"server": url}}],
            "users": [{"name": "u", "user": {"exec": plugin}}, {"name": "quick", "user": {}}],
            "contexts": [
                {"name": "slow", "context": {"cluster": "c", "user": "u"}},
                {"name": "quick", "context": {"cluster": "c", "user": "quick"}},
            ],
        }
        self.kubeconfig = str(folder / "config")
        Path(self.kubeconfig).write_text(yaml.safe_dump(document))

    @property
    def runs(self) -> int:
        return len(self.started.read_text()) if self.started.exists() else 0

    async def is_asked(self, times: int = 1) -> None:
        with anyio.fail_after(20):
            while self.runs < times:  # noqa: ASYNC110 - another process tells
                await anyio.sleep(0.01)


@pytest.fixture
def plugin(tmp_path: Path, api: Api) -> Iterator[Plugin]:
    made = Plugin(tmp_path, api.url)
    yield made
    made.released.touch()


async def test_an_open_context_waits_for_no_other_that_is_being_opened(plugin: Plugin) -> None:
    clusters = Clusters(kubeconfig=plugin.kubeconfig)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(clusters.resolve, "slow")
        await plugin.is_asked()
        with anyio.fail_after(5):
            assert await clusters.resolve("quick") == "quick"
            assert await clusters.resolve("quick") == "quick"
        tasks.cancel_scope.cancel()
    await clusters.aclose()


async def test_callers_of_a_hanging_context_share_one_attempt_and_each_keeps_its_own_deadline(
    plugin: Plugin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clusters_module, "CALL_SECONDS", 2.0)
    clusters, waited = Clusters(kubeconfig=plugin.kubeconfig), []

    async def call(context: str | None) -> None:
        began = time.monotonic()
        with pytest.raises(ClusterUnreachable, match="did not answer in time"):
            await clusters.resolve(context)
        waited.append(time.monotonic() - began)

    async with anyio.create_task_group() as tasks:
        for context in ("slow", None, "slow"):
            tasks.start_soon(call, context)
        with anyio.move_on_after(0.3) as leaving:
            await clusters.resolve("slow")
    await call("slow")
    assert leaving.cancelled_caught
    assert len(waited) == 4
    assert max(waited) < 3.9, "nobody waited behind another"
    assert plugin.runs == 1
    await clusters.aclose()


async def test_who_leaves_does_not_end_the_attempt_for_those_who_stay(plugin: Plugin) -> None:
    clusters, opened = Clusters(kubeconfig=plugin.kubeconfig), []

    async def stay() -> None:
        opened.append(await clusters.resolve("slow"))

    async with anyio.create_task_group() as staying:
        async with anyio.create_task_group() as leaving:
            leaving.start_soon(clusters.resolve, "slow")
            await plugin.is_asked()
            staying.start_soon(stay)
            staying.start_soon(stay)
            await anyio.wait_all_tasks_blocked()
            leaving.cancel_scope.cancel()
        plugin.released.touch()
    assert opened == ["slow", "slow"]
    assert plugin.runs == 1
    await clusters.aclose()


async def test_what_a_slow_plugin_brings_serves_the_next_call(
    plugin: Plugin, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clusters_module, "CALL_SECONDS", 0.5)
    clusters = Clusters(kubeconfig=plugin.kubeconfig)
    with pytest.raises(ClusterUnreachable, match="did not answer in time"):
        await clusters.resolve("slow")
    monkeypatch.setattr(clusters_module, "CALL_SECONDS", 20.0)
    await plugin.is_asked()
    plugin.released.touch()
    reader = await clusters.reader(await clusters.resolve("slow"))
    assert (await reader.collect(NAMESPACES, Namespace)).outcome == "read"
    assert api.requests[-1].token == "Bearer t"
    assert plugin.runs == 1
    await clusters.aclose()


async def test_a_failure_is_everybodys_and_the_next_call_tries_again(tmp_path: Path, api: Api) -> None:
    plugin = Plugin(tmp_path, api.url, grants="")
    clusters, failures = Clusters(kubeconfig=plugin.kubeconfig), []

    async def call() -> None:
        with pytest.raises(ClusterUnreachable, match="gave no credentials") as raised:
            await clusters.resolve("slow")
        failures.append(str(raised.value))

    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(call)
        await plugin.is_asked()
        await anyio.wait_all_tasks_blocked()
        plugin.released.touch()
    assert len(failures) == 3
    assert plugin.runs == 1
    await call()
    assert plugin.runs == 2
    await clusters.aclose()


async def test_a_plugin_that_takes_for_ever_is_run_once_more(plugin: Plugin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters_module, "CALL_SECONDS", 1.0)
    monkeypatch.setattr(clusters_module, "_ATTEMPT_SECONDS", 0.5)
    clusters = Clusters(kubeconfig=plugin.kubeconfig)
    for _ in range(2):
        with pytest.raises(ClusterUnreachable, match="did not answer in time"):
            await clusters.resolve("slow")
    await plugin.is_asked(times=2)
    await clusters.aclose()


async def test_two_servers_are_not_mixed_up(tmp_path: Path, api: Api) -> None:
    with serving(in_turn(json_reply({"items": [named("other")]}))) as other:
        clusters = Clusters(kubeconfig=kubeconfig(tmp_path / "config", one=api.url, two=other.url))
        for name, wanted in (("one", ["shop"]), ("two", ["other"]), ("one", ["shop"])):
            read = await (await clusters.reader(name)).collect(NAMESPACES, Namespace)
            assert [found.metadata.name for found in read.value or []] == wanted
        await clusters.aclose()


async def test_closed_clusters_can_be_opened_again(tmp_path: Path, api: Api) -> None:
    clusters = Clusters(kubeconfig=kubeconfig(tmp_path / "config", one=api.url))
    for _ in range(2):
        reader = await clusters.reader(await clusters.resolve())
        assert (await reader.collect(NODES, Node)).outcome == "read"
        await clusters.aclose()
    await clusters.aclose()
    assert len({request.port for request in api.requests}) == 2


async def test_a_bundle_can_be_closed_and_opened_again(tmp_path: Path) -> None:
    clusters = Clusters(bundle=write(tmp_path / "case", FILES))
    for _ in range(2):
        reader = await clusters.reader(await clusters.resolve())
        assert (await reader.collect(NAMESPACES, Namespace)).outcome == "read"
        await clusters.aclose()


async def test_an_unknown_context_is_unreachable_by_name(tmp_path: Path, api: Api) -> None:
    clusters = Clusters(kubeconfig=kubeconfig(tmp_path / "config", one=api.url))
    with pytest.raises(ClusterUnreachable, match="production"):
        await clusters.resolve("production")
    assert await clusters.resolve() == "one"
    await clusters.aclose()


async def test_a_credential_plugin_that_hangs_is_given_up(plugin: Plugin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters_module, "CALL_SECONDS", 0.3)
    clusters = Clusters(kubeconfig=plugin.kubeconfig)
    began = time.monotonic()
    with pytest.raises(ClusterUnreachable, match="credential plugin of context 'slow' did not answer in time"):
        await clusters.resolve("slow")
    assert time.monotonic() - began < 3
    await clusters.aclose()


async def test_without_a_kubeconfig_there_are_no_contexts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    clusters = Clusters(kubeconfig=str(tmp_path / "missing"))
    assert await clusters.contexts() == []
    with pytest.raises(ClusterUnreachable, match=r"no kubeconfig: .*missing does not exist"):
        await clusters.resolve()
    await clusters.aclose()


async def test_reading_through_a_context_needs_no_resolve_first(tmp_path: Path, api: Api) -> None:
    api.respond = in_turn(Reply(200, b'{"gitVersion": "v1.36.2"}'))
    clusters = Clusters(kubeconfig=kubeconfig(tmp_path / "config", one=api.url))
    version = (await (await clusters.reader("one")).version()).value
    assert version is not None
    assert version.git_version == "v1.36.2"
    await clusters.aclose()


async def test_the_default_context_shares_the_connection_of_its_name(tmp_path: Path, api: Api) -> None:
    clusters = Clusters(kubeconfig=kubeconfig(tmp_path / "config", one=api.url))
    named_first = await clusters._connection("one")
    assert await clusters._connection(None) is named_first
    await clusters.aclose()


async def test_calls_beyond_those_that_can_be_answered_in_time_wait_their_turn_in_order() -> None:
    clusters, order = Clusters(), []
    may_end = anyio.Event()

    async def call(number: int) -> None:
        async with clusters.turn("one"):
            order.append(number)
            await may_end.wait()

    async with anyio.create_task_group() as group:
        for number in range(20):
            group.start_soon(call, number)
        await anyio.wait_all_tasks_blocked()
        assert order == list(range(8))
        async with clusters.turn("another"):
            order.append(-1)
        may_end.set()
    assert order == [*range(8), -1, *range(8, 20)]


async def test_a_call_that_waits_too_long_is_told_that_the_server_is_busy_and_takes_nobodys_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clusters_module, "_CALLS_AT_A_TIME", 1)
    monkeypatch.setattr(clusters_module, "_TURN_SECONDS", 0.05)
    clusters = Clusters()

    async def call() -> None:
        async with clusters.turn("one"):
            raise AssertionError("there was no turn to have")

    async with clusters.turn("one"), anyio.create_task_group() as group:
        with pytest.raises(ServerBusy, match="too many calls wait for one"):
            await call()
        group.start_soon(call)
        await anyio.wait_all_tasks_blocked()
        group.cancel_scope.cancel()
    for _ in range(2):
        async with clusters.turn("one"):
            assert clusters._turns["one"].value == 0
    assert clusters._turns["one"].value == 1
