"""What a trace tells of a tool call: which steps it does, how it ended, how much it read and said. Never content.

The SDK opens a span for every message, named and attributed as the conventions for MCP say, under the trace that the
request's `_meta` names; what is known only here is added to that span. Each request to the API server is a child.
"""

import logging
import os
from hashlib import sha256

from opentelemetry import trace

from terway_mcp.server import __version__
from terway_mcp.server.steps import STEPS

logger = logging.getLogger(__name__)

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_TIMEOUTS = ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT")
_EXPORT_SECONDS = 2.0
"""Spans that wait are sent when the server ends; a collector that is away must not hold it up for long."""


def describe_call(tool: str, status: str, investigation: str, requests: int) -> None:
    """Add to the current span what a call was and how it ended.

    The id of an investigation opens it, so only a hash of it is told: enough to find the calls that belong together.
    """
    span = trace.get_current_span()
    if not span.is_recording():
        return
    span.set_attributes(
        {
            "terway_mcp.steps": [step.id for step in STEPS if tool in step.tools],
            "terway_mcp.status": status,
            "terway_mcp.requests": requests,
        }
    )
    if investigation:
        span.set_attribute("terway_mcp.investigation.hash", sha256(investigation.encode()).hexdigest()[:16])


def describe_size(size: int) -> None:
    """Add to the current span how many bytes the answer has."""
    trace.get_current_span().set_attribute("terway_mcp.bytes", size)


def export_spans() -> None:
    """Send spans to the collector that the standard environment variables name; without one nothing is imported."""
    if not _is_wanted():
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ImportError:
        logger.warning("%s is set, but no spans are sent: install terway-mcp[otel]", " or ".join(_ENDPOINTS))
        return
    named = {} if os.environ.get("OTEL_SERVICE_NAME") else {"service.name": "terway-mcp"}
    provider = TracerProvider(resource=Resource.create({**named, "service.version": __version__}))
    seconds = None if any(os.environ.get(name) for name in _TIMEOUTS) else _EXPORT_SECONDS
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(timeout=seconds)))
    trace.set_tracer_provider(provider)


def _is_wanted() -> bool:
    """False also where a launcher, such as opentelemetry-instrument, has set a provider already."""
    off = os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true" or os.environ.get("OTEL_TRACES_EXPORTER") == "none"
    named = any(os.environ.get(name) for name in _ENDPOINTS)
    return named and not off and isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)
