"""The Dockerfile, checked without building it; `scripts/package` also runs what the image would."""

import fnmatch
import json
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from release import ROOT
from release.distribution import project_files
from terway_mcp.server import __version__
from tests.server.processes import clean_environment, ended_afterwards, free_port, served

DOCKERFILE = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text("utf-8"))
STAGES = DOCKERFILE.split("\nFROM ")[1:]
HEALTHCHECK = ROOT / "deploy" / "healthcheck.py"


def instructions(name: str, text: str = DOCKERFILE) -> list[str]:
    return re.findall(rf"^\s*{name} (.+)$", text, flags=re.MULTILINE)


def copied() -> list[str]:
    """What is copied from the checkout."""
    return [word for line in instructions("COPY") if "--from" not in line for word in line.split()[:-1]]


def reaches_the_build(name: str) -> bool:
    """What .dockerignore lets through: the last pattern that matches decides."""
    verdict = True
    for line in (ROOT / ".dockerignore").read_text("utf-8").split():
        pattern = line.removeprefix("!")
        places = [str(place) for place in (Path(name), *Path(name).parents)]
        if pattern.startswith("**/"):
            matching = {pattern.removeprefix("**/")} & set(Path(name).parts)
        else:
            depth = pattern.count("/")
            matching = {place for place in places if fnmatch.fnmatch(place, pattern) and place.count("/") == depth}
        if matching:
            verdict = line.startswith("!")
    return verdict


def test_hadolint_finds_nothing_to_complain_about() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    if not hadolint.exists():
        pytest.skip("./scripts/package --install-only brings hadolint, where there is one for the platform")
    done = subprocess.run([hadolint, "--no-color", "Dockerfile"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_everything_copied_exists_and_is_let_through_by_the_dockerignore() -> None:
    assert copied()
    for name in copied():
        files = [str(file) for file in project_files() if file.is_relative_to(name.rstrip("/"))]
        assert files, name
        assert [file for file in files if not reaches_the_build(file)] == []


def test_nothing_else_is_sent_to_the_build() -> None:
    wanted = tuple(name.rstrip("/") for name in copied())
    sent = [str(file) for file in project_files() if reaches_the_build(str(file))]
    assert [file for file in sent if not any(Path(file).is_relative_to(name) for name in wanted)] == []
    assert not reaches_the_build("cluster/__pycache__/names.cpython-313.pyc")


def test_every_package_of_the_project_is_copied() -> None:
    packages = {str(file.parent) for file in project_files() if file.name == "__init__.py"}
    top = {package.split("/")[0] for package in packages} - {"tests", "bench", "release"}
    assert top <= {name.rstrip("/") for name in copied()}


def test_the_image_runs_as_a_user_by_number_from_a_folder_of_the_first_stage() -> None:
    final = STAGES[-1]
    (user,) = instructions("USER", final)
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)
    (entry,) = instructions("ENTRYPOINT", final)
    (home,) = (line.split()[-1] for line in instructions("COPY", final))
    assert json.loads(entry) == [f"{home}/bin/terway-mcp"]
    (check,) = instructions("HEALTHCHECK", final)
    words = json.loads(check.partition("CMD ")[2])
    assert words == [f"{home}/bin/python", f"{home}/{HEALTHCHECK.name}"]
    assert not re.search(r"curl|wget|apt-get", DOCKERFILE)


def test_nothing_is_cached_in_the_image_and_its_label_tells_the_version() -> None:
    installs = [line for line in instructions("RUN") if " install" in line]
    assert installs
    assert all("--no-cache-dir" in line for line in installs)
    assert f'org.opencontainers.image.version="{__version__}"' in DOCKERFILE


def checked(process: "subprocess.Popen[str]", home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(HEALTHCHECK), str(process.pid)],
        env=clean_environment(home), capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip


def test_the_health_of_an_http_server_is_that_of_its_port(bundle: Path, tmp_path: Path) -> None:
    with served("--bundle", str(bundle), home=tmp_path) as server:
        assert checked(server.process, tmp_path).returncode == 0


@contextmanager
def answering_on(address: str) -> Iterator[tuple[int, list[str]]]:
    """A port of an IPv6 address where every GET is answered with 200, and the Host headers that came there."""
    hosts: list[str] = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            hosts.append(self.headers["host"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    class Listener(ThreadingHTTPServer):
        address_family = socket.AF_INET6

    with Listener((address, 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield int(server.server_address[1]), hosts
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("host", ["::1", "::", "0:0:0:0:0:0:0:0", "::0"])
def test_a_server_on_an_ipv6_address_is_asked_there(tmp_path: Path, host: str) -> None:
    with answering_on("::1") as (port, hosts):
        given = ["terway-mcp", "serve", "--transport=streamable-http", f"--host={host}", f"--port={port}"]
        process = subprocess.Popen([sys.executable, "-c", "input()", *given], stdin=subprocess.PIPE, text=True)
        with ended_afterwards(process):
            done = checked(process, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert hosts == [f"[::1]:{port}"]


def test_a_server_that_does_not_answer_is_unhealthy(tmp_path: Path) -> None:
    idle = ["-c", "input()", "terway-mcp", "serve", "--transport=streamable-http", f"--port={free_port()}"]
    process = subprocess.Popen([sys.executable, *idle], stdin=subprocess.PIPE, text=True)
    with ended_afterwards(process):
        done = checked(process, tmp_path)
    assert done.returncode == 1
    assert "refused" in done.stderr


def test_a_stdio_server_is_healthy_as_long_as_it_lives(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()", "terway-mcp"], stdin=subprocess.PIPE, text=True)
    with ended_afterwards(process):
        assert checked(process, tmp_path).returncode == 0
