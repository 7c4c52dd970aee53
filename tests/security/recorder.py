"""What the product asks of an API server, and which of it a program that only reads would not have asked."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote

from terway_mcp.cluster.embedded.routes import route
from terway_mcp.cluster.embedded.status import Reply
from terway_mcp.cluster.grants import Grant
from tests.cluster.captured import captured
from tests.cluster.loopback import Api, Request, serving

FORBIDDEN_SEGMENTS = {"exec", "attach", "portforward", "proxy", "secrets", "..", "."}
LOG_PARAMETERS = {"container", "previous", "sinceTime", "tailLines", "limitBytes", "timestamps"}
LIST_PARAMETERS = {"labelSelector", "fieldSelector", "limit", "continue"}


@contextmanager
def recorded(bundle: Path) -> Iterator[Api]:
    """A captured cluster on a loopback port; `requests` of what this yields is all it was asked, by any method."""
    with serving(captured(bundle)) as api:
        yield api


def complaints(request: Request, table: tuple[Grant, ...]) -> list[str]:
    """Everything about a request that a read-only client with this table would not have sent."""
    found = []
    if request.method != "GET":
        found.append(f"method {request.method}")
    if request.body or "transfer-encoding" in request.headers or request.headers.get("content-length", "0") != "0":
        found.append("a body")
    if "upgrade" in request.headers:
        found.append("an upgrade of the connection")
    # Decoded first, as an API server and any proxy before it may do: `%2F` hides no segment.
    parts = tuple(unquote(request.path).strip("/").split("/"))
    found += [f"segment {part}" for part in sorted(FORBIDDEN_SEGMENTS & set(parts))]
    return found if request.path == "/version" else found + _beyond(parts, request, table)


def _beyond(parts: tuple[str, ...], request: Request, table: tuple[Grant, ...]) -> list[str]:
    """What the table of reads does not cover: the object, or a parameter such as `watch` or `follow`."""
    routed = route(parts)
    if isinstance(routed, Reply):
        return ["a path that is not in the table of reads"]
    target, wants_log = routed
    known = LOG_PARAMETERS if wants_log else set() if target.name else LIST_PARAMETERS
    found = [f"parameter {name}" for name in sorted(set(request.query) - known)]
    plural = target.resource.plural + ("/log" if wants_log else "")
    name = target.name or request.query.get("fieldSelector", "").partition("metadata.name=")[2] or None
    verb = "get" if target.name else "list"
    if not any(grant.allows(verb, plural, target.resource.group, target.namespace, name) for grant in table):
        found.append(f"{verb} of {plural} is not in the table of reads")
    return found


def shape(request: Request) -> str:
    """A path without the names in it: `/api/v1/namespaces/*/pods/*/log`."""
    routed = route(tuple(request.path.strip("/").split("/")))
    if isinstance(routed, Reply):
        return request.path
    target, wants_log = routed
    group = f"apis/{target.resource.group}" if target.resource.group else "api"
    place = "/namespaces/*" if target.namespace else ""
    rest = ("/*" if target.name else "") + ("/log" if wants_log else "")
    return f"/{group}/{target.resource.version}{place}/{target.resource.plural}{rest}"
