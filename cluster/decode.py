"""Decoding that loses a field rather than an object, and an object rather than a list.

The typed path costs about a microsecond a field; only a body that does not fit its type takes the slow one.
"""

import json
from collections.abc import Iterable, Iterator
from functools import cache
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

import msgspec

T = TypeVar("T", bound=msgspec.Struct)


class _RawList(msgspec.Struct):
    metadata: Any = None
    items: list[msgspec.Raw] | msgspec.UnsetType | None = msgspec.UNSET


class Page(msgspec.Struct, frozen=True):
    """One page of a list: items still encoded, and the token of the next page ("" on the last)."""

    items: list[msgspec.Raw]
    next_token: str


def decode_page(body: bytes) -> Page:
    """Split a Kubernetes List into undecoded items; `items: null` is an empty page.

    Raises:
        msgspec.MsgspecError: The body is not a JSON object, or no list: one object, or a Status, has no `items`.
    """
    try:
        raw = msgspec.json.decode(body, type=_RawList)
    except (UnicodeDecodeError, RecursionError) as error:
        raise msgspec.DecodeError(str(error)) from error
    if raw.items is msgspec.UNSET:
        raise msgspec.ValidationError("not a list")
    token = raw.metadata.get("continue") if isinstance(raw.metadata, dict) else None
    return Page(raw.items or [], token if isinstance(token, str) else "")


def decode_object(body: bytes | msgspec.Raw, kind: type[T]) -> T:
    """Decode one object; a field of the wrong type falls back to its default.

    Raises:
        msgspec.DecodeError: The body is not a JSON object.
    """
    try:
        decoded: T = _decoder(kind).decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        decoded = _fit_struct(_plain_object(bytes(body)), kind)
    return decoded


def decode_items(items: Iterable[msgspec.Raw], kind: type[T]) -> list[T]:
    """Decode the items of a page; what is no object is left out."""
    return list(decode_each(items, kind))


def decode_each(items: Iterable[msgspec.Raw], kind: type[T]) -> Iterator[T]:
    """Decode the items of a page one at a time, for readers that keep little of each."""
    for item in items:
        try:
            yield decode_object(item, kind)
        except msgspec.DecodeError:
            continue


@cache
def _decoder(kind: type[T]) -> "msgspec.json.Decoder[T]":
    """Looking a type up anew for each object would take as long as decoding it."""
    return msgspec.json.Decoder(kind)


def decode_plain(item: msgspec.Raw) -> dict[str, Any]:
    """One item as plain data.

    Raises:
        msgspec.DecodeError: It is not a JSON object.
    """
    try:
        value = msgspec.json.decode(item)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _plain_object(bytes(item))
    if isinstance(value, dict):
        return value
    raise msgspec.DecodeError("not a JSON object")


def lenient_json(body: bytes) -> Any:
    """Decode what msgspec refuses: invalid UTF-8, half a surrogate pair, numbers beyond a double.

    Raises:
        msgspec.DecodeError: It is not JSON at all, or nested without end.
    """
    try:
        value = json.loads(body.decode(errors="replace"))
        # Written and read once more, half a surrogate pair has become a question mark.
        return json.loads(json.dumps(value, ensure_ascii=False).encode(errors="replace"))
    except (ValueError, RecursionError) as error:
        raise msgspec.DecodeError(str(error)) from error


def _plain_object(body: bytes) -> dict[str, Any]:
    value = lenient_json(body)
    if not isinstance(value, dict):
        raise msgspec.DecodeError("not a JSON object")
    return value


def _fit(value: Any, kind: Any) -> Any:
    """Convert `value` to `kind`, keeping each part that fits; raise if nothing of it can."""
    try:
        return msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError:
        pass
    if isinstance(value, dict) and isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return _fit_struct(value, kind)
    args, origin = get_args(kind), get_origin(kind)
    if isinstance(value, list) and origin is list:
        return _fit_each(((None, item) for item in value), args[0], list)
    if isinstance(value, dict) and origin is dict:
        return _fit_each(value.items(), args[1], dict)
    for member in args if origin in (Union, UnionType) else ():
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
