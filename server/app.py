"""Assembly of the MCP application: tools, prompt, resources and completions over one set of collaborators."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
import msgspec
from mcp.server.auth.provider import TokenVerifier
from mcp.server.auth.settings import AuthSettings
from mcp.server.context import ServerMiddleware
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.tools import Tool
from mcp.server.mcpserver.utilities.func_metadata import ArgModelBase, FuncMetadata
from mcp_types import CallToolResult, InputRequiredResult, TextContent, ToolAnnotations
from pydantic import PrivateAttr

from terway_mcp.cluster.clusters import Clusters
from terway_mcp.knowledge.base import Knowledge
from terway_mcp.prompts.sop import instructions
from terway_mcp.server import __version__
from terway_mcp.server.callers import caller_identity
from terway_mcp.server.calls import Calls
from terway_mcp.server.completions import add_completions
from terway_mcp.server.elicitation import ask, can_ask, is_asked_by_client, replied, to_be_asked
from terway_mcp.server.envelope import REFUSALS, Envelope
from terway_mcp.server.extensions import declared_in_handshake
from terway_mcp.server.outgoing import seal_errors
from terway_mcp.server.picture.app import incident_app, link_of
from terway_mcp.server.question import which_suspect
from terway_mcp.server.resources import add_prompt, add_resources
from terway_mcp.server.schema import input_schema, output_schema
from terway_mcp.server.skills import Skills, add_skill_files
from terway_mcp.server.steps import STEPS
from terway_mcp.server.store import SqliteStore, Store
from terway_mcp.server.tracing import describe_size
from terway_mcp.server.waiting import Audience, Listener, add_log_level
from terway_mcp.server.warm_up import Once, WarmUp
from terway_mcp.tools.case import Progress
from terway_mcp.tools.contracts import CONTRACTS, Contract

if TYPE_CHECKING:
    from terway_mcp.server.anonymity import Anonymity


class SopTool(Tool):
    """A tool whose every answer, also to malformed arguments, is the envelope.

    The SDK's own `run` would turn a validation error into bare text that does not match the output schema.
    """

    _calls: Calls = PrivateAttr()
    _contract: Contract = PrivateAttr()
    _discreet: bool = PrivateAttr(default=False)

    async def run(
        self, arguments: dict[str, Any], context: Context[Any, Any], convert_result: bool = False
    ) -> CallToolResult | InputRequiredResult:
        """Answer one call; nothing but cancellation is raised."""
        progress, begun = Progress(), anyio.current_time()
        listener = Listener(context, progress, discreet=self._discreet)
        async with listener.kept_informed():
            envelope = await self._answer(arguments, context, progress)
            question = None if self._discreet else which_suspect(arguments, envelope)
            if question and can_ask(context):
                if is_asked_by_client(context):
                    return to_be_asked(question)
                progress.message = "waiting for the user to choose"
                chosen = await ask(context, question, begun)
                envelope = await self._calls.begin_with(envelope, caller_identity(), chosen)
        await listener.hears_the_end(self.name, envelope.status)
        plain = await self._calls.leaving(envelope)
        text = msgspec.json.encode(plain)
        describe_size(len(text))
        return CallToolResult(
            content=[TextContent(type="text", text=text.decode())],
            structured_content=plain,
            is_error=envelope.status in REFUSALS,
        )

    async def _answer(self, arguments: dict[str, Any], context: Context[Any, Any], progress: Progress) -> Envelope:
        caller = caller_identity()
        if self.name == "inspect_cluster" and (reply := replied(context)):
            investigation, chosen = reply
            continued = {**arguments, "investigation": investigation}
            envelope = await self._calls.answer(self._contract, continued, caller, progress)
            if envelope.status != "unknown_investigation":
                return await self._calls.begin_with(envelope, caller, chosen)
        return await self._calls.answer(self._contract, arguments, caller, progress)


def create_server(
    clusters: Clusters,
    *,
    store: Store | None = None,
    knowledge: Callable[[], Knowledge] | None = None,
    middleware: Sequence[ServerMiddleware[Any]] = (),
    authentication: tuple[AuthSettings, TokenVerifier] | None = None,
    anonymize: bool = False,
) -> MCPServer[Audience]:
    """Build the server. Nothing is read from disk or network before the handshake has been answered.

    `middleware` sees every message; `authentication` says over HTTP whose tokens are accepted. With `anonymize` names,
    addresses and ids leave as pseudonyms, and nothing is offered or asked that would name them.
    """
    keeper = store or SqliteStore()
    knowledge = knowledge or Once(partial(Knowledge.load, ()))
    auth, verifier = authentication or (None, None)
    anonymity = _anonymity(keeper, knowledge) if anonymize else None
    calls = Calls(clusters, keeper, knowledge, anonymity)
    warm_up = WarmUp(clusters, knowledge)

    @asynccontextmanager
    async def lifespan(_server: MCPServer[Audience]) -> AsyncIterator[Audience]:
        try:
            async with warm_up.in_background():
                yield Audience()
        finally:
            with anyio.CancelScope(shield=True):
                await clusters.aclose()

    extensions = [Skills(), incident_app()]
    server: MCPServer[Audience] = MCPServer(
        "terway-mcp",
        title="Terway troubleshooting",
        version=__version__,
        tools=[_tool(contract, calls, discreet=anonymize) for contract in CONTRACTS],
        extensions=extensions,
        instructions=instructions(STEPS),
        lifespan=lifespan,
        middleware=[seal_errors, warm_up, declared_in_handshake(extensions), *middleware],
        log_level="WARNING",
        auth=auth,
        token_verifier=verifier,
    )
    add_prompt(server)
    add_resources(server, keeper, knowledge, caller_identity, anonymity)
    add_skill_files(server)
    add_completions(server, None if anonymize else clusters, knowledge)
    add_log_level(server)
    return server


def _anonymity(store: Store, knowledge: Callable[[], Knowledge]) -> "Anonymity":
    from terway_mcp.server.anonymity import Anonymity  # noqa: PLC0415 - only where it is asked for

    return Anonymity(store, knowledge)


def _tool(contract: Contract, calls: Calls, *, discreet: bool) -> Tool:
    tool = SopTool(
        fn=calls.answer,
        name=contract.name,
        title=contract.title,
        description=contract.description,
        parameters=input_schema(contract.arguments),
        fn_metadata=FuncMetadata(arg_model=ArgModelBase, output_schema=output_schema(contract.report)),
        is_async=True,
        context_kwarg=None,
        meta=link_of(contract.name),
        annotations=ToolAnnotations(
            read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=True
        ),
    )
    tool._calls = calls
    tool._contract = contract
    tool._discreet = discreet
    return tool
