"""The skill over MCP, as hosts that read skills ask for it: SEP-2640 through the SDK's client, in both eras."""

import hashlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
import yaml
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, Request, TextResourceContents
from pydantic import TypeAdapter

from terway_mcp.cluster.clusters import Clusters
from terway_mcp.server.app import create_server

pytestmark = pytest.mark.anyio

EXTENSION = "io.modelcontextprotocol/skills"
ROOT = "skill://terway-troubleshooting"
MAIN = f"{ROOT}/SKILL.md"
ANY = TypeAdapter(dict[str, Any])
MODERN = "2026-07-28"


@pytest.fixture(params=["legacy", MODERN])
async def client(request: pytest.FixtureRequest) -> AsyncIterator[Client]:
    """A client of each era; there is no cluster, for a skill needs none."""
    async with Client(create_server(Clusters()), mode=request.param) as connected:
        yield connected


async def ask(client: Client, method: str, **params: Any) -> dict[str, Any]:
    return await client.session.send_request(Request[Any, Any](method=method, params=params), ANY)


async def read(client: Client, uri: str) -> TextResourceContents:
    (content,) = (await client.read_resource(uri)).contents
    assert isinstance(content, TextResourceContents)
    return content


async def entry(client: Client) -> dict[str, Any]:
    (only,) = (await ask(client, "skills/list"))["skills"]
    return dict(only)


async def test_every_file_has_the_digest_and_the_size_that_the_manifest_tells(client: Client) -> None:
    resources = (await entry(client))["resources"]
    assert resources[0]["uri"] == MAIN
    assert len({resource["uri"] for resource in resources}) == len(resources) > 10
    for resource in resources:
        content = (await read(client, resource["uri"])).text.encode()
        assert resource["digest"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
        assert resource["size"] == len(content)


async def test_the_head_of_the_skill_is_told_as_its_file_has_it(client: Client) -> None:
    _, head, _ = (await read(client, MAIN)).text.split("---\n", 2)
    assert (await entry(client))["frontmatter"] == yaml.safe_load(head)


async def test_one_skill_is_told_as_the_list_tells_it(client: Client) -> None:
    assert (await ask(client, "skills/get", uri=MAIN))["skill"] == await entry(client)


@pytest.mark.parametrize("uri", [ROOT, f"{ROOT}/references/events.md", "skill://other/SKILL.md", ""])
async def test_what_is_no_skill_is_no_skill(client: Client, uri: str) -> None:
    with pytest.raises(MCPError) as refusal:
        await ask(client, "skills/get", uri=uri)
    assert refusal.value.error.code == INVALID_PARAMS


async def test_walking_the_directories_finds_every_file_of_the_manifest_and_no_other(client: Client) -> None:
    files, waiting = set(), [ROOT]
    while waiting:
        for child in (await ask(client, "resources/directory/read", uri=waiting.pop()))["resources"]:
            if child["mimeType"] == "inode/directory":
                waiting.append(child["uri"])
            else:
                files.add(child["uri"])
    assert files == {resource["uri"] for resource in (await entry(client))["resources"]}


@pytest.mark.parametrize("uri", [MAIN, f"{ROOT}/nothing", f"{ROOT}/", f"{ROOT}/references/..", "terway://sop"])
async def test_what_is_no_directory_cannot_be_listed(client: Client, uri: str) -> None:
    with pytest.raises(MCPError) as refusal:
        await ask(client, "resources/directory/read", uri=uri)
    assert refusal.value.error.code == INVALID_PARAMS


@pytest.mark.parametrize("path", ["references/nothing.md", "references/../SKILL.md", "scripts/..%2F..%2Fskill.py"])
async def test_a_file_outside_the_manifest_cannot_be_read(client: Client, path: str) -> None:
    with pytest.raises(MCPError):
        await client.read_resource(f"{ROOT}/{path}")


async def test_a_file_says_what_it_is(client: Client) -> None:
    assert (await read(client, MAIN)).mime_type == "text/markdown"
    assert (await read(client, f"{ROOT}/references/causes/quota.md")).mime_type == "text/markdown"
    assert (await read(client, f"{ROOT}/scripts/terway-mcp")).mime_type == "text/x-shellscript"


async def test_hosts_list_the_skill_under_the_name_and_description_of_its_head(client: Client) -> None:
    (listed,) = [found for found in (await client.list_resources()).resources if found.uri == MAIN]
    head = (await entry(client))["frontmatter"]
    assert (listed.name, listed.description) == (head["name"], head["description"])


async def test_only_the_later_protocol_is_told_how_long_the_answers_stay_fresh(client: Client) -> None:
    fresh = {"ttlMs", "cacheScope"}
    for method, params in (
        ("skills/list", {}),
        ("skills/get", {"uri": MAIN}),
        ("resources/directory/read", {"uri": ROOT}),
    ):
        told = fresh & set(await ask(client, method, **params))
        assert told == (fresh if client.protocol_version == MODERN else set())
