"""From the start of the process to the answer to `initialize`, beside a bare server of the same SDK."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from shutil import which

from bench.memory import mebibytes
from bench.result import Result, Row, side_by_side
from bench.serving import ROOT

_INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}},
}
_BARE, _OWN, _PEER = "bare server of the SDK", "terway-mcp", "kubernetes-mcp-server (npm)"


def measure(repeats: int) -> Result:
    """Start each server some times, in turns."""
    result = Result("handshake", "From process start to the answer to initialize", "", "ms", ["ms"])
    with tempfile.TemporaryDirectory() as home:
        servers = {
            _BARE: [sys.executable, "-m", "bench.bare_server"],
            _OWN: [sys.executable, "-m", "terway_mcp.server"],
        }
        if peer := which("kubernetes-mcp-server"):
            servers[_PEER] = [peer]
        else:
            result.notes.append("kubernetes-mcp-server is not installed and was left out")
        for command in servers.values():
            _start(command, home)
        found = side_by_side(repeats, *(partial(_start, command, home) for command in servers.values()))
    floor = found[0][0]
    for name, (seconds, resident) in zip(servers, found, strict=True):
        values = {"ms": seconds * 1000, "RSS MiB": resident, "x bare": seconds / floor}
        result.rows.append(Row(name, values, len(result.rows)))
    return result


def _start(command: Sequence[str], home: str) -> float:
    """Resident memory in MiB once the handshake is answered; 0 where the system does not tell."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("KUBE", "TERWAY_MCP_"))}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT,
        env={**kept, "HOME": home},
    ) as process:  # fmt: skip
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("no pipes")
        process.stdin.write(json.dumps(_INITIALIZE) + "\n")
        process.stdin.flush()
        answer = process.stdout.readline()
        resident = mebibytes(process.pid, "VmRSS")
        process.stdin.close()
    if '"result"' not in answer:
        raise RuntimeError(f"{command[-1]} did not answer initialize")
    return resident
