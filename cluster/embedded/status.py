"""Answers of the API and the `Status` bodies of its refusals, worded as a kube-apiserver 1.36 words them."""

from collections.abc import Iterator
from typing import Any

import msgspec

from terway_mcp.cluster.resources import Resource

JSON = "application/json"
CAPTURE_ERROR_SHOWN = 300


class Reply(msgspec.Struct, frozen=True):
    """One HTTP answer; a body that is an iterator is streamed block by block.

    `warning` goes into the header of that name, which kubectl shows above its output.
    """

    status: int
    body: bytes | Iterator[bytes] = b""
    content_type: str = JSON
    warning: str = ""


class Target(msgspec.Struct, frozen=True):
    """What a request is about: `namespace` and `name` are None for a whole cluster and a whole collection."""

    resource: Resource
    namespace: str | None = None
    name: str | None = None

    @property
    def details(self) -> dict[str, str]:
        """`details` of a Status about this target; real servers leave the core group and absent names out."""
        known = {"name": self.name, "group": self.resource.group, "kind": self.resource.plural.split("/")[0]}
        return {key: value for key, value in known.items() if value}


def json_reply(document: object, status: int = 200) -> Reply:
    """An answer with a JSON body."""
    return Reply(status, msgspec.json.encode(document))


def bad_request(message: str) -> Reply:
    """400: a parameter makes no sense."""
    return _failure(400, "BadRequest", message)


def unauthorized() -> Reply:
    """401: no or wrong credentials."""
    return _failure(401, "Unauthorized", "Unauthorized")


def forbidden(target: Target, verb: str, user: str) -> Reply:
    """403: RBAC grants `user` no `verb` on the target."""
    resource = target.resource
    kind = f"{resource.plural.split('/')[0]}.{resource.group}" if resource.group else resource.plural.split("/")[0]
    subject = f'{kind} "{target.name}"' if target.name else kind
    scope = f'in the namespace "{target.namespace}"' if target.namespace else "at the cluster scope"
    message = (
        f'{subject} is forbidden: User "{user}" cannot {verb} resource "{resource.plural}" '
        f'in API group "{resource.group}" {scope}'
    )
    return _failure(403, "Forbidden", message, target.details)


def not_found(target: Target) -> Reply:
    """404: the collection is known, the object is not in it."""
    return _failure(404, "NotFound", f'{target.resource.qualified_name} "{target.name}" not found', target.details)


def unknown_resource() -> Reply:
    """404 of a built-in API group for a type it does not have."""
    return _failure(404, "NotFound", "the server could not find the requested resource", {})


def no_such_path() -> Reply:
    """404 for a path that no API serves, e.g. of an API group whose CRD is not installed: text, not a Status."""
    return Reply(404, b"404 page not found\n", "text/plain; charset=utf-8")


def not_captured(target: Target, place: str, why: str | None) -> Reply:
    """404 with a reason of our own: a real cluster may have it, this bundle does not.

    `why` is what the collector said; at most 300 characters of it are passed on.
    """
    said = f": {why[:CAPTURE_ERROR_SHOWN]}" if why else ""
    return _failure(404, "NotCaptured", f"the bundle does not hold {place}{said}", target.details)


def method_not_allowed() -> Reply:
    """405: this API only reads, and keeps no history to watch."""
    return _failure(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {})


def expired(fresh_token: str) -> Reply:
    """410: the snapshot a continue token belongs to is gone; `fresh_token` goes on without consistency."""
    message = (
        "The provided continue parameter is too old to display a consistent list result. You can start a new list "
        "without the continue parameter, or use the continue token in this response to retrieve the remainder of the "
        "results. Continuing with the provided token results in an inconsistent list - objects that were created, "
        "modified, or deleted between the time the first chunk was returned and now may show up in the list."
    )
    return _failure(410, "Expired", message, metadata={"continue": fresh_token})


def invalid(kind: str, name: str, field: str, value: object, problem: str) -> Reply:
    """422: an option has the right type and an impossible value."""
    cause = f"Invalid value: {value}: {problem}"
    details = {
        "name": name,
        "kind": kind,
        "causes": [{"reason": "FieldValueInvalid", "message": cause, "field": field}],
    }
    return _failure(422, "Invalid", f'{kind} "{name}" is invalid: {field}: {cause}', details)


def _failure(
    code: int,
    reason: str,
    message: str,
    details: dict[str, Any] | None = None,
    metadata: dict[str, str] | None = None,
) -> Reply:
    status: dict[str, Any] = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": metadata or {},
        "status": "Failure",
        "message": message,
        "reason": reason,
    }
    if details is not None:
        status["details"] = details
    return json_reply(status | {"code": code}, code)
