"""Four agents that behave as models do; each ends with the same verdict, or with a refusal that says what to do."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from mcp import Client

from terway_mcp.cluster.clusters import Clusters
from terway_mcp.cluster.scenarios.catalog import SCENARIOS, bundle_path
from terway_mcp.server.agent import Question, investigate
from terway_mcp.server.app import create_server

pytestmark = pytest.mark.anyio

SCENARIO = SCENARIOS["vswitch-exhausted"]
NODE = "cn-hangzhou.10.0.1.21"
POD = {"namespace": SCENARIO.namespace, "pod": SCENARIO.pod}


@asynccontextmanager
async def host() -> AsyncIterator[Client]:
    """An MCP host attached to a captured cluster."""
    async with Client(create_server(Clusters(bundle=bundle_path(SCENARIO.name)))) as client:
        yield client


async def send(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """One call; the envelope."""
    result = await client.call_tool(tool, arguments)
    assert result.structured_content is not None
    return result.structured_content


async def follow(client: Client, envelope: dict[str, Any]) -> dict[str, Any]:
    """Send the first of the next steps until there is a verdict."""
    for _ in range(10):
        if (envelope.get("data") or {}).get("verdict"):
            return dict(envelope["data"]["verdict"])
        step = envelope["next_steps"][0]
        envelope = await send(client, step["tool"], **step["arguments"])
    raise AssertionError("no verdict within ten calls")


async def test_a_good_agent_needs_six_calls_at_most() -> None:
    async with host() as client:
        walk = await investigate(client, Question(**POD))
    assert walk.correlation is not None
    assert walk.correlation["verdict"]["category"] == SCENARIO.truth.category
    assert len(walk.calls) <= 6
    assert sum(call.bytes for call in walk.calls) <= 8000 * 4


async def test_a_lazy_agent_that_asks_for_logs_first_is_led_to_the_same_verdict() -> None:
    async with host() as client:
        opened = await send(client, "inspect_cluster")
        investigation = opened["investigation"]["id"]
        lazy = await send(client, "grep_terway_logs", investigation=investigation, node=NODE)
        assert lazy["status"] == "out_of_order"
        assert lazy["data"] is None
        assert (await send(client, "correlate", investigation=investigation))["status"] == "out_of_order"
        verdict = await follow(client, lazy)
    assert verdict["category"] == SCENARIO.truth.category


async def test_a_lazy_agent_may_skip_a_step_with_a_reason_and_the_verdict_shows_it() -> None:
    async with host() as client:
        opened = await send(client, "inspect_cluster")
        investigation = opened["investigation"]["id"]
        skipped = await send(
            client, "get_events", investigation=investigation, **POD, skip_reason="the user inspected the pod already"
        )
        assert skipped["status"] == "ok"
        assert "the user inspected the pod already" in skipped["investigation"]["skipped"][0]
        answer = await send(client, "correlate", investigation=investigation, skip_reason="in a hurry")
    assert answer["data"]["verdict"]["confidence"] != "confirmed"
    assert any("in a hurry" in line for line in answer["data"]["missing_evidence"])


async def test_a_hostile_agent_gets_nothing_by_forging() -> None:
    async with host() as client:
        mine = (await send(client, "inspect_cluster"))["investigation"]["id"]
        other = (await send(client, "inspect_cluster"))["investigation"]["id"]
        await follow_to_events(client, other)
        for forged in ("0" * 26, mine[::-1], "E1", "../" + mine, mine + "x"):
            refused = await send(client, "inspect_pod", investigation=forged, **POD)
            assert refused["status"] == "unknown_investigation"
            assert refused["next_steps"][0]["tool"] == "inspect_cluster"
        await send(client, "inspect_pod", investigation=mine, **POD)
        await send(client, "get_events", investigation=mine, **POD)
        forged_evidence = await send(client, "grep_terway_logs", investigation=mine, node=NODE, confirm="E999")
        assert forged_evidence["status"] == "invalid"
        no_reason = await send(client, "grep_terway_logs", investigation=mine, node="n", skip_reason=" ")
        assert no_reason["status"] == "invalid"
        verdict = (await send(client, "correlate", investigation=mine))["data"]["verdict"]
    assert verdict["category"] == SCENARIO.truth.category


async def test_evidence_of_another_investigation_is_not_evidence_here() -> None:
    async with host() as client:
        rich = (await send(client, "inspect_cluster"))["investigation"]["id"]
        await follow_to_events(client, rich)
        poor = (await send(client, "inspect_cluster"))["investigation"]["id"]
        await send(client, "inspect_pod", investigation=poor, **POD)
        await send(client, "get_events", investigation=poor, **POD)
        ids = {
            row["evidence"] for row in (await send(client, "get_events", investigation=rich, **POD))["data"]["groups"]
        }
        known = {
            row["evidence"] for row in (await send(client, "get_events", investigation=poor, **POD))["data"]["groups"]
        }
        for foreign in ids - known:
            answer = await send(client, "grep_terway_logs", investigation=poor, node=NODE, confirm=foreign)
            assert answer["status"] == "invalid"


async def test_an_amnesiac_agent_that_repeats_itself_ends_with_the_same_evidence() -> None:
    async with host() as client:
        opened = await send(client, "inspect_cluster")
        investigation = opened["investigation"]["id"]
        first = await send(client, "inspect_pod", investigation=investigation, **POD)
        forgot = await send(client, "get_events", **POD)
        assert forgot["status"] == "invalid"
        assert "investigation" in forgot["message"]
        assert forgot["next_steps"][0]["tool"] == "inspect_cluster"
        again = await send(client, "inspect_pod", investigation=f" `{investigation.upper()}` ", **POD)
        assert again["data"]["evidence"] == first["data"]["evidence"]
        events = await send(client, "get_events", investigation=investigation, **POD)
        repeated = await send(client, "get_events", investigation=investigation, **POD)
        assert [row["evidence"] for row in repeated["data"]["groups"]] == [
            row["evidence"] for row in events["data"]["groups"]
        ]
        assert all(row["unchanged"] for row in repeated["data"]["groups"])
        resumed = await send(client, "inspect_cluster", investigation=investigation)
        verdict = await follow(client, resumed)
        repeated_verdict = (await send(client, "correlate", investigation=investigation))["data"]["verdict"]
    assert verdict["category"] == SCENARIO.truth.category
    assert repeated_verdict["root_cause"] == verdict["root_cause"]


async def follow_to_events(client: Client, investigation: str) -> None:
    """Inspect and read events, so that the investigation has evidence."""
    await send(client, "inspect_pod", investigation=investigation, **POD)
    await send(client, "inspect_node", investigation=investigation, node=NODE)
    await send(client, "get_events", investigation=investigation, **POD)
