"""The one way to an API server: GET only, patient with a busy server, quiet about secrets."""

import gzip
import resource
import threading
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import anyio
import httpx2
import pytest
from loopback import Api, Reply, Request, connect, in_turn, json_reply, refusing_port, serving, status_reply

from terway_mcp.cluster import connection as connection_module
from terway_mcp.cluster.connection import Connection, describe
from terway_mcp.cluster.errors import ClusterUnreachable

pytestmark = pytest.mark.anyio

PAUSE = connection_module._backoff

OK = json_reply({"gitVersion": "v1.36.2"})
BUSY = status_reply(429, "TooManyRequests", "try later")


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pause between two attempts, without the pause."""
    monkeypatch.setattr(connection_module, "_backoff", lambda _attempt: 0.01)


@pytest.fixture
def api() -> Iterator[Api]:
    with serving(in_turn(OK)) as api:
        yield api


class Credentials:
    """Tokens as an authorizer hands them out: the next one whenever fresh ones are asked for."""

    def __init__(self, *tokens: str) -> None:
        self._tokens = list(tokens)
        self.renewals = 0

    async def __call__(self, renew: bool) -> Mapping[str, str]:
        if renew:
            self.renewals += 1
            if len(self._tokens) > 1:
                self._tokens.pop(0)
        return {"authorization": f"Bearer {self._tokens[0]}"}


async def test_the_only_verb_on_the_wire_is_get(api: Api) -> None:
    connection = connect(api)
    await connection.get("/version", {})
    async with connection.stream("/log", {}) as (_, blocks):
        assert [block async for block in blocks]
    await connection.aclose()
    assert [request.method for request in api.requests] == ["GET", "GET"]


def test_a_connection_offers_no_other_verb() -> None:
    public = {name for name in vars(Connection) if not name.startswith("_")}
    assert public == {"now", "get", "stream", "aclose"}


async def test_the_answer_is_handed_out_whole_with_its_status(api: Api) -> None:
    api.respond = in_turn(status_reply(404, "NotFound", "gone"))
    connection = connect(api)
    answer = await connection.get("/api/v1/nodes", {"limit": "5", "labelSelector": "a in (b,c)"})
    await connection.aclose()
    assert answer.status == 404
    assert b"gone" in answer.body
    assert api.requests[0].query == {"limit": "5", "labelSelector": "a in (b,c)"}


@pytest.mark.parametrize(
    "trouble",
    [
        BUSY,
        status_reply(500, "InternalError", "etcdserver: request timed out"),
        status_reply(503, "ServiceUnavailable"),
        Reply(502, b"<html>bad gateway</html>"),
        Reply(how="reset"),
        Reply(body=b'{"half":', how="cut"),
    ],
    ids=["429", "500", "503", "502", "reset", "cut"],
)
async def test_a_passing_trouble_is_retried_until_it_has_passed(api: Api, trouble: Reply) -> None:
    api.respond = in_turn(trouble, OK)
    connection = connect(api)
    answer = await connection.get("/version", {})
    await connection.aclose()
    assert answer.status == 200
    assert b"v1.36.2" in answer.body
    assert len(api.requests) == 2


@pytest.mark.parametrize("status", [400, 403, 404, 405, 410, 422])
async def test_a_refusal_is_an_answer_and_not_retried(api: Api, status: int) -> None:
    api.respond = in_turn(status_reply(status, "Whatever"))
    connection = connect(api)
    assert (await connection.get("/version", {})).status == status
    await connection.aclose()
    assert len(api.requests) == 1


async def test_retry_after_is_waited_for(api: Api) -> None:
    api.respond = in_turn(status_reply(429, "TooManyRequests", retry_after="1"), OK)
    connection = connect(api)
    began = time.monotonic()
    assert (await connection.get("/version", {})).status == 200
    await connection.aclose()
    assert 1.0 <= time.monotonic() - began < 3.0


@pytest.mark.parametrize("value", ["soon", "-3", "²", "Wed, 21 Oct 2015 07:28:00 GMT", "1.5"])
async def test_an_odd_retry_after_does_no_harm(api: Api, value: str) -> None:
    api.respond = in_turn(status_reply(503, "ServiceUnavailable", retry_after=value), OK)
    connection = connect(api)
    assert (await connection.get("/version", {})).status == 200
    await connection.aclose()


def test_pauses_grow_and_differ_but_stay_short() -> None:
    first, second = ([PAUSE(attempt) for _ in range(50)] for attempt in (1, 2))
    assert 0.1 <= min(first) < max(first) <= 0.3
    assert 0.2 <= min(second) < max(second) <= 0.6


async def test_the_third_busy_answer_is_handed_out(api: Api) -> None:
    api.respond = in_turn(BUSY)
    connection = connect(api)
    assert (await connection.get("/version", {})).status == 429
    await connection.aclose()
    assert len(api.requests) == 3
    assert connection.requests == 3


async def test_three_resets_are_unreachable_naming_the_host_but_no_secret(api: Api) -> None:
    api.respond = in_turn(Reply(how="reset"))
    connection = connect(api, Credentials("s3cr3t-token"))
    with pytest.raises(ClusterUnreachable) as error:
        await connection.get("/api/v1/pods", {"fieldSelector": "metadata.name=hidden-name"})
    await connection.aclose()
    assert len(api.requests) == 3
    assert f"127.0.0.1:{api.port}" in str(error.value)
    assert "s3cr3t" not in str(error.value)
    assert "hidden-name" not in str(error.value)


async def test_a_port_nobody_listens_on_is_unreachable_by_name(api: Api) -> None:
    with refusing_port() as port:
        client = httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False)
        connection = Connection(client, Credentials("t"))
        with pytest.raises(ClusterUnreachable, match=f"127.0.0.1:{port}"):
            await connection.get("/version", {"secret": "query"})
        with pytest.raises(ClusterUnreachable, match=f"127.0.0.1:{port}"):
            async with connection.stream("/log", {"secret": "query"}):
                pass
        await connection.aclose()


def test_a_failure_before_any_request_is_described_by_its_kind() -> None:
    assert describe(httpx2.ConnectTimeout("")) == "ConnectTimeout"
    request = httpx2.Request("GET", "https://user:pass@10.0.0.1:6443/x?token=s3cr3t")
    described = describe(httpx2.ReadTimeout("too slow", request=request))
    assert described == "ReadTimeout to https://10.0.0.1:6443: too slow"


async def test_a_401_renews_the_credentials_once(api: Api) -> None:
    def respond(request: Request) -> Reply:
        return OK if request.token == "Bearer fresh" else status_reply(401, "Unauthorized", "Unauthorized")

    api.respond = respond
    credentials = Credentials("stale", "fresh")
    connection = connect(api, credentials)
    assert (await connection.get("/version", {})).status == 200
    assert (await connection.get("/version", {})).status == 200
    await connection.aclose()
    assert [request.token for request in api.requests] == ["Bearer stale", "Bearer fresh", "Bearer fresh"]
    assert credentials.renewals == 1


async def test_credentials_that_stay_the_same_are_not_sent_twice(api: Api) -> None:
    api.respond = in_turn(status_reply(401, "Unauthorized"))
    connection = connect(api, Credentials("revoked"))
    assert (await connection.get("/version", {})).status == 401
    await connection.aclose()
    assert len(api.requests) == 1


async def test_fresh_credentials_that_are_refused_too_end_it(api: Api) -> None:
    api.respond = in_turn(status_reply(401, "Unauthorized"))
    credentials = Credentials("stale", "fresh", "fresher")
    connection = connect(api, credentials)
    assert (await connection.get("/version", {})).status == 401
    await connection.aclose()
    assert len(api.requests) == 2
    assert credentials.renewals == 1


async def test_the_clock_is_the_servers(api: Api) -> None:
    yesteryear = datetime(2020, 2, 29, 12, 0, tzinfo=UTC)
    api.respond = in_turn(json_reply({}, date=format_datetime(yesteryear, usegmt=True)))
    connection = connect(api)
    assert abs(connection.now - datetime.now(UTC)) < timedelta(seconds=1)
    await connection.get("/version", {})
    assert timedelta(0) <= connection.now - yesteryear < timedelta(seconds=5)
    api.respond = in_turn(Reply(200, b"line\n", {"date": format_datetime(yesteryear + timedelta(days=1), usegmt=True)}))
    async with connection.stream("/log", {}):
        pass
    assert timedelta(days=1) <= connection.now - yesteryear < timedelta(days=1, seconds=5)
    await connection.aclose()


@pytest.mark.parametrize("date", ["yesterday", "", "Mon, 32 Foo 2026 25:00:00 GMT"])
async def test_a_date_that_is_none_leaves_the_clock_alone(api: Api, date: str) -> None:
    api.respond = in_turn(json_reply({}, date=date))
    connection = connect(api)
    await connection.get("/version", {})
    await connection.aclose()
    assert abs(connection.now - datetime.now(UTC)) < timedelta(seconds=1)


async def test_cancelling_a_get_closes_its_connection(api: Api) -> None:
    api.respond = in_turn(Reply(how="hang"))
    connection = connect(api)
    with anyio.move_on_after(0.2) as scope:
        await connection.get("/version", {})
    assert scope.cancelled_caught
    assert await anyio.to_thread.run_sync(api.abandoned.wait, 2.0)
    await connection.aclose()


async def test_leaving_a_stream_early_closes_its_connection(api: Api) -> None:
    api.respond = in_turn(Reply(body=b"x" * 4096 + b"\n", how="endless"))
    connection = connect(api)
    async with connection.stream("/log", {}) as (status, blocks):
        assert status == 200
        assert await anext(blocks)
    assert await anyio.to_thread.run_sync(api.abandoned.wait, 2.0)
    await connection.aclose()


async def test_cancelling_a_stream_closes_its_connection(api: Api) -> None:
    api.respond = in_turn(Reply(body=b"first\n", how="stall"))
    connection = connect(api)
    seen = []
    with anyio.move_on_after(0.3):
        async with connection.stream("/log", {}) as (_, blocks):
            async for block in blocks:
                seen.append(block)  # noqa: PERF401 - the loop never ends by itself
    assert b"".join(seen) == b"first\n"
    assert await anyio.to_thread.run_sync(api.abandoned.wait, 2.0)
    await connection.aclose()


async def test_a_stream_that_breaks_off_says_so_after_what_it_gave(api: Api) -> None:
    api.respond = in_turn(Reply(body=b"first\nsecond\n", how="cut"))
    connection = connect(api)
    seen = b""

    async def read() -> None:
        nonlocal seen
        async with connection.stream("/log", {}) as (_, blocks):
            async for block in blocks:
                seen += block

    with pytest.raises(ClusterUnreachable, match=f"127.0.0.1:{api.port}"):
        await read()
    await connection.aclose()
    assert seen == b"first\nsecond\n"


async def test_a_large_stream_comes_in_blocks(api: Api) -> None:
    api.respond = in_turn(Reply(body=b"0123456789abcdef" * 65_536))
    connection = connect(api)
    async with connection.stream("/log", {}) as (_, blocks):
        sizes = [len(block) async for block in blocks]
    await connection.aclose()
    assert sum(sizes) == 1 << 20
    assert max(sizes) <= 64 * 1024


@pytest.mark.parametrize("concurrency", [1, 3])
async def test_no_more_requests_are_under_way_than_allowed(concurrency: int) -> None:
    under_way, most, turn = 0, 0, threading.Lock()

    def respond(_request: Request) -> Reply:
        nonlocal under_way, most
        with turn:
            under_way += 1
            most = max(most, under_way)
        time.sleep(0.02)
        with turn:
            under_way -= 1
        return OK

    with serving(respond) as api:
        connection = connect(api, concurrency=concurrency)
        async with anyio.create_task_group() as tasks:
            for _ in range(9):
                tasks.start_soon(connection.get, "/version", {})
        await connection.aclose()
        assert len(api.requests) == 9
    assert most == concurrency


async def test_a_redirect_is_not_followed(api: Api) -> None:
    api.respond = in_turn(Reply(302, b"", {"location": "http://127.0.0.1:1/elsewhere"}))
    connection = connect(api, Credentials("t"))
    assert (await connection.get("/version", {})).status == 302
    await connection.aclose()
    assert api.paths() == ["/version"]


# Answers that are more than they seem.


async def test_a_compressed_answer_is_read(api: Api) -> None:
    api.respond = in_turn(Reply(200, gzip.compress(b'{"a": 1}'), {"content-encoding": "gzip"}))
    connection = connect(api)
    assert (await connection.get("/version", {})).body == b'{"a": 1}'
    await connection.aclose()
    assert api.requests[0].headers["accept-encoding"] == "gzip"


async def test_a_compressed_answer_that_grows_too_large_is_given_up_at_once(api: Api) -> None:
    bomb = gzip.compress(b" " * (256 << 20), 9)
    assert len(bomb) < 1 << 20
    api.respond = in_turn(Reply(200, bomb, {"content-encoding": "gzip"}))
    connection = connect(api)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ClusterUnreachable, match="larger than 8 MiB"):
        await connection.get("/version", {}, most=8 << 20)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    await connection.aclose()
    print(f"a bomb of {len(bomb)} bytes cost {grown:.0f} MiB of memory")
    assert grown < 128
    assert len(api.requests) == 1, "asking again would not make it smaller"


async def test_an_answer_without_end_is_given_up_at_its_limit(api: Api) -> None:
    api.respond = in_turn(Reply(200, b" " * (1 << 20), how="endless"))
    connection = connect(api)
    with pytest.raises(ClusterUnreachable, match="larger than 8 MiB"):
        await connection.get("/version", {}, most=8 << 20)
    await connection.aclose()


async def test_a_log_is_asked_for_plain_and_refused_when_it_is_not(api: Api) -> None:
    api.respond = in_turn(Reply(200, gzip.compress(b"line"), {"content-encoding": "gzip"}))
    connection = connect(api)
    with pytest.raises(ClusterUnreachable, match="compressed a log"):
        async with connection.stream("/log", {}):
            pass
    await connection.aclose()
    assert api.requests[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("year", ["1899", "1969", "9999"])
async def test_a_clock_beyond_reason_is_not_believed(api: Api, year: str) -> None:
    api.respond = in_turn(json_reply({}, date=f"Fri, 31 Dec {year} 23:59:59 GMT"))
    connection = connect(api)
    await connection.get("/version", {})
    await connection.aclose()
    assert abs((connection.now - datetime.now(UTC)).total_seconds()) < 5


# Streams are opened as answers are.


async def text_of(connection: Connection) -> tuple[int, bytes]:
    async with connection.stream("/log", {}) as (status, blocks):
        return status, b"".join([block async for block in blocks])


async def test_a_stream_renews_its_credentials_after_a_401(api: Api) -> None:
    renewals = []

    async def authorize(renew: bool) -> Mapping[str, str]:
        renewals.append(renew)
        return {"authorization": "Bearer new" if any(renewals) else "Bearer old"}

    def respond(request: Request) -> Reply:
        return Reply(200, b"line\n") if request.token == "Bearer new" else status_reply(401, "Unauthorized")

    api.respond = respond
    connection = connect(api, authorize)
    assert await text_of(connection) == (200, b"line\n")
    await connection.aclose()
    assert renewals == [False, True]


@pytest.mark.parametrize("trouble", [BUSY, status_reply(500, "InternalError"), Reply(how="reset")])
async def test_a_stream_is_begun_again_while_nothing_of_it_has_come(api: Api, trouble: Reply) -> None:
    api.respond = in_turn(trouble, Reply(200, b"line\n"))
    connection = connect(api)
    assert await text_of(connection) == (200, b"line\n")
    await connection.aclose()
    assert len(api.requests) == 2


async def test_a_stream_that_is_refused_for_good_says_so(api: Api) -> None:
    api.respond = in_turn(status_reply(500, "InternalError"))
    connection = connect(api)
    assert (await text_of(connection))[0] == 500
    api.respond = in_turn(Reply(how="reset"))
    with pytest.raises(ClusterUnreachable):
        await text_of(connection)
    await connection.aclose()


@pytest.mark.parametrize("seconds", ["6", "86400", "9" * 40])
async def test_a_server_that_asks_for_too_much_patience_has_answered(api: Api, seconds: str) -> None:
    api.respond = in_turn(status_reply(429, "TooManyRequests", retry_after=seconds))
    connection = connect(api)
    began = time.monotonic()
    assert (await connection.get("/version", {})).retry_after == seconds
    await connection.aclose()
    assert time.monotonic() - began < 1.0
    assert len(api.requests) == 1
