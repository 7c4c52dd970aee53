"""Lists in pages: etcd's order, `limit`, and continue tokens in the API server's format.

A token is unpadded URL-safe base64 of `{"v": "meta.k8s.io/v1", "rv": <resourceVersion>, "start": <key + NUL>}`.
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from bisect import bisect_left
from collections.abc import Iterable

import msgspec

from terway_mcp.cluster.bundle import KubeObject
from terway_mcp.cluster.embedded.shape import text
from terway_mcp.cluster.embedded.status import Reply, bad_request, expired

_VERSION = "meta.k8s.io/v1"
_NOT_BASE64 = re.compile(r"[^A-Za-z0-9_-]")
_ANY = -1
"""The resourceVersion of a token that gives up consistency, as a 410 hands it out."""


class _Token(msgspec.Struct, forbid_unknown_fields=False):
    v: str = ""
    rv: int = 0
    start: str = ""


class Page(msgspec.Struct, frozen=True):
    """One page of a list; `token` is "" on the last."""

    items: list[KubeObject]
    token: str = ""
    remaining: int = 0


def key(item: KubeObject) -> str:
    """Where etcd sorts an object: `namespace/name`, or `name` of a cluster-scoped one."""
    name, namespace = text(item, "metadata", "name"), text(item, "metadata", "namespace")
    return f"{namespace}/{name}" if namespace else name


def in_order(items: Iterable[KubeObject]) -> list[KubeObject]:
    """Objects sorted by key; of two with one key the later is kept, as a second write would."""
    return [item for _, item in sorted({key(item): item for item in items}.items())]


def page(items: list[KubeObject], prefix: str, limit: int, token: str, revision: int) -> Page | Reply:
    """Cut one page out of `items`, which are in order; `limit` 0 means all.

    `prefix` is what all keys of the list begin with; tokens leave it out, as etcd's do.

    Answers 400 for a token that is none and 410 for one of another snapshot, both as an API server does.
    """
    start = ""
    if token:
        position = _decode(token)
        if isinstance(position, Reply):
            return position
        if position.rv not in (revision, _ANY):
            return expired(_encode(_ANY, position.start))
        start = prefix + position.start
    first = bisect_left(items, start, key=key)
    end = min(first + limit, len(items)) if limit else len(items)
    if end == len(items):
        return Page(items[first:])
    return Page(items[first:end], _encode(revision, key(items[end - 1]).removeprefix(prefix) + "\0"), len(items) - end)


def _encode(revision: int, start: str) -> str:
    document = msgspec.json.encode(_Token(_VERSION, revision, start))
    return urlsafe_b64encode(document).rstrip(b"=").decode()


def _decode(token: str) -> _Token | Reply:
    stray = _NOT_BASE64.search(token)
    if stray or len(token) % 4 == 1:
        return _malformed(f"illegal base64 data at input byte {stray.start() if stray else len(token) - 1}")
    raw = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    try:
        found = msgspec.json.decode(raw, type=_Token)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _malformed(_json_problem(raw))
    if found.v != _VERSION:
        return _malformed(f'server does not recognize this encoded version "{found.v}"')
    if not found.rv:
        return _malformed(f"incorrect encoded start resourceVersion (version {_VERSION})")
    if not found.start:
        return _malformed(f"encoded start key empty (version {_VERSION})")
    return found


def _malformed(problem: str) -> Reply:
    return bad_request(f"invalid continue token: continue key is not valid: {problem}")


def _json_problem(raw: bytes) -> str:
    if not raw:
        return "unexpected end of JSON input"
    if chr(raw[0]) in '{["-0123456789tfn':
        return "the token does not hold what this server put into it"
    shown = chr(raw[0]) if 0x20 <= raw[0] < 0x7F else f"\\x{raw[0]:02x}"
    return f"invalid character '{shown}' looking for beginning of value"
