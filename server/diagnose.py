"""`terway-mcp diagnose` and `terway-mcp demo`: the scripted agent, shown or as JSON."""

import re
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import msgspec
from rich.console import Console

from terway_mcp.server.agent import Question, Walk, connected, investigate
from terway_mcp.server.show import Show

EXIT_VERDICT, EXIT_ERROR, EXIT_INSUFFICIENT = 0, 1, 3

_WIDTH = 110
_FONT_FACES = re.compile(r"\s*@font-face \{.*?\}", re.DOTALL)


async def diagnose(question: Question, options: list[str], where: str, *, as_json: bool) -> int:
    """Investigate and print; returns the exit code."""
    console = Console()
    show = Show(console)
    if not as_json:
        show.question(question, where)
    async with connected(options) as client:
        walk = await investigate(client, question, watch=(lambda _: None) if as_json else show.call)
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(summary(walk)), indent=2).decode())  # noqa: T201 - the result
    else:
        show.result(walk)
    return exit_code(walk)


async def demo(question: Question, options: list[str], where: str, picture: Path | None) -> int:
    """The same with an impatient agent; optionally write what was shown as an SVG."""
    console = Console(record=picture is not None, width=_WIDTH if picture else None)
    show = Show(console)
    show.question(question, where)
    async with connected(options) as client:
        walk = await investigate(client, question, impatient=True, watch=show.call)
    show.result(walk)
    if picture:
        await anyio.Path(picture).write_text(_without_fonts(console.export_svg(title="terway-mcp demo")))
    return exit_code(walk)


def summary(walk: Walk) -> dict[str, Any]:
    """The object `diagnose --json` prints."""
    found = walk.correlation or {}
    calls = [{"tool": call.tool, "status": call.status, "bytes": call.bytes, "ms": call.ms} for call in walk.calls]
    result: dict[str, Any] = {
        "verdict": found.get("verdict"),
        "findings": found.get("findings", []),
        "timeline": found.get("timeline", []),
        "calls": calls,
        "report_markdown": walk.report,
    }
    if not found and walk.calls:
        result["error"] = walk.calls[-1].envelope.get("message", "")
    return result


def exit_code(walk: Walk) -> int:
    """0 with a verdict, 3 when the evidence did not suffice, 1 when there was no verdict at all."""
    found = walk.correlation
    if found is None:
        return EXIT_ERROR
    return EXIT_INSUFFICIENT if found["verdict"]["confidence"] == "insufficient" else EXIT_VERDICT


def _without_fonts(svg: str) -> str:
    """A picture must not make its reader's browser fetch fonts from anywhere."""
    return _FONT_FACES.sub("", svg)


def run_diagnose(question: Question, options: list[str], where: str, *, as_json: bool) -> int:
    """Blocking form of `diagnose`."""
    return anyio.run(partial(diagnose, question, options, where, as_json=as_json))


def run_demo(question: Question, options: list[str], where: str, picture: Path | None) -> int:
    """Blocking form of `demo`."""
    return anyio.run(demo, question, options, where, picture)
