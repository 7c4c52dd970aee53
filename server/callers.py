"""Who is calling. Investigations, limits and the audit know a caller by this one text."""

from urllib.parse import quote

from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.provider import principal_components

LOCAL = "local"
"""The one caller of a server without authentication."""

NOT_KEPT = ""
"""Stands where the SDK has room for the token itself: once it has been verified nobody needs it."""


def caller_identity() -> str:
    """The caller of the request that is being answered.

    A client of the token file is known by its name. An OAuth caller is issuer, client and subject, each quoted, so that
    no choice of names makes two callers one; the slashes keep them apart from names of the token file.
    """
    token = get_access_token()
    if token is None:
        return LOCAL
    client, issuer, subject = principal_components(token)
    return client if issuer is None else "/".join(quote(part, safe="") for part in (issuer, client, subject or ""))
