"""What the official suite calls that asks the client back.

Until 2025-11-25 a server sends requests of its own while a call runs; since 2026-07-28 it answers that input is
required, and the client calls again with the input.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.prompts.base import UserMessage
from mcp.shared.exceptions import MCPError
from mcp_types import (
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    ClientCapabilities,
    CreateMessageRequest,
    CreateMessageRequestParams,
    ElicitRequest,
    ElicitRequestFormParams,
    InputRequest,
    InputRequiredResult,
    ListRootsRequest,
    SamplingMessage,
    TextContent,
)
from pydantic import BaseModel, Field

Asked = Context[Any, Any]
Round = Mapping[str, InputRequest]


class Contact(BaseModel):
    username: str = Field(description="User's response")
    email: str = Field(description="User's email address")


class Defaults(BaseModel):
    name: str = "John Doe"
    age: int = 30
    score: float = 95.5
    status: str = Field("active", json_schema_extra={"enum": ["active", "inactive", "pending"]})
    verified: bool = True


def _titled(*titles: str) -> list[dict[str, str]]:
    return [{"const": f"value{number}", "title": title} for number, title in enumerate(titles, 1)]


_THREE = {"type": "string", "enum": ["option1", "option2", "option3"]}
_CHOICES = {
    "type": "object",
    "properties": {
        "untitledSingle": _THREE,
        "titledSingle": {"type": "string", "oneOf": _titled("First Option", "Second Option", "Third Option")},
        "legacyEnum": {
            "type": "string",
            "enum": ["opt1", "opt2", "opt3"],
            "enumNames": ["Option One", "Option Two", "Option Three"],
        },
        "untitledMulti": {"type": "array", "items": _THREE},
        "titledMulti": {"type": "array", "items": {"anyOf": _titled("First Choice", "Second Choice", "Third Choice")}},
    },
}


def add_questions(server: MCPServer[Any]) -> None:
    """Add the tools and the prompt whose names and questions the suite prescribes."""
    _add_requests_of_the_server(server)
    for name, rounds in _ROUNDS.items():
        words = f"Asks in {len(rounds)} rounds."
        server.add_tool(_asking(rounds), name=name, description=words, structured_output=False)
    server.add_tool(test_input_required_result_capabilities, structured_output=False)
    server.add_tool(test_missing_capability)

    @server.prompt()
    async def test_input_required_result_prompt(ctx: Asked) -> list[UserMessage] | InputRequiredResult:
        """Needs a context from the user."""
        if "user_context" in (ctx.input_responses or {}):
            return [UserMessage("Use the context that was given.")]
        return InputRequiredResult(input_requests={"user_context": _elicit("context")})


def _add_requests_of_the_server(server: MCPServer[Any]) -> None:
    async def test_sampling(prompt: str, ctx: Asked) -> str:
        """Asks the client for a text of its model."""
        answer = await ctx.session.create_message(
            messages=[SamplingMessage(role="user", content=TextContent(type="text", text=prompt))],
            max_tokens=100,
            related_request_id=ctx.request_id,
        )
        return f"LLM response: {answer.content}"

    async def test_elicitation(message: str, ctx: Asked) -> str:
        """Asks the user for two texts."""
        return f"User response: {await ctx.elicit(message, Contact)}"

    async def test_elicitation_sep1034_defaults(ctx: Asked) -> str:
        """Asks the user with defaults of every kind."""
        return f"Elicitation completed: {await ctx.elicit('Please check these values', Defaults)}"

    async def test_elicitation_sep1330_enums(ctx: Asked) -> str:
        """Asks the user to choose in every way there is."""
        answer = await ctx.session.elicit_form(
            "Please choose", requested_schema=_CHOICES, related_request_id=ctx.request_id
        )
        return f"Elicitation completed: action={answer.action}, content={answer.content}"

    for tool in (test_sampling, test_elicitation, test_elicitation_sep1034_defaults, test_elicitation_sep1330_enums):
        server.add_tool(tool)


def _elicit(wanted: str, kind: str = "string") -> ElicitRequest:
    schema = {"type": "object", "properties": {wanted: {"type": kind}}, "required": [wanted]}
    return ElicitRequest(params=ElicitRequestFormParams(message=f"What is the {wanted}?", requested_schema=schema))


def _sample(question: str) -> CreateMessageRequest:
    message = SamplingMessage(role="user", content=TextContent(type="text", text=question))
    return CreateMessageRequest(params=CreateMessageRequestParams(messages=[message], max_tokens=100))


_ROUNDS: dict[str, Sequence[Round]] = {
    "test_streaming_elicitation": [{"user_name": _elicit("name")}],
    "test_input_required_result_elicitation": [{"user_name": _elicit("name")}],
    "test_input_required_result_sampling": [{"capital_question": _sample("What is the capital of France?")}],
    "test_input_required_result_list_roots": [{"client_roots": ListRootsRequest()}],
    "test_input_required_result_request_state": [{"confirm": _elicit("ok", "boolean")}],
    "test_input_required_result_tampered_state": [{"confirm": _elicit("ok", "boolean")}],
    "test_input_required_result_multi_round": [{"step1": _elicit("name")}, {"step2": _elicit("color")}],
    "test_input_required_result_multiple_inputs": [
        {"user_name": _elicit("name"), "greeting": _sample("Generate a greeting"), "client_roots": ListRootsRequest()}
    ],
}
"""What each tool asks, round by round."""


def _asking(rounds: Sequence[Round]) -> Callable[[Asked], Awaitable[str | InputRequiredResult]]:
    """A tool that goes to the next round when all of this one has been answered; the state is the round's number."""

    async def ask(ctx: Asked) -> str | InputRequiredResult:
        number = int(ctx.request_state or 0)
        if rounds[number].keys() <= (ctx.input_responses or {}).keys():
            number += 1
        if number == len(rounds):
            return f"state-ok: {ctx.input_responses}"
        return InputRequiredResult(input_requests=dict(rounds[number]), request_state=str(number))

    return ask


async def test_input_required_result_capabilities(ctx: Asked) -> InputRequiredResult:
    """Ask only what the client says it can answer."""
    able = ctx.client_capabilities or ClientCapabilities()
    questions: dict[str, InputRequest] = {}
    if able.sampling is not None:
        questions["sample"] = _sample("Say hello")
    if able.elicitation is not None:
        questions["ask"] = _elicit("name")
    return InputRequiredResult(input_requests=questions, request_state="0")


async def test_missing_capability(ctx: Asked) -> str:
    """Insist on a client that can sample."""
    able = ctx.client_capabilities
    if able is None or able.sampling is None:
        needed = {"requiredCapabilities": {"sampling": {}}}
        raise MCPError(MISSING_REQUIRED_CLIENT_CAPABILITY, "This tool needs a client that can sample", needed)
    return "The client can sample."
