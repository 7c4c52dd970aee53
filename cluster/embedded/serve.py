"""A captured cluster for kubectl: the embedded API on a loopback port, and a kubeconfig that points at it."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import yaml

from terway_mcp.cluster.bundle import Bundle
from terway_mcp.cluster.embedded.api import EmbeddedApi
from terway_mcp.cluster.embedded.status import json_reply
from terway_mcp.cluster.embedded.transport import AsgiApp, Message, Receive, Send
from terway_mcp.cluster.errors import InvalidInput
from terway_mcp.cluster.loopback import in_url, is_loopback, listen
from terway_mcp.cluster.whole_file import write_whole

CONTEXT = "terway-mcp-bundle"

_MARK = "# Written by `terway-mcp api`.\n"


class Serving(msgspec.Struct, frozen=True):
    """A running API: its address, its kubeconfig, and how to end it from any thread."""

    url: str
    kubeconfig: Path
    stop: Callable[[], None]


def serve(
    bundle: Bundle, host: str, port: int, kubeconfig_path: Path, announce: Callable[[Serving], None] = lambda _: None
) -> None:
    """Serve a bundle until it is stopped (Ctrl-C in the main thread, `Serving.stop` elsewhere).

    Port 0 picks a free one. `announce` is called once, when connections are accepted.

    Raises:
        InvalidInput: `host` is not a loopback address, the port is taken, or `kubeconfig_path` holds something else.
        OutputError: The kubeconfig cannot be written.
    """
    import uvicorn  # noqa: PLC0415 - only this command needs a server

    with listen(host, port, "a bundle holds a cluster's configuration") as listener:
        actual: int = listener.getsockname()[1]
        url = f"http://{in_url(host)}:{actual}"
        _write_kubeconfig(kubeconfig_path, url)
        config = uvicorn.Config(
            _LocalOnly(EmbeddedApi(bundle)),
            lifespan="off",
            log_level="warning",
            access_log=False,
            date_header=False,
            server_header=False,
            http="h11",
            ws="none",
            timeout_graceful_shutdown=1,
        )
        server = uvicorn.Server(config)

        def stop() -> None:
            server.should_exit = True

        announce(Serving(url, kubeconfig_path, stop))
        server.run(sockets=[listener])


class _LocalOnly:
    """Turns away requests under a foreign host name: a web page may resolve its own name to this machine."""

    def __init__(self, app: AsgiApp) -> None:
        self._app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")
        if is_loopback(host.rpartition(":")[0].strip("[]")):
            await self._app(scope, receive, send)
            return
        refusal = json_reply({"kind": "Status", "status": "Failure", "message": "foreign Host header", "code": 421})
        headers = [(b"content-type", refusal.content_type.encode())]
        await send({"type": "http.response.start", "status": 421, "headers": headers})
        await send({"type": "http.response.body", "body": refusal.body})


def _write_kubeconfig(path: Path, url: str) -> None:
    """Write the file; never over somebody's own kubeconfig."""
    try:
        is_foreign = path.exists() and not path.read_text(errors="replace").startswith(_MARK)
    except OSError as error:
        raise InvalidInput(f"cannot read {path}: {error.strerror}") from error
    if is_foreign:
        raise InvalidInput(f"{path} exists and was not written by this command")
    write_whole(path, (_MARK + yaml.safe_dump(_kubeconfig(url), sort_keys=False)).encode())


def _kubeconfig(url: str) -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": CONTEXT, "cluster": {"server": url}}],
        "users": [{"name": CONTEXT, "user": {}}],
        "contexts": [{"name": CONTEXT, "context": {"cluster": CONTEXT, "user": CONTEXT}}],
        "current-context": CONTEXT,
    }
