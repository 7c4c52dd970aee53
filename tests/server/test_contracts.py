"""What a host is told about the tools, held against committed snapshots and against the byte budgets.

After a wanted change, rewrite the snapshots and review their diff:

    TERWAY_MCP_UPDATE_SNAPSHOTS=1 python -m pytest tests/server/test_contracts.py
"""

import json
import os
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from terway_mcp.tools.contracts import CONTRACTS
from tests.server.talk import Talk

pytestmark = pytest.mark.anyio

SNAPSHOTS = Path(__file__).parent / "contracts"
NAMES = [contract.name for contract in CONTRACTS]
SELF_EVIDENT = {"namespace", "pod", "node"}
WHOLE_LIST, PROSE_AND_INPUT = 20_000, 8_000


async def contracts(talk: Talk) -> dict[str, dict[str, Any]]:
    """Each tool as it stands in the answer to tools/list."""
    listed = await talk.client.list_tools()
    return {tool.name: tool.model_dump(by_alias=True, exclude_none=True, mode="json") for tool in listed.tools}


def size(plain: Any) -> int:
    return len(json.dumps(plain, separators=(",", ":"), ensure_ascii=False).encode())


async def test_the_tools_are_the_six_of_the_procedure_in_its_order(talk: Talk) -> None:
    assert list(await contracts(talk)) == NAMES
    assert len(NAMES) == 6


@pytest.mark.parametrize("name", NAMES)
async def test_a_contract_equals_its_snapshot(talk: Talk, name: str) -> None:
    told = (await contracts(talk))[name]
    page = {"_meta"} if name == "correlate" else set()
    assert set(told) == {"name", "title", "description", "inputSchema", "outputSchema", "annotations"} | page
    text = json.dumps(told, indent=2, ensure_ascii=False) + "\n"
    path = SNAPSHOTS / f"{name}.json"
    if os.environ.get("TERWAY_MCP_UPDATE_SNAPSHOTS") == "1":
        path.write_text(text)
    assert path.read_text() == text, "see the first lines of this file"


def test_no_snapshot_is_left_over() -> None:
    assert sorted(path.stem for path in SNAPSHOTS.iterdir()) == sorted(NAMES)


async def test_the_list_of_tools_stays_within_its_budget(talk: Talk) -> None:
    told = await contracts(talk)
    whole = size({"tools": list(told.values())})
    prose = sum(len(tool["description"].encode()) + size(tool["inputSchema"]) for tool in told.values())
    print(
        f"tools/list {whole:,} of {WHOLE_LIST:,} bytes; descriptions and input schemas {prose:,} of {PROSE_AND_INPUT:,}"
    )
    assert whole <= WHOLE_LIST
    assert prose <= PROSE_AND_INPUT


@pytest.mark.parametrize("name", NAMES)
async def test_a_tool_says_that_it_only_reads(talk: Talk, name: str) -> None:
    annotations = (await contracts(talk))[name]["annotations"]
    assert annotations["readOnlyHint"] is True
    assert annotations["destructiveHint"] is False


@pytest.mark.parametrize("name", NAMES)
async def test_every_parameter_that_its_name_does_not_explain_is_described(talk: Talk, name: str) -> None:
    schema = (await contracts(talk))[name]["inputSchema"]
    silent = {parameter for parameter, rule in schema["properties"].items() if not rule.get("description")}
    assert silent <= SELF_EVIDENT


@pytest.mark.parametrize("name", NAMES)
async def test_the_input_schema_is_valid_and_forbids_unknown_arguments(talk: Talk, name: str) -> None:
    schema = (await contracts(talk))[name]["inputSchema"]
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["additionalProperties"] is False
    with pytest.raises(jsonschema.ValidationError, match="Additional properties"):
        jsonschema.validate({"investigation": "x", "namespaces": "shop"}, schema)


@pytest.mark.parametrize("name", NAMES)
async def test_the_output_schema_is_valid_and_has_the_envelope(talk: Talk, name: str) -> None:
    schema = (await contracts(talk))[name]["outputSchema"]
    jsonschema.Draft202012Validator.check_schema(schema)
    envelope = ["status", "investigation", "checked", "data", "coverage", "next_steps"]
    assert schema["required"] == envelope
    assert list(schema["properties"]) == [*envelope, "message"]


@pytest.mark.parametrize("name", NAMES)
async def test_every_tool_but_the_first_needs_an_investigation(talk: Talk, name: str) -> None:
    required = (await contracts(talk))[name]["inputSchema"].get("required", [])
    assert ("investigation" in required) is (name != "inspect_cluster")


async def test_the_description_of_the_first_tool_tells_how_long_an_investigation_lives(talk: Talk) -> None:
    assert "4 h" in (await contracts(talk))["inspect_cluster"]["description"]
