"""A cluster with a TLS certificate, an authority and a token file of its own, ready to be tampered with."""

import ssl
from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml

from tests.cluster.certificates import Authority
from tests.faults.proxy import Captured, Proxy


class Rig:
    """One fault's cluster: a proxy that demands the token in `token_file` over TLS that `ca_file` vouches for."""

    def __init__(self, name: str, folder: Path, captured: Captured) -> None:
        folder.mkdir()
        self.name = name
        self.folder = folder
        self.authority = Authority(folder)
        self.proxy = Proxy(captured)
        self.token_file = folder / "token"
        self.ca_file = folder / "ca.crt"
        self.rotate_token("first")
        self.trust(self.authority)

    async def open(self) -> None:
        """Serve as a sound cluster does."""
        await self.proxy.listen(self.certificate())

    def certificate(
        self, authority: Authority | None = None, *, address: str = "127.0.0.1", age: timedelta = timedelta(0)
    ) -> ssl.SSLContext:
        """How the server speaks TLS with a certificate of an authority for an address, that much older than usual."""
        signer = authority or self.authority
        return signer.server(signer.issue("server", addresses=(address,), age=age))

    async def restart(self, tls: ssl.SSLContext | None) -> None:
        """The same address with another way to speak."""
        await self.proxy.close()
        await self.proxy.listen(tls)

    def rotate_token(self, token: str) -> None:
        """A new token, known to both sides."""
        self.token_file.write_text(token)
        self.proxy.token = token

    def trust(self, authority: Authority) -> None:
        """Write whom the client shall believe."""
        self.ca_file.write_bytes(authority.path.read_bytes())

    def sections(self) -> dict[str, dict[str, Any]]:
        """This cluster in a kubeconfig: its cluster, user and context."""
        cluster = {"server": f"https://127.0.0.1:{self.proxy.port}", "certificate-authority": str(self.ca_file)}
        return {
            "clusters": {"name": self.name, "cluster": cluster},
            "users": {"name": self.name, "user": {"tokenFile": str(self.token_file)}},
            "contexts": {"name": self.name, "context": {"cluster": self.name, "user": self.name}},
        }


def kubeconfig(path: Path, rigs: Iterable[Rig]) -> Path:
    """A context for each cluster; the first is the current one."""
    document: dict[str, Any] = {"apiVersion": "v1", "kind": "Config", "clusters": [], "users": [], "contexts": []}
    for rig in rigs:
        for section, entry in rig.sections().items():
            document[section].append(entry)
    document["current-context"] = document["contexts"][0]["name"]
    path.write_text(yaml.safe_dump(document))
    return path


async def close_all(rigs: Iterable[Rig]) -> None:
    for rig in rigs:
        with suppress(OSError):
            await rig.proxy.close()
