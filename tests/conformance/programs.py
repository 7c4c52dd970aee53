"""Node.js programs of others: run where scripts/conformance could install them, skipped with the reason elsewhere."""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PINNED = Path(__file__).parent / "node" / "package-lock.json"
INSTALLED = ROOT / ".cache" / "conformance"
MODULES = INSTALLED / "node_modules"
NODE = [str(ROOT / "scripts" / "node"), "node"]

SUITE = MODULES / "@modelcontextprotocol" / "conformance"
INSPECTOR = MODULES / "@modelcontextprotocol" / "inspector" / "clients" / "cli" / "build" / "index.js"
SKILLS = MODULES / "skills" / "bin" / "cli.mjs"


def why_missing() -> str:
    """Why the programs cannot be run here, "" if they can."""
    marker = INSTALLED / "installed.json"
    if not marker.exists():
        return "no Node.js programs are installed: run scripts/conformance --install"
    if marker.read_bytes() != PINNED.read_bytes():
        return "other versions of the Node.js programs are pinned by now: run scripts/conformance --install"
    return ""


needs_node = pytest.mark.skipif(bool(why_missing()), reason=why_missing() or "installed")


@dataclass(frozen=True)
class Ended:
    """A program that has ended: exit code and what it printed."""

    code: int
    out: str
    err: str


def node(
    script: Path, *arguments: str, home: Path, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> Ended:
    """Run a script of Node.js to its end, with an empty home directory and without telemetry."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("npm_", "MCP_", "KUBE"))}
    done = subprocess.run(
        [*NODE, str(script), *arguments],
        cwd=cwd or home,
        env={**kept, "HOME": str(home), "DISABLE_TELEMETRY": "1", "NO_COLOR": "1", **(env or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)
