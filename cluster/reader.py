"""Typed reads with coverage: what a tool holds while it answers one call.

A read never raises for what a cluster may legitimately refuse: denied, absent, expired and late reads become
`Coverage`, and the tool goes on with what it has.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from math import inf
from typing import Any, TypeVar
from urllib.parse import urlencode

import anyio
import msgspec

from terway_mcp.cluster.connection import LARGEST_LIST, LARGEST_OBJECT, Answer, Connection
from terway_mcp.cluster.coverage import Coverage, Outcome, Read
from terway_mcp.cluster.decode import Page, decode_items, decode_object, decode_page
from terway_mcp.cluster.errors import ClusterUnreachable
from terway_mcp.cluster.log_flow import Patience, flowing
from terway_mcp.cluster.names import is_object_name, resource_path
from terway_mcp.cluster.objects import Version
from terway_mcp.cluster.recent import Asker
from terway_mcp.cluster.refusals import log_refusal, refusal
from terway_mcp.cluster.request_spans import request_span
from terway_mcp.cluster.resources import PODS, Resource

T = TypeVar("T", bound=msgspec.Struct)

PAGE_SIZE = 500
READ_SECONDS = 6.0
"""Longest wait for one read."""

CALL_SECONDS = 9.0
"""Longest wait for all reads of one tool call, so that a hanging API server is answered within 10 s."""

_REFUSAL_BYTES = 64 * 1024
_RESTARTS = 2
_NO_NAME = "that is not a valid Kubernetes name"
_VERSION = "version of the API server"
_VERSION_PATH = "/version"
_DETAIL = 300


class Query(msgspec.Struct, frozen=True):
    """Selectors of a list call, in Kubernetes syntax."""

    labels: str = ""
    fields: str = ""
    limit: int = PAGE_SIZE

    def parameters(self, page: str = "") -> dict[str, str]:
        """URL parameters of the first page, or of the one this `continue` token stands for."""
        wanted = {
            "labelSelector": self.labels,
            "fieldSelector": self.fields,
            "limit": str(self.limit) if self.limit else "",
            "continue": page,
        }
        return {key: value for key, value in wanted.items() if value}


class LogQuery(msgspec.Struct, frozen=True):
    """Parameters of the pod log subresource; times are RFC 3339, sizes are bytes and lines."""

    container: str
    previous: bool = False
    since_time: str = ""
    tail_lines: int = 0
    limit_bytes: int = 0

    def parameters(self) -> dict[str, str]:
        """URL parameters; timestamps are always asked for, because klog headers lack year and zone."""
        wanted = {
            "container": self.container,
            "previous": "true" if self.previous else "",
            "sinceTime": self.since_time,
            "tailLines": str(self.tail_lines) if self.tail_lines else "",
            "limitBytes": str(self.limit_bytes) if self.limit_bytes else "",
            "timestamps": "true",
        }
        return {key: value for key, value in wanted.items() if value}

    def label(self, pod: str) -> str:
        """What answers call the log of this pod's container."""
        return f"{pod}/{self.container}" + (" (previous)" if self.previous else "")

    def what(self, namespace: str, pod: str) -> str:
        """What its coverage calls it."""
        return f"log of {namespace}/{self.label(pod)}"


class Reader:
    """Reads for one tool call, all within one deadline; `coverage` lists every read in order.

    `requests` counts what was asked of the API server, repeats after failures and the version aside. With an `asker`,
    what other tools of its investigation have just read is not asked again.
    """

    def __init__(self, connection: Connection, *, seconds: float = CALL_SECONDS, asker: Asker | None = None) -> None:
        self._connection = connection
        self._asker = asker
        self._patience = Patience(seconds)
        self.coverage: list[Coverage] = []
        self.answered: set[str] = set()
        """Requests that were answered whole, as evidence cites them."""
        self.requests = 0

    @property
    def now(self) -> datetime:
        """The API server's clock."""
        return self._connection.now

    async def version(self) -> Read[Version]:
        """GET /version, once per connection: an API server is replaced more often than it changes its version."""
        async with self._connection.greeting:
            if known := self._connection.version:
                return Read(known, Coverage(_VERSION, "read"), _source(_VERSION_PATH, {}))
            read = await self._read(_VERSION_PATH, _VERSION, Version, None, None, lambda found: bool(found.git_version))
            self._connection.version = read.value
            return read

    async def get(self, resource: Resource, kind: type[T], name: str, namespace: str | None = None) -> Read[T]:
        """Read one object by name; a name that the cluster gives and that is none is not asked for."""
        if not is_object_name(name):
            return Read(None, self.cover(f"{resource.qualified_name} that the cluster names", "unavailable", _NO_NAME))
        path = resource_path(resource, namespace=namespace, name=name)
        what = f"{resource.qualified_name} {namespace}/{name}" if namespace else f"{resource.qualified_name} {name}"
        return await self._read(path, what, kind, resource, namespace, lambda found: _name(found) == name)

    async def collect(
        self,
        resource: Resource,
        kind: type[T],
        namespace: str | None = None,
        query: Query | None = None,
        what: str = "",
        max_pages: int = 200,
    ) -> Read[list[T]]:
        """Read a collection page by page, to its end if it has no more pages than that."""
        items: list[T] = []
        query = query or Query()
        coverage = await self.each_page(
            resource,
            lambda page: items.extend(decode_items(page, kind)),
            items.clear,
            namespace=namespace,
            query=query,
            what=what,
            max_pages=max_pages,
        )
        kept = items if coverage.outcome in ("read", "truncated") or items else None
        return Read(kept, coverage, _source(resource_path(resource, namespace=namespace), query.parameters()))

    async def each_page(
        self,
        resource: Resource,
        consume: Callable[[list[msgspec.Raw]], None],
        restart: Callable[[], None],
        *,
        namespace: str | None = None,
        query: Query | None = None,
        what: str = "",
        max_pages: int = 200,
    ) -> Coverage:
        """Hand each page of a collection to `consume` as it arrives.

        When the API server has compacted the list under way (410), `restart` is called and the list begins anew.
        """
        query = query or Query()
        path = resource_path(resource, namespace=namespace)
        source = _source(path, query.parameters())
        what = what or (f"{resource.qualified_name} in {namespace}" if namespace else resource.qualified_name)
        token, warning, pages, restarts = "", "", 0, 0
        while True:
            answer = await self._answer(path, query.parameters(token), LARGEST_LIST)
            if isinstance(answer, tuple):
                return self.cover(what, *(answer if not pages else ("truncated", answer[1])), source=source)
            if answer.status == 410 and restarts < _RESTARTS:
                restart()
                token, warning, pages, restarts = "", "", 0, restarts + 1
                continue
            page = _page(answer)
            if page is None:
                outcome, detail = refusal(answer, "list", resource, namespace)
                return self.cover(what, "truncated" if pages else outcome, detail, source)
            consume(page.items)
            pages += 1
            warning = answer.warning or _odd_items(page) or warning
            token = page.next_token
            if not token:
                if pages == 1 and not warning:
                    self._keep(path, query.parameters(), answer)
                return self.cover(what, "truncated" if warning else "read", warning, source)
            if pages >= max_pages:
                return self.cover(what, "truncated", f"stopped after {pages} pages of {query.limit}", source)

    @asynccontextmanager
    async def log(
        self, namespace: str, pod: str, query: LogQuery, *, until: float = inf
    ) -> AsyncIterator[AsyncIterator[bytes] | Coverage]:
        """Open a container's log: its bytes in blocks, or a Coverage saying why there are none.

        The caller adds the coverage of a log that was read, because only it knows where it stopped. Reading a log that
        flows does not count as waiting, so that it leaves the next one its time; but `until`, a moment on anyio's
        clock, it has ended.

        Raises:
            ClusterUnreachable: The log broke off while it was read, ceased to flow, or would go on beyond `until`.
        """
        if not (is_object_name(namespace) and is_object_name(pod)):
            yield self.cover("log of a pod that the cluster names", "unavailable", _NO_NAME)
            return
        path = resource_path(PODS, namespace=namespace, name=pod, subresource="log")
        what = query.what(namespace, pod)
        async with AsyncExitStack() as stack:
            span = stack.enter_context(request_span(path))
            seconds = min(self._seconds(), max(0.0, until - anyio.current_time()))
            try:
                with anyio.fail_after(seconds):
                    status, blocks = await stack.enter_async_context(self._connection.stream(path, query.parameters()))
                    body = b"" if status == 200 else await _beginning(blocks)
            except TimeoutError:
                span.failed("TimeoutError")
                yield self.cover(what, "timed_out", _late(seconds))
                return
            except ClusterUnreachable as error:
                span.failed("ClusterUnreachable")
                yield self.cover(what, "unavailable", str(error))
                return
            span.answered(status)
            if status != 200:
                yield self.cover(what, *log_refusal(Answer(status, body), namespace))
                return
            yield flowing(blocks, self._patience, until)

    def cover(self, what: str, outcome: Outcome, detail: str = "", source: str = "") -> Coverage:
        """Add an entry; tools call it for what no single request accounts for."""
        entry = Coverage(what, outcome, detail[:_DETAIL])
        self.coverage.append(entry)
        if entry.is_settled:
            self.answered.add(source)
        return entry

    async def _read(
        self,
        path: str,
        what: str,
        kind: type[T],
        resource: Resource | None,
        namespace: str | None,
        is_wanted: Callable[[T], bool],
    ) -> Read[T]:
        source = _source(path, {})
        answer = await self._answer(path, {}, LARGEST_OBJECT)
        if isinstance(answer, tuple):
            return Read(None, self.cover(what, *answer, source=source), source)
        if answer.status != 200:
            outcome, detail = refusal(answer, "get", resource, namespace)
            if outcome == "not_found":
                self._keep(path, {}, answer)
            return Read(None, self.cover(what, outcome, detail, source), source)
        try:
            value = decode_object(answer.body, kind)
        except msgspec.MsgspecError:
            detail = "the API server's answer is not valid JSON"
            return Read(None, self.cover(what, "unavailable", detail, source), source)
        if not is_wanted(value):
            detail = "the API server answered with something else"
            return Read(None, self.cover(what, "unavailable", detail, source), source)
        self._keep(path, {}, answer)
        return Read(value, self.cover(what, "read"), source)

    async def _answer(self, path: str, params: Mapping[str, str], most: int) -> Answer | tuple[Outcome, str]:
        if self._asker and (known := self._asker.find(_source(path, params))):
            return known
        seconds = self._seconds()
        # No call is charged for what serves them all, or what it may still read would depend on which came first.
        self.requests += path != _VERSION_PATH
        try:
            with request_span(path) as span, anyio.fail_after(seconds):
                answer = await self._connection.get(path, params, most=most)
                span.answered(answer.status, len(answer.body))
                if self._asker:
                    self._asker.heard(answer.body)
                return answer
        except TimeoutError:
            return "timed_out", _late(seconds)
        except ClusterUnreachable as error:
            return "unavailable", str(error)

    def _keep(self, path: str, params: Mapping[str, str], answer: Answer) -> None:
        """Let other tools of the investigation have an answer that made sense."""
        if self._asker:
            self._asker.keep(_source(path, params), answer)

    def _seconds(self) -> float:
        """How long the next read may wait."""
        return min(READ_SECONDS, self._patience.left)


def _late(seconds: float) -> str:
    return f"no answer within {seconds:.1f} s" if seconds else "not asked: the time of this call was used up"


def _name(found: Any) -> str:
    return str(found.metadata.name)


def _odd_items(page: Page) -> str:
    """What a list holds besides objects, in words."""
    odd = sum(memoryview(item)[0] != ord("{") for item in page.items)
    return f"{odd} of {len(page.items)} entries are no objects" if odd else ""


async def _beginning(blocks: AsyncIterator[bytes]) -> bytes:
    """As much of a refusal as can be its explanation."""
    body = b""
    async for block in blocks:
        body += block
        if len(body) > _REFUSAL_BYTES:
            break
    return body


def _source(path: str, params: Mapping[str, str]) -> str:
    return f"GET {path}" + (f"?{urlencode(params)}" if params else "")


def _page(answer: Answer) -> Page | None:
    if answer.status != 200:
        return None
    try:
        return decode_page(answer.body)
    except msgspec.MsgspecError:
        return None
