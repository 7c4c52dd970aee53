"""Servers as users run them: subprocesses, reached over stdio or a loopback port, ended by their own handle."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx2
from mcp import StdioServerParameters

_START_SECONDS = 20.0
_END_SECONDS = 10.0
PROGRAM = [sys.executable, "-m", "terway_mcp.server"]


def clean_environment(home: Path) -> dict[str, str]:
    """An environment without any way to a cluster: an empty home and no Kubernetes or terway-mcp variables."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("KUBE", "TERWAY_MCP_", "COLUMNS", "XDG_"))
    }
    return {**kept, "HOME": str(home)}


def run(*arguments: str, home: Path, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """One command to its end."""
    return subprocess.run(
        [*PROGRAM, *arguments],
        env={**clean_environment(home), **(env or {})},
        cwd=home,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def stdio(*options: str, home: Path) -> StdioServerParameters:
    """How the SDK's client starts the stdio server; the cluster variables of this process do not reach it."""
    return StdioServerParameters(command=PROGRAM[0], args=[*PROGRAM[1:], *options], env={"HOME": str(home)})


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def ended_afterwards(process: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    """Terminate exactly this process when the block ends, and wait for it."""
    try:
        with process:
            try:
                yield process
            finally:
                process.terminate()
                process.wait(timeout=_END_SECONDS)
    finally:
        process.kill()


@contextmanager
def http_server(*options: str, home: Path) -> Iterator[str]:
    """A Streamable HTTP server on a free loopback port; yields the URL of its MCP endpoint."""
    port = free_port()
    command = [*PROGRAM, *options, "serve", "--transport", "streamable-http", "--port", str(port)]
    process = subprocess.Popen(command, env=clean_environment(home), cwd=home, text=True)
    with ended_afterwards(process):
        await_health(process, f"http://127.0.0.1:{port}/healthz")
        yield f"http://127.0.0.1:{port}/mcp"


def await_health(process: subprocess.Popen[str], url: str) -> None:
    """Return once the URL answers; fail when the process ends or the time is over."""
    deadline = time.monotonic() + _START_SECONDS
    with httpx2.Client(timeout=2.0) as client:
        while time.monotonic() < deadline:
            assert process.poll() is None, f"the server ended with {process.returncode} instead of serving {url}"
            try:
                if client.get(url).status_code == 200:
                    return
            except httpx2.TransportError:
                # Not listening yet. Waiting on the process instead of sleeping notices its end at once.
                try:
                    process.wait(timeout=0.05)
                except subprocess.TimeoutExpired:
                    continue
    raise AssertionError(f"{url} did not answer within {_START_SECONDS:.0f} s")
