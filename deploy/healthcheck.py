"""Asks the HTTP server in this container whether it is alive; no curl needed. A stdio server lives as its host wants.

healthcheck.py [PID]    of the server, by default process 1; exit code 1 means unhealthy
"""

import ipaddress
import os
import ssl
import sys
import urllib.request
from pathlib import Path

from terway_mcp.cluster.loopback import in_url
from terway_mcp.server.options import parser

_SECONDS = 3.0


def main(pid: str) -> int:
    """Find the server's options in its command line, and ask the address they lead to."""
    words = [os.fsdecode(word) for word in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[:-1]]
    start = max(number for number, word in enumerate(words) if word.endswith(("terway-mcp", "terway_mcp.server")))
    options = parser().parse_args(words[start + 1 :])
    if options.command != "serve" or options.transport == "stdio":
        return 0
    where = f"{in_url(_reached_by(options.host))}:{options.port}"
    scheme = "https" if options.tls_cert else "http"
    # Whom the certificate names does not matter on the way to oneself.
    trusting = ssl._create_unverified_context() if options.tls_cert else None  # noqa: S323
    with urllib.request.urlopen(f"{scheme}://{where}/healthz", timeout=_SECONDS, context=trusting):  # noqa: S310
        return 0


def _reached_by(host: str) -> str:
    """Where to ask a server that listens on this host: one that listens everywhere is asked on loopback."""
    try:
        address = ipaddress.ip_address(host or "0.0.0.0")  # noqa: S104 - asked for on loopback instead
    except ValueError:
        return host
    if not address.is_unspecified:
        return host
    return "127.0.0.1" if address.version == 4 else "::1"


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:2] or ["1"]))
    except OSError as error:
        sys.exit(str(error))
