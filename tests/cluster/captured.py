"""A captured cluster as the answers of a loopback server."""

from pathlib import Path
from urllib.parse import quote, urlencode

from terway_mcp.cluster.bundle import Bundle
from terway_mcp.cluster.embedded.api import EmbeddedApi
from tests.cluster.loopback import Reply, Request, Respond


def captured(bundle: Path) -> Respond:
    """Answer every request as the embedded API does."""
    embedded = EmbeddedApi(Bundle.open(bundle))

    def respond(request: Request) -> Reply:
        accept = request.headers.get("accept", "")
        reply = embedded.answer(request.method, quote(request.path), urlencode(request.query), accept)
        body = reply.body if isinstance(reply.body, bytes) else b"".join(reply.body)
        return Reply(reply.status, body, {"content-type": reply.content_type})

    return respond
