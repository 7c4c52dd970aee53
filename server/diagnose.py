"""`terway-mcp diagnose` and `terway-mcp demo`: the scripted agent, shown or as JSON."""

import re
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import msgspec
from rich.console import Console

from terway_mcp.cluster.whole_file import write_whole
from terway_mcp.server.agent import Question, Walk, connected, investigate
from terway_mcp.server.envelope import safe_text
from terway_mcp.server.picture.page import report_file
from terway_mcp.server.show import Show

EXIT_VERDICT, EXIT_ERROR, EXIT_INSUFFICIENT = 0, 1, 3

_WIDTH = 110
_FONT_FACES = re.compile(r"\s*@font-face \{.*?\}", re.DOTALL)


async def diagnose(
    question: Question, options: list[str], where: str, *, as_json: bool, html: Path | None = None
) -> int:
    """Investigate and print, optionally write the report with the picture, too; returns the exit code."""
    discreet = "--anonymize" in options
    if as_json:
        async with connected(options) as client:
            walk = await investigate(client, question)
        print(msgspec.json.format(msgspec.json.encode(summary(walk)), indent=2).decode())  # noqa: T201 - the result
    else:
        walk = await _shown(question, options, where, Show(Console(), discreet=discreet))
    if html:
        await _write_report(html, "" if discreet else question.symptom, walk)
    return exit_code(walk)


async def demo(
    question: Question, options: list[str], where: str, *, svg: Path | None = None, html: Path | None = None
) -> int:
    """The same with an impatient agent; optionally write what was shown as an SVG."""
    console = Console(record=svg is not None, width=_WIDTH if svg else None)
    walk = await _shown(question, options, where, Show(console), impatient=True)
    if svg:
        await _write(svg, _without_fonts(console.export_svg(title="terway-mcp demo")))
    if html:
        await _write_report(html, question.symptom, walk)
    return exit_code(walk)


async def _shown(question: Question, options: list[str], where: str, show: Show, *, impatient: bool = False) -> Walk:
    show.question(question, where)
    async with AsyncExitStack() as stack:
        with show.waiting("the server starts"):
            client = await stack.enter_async_context(connected(options))
        walk = await investigate(client, question, impatient=impatient, watch=show.call, waiting=show.waiting)
    show.result(walk)
    return walk


def summary(walk: Walk) -> dict[str, Any]:
    """The object `diagnose --json` prints."""
    found = walk.correlation or {}
    result: dict[str, Any] = {
        "verdict": found.get("verdict"),
        "findings": found.get("findings", []),
        "timeline": found.get("timeline", []),
        "calls": _costs(walk),
        "report_markdown": walk.report,
    }
    if not found and walk.calls:
        result["error"] = walk.calls[-1].envelope.get("message", "")
    return result


def _costs(walk: Walk) -> list[dict[str, Any]]:
    return [{"tool": call.tool, "status": call.status, "bytes": call.bytes, "ms": call.ms} for call in walk.calls]


def exit_code(walk: Walk) -> int:
    """0 with a verdict, 3 when the evidence did not suffice, 1 when there was no verdict at all."""
    found = walk.correlation
    if found is None:
        return EXIT_ERROR
    return EXIT_INSUFFICIENT if found["verdict"]["confidence"] == "insufficient" else EXIT_VERDICT


def _without_fonts(svg: str) -> str:
    """A picture must not make its reader's browser fetch fonts from anywhere."""
    return _FONT_FACES.sub("", svg)


async def _write_report(path: Path, symptom: str, walk: Walk) -> None:
    """Write one file that shows everything and fetches nothing."""
    told = {**walk.calls[-1].envelope, "symptom": safe_text(symptom), "calls": _costs(walk)} if walk.calls else {}
    await _write(path, report_file(told, walk.report))


async def _write(path: Path, text: str) -> None:
    await anyio.to_thread.run_sync(write_whole, path, text.encode())


def run_diagnose(question: Question, options: list[str], where: str, *, as_json: bool, html: Path | None = None) -> int:
    """Blocking form of `diagnose`."""
    return anyio.run(partial(diagnose, question, options, where, as_json=as_json, html=html))


def run_demo(
    question: Question, options: list[str], where: str, *, svg: Path | None = None, html: Path | None = None
) -> int:
    """Blocking form of `demo`."""
    return anyio.run(partial(demo, question, options, where, svg=svg, html=html))
