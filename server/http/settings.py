"""How the HTTP server is to be run: its options, and which combinations of them are refused."""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from terway_mcp.cluster.errors import InvalidInput
from terway_mcp.cluster.loopback import is_loopback
from terway_mcp.server.environment import option, repeatable

_LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")


@dataclass(frozen=True)
class OAuth:
    """Whose tokens are accepted: signed by `issuer` for `resource`, holding all `scopes`; `jwks` is a URL or a file."""

    issuer: str
    resource: str
    jwks: str
    scopes: tuple[str, ...]


@dataclass(frozen=True)
class HttpSettings:
    """Everything about the HTTP server that is not about clusters. Limits are per caller; 0 of them means none."""

    host: str
    port: int
    allowed_hosts: tuple[str, ...]
    allowed_origins: tuple[str, ...]
    token_file: Path | None
    oauth: OAuth | None
    tls: tuple[Path, Path] | None
    max_request_bytes: int
    rate_limit: int
    concurrency: int
    metrics_host: str
    metrics_port: int | None

    @property
    def authenticated(self) -> bool:
        """True if callers must show a token."""
        return self.token_file is not None or self.oauth is not None

    @property
    def hosts(self) -> list[str]:
        """Values of the Host header that are answered, as the SDK writes them."""
        resource = urlsplit(self.oauth.resource).hostname if self.oauth else None
        names = [*(_LOOPBACK_NAMES if is_loopback(self.host) else ()), *self.allowed_hosts, resource or ""]
        return [form for name in names if name for form in ([name] if _has_port(name) else [name, f"{name}:*"])]

    @property
    def origins(self) -> list[str]:
        """Values of the Origin header that are answered, as the SDK writes them."""
        local = [f"http://{name}:*" for name in _LOOPBACK_NAMES] if is_loopback(self.host) else []
        return [*local, *self.allowed_origins]


def add_http_options(serve: argparse.ArgumentParser) -> None:
    """The options of `--transport streamable-http`."""
    where = serve.add_argument_group("streamable-http: where")
    option(where, "--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    option(where, "--port", type=int, default=8000, help="default: %(default)s")
    repeatable(where, "--allowed-host", metavar="HOST[:PORT]", help="also answer under this name (repeatable)")
    repeatable(where, "--allowed-origin", metavar="URL", help="also answer web pages of this origin (repeatable)")
    option(where, "--tls-cert", type=Path, metavar="FILE", help="serve TLS with this certificate chain (PEM)")
    option(where, "--tls-key", type=Path, metavar="FILE", help="and this private key")
    who = serve.add_argument_group("streamable-http: who may call (needed on addresses that others reach)")
    option(who, "--token-file", type=Path, metavar="FILE", help="clients with a token; see terway-mcp token")
    option(who, "--oauth-issuer", default="", metavar="URL", help="accept access tokens (JWT) of this issuer")
    option(who, "--oauth-resource", default="", metavar="URL", help="public URL of this server: their audience")
    option(who, "--oauth-jwks", default="", metavar="URL|FILE", help="public keys of the issuer")
    repeatable(who, "--oauth-scope", metavar="SCOPE", help="scope a token must hold (repeatable)")
    limits = serve.add_argument_group("streamable-http: limits")
    option(limits, "--max-request-bytes", type=int, default=256 * 1024, help="default: %(default)s")
    each = "of each caller, 0 for no limit (default: %(default)s)"
    option(limits, "--rate-limit", type=int, default=600, help=f"requests a minute {each}")
    option(limits, "--concurrency", type=int, default=16, help=f"requests at a time {each}")
    metrics = serve.add_argument_group("streamable-http: metrics (need terway-mcp[metrics])")
    option(metrics, "--metrics-port", type=int, help="serve /metrics on a port of its own")
    option(metrics, "--metrics-host", default="127.0.0.1", help="address of that port (default: %(default)s)")


def http_settings(options: argparse.Namespace) -> HttpSettings:
    """Check what was given.

    Raises:
        InvalidInput: An option is malformed, lacks its companion, or would open the server to everybody.
    """
    oauth = _oauth(options)
    if (options.tls_cert is None) != (options.tls_key is None):
        raise InvalidInput("--tls-cert and --tls-key belong together")
    for name, least in (("max_request_bytes", 1), ("rate_limit", 0), ("concurrency", 0)):
        if getattr(options, name) < least:
            raise InvalidInput(f"--{name.replace('_', '-')} must be at least {least}")
    settings = HttpSettings(
        host=options.host,
        port=options.port,
        allowed_hosts=_checked(options.allowed_host, "--allowed-host", _is_host, "a host name, with or without a port"),
        allowed_origins=_checked(options.allowed_origin, "--allowed-origin", _is_origin, "like https://app.example"),
        token_file=options.token_file,
        oauth=oauth,
        tls=(options.tls_cert, options.tls_key) if options.tls_cert else None,
        max_request_bytes=options.max_request_bytes,
        rate_limit=options.rate_limit,
        concurrency=options.concurrency,
        metrics_host=options.metrics_host,
        metrics_port=options.metrics_port,
    )
    if not is_loopback(settings.host) and not settings.authenticated:
        raise InvalidInput(
            f"{settings.host!r} is not a loopback address: callers from elsewhere must be authenticated; give "
            "--token-file, or --oauth-issuer with --oauth-resource and --oauth-jwks"
        )
    if not settings.hosts:
        raise InvalidInput(
            f"{settings.host!r} is not a loopback address: give --allowed-host with the name clients call it by"
        )
    return settings


def _oauth(options: argparse.Namespace) -> OAuth | None:
    given = {name: getattr(options, f"oauth_{name}") for name in ("issuer", "resource", "jwks")}
    missing = [f"--oauth-{name}" for name, value in given.items() if not value]
    if len(missing) == len(given) and not options.oauth_scope:
        return None
    if missing:
        raise InvalidInput(f"OAuth also needs {' and '.join(missing)}")
    for name in ("issuer", "resource"):
        parts = urlsplit(given[name])
        local = parts.scheme == "http" and is_loopback(parts.hostname or "")
        if not (parts.scheme == "https" or local) or not parts.hostname or parts.fragment or parts.query:
            raise InvalidInput(f"--oauth-{name} must be an https URL without query and fragment, not {given[name]!r}")
    return OAuth(**given, scopes=tuple(options.oauth_scope))


def _checked(values: Sequence[str], name: str, is_valid: Callable[[str], bool], wanted: str) -> tuple[str, ...]:
    for value in values:
        if not is_valid(value):
            raise InvalidInput(f"{name} must be {wanted}, not {value!r}")
    return tuple(values)


def _is_host(value: str) -> bool:
    parts = urlsplit(f"//{value}")
    return bool(parts.hostname) and parts.netloc == value and "@" not in value and "*" not in value


def _has_port(name: str) -> bool:
    return urlsplit(f"//{name}").port is not None


def _is_origin(value: str) -> bool:
    parts = urlsplit(value)
    return parts.scheme in ("http", "https") and value == f"{parts.scheme}://{parts.netloc}" and "*" not in value
