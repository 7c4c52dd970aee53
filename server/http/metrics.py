"""Metrics for Prometheus. They name tools and statuses, never callers, clusters or what was read."""

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    ProcessCollector,
    generate_latest,
    start_http_server,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import Response

from terway_mcp.cluster.errors import InvalidInput
from terway_mcp.server.observation import Observed

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_BYTES = (1_000, 2_000, 4_000, 8_000, 16_000, 24_000, 48_000)


class Metrics:
    """Counts calls and answers. Each object has a registry of its own."""

    def __init__(self) -> None:
        registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        GCCollector(registry=registry)
        self._registry = registry
        self._calls = Counter("terway_mcp_calls", "Calls that ended.", ["tool", "status"], registry=registry)
        self._seconds = Histogram(
            "terway_mcp_call_seconds", "Time until the answer stood.", ["tool"], buckets=_SECONDS, registry=registry
        )
        self._bytes = Histogram(
            "terway_mcp_answer_bytes", "Size of the answer's text.", ["tool"], buckets=_BYTES, registry=registry
        )
        self._running = Gauge("terway_mcp_calls_in_flight", "Calls under way.", ["tool"], registry=registry)
        self._answers = Counter(
            "terway_mcp_http_responses", "Responses of the MCP endpoint.", ["status"], registry=registry
        )

    def begun(self, tool: str) -> None:
        """See `Observer`."""
        self._running.labels(tool).inc()

    def ended(self, call: Observed) -> None:
        """See `Observer`."""
        self._running.labels(call.tool).dec()
        self._calls.labels(call.tool, call.status).inc()
        self._seconds.labels(call.tool).observe(call.ms / 1000)
        self._bytes.labels(call.tool).observe(call.bytes)

    def answered(self, status: int) -> None:
        """The endpoint answered a request with this HTTP status, 401 and 429 included."""
        self._answers.labels(str(status)).inc()

    async def page(self, _request: Request) -> Response:
        """`/metrics` on the port of the endpoint."""
        return Response(generate_latest(self._registry), media_type=CONTENT_TYPE_LATEST)

    def serve(self, host: str, port: int) -> None:
        """`/metrics` on a port of its own, from a thread that ends with the process.

        Raises:
            InvalidInput: The port cannot be had.
        """
        try:
            start_http_server(port, host, self._registry)
        except (OSError, OverflowError) as error:
            raise InvalidInput(f"cannot listen on {host}:{port}: {error}") from error
