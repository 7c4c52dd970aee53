"""Listening; what does not authenticate its callers listens on this machine only."""

import ipaddress
import socket

from terway_mcp.cluster.errors import InvalidInput


def is_loopback(host: str) -> bool:
    """True for `localhost` and addresses that only this machine reaches."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def in_url(host: str) -> str:
    """The host as a URL names it: an IPv6 address stands in brackets, and a zone's percent sign is encoded."""
    return f"[{host.replace('%', '%25')}]" if ":" in host else host


def listen(host: str, port: int, why: str) -> socket.socket:
    """Open a listening socket that only this machine reaches; port 0 picks a free one.

    Raises:
        InvalidInput: `host` is not a loopback address (`why` says what speaks against others), or the port cannot be
            had.
    """
    if not is_loopback(host):
        raise InvalidInput(f"{host!r} is not a loopback address: {why}")
    return listen_anywhere(host, port)


def listen_anywhere(host: str, port: int) -> socket.socket:
    """Open a listening socket on any address of this machine; port 0 picks a free one.

    Raises:
        InvalidInput: The port cannot be had.
    """
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except (OSError, OverflowError) as error:
        raise InvalidInput(f"cannot listen on {in_url(host)}:{port}: {error}") from error
