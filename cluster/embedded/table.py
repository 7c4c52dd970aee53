"""Server-side printing: the `Table` kubectl asks for when it shows a list."""

from datetime import datetime

from terway_mcp.cluster.bundle import KubeObject
from terway_mcp.cluster.embedded.columns import Column, columns_of
from terway_mcp.cluster.embedded.pages import Page
from terway_mcp.cluster.embedded.shape import mapping
from terway_mcp.cluster.embedded.views import as_object, list_metadata
from terway_mcp.cluster.resources import Resource

_API = "meta.k8s.io/v1"


def wants_table(accept: str) -> bool:
    """True when the first media type a client accepts is a meta.k8s.io/v1 Table."""
    first, _, _ = accept.partition(",")
    media, *options = (part.strip() for part in first.split(";"))
    return media == "application/json" and {"as=Table", "v=v1", "g=meta.k8s.io"} <= set(options)


def as_table(resource: Resource, found: Page, revision: int, now: datetime, include: str) -> KubeObject:
    """A page as a Table; ages are counted up to `now`.

    `include` is the parameter includeObject: `Object`, `None`, or metadata only for anything else.
    """
    columns = columns_of(resource)
    return {
        "kind": "Table",
        "apiVersion": _API,
        "metadata": list_metadata(found, revision),
        "columnDefinitions": [_definition(column) for column in columns],
        "rows": [_row(resource, item, columns, now, include) for item in found.items],
    }


def _definition(column: Column) -> KubeObject:
    return {
        "name": column.name,
        "type": column.type,
        "format": "name" if column.name == "Name" else "",
        "description": "",
        "priority": 1 if column.wide else 0,
    }


def _row(resource: Resource, item: KubeObject, columns: tuple[Column, ...], now: datetime, include: str) -> KubeObject:
    row: KubeObject = {"cells": [column.cell(item, now) for column in columns]}
    if include == "Object":
        row["object"] = as_object(resource, item)
    elif include != "None":
        metadata = mapping(item, "metadata")
        row["object"] = {"kind": "PartialObjectMetadata", "apiVersion": _API, "metadata": metadata}
    return row
