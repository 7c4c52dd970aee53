"""A bundle on a loopback port, for kubectl and for anything else that speaks HTTP."""

import os
import queue
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest
import yaml
from bundle_fixtures import CAPTURED, RES, named, pod, write

from terway_mcp.cluster.bundle import Bundle
from terway_mcp.cluster.embedded.serve import Serving, serve
from terway_mcp.cluster.errors import InvalidInput, OutputError

KUBECTL = shutil.which("kubectl")
NODE_CR = "custom-resources/nodes.network.alibabacloud.com.json"


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    web = pod("web-0", "shop", state={"waiting": {"reason": "ContainerCreating"}}, phase="Pending")
    web["metadata"]["uid"] = "u1"
    event = named(
        "web-0.1", "shop", type="Warning", reason="FailedCreatePodSandBox", message="failed to setup network",
        involvedObject={"kind": "Pod", "namespace": "shop", "name": "web-0", "uid": "u1"},
        firstTimestamp=CAPTURED, lastTimestamp=CAPTURED, count=3, source={"component": "kubelet"},
    )  # fmt: skip
    node = named(
        "n1",
        status={
            "conditions": [{"type": "Ready", "status": "True"}],
            "addresses": [{"type": "InternalIP", "address": "10.0.0.11"}],
        },
    )
    files = {
        "cluster-info/cluster_version.json": {"gitVersion": "v1.36.2", "major": "1", "minor": "36"},
        f"{RES}/nodes.json": [node],
        f"{RES}/namespaces.json": [named("shop"), named("kube-system")],
        f"{RES}/pods/shop.json": [web],
        f"{RES}/pods/kube-system.json": [pod("terway-x", "kube-system")],
        f"{RES}/events/shop.json": [event],
        f"{RES}/{NODE_CR}": [named("n1", spec={"pool": {"maxPoolSize": 5}})],
        f"{RES}/pods/logs/kube-system/terway-x/c.log": "first\nsecond\n",
    }
    return Bundle.open(write(tmp_path / "bundle", files))


@pytest.fixture
def serving(bundle: Bundle, tmp_path: Path) -> Iterator[Serving]:
    """A real server in a thread, ended and joined afterwards."""
    announced: queue.Queue[Serving] = queue.Queue()
    kubeconfig = tmp_path / "kubeconfig"
    thread = threading.Thread(target=serve, args=(bundle, "127.0.0.1", 0, kubeconfig, announced.put))
    thread.start()
    running = announced.get(timeout=20)
    yield running
    running.stop()
    thread.join(timeout=20)
    assert not thread.is_alive()


def test_answers_keep_the_date_of_the_capture_on_the_wire(serving: Serving) -> None:
    answer = httpx2.get(f"{serving.url}/version")
    assert answer.json()["gitVersion"] == "v1.36.2"
    assert answer.headers.get_list("date") == ["Sun, 22 Nov 2026 22:53:14 GMT"]
    assert "server" not in answer.headers


def test_a_log_is_streamed_as_plain_text_in_chunks(serving: Serving) -> None:
    answer = httpx2.get(f"{serving.url}/api/v1/namespaces/kube-system/pods/terway-x/log")
    assert answer.text == "first\nsecond\n"
    assert answer.headers["content-type"] == "text/plain"
    assert answer.headers["transfer-encoding"] == "chunked"


def test_a_head_request_is_answered_without_a_body(serving: Serving) -> None:
    answer = httpx2.head(f"{serving.url}/api/v1/namespaces/kube-system/pods/terway-x/log")
    assert (answer.status_code, answer.content) == (200, b"")


def test_writing_is_refused_on_the_wire(serving: Serving) -> None:
    assert httpx2.delete(f"{serving.url}/api/v1/namespaces/shop/pods/web-0").status_code == 405


@pytest.mark.parametrize(
    ("host", "code"), [("evil.example", 421), ("evil.example:80", 421), ("", 421), ("localhost:1", 200)]
)
def test_requests_under_a_foreign_host_name_are_turned_away(serving: Serving, host: str, code: int) -> None:
    assert httpx2.get(f"{serving.url}/healthz", headers={"host": host}).status_code == code


def test_the_kubeconfig_is_private_and_points_at_the_server(serving: Serving) -> None:
    assert serving.kubeconfig.stat().st_mode & 0o777 == 0o600
    config = yaml.safe_load(serving.kubeconfig.read_text())
    assert config["clusters"][0]["cluster"]["server"] == serving.url
    assert config["current-context"] == config["contexts"][0]["name"]


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "example.com", ""])  # noqa: S104 - must be refused
def test_only_loopback_addresses_are_served(bundle: Bundle, tmp_path: Path, host: str) -> None:
    with pytest.raises(InvalidInput, match="not a loopback address"):
        serve(bundle, host, 0, tmp_path / "kubeconfig")
    assert not (tmp_path / "kubeconfig").exists()


def test_a_port_in_use_is_explained(bundle: Bundle, tmp_path: Path, serving: Serving) -> None:
    port = int(serving.url.rpartition(":")[2])
    with pytest.raises(InvalidInput, match=f"cannot listen on 127.0.0.1:{port}"):
        serve(bundle, "127.0.0.1", port, tmp_path / "other")


def test_somebody_elses_kubeconfig_is_never_overwritten(bundle: Bundle, tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text("apiVersion: v1\nclusters: [mine]\n")
    with pytest.raises(InvalidInput, match="was not written by this command"):
        serve(bundle, "127.0.0.1", 0, path)
    assert "mine" in path.read_text()


def test_a_kubeconfig_of_an_earlier_run_is_replaced(bundle: Bundle, tmp_path: Path) -> None:
    path = tmp_path / "config"
    for _ in range(2):
        thread = threading.Thread(target=serve, args=(bundle, "127.0.0.1", 0, path, lambda running: running.stop()))
        thread.start()
        thread.join(timeout=20)
        assert not thread.is_alive()
    assert "terway-mcp-bundle" in path.read_text()


def test_a_place_that_cannot_be_written_is_explained(bundle: Bundle, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"cannot write .*folder: No such file or directory"):
        serve(bundle, "127.0.0.1", 0, tmp_path / "no" / "such" / "folder")


@pytest.fixture
def kubectl(serving: Serving, tmp_path: Path) -> Callable[..., str]:
    if KUBECTL is None:
        pytest.skip("kubectl is not on PATH: its view of a served bundle cannot be checked")

    def run(*arguments: str) -> str:
        command = [KUBECTL or "", "--kubeconfig", str(serving.kubeconfig), *arguments]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=60, check=False, env={**os.environ, "HOME": str(tmp_path)}
        )
        return done.stdout + done.stderr

    return run


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("get pods -A", ["NAMESPACE", "terway-x", "1/1", "web-0", "0/1", "ContainerCreating"]),
        ("get pods -A -o wide --chunk-size=1", ["terway-x", "web-0", "NODE", "READINESS GATES"]),
        ("get nodes -o wide", ["INTERNAL-IP", "10.0.0.11", "Ready"]),
        ("get events -n shop", ["LAST SEEN", "0s", "pod/web-0", "failed to setup network"]),
        ("events -n shop", ["FailedCreatePodSandBox", "Pod/web-0"]),
        ("get nodes.network.alibabacloud.com", ["NAME", "n1"]),
        ("get nodes.network.alibabacloud.com n1 -o yaml", ["maxPoolSize: 5", "kind: Node"]),
        ("describe pod web-0 -n shop", ["ContainerCreating", "(x3 over", "failed to setup network"]),
        ("describe node n1", ["InternalIP:", "Non-terminated Pods:", "terway-x"]),
        ("logs -n kube-system terway-x --tail=1", ["second"]),
        ("logs -n shop web-0", ["is waiting to start: ContainerCreating"]),
        ("get pod nope -n shop", ['Error from server (NotFound): pods "nope" not found']),
        ("get services -n shop", ["NotCaptured", "cluster-resources/services/shop.json"]),
        ("delete pod web-0 -n shop", ["MethodNotAllowed"]),
        ("version", ["Server Version: v1.36.2"]),
    ],
)
def test_kubectl_works_on_a_served_bundle(kubectl: Callable[..., str], command: str, shown: list[str]) -> None:
    output = kubectl(*command.split())
    assert [part for part in shown if part not in output] == [], output
