"""Starting without a cluster: the handshake answers at once, and the first tool says precisely what is missing."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp_types.jsonrpc import jsonrpc_message_adapter

from terway_mcp.cluster.clusters import Clusters
from terway_mcp.server.app import create_server
from tests.server.processes import PROGRAM, clean_environment, ended_afterwards, stdio
from tests.server.slow_api import kubeconfig
from tests.server.talk import Talk, unreachable_within_ten_seconds


@pytest.mark.anyio
@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_without_any_kubeconfig_the_handshake_answers_and_the_first_tool_names_what_it_looked_for(
    mode: str, tmp_path: Path
) -> None:
    async with Client(stdio(home=tmp_path), mode=mode) as client:
        talk = await Talk.begin(client)
        answer = await talk.call("inspect_cluster")
    assert answer["status"] == "unreachable"
    assert str(tmp_path / ".kube" / "config") in answer["message"]
    assert "--kubeconfig" in answer["message"]
    assert "--bundle" in answer["message"]
    assert answer["next_steps"][0]["tool"] == "inspect_cluster"


@pytest.mark.anyio
async def test_a_kubeconfig_that_was_asked_for_is_the_one_the_message_names(tmp_path: Path) -> None:
    async with Client(create_server(Clusters(kubeconfig=str(tmp_path / "mine.yaml")))) as client:
        answer = await (await Talk.begin(client)).call("inspect_cluster")
    assert answer["status"] == "unreachable"
    assert str(tmp_path / "mine.yaml") in answer["message"]


@pytest.mark.anyio
async def test_a_context_that_does_not_exist_is_named(tmp_path: Path) -> None:
    config = kubeconfig(tmp_path / "config", "http://127.0.0.1:1")
    async with Client(create_server(Clusters(kubeconfig=str(config)))) as client:
        answer = await (await Talk.begin(client)).call("inspect_cluster", context="production")
    assert answer["status"] == "unreachable"
    assert "production" in answer["message"]


@pytest.mark.anyio
@pytest.mark.parametrize("content", ["", "- a\n- b\n", "{[nonsense", "kind: Config\n", "\x00\x01"])
async def test_a_kubeconfig_of_nonsense_is_unreachable_and_not_a_crash(content: str, tmp_path: Path) -> None:
    (tmp_path / "config").write_text(content)
    async with Client(create_server(Clusters(kubeconfig=str(tmp_path / "config")))) as client:
        answer = await (await Talk.begin(client)).call("inspect_cluster")
    assert answer["status"] == "unreachable"
    assert "inside the server" not in answer["message"]
    assert str(tmp_path / "config") in answer["message"]


@pytest.mark.anyio
async def test_a_closed_port_is_answered_as_unreachable_within_ten_seconds(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    config = kubeconfig(tmp_path / "config", url)
    async with Client(stdio("--kubeconfig", str(config), home=tmp_path)) as client:
        await unreachable_within_ten_seconds(await Talk.begin(client), url)


def test_the_handshake_is_answered_without_kubernetes_or_knowledge(tmp_path: Path) -> None:
    script = """
import anyio, sys
from mcp import Client
from terway_mcp.cluster.clusters import Clusters
from terway_mcp.knowledge.base import Knowledge
from terway_mcp.server.app import create_server

answered = []

async def note(context, call_next):
    result = await call_next(context)
    loaded = sorted(name for name in sys.modules if name.partition(".")[0] == "kubernetes")
    answered.append((context.method, loaded, knowledge))
    return result

knowledge = []
load = Knowledge.load
Knowledge.load = lambda files: knowledge.append("loaded") or load(files)

async def shake_hands():
    server = create_server(Clusters())
    server.middleware.append(note)
    async with Client(server, mode="legacy"):
        pass

anyio.run(shake_hands)
print(*answered[0])
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=clean_environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert done.stdout.strip() == "initialize [] []"


class ByHand:
    """The stdio server driven with raw lines."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def send(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def request(self, number: int, method: str, **params: Any) -> None:
        self.send(json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}))

    def shake_hands(self) -> None:
        client = {"name": "by-hand", "version": "1"}
        self.request(1, "initialize", protocolVersion="2025-11-25", capabilities={}, clientInfo=client)
        self.send('{"jsonrpc": "2.0", "method": "notifications/initialized"}')

    def answers(self, *numbers: int) -> dict[int, dict[str, Any]]:
        """Read until the requests of these numbers are answered; every line must be a JSON-RPC message."""
        assert self._process.stdout is not None
        found: dict[int, dict[str, Any]] = {}
        while not set(numbers) <= set(found):
            line = self._process.stdout.readline()
            assert line, f"stdout ended before {sorted(set(numbers) - set(found))} were answered"
            jsonrpc_message_adapter.validate_json(line)
            message = json.loads(line)
            found[message["id"]] = message
        return found

    def finish(self) -> tuple[str, str, int]:
        """Close stdin; what was still written to stdout and stderr, and the exit code."""
        out, err = self._process.communicate(timeout=20)
        return out, err, self._process.returncode


@pytest.fixture
def by_hand(bundle: Path, tmp_path: Path) -> Iterator[ByHand]:
    process = subprocess.Popen(
        [*PROGRAM, "--bundle", str(bundle)],
        env=clean_environment(tmp_path),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    # Reading from a server that says nothing more would block: its end unblocks it.
    too_late = threading.Timer(30, process.kill)
    too_late.start()
    with ended_afterwards(process):
        yield ByHand(process)
        too_late.cancel()


def test_stdout_carries_only_json_rpc_whatever_goes_wrong(by_hand: ByHand) -> None:
    by_hand.shake_hands()
    by_hand.send("this is not JSON")
    by_hand.send('{"jsonrpc": "2.0", "id": 2}')
    by_hand.send('{"jsonrpc": "1.0", "id": 3, "method": "tools/list"}')
    by_hand.send("[]")
    by_hand.request(4, "no/such/method")
    by_hand.request(5, "tools/call", name="inspect_cluster", arguments={"context": "another"})
    by_hand.request(6, "tools/call", name="inspect_pod", arguments={"pod": 7, "\x1b[31m": "x"})
    by_hand.request(7, "tools/call", name="no_such_tool", arguments={})
    by_hand.request(8, "tools/call", name="inspect_node", arguments="not an object")
    by_hand.request(9, "resources/read", uri="terway://knowledge/nothing/nowhere")
    by_hand.request(10, "prompts/get", name="no_such_prompt")
    by_hand.request(11, "tools/list")
    found = by_hand.answers(1, *range(4, 12))
    assert {number for number, message in found.items() if "error" in message} >= {4, 8, 9, 10}
    assert found[6]["result"]["structuredContent"]["status"] == "invalid"
    assert by_hand.finish()[0] == ""


def test_the_server_ends_by_itself_when_its_host_closes_stdin(by_hand: ByHand) -> None:
    by_hand.shake_hands()
    by_hand.answers(1)
    assert by_hand.finish() == ("", "", 0)


def test_a_call_with_a_hostile_argument_is_answered_in_one_clean_line(by_hand: ByHand) -> None:
    by_hand.shake_hands()
    by_hand.request(2, "tools/call", name="inspect_node", arguments={"investigation": "x", "node": "a\nb\x00\x1b[2J"})
    assert by_hand.answers(2)[2]["result"]["structuredContent"]["status"] == "unknown_investigation"


def test_a_hanging_credential_plugin_does_not_keep_the_server_from_ending(tmp_path: Path) -> None:
    started, released = tmp_path / "started", tmp_path / "released"
    os.mkfifo(started)
    os.mkfifo(released)
    config = kubeconfig(tmp_path / "config", "http://127.0.0.1:1")
    plugin = {"apiVersion": "client.authentication.k8s.io/v1", "command": "sh", "interactiveMode": "Never"}
    hanging = {"exec": {**plugin, "args": ["-c", f"echo > {started}; cat {released}"]}}
    config.write_text(config.read_text().replace('"user": {}', f'"user": {json.dumps(hanging)}'))
    command = [*PROGRAM, "--kubeconfig", str(config)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, env=clean_environment(tmp_path), text=True, **pipes)
    hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    with ended_afterwards(process):
        for message in (
            {"id": 1, "method": "initialize", "params": hello},
            {"method": "notifications/initialized"},
            {"id": 2, "method": "tools/call", "params": {"name": "inspect_cluster", "arguments": {}}},
        ):
            print(json.dumps({"jsonrpc": "2.0", **message}), file=process.stdin, flush=True)
        started.read_text()
        assert process.stdin
        process.stdin.close()
        try:
            assert process.wait(timeout=5) == 0
        finally:
            released.write_text("")
