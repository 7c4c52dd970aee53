"""`scripts/bench [--quick] [--job NAME ...]`: measure, write results and pictures, and after a whole run the page."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from bench import decoding, handshake, logs, peers, profiles, shell, tool_calls
from bench.limits import exceeded
from bench.page import page
from bench.result import Result
from bench.serving import ROOT
from bench.svg import draw

Jobs = dict[str, Callable[[], Result]]

_QUICK: Jobs = {
    "handshake": lambda: handshake.measure(3),
    "clusters": lambda: tool_calls.by_nodes((10, 200, 1_000), 3),
    "events": lambda: tool_calls.by_events((1_000, 10_000), 3),
    "decoding": lambda: decoding.measure(9),
    "logs": lambda: logs.measure((1, 10, 100), 2),
    "shell": lambda: shell.measure(200, 2),
    "peers": lambda: peers.measure(200, 2),
    "scan-profile": profiles.of_a_scan,
}
_FULL: Jobs = {
    "handshake": lambda: handshake.measure(11),
    "clusters": lambda: tool_calls.by_nodes((10, 200, 1_000, 5_000), 7),
    "events": lambda: tool_calls.by_events((1_000, 10_000, 100_000), 5),
    "decoding": lambda: decoding.measure(21),
    "logs": lambda: logs.measure((1, 10, 100, 1_000), 3),
    "shell": lambda: shell.measure(200, 5),
    "peers": lambda: peers.measure(200, 5),
    "scan-profile": profiles.of_a_scan,
}


def main(arguments: list[str] | None = None) -> int:
    """Run the jobs; 1 if counts or ratios of one are beyond what the product promises."""
    options = _parser().parse_args(arguments)
    jobs = _QUICK if options.quick else _FULL
    options.results.mkdir(parents=True, exist_ok=True)
    results = []
    for name in options.job or jobs:
        print(f"{name} ...", file=sys.stderr, flush=True)
        result = _measured(jobs[name])
        results.append(result)
        _write(result, options.results)
        _show(result)
    if options.page and not options.job:
        options.page.write_text(page(results, "quick" if options.quick else "full"))
    broken = [sentence for result in results for sentence in exceeded(result)]
    for sentence in broken:
        print(f"NOT KEPT: {sentence}")
    return 1 if broken else 0


def _measured(job: Callable[[], Result]) -> Result:
    """A ratio suffers from what else the machine does just then: beyond a limit it is measured anew, twice at most."""
    result = job()
    for _ in range(2):
        if not exceeded(result):
            break
        result = job()
    return result


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Measure what the product costs.")
    parser.add_argument("--quick", action="store_true", help="smaller sizes and fewer repeats: under three minutes")
    parser.add_argument("--job", action="append", choices=list(_FULL), help="only this one (repeatable)")
    parser.add_argument("--results", type=Path, default=ROOT / "bench" / "results", metavar="FOLDER")
    parser.add_argument("--page", type=Path, metavar="FILE", help="also write the page of a whole run")
    return parser


def _write(result: Result, folder: Path) -> None:
    text = msgspec.json.format(msgspec.json.encode(result), indent=2)
    (folder / f"{result.job}.json").write_bytes(text + b"\n")
    if result.drawn and result.rows:
        (folder / f"{result.job}.svg").write_text(draw(result))


def _show(result: Result) -> None:
    print(f"\n{result.title}")
    for row in result.rows:
        print(f"  {row.case:<34} " + "  ".join(f"{name} {value:,.2f}" for name, value in row.values.items()))
    for note in result.notes:
        print(f"  {note}")


if __name__ == "__main__":
    sys.exit(main())
