"""What operators see: probes, metrics, and the audit of calls. None of it says what a cluster holds."""

import json
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from mcp import Client
from mcp.client.stdio import stdio_client

from terway_mcp.cluster.scenarios.scenario import Scenario
from terway_mcp.server.http.probes import Readiness
from terway_mcp.server.http.serve import _WITHOUT_LIBRARY
from tests.server.http.callers import calling, post
from tests.server.http.conftest import Shared
from tests.server.http.issuer import RESOURCE, issuing
from tests.server.processes import free_port, run, served, stdio
from tests.server.talk import Talk

NODE = "cn-hangzhou.10.0.1.21"


def test_probes_need_no_token_and_no_known_host(shared: Shared) -> None:
    for path, body in (("/healthz", "ok"), ("/readyz", '{"store":"ok","knowledge":"ok"}')):
        answer = httpx2.get(shared.server.root + path, headers={"host": "10.0.0.7:8000"})
        assert (answer.status_code, answer.text) == (200, body)


def test_a_server_without_a_cluster_is_ready_to_say_so(tmp_path: Path) -> None:
    with served("--kubeconfig", str(tmp_path / "none"), home=tmp_path) as server:
        assert httpx2.get(f"{server.root}/readyz").status_code == 200


def test_a_server_that_cannot_write_its_store_is_not_ready_and_tells_why_only_in_its_log(
    bundle: Path, tmp_path: Path
) -> None:
    store = tmp_path / "secret-place.db"
    with served("--bundle", str(bundle), "--store", str(store), home=tmp_path) as server:
        assert httpx2.get(f"{server.root}/readyz").status_code == 200
        with closing(sqlite3.connect(store, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            answer = _once_it_says(server.root, 503)
        assert answer.json()["store"] == "failing"
        assert "secret-place" not in answer.text
        assert httpx2.get(f"{server.root}/healthz").status_code == 200
        assert "not ready: store" in server.said


def _once_it_says(root: str, status: int) -> httpx2.Response:
    """An answer is remembered for a second."""
    deadline = time.monotonic() + 10
    while (answer := httpx2.get(f"{root}/readyz")).status_code != status:
        assert time.monotonic() < deadline, f"never {status}"
    return answer


def test_a_server_with_knowledge_that_cannot_be_read_is_not_ready(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("about: nothing\nentries: 7\n")
    with served("--bundle", str(bundle), "--knowledge", str(tmp_path / "own.yaml"), home=tmp_path) as server:
        answer = httpx2.get(f"{server.root}/readyz")
        assert (answer.status_code, answer.json()) == (503, {"store": "ok", "knowledge": "failing"})


def test_a_server_is_ready_once_it_has_the_keys_of_its_issuer(bundle: Path, tmp_path: Path) -> None:
    with issuing() as issuer:
        options = ["--oauth-issuer", issuer.name, "--oauth-resource", RESOURCE, "--oauth-jwks", issuer.api.url]
        with served("--bundle", str(bundle), *options, home=tmp_path) as server:
            assert httpx2.get(f"{server.root}/readyz").json()["oauth"] == "ok"
        issuer.down = True
        with served("--bundle", str(bundle), *options, home=tmp_path) as server:
            answer = httpx2.get(f"{server.root}/readyz")
            assert (answer.status_code, answer.json()["oauth"]) == (503, "failing")
            assert "HTTP 503" in server.said


@pytest.mark.anyio
async def test_a_check_that_hangs_fails_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("terway_mcp.server.http.probes._CHECK_SECONDS", 0.05)
    answer = await Readiness({"store": anyio.sleep_forever}).readyz(None)  # type: ignore[arg-type]
    assert (answer.status_code, bytes(answer.body)) == (503, b'{"store":"failing"}')


def samples(text: str) -> dict[str, float]:
    """Metrics by name with labels, as Prometheus reads them."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}


@pytest.mark.anyio
async def test_calls_are_counted_by_tool_and_status(bundle: Path, tmp_path: Path) -> None:
    with served("--bundle", str(bundle), home=tmp_path) as server:
        async with calling(server.url) as talk:
            investigation = await talk.opened()
            await talk.call("inspect_node", investigation=investigation, node=NODE)
            await talk.call("inspect_node", investigation=investigation, node="Not A Name")
            await talk.client.call_tool("no_such_tool", {})
        page = httpx2.get(f"{server.root}/metrics")
    assert page.headers["content-type"].startswith("text/plain")
    found = samples(page.text)
    assert found['terway_mcp_calls_total{status="ok",tool="inspect_cluster"}'] == 1
    assert found['terway_mcp_calls_total{status="ok",tool="inspect_node"}'] == 1
    assert found['terway_mcp_calls_total{status="invalid",tool="inspect_node"}'] == 1
    assert found['terway_mcp_calls_total{status="error",tool="unknown"}'] == 1
    assert found['terway_mcp_calls_in_flight{tool="inspect_node"}'] == 0
    assert found['terway_mcp_call_seconds_count{tool="inspect_node"}'] == 2
    assert found['terway_mcp_answer_bytes_sum{tool="inspect_cluster"}'] > 500
    assert found['terway_mcp_http_responses_total{status="200"}'] >= 4
    assert found["process_resident_memory_bytes"] > 10_000_000
    assert NODE not in page.text
    assert investigation not in page.text


def test_metrics_beside_authentication_have_a_port_of_their_own(bundle: Path, tmp_path: Path) -> None:
    port, token = free_port(), run("token", "alice", "--token-file", str(tmp_path / "tokens"), home=tmp_path).stdout
    options = ["--token-file", str(tmp_path / "tokens"), "--metrics-port", str(port)]
    with served("--bundle", str(bundle), *options, home=tmp_path) as server:
        assert [post(server.url, given).status_code for given in ("", token.strip())] == [401, 200]
        assert httpx2.get(f"{server.root}/metrics").status_code == 404
        found = samples(httpx2.get(f"http://127.0.0.1:{port}/metrics").text)
    assert found['terway_mcp_http_responses_total{status="401"}'] == 1
    assert found['terway_mcp_http_responses_total{status="200"}'] == 1


def test_without_a_port_of_their_own_metrics_are_not_shown_where_callers_authenticate(shared: Shared) -> None:
    assert httpx2.get(f"{shared.server.root}/metrics").status_code == 404


def test_a_web_page_under_its_own_name_does_not_get_the_metrics(http_url: str) -> None:
    assert httpx2.get(http_url.replace("/mcp", "/metrics"), headers={"host": "evil.example"}).status_code == 421


def test_a_metrics_port_that_is_taken_ends_the_server_with_a_reason(
    bundle: Path, shared: Shared, tmp_path: Path
) -> None:
    taken = shared.server.root.rpartition(":")[2]
    options = ["--bundle", str(bundle), "--port", str(free_port()), "--metrics-port", taken]
    done = run("serve", "--transport", "streamable-http", *options, home=tmp_path)
    assert (done.returncode, f"cannot listen on 127.0.0.1:{taken}" in done.stderr) == (1, True)


def test_without_the_library_the_server_runs_and_says_what_metrics_need(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "without.py").write_text(
        "import importlib.util, sys\n"
        "find = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *rest: None if name == 'prometheus_client' else find(name, *rest)\n"
        "from terway_mcp.server.cli import main\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    command = [sys.executable, str(tmp_path / "without.py"), "serve", "--transport", "streamable-http"]
    command += ["--store", str(tmp_path / "store.db"), "--port", str(free_port()), "--metrics-port", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (1, f"terway-mcp: {_WITHOUT_LIBRARY}\n")


def lines_of(audit: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in audit.splitlines()]


@pytest.mark.anyio
@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_every_call_leaves_one_line_that_says_who_asked_for_what_and_nothing_else(
    shared: Shared, vswitch_exhausted: Scenario, mode: str
) -> None:
    before = len(shared.audit.read_text().splitlines())
    pod = {"namespace": "shop", "pod": vswitch_exhausted.pod}
    async with calling(shared.server.url, shared.alice, mode) as talk:
        investigation = await talk.opened(symptom="the CEO's laptop cannot reach payroll")
        await talk.call("inspect_pod", investigation=f"`{investigation}`", **pod)
        await talk.call("get_events", investigation=investigation, **pod, skip_reason="I swear")
        await talk.call("inspect_node", investigation="my password", node="a\nb\x1b[2J")
        await talk.call("get_events", investigation=investigation, namespace="shop", workload="deployment/web")
        await talk.client.read_resource(f"terway://investigations/{investigation}/report")
        await talk.client.read_resource("terway://sop")
    lines = lines_of(shared.audit.read_text())[before:]
    short = investigation[:8]
    assert [(line["tool"], line["target"], line["investigation"], line["status"]) for line in lines] == [
        ("inspect_cluster", {}, short, "ok"),
        ("inspect_pod", pod, short, "ok"),
        ("get_events", pod, short, "ok"),
        ("inspect_node", {}, "", "unknown_investigation"),
        ("get_events", {"namespace": "shop", "workload": "deployment/web"}, short, "no_data"),
        ("report", {}, short, "ok"),
    ]
    parts = ["time", "caller", "tool", "target", "investigation", "status", "bytes", "ms"]
    assert all(list(line) == parts for line in lines)
    assert {line["caller"] for line in lines} == {"alice"}
    assert all(line["bytes"] > 100 and line["ms"] > 0 for line in lines)
    text = shared.audit.read_text()
    for private in ("payroll", "swear", "password", investigation, "IpNotEnough", shared.alice, "\x1b"):
        assert private not in text


def test_the_audit_is_for_its_owner_only(shared: Shared) -> None:
    assert shared.audit.stat().st_mode & 0o777 == 0o600


@pytest.mark.anyio
async def test_an_audit_that_is_moved_away_is_begun_anew(bundle: Path, tmp_path: Path) -> None:
    audit = tmp_path / "audit.jsonl"
    with served("--bundle", str(bundle), "--audit", str(audit), home=tmp_path) as server:
        async with calling(server.url) as talk:
            await talk.opened()
            audit.rename(tmp_path / "audit.jsonl.1")
            await talk.opened()
    assert [len(lines_of(path.read_text())) for path in (audit, tmp_path / "audit.jsonl.1")] == [1, 1]
    assert audit.stat().st_mode & 0o777 == 0o600


@pytest.mark.anyio
async def test_an_audit_that_can_no_longer_be_written_keeps_no_answer_back(bundle: Path, tmp_path: Path) -> None:
    folder = tmp_path / "audit"
    folder.mkdir()
    with served("--bundle", str(bundle), "--audit", str(folder / "lines"), home=tmp_path) as server:
        async with calling(server.url) as talk:
            await talk.opened()
            folder.rename(tmp_path / "away")
            await talk.opened()
            await talk.opened()
            (tmp_path / "away").rename(folder)
            await talk.opened()
    assert len(lines_of((folder / "lines").read_text())) == 2


@pytest.mark.anyio
@pytest.mark.parametrize(("options", "lines"), [([], 1), (["--audit", "none"], 0), (["--audit", "-"], 1)])
async def test_over_http_the_audit_goes_to_stderr_unless_it_is_wanted_elsewhere(
    options: list[str], lines: int, bundle: Path, tmp_path: Path
) -> None:
    with served("--bundle", str(bundle), *options, home=tmp_path) as server:
        async with calling(server.url) as talk:
            await talk.opened()
    found = lines_of(server.said)
    assert [(line["caller"], line["tool"]) for line in found] == [("local", "inspect_cluster")] * lines


@pytest.mark.anyio
@pytest.mark.parametrize(("options", "lines"), [(["--audit", "-"], 1), ([], 0), (["serve", "--audit", "-"], 1)])
async def test_on_stdio_nothing_is_written_unless_it_is_asked_for(
    options: list[str], lines: int, bundle: Path, tmp_path: Path
) -> None:
    with (tmp_path / "stderr").open("w") as errors:
        command = stdio("--bundle", str(bundle), *options, home=tmp_path)
        async with Client(stdio_client(command, errlog=errors)) as client:
            await (await Talk.begin(client)).opened()
    assert len(lines_of((tmp_path / "stderr").read_text())) == lines
