"""`terway-mcp hosts`: what each MCP host is told about this server, and in which file."""

import json
import shlex
import sys
from collections.abc import Callable
from typing import Any

import msgspec

from terway_mcp.server.launch import Launch
from terway_mcp.server.options import HOSTS


class Host(msgspec.Struct, frozen=True):
    """An MCP host: where its configuration is, by operating system or scope, and what it looks like."""

    title: str
    places: dict[str, str]
    snippet: Callable[[str, Launch], str]


def run_hosts(launch: Launch, host: str | None, *, as_json: bool) -> int:
    """Print the snippets of one host or of all.

    Of one host only the snippet goes to stdout, so that it can be piped into a file; where it belongs goes to stderr.
    """
    for remark in launch.remarks:
        _tell(f"terway-mcp: {remark}")
    wanted = [host] if host else list(HOSTS)
    name = server_name(launch)
    if as_json:
        print(json.dumps({host: _described(host, name, launch) for host in wanted}, ensure_ascii=False))  # noqa: T201
        return 0
    for number, each in enumerate(wanted):
        known = _KNOWN[each]
        heading = "\n".join([known.title, *(f"  {where:<8} {path}" for where, path in known.places.items())])
        if host:
            _tell(heading)
        else:
            print(f"{'' if number == 0 else chr(10)}{heading}\n")  # noqa: T201
        print(known.snippet(name, launch), flush=True)  # noqa: T201
    return 0


def server_name(launch: Launch) -> str:
    """What a host calls the server; a bundle may be attached beside a live cluster."""
    return "terway-bundle" if "--bundle" in launch.args else "terway"


def _described(host: str, name: str, launch: Launch) -> dict[str, Any]:
    known = _KNOWN[host]
    server = {"command": launch.command, "args": launch.args, "env": launch.env}
    return {"title": known.title, "places": known.places, "snippet": known.snippet(name, launch), "server": server}


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201


def _entry(launch: Launch) -> dict[str, Any]:
    return {
        "command": launch.command,
        **({"args": launch.args} if launch.args else {}),
        **({"env": launch.env} if launch.env else {}),
    }


def _mcp_servers(name: str, launch: Launch) -> str:
    return json.dumps({"mcpServers": {name: _entry(launch)}}, indent=2, ensure_ascii=False)


def _typed_mcp_servers(name: str, launch: Launch) -> str:
    return json.dumps({"mcpServers": {name: {"type": "stdio", **_entry(launch)}}}, indent=2, ensure_ascii=False)


def _vscode(name: str, launch: Launch) -> str:
    return json.dumps({"servers": {name: {"type": "stdio", **_entry(launch)}}}, indent=2, ensure_ascii=False)


def _claude_code(name: str, launch: Launch) -> str:
    variables = [word for variable, value in launch.env.items() for word in ("--env", f"{variable}={value}")]
    words = ["claude", "mcp", "add", *variables, "--transport", "stdio", name, "--", launch.command, *launch.args]
    return shlex.join(words)


_KNOWN = {
    "claude-desktop": Host(
        "Claude Desktop: Settings, Developer, Edit Config",
        {
            "macOS": "~/Library/Application Support/Claude/claude_desktop_config.json",
            "Windows": r"%APPDATA%\Claude\claude_desktop_config.json",
            "Linux": "~/.config/Claude/claude_desktop_config.json",
        },
        _mcp_servers,
    ),
    "claude-code": Host(
        "Claude Code: run this in the project, or add --scope user for all of yours",
        {"user": "~/.claude.json", "project": ".mcp.json"},
        _claude_code,
    ),
    "vscode": Host(
        "VS Code: command `MCP: Open User Configuration`, or for one workspace `.vscode/mcp.json`",
        {
            "macOS": "~/Library/Application Support/Code/User/mcp.json",
            "Windows": r"%APPDATA%\Code\User\mcp.json",
            "Linux": "~/.config/Code/User/mcp.json",
            "project": ".vscode/mcp.json",
        },
        _vscode,
    ),
    "cursor": Host(
        "Cursor: Settings, MCP, or one of these files",
        {"user": "~/.cursor/mcp.json", "project": ".cursor/mcp.json"},
        _mcp_servers,
    ),
    "generic": Host(
        "Any other host that starts stdio servers; look up where its list `mcpServers` is",
        {},
        _typed_mcp_servers,
    ),
}
