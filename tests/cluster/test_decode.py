"""Decoding: whatever JSON stands in a field, the list survives; what fits its type arrives unchanged."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from terway_mcp.cluster import objects, terway_objects
from terway_mcp.cluster.decode import decode_items, decode_object, decode_page
from terway_mcp.cluster.objects import Event, KubernetesObject, Node, Pod
from terway_mcp.cluster.terway_objects import PodENI, TerwayNode

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
TOP_LEVEL = [
    kind
    for module in (objects, terway_objects)
    for kind in vars(module).values()
    if isinstance(kind, type) and issubclass(kind, KubernetesObject) and "metadata" in kind.__struct_fields__
]
PLAIN: dict[str, Any] = {
    "metadata": {
        "name": "web-0", "namespace": "shop", "uid": "u1", "creationTimestamp": "2026-07-01T08:00:00Z",
        "labels": {"app": "web"}, "annotations": {"k8s.aliyun.com/pod-eni": "true"},
        "ownerReferences": [{"kind": "StatefulSet", "name": "web", "controller": True}],
    },
    "spec": {"nodeName": "n1", "hostNetwork": True, "containers": [{"name": "c", "image": "i", "command": ["a", "b"]}]},
    "status": {
        "phase": "Running", "podIP": "10.0.0.7", "podIPs": [{"ip": "10.0.0.7"}, {"ip": "fd00::7"}],
        "conditions": [{"type": "Ready", "status": "False", "reason": "No", "message": "not yet"}],
        "containerStatuses": [
            {"name": "c", "ready": False, "restartCount": 3, "state": {"waiting": {"reason": "CrashLoopBackOff"}},
             "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}}
        ],
    },
}  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value inside a document."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in inside for place in places(item, (*path, key)))]


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """A copy of a document with another value at a path."""
    if not path:
        return new
    key, rest = path[0], path[1:]
    if isinstance(value, dict):
        return {**value, key: replaced(value[key], rest, new)}
    return [replaced(item, rest, new) if index == key else item for index, item in enumerate(value)]


def without(value: Any, path: tuple[Any, ...]) -> Any:
    """A copy of a document without what stands at a path."""
    key, rest = path[0], path[1:]
    if rest:
        return replaced(value, (key,), without(value[key], rest))
    if isinstance(value, dict):
        return {name: item for name, item in value.items() if name != key}
    return [item for index, item in enumerate(value) if index != key]


def items_of(*documents: Any) -> list[msgspec.Raw]:
    return decode_page(json.dumps({"items": list(documents)}).encode()).items


def test_what_fits_its_type_arrives() -> None:
    pod = decode_object(json.dumps(PLAIN).encode(), Pod)
    assert pod.metadata.owner_references[0].kind == "StatefulSet"
    assert pod.spec.host_network is True
    assert pod.spec.containers[0].command == ["a", "b"]
    assert [ip.ip for ip in pod.status.pod_ips] == ["10.0.0.7", "fd00::7"]
    status = pod.status.container_statuses[0]
    assert status.restart_count == 3
    assert status.state.waiting is not None
    assert status.state.waiting.reason == "CrashLoopBackOff"
    assert status.last_state.terminated is not None
    assert status.last_state.terminated.exit_code == 137


def test_unknown_fields_are_passed_over() -> None:
    assert decode_object(json.dumps({**PLAIN, "more": {"x": [1]}, "kind": 5}).encode(), Pod) == decode_object(
        json.dumps(PLAIN).encode(), Pod
    )


@settings(max_examples=150, deadline=None)
@given(data=st.data(), odd=JSON)
def test_odd_json_in_any_field_never_loses_the_list(data: st.DataObject, odd: Any) -> None:
    place = data.draw(st.sampled_from(places(PLAIN)[1:]))
    broken = replaced(PLAIN, place, odd)
    first, second = decode_items(items_of(broken, PLAIN), Pod)
    assert isinstance(first, Pod)
    assert second.metadata.name == "web-0"
    if place[0] != "metadata":
        assert first.metadata == second.metadata
    if place[0] != "spec":
        assert first.spec == second.spec
    if place[0] != "status":
        assert first.status == second.status


@pytest.mark.parametrize("place", places(PLAIN)[1:], ids=lambda place: ".".join(map(str, place)))
def test_a_null_is_as_if_the_field_were_absent(place: tuple[Any, ...]) -> None:
    holed, short = decode_items(items_of(replaced(PLAIN, place, None), without(PLAIN, place)), Pod)
    assert holed == short


@settings(max_examples=60, deadline=None)
@given(kind=st.sampled_from(TOP_LEVEL), document=st.dictionaries(st.text(max_size=6), JSON, max_size=3))
def test_every_kind_survives_any_object(kind: type[KubernetesObject], document: dict[str, Any]) -> None:
    known = {field.encode_name: document for field in msgspec.structs.fields(kind)}
    assert len(decode_items(items_of(document, known), kind)) == 2


@settings(max_examples=60, deadline=None)
@given(document=JSON)
def test_any_page_decodes_or_is_refused_as_a_whole(document: Any) -> None:
    try:
        page = decode_page(json.dumps(document).encode())
    except msgspec.MsgspecError:
        assert not isinstance(document, dict) or not isinstance(document.get("items", "none"), list | None)
        return
    assert all(isinstance(event, Event) for event in decode_items(page.items, Event))


@settings(max_examples=100, deadline=None)
@given(body=st.binary(max_size=60))
def test_any_bytes_decode_or_are_refused(body: bytes) -> None:
    for call in (lambda: decode_page(body), lambda: decode_object(body, Pod)):
        try:
            call()
        except msgspec.MsgspecError:
            continue


@pytest.mark.parametrize(
    ("metadata", "token"),
    [({"continue": "abc"}, "abc"), ({"continue": ""}, ""), ({"continue": None}, ""), ({"continue": 5}, ""),
     ({"remainingItemCount": "x", "continue": "abc"}, "abc"), (None, ""), ([], ""), ("x", "")],
)  # fmt: skip
def test_the_token_of_the_next_page_is_text_or_nothing(metadata: Any, token: str) -> None:
    page = decode_page(json.dumps({"metadata": metadata, "items": [PLAIN]}).encode())
    assert page.next_token == token
    assert len(page.items) == 1


def test_numbers_beyond_a_double_lose_their_field_only() -> None:
    body = b'{"items": [{"metadata": {"name": "a"}, "status": {"startTime": 1e999}}, {"metadata": {"name": "b"}}]}'
    assert [pod.metadata.name for pod in decode_items(decode_page(body).items, Pod)] == ["a", "b"]


def test_bytes_that_are_no_utf8_become_replacement_characters() -> None:
    body = b'{"items": [{"metadata": {"name": "a\xff"}}, {"metadata": {"name": "b"}}]}'
    assert [pod.metadata.name for pod in decode_items(decode_page(body).items, Pod)] == ["a\ufffd", "b"]


def test_half_a_surrogate_pair_can_be_written_again() -> None:
    pod = decode_object(b'{"metadata": {"name": "a\\ud800b"}}', Pod)
    assert pod.metadata.name.encode() == b"a?b"


def test_endless_nesting_is_refused_as_json() -> None:
    deep = b'{"metadata": 5, "items": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    with pytest.raises(msgspec.MsgspecError):
        decode_page(deep)
    with pytest.raises(msgspec.MsgspecError):
        decode_object(deep, Pod)


def test_numbers_written_as_text_are_numbers_all_the_same() -> None:
    odd = replaced(PLAIN, ("status", "containerStatuses", 0, "restartCount"), "4")
    odd = replaced(odd, ("metadata", "labels"), {"app": "web", "weight": 5, "none": None})
    pod = decode_object(json.dumps(odd).encode(), Pod)
    assert decode_object(json.dumps(replaced(odd, ("spec",), 5)).encode(), Pod).metadata == pod.metadata
    assert pod.status.container_statuses[0].restart_count == 4
    assert pod.metadata.labels == {"app": "web"}


def test_one_bad_entry_of_a_list_or_map_loses_itself_only() -> None:
    interfaces = {"eni-a": {"status": "InUse", "ipv4": {"10.0.0.1": 5, "10.0.0.2": {"status": "Valid"}}}, "eni-b": 7}
    node = decode_object(json.dumps({"status": {"networkInterfaces": interfaces}}).encode(), TerwayNode)
    assert list(node.status.network_interfaces) == ["eni-a"]
    assert list(node.status.network_interfaces["eni-a"].ipv4) == ["10.0.0.2"]
    allocations: list[Any] = [None, {"eni": {"id": "eni-a"}}, "x", {"eni": []}]
    podeni = decode_object(json.dumps({"spec": {"allocations": allocations}}).encode(), PodENI)
    assert [allocation.eni.id for allocation in podeni.spec.allocations] == ["eni-a", ""]
    conditions = [{"type": "Ready", "status": True}, 5, {"type": "SufficientIP", "status": "False"}]
    core = decode_object(json.dumps({"status": {"conditions": conditions}}).encode(), Node)
    assert [(each.type, each.status) for each in core.status.conditions] == [("Ready", ""), ("SufficientIP", "False")]
