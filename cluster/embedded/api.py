"""The embedded API itself: from an HTTP request to an answer.

Built-in types and Terway's custom resources are served read-only, as `resources.ALL` lists them. What a bundle did not
capture is a 404 with reason `NotCaptured`, which no real server sends, so a client can tell it from absence.
"""

from collections.abc import Callable, Mapping
from email.utils import format_datetime
from urllib.parse import parse_qsl, quote, unquote

import msgspec

from terway_mcp.cluster.bundle import Bundle
from terway_mcp.cluster.embedded import status
from terway_mcp.cluster.embedded.discovery import POD_LOGS, describe
from terway_mcp.cluster.embedded.logs import read_log
from terway_mcp.cluster.embedded.pages import Page
from terway_mcp.cluster.embedded.routes import route
from terway_mcp.cluster.embedded.status import Reply, Target
from terway_mcp.cluster.embedded.table import as_table, wants_table
from terway_mcp.cluster.embedded.transport import Message, Receive, Send
from terway_mcp.cluster.embedded.views import Views, as_list, as_object
from terway_mcp.cluster.errors import BundleError, InvalidInput
from terway_mcp.cluster.resources import Resource

_PLAIN = "".join(map(chr, range(0x20, 0x7F))).translate({ord(char): None for char in '"%\\'})

Deny = Callable[[str, Resource, str | None, str | None], bool]
"""`deny(verb, resource, namespace, name)`: True answers 403. Logs come as resource `pods/log`, verb `get`."""


class EmbeddedApi:
    """An ASGI app that serves one bundle as a Kubernetes API, GET and HEAD only.

    `user` is whom a refusal by `deny` names. Every answer's `Date` is the time of the capture.
    """

    def __init__(self, bundle: Bundle, *, deny: Deny | None = None, user: str = "viewer") -> None:
        self._bundle = bundle
        self._views = Views(bundle)
        self._deny = deny
        self._user = user
        self._date = format_datetime(bundle.captured_at, usegmt=True).encode()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection; only HTTP is expected."""
        accept = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"accept"), "")
        path, query = scope["raw_path"].decode("latin-1"), scope["query_string"].decode("latin-1")
        reply = self.answer(scope["method"], path, query, accept)
        await send({"type": "http.response.start", "status": reply.status, "headers": self._headers(reply)})
        if isinstance(reply.body, bytes):
            await send({"type": "http.response.body", "body": reply.body})
            return
        for block in reply.body if scope["method"] == "GET" else ():
            await send({"type": "http.response.body", "body": block, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    def answer(self, method: str, path: str, query: str = "", accept: str = "") -> Reply:
        """The answer to one request; path and query are percent-encoded."""
        params = dict(parse_qsl(query, keep_blank_values=True))
        if method not in ("GET", "HEAD") or params.get("watch", "") in ("1", "true"):
            return status.method_not_allowed()
        parts = tuple(unquote(part) for part in path.strip("/").split("/"))
        if described := describe(self._bundle, parts):
            return described
        found = route(parts)
        if isinstance(found, Reply):
            return found
        target, wants_log = found
        try:
            refusal = self._refused(target, wants_log=wants_log)
            reply = refusal or self._read(target, params, accept, wants_log=wants_log)
        except InvalidInput as error:
            return status.bad_request(str(error))
        except BundleError as error:
            # To a client a damaged file is one that was not captured: asking again would not help.
            return status.not_captured(target, self._bundle.place(target.resource, target.namespace), str(error))
        return msgspec.structs.replace(reply, warning=self._gaps(target)) if reply.status == 200 else reply

    def _refused(self, target: Target, *, wants_log: bool) -> Reply | None:
        if self._bundle.lacks_type(target.resource):
            return status.no_such_path()
        verb = "get" if target.name else "list"
        resource = POD_LOGS if wants_log else target.resource
        if self._deny and self._deny(verb, resource, target.namespace, target.name):
            return status.forbidden(Target(resource, target.namespace, target.name), verb, self._user)
        return None

    def _read(self, target: Target, params: Mapping[str, str], accept: str, *, wants_log: bool) -> Reply:
        found: Page | Reply
        if target.name:
            item = self._views.get(target)
            if wants_log and not isinstance(item, Reply):
                return read_log(self._bundle, target, item, params)
            found = item if isinstance(item, Reply) else Page([item])
        else:
            found = self._views.select(target, params)
        if isinstance(found, Reply):
            return found
        if wants_table(accept):
            include = params.get("includeObject", "")
            return status.json_reply(
                as_table(target.resource, found, self._views.revision, self._bundle.captured_at, include)
            )
        if target.name:
            return status.json_reply(as_object(target.resource, found.items[0]))
        return status.json_reply(as_list(target.resource, found, self._views.revision))

    def _gaps(self, target: Target) -> str:
        """What a list lacks, because the collector failed in the midst of it or in some namespaces."""
        return "" if target.name else self._bundle.capture_error(target.resource, target.namespace) or ""

    def _headers(self, reply: Reply) -> list[tuple[bytes, bytes]]:
        headers = [(b"date", self._date)]
        if reply.warning:
            headers.append((b"warning", _warning(reply.warning)))
        if reply.status != 204:
            headers.append((b"content-type", reply.content_type.encode()))
            if isinstance(reply.body, bytes):
                headers.append((b"content-length", str(len(reply.body)).encode()))
        return headers


def _warning(gaps: str) -> bytes:
    """A `Warning` header as RFC 7234 has it: code 299, no agent, quoted text, of which plain ASCII stands for itself.

    The rest is percent-encoded rather than replaced: what is masked later must be recognisable as what it is.
    """
    shown = quote(gaps[: status.CAPTURE_ERROR_SHOWN], safe=_PLAIN)
    return f'299 - "not everything was captured: {shown}"'.encode()
