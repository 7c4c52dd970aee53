"""The .mcpb file: the wheel, a manifest and a project file with which a host's uv installs and starts it."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from release import ROOT, Failed
from release.trial import Step, handshake

SOURCES = ROOT / "deploy" / "mcpb"
_PACKER = "@anthropic-ai/mcpb@2.1.2"
_NODE = "20"


def assemble(wheel: Path, folder: Path) -> Path:
    """Lay the bundle's files out."""
    shutil.copytree(SOURCES, folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(wheel, folder)
    for name in ("README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    return folder


def pack(folder: Path, bundle: Path) -> str:
    """Validate and pack with the format's own tool; returns what it printed.

    Raises:
        Failed: It found fault with the manifest.
    """
    return _mcpb("validate", str(folder / "manifest.json")) + _mcpb("pack", str(folder), str(bundle))


def try_out(bundle: Path, folder: Path, settings: Mapping[str, str]) -> Step:
    """Unpack and start it as a host does after its user filled in the settings."""
    with zipfile.ZipFile(bundle) as packed:
        packed.extractall(folder)
    command, env = as_started(json.loads((folder / "manifest.json").read_text("utf-8")), folder, settings)
    uv = str(Path(sys.executable).with_name("uv"))
    return handshake([uv, *command[1:]], folder, env)


def as_started(
    manifest: Mapping[str, Any], folder: Path, settings: Mapping[str, str]
) -> tuple[list[str], dict[str, str]]:
    """Command and environment that a host makes of a manifest: defaults stand where the user left a field alone."""
    chosen = {name: str(option.get("default", "")) for name, option in manifest["user_config"].items()} | dict(settings)
    values = {"__dirname": str(folder), **{f"user_config.{name}": value for name, value in chosen.items()}}

    def filled(text: str) -> str:
        for name, value in values.items():
            text = text.replace(f"${{{name}}}", value)
        return text

    config = manifest["server"]["mcp_config"]
    command = [filled(word) for word in (config["command"], *config["args"])]
    return command, {name: filled(value) for name, value in config["env"].items()}


def node_is_there() -> bool:
    """Whether scripts/node finds or gets a Node.js; without one no bundle can be packed."""
    return _node("node", "--version").returncode == 0


def _mcpb(*arguments: str) -> str:
    done = _node("npx", "--yes", _PACKER, *arguments)
    if done.returncode:
        raise Failed(f"mcpb {' '.join(arguments)} ended with {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def _node(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(ROOT / "scripts" / "node"), *command],
        env={**os.environ, "TERWAY_MCP_NODE_AT_LEAST": _NODE}, capture_output=True, text=True, check=False,
    )  # fmt: skip
