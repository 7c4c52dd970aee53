"""What the first call would wait for is done in the background, after the handshake and only then."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest
from mcp import Client

from terway_mcp.cluster.clusters import Clusters
from terway_mcp.knowledge.base import Knowledge
from terway_mcp.server.app import create_server
from terway_mcp.server.warm_up import Once
from tests.server.processes import clean_environment, http_server, run, stdio
from tests.server.slow_api import Exchange, Plot, kubeconfig, say_nothing, slow_api
from tests.server.talk import Talk

pytestmark = pytest.mark.anyio

VERSION = "/version"


async def greet(exchange: Exchange) -> None:
    await exchange.reply({"gitVersion": "v1.34.1"})


GREETED = Plot(lambda path: path == VERSION, greet)
PATIENCE = 20.0


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_the_api_server_is_greeted_before_any_call(mode: str, tmp_path: Path) -> None:
    async with slow_api(GREETED) as api:
        config = kubeconfig(tmp_path / "config", api.url)
        async with Client(stdio("--kubeconfig", str(config), home=tmp_path), mode=mode) as client:
            await client.list_tools()
            await asyncio.wait_for(api.begun.wait(), PATIENCE)


async def test_over_http_the_first_client_starts_it(tmp_path: Path) -> None:
    async with slow_api(GREETED) as api:
        config = kubeconfig(tmp_path / "config", api.url)
        with http_server("--kubeconfig", str(config), home=tmp_path) as url:
            assert not api.begun.is_set()
            async with Client(url) as client:
                await client.list_tools()
                await asyncio.wait_for(api.begun.wait(), PATIENCE)


async def test_the_first_call_uses_what_was_learnt(tmp_path: Path) -> None:
    greetings = 0

    async def count(exchange: Exchange) -> None:
        nonlocal greetings
        greetings += 1
        await greet(exchange)

    async with slow_api(Plot(lambda path: path == VERSION, count)) as api:
        config = kubeconfig(tmp_path / "config", api.url)
        async with Client(create_server(Clusters(kubeconfig=str(config)))) as client:
            talk = await Talk.begin(client)
            await asyncio.wait_for(api.abandoned.wait(), PATIENCE)
            answers = [await talk.call("inspect_cluster") for _ in range(2)]
    assert [answer["data"]["kubernetes"] for answer in answers] == ["v1.34.1"] * 2
    assert greetings == 1


async def test_a_silent_api_server_keeps_no_server_alive(tmp_path: Path) -> None:
    async with slow_api(Plot(lambda path: path == VERSION, say_nothing)) as api:
        config = kubeconfig(tmp_path / "config", api.url)
        async with Client(create_server(Clusters(kubeconfig=str(config)))) as client:
            await client.list_tools()
            await asyncio.wait_for(api.begun.wait(), PATIENCE)
        await asyncio.wait_for(api.abandoned.wait(), PATIENCE)


async def test_no_credential_plugin_runs_before_a_call_needs_it(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    config = json.loads(kubeconfig(tmp_path / "config", "http://127.0.0.1:1").read_text())
    arguments = ["-c", f"open({str(ran)!r}, 'w')"]
    plugin = {"apiVersion": "client.authentication.k8s.io/v1", "command": sys.executable, "args": arguments}
    config["users"] = [{"name": "slow", "user": {"exec": {**plugin, "interactiveMode": "Never"}}}]
    (tmp_path / "config").write_text(json.dumps(config))
    clusters = Clusters(kubeconfig=str(tmp_path / "config"))
    await clusters.warm_up()
    assert not ran.exists()
    async with Client(create_server(clusters)) as client:
        assert (await (await Talk.begin(client)).call("inspect_cluster"))["status"] == "unreachable"
    assert ran.exists()


@pytest.mark.parametrize("content", [None, "", "{[nonsense", "- a\n"])
def test_without_a_usable_kubeconfig_it_is_silent(content: str | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "config").write_text(content)
    script = """
import sys, anyio
from mcp import Client
from terway_mcp.cluster.clusters import Clusters
from terway_mcp.server.app import create_server

async def wait_for_the_end():
    clusters = Clusters(kubeconfig=sys.argv[1])
    ended = anyio.Event()
    warm_up = clusters.warm_up

    async def noted():
        try:
            await warm_up()
        finally:
            ended.set()

    clusters.warm_up = noted
    async with Client(create_server(clusters)) as client:
        await client.list_tools()
        await ended.wait()
        return len((await client.list_tools()).tools)

print(anyio.run(wait_for_the_end))
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "config")],
        env=clean_environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("6\n", "")


def test_a_server_whose_host_leaves_at_once_ends_quietly(tmp_path: Path) -> None:
    assert run(home=tmp_path).stderr == ""


def test_knowledge_is_loaded_once_and_a_failure_is_told_each_time() -> None:
    made: list[Knowledge] = []

    def load() -> Knowledge:
        if not made:
            made.append(Knowledge.load())
            raise OSError("not yet")
        return made[0]

    once = Once(load)
    with pytest.raises(OSError, match="not yet"):
        once()
    assert once() is once() is made[0]


async def test_what_nobody_foresaw_ends_no_server(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Clusters):
        async def warm_up(self) -> None:
            failed.set()
            raise RuntimeError("nobody foresaw this")

    failed = asyncio.Event()
    async with Client(create_server(Broken(kubeconfig=str(tmp_path / "none")))) as client:
        talk = await Talk.begin(client)
        await asyncio.wait_for(failed.wait(), PATIENCE)
        assert (await talk.call("inspect_cluster"))["status"] == "unreachable"
    assert "nobody foresaw this" in caplog.text
