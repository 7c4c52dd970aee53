"""The MCP App linked to `correlate`: a host with the extension `io.modelcontextprotocol/ui` shows the picture.

Hosts without it lose nothing: the answer is the same, and the page draws it from its structured half alone.
"""

from typing import Any

from mcp.server.apps import APP_MIME_TYPE, Apps
from mcp.server.mcpserver.resources import FunctionResource

from terway_mcp.server.picture.page import app_page

_TOOL = "correlate"
_URI = "ui://terway/timeline.html"


def incident_app() -> Apps:
    """The extension with its one page; it asks for no permission and no origin."""
    apps = Apps()
    page = FunctionResource(
        uri=_URI,
        name="timeline",
        title="Incident picture",
        description="What happened, object by object, with the causal chain; for hosts that show MCP Apps.",
        mime_type=APP_MIME_TYPE,
        meta={"ui": {"prefersBorder": True}},
        fn=app_page,
    )
    apps.add_resource(page)
    return apps


def link_of(tool: str) -> dict[str, Any] | None:
    """The `_meta` of a tool: the page that shows its results, if there is one."""
    return {"ui": {"resourceUri": _URI}} if tool == _TOOL else None
