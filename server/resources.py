"""Prompt and resources: the SOP, the knowledge and the reports for those who ask for them."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ResourceNotFoundError
from pydantic import Field

from terway_mcp.knowledge.base import Knowledge
from terway_mcp.prompts.entries import entry_page
from terway_mcp.prompts.report import report_page
from terway_mcp.prompts.sop import opening, sop
from terway_mcp.server.completions import KINDS
from terway_mcp.server.envelope import checked, safe_text
from terway_mcp.server.investigation import InvestigationLedger, setting
from terway_mcp.server.steps import STEPS
from terway_mcp.server.store import Store
from terway_mcp.tools.correlate import correlation
from terway_mcp.tools.evidence import normalized

if TYPE_CHECKING:
    from terway_mcp.server.anonymity import Anonymity

_MARKDOWN = "text/markdown"


def add_prompt(server: MCPServer[Any]) -> None:
    """Register the prompt `troubleshoot`; every argument may be left out."""

    @server.prompt(name="troubleshoot", title="Troubleshoot Terway", description="Walk Terway's SOP on a problem.")
    def troubleshoot(
        symptom: str = Field("", description="what is wrong, in the user's words"),
        namespace: str = Field("", description="namespace of the pod"),
        pod: str = Field("", description="name of the pod"),
        node: str = Field("", description="name of the node"),
        context: str = Field("", description="kubeconfig context; default: the current one"),
    ) -> str:
        known = {"symptom": symptom, "namespace": namespace, "pod": pod, "node": node, "context": context}
        return opening(STEPS, **{name: safe_text(value) for name, value in known.items()})


def add_resources(
    server: MCPServer[Any],
    store: Store,
    knowledge: Callable[[], Knowledge],
    caller: Callable[[], str],
    anonymity: "Anonymity | None" = None,
) -> None:
    """Register the SOP, the pages of the knowledge and the reports of investigations."""

    @server.resource("terway://sop", title="Troubleshooting SOP", mime_type=_MARKDOWN)
    def sop_page() -> str:
        """The order of steps, and how to answer."""
        return sop(STEPS)

    @server.resource("terway://knowledge/{kind}/{entry}", title="One Terway fact", mime_type=_MARKDOWN)
    def knowledge_page(kind: str, entry: str) -> str:
        """What an event reason, error code, text, configuration key, state or root cause means."""
        found = knowledge().get(kind, entry) if kind in KINDS else None
        if found is None:
            raise ResourceNotFoundError(safe_text(f"no knowledge entry {kind}/{entry}")[:200])
        return entry_page(found)

    @server.resource("terway://investigations/{id}/report", title="Report", mime_type=_MARKDOWN)
    async def report(id: str) -> str:  # noqa: A002 - the name in the URI
        """The verdict of an investigation with its evidence, as Markdown."""
        investigation = normalized(id)
        state = await store.load(investigation, caller())
        if state is None:
            raise ResourceNotFoundError("no such investigation")
        ledger = InvestigationLedger(store, investigation, state.withdrawn)
        found = correlation(await ledger.evidence(), knowledge(), setting(state))
        page = report_page(found, context=state.context, symptom=state.symptom, checked=checked(state))
        safe = "\n".join(safe_text(line) for line in page.split("\n"))
        return await anonymity.report(investigation, safe) if anonymity else safe
