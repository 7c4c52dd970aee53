"""Names as Kubernetes accepts them, and paths made of nothing else."""

import re
from urllib.parse import quote

from terway_mcp.cluster.errors import InvalidInput
from terway_mcp.cluster.resources import Resource

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_SHOWN = 80


def object_name(value: str, what: str) -> str:
    """Return `value` if it is a DNS-1123 subdomain of at most 253 characters (nodes, pods, ConfigMaps, ENIs).

    Raises:
        InvalidInput: It is not; the message repeats at most 80 characters of it.
    """
    if is_object_name(value):
        return value
    raise InvalidInput(
        f"{what} {value[:_SHOWN]!r} is not a valid Kubernetes name (lower-case letters, digits, '-' and '.')"
    )


def is_object_name(value: str) -> bool:
    """Whether it is a DNS-1123 subdomain of at most 253 characters, as most objects are named."""
    return len(value) <= 253 and _SUBDOMAIN.fullmatch(value) is not None


def is_namespace_name(value: str) -> bool:
    """Whether it is a DNS-1123 label of at most 63 characters, as namespaces are named."""
    return _LABEL.fullmatch(value) is not None


def namespace_name(value: str) -> str:
    """Return `value` if it is a DNS-1123 label of at most 63 characters.

    Raises:
        InvalidInput: It is not.
    """
    if is_namespace_name(value):
        return value
    raise InvalidInput(
        f"namespace {value[:_SHOWN]!r} is not a valid Kubernetes namespace (lower-case letters, digits and '-')"
    )


def resource_path(
    resource: Resource, *, namespace: str | None = None, name: str | None = None, subresource: str | None = None
) -> str:
    """Build the API path of a collection or an object from already validated names.

    >>> from terway_mcp.cluster.resources import PODS
    >>> resource_path(PODS, namespace="shop", name="web-0", subresource="log")
    '/api/v1/namespaces/shop/pods/web-0/log'
    """
    parts = ["apis", resource.group, resource.version] if resource.group else ["api", resource.version]
    if namespace is not None:
        parts += ["namespaces", namespace]
    parts.append(resource.plural)
    parts += [part for part in (name, subresource) if part is not None]
    return "/" + "/".join(quote(part, safe="") for part in parts)
