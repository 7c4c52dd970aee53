"""Both protocol eras over both transports: the same server, the same order, the same answers."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client

from terway_mcp.cluster.scenarios.scenario import Scenario
from terway_mcp.server.steps import STEPS
from tests.server.processes import stdio
from tests.server.talk import Envelope, Talk

pytestmark = pytest.mark.anyio

NEGOTIATED = {"legacy": "2025-11-25", "auto": "2026-07-28", "2026-07-28": "2026-07-28"}


@pytest.fixture(scope="module", params=["stdio", "http"])
def endpoint(request: pytest.FixtureRequest, bundle: Path, empty_home: Path) -> Any:
    if request.param == "stdio":
        return stdio("--bundle", str(bundle), home=empty_home)
    return request.getfixturevalue("http_url")


@pytest.fixture(scope="module", params=["legacy", "auto"])
async def connected(request: pytest.FixtureRequest, endpoint: Any) -> AsyncIterator[tuple[str, Client]]:
    async with Client(endpoint, mode=request.param) as client:
        yield request.param, client


@pytest.fixture
async def speaking(connected: tuple[str, Client]) -> Talk:
    return await Talk.begin(connected[1])


async def walk(talk: Talk, first: dict[str, Any]) -> list[Envelope]:
    """Send a step, then whatever the server proposes first, until the verdict; at most ten calls."""
    answers, step = [], first
    for _ in range(10):
        answers.append(await talk.send(step))
        if (answers[-1]["data"] or {}).get("verdict") or not answers[-1]["next_steps"]:
            return answers
        step = answers[-1]["next_steps"][0]
    raise AssertionError(f"no verdict after {[answer['status'] for answer in answers]}")


async def test_the_version_of_the_era_is_negotiated(connected: tuple[str, Client]) -> None:
    mode, client = connected
    assert client.protocol_version == NEGOTIATED[mode]
    assert client.server_info is not None
    assert client.server_info.name == "terway-mcp"


async def test_a_client_may_pin_the_new_era_without_asking_first(endpoint: Any, vswitch_exhausted: Scenario) -> None:
    async with Client(endpoint, mode="2026-07-28") as client:
        assert client.protocol_version == "2026-07-28"
        opened = await (await Talk.begin(client)).call("inspect_cluster", namespace=vswitch_exhausted.namespace)
        assert opened["status"] == "ok"


async def test_the_instructions_name_the_tools_in_the_order_of_the_steps(connected: tuple[str, Client]) -> None:
    text = connected[1].instructions or ""
    order = dict.fromkeys(tool for step in STEPS for tool in step.tools)
    assert " -> ".join(order) in text
    assert "next_steps" in text


async def test_an_investigation_in_order_ends_in_the_right_verdict(speaking: Talk, vswitch_exhausted: Scenario) -> None:
    opened = await speaking.call("inspect_cluster", symptom=vswitch_exhausted.symptom)
    target = {"investigation": opened["investigation"]["id"], "namespace": "shop", "pod": vswitch_exhausted.pod}
    answers = await walk(speaking, {"tool": "inspect_pod", "arguments": target})
    assert {answer["status"] for answer in answers} == {"ok"}
    last = answers[-1]
    assert last["data"]["verdict"]["category"] == vswitch_exhausted.truth.category
    assert last["data"]["verdict"]["evidence"]
    said = json.dumps(last["data"]).casefold()
    assert [fact for fact in vswitch_exhausted.truth.facts if fact.casefold() not in said] == []
    assert last["investigation"]["done"] == ["cluster", "components", "target", "events", "resources", "correlate"]
    assert len(answers) + 1 <= 6


async def test_asking_for_logs_first_is_refused_and_leads_back_to_the_verdict(
    speaking: Talk, vswitch_exhausted: Scenario
) -> None:
    investigation = await speaking.opened()
    refused = await speaking.call("grep_terway_logs", investigation=investigation, node="cn-hangzhou.10.0.1.21")
    assert refused["status"] == "out_of_order"
    assert refused["data"] is None
    assert "Events come before logs" in refused["message"]
    assert refused["checked"] == ["cluster configuration and component health"]
    answers = await walk(speaking, refused["next_steps"][0])
    assert "out_of_order" not in {answer["status"] for answer in answers}
    assert answers[-1]["data"]["verdict"]["category"] == vswitch_exhausted.truth.category


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("correlate", {}),
        ("get_events", {"namespace": "shop", "pod": "web-4scw2srtd-kw46w"}),
        ("get_events", {"node": "cn-hangzhou.10.0.1.21"}),
        ("grep_terway_logs", {"component": "controlplane"}),
    ],
    ids=["correlate", "events of a pod", "events of a node", "logs of the controlplane"],
)
async def test_a_refusal_proposes_a_call_that_is_admitted(speaking: Talk, tool: str, arguments: dict[str, str]) -> None:
    refused = await speaking.call(tool, investigation=await speaking.opened(), **arguments)
    assert refused["status"] == "out_of_order"
    assert (await speaking.send(refused["next_steps"][0]))["status"] == "ok"


async def test_parallel_calls_of_one_investigation_get_distinct_and_steady_evidence_ids(speaking: Talk) -> None:
    opened = await speaking.call("inspect_cluster", namespace="shop")
    investigation = opened["investigation"]["id"]
    suspects = opened["data"]["suspects"]
    calls = [("inspect_pod", {"namespace": "shop", "pod": suspect["name"]}) for suspect in suspects]
    calls += [("inspect_node", {"node": f"cn-hangzhou.10.0.1.{number}"}) for number in (21, 22, 23)]

    async def evidence_of_all() -> list[str]:
        found: dict[int, str] = {}

        async def ask(index: int, tool: str, arguments: dict[str, str]) -> None:
            answer = await speaking.call(tool, investigation=investigation, **arguments)
            found[index] = answer["data"]["evidence"]

        async with anyio.create_task_group() as group:
            for index, (tool, arguments) in enumerate(calls):
                group.start_soon(ask, index, tool, arguments)
        return [found[index] for index in range(len(calls))]

    first = await evidence_of_all()
    assert len(set(first)) == len(calls)
    assert await evidence_of_all() == first


async def test_two_investigations_do_not_mix(speaking: Talk, vswitch_exhausted: Scenario) -> None:
    mine, other = await speaking.opened(), await speaking.opened()
    assert mine != other
    pod = {"namespace": "shop", "pod": vswitch_exhausted.pod}
    for tool in ("inspect_pod", "get_events"):
        last = await speaking.call(tool, investigation=mine, **pod)
    assert "events" in last["investigation"]["done"]
    refused = await speaking.call("get_events", investigation=other, **pod)
    assert refused["status"] == "out_of_order"
    assert refused["investigation"]["done"] == ["cluster", "components"]
    inspected = await speaking.call("inspect_node", investigation=other, node="cn-hangzhou.10.0.1.21")
    await speaking.call("get_events", investigation=other, node="cn-hangzhou.10.0.1.21")
    assert vswitch_exhausted.pod not in json.dumps(inspected["checked"])


async def test_an_unknown_tool_is_named_in_an_error(speaking: Talk) -> None:
    result = await speaking.client.call_tool("delete_everything", {})
    assert result.is_error
    assert "delete_everything" in str(result.content)
