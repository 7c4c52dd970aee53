"""From a kubeconfig or a service account to an authenticated connection, over real TLS where it matters."""

import base64
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
import yaml
from certificates import Authority
from loopback import Api, Reply, Request, in_turn, json_reply, serving, status_reply

from terway_mcp.cluster import connection as connection_module
from terway_mcp.cluster.connection import Connection
from terway_mcp.cluster.credentials import connect_kubeconfig, kubeconfig_contexts
from terway_mcp.cluster.errors import ClusterUnreachable

pytestmark = pytest.mark.anyio

OK = json_reply({"gitVersion": "v1.36.2"})
EXEC_API = "client.authentication.k8s.io/v1"
ANYBODY: dict[str, Any] = {"insecure-skip-tls-verify": True}


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pause between two attempts, without the pause."""
    monkeypatch.setattr(connection_module, "_backoff", lambda _attempt: 0.01)


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No kubeconfig, pod or proxy of the machine that runs the tests."""
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    kube_config = pytest.importorskip("kubernetes.config.kube_config")
    monkeypatch.setattr(kube_config, "KUBE_CONFIG_DEFAULT_LOCATION", str(home / ".kube" / "config"))


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def api() -> Iterator[Api]:
    with serving(in_turn(OK)) as api:
        yield api


@pytest.fixture
def secure(authority: Authority) -> Iterator[Api]:
    """A server with a certificate for its address."""
    tls = authority.server(authority.issue("api-server", addresses=("127.0.0.1",)))
    with serving(in_turn(OK), tls) as api:
        yield api


Opened = Callable[..., Connection]


@pytest.fixture
async def opened() -> AsyncIterator[Opened]:
    """Opens connections and closes them afterwards."""
    connections: list[Connection] = []

    def opening(kubeconfig: Path | str | None = None, context: str | None = None) -> Connection:
        connection, _ = connect_kubeconfig(None if kubeconfig is None else str(kubeconfig), context)
        connections.append(connection)
        return connection

    yield opening
    for connection in connections:
        await connection.aclose()


def config(path: Path, server: str, user: dict[str, Any] | None = None, name: str = "here", **cluster: Any) -> Path:
    """A kubeconfig with one context."""
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "clusters": [{"name": f"{name}-cluster", "cluster": {"server": server, **cluster}}],
        "users": [{"name": f"{name}-user", "user": user or {}}],
        "contexts": [{"name": name, "context": {"cluster": f"{name}-cluster", "user": f"{name}-user"}}],
    }
    path.write_text(yaml.safe_dump(document))
    return path


def plugin(tmp_path: Path, status: str, *, code: int = 0) -> dict[str, Any]:
    """A user whose exec plugin counts its runs and answers with the Python expression `status`."""
    runs = tmp_path / "runs"
    script = tmp_path / "plugin.py"
    script.write_text(
        "import json, pathlib, sys\n"
        f"runs = pathlib.Path({str(runs)!r})\n"
        "run = len(runs.read_text()) if runs.exists() else 0\n"
        "runs.write_text('x' * (run + 1))\n"
        f"print(json.dumps({{'apiVersion': {EXEC_API!r}, 'kind': 'ExecCredential', 'status': {status}}}))\n"
        f"sys.exit({code})\n"
    )
    return {"exec": {"apiVersion": EXEC_API, "command": sys.executable, "args": [str(script)]}}


async def version_of(connection: Connection) -> int:
    return (await connection.get("/version", {})).status


# Kubeconfigs.


async def test_a_token_is_sent_as_bearer(tmp_path: Path, api: Api, opened: Opened) -> None:
    assert await version_of(opened(config(tmp_path / "config", api.url, {"token": "abc"}))) == 200
    assert api.requests[0].token == "Bearer abc"
    assert api.requests[0].headers["user-agent"] == "terway-mcp"
    assert api.requests[0].headers["accept"] == "application/json"


async def test_a_user_without_credentials_is_anonymous(tmp_path: Path, api: Api, opened: Opened) -> None:
    assert await version_of(opened(config(tmp_path / "config", api.url))) == 200
    assert "authorization" not in api.requests[0].headers


async def test_name_and_password_are_sent_as_basic(tmp_path: Path, api: Api, opened: Opened) -> None:
    user = {"username": "admin", "password": "pa:ss"}
    await version_of(opened(config(tmp_path / "config", api.url, user)))
    assert api.requests[0].token == f"Basic {base64.b64encode(b'admin:pa:ss').decode()}"


async def test_a_server_behind_a_path_keeps_its_path(tmp_path: Path, api: Api, opened: Opened) -> None:
    connection = opened(config(tmp_path / "config", f"{api.url}/k8s/clusters/c-1/", {"token": "abc"}))
    await connection.get("/api/v1/nodes", {"limit": "1"})
    assert api.paths() == ["/k8s/clusters/c-1/api/v1/nodes"]


async def test_the_wanted_context_is_taken_from_several(tmp_path: Path, api: Api, opened: Opened) -> None:
    path = config(tmp_path / "config", "http://127.0.0.1:1", {"token": "one"}, "one")
    document, other = (
        yaml.safe_load(path.read_text()),
        yaml.safe_load(config(tmp_path / "other", api.url, {"token": "two"}, "two").read_text()),
    )
    for key in ("clusters", "users", "contexts"):
        document[key] += other[key]
    path.write_text(yaml.safe_dump(document))
    assert kubeconfig_contexts(str(path)) == (["one", "two"], "one")
    assert await version_of(opened(path, "two")) == 200
    assert api.requests[0].token == "Bearer two"


def test_the_name_of_the_current_context_comes_back(tmp_path: Path) -> None:
    path = config(tmp_path / "config", "http://127.0.0.1:1", {"token": "one"}, "production")
    connection, name = connect_kubeconfig(str(path), None)
    assert name == "production"
    anyio.run(connection.aclose)


async def test_several_files_in_kubeconfig_are_merged(
    tmp_path: Path, api: Api, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = config(tmp_path / "first", "http://127.0.0.1:1", {"token": "one"}, "one")
    second = config(tmp_path / "second", api.url, {"token": "two"}, "two")
    kube_config = pytest.importorskip("kubernetes.config.kube_config")
    paths = f"{first}:{tmp_path / 'missing'}:{second}"
    # kubernetes reads the variable once, when it is imported.
    monkeypatch.setenv("KUBECONFIG", paths)
    monkeypatch.setattr(kube_config, "KUBE_CONFIG_DEFAULT_LOCATION", paths)
    names, current = kubeconfig_contexts(None)
    assert (sorted(names), current) == (["one", "two"], "two")
    assert await version_of(opened(None, "two")) == 200
    assert api.requests[0].token == "Bearer two"


# What is missing.


@pytest.mark.parametrize("given", [True, False])
def test_a_missing_kubeconfig_is_named_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: bool
) -> None:
    missing = str(tmp_path / "missing")
    if not given:
        monkeypatch.setenv("KUBECONFIG", missing)
    with pytest.raises(ClusterUnreachable) as error:
        connect_kubeconfig(missing if given else None, None)
    assert f"no kubeconfig: {missing} does not exist" in str(error.value)
    assert "--kubeconfig" in str(error.value)
    assert "--bundle" in str(error.value)
    assert kubeconfig_contexts(missing) == ([], "")


def test_without_anything_the_default_place_is_named() -> None:
    with pytest.raises(ClusterUnreachable, match=r"home/\.kube/config does not exist"):
        connect_kubeconfig(None, None)


def test_a_user_without_a_home_is_told_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME")
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000)
    with pytest.raises(ClusterUnreachable, match=r"no kubeconfig: ~/\.kube/config does not exist"):
        connect_kubeconfig(None, None)


def test_an_unknown_context_is_named(tmp_path: Path) -> None:
    path = config(tmp_path / "config", "http://127.0.0.1:1", {"token": "abc"})
    with pytest.raises(ClusterUnreachable, match=r"with context 'production' cannot be used: .*production"):
        connect_kubeconfig(str(path), "production")


def clusters(text: str) -> str:
    """A kubeconfig whose clusters are this YAML."""
    return f"contexts: [{{name: x, context: {{cluster: c}}}}]\nclusters: {text}\nusers: []\ncurrent-context: x\n"


def cluster(server: str, trust: str) -> str:
    return clusters(f"[{{name: c, cluster: {{server: '{server}', {trust}}}}}]")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "just a word",
        "[1, 2]",
        "clusters: [",
        "a: b: c",
        "\x00",
        "current-context: x\n",
        "contexts: null\nclusters: null\nusers: null\ncurrent-context: x\n",
        "contexts: [{name: x}]\nclusters: []\nusers: []\ncurrent-context: x\n",
        clusters("[]"),
        cluster("https://127.0.0.1:1", "certificate-authority-data: bm8gY2VydGlmaWNhdGU="),
        cluster("https://127.0.0.1:1", "certificate-authority: /nonexistent/ca"),
        cluster("http://[bad", ""),
    ],
)
def test_a_damaged_kubeconfig_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config"
    path.write_text(text)
    with pytest.raises(ClusterUnreachable, match=f"kubeconfig {path} cannot be used"):
        connect_kubeconfig(str(path), None)
    names, _ = kubeconfig_contexts(str(path))
    assert names in ([], ["x"])


def test_a_kubeconfig_that_is_a_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ClusterUnreachable, match="cannot be used"):
        connect_kubeconfig(str(tmp_path), None)
    assert kubeconfig_contexts(str(tmp_path)) == ([], "")


# Credentials that change.


async def test_a_token_file_that_was_rotated_is_read_again_when_the_old_token_is_refused(
    tmp_path: Path, api: Api, opened: Opened
) -> None:
    token = tmp_path / "token"
    token.write_text("old")
    connection = opened(config(tmp_path / "config", api.url, {"tokenFile": str(token)}))
    assert await version_of(connection) == 200

    def only_new(request: Request) -> Reply:
        return OK if request.token == "Bearer new" else status_reply(401, "Unauthorized")

    api.respond = only_new
    token.write_text("new")
    assert await version_of(connection) == 200
    assert await version_of(connection) == 200
    assert [request.token.removeprefix("Bearer ") for request in api.requests] == ["old", "old", "new", "new"]


async def test_an_exec_plugin_gives_the_token(tmp_path: Path, api: Api, opened: Opened) -> None:
    user = plugin(tmp_path, "{'token': 'from-plugin'}")
    connection = opened(config(tmp_path / "config", api.url, user))
    assert await version_of(connection) == 200
    assert await version_of(connection) == 200
    assert [request.token for request in api.requests] == ["Bearer from-plugin"] * 2
    assert (tmp_path / "runs").read_text() == "x"


async def test_an_exec_plugin_runs_again_when_its_token_has_expired(tmp_path: Path, api: Api, opened: Opened) -> None:
    status = "{'token': f'token-{run}', 'expirationTimestamp': '2020-01-01T00:00:00Z'}"
    connection = opened(config(tmp_path / "config", api.url, plugin(tmp_path, status)))
    assert await version_of(connection) == 200
    assert api.requests[0].token != "Bearer token-0"


async def test_an_exec_plugin_runs_again_when_its_token_is_refused(tmp_path: Path, api: Api, opened: Opened) -> None:
    connection = opened(config(tmp_path / "config", api.url, plugin(tmp_path, "{'token': f'token-{run}'}")))

    def revoked(request: Request) -> Reply:
        return status_reply(401, "Unauthorized") if request.token == "Bearer token-0" else OK

    api.respond = revoked
    assert await version_of(connection) == 200
    assert [request.token for request in api.requests] == ["Bearer token-0", "Bearer token-1"]


async def test_many_refusals_at_once_run_the_plugin_once(tmp_path: Path, api: Api, opened: Opened) -> None:
    connection = opened(config(tmp_path / "config", api.url, plugin(tmp_path, "{'token': f'token-{run}'}")))

    def revoked(request: Request) -> Reply:
        return status_reply(401, "Unauthorized") if request.token == "Bearer token-0" else OK

    api.respond = revoked
    statuses = []

    async def ask() -> None:
        statuses.append(await version_of(connection))

    async with anyio.create_task_group() as tasks:
        for _ in range(6):
            tasks.start_soon(ask)
    assert statuses == [200] * 6
    assert (tmp_path / "runs").read_text() == "xx"


async def test_credentials_that_cannot_be_renewed_are_unreachable_with_the_reason(
    tmp_path: Path, api: Api, opened: Opened
) -> None:
    path = config(tmp_path / "config", api.url, {"token": "abc"})
    connection = opened(path)
    api.respond = in_turn(status_reply(401, "Unauthorized"))
    path.unlink()
    with pytest.raises(ClusterUnreachable, match="does not exist"):
        await connection.get("/version", {})


@pytest.mark.parametrize(
    ("status", "code"), [("{'token': 'x'}", 3), ("{}", 0), ("None", 0)], ids=["fails", "empty", "null"]
)
def test_an_exec_plugin_without_credentials_is_named(tmp_path: Path, status: str, code: int) -> None:
    path = config(tmp_path / "config", "http://127.0.0.1:1", plugin(tmp_path, status, code=code))
    with pytest.raises(ClusterUnreachable, match=r"credential plugin .* gave no credentials"):
        connect_kubeconfig(str(path), None)


def test_an_exec_plugin_that_is_not_installed_is_named(tmp_path: Path) -> None:
    user = {"exec": {"apiVersion": EXEC_API, "command": "no-such-credential-plugin"}}
    with pytest.raises(ClusterUnreachable, match="no-such-credential-plugin"):
        connect_kubeconfig(str(config(tmp_path / "config", "http://127.0.0.1:1", user)), None)


# TLS.


async def test_a_server_is_believed_by_its_authority(
    tmp_path: Path, secure: Api, authority: Authority, opened: Opened
) -> None:
    data = base64.b64encode(authority.path.read_bytes()).decode()
    for trust in ({"certificate-authority": str(authority.path)}, {"certificate-authority-data": data}):
        path = config(tmp_path / "config", secure.url, {"token": "abc"}, **trust)
        assert await version_of(opened(path)) == 200
    assert [request.token for request in secure.requests] == ["Bearer abc"] * 2


@pytest.mark.parametrize("known", [True, False])
async def test_a_server_of_another_authority_is_not_believed(
    tmp_path: Path, secure: Api, opened: Opened, known: bool
) -> None:
    trust = {"certificate-authority": str(Authority(tmp_path, "stranger").path)} if known else {}
    connection = opened(config(tmp_path / "config", secure.url, {"token": "s3cr3t"}, **trust))
    with pytest.raises(ClusterUnreachable, match=r"127\.0\.0\.1.*(?i:certificate)") as error:
        await connection.get("/version", {})
    assert "s3cr3t" not in str(error.value)
    assert secure.requests == []


async def test_an_authority_that_was_replaced_is_read_again(
    tmp_path: Path, authority: Authority, opened: Opened
) -> None:
    other = Authority(tmp_path, "new authority")
    trusted = tmp_path / "ca.pem"
    trusted.write_bytes(authority.path.read_bytes())
    with serving(in_turn(OK), other.server(other.issue("renewed", addresses=("127.0.0.1",)))) as api:
        connection = opened(config(tmp_path / "config", api.url, **{"certificate-authority": str(trusted)}))
        trusted.write_bytes(other.path.read_bytes())
        assert await version_of(connection) == 200


async def test_insecure_skip_tls_verify_believes_anybody(tmp_path: Path, secure: Api, opened: Opened) -> None:
    path = config(tmp_path / "config", secure.url, {"token": "abc"}, **ANYBODY)
    assert await version_of(opened(path)) == 200


async def test_a_client_certificate_is_shown(tmp_path: Path, authority: Authority, opened: Opened) -> None:
    mine = authority.issue("viewer")
    tls = authority.server(authority.issue("strict", addresses=("127.0.0.1",)), wants_client=True)
    as_files = {"client-certificate": str(mine.certificate), "client-key": str(mine.key)}
    as_data = {
        "client-certificate-data": base64.b64encode(mine.certificate.read_bytes()).decode(),
        "client-key-data": base64.b64encode(mine.key.read_bytes()).decode(),
    }
    with serving(in_turn(OK), tls) as api:
        for user in (as_files, as_data):
            path = config(tmp_path / "config", api.url, user, **{"certificate-authority": str(authority.path)})
            assert await version_of(opened(path)) == 200
        path = config(tmp_path / "config", api.url, {"token": "t"}, **{"certificate-authority": str(authority.path)})
        with pytest.raises(ClusterUnreachable):
            await opened(path).get("/version", {})
        assert len(api.requests) == 2


async def test_an_exec_plugin_may_give_a_client_certificate(
    tmp_path: Path, authority: Authority, opened: Opened
) -> None:
    mine = authority.issue("plugged")
    given = {
        "clientCertificateData": mine.certificate.read_text(),
        "clientKeyData": mine.key.read_text(),
    }
    tls = authority.server(authority.issue("strict-too", addresses=("127.0.0.1",)), wants_client=True)
    with serving(in_turn(OK), tls) as api:
        trust = {"certificate-authority": str(authority.path)}
        path = config(tmp_path / "config", api.url, plugin(tmp_path, json.dumps(given)), **trust)
        assert await version_of(opened(path)) == 200


async def test_a_server_may_be_known_by_another_name(tmp_path: Path, authority: Authority, opened: Opened) -> None:
    tls = authority.server(authority.issue("by-name", hosts=("kubernetes.default",)))
    with serving(in_turn(OK), tls) as api:
        trust = {"certificate-authority": str(authority.path)}
        wrong = opened(config(tmp_path / "config", api.url, {"token": "t"}, **trust))
        with pytest.raises(ClusterUnreachable, match=r"(?i)certificate"):
            await wrong.get("/version", {})
        named = config(
            tmp_path / "config", api.url, {"token": "t"}, **trust, **{"tls-server-name": "kubernetes.default"}
        )
        assert await version_of(opened(named)) == 200


def test_a_key_that_does_not_fit_its_certificate_is_named(tmp_path: Path, authority: Authority) -> None:
    one, other = authority.issue("one"), authority.issue("other")
    user = {"client-certificate": str(one.certificate), "client-key": str(other.key)}
    with pytest.raises(ClusterUnreachable, match="cannot be used"):
        connect_kubeconfig(str(config(tmp_path / "config", "https://127.0.0.1:1", user)), None)


# Proxies.


async def test_a_proxy_of_the_environment_is_used_unless_no_proxy_says_otherwise(
    tmp_path: Path, api: Api, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = config(tmp_path / "config", "http://api.example", {"token": "abc"})
    monkeypatch.setenv("HTTP_PROXY", api.url)
    monkeypatch.setenv("http_proxy", api.url)
    assert await version_of(opened(path)) == 200
    assert api.requests[0].headers["host"] == "api.example"
    with serving(in_turn(status_reply(500, "ProxyWasAsked"))) as proxy:
        for name in ("HTTP_PROXY", "http_proxy"):
            monkeypatch.setenv(name, proxy.url)
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.setenv(name, "api.example")
        with pytest.raises(ClusterUnreachable):
            await version_of(opened(path))
        assert proxy.requests == []


async def test_a_proxy_of_the_environment_hears_nothing_of_servers_on_this_machine(
    tmp_path: Path, api: Api, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(in_turn(status_reply(500, "ProxyWasAsked"))) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        assert await version_of(opened(config(tmp_path / "config", api.url, {"token": "abc"}))) == 200
        assert proxy.requests == []
    assert api.requests[0].token == "Bearer abc"


@pytest.mark.parametrize("user", [{"token": "abc"}, {"username": "a", "password": "b"}])
async def test_nothing_that_authenticates_crosses_a_network_in_plain_http(
    tmp_path: Path, api: Api, opened: Opened, user: dict[str, Any]
) -> None:
    path = config(tmp_path / "config", "http://api.example", user, **{"proxy-url": api.url})
    assert await version_of(opened(path)) == 200
    assert api.requests[0].headers["host"] == "api.example"
    assert "authorization" not in api.requests[0].headers


async def test_no_netrc_of_the_user_is_sent_along(tmp_path: Path, api: Api, opened: Opened) -> None:
    (Path.home() / ".netrc").write_text("machine 127.0.0.1 login somebody password something\n")
    assert await version_of(opened(config(tmp_path / "config", api.url))) == 200
    assert "authorization" not in api.requests[0].headers


async def test_the_proxy_of_a_kubeconfig_is_used(tmp_path: Path, api: Api, opened: Opened) -> None:
    path = config(tmp_path / "config", "http://127.0.0.1:1", {"token": "abc"}, **{"proxy-url": api.url})
    assert await version_of(opened(path)) == 200
    assert api.requests[0].headers["host"] == "127.0.0.1:1"


# In a pod.


@pytest.fixture
def pod(tmp_path: Path, secure: Api, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a service account, in the pod this process now seems to be."""
    incluster = pytest.importorskip("kubernetes.config.incluster_config")
    folder = tmp_path / "serviceaccount"
    folder.mkdir()
    (folder / "token").write_text("of-the-pod")
    (folder / "ca.crt").write_bytes(authority.path.read_bytes())
    monkeypatch.setattr(incluster, "SERVICE_TOKEN_FILENAME", str(folder / "token"))
    monkeypatch.setattr(incluster, "SERVICE_CERT_FILENAME", str(folder / "ca.crt"))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(secure.port))
    return folder


@pytest.mark.usefixtures("pod")
async def test_in_a_pod_the_service_account_is_used(secure: Api) -> None:
    connection, name = connect_kubeconfig(None, None)
    assert name == "in-cluster"
    assert connect_kubeconfig(None, name)[1] == name, "an investigation that outlived the process asks by this name"
    assert await version_of(connection) == 200
    await connection.aclose()
    assert secure.requests[0].token.lower() == "bearer of-the-pod"


async def test_in_a_pod_a_rotated_token_is_read_again_when_the_old_one_is_refused(
    pod: Path, secure: Api, opened: Opened
) -> None:
    connection = opened()
    assert await version_of(connection) == 200
    (pod / "token").write_text("rotated")

    def rotated(request: Request) -> Reply:
        return OK if request.token.endswith("rotated") else status_reply(401, "Unauthorized")

    secure.respond = rotated
    assert await version_of(connection) == 200
    assert len(secure.requests) == 3


@pytest.mark.parametrize("missing", ["token", "ca.crt"])
def test_in_a_pod_without_its_account_the_missing_file_is_told(pod: Path, missing: str) -> None:
    (pod / missing).unlink()
    with pytest.raises(ClusterUnreachable, match=r"(?i)service (token|certification) file does not exist"):
        connect_kubeconfig(None, None)


@pytest.mark.usefixtures("pod")
async def test_in_a_pod_a_kubeconfig_that_is_given_comes_first(tmp_path: Path, api: Api, opened: Opened) -> None:
    assert await version_of(opened(config(tmp_path / "config", api.url, {"token": "mine"}))) == 200
    assert api.requests[0].token == "Bearer mine"


# Cost.


def test_kubernetes_is_imported_only_when_a_cluster_is_asked_for() -> None:
    code = (
        "import sys\n"
        "import terway_mcp.cluster.clusters, terway_mcp.cluster.credentials, terway_mcp.server.app\n"
        "terway_mcp.server.app.create_server(terway_mcp.cluster.clusters.Clusters())\n"
        "sys.exit('kubernetes' in sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
