"""Servers as users run them: subprocesses, reached over stdio or a loopback port, ended by their own handle."""

import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

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


class Served(NamedTuple):
    """A running HTTP server: the URL of its endpoint, its process, and the file that its stderr goes to."""

    url: str
    process: subprocess.Popen[str]
    log: Path

    @property
    def root(self) -> str:
        """Scheme, host and port."""
        return self.url.removesuffix("/mcp")

    @property
    def said(self) -> str:
        """What it has written to stderr so far."""
        return self.log.read_text()


@contextmanager
def http_server(*options: str, home: Path) -> Iterator[str]:
    """A Streamable HTTP server on a free loopback port; yields the URL of its MCP endpoint."""
    with served(*options, home=home) as server:
        yield server.url


@contextmanager
def served(
    *options: str, home: Path, env: Mapping[str, str] | None = None, trust: ssl.SSLContext | None = None
) -> Iterator[Served]:
    """The same, with all that a test may want to know of it; over TLS where it says whom to trust.

    `options` may be those of `serve`.
    """
    port = free_port()
    command = [*PROGRAM, "serve", "--transport", "streamable-http", "--port", str(port), *options]
    environment = {**clean_environment(home), **(env or {})}
    log = home / f"stderr-{port}.txt"
    with log.open("w") as stderr:
        process = subprocess.Popen(command, env=environment, cwd=home, text=True, stderr=stderr)
    with ended_afterwards(process):
        root = f"{'https' if trust else 'http'}://127.0.0.1:{port}"
        await_health(process, f"{root}/healthz", log, trust or False)
        yield Served(f"{root}/mcp", process, log)


def await_health(process: subprocess.Popen[str], url: str, log: Path, trust: ssl.SSLContext | bool) -> None:
    """Return once the URL answers; fail when the process ends or the time is over."""
    deadline = time.monotonic() + _START_SECONDS
    with httpx2.Client(timeout=2.0, verify=trust) as client:
        while time.monotonic() < deadline:
            assert process.poll() is None, f"the server ended with {process.returncode}: {log.read_text()}"
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
