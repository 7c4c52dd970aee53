"""One OpenTelemetry span per request to an API server: what kind of thing was asked, and how it ended.

Neither names nor content: a span holds the path as a template. Without a configured provider nothing is recorded.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
from opentelemetry.trace import Span, SpanKind, StatusCode, get_tracer

_TRACER = get_tracer("terway-mcp")
_ANSWERS = frozenset({200, 204, 404})
"""Statuses that answer the question; that an object does not exist is an answer, too."""


class Asked(msgspec.Struct, frozen=True):
    """What a path asks for: `resource` as RBAC names it, with its API group, and the verb `get` or `list`."""

    resource: str
    verb: str
    template: str


class RequestSpan:
    """The span of one request under way."""

    def __init__(self, span: Span) -> None:
        self._span = span

    def answered(self, status: int, size: int | None = None) -> None:
        """Note the HTTP status, and how many bytes the body has where that is known."""
        self._span.set_attribute("http.response.status_code", status)
        if size is not None:
            self._span.set_attribute("terway_mcp.api.bytes", size)
        if status not in _ANSWERS:
            self.failed(str(status))

    def failed(self, why: str) -> None:
        """Note that there was no answer, with one word for why."""
        self._span.set_attribute("error.type", why)
        self._span.set_status(StatusCode.ERROR)


@contextmanager
def request_span(path: str) -> Iterator[RequestSpan]:
    """A span around a GET of this path; what is raised inside leaves only its type."""
    asked = described(path)
    with _TRACER.start_as_current_span(
        f"GET {asked.resource}",
        kind=SpanKind.CLIENT,
        attributes={
            "http.request.method": "GET",
            "url.template": asked.template,
            "terway_mcp.api.resource": asked.resource,
            "terway_mcp.api.verb": asked.verb,
        },
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        begun = RequestSpan(span)
        try:
            yield begun
        except BaseException as error:
            begun.failed(type(error).__name__)
            raise


def described(path: str) -> Asked:
    """Read what is asked for out of a path of the Kubernetes API."""
    first, *rest = path.strip("/").split("/")
    head = {"api": 1, "apis": 2}.get(first)
    if head is None or len(rest) <= head:
        return Asked(first, "get", path)
    group = f".{rest[0]}" if first == "apis" else ""
    api, place = [first, *rest[:head]], rest[head:]
    if place[0] == "namespaces" and len(place) > 2:
        api, place = [*api, "namespaces", "{namespace}"], place[2:]
    collection, named, subresource = place[0], place[1:2], place[2:]
    template = "/".join(["", *api, collection, *(["{name}"] if named else []), *subresource])
    return Asked("/".join([f"{collection}{group}", *subresource]), "get" if named else "list", template)
