"""The command line as a user runs it: output, exit codes, environment, and the API for kubectl."""

import argparse
import json
import os
import re
import signal
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
import pytest
from mcp import Client

from terway_mcp.cluster.clusters import Clusters
from terway_mcp.cluster.errors import InvalidInput
from terway_mcp.cluster.loopback import is_loopback, listen
from terway_mcp.cluster.scenarios.catalog import SCENARIOS, bundle_path
from terway_mcp.cluster.scenarios.config import ACCESS_KEY
from terway_mcp.cluster.scenarios.scenario import Scenario
from terway_mcp.server import __version__
from terway_mcp.server.agent import Question, investigate
from terway_mcp.server.app import create_server
from terway_mcp.server.options import parser
from tests.server.processes import PROGRAM, clean_environment, ended_afterwards, free_port, http_server, run

NO_VERDICT_CAN_BE_REACHED = 3


def diagnosed(output: str) -> dict[str, Any]:
    """The one JSON object that `diagnose --json` prints."""
    found: dict[str, Any] = json.loads(output)
    assert list(found)[:5] == ["verdict", "findings", "timeline", "calls", "report_markdown"]
    return found


@pytest.fixture(scope="module")
def diagnosis(bundle: Path, vswitch_exhausted: Scenario, empty_home: Path) -> subprocess.CompletedProcess[str]:
    arguments = ["--bundle", str(bundle), "-n", "shop", vswitch_exhausted.pod, "--json"]
    return run("diagnose", *arguments, home=empty_home)


def test_a_diagnosis_is_one_json_object_with_verdict_calls_and_report(
    diagnosis: subprocess.CompletedProcess[str], vswitch_exhausted: Scenario
) -> None:
    assert diagnosis.returncode == 0, diagnosis.stderr
    assert diagnosis.stderr == ""
    found = diagnosed(diagnosis.stdout)
    assert set(found) == {"verdict", "findings", "timeline", "calls", "report_markdown"}
    assert found["verdict"]["category"] == vswitch_exhausted.truth.category
    assert set(found["verdict"]) == {"category", "confidence", "title", "root_cause", "affected", "evidence"}
    assert found["findings"]
    assert found["timeline"]
    assert all(list(call) == ["tool", "status", "bytes", "ms"] for call in found["calls"])
    assert found["report_markdown"].startswith(f"# {found['verdict']['title']}")


def test_a_diagnosis_stays_within_six_calls_and_eight_thousand_tokens(
    diagnosis: subprocess.CompletedProcess[str],
) -> None:
    calls = diagnosed(diagnosis.stdout)["calls"]
    total = sum(call["bytes"] for call in calls)
    print(f"{len(calls)} calls, {total:,} bytes, about {total // 4:,} tokens")
    assert len(calls) <= 6
    assert total / 4 <= 8_000
    assert max(call["bytes"] for call in calls) / 4 <= 6_000


def test_a_workload_can_be_diagnosed(bundle: Path, empty_home: Path, vswitch_exhausted: Scenario) -> None:
    done = run("diagnose", "--bundle", str(bundle), "-n", "shop", "deployment/web", "--json", home=empty_home)
    assert done.returncode == 0, done.stderr
    assert diagnosed(done.stdout)["verdict"]["category"] == vswitch_exhausted.truth.category


@pytest.mark.parametrize("target", ["no-such-pod", "deployment/no-such-deployment"])
def test_a_target_that_does_not_exist_gets_no_verdict_about_another(
    bundle: Path, empty_home: Path, target: str
) -> None:
    done = run("diagnose", "--bundle", str(bundle), "-n", "shop", target, "--json", home=empty_home)
    assert done.returncode == 1
    assert diagnosed(done.stdout)["verdict"] is None
    assert "there is no" in diagnosed(done.stdout)["error"]


def test_without_a_target_the_worst_suspect_of_the_bundle_in_the_environment_is_diagnosed(
    bundle: Path, vswitch_exhausted: Scenario, empty_home: Path
) -> None:
    done = run("diagnose", "--json", home=empty_home, env={"TERWAY_MCP_BUNDLE": str(bundle)})
    assert done.returncode == 0, done.stderr
    assert diagnosed(done.stdout)["verdict"]["category"] == vswitch_exhausted.truth.category


def test_an_option_may_stand_before_or_behind_its_command_and_wins_over_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERWAY_MCP_BUNDLE", "from-the-environment")
    assert parser().parse_args(["diagnose"]).bundle == Path("from-the-environment")
    assert parser().parse_args(["--bundle", "before", "diagnose"]).bundle == Path("before")
    assert parser().parse_args(["diagnose", "--bundle", "behind"]).bundle == Path("behind")


def test_an_empty_variable_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BUNDLE", "KUBECONFIG", "TRANSPORT", "PORT"):
        monkeypatch.setenv(f"TERWAY_MCP_{name}", "")
    found = parser().parse_args(["serve"])
    assert (found.bundle, found.kubeconfig, found.transport, found.port) == (None, None, "stdio", 8000)


def parsed(*arguments: str) -> argparse.Namespace:
    return parser().parse_args(arguments)


def test_a_variable_means_the_same_to_every_command_that_heeds_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("HOST", "0.0.0.0"), ("PORT", "8001"), ("NAMESPACE", "shop")):  # noqa: S104 - only parsed
        monkeypatch.setenv(f"TERWAY_MCP_{name}", value)
    serve, api = parsed("serve"), parsed("api")
    assert (serve.host, serve.port, parsed("diagnose").namespace) == ("0.0.0.0", 8001, "shop")  # noqa: S104
    assert (api.host, api.port, parsed("rbac").namespace) == ("127.0.0.1", 0, "kube-system")
    assert parsed("capture", "-o", "x").namespace == []


def test_where_commands_mean_different_things_the_variable_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"API_HOST": "::1", "API_PORT": "8002", "RBAC_NAMESPACE": "terway-mcp", "CAPTURE_NAMESPACE": "a, b",
             "OUTPUT": "taken.tar.gz"}  # fmt: skip
    for name, value in given.items():
        monkeypatch.setenv(f"TERWAY_MCP_{name}", value)
    api, taken = parsed("api"), parsed("capture")
    assert (api.host, api.port, parsed("rbac").namespace) == ("::1", 8002, "terway-mcp")
    assert (taken.namespace, taken.output) == (["a", "b"], Path("taken.tar.gz"))
    monkeypatch.setenv("TERWAY_MCP_API_PORT", "tcp://10.96.0.7:8000")
    assert parsed("api").port == 0, "what Kubernetes says of a Service called terway-mcp-api"


@pytest.mark.parametrize("command", ["serve", "token", "diagnose", "demo", "capture", "rbac", "api", "inspect"])
def test_the_help_names_the_variable_of_every_option_with_a_value(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parsed(command, "--help")
    usage, _, told = capsys.readouterr().out.partition("\n\n")
    with_values = set(re.findall(r"(--[a-z-]+) [A-Z{]", usage))
    assert with_values
    for name in with_values:
        assert re.search(rf"TERWAY_MCP_(?:{command.upper()}_)?{name[2:].replace('-', '_').upper()}\]", told), name


def test_several_knowledge_files_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERWAY_MCP_KNOWLEDGE", f"a.yaml{os.pathsep}b.yaml")
    assert parser().parse_args([]).knowledge == [Path("a.yaml"), Path("b.yaml")]


@pytest.fixture(scope="module")
def silent_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pod that hangs although Terway runs, and nothing else that was captured."""
    root = tmp_path_factory.mktemp("bundle") / "support-bundle"
    hangs = {"name": "web", "state": {"waiting": {"reason": "ContainerCreating"}}}
    runs = {"name": "terway", "ready": True, "state": {"running": {}}}
    files = {
        "cluster-info/cluster_version.json": {"gitVersion": "v1.34.1"},
        "cluster-resources/pods/shop.json": [a_pod("web-0", "shop", "Pending", hangs)],
        "cluster-resources/pods/kube-system.json": [a_pod("terway-x", "kube-system", "Running", runs)],
        "cluster-resources/events/shop.json": [],
    }
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(json.dumps(content))
    return root


def a_pod(name: str, namespace: str, phase: str, container: dict[str, Any]) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": namespace, "uid": f"uid-{name}", "labels": {"app": "terway-eniip"}},
        "spec": {"nodeName": "node-1", "containers": [{"name": container["name"]}]},
        "status": {"phase": phase, "containerStatuses": [container]},
    }


def test_evidence_that_does_not_suffice_has_an_exit_code_of_its_own(silent_bundle: Path, empty_home: Path) -> None:
    done = run("diagnose", "--bundle", str(silent_bundle), "-n", "shop", "web-0", "--json", home=empty_home)
    found = diagnosed(done.stdout)
    assert found["verdict"]["category"] == "insufficient_evidence"
    assert done.returncode == NO_VERDICT_CAN_BE_REACHED, done.stderr


def test_a_cluster_that_cannot_be_read_is_an_error_said_in_the_json(empty_home: Path) -> None:
    done = run("diagnose", "--bundle", "nowhere.tar.gz", "--json", home=empty_home)
    assert done.returncode == 1
    found = diagnosed(done.stdout)
    assert found["verdict"] is None
    assert "nowhere.tar.gz" in found["error"]


def test_a_pod_without_a_namespace_is_asked_for_it(bundle: Path, empty_home: Path) -> None:
    done = run("diagnose", "--bundle", str(bundle), "web-0", home=empty_home)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "terway-mcp: give the namespace of web-0 with -n\n"


@pytest.mark.parametrize("name", list(SCENARIOS))
def test_each_demo_shows_the_refusal_and_its_verdict_and_makes_a_picture_that_loads_nothing(
    name: str, empty_home: Path, tmp_path: Path
) -> None:
    done = run("demo", name, "--svg", str(tmp_path / "demo.svg"), home=empty_home)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    for part in ("inspect_cluster", "out_of_order", "get_events", "correlate", SCENARIOS[name].truth.category):
        assert part in done.stdout
    assert "\x1b" not in done.stdout, "no colours into a pipe"
    picture = (tmp_path / "demo.svg").read_text()
    assert picture.startswith("<svg")
    assert "url(" not in re.sub(r"url\(#[^)]*\)", "", picture)


def test_the_demos_are_listed(empty_home: Path) -> None:
    done = run("demo", "list", home=empty_home)
    assert done.returncode == 0
    assert [line.split()[0] for line in done.stdout.splitlines()] == list(SCENARIOS)


def test_a_demo_that_there_is_not_is_answered_with_those_there_are(empty_home: Path) -> None:
    done = run("demo", "nonsense", home=empty_home)
    assert done.returncode == 1
    assert "vswitch-exhausted" in done.stderr


def test_the_version_is_told(empty_home: Path) -> None:
    done = run("--version", home=empty_home)
    assert (done.returncode, done.stdout) == (0, f"terway-mcp {__version__}\n")


def test_http_is_refused_on_an_address_that_others_reach(empty_home: Path) -> None:
    done = run("serve", "--transport", "streamable-http", "--host", "0.0.0.0", home=empty_home)  # noqa: S104 - refused
    assert (done.returncode, done.stdout) == (1, "")
    assert "'0.0.0.0' is not a loopback address" in done.stderr


@pytest.mark.parametrize("host", ["::", "192.0.2.1", "example.com", "127.0.0.1.example.com", ""])
def test_only_loopback_is_local(host: str) -> None:
    with pytest.raises(InvalidInput, match="is not a loopback address: no authentication"):
        listen(host, 0, "no authentication")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_all_of_loopback_is_local(host: str) -> None:
    assert is_loopback(host)


def test_a_port_that_is_taken_ends_the_server_with_a_reason(empty_home: Path) -> None:
    with listen("127.0.0.1", 0, "") as taken:
        port = str(taken.getsockname()[1])
        done = run("serve", "--transport", "streamable-http", "--port", port, home=empty_home)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"cannot listen on 127.0.0.1:{port}" in done.stderr


def test_a_picture_that_cannot_be_written_ends_the_demo_with_a_reason(empty_home: Path, tmp_path: Path) -> None:
    done = run("demo", "--svg", str(tmp_path / "nowhere" / "demo.svg"), home=empty_home)
    assert done.returncode == 1
    assert done.stderr.startswith("terway-mcp: ")
    assert "Traceback" not in done.stderr


def test_over_http_investigations_are_kept_in_a_file_of_the_user(bundle: Path, tmp_path: Path) -> None:
    with http_server("--bundle", str(bundle), home=tmp_path):
        kept = tmp_path / ".local" / "state" / "terway-mcp" / "investigations.sqlite"
        assert kept.is_file()
        assert kept.parent.stat().st_mode & 0o077 == 0


def test_a_place_for_investigations_that_cannot_be_made_is_named(empty_home: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    place = {"XDG_STATE_HOME": str(tmp_path / "file")}
    done = run("serve", "--transport", "streamable-http", "--port", str(free_port()), home=empty_home, env=place)
    assert done.returncode == 1
    assert "--store" in done.stderr


def test_an_investigation_store_that_is_none_keeps_the_server_from_starting(empty_home: Path, tmp_path: Path) -> None:
    (tmp_path / "store.db").write_bytes(b"not a database" * 100)
    done = run(
        "serve", "--transport", "streamable-http", "--port", str(free_port()), "--store", str(tmp_path / "store.db"),
        home=empty_home,
    )  # fmt: skip
    assert done.returncode == 1
    assert "investigation store" in done.stderr


class Served(NamedTuple):
    """A running `terway-mcp api`."""

    url: str
    kubeconfig: Path
    announced: list[str]


@pytest.fixture(scope="module")
def served(bundle: Path, empty_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    kubeconfig = tmp_path_factory.mktemp("api") / "kubeconfig"
    process = subprocess.Popen(
        [*PROGRAM, "api", "--bundle", str(bundle), "--write-kubeconfig", str(kubeconfig)],
        env=clean_environment(empty_home),
        stdout=subprocess.PIPE,
        text=True,
    )
    with ended_afterwards(process):
        assert process.stdout is not None
        announced = [process.stdout.readline(), process.stdout.readline()]
        yield Served(announced[0].split()[-1], kubeconfig, announced)


def test_the_api_announces_its_address_and_how_to_use_it(served: Served) -> None:
    assert re.fullmatch(r"Kubernetes API at http://127\.0\.0\.1:\d+\n", served.announced[0])
    assert served.announced[1] == f"kubectl --kubeconfig {served.kubeconfig} get pods -A\n"
    assert served.kubeconfig.stat().st_mode & 0o777 == 0o600


def test_the_api_answers_plain_http(served: Served, vswitch_exhausted: Scenario) -> None:
    pod = httpx2.get(f"{served.url}/api/v1/namespaces/shop/pods/{vswitch_exhausted.pod}").json()
    assert pod["spec"]["nodeName"] == "cn-hangzhou.10.0.1.21"


def test_the_api_needs_a_bundle(empty_home: Path) -> None:
    done = run("api", home=empty_home)
    assert done.returncode == 1
    assert "api needs --bundle" in done.stderr


def test_the_api_ends_on_an_interrupt_without_complaint(bundle: Path, empty_home: Path, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*PROGRAM, "api", "--bundle", str(bundle), "--write-kubeconfig", str(tmp_path / "kubeconfig")],
        env=clean_environment(empty_home),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with ended_afterwards(process):
        assert process.stdout is not None
        url = process.stdout.readline().split()[-1]
        assert httpx2.get(f"{url}/version").status_code == 200
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
    assert errors == ""
    assert process.returncode in (0, 130)


@pytest.fixture(scope="module")
def captured(served: Served, empty_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A capture of the served bundle, as if it were a live cluster."""
    output = tmp_path_factory.mktemp("capture") / "taken.tar.gz"
    done = run("--kubeconfig", str(served.kubeconfig), "capture", "-n", "shop", "-o", str(output), home=empty_home)
    assert done.returncode == 0, done.stderr
    return output


def planted_secrets() -> list[str]:
    """The credentials in the demo's own eni-config."""
    with tarfile.open(bundle_path("vswitch-exhausted")) as archive:
        name = next(name for name in archive.getnames() if name.endswith("configmaps/kube-system.json"))
        file = archive.extractfile(name)
        assert file is not None
        maps = json.load(file)
    items = maps if isinstance(maps, list) else maps["items"]
    conf = json.loads(next(item for item in items if item["metadata"]["name"] == "eni-config")["data"]["eni_conf"])
    return [conf["access_key"], conf["access_secret"]]


def test_a_capture_holds_no_secret_of_the_cluster(captured: Path) -> None:
    secrets = planted_secrets()
    assert ACCESS_KEY in secrets
    assert all(len(secret) > 8 for secret in secrets), "the demo plants real-looking credentials"
    with tarfile.open(captured) as archive:
        for entry in archive:
            file = archive.extractfile(entry)
            content = file.read().decode() if file else ""
            assert [secret for secret in secrets if secret in content or secret in entry.name] == [], entry.name


def test_a_capture_is_for_its_owner_only_and_lies_in_one_folder(captured: Path) -> None:
    with tarfile.open(captured) as archive:
        entries = archive.getmembers()
    assert {entry.name.partition("/")[0] for entry in entries} == {"taken"}
    assert {entry.mode for entry in entries} == {0o600}


@pytest.mark.anyio
async def test_a_capture_leads_to_the_same_verdict_as_the_cluster(
    captured: Path, served: Served, diagnosis: subprocess.CompletedProcess[str], vswitch_exhausted: Scenario
) -> None:
    wanted = diagnosed(diagnosis.stdout)["verdict"]
    for clusters in (Clusters(bundle=captured), Clusters(kubeconfig=str(served.kubeconfig))):
        async with Client(create_server(clusters)) as client:
            walk = await investigate(client, Question("shop", vswitch_exhausted.pod))
        assert walk.correlation is not None
        verdict = walk.correlation["verdict"]
        said = ("category", "title", "confidence", "affected")
        assert [verdict[part] for part in said] == [wanted[part] for part in said]


def test_a_capture_without_a_cluster_is_explained(empty_home: Path, tmp_path: Path) -> None:
    done = run("capture", "-o", str(tmp_path / "taken.tar.gz"), home=empty_home)
    assert done.returncode == 1
    assert "no kubeconfig" in done.stderr
    assert not (tmp_path / "taken.tar.gz").exists()
