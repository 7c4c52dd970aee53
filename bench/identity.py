"""What a server needs for TLS, which is how a real API server is reached: a key, a certificate, and who signed it."""

from pathlib import Path

import msgspec
import trustme


class Identity(msgspec.Struct, frozen=True):
    """PEM files: the server's key with its certificates, and the authority clients trust."""

    server: Path
    authority: Path


def issue(folder: Path) -> Identity:
    """A new one for 127.0.0.1, kept in `folder`."""
    authority = trustme.CA()
    identity = Identity(folder / "server.pem", folder / "authority.pem")
    authority.cert_pem.write_to_path(identity.authority)
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(identity.server)
    return identity
