"""A capture served by the embedded API in a process of its own, which says what it was asked.

python -m bench.serving CAPTURE [SERVER.pem]    prints its URL, and ends with its input; with a key it speaks TLS
"""

import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import uvicorn

from bench.identity import Identity
from terway_mcp.cluster.bundle import Bundle
from terway_mcp.cluster.embedded.api import EmbeddedApi

_COUNTS = "/counts"
ROOT = Path(__file__).parent.parent


class Counts(msgspec.Struct):
    """What a server was asked and how much it answered, since it began."""

    requests: int = 0
    bytes: int = 0


class Counting:
    """The embedded API, and beside it `/counts`, which does not count itself."""

    def __init__(self, api: EmbeddedApi) -> None:
        self._api = api
        self._counts = Counts()

    async def __call__(self, scope: Mapping[str, Any], receive: Any, send: Any) -> None:
        """Serve one ASGI request."""
        if scope["path"] == _COUNTS:
            body = msgspec.json.encode(self._counts)
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": body})
            return
        self._counts.requests += 1

        async def counted(message: Any) -> None:
            self._counts.bytes += len(message.get("body", b""))
            await send(message)

        await self._api(dict(scope), receive, counted)


class Served(msgspec.Struct, frozen=True):
    """A running server: where it listens."""

    url: str

    def counts(self) -> Counts:
        """What it was asked so far."""
        return msgspec.json.decode(httpx2.get(self.url + _COUNTS, trust_env=False).content, type=Counts)

    def kubeconfig(self, folder: Path) -> Path:
        """A kubeconfig that points at it."""
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "bench", "cluster": {"server": self.url}}],
            "users": [{"name": "bench", "user": {}}],
            "contexts": [{"name": "bench", "context": {"cluster": "bench", "user": "bench"}}],
            "current-context": "bench",
        }
        path = folder / "kubeconfig.json"
        path.write_bytes(msgspec.json.encode(config))
        return path


@contextmanager
def served(capture: Path, identity: Identity | None = None) -> Iterator[Served]:
    """Serve until the block ends, over TLS with an identity; that process is waited for."""
    command = [sys.executable, "-m", "bench.serving", str(capture), *([str(identity.server)] if identity else [])]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            url = process.stdout.readline().strip() if process.stdout else ""
            if not url:
                raise RuntimeError(f"the API over {capture} did not start")
            yield Served(url)
        finally:
            process.communicate()


class _Announcing(uvicorn.Server):
    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        port = self.servers[0].sockets[0].getsockname()[1]
        print(f"{'https' if self.config.is_ssl else 'http'}://127.0.0.1:{port}", flush=True)


def main() -> None:
    """Serve the capture named on the command line until stdin ends."""
    capture, *key = sys.argv[1:]
    app = Counting(EmbeddedApi(Bundle.open(Path(capture))))
    config = uvicorn.Config(
        app, port=0, lifespan="off", log_level="warning", access_log=False, date_header=False, http="h11", ws="none",
        ssl_certfile=key[0] if key else None,
    )  # fmt: skip
    server = _Announcing(config)

    def wait_for_the_end() -> None:
        sys.stdin.read()
        server.should_exit = True

    threading.Thread(target=wait_for_the_end, daemon=True).start()
    server.run()


if __name__ == "__main__":
    main()
