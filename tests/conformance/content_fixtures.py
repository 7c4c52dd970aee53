"""What the official suite calls that only answers: content of every kind, progress, log lines, errors, new lists."""

import base64
import json
import struct
import zlib
from typing import Any

import anyio
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.prompts.base import Prompt, UserMessage
from mcp.server.mcpserver.tools import Tool
from mcp_types import AudioContent, ContentBlock, EmbeddedResource, ImageContent, TextContent, TextResourceContents
from pydantic import Field

Server = MCPServer[Any]
Asked = Context[Any, Any]

_JSON_SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }
    },
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"},
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}
"""Every JSON Schema keyword that must survive tools/list."""


def add_content(server: Server) -> None:
    """Add tools, resources and prompts whose names and answers the suite prescribes."""
    _add_plain_tools(server)
    _add_busy_tools(server)
    _add_schema_tools(server)
    _add_resources(server)
    _add_prompts(server)


def _text(words: str) -> TextContent:
    return TextContent(type="text", text=words)


def _embedded(uri: str, text: str, mime_type: str = "text/plain") -> EmbeddedResource:
    return EmbeddedResource(type="resource", resource=TextResourceContents(uri=uri, text=text, mime_type=mime_type))


def _png() -> bytes:
    """One red pixel."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    pixel = zlib.compress(b"\0\xff\0\0")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixel) + chunk(b"IEND", b"")


def _image() -> ImageContent:
    return ImageContent(type="image", data=base64.b64encode(_png()).decode(), mime_type="image/png")


def _audio() -> AudioContent:
    """A WAV file without a sample."""
    form = b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 16000, 2, 16) + b"data" + struct.pack("<I", 0)
    wav = b"RIFF" + struct.pack("<I", len(form)) + form
    return AudioContent(type="audio", data=base64.b64encode(wav).decode(), mime_type="audio/wav")


def _add_plain_tools(server: Server) -> None:
    answers: dict[str, list[ContentBlock]] = {
        "test_simple_text": [_text("This is a simple text response for testing.")],
        "test_image_content": [_image()],
        "test_audio_content": [_audio()],
        "test_embedded_resource": [_embedded("test://embedded-resource", "This is an embedded resource content.")],
        "test_multiple_content_types": [
            _text("Multiple content types test:"),
            _image(),
            _embedded("test://mixed-content-resource", '{"test":"data","value":123}', "application/json"),
        ],
    }
    for name, answer in answers.items():
        server.add_tool(_constant(answer), name=name, description=f"Answers with {name}.", structured_output=False)

    def test_error_handling() -> str:
        """Always fails."""
        raise ValueError("This tool intentionally returns an error for testing")

    server.add_tool(test_error_handling)


def _constant(answer: list[ContentBlock]) -> Any:
    def tool() -> list[ContentBlock]:
        return answer

    return tool


def _add_busy_tools(server: Server) -> None:
    async def test_tool_with_progress(ctx: Asked) -> str:
        """Reports progress in three steps."""
        for done in (0, 50, 100):
            await ctx.report_progress(done, 100, f"{done} of 100")
            await anyio.sleep(0.05)
        return "Progress was reported."

    async def test_tool_with_logging(ctx: Asked) -> str:
        """Sends three log lines."""
        for line in ("Tool execution started", "Tool processing data", "Tool execution completed"):
            await ctx.info(line)
            await anyio.sleep(0.05)
        return "Log lines were sent."

    async def test_reconnection(ctx: Asked) -> str:
        """Closes the stream of its own answer once."""
        await ctx.close_sse_stream()
        await anyio.sleep(0.2)
        return "The stream was closed once."

    async def test_trigger_tool_change(ctx: Asked) -> str:
        """Changes the list of tools and says so."""
        server.add_tool(_constant([]), name="test_passing_tool", description="Is gone at once.")
        server.remove_tool("test_passing_tool")
        await ctx.notify_tools_changed()
        return "The list of tools changed."

    async def test_trigger_prompt_change(ctx: Asked) -> str:
        """Changes the list of prompts and says so."""
        server.add_prompt(Prompt.from_function(lambda: "passing", name="test_passing_prompt"))
        server.remove_prompt("test_passing_prompt")
        await ctx.notify_prompts_changed()
        return "The list of prompts changed."

    for tool in (
        test_tool_with_progress,
        test_tool_with_logging,
        test_reconnection,
        test_trigger_tool_change,
        test_trigger_prompt_change,
    ):
        server.add_tool(tool)
    server.add_tool(test_tool_with_logging, name="test_logging_tool")


def _add_schema_tools(server: Server) -> None:
    def test_x_mcp_header(region: str = Field("", json_schema_extra={"x-mcp-header": "Region"})) -> str:
        """Has an argument that HTTP clients repeat in a header."""
        return f"region {region}"

    server.add_tool(test_x_mcp_header)
    server.add_tool(_constant([]), name="json_schema_2020_12_tool", description="Has every keyword of JSON Schema.")
    tool = server._tool_manager.get_tool("json_schema_2020_12_tool")
    assert isinstance(tool, Tool)
    tool.parameters = _JSON_SCHEMA


def _add_resources(server: Server) -> None:
    @server.resource("test://static-text", mime_type="text/plain")
    def static_text() -> str:
        return "This is the content of the static text resource."

    @server.resource("test://static-binary", mime_type="image/png")
    def static_binary() -> bytes:
        return _png()

    @server.resource("test://template/{id}/data", mime_type="application/json")
    def of_template(id: str) -> str:  # noqa: A002 - the name in the URI
        return json.dumps({"id": id, "templateTest": True, "data": f"Data for ID: {id}"})

    @server.resource("test://watched-resource", mime_type="text/plain")
    def watched() -> str:
        return "Watched resource content"


def _add_prompts(server: Server) -> None:
    @server.prompt()
    def test_simple_prompt() -> str:
        """Has no arguments."""
        return "This is a simple prompt for testing."

    @server.prompt()
    def test_prompt_with_arguments(arg1: str, arg2: str) -> str:
        """Has two arguments."""
        return f"Prompt with arguments: arg1='{arg1}', arg2='{arg2}'"

    @server.prompt()
    def test_prompt_with_embedded_resource(resourceUri: str) -> list[UserMessage]:  # noqa: N803 - prescribed
        """Embeds a resource."""
        return [
            UserMessage(_embedded(resourceUri, "Embedded resource content for testing.")),
            UserMessage("Please process the embedded resource above."),
        ]

    @server.prompt()
    def test_prompt_with_image() -> list[UserMessage]:
        """Holds an image."""
        return [UserMessage(_image()), UserMessage("Please analyze the image above.")]
