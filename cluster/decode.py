"""Decoding that loses a field rather than an object, and an object rather than a list.

The typed path costs about a microsecond a field; only a body that does not fit its type takes the slow one.
"""

from typing import Any, TypeVar, get_args, get_origin

import msgspec

T = TypeVar("T", bound=msgspec.Struct)


class _RawListMeta(msgspec.Struct, rename="camel"):
    continue_: str | None = msgspec.field(default=None, name="continue")
    resource_version: str | None = None
    remaining_item_count: int | None = None


class _RawList(msgspec.Struct):
    metadata: _RawListMeta | None = None
    items: list[msgspec.Raw] | None = None


class Page(msgspec.Struct, frozen=True):
    """One page of a list: items still encoded, and the token of the next page ("" on the last)."""

    items: list[msgspec.Raw]
    next_token: str


def decode_page(body: bytes) -> Page:
    """Split a Kubernetes List into undecoded items; `items: null` is an empty page.

    Raises:
        msgspec.MsgspecError: The body is not a JSON object.
    """
    raw = msgspec.json.decode(body, type=_RawList)
    return Page(raw.items or [], (raw.metadata.continue_ if raw.metadata else None) or "")


def decode_object(body: bytes | msgspec.Raw, kind: type[T]) -> T:
    """Decode one object; a field of the wrong type falls back to its default.

    Raises:
        msgspec.DecodeError: The body is not JSON at all.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError:
        value = msgspec.json.decode(body)
        return _fit_struct(value, kind) if isinstance(value, dict) else kind()


def decode_items(items: list[msgspec.Raw], kind: type[T]) -> list[T]:
    """Decode the items of a page."""
    return [decode_object(item, kind) for item in items]


def _fit(value: Any, kind: Any) -> Any:
    """Convert `value` to `kind`, keeping each part that fits; raise if nothing of it can."""
    try:
        return msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError:
        pass
    if isinstance(value, dict) and isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return _fit_struct(value, kind)
    args = get_args(kind)
    if isinstance(value, list) and get_origin(kind) is list:
        return _fit_each(((None, item) for item in value), args[0], list)
    if isinstance(value, dict) and get_origin(kind) is dict:
        return _fit_each(value.items(), args[1], dict)
    for member in args:
        if isinstance(member, type) and issubclass(member, msgspec.Struct):
            return _fit(value, member)
    raise msgspec.ValidationError(f"expected {kind}")


def _fit_struct(value: dict[str, Any], kind: type[T]) -> T:
    fitted = {}
    for field in msgspec.structs.fields(kind):
        if field.encode_name in value:
            try:
                fitted[field.name] = _fit(value[field.encode_name], field.type)
            except msgspec.ValidationError:
                continue
    return kind(**fitted)


def _fit_each(pairs: Any, kind: Any, container: type[list[Any]] | type[dict[Any, Any]]) -> Any:
    kept = []
    for key, item in pairs:
        try:
            kept.append((key, _fit(item, kind)))
        except msgspec.ValidationError:
            continue
    return dict(kept) if container is dict else [item for _, item in kept]
