"""Typed decoding of 5,000 events, beside the standard library's, which makes dictionaries."""

import json
import tempfile
from pathlib import Path

from bench import big_cluster
from bench.result import Result, Row, side_by_side
from terway_mcp.cluster.decode import decode_each, decode_page
from terway_mcp.cluster.objects import Event

_EVENTS = 5_000


def body() -> bytes:
    """A page of so many events as an API server sends it."""
    with tempfile.TemporaryDirectory() as folder:
        cluster = big_cluster.write(Path(folder), nodes=50, events=_EVENTS)
        return (cluster.path / "cluster-resources" / "events" / f"{big_cluster.NAMESPACE}.json").read_bytes()


def measure(repeats: int) -> Result:
    """Decode it in turns; typed as the tools do, one event at a time."""
    page = body()
    typed, plain = side_by_side(
        repeats,
        lambda: sum(1 for _ in decode_each(decode_page(page).items, Event)),
        lambda: len(json.loads(page)["items"]),
    )
    result = Result("decoding", f"Decoding {_EVENTS:,} events ({len(page) / 1e6:.1f} MB)", "", "ms", ["ms"])
    for index, (name, (seconds, _)) in enumerate((("typed, msgspec", typed), ("json of the standard library", plain))):
        result.rows.append(Row(name, {"ms": seconds * 1000, "x typed": seconds / typed[0]}, index))
    return result
