"""Typed reads over real HTTP: everything a cluster may refuse becomes coverage, and nothing is lost or doubled."""

import time
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any

import pytest
from loopback import Api, Reply, Request, Respond, connect, in_turn, json_reply, serving, status_reply

from terway_mcp.cluster import connection as connection_module
from terway_mcp.cluster import reader as reader_module
from terway_mcp.cluster.coverage import Coverage
from terway_mcp.cluster.errors import ClusterUnreachable
from terway_mcp.cluster.objects import ConfigMap, Event, Node, Pod
from terway_mcp.cluster.reader import CALL_SECONDS, READ_SECONDS, LogQuery, Query, Reader
from terway_mcp.cluster.recent import Asker, RecentAnswers
from terway_mcp.cluster.resources import CONFIGMAPS, EVENTS, NODE_CRS, NODES, PODENIS, PODS
from terway_mcp.cluster.terway_objects import PodENI, TerwayNode
from terway_mcp.cluster.together import Together

pytestmark = pytest.mark.anyio

WAITING = 'container "c" in pod "web-0" is waiting to start: ContainerCreating'
LATER = "The provided continue parameter is too old to display a consistent list result."


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pause between two attempts, without the pause."""
    monkeypatch.setattr(connection_module, "_backoff", lambda _attempt: 0.01)


NO_SUCH_PATH = Reply(404, b"404 page not found\n", {"content-type": "text/plain; charset=utf-8"})


class Asked:
    """A server and a reader of it."""

    def __init__(self, api: Api, reader: Reader) -> None:
        self.api = api
        self.reader = reader

    def answers(self, respond: Respond | Reply) -> Reader:
        self.api.respond = in_turn(respond) if isinstance(respond, Reply) else respond
        return self.reader


@pytest.fixture
async def asked() -> AsyncIterator[Asked]:
    with serving(in_turn(Reply(404, b"404 page not found\n"))) as api:
        connection = connect(api)
        yield Asked(api, Reader(connection))
        await connection.aclose()


def pod(name: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "shop"}}


def paged(names: list[str], limit: int) -> Respond:
    """A list in pages; a token is the index of the next item."""

    def respond(request: Request) -> Reply:
        start = int(request.query.get("continue", "0"))
        end = start + limit
        token = str(end) if end < len(names) else ""
        return json_reply({"metadata": {"continue": token}, "items": [pod(name) for name in names[start:end]]})

    return respond


async def names_of(reader: Reader, query: Query | None = None) -> tuple[list[str] | None, Coverage]:
    read = await reader.collect(PODS, Pod, "shop", query)
    return None if read.value is None else [found.metadata.name for found in read.value], read.coverage


# One object.


async def test_an_object_is_read_by_its_path_and_cited_by_it(asked: Asked) -> None:
    reader = asked.answers(json_reply({"kind": "ConfigMap", "metadata": {"name": "eni-config"}, "data": {"a": "b"}}))
    read = await reader.get(CONFIGMAPS, ConfigMap, "eni-config", "kube-system")
    assert read.value is not None
    assert read.value.data == {"a": "b"}
    assert read.source == "GET /api/v1/namespaces/kube-system/configmaps/eni-config"
    assert read.coverage == Coverage("configmaps kube-system/eni-config", "read")
    assert reader.coverage == [read.coverage]
    assert asked.api.paths() == ["/api/v1/namespaces/kube-system/configmaps/eni-config"]


async def test_a_custom_resource_is_read_from_its_group(asked: Asked) -> None:
    reader = asked.answers(json_reply({"metadata": {"name": "n1"}, "spec": {"nodeCap": {"adapters": 4}}}))
    read = await reader.get(NODE_CRS, TerwayNode, "n1")
    assert read.value is not None
    assert read.value.spec.node_cap.adapters == 4
    assert asked.api.paths() == ["/apis/network.alibabacloud.com/v1beta1/nodes/n1"]
    assert read.coverage.what == "nodes.network.alibabacloud.com n1"


async def test_the_version_is_read(asked: Asked) -> None:
    read = await asked.answers(json_reply({"gitVersion": "v1.36.2", "goVersion": "go1.27.3"})).version()
    assert read.value is not None
    assert read.value.git_version == "v1.36.2"


@pytest.mark.parametrize(
    ("reply", "outcome", "detail"),
    [
        (status_reply(404, "NotFound", 'pods "web-0" not found'), "not_found", ""),
        (NO_SUCH_PATH, "unavailable", "HTTP 404, but not as Kubernetes says it: is this an API server?"),
        (Reply(404, b"<html>"), "unavailable", "HTTP 404, but not as Kubernetes says it: is this an API server?"),
        (
            status_reply(403, "Forbidden", 'pods "web-0" is forbidden: User "viewer" cannot get resource "pods"'),
            "forbidden",
            "RBAC: grant verb get on pods in namespace shop",
        ),
        (status_reply(401, "Unauthorized"), "forbidden", "the API server rejected the credentials (401)"),
        (
            status_reply(404, "NotCaptured", "cluster-resources/pods/shop.json is not in the bundle"),
            "unavailable",
            "cluster-resources/pods/shop.json is not in the bundle",
        ),
        (status_reply(400, "BadRequest", "no"), "unavailable", "HTTP 400 no"),
        (Reply(418, b"<html>teapot</html>"), "unavailable", "HTTP 418"),
        (Reply(200, b"<html>a login page</html>"), "unavailable", "the API server's answer is not valid JSON"),
        (Reply(200, b'{"metadata": {"name": "we'), "unavailable", "the API server's answer is not valid JSON"),
        (Reply(200, b'["not", "an", "object"]'), "unavailable", "the API server's answer is not valid JSON"),
        (Reply(200, b""), "unavailable", "the API server's answer is not valid JSON"),
        (json_reply({"metadata": {"name": "web-1"}}), "unavailable", "the API server answered with something else"),
        (json_reply({"kind": "PodList", "items": []}), "unavailable", "the API server answered with something else"),
        (Reply(302, b"", {"location": "/"}), "unavailable", "HTTP 302: a redirect, which is not followed"),
        (Reply(200, b" " * (9 << 20)), "unavailable", "the API server's answer is larger than 8 MiB"),
    ],
    ids=[
        "404",
        "no-such-path",
        "html-404",
        "403",
        "401",
        "not-captured",
        "400",
        "html-418",
        "html-200",
        "half",
        "array",
        "empty",
        "another",
        "a-list",
        "redirect",
        "large",
    ],
)
async def test_a_refused_object_is_coverage_that_says_why(
    asked: Asked, reply: Reply, outcome: str, detail: str
) -> None:
    read = await asked.answers(reply).get(PODS, Pod, "web-0", "shop")
    assert read.value is None
    assert (read.outcome, read.coverage.detail) == (outcome, detail)


async def test_a_custom_resource_nobody_has_defined_is_not_found(asked: Asked) -> None:
    read = await asked.answers(NO_SUCH_PATH).get(PODENIS, PodENI, "web-0", "shop")
    detail = "the API server does not serve this resource (CRD not installed)"
    assert (read.value, read.outcome, read.coverage.detail) == (None, "not_found", detail)


async def test_a_name_that_is_none_is_not_asked_for(asked: Asked) -> None:
    for name in ("..", "../secrets/a", "a/b", "", "A", "a?watch=1", "x" * 254):
        read = await asked.reader.get(PODENIS, PodENI, name, "shop")
        assert (read.value, read.outcome, read.source) == (None, "unavailable", "")
        async with asked.reader.log("kube-system", name, LogQuery("c")) as log:
            assert isinstance(log, Coverage)
    assert asked.api.requests == []


async def test_a_version_that_names_none_is_not_read(asked: Asked) -> None:
    assert (await asked.answers(json_reply({"paths": []})).version()).outcome == "unavailable"


async def test_no_call_is_charged_for_the_version_whoever_knew_it(asked: Asked) -> None:
    asked.answers(json_reply({"gitVersion": "v1.36.2"}))
    recent = RecentAnswers()
    for tool in ("one", "two"):
        connection = connect(asked.api)
        reader = Reader(connection, asker=Asker(recent, "investigation", tool))
        assert (await reader.version()).outcome == "read"
        assert reader.requests == 0
        await connection.aclose()
    assert asked.api.paths() == ["/version"], "the second reader found the answer that the first one had kept"


async def test_a_forbidden_cluster_wide_read_names_no_namespace(asked: Asked) -> None:
    reader = asked.answers(status_reply(403, "Forbidden", "nodes is forbidden"))
    assert (await reader.get(NODES, Node, "n1")).coverage.detail == "RBAC: grant verb get on nodes"
    assert (await reader.collect(NODES, Node)).coverage.detail == "RBAC: grant verb list on nodes"
    custom = await reader.collect(PODENIS, PodENI, "shop")
    wanted = "RBAC: grant verb list on podenis.network.alibabacloud.com in namespace shop"
    assert custom.coverage.detail == wanted
    assert custom.value is None


async def test_a_field_of_the_wrong_type_loses_only_itself(asked: Asked) -> None:
    body = {"metadata": {"name": "web-0", "labels": {"a": 1, "b": "c"}}, "status": {"phase": 7, "podIP": "10.0.0.1"}}
    read = await asked.answers(json_reply(body)).get(PODS, Pod, "web-0", "shop")
    assert read.value is not None
    assert read.value.metadata.labels == {"b": "c"}
    assert (read.value.status.phase, read.value.status.pod_ip) == ("", "10.0.0.1")


# Collections.


async def test_a_collection_is_read_to_its_end(asked: Asked) -> None:
    wanted = [f"web-{index}" for index in range(25)]
    names, coverage = await names_of(asked.answers(paged(wanted, 10)), Query(limit=10, labels="app=web"))
    assert names == wanted
    assert coverage == Coverage("pods in shop", "read")
    assert [request.query.get("continue", "") for request in asked.api.requests] == ["", "10", "20"]
    assert all(request.query["labelSelector"] == "app=web" for request in asked.api.requests)
    assert all(request.query["limit"] == "10" for request in asked.api.requests)


async def test_pages_come_over_one_connection(asked: Asked) -> None:
    await names_of(asked.answers(paged([str(index) for index in range(12)], 3)))
    assert len({request.port for request in asked.api.requests}) == 1


async def test_no_items_are_an_empty_list_and_not_a_missing_one(asked: Asked) -> None:
    empty: list[dict[str, Any]] = [{"items": None}, {"items": []}]
    for body in (*empty, {"metadata": {"continue": None}, "items": None}):
        names, coverage = await names_of(asked.answers(json_reply(body)))
        assert (names, coverage.outcome) == ([], "read")


async def test_odd_list_metadata_does_not_lose_the_items(asked: Asked) -> None:
    odd: list[Any] = [{"remainingItemCount": "many"}, {"resourceVersion": 5}, [], "x", {"continue": 7}]
    for metadata in odd:
        names, coverage = await names_of(asked.answers(json_reply({"metadata": metadata, "items": [pod("a")]})))
        assert (names, coverage.outcome) == (["a"], "read")


async def test_entries_that_are_no_objects_are_left_out(asked: Asked) -> None:
    body: dict[str, Any] = {"items": [None, 5, "x", [], pod("a"), True]}
    assert (await names_of(asked.answers(json_reply(body))))[0] == ["a"]


async def test_entries_that_are_no_objects_are_counted(asked: Asked) -> None:
    _, coverage = await names_of(asked.answers(json_reply({"items": [None, pod("a"), "x"]})))
    assert coverage == Coverage("pods in shop", "truncated", "2 of 3 entries are no objects")


@pytest.mark.parametrize("body", [{}, {"metadata": None}, {"kind": "Status", "code": 200}, pod("a")])
async def test_what_is_no_list_is_not_read_as_an_empty_one(asked: Asked, body: dict[str, Any]) -> None:
    names, coverage = await names_of(asked.answers(json_reply(body)))
    assert (names, coverage.outcome) == (None, "unavailable")


async def test_a_list_compacted_under_way_begins_anew_and_loses_and_doubles_nothing(asked: Asked) -> None:
    before, after = [f"web-{index}" for index in range(10)], [f"web-{index}" for index in range(1, 12)]
    expired = False

    def respond(request: Request) -> Reply:
        nonlocal expired
        if request.query.get("continue") == "8" and not expired:
            expired = True
            return status_reply(410, "Expired", LATER)
        return paged(after if expired else before, 4)(request)

    names, coverage = await names_of(asked.answers(respond), Query(limit=4))
    assert names == after
    assert coverage.outcome == "read"


async def test_a_list_that_keeps_expiring_is_given_up(asked: Asked) -> None:
    def respond(request: Request) -> Reply:
        return status_reply(410, "Expired", LATER) if request.query.get("continue") else paged(["a", "b"], 1)(request)

    names, coverage = await names_of(asked.answers(respond))
    assert (names, coverage.outcome) == (["a"], "truncated")
    assert coverage.detail == LATER
    assert len(asked.api.requests) == 6


async def test_a_list_that_has_expired_before_its_first_page_is_expired(asked: Asked) -> None:
    names, coverage = await names_of(asked.answers(status_reply(410, "Expired", LATER)))
    assert (names, coverage) == (None, Coverage("pods in shop", "expired", LATER))


@pytest.mark.parametrize(
    ("second", "detail"),
    [
        (status_reply(403, "Forbidden"), "RBAC: grant verb list on pods in namespace shop"),
        (Reply(200, b'{"items": ['), "the API server's answer is not a list in JSON"),
        (Reply(how="reset"), "127.0.0.1"),
    ],
    ids=["forbidden", "half", "reset"],
)
async def test_a_list_that_fails_under_way_keeps_what_it_had(asked: Asked, second: Reply, detail: str) -> None:
    def respond(request: Request) -> Reply:
        return second if request.query.get("continue") else paged(["a", "b"], 1)(request)

    names, coverage = await names_of(asked.answers(respond))
    assert (names, coverage.outcome) == (["a"], "truncated")
    assert detail in coverage.detail


async def test_a_server_that_never_ends_its_list_is_stopped(asked: Asked) -> None:
    reader = asked.answers(json_reply({"metadata": {"continue": "again"}, "items": [pod("a")]}))
    kept: list[Any] = []
    coverage = await reader.each_page(PODS, kept.extend, kept.clear, namespace="shop", max_pages=3)
    assert coverage == Coverage("pods in shop", "truncated", "stopped after 3 pages of 500")
    assert len(kept) == 3


async def test_what_a_read_is_called_is_the_callers_choice(asked: Asked) -> None:
    reader = asked.answers(json_reply({"items": []}))
    assert (await reader.collect(EVENTS, Event, what="recent warnings")).coverage.what == "recent warnings"
    assert (await reader.collect(EVENTS, Event)).coverage.what == "events"
    assert asked.api.paths() == ["/api/v1/events", "/api/v1/events"]


async def test_an_unlimited_query_asks_for_no_limit(asked: Asked) -> None:
    read = await asked.answers(json_reply({"items": []})).collect(PODS, Pod, query=Query(fields="a=b", limit=0))
    assert asked.api.requests[0].query == {"fieldSelector": "a=b"}
    assert read.source == "GET /api/v1/pods?fieldSelector=a%3Db"


async def test_a_long_refusal_is_cut(asked: Asked) -> None:
    _, coverage = await names_of(asked.answers(status_reply(400, "BadRequest", "x" * 5000)))
    assert len(coverage.detail) == 300


# Time.


async def test_a_silent_server_is_given_up_after_the_longest_read(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader_module, "READ_SECONDS", 0.2)
    began = time.monotonic()
    read = await asked.answers(Reply(how="hang")).get(PODS, Pod, "web-0", "shop")
    assert 0.2 <= time.monotonic() - began < 1.0
    assert (read.value, read.coverage.outcome, read.coverage.detail) == (None, "timed_out", "no answer within 0.2 s")


async def test_many_silent_reads_end_with_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader_module, "READ_SECONDS", 0.2)
    with serving(in_turn(Reply(how="hang"))) as api:
        connection = connect(api)
        reader = Reader(connection, seconds=0.3)
        began = time.monotonic()
        for name in ("a", "b", "c", "d", "e"):
            assert (await reader.get(PODS, Pod, name, "shop")).outcome == "timed_out"
        assert time.monotonic() - began < 0.9
        async with Together() as reads:
            late = [reads.start(reader.get(PODS, Pod, name, "shop")) for name in ("f", "g")]
        assert [read.value.outcome for read in late] == ["timed_out", "timed_out"]
        await connection.aclose()
    assert len(reader.coverage) == 7


async def test_a_busy_server_cannot_hold_a_read_longer_than_its_time(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader_module, "READ_SECONDS", 0.3)
    began = time.monotonic()
    read = await asked.answers(status_reply(429, "TooManyRequests", retry_after="5")).get(PODS, Pod, "web-0", "shop")
    assert time.monotonic() - began < 0.3, "a pause that would outlast the call is not begun"
    assert read.outcome == "unavailable"
    assert read.coverage.detail == "the API server has too many requests (429); it asks to wait 5 s"


async def test_pages_that_come_before_the_end_of_the_time_are_kept(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader_module, "READ_SECONDS", 0.2)

    def respond(request: Request) -> Reply:
        return Reply(how="hang") if request.query.get("continue") == "2" else paged(["a", "b", "c"], 1)(request)

    names, coverage = await names_of(asked.answers(respond))
    assert (names, coverage) == (["a", "b"], Coverage("pods in shop", "truncated", "no answer within 0.2 s"))


def test_a_hanging_server_is_answered_within_ten_seconds() -> None:
    assert READ_SECONDS < CALL_SECONDS < 10


# Logs.


async def log_of(reader: Reader, query: LogQuery | None = None) -> bytes | Coverage:
    async with reader.log("shop", "web-0", query or LogQuery("c")) as log:
        if isinstance(log, Coverage):
            return log
        return b"".join([block async for block in log])


async def test_a_log_is_asked_for_with_its_timestamps(asked: Asked) -> None:
    reader = asked.answers(Reply(200, b"first\nsecond\n", {"content-type": "text/plain"}))
    query = LogQuery("c", previous=True, since_time="2026-11-22T22:00:00Z", tail_lines=10, limit_bytes=99)
    assert await log_of(reader, query) == b"first\nsecond\n"
    assert asked.api.paths() == ["/api/v1/namespaces/shop/pods/web-0/log"]
    assert asked.api.requests[0].query == {
        "container": "c", "previous": "true", "sinceTime": "2026-11-22T22:00:00Z", "tailLines": "10",
        "limitBytes": "99", "timestamps": "true",
    }  # fmt: skip
    assert reader.coverage == []


async def test_a_plain_log_query_asks_for_nothing_else(asked: Asked) -> None:
    await log_of(asked.answers(Reply(200, b"")))
    assert asked.api.requests[0].query == {"container": "c", "timestamps": "true"}


@pytest.mark.parametrize(
    ("reply", "outcome", "detail"),
    [
        (Reply(204), "not_found", "no node runs this pod yet"),
        (status_reply(400, "BadRequest", WAITING), "not_found", WAITING),
        (
            status_reply(400, "BadRequest", 'previous terminated container "c" in pod "web-0" not found'),
            "not_found",
            'previous terminated container "c" in pod "web-0" not found',
        ),
        (
            status_reply(400, "BadRequest", "container nope is not valid for pod web-0"),
            "not_found",
            "container nope is not valid for pod web-0",
        ),
        (
            status_reply(403, "Forbidden", 'cannot get resource "pods/log"'),
            "forbidden",
            "RBAC: grant verb get on pods/log in namespace shop",
        ),
        (status_reply(404, "NotFound", 'pods "web-0" not found'), "not_found", ""),
        (status_reply(404, "NotCaptured", "the log was not captured"), "unavailable", "the log was not captured"),
        (status_reply(500, "InternalError", "dial tcp: kubelet"), "unavailable", "HTTP 500 dial tcp: kubelet"),
    ],
    ids=["204", "waiting", "previous", "container", "403", "404", "not-captured", "kubelet"],
)
async def test_a_log_that_is_not_there_is_coverage_that_says_why(
    asked: Asked, reply: Reply, outcome: str, detail: str
) -> None:
    reader = asked.answers(reply)
    found = await log_of(reader)
    assert found == Coverage("log of shop/web-0/c", outcome, detail)  # type: ignore[arg-type]
    assert reader.coverage == [found]


async def test_a_previous_log_is_named_as_such(asked: Asked) -> None:
    found = await log_of(asked.answers(Reply(204)), LogQuery("c", previous=True))
    assert isinstance(found, Coverage)
    assert found.what == "log of shop/web-0/c (previous)"


async def test_a_log_that_cannot_be_opened_is_unavailable(asked: Asked) -> None:
    found = await log_of(asked.answers(Reply(how="reset")))
    assert isinstance(found, Coverage)
    assert found.outcome == "unavailable"
    assert "127.0.0.1" in found.detail


async def test_a_log_that_breaks_off_gives_what_it_had_and_then_raises(asked: Asked) -> None:
    reader = asked.answers(Reply(body=b"first\nsecond\n", how="cut"))
    seen = []

    async def read() -> None:
        async with reader.log("shop", "web-0", LogQuery("c")) as log:
            assert not isinstance(log, Coverage)
            async for block in log:
                seen.append(block)  # noqa: PERF401 - what came before the break counts

    with pytest.raises(ClusterUnreachable):
        await read()
    assert b"".join(seen) == b"first\nsecond\n"


async def test_what_comes_without_being_waited_for_is_handed_on_at_once(asked: Asked) -> None:
    reader = asked.answers(Reply(200, b"x" * 8_000_000))
    async with reader.log("shop", "web-0", LogQuery("c")) as log:
        assert not isinstance(log, Coverage)
        sizes = [len(block) async for block in log]
    assert sum(sizes) == 8_000_000
    assert 8 <= len(sizes) <= 64, "neither the whole log at once, nor what a socket gives at a time"


async def test_a_log_that_never_begins_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader_module, "READ_SECONDS", 0.2)
    with serving(in_turn(Reply(how="hang"))) as api:
        connection = connect(api)
        reader = Reader(connection, seconds=0.3)
        began = time.monotonic()
        found = [await log_of(reader) for _ in range(5)]
        assert time.monotonic() - began < 0.9
        await connection.aclose()
    assert found[0] == Coverage("log of shop/web-0/c", "timed_out", "no answer within 0.2 s")
    assert {entry.outcome for entry in found if isinstance(entry, Coverage)} == {"timed_out"}


async def test_reading_a_long_log_leaves_time_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    def respond(_request: Request) -> Reply:
        return Reply(200, b"line\n" * 10)

    with serving(respond) as api:
        connection = connect(api)
        reader = Reader(connection, seconds=0.3)
        async with reader.log("shop", "web-0", LogQuery("c")) as log:
            assert not isinstance(log, Coverage)
            async for _ in log:
                time.sleep(0.4)  # noqa: ASYNC251 - stands for the work of scanning
        assert await log_of(reader) == b"line\n" * 10
        await connection.aclose()


async def test_a_log_that_drips_is_given_up_in_time_and_kept_as_far_as_it_came() -> None:
    with serving(in_turn(Reply(200, b"first\n", how="stall"))) as api:
        connection = connect(api)
        reader = Reader(connection, seconds=0.5)
        began = time.monotonic()
        async with reader.log("shop", "web-0", LogQuery("c")) as log:
            assert not isinstance(log, Coverage)
            seen = await anext(log)
            with pytest.raises(ClusterUnreachable, match=r"no more of it came within 0\.\d s"):
                await anext(log)
        assert time.monotonic() - began < 0.9
        assert seen == b"first\n"
        assert (await log_of(reader)) == Coverage(
            "log of shop/web-0/c", "timed_out", "not asked: the time of this call was used up"
        )
        await connection.aclose()


async def test_the_clock_of_a_reader_is_the_servers(asked: Asked) -> None:
    reader = asked.answers(json_reply({}, date="Sat, 29 Feb 2020 12:00:00 GMT"))
    await reader.version()
    assert reader.now.isoformat().startswith("2020-02-29T12:00:0")


async def test_coverage_keeps_the_order_of_the_reads(asked: Asked) -> None:
    reader = asked.answers(json_reply({"items": []}))
    for namespace in ("a", "b", "c"):
        await reader.collect(PODS, Pod, namespace)
    reader.cover("something else", "truncated", "because")
    whats = [entry.what for entry in reader.coverage]
    assert whats == ["pods in a", "pods in b", "pods in c", "something else"]
    assert all(one < other for one, other in pairwise(whats))
