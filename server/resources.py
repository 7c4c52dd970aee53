"""Prompt, resources and completions: the SOP, the knowledge and the reports for those who ask for them."""

from collections.abc import Callable
from typing import Any, cast, get_args

import anyio
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ResourceNotFoundError
from mcp_types import Completion, CompletionArgument, CompletionContext, PromptReference, ResourceTemplateReference
from pydantic import Field

from terway_mcp.cluster.clusters import Clusters
from terway_mcp.cluster.errors import TerwayMcpError
from terway_mcp.cluster.names import namespace_name
from terway_mcp.cluster.objects import Namespace, Node, Pod
from terway_mcp.cluster.resources import NAMESPACES, NODES, PODS
from terway_mcp.knowledge.base import Knowledge
from terway_mcp.knowledge.schema import Kind
from terway_mcp.prompts.entries import entry_page
from terway_mcp.prompts.report import report_page
from terway_mcp.prompts.sop import opening, sop
from terway_mcp.server.envelope import checked, safe_text
from terway_mcp.server.investigation import setting
from terway_mcp.server.steps import STEPS
from terway_mcp.server.store import Store
from terway_mcp.tools.correlate import correlation
from terway_mcp.tools.evidence import normalized

_MARKDOWN = "text/markdown"
_KINDS: tuple[Kind, ...] = get_args(Kind)
_COMPLETION_SECONDS = 3.0
_COMPLETIONS = 100


def add_prompt(server: MCPServer[Any]) -> None:
    """Register the prompt `troubleshoot`; every argument may be left out."""

    @server.prompt(name="troubleshoot", title="Troubleshoot Terway", description="Walk Terway's SOP on a problem.")
    def troubleshoot(
        symptom: str = Field("", description="what is wrong, in the user's words"),
        namespace: str = Field("", description="namespace of the pod"),
        pod: str = Field("", description="name of the pod"),
        node: str = Field("", description="name of the node"),
    ) -> str:
        return opening(STEPS, symptom=symptom, namespace=namespace, pod=pod, node=node)


def add_resources(
    server: MCPServer[Any], store: Store, knowledge: Callable[[], Knowledge], caller: Callable[[], str]
) -> None:
    """Register the SOP, the pages of the knowledge and the reports of investigations."""

    @server.resource("terway://sop", title="Troubleshooting SOP", mime_type=_MARKDOWN)
    def sop_page() -> str:
        """The order of steps, and how to answer."""
        return sop(STEPS)

    @server.resource("terway://knowledge/{kind}/{entry}", title="One Terway fact", mime_type=_MARKDOWN)
    def knowledge_page(kind: str, entry: str) -> str:
        """What an event reason, error code, text, configuration key, state or root cause means."""
        found = knowledge().get(kind, entry) if kind in _KINDS else None
        if found is None:
            raise ResourceNotFoundError(f"no knowledge entry {kind}/{entry}"[:200])
        return entry_page(found)

    @server.resource("terway://investigations/{id}/report", title="Report", mime_type=_MARKDOWN)
    async def report(id: str) -> str:  # noqa: A002 - the name in the URI
        """The verdict of an investigation with its evidence, as Markdown."""
        investigation = normalized(id)
        state = await store.load(investigation, caller())
        if state is None:
            raise ResourceNotFoundError("no such investigation")
        found = correlation(await store.evidence(investigation), knowledge(), setting(state))
        page = report_page(found, context=state.context, symptom=state.symptom, checked=checked(state))
        return "\n".join(safe_text(line) for line in page.split("\n"))


def add_completions(server: MCPServer[Any], clusters: Clusters, knowledge: Callable[[], Knowledge]) -> None:
    """Offer contexts, namespaces, pods and nodes of the cluster, and ids of the knowledge."""

    async def complete(
        ref: PromptReference | ResourceTemplateReference,
        argument: CompletionArgument,
        context: CompletionContext | None,
    ) -> Completion:
        chosen = (context.arguments if context else None) or {}
        values: list[str] = []
        with anyio.move_on_after(_COMPLETION_SECONDS):
            values = await _values(clusters, knowledge, argument.name, chosen)
        matching = sorted(value for value in values if value.startswith(argument.value))
        return Completion(values=matching[:_COMPLETIONS], total=len(matching), has_more=len(matching) > _COMPLETIONS)

    register = cast("Callable[[Any], Any]", server.completion())  # type: ignore[no-untyped-call]
    register(complete)


async def _values(
    clusters: Clusters, knowledge: Callable[[], Knowledge], name: str, chosen: dict[str, str]
) -> list[str]:
    if name == "kind":
        return list(_KINDS)
    if name == "entry":
        kind = next((known for known in _KINDS if known == chosen.get("kind")), None)
        return [entry.id for entry in knowledge().entries(kind)] if kind else []
    try:
        return await _from_cluster(clusters, name, chosen)
    except TerwayMcpError:
        # A completion is a convenience: without a cluster there is simply nothing to offer.
        return []


async def _from_cluster(clusters: Clusters, name: str, chosen: dict[str, str]) -> list[str]:
    if name == "context":
        return await clusters.contexts()
    reader = await clusters.reader(await clusters.resolve(), seconds=_COMPLETION_SECONDS)
    if name == "namespace":
        namespaces = await reader.collect(NAMESPACES, Namespace)
        return [found.metadata.name for found in namespaces.value or []]
    if name == "node":
        nodes = await reader.collect(NODES, Node)
        return [found.metadata.name for found in nodes.value or []]
    if name == "pod" and chosen.get("namespace"):
        pods = await reader.collect(PODS, Pod, namespace_name(chosen["namespace"]))
        return [found.metadata.name for found in pods.value or []]
    return []
