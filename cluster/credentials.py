"""From a kubeconfig or a service account to an authenticated HTTP client.

`kubernetes.config` does what it is good at: contexts, exec plugins, OIDC, token files. It is imported only when a
live cluster is asked for, because it costs a third of a second that the MCP handshake must not pay.
"""

import os
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anyio.to_thread
import httpx2

from terway_mcp.cluster.connection import Connection
from terway_mcp.cluster.errors import ClusterUnreachable

_CONNECT_SECONDS = 3.0
_READ_SECONDS = 8.0
"""Longest silence on an open connection: an API server that sends nothing for so long is hanging."""


def kubeconfig_contexts(kubeconfig: str | None) -> tuple[list[str], str]:
    """Names of all contexts and of the current one; ([], "") when there is no kubeconfig."""
    from kubernetes import config  # noqa: PLC0415 - see the module's first lines

    try:
        contexts, active = config.list_kube_config_contexts(config_file=kubeconfig)
    except config.ConfigException:
        return [], ""
    return [entry["name"] for entry in contexts], active["name"] if active else ""


def connect_kubeconfig(kubeconfig: str | None, context: str | None) -> tuple[Connection, str]:
    """Open a connection for a kubeconfig context, or for the pod's service account when there is no kubeconfig.

    Blocking: exec plugins may run. Returns the connection and the context's name (`in-cluster` for a pod).

    Raises:
        ClusterUnreachable: Nothing to connect with; the message says what was looked for and what to set.
    """
    from kubernetes import client, config  # noqa: PLC0415 - see the module's first lines

    loaded = client.Configuration()
    name = context or ""
    try:
        if _in_cluster(kubeconfig, context):
            config.load_incluster_config(client_configuration=loaded)
            name = "in-cluster"
        else:
            config.load_kube_config(config_file=kubeconfig, context=context, client_configuration=loaded)
            name = name or kubeconfig_contexts(kubeconfig)[1]
    except (config.ConfigException, OSError) as error:
        raise ClusterUnreachable(_explain(kubeconfig, context, error)) from error
    return Connection(_http_client(loaded), _Authorizer(loaded)), name


class _Authorizer:
    """Headers from the loaded configuration; its refresh hook re-runs exec plugins and re-reads token files."""

    def __init__(self, configuration: Any) -> None:
        self._configuration = configuration

    async def __call__(self, renew: bool) -> Mapping[str, str]:
        if self._configuration.refresh_api_key_hook is None and not renew:
            return self._headers()
        return await anyio.to_thread.run_sync(self._headers, abandon_on_cancel=True)

    def _headers(self) -> Mapping[str, str]:
        settings = self._configuration.auth_settings()
        value = next((entry["value"] for entry in settings.values() if entry.get("value")), None)
        return {"authorization": value} if value else {}


def _http_client(loaded: Any) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(
        base_url=loaded.host,
        verify=_tls(loaded),
        proxy=loaded.proxy or None,
        headers={"accept": "application/json", "user-agent": "terway-mcp"},
        timeout=httpx2.Timeout(_READ_SECONDS, connect=_CONNECT_SECONDS),
        follow_redirects=False,
    )


def _tls(loaded: Any) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=loaded.ssl_ca_cert or None)
    if not loaded.verify_ssl:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if loaded.cert_file:
        context.load_cert_chain(loaded.cert_file, loaded.key_file)
    return context


def _in_cluster(kubeconfig: str | None, context: str | None) -> bool:
    explicit = kubeconfig or context or os.environ.get("KUBECONFIG")
    return not explicit and "KUBERNETES_SERVICE_HOST" in os.environ and not _default_kubeconfig().exists()


def _default_kubeconfig() -> Path:
    return Path.home() / ".kube" / "config"


def _explain(kubeconfig: str | None, context: str | None, error: Exception) -> str:
    looked = kubeconfig or os.environ.get("KUBECONFIG") or str(_default_kubeconfig())
    if not any(Path(part).expanduser().exists() for part in looked.split(os.pathsep) if part):
        return (
            f"no kubeconfig: {looked} does not exist. Start the server with --kubeconfig FILE (or KUBECONFIG), "
            "or with --bundle PATH to troubleshoot a captured cluster"
        )
    wanted = f" with context {context!r}" if context else ""
    return f"kubeconfig {looked}{wanted} cannot be used: {error}"
