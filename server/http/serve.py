"""Streamable HTTP, both protocol eras, stateless: the investigation id carries the state."""

import importlib.util
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio.to_thread
import uvicorn
from mcp.server.mcpserver import MCPServer
from mcp.server.transport_security import TransportSecurityMiddleware, TransportSecuritySettings
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from terway_mcp.cluster.clusters import Clusters
from terway_mcp.cluster.errors import InvalidInput
from terway_mcp.cluster.loopback import is_loopback, listen_anywhere
from terway_mcp.knowledge.base import Knowledge
from terway_mcp.server.app import create_server
from terway_mcp.server.http.admission import Admission, Allowance, Watched
from terway_mcp.server.http.authentication import authentication
from terway_mcp.server.http.probes import Readiness, healthz
from terway_mcp.server.http.settings import HttpSettings
from terway_mcp.server.observation import Observation, Observer
from terway_mcp.server.store import Store

if TYPE_CHECKING:
    from terway_mcp.server.http.metrics import Metrics

_PATH = "/mcp"
_FAREWELL_SECONDS = 20
"""Calls under way may end this long after the signal to stop."""

_WITHOUT_LIBRARY = "metrics need prometheus-client: install terway-mcp[metrics]"


def serve_http(
    settings: HttpSettings,
    clusters: Clusters,
    store: Store,
    knowledge: Callable[[], Knowledge],
    audit: Observer | None,
    *,
    anonymize: bool = False,
) -> int:
    """Serve until interrupted.

    Raises:
        InvalidInput: A port cannot be had, TLS files do not fit, or metrics are wanted without their library.
        CredentialsError: Tokens or keys cannot be read.
    """
    auth, checks = authentication(settings)
    metrics = _metrics(settings)
    observers = [observer for observer in (audit, metrics) if observer is not None]
    server = create_server(
        clusters,
        store=store,
        knowledge=knowledge,
        middleware=[Observation(observers)] if observers else [],
        authentication=auth,
        anonymize=anonymize,
    )
    checks |= {"store": store.check, "knowledge": partial(anyio.to_thread.run_sync, knowledge)}
    app = application(server, settings, Readiness(checks), metrics)
    with listen_anywhere(settings.host, settings.port) as listener:
        if metrics is not None and settings.metrics_port is not None:
            metrics.serve(settings.metrics_host, settings.metrics_port)
        uvicorn.Server(configuration(app, settings)).run(sockets=[listener])
    return 0


def application(
    server: MCPServer[Any], settings: HttpSettings, readiness: Readiness, metrics: "Metrics | None"
) -> Starlette:
    """The endpoint and its probes; of the layers around it the first one listed meets a request last."""
    security = TransportSecuritySettings(allowed_hosts=settings.hosts, allowed_origins=settings.origins)
    server.custom_route("/healthz", methods=["GET"])(healthz)
    server.custom_route("/readyz", methods=["GET"])(readiness.readyz)
    if _open_metrics(settings):
        page = metrics.page if metrics else _no_metrics
        server.custom_route("/metrics", methods=["GET"])(partial(_for_known_hosts, security, page))
    app = server.streamable_http_app(
        streamable_http_path=_PATH,
        # SSE, not JSON answers: progress and cancellation travel on the stream of their request.
        stateless_http=True,
        max_request_body_size=settings.max_request_bytes,
        transport_security=security,
    )
    allowance = Allowance(settings.rate_limit)
    # Behind the SDK's own layers: those find out who is calling.
    app.user_middleware.append(Middleware(Admission, path=_PATH, allowance=allowance, at_a_time=settings.concurrency))
    if settings.allowed_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.allowed_origins,
            allow_methods=["POST"],
            allow_headers=["authorization", "content-type", "mcp-protocol-version", "mcp-method", "mcp-name"],
            expose_headers=["www-authenticate", "retry-after"],
        )
    if metrics is not None:
        app.add_middleware(Watched, path=_PATH, answered=metrics.answered)
    return app


def configuration(app: Starlette, settings: HttpSettings) -> uvicorn.Config:
    """How uvicorn is to serve the application.

    Raises:
        InvalidInput: Certificate and key cannot be read or do not fit.
    """
    certificate, key = settings.tls or (None, None)
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        http="h11",
        ws="none",
        ssl_certfile=certificate,
        ssl_keyfile=key,
        timeout_graceful_shutdown=_FAREWELL_SECONDS,
    )
    try:
        config.load()
    except OSError as error:
        raise InvalidInput(f"TLS certificate {certificate} with key {key}: {error}") from error
    return config


def _open_metrics(settings: HttpSettings) -> bool:
    """Whoever set up authentication expects no page without it; then metrics have a port of their own, or none."""
    return is_loopback(settings.host) and not settings.authenticated and settings.metrics_port is None


def _metrics(settings: HttpSettings) -> "Metrics | None":
    if importlib.util.find_spec("prometheus_client") is None:
        if settings.metrics_port is not None:
            raise InvalidInput(_WITHOUT_LIBRARY)
        return None
    if settings.metrics_port is None and not _open_metrics(settings):
        return None
    from terway_mcp.server.http.metrics import Metrics  # noqa: PLC0415 - an optional dependency

    return Metrics()


async def _for_known_hosts(security: TransportSecuritySettings, page: Callable[..., Any], request: Request) -> Response:
    """A web page that resolves its own name to this machine sees no more here than at the endpoint."""
    return await TransportSecurityMiddleware(security).validate_request(request) or await page(request)


async def _no_metrics(_request: Request) -> Response:
    return PlainTextResponse(_WITHOUT_LIBRARY, 501)
