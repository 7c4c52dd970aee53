"""From the start of the process to the answer to `initialize`, beside a bare server of the same SDK."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from shutil import which

from bench import big_cluster
from bench.memory import resident_with_children
from bench.peers import ABSENT, PEER
from bench.result import Result, Row, side_by_side
from bench.serving import ROOT, served

_INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}},
}
_BARE, _OWN = "bare server of the SDK", "terway-mcp"


def measure(repeats: int) -> Result:
    """Start each server some times, in turns; the fastest start is the one nothing else disturbed."""
    result = Result("handshake", "From process start to the answer to initialize", "", "ms", ["ms"])
    with tempfile.TemporaryDirectory() as home, _any_cluster(Path(home)) as kubeconfig:
        servers = {
            _BARE: [sys.executable, "-m", "bench.bare_server"],
            _OWN: [sys.executable, "-m", "terway_mcp.server"],
        }
        if peer := which(PEER):
            servers[PEER] = [peer, "--kubeconfig", str(kubeconfig)]
            result.notes.append(f"{PEER} was given a kubeconfig, without one it ends")
        else:
            result.notes.append(ABSENT)
        for command in servers.values():
            _start(command, home)
        found = side_by_side(repeats, *(partial(_start, command, home) for command in servers.values()), of=min)
    floor = found[0][0]
    for name, (seconds, resident) in zip(servers, found, strict=True):
        values = {"ms": seconds * 1000, "RSS MiB": resident, "x bare": seconds / floor}
        result.rows.append(Row(name, values, len(result.rows)))
    return result


@contextmanager
def _any_cluster(folder: Path) -> Iterator[Path]:
    """A kubeconfig of a cluster that answers, for servers that do not start without."""
    with served(big_cluster.write(folder / "cluster", nodes=1).path) as api:
        yield api.kubeconfig(folder)


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
        resident = resident_with_children(process.pid)
        process.stdin.close()
    if '"result"' not in answer:
        raise RuntimeError(f"{command} did not answer initialize")
    return resident
