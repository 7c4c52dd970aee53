"""docs/performance.md, written from the results of a run."""

import os
import platform
from collections.abc import Iterable
from pathlib import Path

from bench.result import Result

_BEGIN = """# Performance

Written by `./scripts/bench` from the results in `bench/results/`; every comparison was measured side by side, in turns,
on one machine in one run. Compare ratios and counts; milliseconds are that machine's.
"""

_WIDEST = 7

_FLOOR = """## The floor

- **Handshake**: the SDK itself. A bare server with one tool imports the same SDK; what is left above it is six tools
  with their schemas.
- **A call**: the requests of a tool go out side by side, so a call lasts as long as the slowest of them and, where one
  answer decides about the next, one more. The rest is decoding and the envelope.
  A served capture has an index for the fields objects are selected by, as a real API server has for pods by node; its
  first answers include decoding the capture itself, which is why a first call is slower in a larger one.
- **Events**: a real API server has no index for events and searches a namespace's for each list anew, whatever it
  returns; a served capture does not show that cost. Lists are therefore asked for once, in large pages, side by side.
- **Logs**: a byte is received once and searched once, one after the other. Over TLS, half of the time is the HTTP
  client's, some 16 KiB at a time; of the other half, RE2's automaton takes more than half, counting lines and watching
  for private keys most of the rest. A thread for searching was slower even with a core of its own: it asks for
  Python's lock after every hit, and the receiving thread lets go of it for microseconds only.
"""


def page(results: Iterable[Result], mode: str) -> str:
    """The whole page."""
    parts = [_BEGIN, _machine(mode)]
    for result in results:
        picture = f"![{result.title}](../bench/results/{result.job}.svg)\n" if result.drawn and result.rows else ""
        notes = "".join(f"- {note}\n" for note in result.notes)
        parts.append("\n".join(filter(None, [f"## {result.title}\n", picture, _table(result), notes])))
    return "\n".join([*parts, _FLOOR])


def _machine(mode: str) -> str:
    return (
        "## Machine\n\n"
        f"{platform.system()} on {platform.machine()}, {_processor()}, {os.cpu_count()} CPUs, "
        f"Python {platform.python_version()}. Repeat with `./scripts/bench{' --quick' if mode == 'quick' else ''}`.\n"
    )


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown CPU")


def _table(result: Result) -> str:
    if not result.rows:
        return ""
    names = list(result.rows[0].values)
    if len(names) > _WIDEST:
        return _lying(result, names)
    head = f"| | {' | '.join(names)} |\n|---|{'---:|' * len(names)}\n"
    return head + "".join(
        f"| {row.case.replace('<', '&lt;')} | {' | '.join(_number(row.values[name]) for name in names)} |\n"
        for row in result.rows
    )


def _lying(result: Result, names: list[str]) -> str:
    """A table too wide to read, with its cases side by side."""
    head = f"| | {' | '.join(row.case for row in result.rows)} |\n|---|{'---:|' * len(result.rows)}\n"
    return head + "".join(
        f"| {name} | {' | '.join(_number(row.values[name]) for row in result.rows)} |\n" for name in names
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) or value >= 100 else f"{value:.2f}"
