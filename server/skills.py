"""The skill over MCP: extension io.modelcontextprotocol/skills (SEP-2640).

The skill's files are resources below `skill://terway-troubleshooting`. Nothing is read from disk before a client asks.
"""

import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import PurePosixPath
from typing import Any

from mcp.server.context import ServerRequestContext
from mcp.server.extension import Extension, MethodBinding, ResourceBinding
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ResourceNotFoundError
from mcp.server.mcpserver.resources import FunctionResource
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, PaginatedRequestParams, RequestParams

from terway_mcp.prompts import skill

_ROOT = f"skill://{skill.NAME}"
_MAIN = f"{_ROOT}/SKILL.md"
_MARKDOWN = "text/markdown"
_MEDIA_TYPES = {".md": _MARKDOWN, ".sh": "text/x-shellscript"}
_DIRECTORY = "inode/directory"

_CACHING_SINCE = "2026-07-28"
_FRESH_MILLISECONDS = 3_600_000
"""The files change with the release only."""

Request = ServerRequestContext[Any, Any]
Plain = dict[str, Any]


class Named(RequestParams):
    """Parameters of a request about one skill."""

    uri: str


class Directory(PaginatedRequestParams):
    """Parameters of a request about one directory; it is never so long that it needs pages."""

    uri: str


class Skills(Extension):
    """Lists the one skill there is, hands out its manifest, and lists its directories."""

    identifier = "io.modelcontextprotocol/skills"

    def settings(self) -> Plain:
        """What is declared beside the extension's name."""
        return {"directoryRead": True}

    def resources(self) -> Sequence[ResourceBinding]:
        """SKILL.md; the files beside it are found through it, the manifest or a directory."""
        main = FunctionResource(
            uri=_MAIN,
            name=skill.NAME,
            description=str(skill.FRONTMATTER["description"]),
            mime_type=_MARKDOWN,
            fn=lambda: _text("SKILL.md"),
        )
        return [ResourceBinding(main)]

    def methods(self) -> Sequence[MethodBinding]:
        """The requests that the extension brings along."""
        return [
            MethodBinding("skills/list", PaginatedRequestParams, _list),
            MethodBinding("skills/get", Named, _get),
            MethodBinding("resources/directory/read", Directory, _read_directory),
        ]


def add_skill_files(server: MCPServer[Any]) -> None:
    """Register the files beside SKILL.md."""

    @server.resource(f"{_ROOT}/references/{{+path}}", title="Reference page of the skill", mime_type=_MARKDOWN)
    def reference(path: str) -> str:
        """Event reasons, OpenAPI codes, configuration keys, labels and root causes, to look up."""
        return _text(f"references/{path}")

    @server.resource(f"{_ROOT}/scripts/{{name}}", title="Script of the skill", mime_type=_MEDIA_TYPES[".sh"])
    def script(name: str) -> str:
        """Reports of a cluster, a node or a pod from a shell."""
        return _text(f"scripts/{name}")


async def _list(request: Request, _asked: PaginatedRequestParams) -> Plain:
    return {"skills": [_entry()], **_freshness(request)}


async def _get(request: Request, asked: Named) -> Plain:
    if asked.uri != _MAIN:
        raise MCPError(INVALID_PARAMS, "no such skill", {"uri": asked.uri})
    return {"skill": _entry(), **_freshness(request)}


async def _read_directory(request: Request, asked: Directory) -> Plain:
    children = _directories().get(asked.uri)
    if children is None:
        raise MCPError(INVALID_PARAMS, "no such directory", {"uri": asked.uri})
    return {"resources": children, **_freshness(request)}


def _freshness(request: Request) -> Plain:
    if request.protocol_version < _CACHING_SINCE:
        return {}
    return {"ttlMs": _FRESH_MILLISECONDS, "cacheScope": "public"}


@cache
def _entry() -> Plain:
    """The skill as hosts see it before they read it: its head, and every file with digest and size in bytes."""
    manifest = [
        {"uri": f"{_ROOT}/{path}", "digest": f"sha256:{hashlib.sha256(content).hexdigest()}", "size": len(content)}
        for path, content in skill.files().items()
    ]
    return {"uri": _MAIN, "frontmatter": skill.FRONTMATTER, "resources": manifest}


@cache
def _directories() -> dict[str, list[Plain]]:
    """The children of every directory, by its URI."""
    found: dict[str, dict[str, Plain]] = {}
    for path in map(PurePosixPath, skill.files()):
        for inner in (path, *path.parents[:-1]):
            found.setdefault(_uri(inner.parent), {})[_uri(inner)] = _resource(inner, is_file=inner == path)
    return {uri: list(children.values()) for uri, children in found.items()}


def _uri(path: PurePosixPath) -> str:
    return _ROOT if path == PurePosixPath() else f"{_ROOT}/{path}"


def _resource(path: PurePosixPath, *, is_file: bool) -> Plain:
    if path.name == "SKILL.md":
        described = {"name": skill.NAME, "description": skill.FRONTMATTER["description"]}
    else:
        described = {"name": path.name}
    # The launcher of the scripts has no suffix; it is a shell script, too.
    media_type = _MEDIA_TYPES.get(path.suffix, _MEDIA_TYPES[".sh"]) if is_file else _DIRECTORY
    return {"uri": _uri(path), **described, "mimeType": media_type}


def _text(path: str) -> str:
    content = skill.files().get(path)
    if content is None:
        raise ResourceNotFoundError("no such file of the skill")
    return content.decode()
