"""A conversation with the server in which every answer is held against what all answers promise."""

import json
import time
from typing import Any

import jsonschema
from mcp import Client
from mcp_types import CallToolResult, TextContent

from terway_mcp.server.envelope import REFUSALS

Envelope = dict[str, Any]


class Talk:
    """One client and the output schemas it was told.

    `call` returns the envelope after checking that both halves say the same, compactly, that they match the schema
    and that `isError` fits the status.
    """

    def __init__(self, client: Client, schemas: dict[str, dict[str, Any]]) -> None:
        self.client = client
        self._schemas = schemas

    @classmethod
    async def begin(cls, client: Client) -> "Talk":
        """Learn the tools, as a host does after connecting."""
        listed = await client.list_tools()
        return cls(client, {tool.name: tool.output_schema or {} for tool in listed.tools})

    async def call(self, tool: str, **arguments: Any) -> Envelope:
        """Send one call and check its answer."""
        return self.checked(tool, await self.client.call_tool(tool, arguments))

    async def opened(self, **arguments: Any) -> str:
        """Open an investigation; returns its id."""
        return str((await self.call("inspect_cluster", **arguments))["investigation"]["id"])

    async def send(self, step: dict[str, Any]) -> Envelope:
        """Send an entry of `next_steps` as it stands."""
        return await self.call(step["tool"], **step["arguments"])

    def checked(self, tool: str, result: CallToolResult) -> Envelope:
        """The envelope of an answer that keeps all promises."""
        (content,) = result.content
        assert isinstance(content, TextContent)
        envelope: Envelope = dict(result.structured_content or {})
        assert json.loads(content.text) == envelope
        assert content.text == json.dumps(envelope, separators=(",", ":"), ensure_ascii=False), "not compact"
        jsonschema.validate(envelope, self._schemas[tool], cls=jsonschema.Draft202012Validator)
        assert result.is_error is (envelope["status"] in REFUSALS)
        assert envelope.get("message") or envelope["status"] not in REFUSALS, "a refusal says why"
        return envelope


async def unreachable_within_ten_seconds(talk: Talk, said: str) -> None:
    """The first call says why the cluster cannot be reached, in time, and may be repeated as it is."""
    begun = time.monotonic()
    answer = await talk.call("inspect_cluster")
    assert time.monotonic() - begun < 10
    assert answer["status"] == "unreachable"
    assert said in answer["message"]
    (step, *_) = answer["next_steps"]
    assert step["tool"] == "inspect_cluster"
    assert step["arguments"] == {"investigation": answer["investigation"]["id"]}
