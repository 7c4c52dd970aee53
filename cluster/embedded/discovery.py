"""What the API says about itself: /version, /api, /apis and the resource lists kubectl finds types by."""

from collections.abc import Callable

from terway_mcp.cluster.bundle import Bundle, KubeObject
from terway_mcp.cluster.embedded.events_v1 import EVENTS_V1
from terway_mcp.cluster.embedded.status import Reply, Target, json_reply, no_such_path, not_captured
from terway_mcp.cluster.errors import BundleError
from terway_mcp.cluster.resources import ALL, PODS, Resource

SERVED: tuple[Resource, ...] = (*ALL, EVENTS_V1)

POD_LOGS = Resource(PODS.kind, "pods/log", bundle=PODS.bundle)
"""The log subresource as RBAC names it."""

_VERSION_FILE = "cluster-info/cluster_version.json"
_VERSION = Resource("Version", "version", namespaced=False)


def describe(bundle: Bundle, parts: tuple[str, ...]) -> Reply | None:
    """Answer a discovery or health path, given as its parts; None when the path is none of these."""
    if parts[0] in ("healthz", "readyz", "livez") and len(parts) == 1:
        return Reply(200, b"ok", "text/plain; charset=utf-8")
    match parts:
        case ("version",):
            return _version(bundle)
        case ("api",):
            return json_reply({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []})
        case ("api", "v1"):
            return json_reply(_resource_list(_served(bundle, lambda resource: not resource.group), "v1"))
        case ("apis", *group) if len(group) <= 2:
            return _group_paths(bundle, group)
        case _:
            return None


def _group_paths(bundle: Bundle, group: list[str]) -> Reply:
    match group:
        case []:
            return json_reply(_group_list(bundle))
        case [name]:
            return _or_absent(_group(name) if name in _groups(bundle) else None)
        case _:
            return _or_absent(_group_resources(bundle, *group))


def _version(bundle: Bundle) -> Reply:
    try:
        version = bundle.version()
    except BundleError as error:
        return not_captured(Target(_VERSION), _VERSION_FILE, str(error))
    return json_reply(version) if version else not_captured(Target(_VERSION), _VERSION_FILE, None)


def _or_absent(document: KubeObject | None) -> Reply:
    return json_reply(document) if document else no_such_path()


def _served(bundle: Bundle, wanted: Callable[[Resource], bool]) -> list[Resource]:
    return [resource for resource in SERVED if wanted(resource) and not bundle.lacks_type(resource)]


def _groups(bundle: Bundle) -> list[str]:
    return list(dict.fromkeys(resource.group for resource in _served(bundle, lambda resource: bool(resource.group))))


def _group(name: str) -> KubeObject:
    version = next(resource.version for resource in SERVED if resource.group == name)
    served = {"groupVersion": f"{name}/{version}", "version": version}
    return {
        "kind": "APIGroup",
        "apiVersion": "v1",
        "name": name,
        "versions": [served],
        "preferredVersion": served,
    }


def _group_list(bundle: Bundle) -> KubeObject:
    groups = [_group(name) for name in _groups(bundle)]
    bare = [{key: group[key] for key in ("name", "versions", "preferredVersion")} for group in groups]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": bare}


def _group_resources(bundle: Bundle, group: str, version: str) -> KubeObject | None:
    found = _served(bundle, lambda resource: (resource.group, resource.version) == (group, version))
    listed = _resource_list(found, f"{group}/{version}")
    return {"kind": listed.pop("kind"), "apiVersion": "v1", **listed} if found else None


def _resource_list(resources: list[Resource], group_version: str) -> KubeObject:
    entries = [_entry(resource) for resource in resources]
    if PODS in resources:
        log = {"name": POD_LOGS.plural, "singularName": "", "namespaced": True, "kind": PODS.kind, "verbs": ["get"]}
        entries.append(log)
    return {"kind": "APIResourceList", "groupVersion": group_version, "resources": entries}


def _entry(resource: Resource) -> KubeObject:
    entry: KubeObject = {
        "name": resource.plural,
        "singularName": resource.kind.lower(),
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": ["get", "list"],
    }
    return entry | ({"shortNames": list(resource.short_names)} if resource.short_names else {})
