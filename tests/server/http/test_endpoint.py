"""The HTTP endpoint itself: who may not talk to it, and what else is served."""

import ssl
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from terway_mcp.server.cli import main
from tests.cluster.certificates import Authority
from tests.server.http.callers import HEADERS, LIST, post
from tests.server.http.conftest import Shared
from tests.server.processes import clean_environment, run, served


def test_the_probe_answers_without_a_cluster_or_a_client(http_url: str) -> None:
    answer = httpx2.get(http_url.replace("/mcp", "/healthz"))
    assert (answer.status_code, answer.text) == (200, "ok")


def test_no_session_is_asked_of_or_given_to_a_client(http_url: str) -> None:
    answer = post(http_url, mcp_protocol_version="2025-11-25")
    assert answer.status_code == 200
    assert "mcp-session-id" not in answer.headers
    assert "inspect_cluster" in answer.text


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "169.254.169.254"])
def test_a_foreign_host_name_is_turned_away(http_url: str, host: str) -> None:
    assert post(http_url, host=host).status_code == 421


def test_a_web_page_of_another_origin_is_turned_away(http_url: str) -> None:
    assert post(http_url, origin="https://evil.example").status_code == 403


@pytest.mark.parametrize("path", ["/", "/healthz/", "/docs", "/mcp/../etc/passwd"])
def test_nothing_else_is_served(http_url: str, path: str) -> None:
    assert httpx2.get(http_url.replace("/mcp", path)).status_code in (307, 404)


@pytest.mark.parametrize("version", ["2025-11-25", "2026-07-28"])
@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
def test_a_stream_that_would_never_say_anything_is_not_opened(http_url: str, method: str, version: str) -> None:
    answer = httpx2.request(method, http_url, headers={**HEADERS, "mcp-protocol-version": version}, timeout=5)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


def test_the_server_answers_under_the_names_it_was_given(shared: Shared) -> None:
    for host in ("mcp.test", "mcp.test:8443", "localhost:1"):
        assert post(shared.server.url, shared.alice, host=host).status_code == 200
    for host in ("mcp.test.evil.example", "evil.example", "xmcp.test"):
        assert post(shared.server.url, shared.alice, host=host).status_code == 421


def test_a_web_page_of_an_allowed_origin_may_ask_first_and_then_call(bundle: Path, tmp_path: Path) -> None:
    page, other = "https://app.example", "https://evil.example"
    with served("--bundle", str(bundle), "--allowed-origin", page, home=tmp_path) as server:
        wish = {"access-control-request-method": "POST", "access-control-request-headers": "authorization,mcp-method"}
        asked = httpx2.options(server.url, headers={"origin": page, **wish})
        assert (asked.status_code, asked.headers["access-control-allow-origin"]) == (200, page)
        called = post(server.url, origin=page)
        assert (called.status_code, called.headers["access-control-allow-origin"]) == (200, page)
        refused = httpx2.options(server.url, headers={"origin": other, **wish})
        assert "access-control-allow-origin" not in refused.headers
        assert post(server.url, origin=other).status_code == 403


def test_a_request_that_is_too_large_is_refused_whether_it_says_so_or_not(bundle: Path, tmp_path: Path) -> None:
    with served("--bundle", str(bundle), "--max-request-bytes", "1000", home=tmp_path) as server:
        large = {**LIST, "params": {"padding": "x" * 1000}}
        assert post(server.url, body=large).status_code == 413
        chunks = (b"x" * 100 for _ in range(20))
        assert httpx2.post(server.url, content=chunks, headers=HEADERS, timeout=10).status_code == 413
        assert post(server.url).status_code == 200


REFUSED = [
    (["--host", "0.0.0.0"], "'0.0.0.0' is not a loopback address"),  # noqa: S104 - refused
    (["--host", "::"], "give --token-file, or --oauth-issuer with --oauth-resource and --oauth-jwks"),
    (["--host", "0.0.0.0", "--allowed-host", "mcp.test"], "must be authenticated"),  # noqa: S104 - refused
    (["--host", "0.0.0.0", "--token-file", "tokens"], "give --allowed-host"),  # noqa: S104 - refused
    (["--allowed-host", "https://mcp.test/mcp"], "--allowed-host must be a host name"),
    (["--allowed-host", "*"], "--allowed-host must be a host name"),
    (["--allowed-origin", "app.example"], "--allowed-origin must be like https://app.example"),
    (["--allowed-origin", "https://app.example/"], "--allowed-origin must be like https://app.example"),
    (["--oauth-issuer", "https://issuer.test"], "OAuth also needs --oauth-resource and --oauth-jwks"),
    (["--oauth-scope", "terway"], "OAuth also needs --oauth-issuer"),
    (["--tls-cert", "cert.pem"], "--tls-cert and --tls-key belong together"),
    (["--tls-cert", "no.pem", "--tls-key", "no.pem"], "TLS certificate no.pem with key no.pem"),
    (["--rate-limit", "-1"], "--rate-limit must be at least 0"),
    (["--max-request-bytes", "0"], "--max-request-bytes must be at least 1"),
    (["--token-file", "nowhere"], "token file nowhere: No such file"),
    (["--audit", "no/such/folder"], "audit file no/such/folder: No such file"),
]


@pytest.mark.parametrize(("options", "said"), REFUSED, ids=[" ".join(options) for options, _ in REFUSED])
def test_options_that_do_not_go_together_end_the_server_with_one_line(
    options: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    store = ["--store", str(tmp_path / "store.db")]
    assert main(["serve", "--transport", "streamable-http", "--port", "0", *store, *options]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert err.count("\n") == 1


def test_lists_may_come_from_the_environment(bundle: Path, tmp_path: Path) -> None:
    env = {"TERWAY_MCP_ALLOWED_HOST": "one.test, two.test", "TERWAY_MCP_RATE_LIMIT": "0"}
    with served("--bundle", str(bundle), home=tmp_path, env=env) as server:
        assert [post(server.url, host=host).status_code for host in ("one.test", "two.test", "three.test")] == [
            200,
            200,
            421,
        ]


def test_the_port_that_kubernetes_tells_of_a_service_is_not_taken_for_ours(tmp_path: Path) -> None:
    done = run("serve", "--help", home=tmp_path, env={"TERWAY_MCP_PORT": "tcp://10.96.0.7:8000"})
    assert done.returncode == 0
    done = run("rbac", home=tmp_path, env={"TERWAY_MCP_PORT": "tcp://10.96.0.7:8000"})
    assert (done.returncode, done.stderr) == (0, "")


def test_with_a_certificate_the_server_speaks_tls(bundle: Path, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    pair = authority.issue("server", addresses=("127.0.0.1",))
    options = ["--tls-cert", str(pair.certificate), "--tls-key", str(pair.key)]
    trust = ssl.create_default_context(cafile=str(authority.path))
    with served("--bundle", str(bundle), *options, home=tmp_path, trust=trust) as server:
        assert server.url.startswith("https://")
        answer = httpx2.post(server.url, json=LIST, headers=HEADERS, verify=trust)
        assert "inspect_cluster" in answer.text


def test_a_signal_to_stop_ends_the_server_at_once_when_nobody_waits_for_an_answer(bundle: Path, tmp_path: Path) -> None:
    with served("--bundle", str(bundle), home=tmp_path) as server:
        assert post(server.url).status_code == 200
        server.process.terminate()
        assert server.process.wait(timeout=5) in (0, -15)
    assert "Traceback" not in server.said


def test_stdio_imports_nothing_of_the_http_server(tmp_path: Path) -> None:
    script = """
import anyio, sys
from mcp import Client
from terway_mcp.cluster.clusters import Clusters
from terway_mcp.server.app import create_server
from terway_mcp.server.cli import main

async def shake_hands():
    async with Client(create_server(Clusters())):
        pass

anyio.run(shake_hands)
ours = {"terway_mcp.server." + name for name in ("audit", "observation")}
ours |= {name for name in sys.modules if name.startswith("terway_mcp.server.http.")}
# The command line of every command must be known.
ours.remove("terway_mcp.server.http.settings")
print(*sorted((ours | {"jwt", "prometheus_client"}) & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], env=clean_environment(tmp_path), capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""
