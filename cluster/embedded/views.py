"""Objects of a bundle as an API server hands them out: one by name, or a page of a selected list."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping

from terway_mcp.cluster.bundle import Bundle, KubeObject
from terway_mcp.cluster.embedded.events_v1 import EVENTS_V1, to_events_v1
from terway_mcp.cluster.embedded.fields import refusal, selectable
from terway_mcp.cluster.embedded.pages import Page, in_order, key, page
from terway_mcp.cluster.embedded.selectors import FieldTerm, Requirement, parse_fields, parse_labels
from terway_mcp.cluster.embedded.shape import mapping
from terway_mcp.cluster.embedded.status import Reply, Target, not_captured, not_found
from terway_mcp.cluster.errors import InvalidInput
from terway_mcp.cluster.resources import Resource


class Views:
    """Sorted views of a bundle, each made once; `revision` stands for the resourceVersion of the capture."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self.revision = max(1, int(bundle.captured_at.timestamp()))
        self._sorted: dict[tuple[str, str | None], list[KubeObject]] = {}
        self._indexes: dict[tuple[Resource, str | None, str], dict[str, list[KubeObject]]] = {}

    def get(self, target: Target) -> KubeObject | Reply:
        """The stored object a target names, or why there is none.

        Raises:
            BundleCorrupt: The file that should hold it is not JSON.
        """
        items = self._items(target)
        if isinstance(items, Reply):
            return items
        wanted = f"{target.namespace}/{target.name}" if target.namespace else target.name or ""
        index = bisect_left(items, wanted, key=key)
        if index < len(items) and key(items[index]) == wanted:
            return items[index]
        if failed := self._bundle.capture_error(target.resource, target.namespace):
            # What is not among the objects that were captured may be among those that could not be.
            return not_captured(target, self._bundle.place(target.resource, target.namespace), failed)
        return not_found(target)

    def select(self, target: Target, params: Mapping[str, str]) -> Page | Reply:
        """One page of the collection a target names, selected and cut as the parameters say.

        Raises:
            InvalidInput: A selector or the limit is malformed.
            BundleCorrupt: A file of the collection is not JSON.
        """
        labels = parse_labels(params.get("labelSelector", ""))
        fields = parse_fields(params.get("fieldSelector", ""), lambda name: refusal(target.resource, name))
        limit = _limit(params.get("limit", ""))
        items = self._items(target)
        if isinstance(items, Reply):
            return items
        prefix = f"{target.namespace}/" if target.namespace else ""
        if labels or fields:
            items = _selected(target.resource, self._candidates(target, items, fields), labels, fields)
        found = page(items, prefix, limit, params.get("continue", ""), self.revision)
        # Like a real server, a selected list does not tell how much is left.
        return found if isinstance(found, Reply) or not (labels or fields) else Page(found.items, found.token)

    def _candidates(self, target: Target, items: list[KubeObject], fields: tuple[FieldTerm, ...]) -> list[KubeObject]:
        """Objects one field of which has the value asked for: pods of a node are as near as on a real server."""
        term = next((term for term in fields if term.equal), None)
        if term is None:
            return items
        place = (target.resource, target.namespace, term.field)
        if place not in self._indexes:
            value, index = selectable(target.resource)[term.field], dict[str, list[KubeObject]]()
            for item in items:
                index.setdefault(value(item), []).append(item)
            self._indexes[place] = index
        return self._indexes[place].get(term.value, [])

    def _items(self, target: Target) -> list[KubeObject] | Reply:
        resource, namespace = target.resource, target.namespace
        view = (resource.bundle, namespace)
        if view not in self._sorted:
            found = self._bundle.namespaced_items(resource, namespace) if namespace else self._bundle.items(resource)
            if found is None:
                place = self._bundle.place(resource, namespace)
                return not_captured(target, place, self._bundle.capture_error(resource, namespace))
            self._sorted[view] = in_order(found)
        return self._sorted[view]


def _selected(
    resource: Resource, items: list[KubeObject], labels: tuple[Requirement, ...], fields: tuple[FieldTerm, ...]
) -> list[KubeObject]:
    known = selectable(resource)
    return [
        item
        for item in items
        if all(term.matches(known[term.field](item)) for term in fields)
        and all(requirement.matches(mapping(item, "metadata", "labels")) for requirement in labels)
    ]


def as_object(resource: Resource, item: KubeObject) -> KubeObject:
    """A stored object as a GET by name answers it: with kind and apiVersion, which lists may lack."""
    if resource == EVENTS_V1:
        item = to_events_v1(item)
    return {"kind": resource.kind, "apiVersion": resource.api_version, **_untyped(item)}


def as_list(resource: Resource, found: Page, revision: int) -> KubeObject:
    """A page as a Kubernetes List; items of built-in types carry neither kind nor apiVersion, custom ones do."""
    return {
        "kind": f"{resource.kind}List",
        "apiVersion": resource.api_version,
        "metadata": list_metadata(found, revision),
        "items": _list_items(resource, found.items),
    }


def list_metadata(found: Page, revision: int) -> KubeObject:
    """`metadata` of a List or Table."""
    metadata: KubeObject = {"resourceVersion": str(revision)}
    if found.token:
        metadata["continue"] = found.token
    if found.remaining:
        metadata["remainingItemCount"] = found.remaining
    return metadata


def _list_items(resource: Resource, items: Iterable[KubeObject]) -> list[KubeObject]:
    if resource == EVENTS_V1:
        return [to_events_v1(item) for item in items]
    if resource.is_custom:
        return [as_object(resource, item) for item in items]
    return [_untyped(item) for item in items]


def _untyped(item: KubeObject) -> KubeObject:
    return {name: value for name, value in item.items() if name not in ("kind", "apiVersion")}


def _limit(value: str) -> int:
    if not value:
        return 0
    if not value.isascii() or not value.isdigit() or len(value) > 18:
        raise InvalidInput(f'strconv.ParseInt: parsing "{value}": invalid syntax')
    return int(value)
