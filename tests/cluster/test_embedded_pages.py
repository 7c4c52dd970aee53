"""Lists in pages: every item once, in order, and continue tokens that behave like a real server's."""

import base64
import json
from pathlib import Path
from urllib.parse import quote

import pytest
from bundle_fixtures import RES, get, named, write
from hypothesis import given, settings
from hypothesis import strategies as st

from terway_mcp.cluster.bundle import Bundle
from terway_mcp.cluster.embedded.pages import Page, in_order, key, page
from terway_mcp.cluster.embedded.status import Reply

object_names = st.from_regex(r"[a-c.-]{1,4}", fullmatch=True)
keys = st.sets(st.tuples(object_names, object_names), max_size=25)


def walk(items: list[dict[str, object]], limit: int, prefix: str = "") -> list[str]:
    """Follow tokens to the end."""
    found: list[str] = []
    token = ""
    while True:
        answer = page(items, prefix, limit, token, revision=7)
        assert isinstance(answer, Page)
        assert len(answer.items) <= limit
        found += [key(item) for item in answer.items]
        assert answer.remaining == (len(items) - len(found) if answer.token else 0)
        token = answer.token
        if not token:
            return found


@settings(deadline=None)
@given(placed=keys, limit=st.integers(1, 30))
def test_any_limit_gives_the_same_items_once_and_in_order(placed: set[tuple[str, str]], limit: int) -> None:
    items = in_order(named(name, namespace) for namespace, name in placed)
    assert walk(items, limit) == sorted(f"{namespace}/{name}" for namespace, name in placed)


@given(some=st.sets(object_names, max_size=20), limit=st.integers(1, 30))
def test_pages_of_one_namespace_are_complete_too(some: set[str], limit: int) -> None:
    assert walk(in_order(named(name, "a-b") for name in some), limit, prefix="a-b/") == sorted(f"a-b/{n}" for n in some)


def test_objects_are_ordered_like_etcd_keys_and_not_like_pairs() -> None:
    items = in_order([named("z", "a"), named("a", "a-b")])
    assert [key(item) for item in items] == ["a-b/a", "a/z"]


def test_an_object_that_two_files_hold_is_listed_once() -> None:
    (only,) = in_order([named("a", "x", data=1), named("a", "x", data=2)])
    assert only["data"] == 2


def test_a_token_is_the_one_a_real_server_would_give() -> None:
    events = in_order(named(f"app-0.0000{suffix}", "load") for suffix in ("0000", "2710", "4e20"))
    first = page(events, "load/", 2, "", revision=89991)
    assert isinstance(first, Page)
    assert first.token == "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6ODk5OTEsInN0YXJ0IjoiYXBwLTAuMDAwMDI3MTBcdTAwMDAifQ"
    assert first.remaining == 1


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    events = [named(f"e{number}", "load", type="Warning") for number in range(5)]
    return Bundle.open(write(tmp_path, {f"{RES}/events/load.json": events}))


EVENTS = "/api/v1/namespaces/load/events?limit=2"


def test_a_list_says_how_much_is_left_unless_it_was_selected(bundle: Bundle) -> None:
    plain = get(bundle, EVENTS)[1]["metadata"]
    selected = get(bundle, f"{EVENTS}&fieldSelector=type%3DWarning")[1]["metadata"]
    assert plain["remainingItemCount"] == 3
    assert "remainingItemCount" not in selected
    assert selected["continue"] == plain["continue"]
    last = get(bundle, f"{EVENTS}&limit=9")[1]["metadata"]
    assert set(last) == {"resourceVersion"}


def test_a_malformed_token_is_a_bad_request(bundle: Bundle) -> None:
    code, body = get(bundle, f"{EVENTS}&continue=garbage")
    assert code == 400
    assert body == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": "invalid continue token: continue key is not valid: invalid character '\\x81' looking for beginning "
        "of value",
        "reason": "BadRequest",
        "code": 400,
    }


def test_a_token_of_another_snapshot_is_expired_and_brings_one_that_goes_on(bundle: Bundle) -> None:
    old = "eyJ2IjogIm1ldGEuazhzLmlvL3YxIiwgInJ2IjogMSwgInN0YXJ0IjogImEifQ"
    code, body = get(bundle, f"{EVENTS}&continue={old}")
    assert code == 410
    assert body == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {"continue": "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6LTEsInN0YXJ0IjoiYSJ9"},
        "status": "Failure",
        "message": "The provided continue parameter is too old to display a consistent list result. You can start a "
        "new list without the continue parameter, or use the continue token in this response to retrieve the remainder "
        "of the results. Continuing with the provided token results in an inconsistent list - objects that were "
        "created, modified, or deleted between the time the first chunk was returned and now may show up in the list.",
        "reason": "Expired",
        "code": 410,
    }
    code, rest = get(bundle, f"{EVENTS}&continue={body['metadata']['continue']}")
    assert code == 200
    assert [item["metadata"]["name"] for item in rest["items"]] == ["e0", "e1"]


def token_of(document: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize(
    ("token", "problem"),
    [
        ("!!", "illegal base64 data at input byte 0"),
        ("abcde", "illegal base64 data at input byte 4"),
        ("ICA", "the token does not hold|invalid character ' '"),
        (token_of([]), "the token does not hold"),
        (token_of({"v": "v2", "rv": 1, "start": "a"}), 'does not recognize this encoded version "v2"'),
        (token_of({"v": "meta.k8s.io/v1", "rv": 0, "start": "a"}), "incorrect encoded start resourceVersion"),
        (token_of({"v": "meta.k8s.io/v1", "rv": 7, "start": ""}), "encoded start key empty"),
    ],
)
def test_tokens_that_are_none_are_explained(token: str, problem: str) -> None:
    answer = page([], "", 1, token, revision=7)
    assert isinstance(answer, Reply)
    assert answer.status == 400
    message = json.loads(answer.body)["message"] if isinstance(answer.body, bytes) else ""
    assert any(part in message for part in problem.split("|")), message


@given(token=st.text(max_size=40))
def test_any_token_is_answered(token: str) -> None:
    answer = page([named("a")], "", 1, token, revision=7)
    assert isinstance(answer, Page) or answer.status in (400, 410)


@given(token=st.text(max_size=20))
@settings(max_examples=30, deadline=None)
def test_any_token_in_a_query_is_answered(tmp_path_factory: pytest.TempPathFactory, token: str) -> None:
    path = write(tmp_path_factory.mktemp("b"), {f"{RES}/nodes.json": [named("n1")]})
    assert get(Bundle.open(path), f"/api/v1/nodes?continue={quote(token)}")[0] in (200, 400, 410)
