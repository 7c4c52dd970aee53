"""What the image of the Dockerfile would run, run without a container engine.

The same installation in the same shape: an environment without pip, a user by number, no home, nothing of this
environment's variables, and where this machine allows it a file system on which only /tmp can be written.
"""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx2

from release import ROOT, Failed
from release.trial import Step, handshake

_DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
_START_SECONDS = 20.0
_READ_ONLY = 'mount --make-rprivate / && mount --bind "$1" "$1" && mount -o remount,ro,bind / && shift && exec "$@"'


def as_an_image(wheel: Path, folder: Path) -> list[Step]:
    """Install as the build stage does, then start both kinds of server as the final stage does.

    Raises:
        Failed: Something does not work for that user there.
    """
    user = re.findall(r"^USER (\d+:\d+)$", _DOCKERFILE, flags=re.MULTILINE)[0]
    interpreter = _interpreter(user)
    if interpreter is None:
        return [Step("as in an image", f"skipped: only root can become user {user}, who needs a Python he may run", 0)]
    home, state = folder / "terway-mcp", folder / "tmp"
    _install(interpreter, wheel, home)
    state.mkdir()
    state.chmod(0o777)
    confined, how = _confinement(user, state)
    clean = ["env", "-i", f"PATH={home}/bin:/usr/bin:/bin", f"XDG_STATE_HOME={state}", "PYTHONDONTWRITEBYTECODE=1"]
    command = [*confined, *clean, str(home / "bin" / "terway-mcp")]
    stdio = handshake(command, Path("/"))
    begun = time.perf_counter()
    seen = _over_http(command, home, state)
    return [
        Step(f"stdio as user {user}, {how}", stdio.seen, stdio.seconds),
        Step(f"HTTP as user {user}, {how}", seen, time.perf_counter() - begun),
    ]


def _as(user: str) -> list[str]:
    number, group = user.split(":")
    return ["setpriv", f"--reuid={number}", f"--regid={group}", "--clear-groups", "--no-new-privs"]


def _interpreter(user: str) -> str | None:
    """A Python that the user may run; the one of this environment may lie in a folder of root's."""
    if os.geteuid() != 0:
        return None
    new_enough = ["-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
    for python in (os.path.realpath(sys.executable), "/usr/bin/python3", "/usr/local/bin/python3"):
        # By way of env: setpriv itself may still start what only root may.
        command = [*_as(user), "env", python, *new_enough]
        if subprocess.run(command, cwd="/", capture_output=True, check=False).returncode == 0:
            return python
    return None


def _install(interpreter: str, wheel: Path, home: Path) -> None:
    extras = re.findall(r'"\.\[([a-z,]+)\]"', _DOCKERFILE)[0]
    uv = str(Path(sys.executable).with_name("uv"))
    for step in (
        ["venv", "--python", interpreter, str(home)],
        ["pip", "install", "--python", str(home), "--link-mode=copy", f"terway-mcp[{extras}] @ {wheel.as_uri()}"],
    ):
        done = subprocess.run([uv, *step], capture_output=True, text=True, check=False)
        if done.returncode:
            raise Failed(f"uv {' '.join(step)}\n{done.stderr}")


def _confinement(user: str, state: Path) -> tuple[list[str], str]:
    """How to start a command with nothing but `state` to write to, and a word for what became of it."""
    read_only = ["unshare", "--mount", "sh", "-c", _READ_ONLY, "sh", str(state)]
    if subprocess.run([*read_only, "true"], capture_output=True, check=False).returncode == 0:
        return [*read_only, *_as(user)], "read-only"
    return _as(user), "no write permission"


def _over_http(command: Sequence[str], home: Path, state: Path) -> str:
    """Make a token, serve, and ask what probes and callers ask."""
    tokens = state / "tokens"
    token = [*command, "token", "oncall", "--token-file", str(tokens)]
    made = subprocess.run(token, cwd="/", capture_output=True, check=False)
    if made.returncode:
        raise Failed(f"terway-mcp token\n{made.stderr.decode()}")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url, serve = f"http://127.0.0.1:{port}", ["serve", "--transport=streamable-http", f"--port={port}"]
    with _serving([*command, *serve, f"--token-file={tokens}"], f"{url}/healthz") as served:
        check = [str(home / "bin" / "python"), str(ROOT / "deploy" / "healthcheck.py"), str(served.pid)]
        ready = httpx2.get(f"{url}/readyz").status_code
        refused = httpx2.post(f"{url}/mcp", json={}).status_code
        healthy = subprocess.run(check, check=False).returncode
    seen = f"readyz {ready}, without a token {refused}, health check {healthy}, ended with {served.returncode}"
    if (ready, refused, healthy) != (200, 401, 0):
        raise Failed(f"as in an image: {seen}")
    return seen


@contextmanager
def _serving(command: Sequence[str], probe: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A server from its first healthy answer to its end."""
    process = subprocess.Popen(command, cwd="/")
    try:
        deadline = time.monotonic() + _START_SECONDS
        while not _answers(probe):
            if process.poll() is not None or time.monotonic() > deadline:
                raise Failed("as in an image the HTTP server does not start")
        yield process
    finally:
        process.terminate()
        process.wait(timeout=_START_SECONDS)


def _answers(probe: str) -> bool:
    try:
        return httpx2.get(probe).status_code == 200
    except httpx2.TransportError:
        time.sleep(0.05)
        return False
