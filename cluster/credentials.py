"""From a kubeconfig or a service account to an authenticated HTTP client.

`kubernetes.config` does what it is good at: contexts, exec plugins, OIDC, token files. It is imported only when a
live cluster is asked for, because it costs a third of a second that the MCP handshake must not pay.
"""

import os
import ssl
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.request import getproxies

import anyio
import anyio.to_thread
import httpx2
import yaml

from terway_mcp.cluster.connection import Connection
from terway_mcp.cluster.errors import ClusterUnreachable
from terway_mcp.cluster.loopback import is_loopback

IN_CLUSTER = "in-cluster"
"""What the context of a pod's service account is called."""

_CONNECT_SECONDS = 3.0
"""Longest wait for a connection, so that a second attempt has its time; a `Reader` limits all other waiting."""

_RELOAD_SECONDS = 5.0
"""Credentials are not loaded again sooner, however many requests are refused at the same time."""

_UNUSABLE = (OSError, ValueError, LookupError, TypeError, AttributeError, yaml.YAMLError, httpx2.InvalidURL)
"""What a kubeconfig that is damaged in one way or another raises, besides kubernetes' own ConfigException."""


def kubeconfig_contexts(kubeconfig: str | None) -> tuple[list[str], str]:
    """Names of all contexts and of the current one; ([], "") when there is no kubeconfig."""
    from kubernetes import config  # noqa: PLC0415 - see the module's first lines

    try:
        contexts, active = config.list_kube_config_contexts(config_file=kubeconfig)
    except (config.ConfigException, *_UNUSABLE):
        return [], ""
    return [entry["name"] for entry in contexts], active["name"] if active else ""


def context_name(kubeconfig: str | None, context: str | None) -> str:
    """The name of a context (None: the current one), `IN_CLUSTER` for a pod's account; "" when there is none."""
    return IN_CLUSTER if _in_cluster(kubeconfig, context) else context or kubeconfig_contexts(kubeconfig)[1]


def credential_plugin(kubeconfig: str | None, context: str | None) -> str:
    """The program that connecting to a context runs; "" when it runs none or nothing can be read."""
    from kubernetes import config  # noqa: PLC0415 - see the module's first lines

    try:
        return "" if _in_cluster(kubeconfig, context) else _plugin(kubeconfig, context)
    except (config.ConfigException, *_UNUSABLE):
        return ""


def connect_kubeconfig(kubeconfig: str | None, context: str | None) -> tuple[Connection, str]:
    """Open a connection for a kubeconfig context, or for the pod's service account when there is no kubeconfig.

    Blocking: exec plugins may run. Returns the connection and the context's name (`IN_CLUSTER` for a pod).

    Raises:
        ClusterUnreachable: Nothing to connect with; the message says what was looked for and what to set.
    """
    from kubernetes import config  # noqa: PLC0415 - see the module's first lines

    def load() -> Any:
        try:
            return _load(kubeconfig, context)
        except (config.ConfigException, *_UNUSABLE) as error:
            raise ClusterUnreachable(_explain(kubeconfig, context, error)) from error

    loaded = load()
    try:
        tls = _tls(loaded)
        http = _http_client(loaded, tls)
    except _UNUSABLE as error:
        raise ClusterUnreachable(_explain(kubeconfig, context, error)) from error
    name = context_name(kubeconfig, context)
    return Connection(http, _Authorizer(loaded, load, tls, secret=_keeps_secrets(http.base_url))), name


def _load(kubeconfig: str | None, context: str | None) -> Any:
    from kubernetes import client, config  # noqa: PLC0415 - see the module's first lines

    loaded = client.Configuration()
    if _in_cluster(kubeconfig, context):
        config.load_incluster_config(client_configuration=loaded)
    else:
        config.load_kube_config(config_file=kubeconfig, context=context, client_configuration=loaded)
        if not loaded.api_key and not loaded.cert_file and (plugin := _plugin(kubeconfig, context)):
            # kubernetes only logs why, and would go on as system:anonymous.
            raise config.ConfigException(f"the credential plugin {plugin!r} gave no credentials; run it to see why")
    return loaded


def _plugin(kubeconfig: str | None, context: str | None) -> str:
    """The exec plugin of a context's user, "" when it has none."""
    from kubernetes.config import kube_config  # noqa: PLC0415 - see the module's first lines

    found = kube_config.KubeConfigMerger(kubeconfig or kube_config.KUBE_CONFIG_DEFAULT_LOCATION).config
    name = context or found["current-context"]
    user = found["contexts"].get_with_name(name)["context"].safe_get("user")
    entry = found["users"].get_with_name(user)["user"].safe_get("exec") if user else None
    return str(entry["command"]) if entry else ""


class _Authorizer:
    """Headers from the loaded configuration, whose hook renews credentials that are known to have expired.

    Credentials that were refused are loaded anew: exec plugins run, and files of tokens, authorities and certificates
    are read again, which new connections then use. Where the way to the server is not `secret`, none are sent.
    """

    def __init__(self, configuration: Any, load: Callable[[], Any], tls: ssl.SSLContext, *, secret: bool) -> None:
        self._configuration = configuration
        self._load = load
        self._tls = tls
        self._secret = secret
        self._loaded = float("-inf")
        self._lock = anyio.Lock()

    async def __call__(self, renew: bool) -> Mapping[str, str]:
        if not self._secret:
            return {}
        if renew:
            async with self._lock:
                return await anyio.to_thread.run_sync(self._renewed, abandon_on_cancel=True)
        if self._configuration.refresh_api_key_hook is None:
            return self._headers()
        return await anyio.to_thread.run_sync(self._headers, abandon_on_cancel=True)

    def _renewed(self) -> Mapping[str, str]:
        if time.monotonic() - self._loaded >= _RELOAD_SECONDS:
            self._loaded = time.monotonic()
            self._configuration = self._load()
            try:
                _load_files(self._tls, self._configuration)
            except OSError as error:
                raise ClusterUnreachable(f"certificates cannot be renewed: {error}") from error
        return self._headers()

    def _headers(self) -> Mapping[str, str]:
        from kubernetes import config  # noqa: PLC0415 - see the module's first lines

        try:
            settings = self._configuration.auth_settings()
        except (config.ConfigException, *_UNUSABLE) as error:
            raise ClusterUnreachable(f"credentials cannot be renewed: {error}") from error
        value = next((entry["value"] for entry in settings.values() if entry.get("value")), None)
        return {"authorization": value} if value else {}


def _http_client(loaded: Any, tls: ssl.SSLContext) -> httpx2.AsyncClient:
    async def name_server(request: httpx2.Request) -> None:
        request.extensions["sni_hostname"] = loaded.tls_server_name

    return httpx2.AsyncClient(
        base_url=loaded.host,
        verify=tls,
        proxy=_proxy(loaded),
        # As for kubectl, no proxy of the environment stands between this machine and itself.
        trust_env=not is_loopback(httpx2.URL(loaded.host).host),
        headers={"accept": "application/json", "user-agent": "terway-mcp"},
        timeout=httpx2.Timeout(None, connect=_CONNECT_SECONDS),
        follow_redirects=False,
        event_hooks={"request": [name_server]} if loaded.tls_server_name else {},
    )


def _keeps_secrets(server: httpx2.URL) -> bool:
    """False over plain HTTP to another machine: as kubectl does, nothing that authenticates is sent there."""
    return server.scheme == "https" or is_loopback(server.host)


def _proxy(loaded: Any) -> str | None:
    """`proxy-url` of the kubeconfig; a proxy of the environment is left to the client, which heeds NO_PROXY."""
    return None if loaded.proxy in getproxies().values() else loaded.proxy


def _tls(loaded: Any) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=loaded.ssl_ca_cert or None)
    # Newer Pythons refuse CAs without key identifiers, which many clusters have and kubectl accepts.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if not loaded.verify_ssl:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    _load_files(context, loaded)
    return context


def _load_files(context: ssl.SSLContext, loaded: Any) -> None:
    """Authorities, which add to those already trusted, and the client's certificate, which replaces the one before."""
    if loaded.ssl_ca_cert:
        context.load_verify_locations(loaded.ssl_ca_cert)
    if loaded.cert_file:
        context.load_cert_chain(loaded.cert_file, loaded.key_file)


def _in_cluster(kubeconfig: str | None, context: str | None) -> bool:
    explicit = kubeconfig or context not in (None, "", IN_CLUSTER) or os.environ.get("KUBECONFIG")
    return not explicit and "KUBERNETES_SERVICE_HOST" in os.environ and not _default_kubeconfig().exists()


def _default_kubeconfig() -> Path:
    # As it stands where nobody knows a home: a user of a container has none.
    return Path(os.path.expanduser("~/.kube/config"))


def _explain(kubeconfig: str | None, context: str | None, error: Exception) -> str:
    if _in_cluster(kubeconfig, context):
        return f"the service account of this pod cannot be used: {error}"
    looked = kubeconfig or os.environ.get("KUBECONFIG") or str(_default_kubeconfig())
    if not any(Path(os.path.expanduser(part)).exists() for part in looked.split(os.pathsep) if part):
        return (
            f"no kubeconfig: {looked} does not exist. Start the server with --kubeconfig FILE (or KUBECONFIG), "
            "or with --bundle PATH to troubleshoot a captured cluster"
        )
    wanted = f" with context {context!r}" if context else ""
    return f"kubeconfig {looked}{wanted} cannot be used: {error}"
