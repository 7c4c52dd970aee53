"""An investigation on a terminal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console, Group
from rich.padding import Padding
from rich.panel import Panel
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from terway_mcp.server.agent import Call, Question, Walk
from terway_mcp.server.envelope import safe_text

_COLOURS = {
    "ok": "green", "partial": "yellow", "no_data": "yellow", "out_of_order": "magenta", "confirmed": "green",
    "likely": "yellow", "possible": "yellow", "insufficient": "red",
}  # fmt: skip


class Show:
    """Prints calls as they happen and the verdict at the end.

    All text from the cluster is printed as text, never as markup.
    """

    def __init__(self, console: Console, *, discreet: bool = False) -> None:
        """`discreet` leaves out what the user typed: it holds real names."""
        self._console = console
        self._discreet = discreet
        self._aside = Console(stderr=True)

    @contextmanager
    def waiting(self, what: str) -> Iterator[Callable[[str], None]]:
        """While something is under way a line on stderr says what and for how long; only a terminal gets to see it.

        It is gone before anything else is printed, so the two streams may be one terminal.
        """
        if not self._aside.is_terminal:
            yield lambda _: None
            return
        columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
        with Progress(
            *columns, console=self._aside, transient=True, redirect_stdout=False, redirect_stderr=False
        ) as progress:
            line = progress.add_task(what, total=None)
            yield lambda said: progress.update(line, description=f"{what}: {said}" if said else what)

    def question(self, question: Question, where: str) -> None:
        """What is asked, of which cluster."""
        if self._discreet:
            self._console.print(Text("terway-mcp, with pseudonyms\n", style="bold"))
            return
        target = question.pod or question.workload or question.node or "the worst suspect"
        asked = f"{question.namespace}/{target}" if question.namespace else target
        words = (("terway-mcp ", "bold"), (safe_text(where), "cyan"), " asks about ", (safe_text(asked), "bold"))
        self._console.print(Text.assemble(*words))
        if question.symptom:
            self._console.print(Text(f"Reported: {safe_text(question.symptom)}", style="italic"))
        self._console.print()

    def call(self, call: Call) -> None:
        """One line for a call, and what a refusal says."""
        hidden = {"investigation", *(call.arguments if self._discreet else ())}
        given = " ".join(f"{name}={value}" for name, value in call.arguments.items() if name not in hidden)
        line = Table.grid(padding=(0, 1), expand=True)
        line.add_column(width=16, no_wrap=True)
        line.add_column(ratio=1, overflow="fold")
        line.add_column(width=13, no_wrap=True)
        line.add_column(width=8, justify="right", no_wrap=True)
        line.add_column(width=8, justify="right", no_wrap=True)
        line.add_row(
            Text(call.tool, style="bold"),
            Text(safe_text(given), style="dim"),
            Text(call.status, style=_COLOURS.get(call.status, "red")),
            Text(f"{call.bytes:,} B"),
            Text(f"{call.ms} ms", style="dim"),
        )
        self._console.print(line)
        if message := call.envelope.get("message"):
            self._console.print(_indented(Text(str(message), style="magenta")))
            for step in (call.envelope.get("next_steps") or [])[:1]:
                arguments = {k: v for k, v in step["arguments"].items() if k != "investigation"}
                words = " ".join([step["tool"], *(f"{name}={value}" for name, value in arguments.items())])
                self._console.print(_indented(Text(f"next: {words}", style="magenta")))
        elif why := (call.envelope.get("data") or {}).get("why"):
            self._console.print(_indented(Text(f"{call.envelope['data']['sufficiency']}: {why}", style="dim")))

    def result(self, walk: Walk) -> None:
        """The verdict with its evidence, fix and verification; or what kept it from being reached."""
        found = walk.correlation
        if found is None:
            message = walk.calls[-1].envelope.get("message") if walk.calls else "no answer"
            self._console.print(Panel(Text(str(message or "no verdict was reached")), title="No verdict", style="red"))
            return
        verdict = found["verdict"]
        colour = _COLOURS.get(verdict["confidence"], "white")
        self._console.print()
        self._console.print(
            Panel(
                Group(*self._verdict(found)),
                title=Text(f" {verdict['category']} - {verdict['confidence']} ", style=f"bold {colour}"),
                border_style=colour,
                padding=(1, 2),
            )
        )
        total, calls = sum(call.bytes for call in walk.calls), len(walk.calls)
        seconds = sum(call.ms for call in walk.calls) / 1000
        self._console.print(
            Text(f"{calls} calls, {total:,} bytes (about {total // 4:,} tokens), {seconds:.1f} s", style="dim")
        )

    def _verdict(self, found: dict[str, Any]) -> list[Text]:
        verdict = found["verdict"]
        lines = [Text(verdict["title"], style="bold"), Text(verdict["root_cause"])]
        if verdict.get("affected"):
            lines.append(Text(f"Affected: {', '.join(verdict['affected'])}"))
        lines.append(Text())
        for evidence, text in list(found.get("cited", {}).items())[:5]:
            lines.append(Text.assemble((f"{evidence:>4} ", "bold cyan"), text))
        best = next(iter(found.get("findings") or []), None)
        if best and best.get("fix"):
            lines += [Text(), Text.assemble(("Fix     ", "bold green"), best["fix"])]
        if best and best.get("verify"):
            lines.append(Text.assemble(("Verify  ", "bold green"), best["verify"]))
        for title, items in (
            ("Also found", [_other(finding) for finding in found.get("findings", [])[1:]]),
            ("Ruled out", [f"{item['title']}: {item['why']}" for item in found.get("ruled_out", [])]),
            ("Not explained", found.get("unexplained", [])),
            ("Missing", found.get("missing_evidence", [])),
        ):
            if items:
                lines += [Text(), Text(title, style="bold"), *(Text(f"- {item}") for item in items[:4])]
        return lines


def _other(finding: dict[str, Any]) -> str:
    told = f"{finding['title']} ({finding['category']}, {finding['confidence']}: {', '.join(finding['evidence'][:3])})"
    return f"{told}. {finding['fix']}" if finding.get("fix") else told


def _indented(text: Text) -> Padding:
    return Padding(text, (0, 0, 0, 4))
