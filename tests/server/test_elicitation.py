"""The question which suspect it is about: when it is asked, what a reply changes, and that nothing needs one."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.context import ClientRequestContext
from mcp_types import (
    CLIENT_CAPABILITIES_META_KEY,
    PROTOCOL_VERSION_META_KEY,
    ElicitRequestFormParams,
    ElicitRequestParams,
    ElicitResult,
    ErrorData,
)

from terway_mcp.cluster.clusters import Clusters
from terway_mcp.cluster.scenarios.catalog import bundle_path
from terway_mcp.server import elicitation
from terway_mcp.server.app import create_server
from tests.server.processes import http_server, stdio
from tests.server.talk import Envelope, Talk

pytestmark = pytest.mark.anyio

BUNDLE = bundle_path("cni-not-initialized")
VAGUE = "pods hang after a node joined"
TERWAY, WEB = "Pod kube-system/terway-eniip-47hxw", "Pod shop/web-4scw2srtd-kw46w"
NODES = ["Node cn-hangzhou.10.0.1.21", "Node cn-hangzhou.10.0.1.22"]
ERAS = ["legacy", "auto"]

Reply = Callable[[ElicitRequestFormParams], Awaitable[ElicitResult | ErrorData]]


class User:
    """Somebody at the client, who remembers what was asked."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply
        self.asked: list[ElicitRequestFormParams] = []

    async def __call__(self, _context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult | ErrorData:
        assert isinstance(params, ElicitRequestFormParams)
        self.asked.append(params)
        return await self._reply(params)


def chooses(value: Any) -> User:
    async def reply(_params: ElicitRequestFormParams) -> ElicitResult:
        return ElicitResult(action="accept", content={"object": value})

    return User(reply)


def answers(result: ElicitResult | ErrorData) -> User:
    async def reply(_params: ElicitRequestFormParams) -> ElicitResult | ErrorData:
        return result

    return User(reply)


@asynccontextmanager
async def talking(mode: str, user: User | None, bundle: Path = BUNDLE) -> AsyncIterator[Talk]:
    async with Client(create_server(Clusters(bundle=bundle)), mode=mode, elicitation_callback=user) as client:
        yield await Talk.begin(client)


def without_id(answer: Envelope) -> Envelope:
    """The answer, comparable with that of another investigation: reads end in any order, the version is read once."""
    identity = answer["investigation"]["id"]
    reads = {what for entry in answer["coverage"] for what in entry["what"].split("; ")}
    answer = {**answer, "coverage": sorted(reads - {"version of the API server"})}

    def blank(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: blank(each) for name, each in value.items()}
        return [blank(each) for each in value] if isinstance(value, list) else "" if value == identity else value

    return dict(blank(answer))


@pytest.fixture(scope="module")
async def todays() -> Envelope:
    """What a client is told that cannot ask anybody."""
    async with talking("auto", None) as talk:
        return without_id(await talk.call("inspect_cluster", symptom=VAGUE))


@pytest.mark.parametrize("mode", ERAS)
async def test_the_suspect_that_the_user_chose_comes_first_from_then_on(mode: str, todays: Envelope) -> None:
    user = chooses(WEB)
    async with talking(mode, user) as talk:
        answer = await talk.call("inspect_cluster", symptom=VAGUE)
        first, *_ = answer["next_steps"]
        assert (first["tool"], first["arguments"]["pod"]) == ("inspect_pod", "web-4scw2srtd-kw46w")
        assert first["why"] == "the user says that it is about this one"
        assert f"the user's choice: {WEB.replace('Pod', 'pod')}" in answer["checked"]
        assert answer["data"] == todays["data"]
        refused = await talk.call(
            "get_events",
            investigation=answer["investigation"]["id"],
            namespace="shop",
            pod="no-such-pod",
        )
        assert refused["status"] == "out_of_order"
        again = await talk.call("inspect_cluster", investigation=answer["investigation"]["id"], symptom=VAGUE)
        assert again["next_steps"][0] == first
    assert len(user.asked) == 1
    assert todays["next_steps"][0]["arguments"]["pod"] == "terway-eniip-47hxw"


@pytest.mark.parametrize("mode", ERAS)
async def test_a_node_may_be_chosen(mode: str) -> None:
    async with talking(mode, chooses(NODES[1])) as talk:
        answer = await talk.call("inspect_cluster", symptom=VAGUE)
        assert answer["next_steps"][0]["arguments"]["node"] == "cn-hangzhou.10.0.1.22"


@pytest.mark.parametrize("mode", ERAS)
async def test_the_question_offers_each_workload_once_and_none_in_this_servers_own_words(mode: str) -> None:
    user = chooses("none of these")
    async with talking(mode, user) as talk:
        await talk.call("inspect_cluster", symptom=VAGUE)
    (params,) = user.asked
    (field,) = params.requested_schema["properties"].values()
    assert field["enum"] == [TERWAY, WEB, *NODES, "none of these"]
    assert params.message == elicitation.MESSAGE


@pytest.mark.parametrize("mode", ERAS)
@pytest.mark.parametrize(
    "user",
    [
        answers(ElicitResult(action="decline")),
        answers(ElicitResult(action="cancel")),
        answers(ElicitResult(action="accept")),
        chooses("none of these"),
        chooses("Pod shop/another"),
        chooses(7),
        chooses(["x"]),
    ],
    ids=["decline", "cancel", "nothing", "none", "unknown", "number", "list"],
)
async def test_whoever_chooses_none_gets_the_answer_of_one_who_was_not_asked(
    mode: str, user: User, todays: Envelope
) -> None:
    user.asked.clear()
    async with talking(mode, user) as talk:
        assert without_id(await talk.call("inspect_cluster", symptom=VAGUE)) == todays
    assert len(user.asked) == 1


async def test_a_client_that_fails_to_ask_gets_that_answer_too(todays: Envelope) -> None:
    async with talking("legacy", answers(ErrorData(code=-32603, message="no window"))) as talk:
        assert without_id(await talk.call("inspect_cluster", symptom=VAGUE)) == todays


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"symptom": "terway-eniip-47hxw restarts"},
        {"symptom": "Web hangs"},
        {"symptom": "db-0 hangs"},
        {"symptom": "cn-hangzhou.10.0.1.21 is NotReady."},
        {"symptom": "the pods of web-4scw2srtd hang"},
    ],
    ids=lambda arguments: str(arguments.get("symptom", "no symptom")),
)
async def test_nothing_is_asked_where_the_symptom_names_something_or_there_is_none(arguments: dict[str, str]) -> None:
    user = chooses(WEB)
    async with talking("auto", user) as talk:
        assert (await talk.call("inspect_cluster", **arguments))["status"] == "ok"
    assert user.asked == []


@pytest.mark.parametrize("name", ["vswitch-exhausted", "healthy"])
async def test_nothing_is_asked_where_there_is_no_choice(name: str) -> None:
    user = chooses(WEB)
    async with talking("auto", user, bundle_path(name)) as talk:
        await talk.call("inspect_cluster", symptom=VAGUE)
    assert user.asked == []


def ask_by_hand(url: str, capabilities: dict[str, Any], **reply: Any) -> dict[str, Any]:
    """One round of a call over HTTP, by a client of these capabilities that asks its user itself."""
    headers = {
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": "2026-07-28",
        "mcp-method": "tools/call",
        "mcp-name": "inspect_cluster",
    }
    meta = {PROTOCOL_VERSION_META_KEY: "2026-07-28", CLIENT_CAPABILITIES_META_KEY: capabilities}
    params = {"name": "inspect_cluster", "arguments": {"symptom": VAGUE}, "_meta": meta, **reply}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    result: dict[str, Any] = httpx2.post(url, json=message, headers=headers, timeout=20).json()["result"]
    return result


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with http_server("--bundle", str(BUNDLE), home=tmp_path_factory.mktemp("home")) as url:
        yield url


@pytest.mark.parametrize(
    ("capabilities", "asks"),
    [
        ({"elicitation": {}}, True),
        ({"elicitation": {"form": {}}}, True),
        ({"elicitation": {"form": {}, "url": {}}}, True),
        ({"elicitation": {"url": {}}}, False),
        ({}, False),
    ],
    ids=str,
)
def test_only_a_client_that_can_show_a_form_is_asked(url: str, capabilities: dict[str, Any], asks: bool) -> None:
    assert (ask_by_hand(url, capabilities)["resultType"] == "input_required") is asks


@pytest.mark.parametrize("replies", [{"suspect-of-00000000000000000000000000": {"action": "decline"}}, {}], ids=str)
def test_a_reply_to_nothing_that_is_known_is_answered_afresh_and_nothing_is_asked_again(
    url: str, replies: dict[str, Any], todays: Envelope
) -> None:
    result = ask_by_hand(url, {"elicitation": {}}, inputResponses=replies)
    assert without_id(result["structuredContent"]) == todays


def test_a_choice_may_come_back_to_a_server_that_was_started_anew(tmp_path: Path) -> None:
    with http_server("--bundle", str(BUNDLE), home=tmp_path) as before:
        (key,) = ask_by_hand(before, {"elicitation": {}})["inputRequests"]
    with http_server("--bundle", str(BUNDLE), home=tmp_path) as after:
        chosen = {"action": "accept", "content": {"object": WEB}}
        answer = ask_by_hand(after, {"elicitation": {}}, inputResponses={key: chosen})["structuredContent"]
    assert answer["next_steps"][0]["arguments"]["pod"] == "web-4scw2srtd-kw46w"
    assert key.endswith(answer["investigation"]["id"])


async def test_a_user_who_is_not_there_delays_the_answer_for_a_bounded_time(
    monkeypatch: pytest.MonkeyPatch, todays: Envelope
) -> None:
    monkeypatch.setattr(elicitation, "_PATIENCE_SECONDS", 0.2)
    given_up = asyncio.Event()

    async def sleep(_params: ElicitRequestFormParams) -> ElicitResult:
        try:
            await asyncio.sleep(3600)
        finally:
            given_up.set()
        raise AssertionError("nobody sleeps that long")

    async with talking("legacy", User(sleep)) as talk:
        begun = time.monotonic()
        assert without_id(await talk.call("inspect_cluster", symptom=VAGUE)) == todays
        assert time.monotonic() - begun < 5
        async with asyncio.timeout(1):
            await given_up.wait()


async def test_a_call_that_took_long_already_asks_nobody(monkeypatch: pytest.MonkeyPatch, todays: Envelope) -> None:
    monkeypatch.setattr(elicitation, "_ANSWER_BY_SECONDS", 0.0)
    user = chooses(WEB)
    async with talking("legacy", user) as talk:
        assert without_id(await talk.call("inspect_cluster", symptom=VAGUE)) == todays
    assert user.asked == []


async def test_a_call_given_up_while_its_user_thinks_leaves_the_server_in_order() -> None:
    asked = asyncio.Event()

    async def think(_params: ElicitRequestFormParams) -> ElicitResult:
        asked.set()
        await asyncio.sleep(3600)
        raise AssertionError("nobody thinks that long")

    async with talking("legacy", User(think)) as talk:
        call = asyncio.create_task(talk.call("inspect_cluster", symptom=VAGUE))
        async with asyncio.timeout(20):
            await asked.wait()
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        assert (await talk.call("inspect_cluster"))["status"] == "ok"


@pytest.mark.parametrize(
    ("transport", "mode", "asks"),
    [("stdio", "legacy", True), ("stdio", "auto", True), ("http", "auto", True), ("http", "legacy", False)],
)
async def test_a_real_server_asks_wherever_its_transport_can(
    transport: str, mode: str, asks: bool, tmp_path: Path, todays: Envelope
) -> None:
    user = chooses(WEB)

    async def hold(client: Client) -> None:
        answer = await (await Talk.begin(client)).call("inspect_cluster", symptom=VAGUE)
        begins = answer["next_steps"][0]["arguments"]["pod"]
        assert begins == ("web-4scw2srtd-kw46w" if asks else todays["next_steps"][0]["arguments"]["pod"])

    if transport == "stdio":
        parameters = stdio("--bundle", str(BUNDLE), home=tmp_path)
        async with Client(parameters, mode=mode, elicitation_callback=user) as client:
            await hold(client)
    else:
        with http_server("--bundle", str(BUNDLE), home=tmp_path) as url:
            async with Client(url, mode=mode, elicitation_callback=user) as client:
                await hold(client)
    assert len(user.asked) == int(asks)
