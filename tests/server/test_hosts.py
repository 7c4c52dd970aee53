"""What a host is told about this server starts it: every snippet printed and every example file is really run."""

import json
import os
import re
import shlex
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters

from terway_mcp.server.launch import launch
from terway_mcp.server.options import HOSTS, parser
from terway_mcp.tools.contracts import CONTRACTS
from tests.server.processes import run

ROOT = Path(__file__).parents[2]
SCRIPT = Path(sys.executable).with_name("terway-mcp")
TOOLS = [contract.name for contract in CONTRACTS]
EXAMPLES = (".mcp.json", ".vscode/mcp.json", ".cursor/mcp.json")
PLACEHOLDERS = {"${workspaceFolder}": str(ROOT), "${CLAUDE_PROJECT_DIR:-.}": str(ROOT)}

Server = dict[str, Any]


def servers(snippet: str) -> dict[str, Server]:
    """The servers by name that a snippet tells of, be it JSON or a `claude mcp add` line."""
    if snippet.startswith("{"):
        (found,) = json.loads(snippet).values()
        return dict(found)
    words = shlex.split(snippet)
    assert words[:3] == ["claude", "mcp", "add"]
    ours, theirs = words[words.index("--") + 1 :], words[3 : words.index("--")]
    given = list(zip(theirs[:-1:2], theirs[1:-1:2], strict=True))
    assert ("--transport", "stdio") in given
    env = dict(value.split("=", 1) for option, value in given if option == "--env")
    return {theirs[-1]: {"command": ours[0], "args": ours[1:], "env": env}}


def expanded(text: str) -> str:
    """An example as its host reads it after opening this folder."""
    for placeholder, value in PLACEHOLDERS.items():
        text = text.replace(placeholder, value)
    assert "${" not in text
    return text


async def tools_of(server: Server, home: Path) -> list[str]:
    """Start a server as a desktop app does, from another folder and almost without an environment."""
    env = {"PATH": "/usr/bin:/bin", **server.get("env", {}), "HOME": str(home)}
    command = StdioServerParameters(command=server["command"], args=server.get("args", []), env=env, cwd=home)
    async with Client(command) as client:
        return [tool.name for tool in (await client.list_tools()).tools]


@pytest.mark.anyio
@pytest.mark.parametrize("host", HOSTS)
async def test_the_snippet_of_every_host_starts_a_server_that_answers(host: str, bundle: Path, tmp_path: Path) -> None:
    shutil.copy(bundle, tmp_path / "taken here.tar.gz")
    done = run("hosts", host, "--bundle", "taken here.tar.gz", home=tmp_path)
    assert done.returncode == 0, done.stderr
    found = servers(done.stdout)
    assert list(found) == ["terway-bundle"]
    assert found["terway-bundle"]["args"][-2:] == ["--bundle", str(tmp_path / "taken here.tar.gz")]
    assert await tools_of(found["terway-bundle"], tmp_path) == TOOLS


def test_of_one_host_only_the_snippet_goes_to_stdout_and_its_place_to_stderr(empty_home: Path) -> None:
    done = run("hosts", "vscode", home=empty_home)
    assert list(json.loads(done.stdout)) == ["servers"]
    for place in ("macOS", "Windows", "Linux", ".vscode/mcp.json"):
        assert place in done.stderr


def test_without_a_name_every_host_is_told_of_with_its_files(empty_home: Path) -> None:
    done = run("hosts", home=empty_home)
    assert done.stderr == ""
    for word in ("Claude Desktop", "Claude Code", "VS Code", "Cursor", "claude_desktop_config.json", "%APPDATA%"):
        assert word in done.stdout
    assert len(re.findall(r"^claude mcp add ", done.stdout, flags=re.MULTILINE)) == 1


def test_as_json_the_same_snippets_stand_beside_their_command(bundle: Path, empty_home: Path) -> None:
    done = run("hosts", "--json", "--bundle", str(bundle), "--context", "captured here", home=empty_home)
    described = json.loads(done.stdout)
    assert list(described) == list(HOSTS)
    for host in described.values():
        (server,) = servers(host["snippet"]).values()
        told = {"args": [], "env": {}, **server}
        told.pop("type", None)
        assert told == host["server"]
        assert told["args"][-2:] == ["--context", "captured here"]


def test_started_by_its_script_the_script_is_named_and_no_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", [str(SCRIPT)])
    assert launch(parser().parse_args(["hosts"]), {}).command == str(SCRIPT)


@pytest.mark.parametrize(
    ("prefix", "variables", "wanted"),
    [
        ("/home/you/.cache/uv/archive-v0/Xy12", {"UV": "/opt/uv/bin/uv"}, ["/opt/uv/bin/uvx", "terway-mcp"]),
        ("/home/you/.local/share/pipx/venvs/terway-mcp", {}, [str(SCRIPT)]),
        ("/home/you/project/.venv", {"UV": "/opt/uv/bin/uv"}, [str(SCRIPT)]),
    ],
    ids=["uvx throws its environment away", "pipx install keeps it", "uv run keeps it"],
)
def test_an_environment_that_will_be_thrown_away_is_not_named(
    prefix: str, variables: dict[str, str], wanted: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", [str(SCRIPT)])
    monkeypatch.setattr(sys, "prefix", prefix)
    found = launch(parser().parse_args(["hosts"]), variables)
    # Between them may stand where this installation came from; scripts/package starts what is printed then.
    assert [found.command, *found.args[-1:]] == wanted


def test_the_kubeconfig_of_this_shell_is_handed_on_with_absolute_paths(empty_home: Path) -> None:
    pair = os.pathsep.join(["one", "/two"])
    done = run("hosts", "cursor", home=empty_home, env={"KUBECONFIG": pair})
    (server,) = servers(done.stdout).values()
    assert server["env"]["KUBECONFIG"] == os.pathsep.join([str(empty_home / "one"), "/two"])
    assert f"there is no file {empty_home / 'one'}" in done.stderr


def test_an_option_wins_over_the_kubeconfig_of_the_shell(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("")
    done = run("hosts", "generic", "--kubeconfig", "mine", home=tmp_path, env={"KUBECONFIG": "/other"})
    (server,) = servers(done.stdout).values()
    assert server["args"][-2:] == ["--kubeconfig", str(tmp_path / "mine")]
    assert "env" not in server


def test_the_folder_of_a_credential_plugin_is_put_on_the_path(tmp_path: Path) -> None:
    plugin = tmp_path / "tools" / "cloud-login"
    plugin.parent.mkdir()
    plugin.write_text("#!/bin/sh\n")
    plugin.chmod(0o755)
    execution = {"apiVersion": "client.authentication.k8s.io/v1", "command": plugin.name, "interactiveMode": "Never"}
    config = {
        "apiVersion": "v1", "kind": "Config", "current-context": "far",
        "clusters": [{"name": "far", "cluster": {"server": "https://127.0.0.1:1"}}],
        "users": [{"name": "me", "user": {"exec": execution}}],
        "contexts": [{"name": "far", "context": {"cluster": "far", "user": "me"}}],
    }  # fmt: skip
    (tmp_path / "config").write_text(json.dumps(config))
    env = {"KUBECONFIG": "config", "PATH": f"{plugin.parent}:{os.environ['PATH']}"}
    (server,) = servers(run("hosts", "claude-code", home=tmp_path, env=env).stdout).values()
    assert server["env"]["PATH"] == f"{plugin.parent}:/usr/local/bin:/usr/bin:/bin"


def test_a_host_that_nobody_knows_is_answered_with_those_known(empty_home: Path) -> None:
    done = run("hosts", "emacs", home=empty_home)
    assert done.returncode == 2
    assert all(host in done.stderr for host in HOSTS)


@pytest.mark.anyio
@pytest.mark.parametrize("example", EXAMPLES)
async def test_the_example_files_of_this_repository_start_it(example: str, empty_home: Path) -> None:
    found = servers(expanded((ROOT / example).read_text("utf-8")))
    assert list(found) == ["terway", "terway-demo"]
    for server in found.values():
        assert await tools_of(server, empty_home) == TOOLS
