"""From the parts of a request path to what it asks about."""

from terway_mcp.cluster.embedded.discovery import SERVED
from terway_mcp.cluster.embedded.status import Reply, Target, no_such_path, unknown_resource
from terway_mcp.cluster.resources import PODS, Resource

_BY_PATH: dict[tuple[str, str, str], Resource] = {(kind.group, kind.version, kind.plural): kind for kind in SERVED}
_GROUPS = frozenset((group, version) for group, version, _ in _BY_PATH)


def route(parts: tuple[str, ...]) -> tuple[Target, bool] | Reply:
    """The target of a resource path, and whether its log is wanted; a refusal for any other path.

    >>> route(("api", "v1", "namespaces", "shop", "pods", "web-0", "log"))[1]
    True
    """
    match parts:
        case ("api", "v1", *rest):
            return _within("", "v1", rest)
        case ("apis", group, version, *rest) if (group, version) in _GROUPS:
            return _within(group, version, rest)
        case _:
            return no_such_path()


def _within(group: str, version: str, rest: list[str]) -> tuple[Target, bool] | Reply:
    match rest:
        case ["namespaces", namespace, plural, *name]:
            return _target(_BY_PATH.get((group, version, plural)), namespace, name)
        case [plural, *name]:
            return _target(_BY_PATH.get((group, version, plural)), None, name)
        case _:
            return unknown_resource()


def _target(resource: Resource | None, namespace: str | None, name: list[str]) -> tuple[Target, bool] | Reply:
    if resource is None or not _fits(resource, namespace, name):
        return unknown_resource()
    match name:
        case []:
            return Target(resource, namespace), False
        case [only]:
            return Target(resource, namespace, only), False
        case [pod, "log"] if resource == PODS:
            return Target(resource, namespace, pod), True
        case _:
            return unknown_resource()


def _fits(resource: Resource, namespace: str | None, name: list[str]) -> bool:
    """A namespaced type may be listed without a namespace, never read by name; the others never have one."""
    return resource.namespaced is (namespace is not None) or (resource.namespaced and not name)
