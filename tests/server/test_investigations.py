"""An investigation over several calls: skipped steps, repeated reads, expiry and restarts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from unittest.mock import ANY

import pytest
from mcp import Client
from mcp_types import TextResourceContents

from terway_mcp.cluster.clusters import Clusters
from terway_mcp.cluster.scenarios.scenario import Scenario
from terway_mcp.server import calls
from terway_mcp.server import store as store_module
from terway_mcp.server.app import create_server
from terway_mcp.server.store import LIFETIME_SECONDS, SqliteStore
from tests.server.talk import Envelope, Talk

pytestmark = pytest.mark.anyio

NODE = "cn-hangzhou.10.0.1.21"


@asynccontextmanager
async def served(bundle: Path, store: SqliteStore) -> AsyncIterator[Talk]:
    async with Client(create_server(Clusters(bundle=bundle), store=store)) as client:
        yield await Talk.begin(client)


async def to_the_verdict(talk: Talk, investigation: str, pod: str) -> Envelope:
    where = {"namespace": "shop", "pod": pod}
    for tool, arguments in (("inspect_pod", where), ("inspect_node", {"node": NODE}), ("get_events", where)):
        await talk.call(tool, investigation=investigation, **arguments)
    return await talk.call("correlate", investigation=investigation)


async def test_a_refused_call_runs_when_it_is_repeated_with_a_reason(talk: Talk) -> None:
    investigation = await talk.opened()
    call = {"investigation": investigation, "node": NODE}
    assert (await talk.call("grep_terway_logs", **call))["status"] == "out_of_order"
    for blank in ("", "  "):
        assert (await talk.call("grep_terway_logs", **call, skip_reason=blank))["status"] == "invalid"
    answer = await talk.call("grep_terway_logs", **call, skip_reason="events were read with kubectl")
    assert answer["status"] in ("ok", "no_data")
    assert answer["data"]["scanned"]


async def test_a_skipped_step_is_shown_in_every_later_answer_and_in_the_report_and_lowers_the_confidence(
    talk: Talk, vswitch_exhausted: Scenario
) -> None:
    sure = await to_the_verdict(talk, await talk.opened(), vswitch_exhausted.pod)
    investigation = await talk.opened()
    await talk.call("grep_terway_logs", investigation=investigation, node=NODE, skip_reason="I read them myself")
    doubted = await to_the_verdict(talk, investigation, vswitch_exhausted.pod)
    claimed = "events before grep_terway_logs (the caller says: I read them myself)"
    assert doubted["investigation"]["skipped"] == [claimed]
    assert (await talk.call("inspect_node", investigation=investigation, node=NODE))["investigation"]["skipped"] == [
        claimed
    ]
    assert (sure["data"]["verdict"]["confidence"], doubted["data"]["verdict"]["confidence"]) == ("confirmed", "likely")
    (page,) = (await talk.client.read_resource(doubted["data"]["report"])).contents
    assert isinstance(page, TextResourceContents)
    assert f"skipped: {claimed}" in page.text


async def test_a_reason_that_was_not_needed_is_not_held_against_the_caller(
    talk: Talk, vswitch_exhausted: Scenario
) -> None:
    investigation = await talk.opened()
    pod = {"namespace": "shop", "pod": vswitch_exhausted.pod}
    await talk.call("inspect_pod", investigation=investigation, **pod)
    answer = await talk.call("get_events", investigation=investigation, **pod, skip_reason="to be safe")
    assert answer["investigation"]["skipped"] == []


async def test_logs_read_beyond_what_the_events_settled_do_not_weaken_the_verdict(
    talk: Talk, vswitch_exhausted: Scenario
) -> None:
    investigation = await talk.opened()
    await to_the_verdict(talk, investigation, vswitch_exhausted.pod)
    assert (await talk.call("grep_terway_logs", investigation=investigation, node=NODE))["status"] == "out_of_order"
    await talk.call("grep_terway_logs", investigation=investigation, node=NODE, skip_reason="to be thorough")
    answer = await talk.call("correlate", investigation=investigation)
    assert answer["investigation"]["skipped"] == []
    assert answer["data"]["verdict"]["confidence"] == "confirmed"


async def test_what_is_read_again_keeps_its_evidence_and_is_marked_unchanged(
    talk: Talk, vswitch_exhausted: Scenario
) -> None:
    investigation = await talk.opened()
    pod = {"namespace": "shop", "pod": vswitch_exhausted.pod}
    await talk.call("inspect_pod", investigation=investigation, **pod)
    first = await talk.call("get_events", investigation=investigation, **pod)
    again = await talk.call("get_events", investigation=investigation, **pod)
    ids = [row["evidence"] for row in first["data"]["groups"]]
    assert [row["evidence"] for row in again["data"]["groups"]] == ids
    assert all(row["unchanged"] for row in again["data"]["groups"])


async def test_a_verdict_cites_only_evidence_that_its_answer_quotes(talk: Talk, vswitch_exhausted: Scenario) -> None:
    data = (await to_the_verdict(talk, await talk.opened(), vswitch_exhausted.pod))["data"]
    cited = {*data["verdict"]["evidence"], *(name for finding in data["findings"][:2] for name in finding["evidence"])}
    assert cited <= set(data["cited"])


async def test_the_same_calls_lead_to_the_same_answer(talk: Talk, vswitch_exhausted: Scenario) -> None:
    one = await to_the_verdict(talk, await talk.opened(), vswitch_exhausted.pod)
    two = await to_the_verdict(talk, await talk.opened(), vswitch_exhausted.pod)
    for answer in (one, two):
        answer["data"].pop("report")
    assert one["data"] == two["data"]


async def test_an_investigation_goes_on_after_a_restart_of_the_server(bundle: Path, tmp_path: Path) -> None:
    before = SqliteStore(tmp_path / "store.db")
    async with served(bundle, before) as talk:
        investigation = await talk.opened()
        await talk.call("inspect_node", investigation=investigation, node=NODE)
    before.close()
    after = SqliteStore(tmp_path / "store.db")
    async with served(bundle, after) as talk:
        answer = await talk.call("get_events", investigation=investigation, node=NODE)
    after.close()
    assert answer["status"] == "ok"
    assert f"node {NODE}" in answer["checked"]


async def test_an_investigation_without_calls_for_hours_is_unknown(bundle: Path) -> None:
    now = 1_800_000_000.0
    store = SqliteStore(clock=lambda: now)
    async with served(bundle, store) as talk:
        opened = await talk.call("inspect_cluster")
        investigation = opened["investigation"]["id"]
        now += LIFETIME_SECONDS - 1
        alive = await talk.call("inspect_node", investigation=investigation, node=NODE)
        now += LIFETIME_SECONDS
        gone = await talk.call("inspect_node", investigation=investigation, node=NODE)
    store.close()
    assert alive["status"] == "ok"
    assert gone["status"] == "unknown_investigation"
    assert "expired" in gone["message"]


async def test_a_store_that_fails_is_answered_and_not_a_crash(bundle: Path) -> None:
    store = SqliteStore()
    async with served(bundle, store) as talk:
        investigation = await talk.opened()
        store._db.execute("ALTER TABLE step RENAME TO lost")
        answer = await talk.call("inspect_node", investigation=investigation, node=NODE)
        assert answer["status"] == "unreachable"
        assert "investigation store" in answer["message"]
        store._db.execute("ALTER TABLE lost RENAME TO step")
        assert (await talk.call("inspect_node", investigation=investigation, node=NODE))["status"] == "ok"
    store.close()


async def test_one_investigation_too_many_is_refused_and_those_that_are_open_go_on(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "MOST_INVESTIGATIONS", 2)
    store = SqliteStore()
    async with served(bundle, store) as talk:
        opened = [await talk.opened() for _ in range(2)]
        refused = await talk.call("inspect_cluster")
        alive = [await talk.call("inspect_node", investigation=known, node=NODE) for known in opened]
    store.close()
    assert (refused["status"], refused["investigation"], refused["next_steps"]) == ("invalid", None, [])
    assert "go on with one of them, or open another in 240 min" in refused["message"]
    assert [answer["status"] for answer in alive] == ["ok", "ok"]


async def test_an_investigation_takes_no_calls_without_end(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "_MOST_STEPS", 3)
    store = SqliteStore()
    async with served(bundle, store) as talk:
        investigation = await talk.opened()
        answers = [await talk.call("inspect_node", investigation=investigation, node=NODE) for _ in range(4)]
        assert [answer["status"] for answer in answers] == ["ok", "ok", "invalid", "invalid"]
        assert answers[-1]["next_steps"][0] == {"tool": "inspect_cluster", "arguments": {}, "why": ANY}
        assert "Open another one with inspect_cluster" in answers[-1]["message"]
        assert (await talk.call("inspect_cluster"))["status"] == "ok"
    store.close()
